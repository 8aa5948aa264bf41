// SPDX-License-Identifier: Apache-2.0
// When things happen in ingest: pure arithmetic on times, so that it is tested without waiting.
// In: times. Out: times to wait for. Each belongs to one thread.
#ifndef IFL_INGEST_PACE_H
#define IFL_INGEST_PACE_H

#include <stdbool.h>
#include <stdint.h>

// Plays timestamps against a clock. Zero-initialised.
struct ifl_pace {
    bool anchored;
    int64_t anchor_ns, anchor_pts_ns;
};
// The time at which the picture with this timestamp is due, `now_ns` or later. After falling far
// behind or a jump in the timestamps it starts anew from now.
int64_t ifl_pace_due(struct ifl_pace *pace, int64_t pts_ns, int64_t now_ns);

// Lets at most `rate` pictures a second through, evenly. Zero-initialised.
struct ifl_thin {
    bool started;
    int64_t next_ns;
};
bool ifl_thin_wants(struct ifl_thin *thin, double rate, int64_t time_ns);

// Pictures a second over the last seconds. Zero-initialised.
enum { IFL_METER_TIMES = 64 };
struct ifl_meter {
    int64_t time_ns[IFL_METER_TIMES];
    uint64_t count;
};
void ifl_meter_add(struct ifl_meter *meter, int64_t now_ns);
double ifl_meter_rate(const struct ifl_meter *meter, int64_t now_ns);

#endif
