// SPDX-License-Identifier: Apache-2.0
#include "profile/season.h"

#include <math.h>
#include <string.h>

static const int64_t HOUR_NS = 3600 * (int64_t)1000000000;

static int hour_of(int64_t wall_ns)
{
    int hour = (int)(wall_ns / HOUR_NS % IFL_HOURS);
    return hour < 0 ? hour + IFL_HOURS : hour;
}

void ifl_season_init(struct ifl_season *season)
{
    memset(season, 0, sizeof *season);
    season->hour = -1;
}

void ifl_season_learn(struct ifl_season *season, int64_t wall_ns, const float x[IFL_MODEL_DIMS])
{
    int hour = hour_of(wall_ns);
    if (hour != season->hour)
        season->earlier[hour] = season->rows[hour];
    season->hour = hour;
    if (season->rows[hour] < IFL_HOUR_ROWS_MAX)
        season->rows[hour]++;
    for (int c = 0; c < IFL_MODEL_DIMS; c++)
        season->mean[hour][c] += (x[c] - season->mean[hour][c]) / (float)season->rows[hour];
}

static bool is_known(const struct ifl_season *season, int hour)
{
    uint32_t rows = hour == season->hour ? season->earlier[hour] : season->rows[hour];
    return rows >= IFL_HOUR_ROWS_MIN;
}

bool ifl_season_offset(const struct ifl_season *season, int64_t wall_ns,
                       float offset[IFL_MODEL_DIMS])
{
    int hour = hour_of(wall_ns), hours = 0;
    if (!is_known(season, hour))
        return false;
    double inside = (double)(wall_ns % HOUR_NS) / (double)HOUR_NS - 0.5;
    int other = (hour + (inside < 0 ? IFL_HOURS - 1 : 1)) % IFL_HOURS;
    double share = is_known(season, other) ? fabs(inside) : 0, all[IFL_MODEL_DIMS] = {0};
    for (int h = 0; h < IFL_HOURS; h++) {
        if (!is_known(season, h))
            continue;
        hours++;
        for (int c = 0; c < IFL_MODEL_DIMS; c++)
            all[c] += (double)season->mean[h][c];
    }
    for (int c = 0; c < IFL_MODEL_DIMS; c++)
        offset[c] = (float)((1 - share) * (double)season->mean[hour][c] +
                            share * (double)season->mean[other][c] - all[c] / hours);
    return true;
}
