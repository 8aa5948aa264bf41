// SPDX-License-Identifier: Apache-2.0
// What is usual at each hour of the week, so that a stream can be compared with the same hour of
// other weeks. In: rows with their time of day (UTC). Out: by how much the channels of this moment
// usually differ from their mean over all hours. Plain storage; one thread.
#ifndef IFL_PROFILE_SEASON_H
#define IFL_PROFILE_SEASON_H

#include <stdbool.h>

#include "profile/model.h"

enum { IFL_HOURS = 168, IFL_HOUR_ROWS_MIN = 100, IFL_HOUR_ROWS_MAX = 4 * 3600 };

struct ifl_season {
    uint32_t rows[IFL_HOURS];    // learned from, all weeks
    uint32_t earlier[IFL_HOURS]; // of which before this visit of the hour
    int hour;                    // that the newest row was in, or -1
    float mean[IFL_HOURS][IFL_MODEL_DIMS];
};
void ifl_season_init(struct ifl_season *season);
void ifl_season_learn(struct ifl_season *season, int64_t wall_ns, const float x[IFL_MODEL_DIMS]);
// False while the hour has not been seen in an earlier week; between the middles of two known
// hours it goes over evenly.
bool ifl_season_offset(const struct ifl_season *season, int64_t wall_ns,
                       float offset[IFL_MODEL_DIMS]);

#endif
