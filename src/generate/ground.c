// SPDX-License-Identifier: Apache-2.0
#include "generate/ground.h"

#include <string.h>

enum { RETURNS = 4 }; // up to which what came back may be one thing that stands and is passed

static const double MOSTLY = 0.6; // of the frames

// 1 where something that stood for a while may be what the plate shows: it is seen less than most
// of the time, and has hardly ever come back.
static uint8_t is_uncertain(const struct ifl_profile *profile, int pixel)
{
    int level = ifl_ground_level(profile);
    const uint8_t *plate = profile->plate[level] + 3 * pixel;
    int seen = 0, returns = 0;
    bool before = false;
    for (int f = 0; f < profile->memory_frames; f++) {
        bool now = ifl_is_ground(profile->memory[f]->level[level] + 3 * pixel, plate);
        seen += now;
        returns += now && !before;
        before = now;
    }
    return seen < MOSTLY * profile->memory_frames && returns <= RETURNS;
}

static bool all_around(const uint8_t *flag, int stride)
{
    for (int y = -1; y <= 1; y++)
        for (int x = -1; x <= 1; x++)
            if (!flag[y * stride + x])
                return false;
    return true;
}

// An opening: what holds a square of 3x3.
static int open_up(const uint8_t *uncertain, uint8_t *large, int width, int height)
{
    int found = 0;
    for (int y = 1; y + 1 < height; y++)
        for (int x = 1; x + 1 < width; x++)
            if (all_around(uncertain + y * width + x, width))
                for (int r = y - 1; r <= y + 1; r++)
                    memset(large + r * width + x - 1, 1, 3);
    for (int i = 0; i < width * height; i++)
        found += large[i];
    return found;
}

double ifl_ground_known(const struct ifl_profile *profile)
{
    int level = ifl_ground_level(profile);
    int width = profile->level_width[level], height = profile->level_height[level];
    int pixels = width * height;
    uint8_t *flags = profile->plate[level] ? calloc(2, (size_t)pixels) : NULL;
    if (!flags)
        return 1;
    for (int i = 0; i < pixels; i++)
        flags[i] = is_uncertain(profile, i);
    int found = open_up(flags, flags + pixels, width, height);
    free(flags);
    return 1 - (double)found / pixels;
}
