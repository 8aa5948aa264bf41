// SPDX-License-Identifier: Apache-2.0
#include "generate/resample.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

enum { ONE = 1 << 14 };

// For each output sample the inputs under the kernel.
struct taps {
    int count;       // taps a sample
    int *first;      // may be outside: the edge is repeated
    int16_t *weight; // count a sample, sum ONE
};

static double cubic(double t)
{
    t = fabs(t);
    if (t < 1)
        return (1.5 * t - 2.5) * t * t + 1;
    return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

// The rounding error of the weights goes to the largest one.
static void weigh(double centre, double stretch, int first, int count, int16_t *weight)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += cubic((first + i - centre) / stretch);
    int total = 0, largest = 0;
    for (int i = 0; i < count; i++) {
        weight[i] = (int16_t)lround(ONE * cubic((first + i - centre) / stretch) / sum);
        total += weight[i];
        largest = weight[i] > weight[largest] ? i : largest;
    }
    weight[largest] = (int16_t)(weight[largest] + ONE - total);
}

static bool make_taps(struct taps *taps, int from, int to)
{
    double ratio = (double)from / to, stretch = fmax(ratio, 1);
    taps->count = (int)ceil(4 * stretch) + 1;
    taps->first = malloc((size_t)to * sizeof *taps->first);
    taps->weight = malloc((size_t)to * (size_t)taps->count * sizeof *taps->weight);
    if (!taps->first || !taps->weight)
        return false;
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * ratio - 0.5;
        taps->first[i] = (int)ceil(centre - 2 * stretch);
        weigh(centre, stretch, taps->first[i], taps->count,
              taps->weight + (ptrdiff_t)i * taps->count);
    }
    return true;
}

static void free_taps(struct taps *taps)
{
    free(taps->first);
    free(taps->weight);
}

static int inside(int i, int count)
{
    return i < 0 ? 0 : i < count ? i : count - 1;
}

static uint8_t rounded(int sum)
{
    sum = (sum + ONE / 2) >> 14;
    return (uint8_t)inside(sum, 256);
}

static void resample_row(const struct taps *taps, const uint8_t *from, int from_width, uint8_t *to,
                         int to_width)
{
    for (int x = 0; x < to_width; x++) {
        int sum[3] = {0};
        for (int t = 0; t < taps->count; t++) {
            const uint8_t *p = from + (ptrdiff_t)inside(taps->first[x] + t, from_width) * 3;
            int weight = taps->weight[(ptrdiff_t)x * taps->count + t];
            for (int c = 0; c < 3; c++)
                sum[c] += weight * p[c];
        }
        for (int c = 0; c < 3; c++)
            to[x * 3 + c] = rounded(sum[c]);
    }
}

static void resample_column(const struct taps *taps, int y, const uint8_t *from, int from_height,
                            uint8_t *to, int samples)
{
    for (int i = 0; i < samples; i++) {
        int sum = 0;
        for (int t = 0; t < taps->count; t++)
            sum += taps->weight[(ptrdiff_t)y * taps->count + t] *
                   from[(ptrdiff_t)inside(taps->first[y] + t, from_height) * samples + i];
        to[i] = rounded(sum);
    }
}

enum ifl_result ifl_resample(const uint8_t *from, int from_width, int from_height, uint8_t *to,
                             int to_width, int to_height, struct ifl_error *error)
{
    struct taps across = {0}, down = {0};
    uint8_t *rows = malloc((size_t)to_width * (size_t)from_height * 3);
    bool done = make_taps(&across, from_width, to_width) &&
                make_taps(&down, from_height, to_height) && rows;
    if (done) {
        for (int y = 0; y < from_height; y++)
            resample_row(&across, from + (ptrdiff_t)y * from_width * 3, from_width,
                         rows + (ptrdiff_t)y * to_width * 3, to_width);
        for (int y = 0; y < to_height; y++)
            resample_column(&down, y, rows, from_height, to + (ptrdiff_t)y * to_width * 3,
                            to_width * 3);
    }
    free_taps(&across);
    free_taps(&down);
    free(rows);
    return done ? IFL_OK
                : ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for an image of %dx%d",
                           to_width, to_height);
}
