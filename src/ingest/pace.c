// SPDX-License-Identifier: Apache-2.0
#include "ingest/pace.h"

#include "base/clock.h"

enum { LATE_MAX_S = 1, EARLY_MAX_S = 10, METER_S = 5 };

int64_t ifl_pace_due(struct ifl_pace *pace, int64_t pts_ns, int64_t now_ns)
{
    int64_t due = pace->anchor_ns + (pts_ns - pace->anchor_pts_ns);
    if (!pace->anchored || now_ns - due > LATE_MAX_S * IFL_SECOND_NS ||
        due - now_ns > EARLY_MAX_S * IFL_SECOND_NS) {
        *pace = (struct ifl_pace){true, now_ns, pts_ns};
        return now_ns;
    }
    return due > now_ns ? due : now_ns;
}

bool ifl_thin_wants(struct ifl_thin *thin, double rate, int64_t time_ns)
{
    if (!(rate > 0))
        return true;
    int64_t period = (int64_t)(1e9 / rate);
    // Containers round timestamps to milliseconds: a little early is in time.
    int64_t early = period / 20 < 2 * IFL_MILLISECOND_NS ? period / 20 : 2 * IFL_MILLISECOND_NS;
    if (thin->started && time_ns < thin->next_ns - early && time_ns > thin->next_ns - 2 * period)
        return false;
    bool late =
        !thin->started || time_ns > thin->next_ns + period || time_ns <= thin->next_ns - 2 * period;
    thin->next_ns = (late ? time_ns : thin->next_ns) + period;
    thin->started = true;
    return true;
}

void ifl_meter_add(struct ifl_meter *meter, int64_t now_ns)
{
    meter->time_ns[meter->count++ % IFL_METER_TIMES] = now_ns;
}

double ifl_meter_rate(const struct ifl_meter *meter, int64_t now_ns)
{
    uint64_t kept = meter->count < IFL_METER_TIMES ? meter->count : IFL_METER_TIMES, used = 0;
    int64_t first = 0, last = 0;
    for (; used < kept; used++) { // backwards from the newest
        int64_t time = meter->time_ns[(meter->count - 1 - used) % IFL_METER_TIMES];
        if (now_ns - time > METER_S * IFL_SECOND_NS)
            break;
        last = used ? last : time;
        first = time;
    }
    if (used < 2 || last <= first)
        return 0;
    double mean = (double)(last - first) / (double)(used - 1);
    // A pause longer than usual counts as well.
    int64_t end = (double)(now_ns - last) > 2 * mean ? now_ns : last;
    return (double)(used - 1) * 1e9 / (double)(end - first);
}
