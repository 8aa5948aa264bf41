// SPDX-License-Identifier: Apache-2.0
// Kinds: what may be blended with what. Upright objects (people) and wide ones (vehicles) are told
// apart by their boxes only; a cyclist seen from the front is upright, a lying person wide. Each
// kind learns the height that its objects have at each foot line (Theil and Sen).
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

enum { POINTS_MAX = 64 };

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float median(float *value, int count)
{
    qsort(value, (size_t)count, sizeof *value, by_value);
    return value[count / 2];
}

// Evenly chosen, so that the cost is bounded.
static int thin(float (*point)[2], int count)
{
    int kept = count < POINTS_MAX ? count : POINTS_MAX;
    for (int i = 0; i < kept; i++)
        memmove(point[i], point[(size_t)i * (size_t)count / (size_t)kept], sizeof *point);
    return kept;
}

void ifl_kind_fit(struct ifl_kind *kind, float (*foot_height)[2], int count)
{
    float slope[POINTS_MAX * (POINTS_MAX - 1) / 2 + 1] = {0}, offset[POINTS_MAX];
    int slopes = 0;
    count = thin(foot_height, count);
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) {
            float run = foot_height[i][0] - foot_height[j][0];
            if (fabsf(run) >= 4)
                slope[slopes++] = (foot_height[i][1] - foot_height[j][1]) / run;
        }
    }
    // What is farther stands higher in the picture and is smaller; anything else is an accident.
    kind->height_slope = slopes >= count ? fmaxf(median(slope, slopes), 0) : 0;
    for (int i = 0; i < count; i++)
        offset[i] = foot_height[i][1] - kind->height_slope * foot_height[i][0];
    kind->height_at_0 = count > 0 ? median(offset, count) : OBJECT_SIDE_MIN;
}

float ifl_kind_height(const struct ifl_kind *kind, float foot_y)
{
    return fmaxf(kind->height_at_0 + kind->height_slope * foot_y, OBJECT_SIDE_MIN);
}

float ifl_kind_area(const struct ifl_kind *kind, float foot_y)
{
    float height = ifl_kind_height(kind, foot_y);
    return height * height * kind->aspect * kind->fill;
}
