// SPDX-License-Identifier: Apache-2.0
#include "ingest/lag.h"

#include "base/clock.h"

enum { FORGETS = 1000, LATE_S = 1, LOOK_S = 1, FULL_S = 3 };

static const double busy_least = 0.9, busy_full = 0.98;

void ifl_lag_picture(struct ifl_lag *lag, int64_t pts_ns, int64_t now_ns)
{
    int64_t ahead_ns = now_ns - pts_ns;
    if (lag->begun)
        lag->least_ns += (now_ns - lag->taken_ns) / FORGETS;
    if (!lag->begun || ahead_ns < lag->least_ns)
        lag->least_ns = ahead_ns;
    lag->begun = true;
    lag->taken_ns = now_ns;
    lag->lag_ns = ahead_ns - lag->least_ns;
}

bool ifl_lag_due(const struct ifl_lag *lag, int64_t now_ns)
{
    return !lag->looked || now_ns - lag->looked_ns >= LOOK_S * IFL_SECOND_NS;
}

void ifl_lag_look(struct ifl_lag *lag, int64_t waited_ns, int64_t now_ns)
{
    int64_t passed_ns = now_ns - lag->looked_ns, since_ns = waited_ns - lag->waited_ns;
    lag->known = lag->looked && passed_ns > 0 && waited_ns > 0;
    if (lag->known) {
        double busy = 1 - (double)since_ns / (double)passed_ns;
        lag->busy = busy < 0 ? 0 : busy > 1 ? 1 : busy;
    }
    bool full = lag->known && lag->busy >= busy_full;
    lag->full_s = full ? lag->full_s + (double)passed_ns / 1e9 : 0;
    lag->looked = true;
    lag->looked_ns = now_ns;
    lag->waited_ns = waited_ns;
}

double ifl_lag_behind(const struct ifl_lag *lag)
{
    if (!lag->begun)
        return lag->full_s >= FULL_S ? lag->full_s : 0;
    bool ours = lag->known && lag->busy >= busy_least;
    return ours && lag->lag_ns >= LATE_S * IFL_SECOND_NS ? (double)lag->lag_ns / 1e9 : 0;
}
