// SPDX-License-Identifier: Apache-2.0
#include "profile/plate.h"

#include <stdlib.h>
#include <string.h>

enum { RUN = 64 }; // pixels worked on together, so that all of it stays in the first cache

// Samples of one run of pixels, one plane a channel, so that the pair loop vectorises.
struct run {
    uint8_t value[IFL_PLATE_SAMPLES][3][RUN];
    uint8_t weight[IFL_PLATE_SAMPLES][RUN];
    uint8_t votes[IFL_PLATE_SAMPLES][RUN]; // at most 64 * 3
};

static void load(struct run *run, const struct ifl_plate_sample *samples, int count, int start,
                 int pixels)
{
    for (int s = 0; s < count; s++) {
        const uint8_t *rgb = samples[s].rgb + 3 * start;
        const uint8_t *label = samples[s].label ? samples[s].label + start : NULL;
        for (int i = 0; i < pixels; i++) {
            for (int c = 0; c < 3; c++)
                run->value[s][c][i] = rgb[3 * i + c];
            run->weight[s][i] = label && label[i] ? 1 : IFL_PLATE_WEIGHT;
        }
        memcpy(run->votes[s], run->weight[s], RUN);
    }
}

static inline uint8_t distance(uint8_t a, uint8_t b)
{
    return (uint8_t)(a > b ? a - b : b - a);
}

static void vote(struct run *run, int a, int b)
{
    for (int i = 0; i < RUN; i++) {
        uint8_t d0 = distance(run->value[a][0][i], run->value[b][0][i]);
        uint8_t d1 = distance(run->value[a][1][i], run->value[b][1][i]);
        uint8_t d2 = distance(run->value[a][2][i], run->value[b][2][i]);
        uint8_t most = d0 > d1 ? d0 : d1;
        most = most > d2 ? most : d2;
        uint8_t same = most <= IFL_PLATE_RADIUS ? 0xff : 0;
        run->votes[a][i] = (uint8_t)(run->votes[a][i] + (same & run->weight[b][i]));
        run->votes[b][i] = (uint8_t)(run->votes[b][i] + (same & run->weight[a][i]));
    }
}

static int most_votes(const struct run *run, int count, int i)
{
    int best = 0;
    for (int s = 1; s < count; s++)
        if (run->votes[s][i] >= run->votes[best][i]) // a tie goes to the newer one
            best = s;
    return best;
}

// Mean and spread of all that agree with the sample of most votes.
static void settle(const struct run *run, int count, int i, uint8_t *rgb, uint8_t *noise)
{
    int best = most_votes(run, count, i), sum[3] = {0}, n = 0, spread = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int s = 0; s < count; s++) {
            int d[3], most = 0;
            for (int c = 0; c < 3; c++) {
                d[c] = distance(run->value[s][c][i], run->value[best][c][i]);
                most = d[c] > most ? d[c] : most;
            }
            if (most > IFL_PLATE_RADIUS)
                continue;
            for (int c = 0; c < 3 && pass == 0; c++)
                sum[c] += run->value[s][c][i];
            n += pass == 0;
            for (int c = 0; c < 3 && pass == 1; c++)
                spread += distance(run->value[s][c][i], rgb[c]);
        }
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)((2 * sum[c] + n) / (2 * n));
    }
    // Mean absolute deviation to standard deviation: times 5/4. Few samples show too little of it.
    int eighths = spread * IFL_PLATE_NOISE_ONE * 5 / (4 * 3 * n) + 2 * IFL_PLATE_NOISE_ONE / n;
    *noise = (uint8_t)(eighths < 255 ? eighths : 255);
}

void ifl_plate_estimate_row(const struct ifl_plate_sample *samples, int count, int width, int y,
                            const uint8_t *hold, uint8_t *plate, uint8_t *noise)
{
    struct run run;
    memset(&run, 0, sizeof run);
    for (int x = 0; x < width; x += RUN) {
        int pixels = width - x < RUN ? width - x : RUN, start = y * width + x;
        load(&run, samples, count, start, pixels);
        for (int a = 1; a < count; a++)
            for (int b = 0; b < a; b++)
                vote(&run, a, b);
        for (int i = 0; i < pixels; i++)
            if (!hold[start + i])
                settle(&run, count, i, plate + 3 * (start + i), noise + start + i);
    }
}
