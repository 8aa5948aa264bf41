// SPDX-License-Identifier: Apache-2.0
// A source's published profiles over time, in few numbers each. In: profiles as they are published.
// Out: points for charts. At most IFL_HISTORY_MAX: when they are full every second one goes and the
// least time between two doubles, so that they always reach back to the start. The caller locks.
#ifndef IFL_PIPELINE_HISTORY_H
#define IFL_PIPELINE_HISTORY_H

#include "inferloop/pipeline.h"

struct ifl_history { // begins as zeros
    int count;
    int64_t spacing_ns;
    struct ifl_history_point point[IFL_HISTORY_MAX];
};

// What a point says of a profile; needs no lock.
void ifl_history_point(const struct ifl_profile *profile, struct ifl_history_point *point);
void ifl_history_add(struct ifl_history *history, const struct ifl_history_point *point);
// The newest `most`, oldest first; returns how many.
int ifl_history_read(const struct ifl_history *history, struct ifl_history_point *points, int most);

#endif
