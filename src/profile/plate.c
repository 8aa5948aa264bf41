// SPDX-License-Identifier: Apache-2.0
#include "profile/plate.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

enum {
    RUN = IFL_PIXEL_RUN
}; // pixels worked on together, so that all of it stays in the first cache

// Samples of one run of pixels, one plane a channel, so that the pair loop vectorises.
struct run {
    uint8_t value[IFL_PLATE_SAMPLES][3][RUN];
    uint8_t weight[IFL_PLATE_SAMPLES][RUN];
    uint8_t known[IFL_PLATE_SAMPLES][RUN]; // 0xff: known to be foreground
    uint8_t votes[IFL_PLATE_SAMPLES][RUN]; // at most 64 * 3; later the deviation
    uint8_t best[3][RUN];
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
            uint8_t known = label && label[i]; // to be foreground
            run->weight[s][i] = known ? samples[s].foreground_votes : samples[s].ground_votes;
            run->known[s][i] = known ? 0xff : 0;
        }
        memcpy(run->votes[s], run->weight[s], RUN);
    }
}

static inline uint8_t distance(uint8_t a, uint8_t b)
{
    return (uint8_t)(a > b ? a - b : b - a);
}

// 0xff where sample `s` is the same ground as `other`.
static inline uint8_t is_same(struct run *run, uint8_t (*other)[RUN], int s, int i)
{
    uint8_t d0 = distance(run->value[s][0][i], other[0][i]);
    uint8_t d1 = distance(run->value[s][1][i], other[1][i]);
    uint8_t d2 = distance(run->value[s][2][i], other[2][i]);
    uint8_t most = d0 > d1 ? d0 : d1;
    most = most > d2 ? most : d2;
    return most <= IFL_PLATE_RADIUS ? 0xff : 0;
}

static void vote(struct run *run, int a, int b)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    uint8_t same[RUN];
    kernels->same((const uint8_t(*)[RUN])run->value[a], (const uint8_t(*)[RUN])run->value[b],
                  IFL_PLATE_RADIUS, same);
    kernels->add_where(same, run->weight[b], run->votes[a]);
    kernels->add_where(same, run->weight[a], run->votes[b]);
}

// The sample with most votes; a tie goes to the later one.
static void find_best(struct run *run, int count)
{
    uint8_t most[RUN] = {0};
    for (int s = 0; s < count; s++)
        for (int i = 0; i < RUN; i++) {
            uint8_t votes = run->votes[s][i], better = votes >= most[i] ? 0xff : 0;
            most[i] = votes > most[i] ? votes : most[i];
            for (int c = 0; c < 3; c++)
                run->best[c][i] =
                    (uint8_t)((run->value[s][c][i] & better) | (run->best[c][i] & ~better));
        }
}

// The mean of all samples that agree with it.
static void average(struct run *run, int count)
{
    uint16_t sum[3][RUN] = {0}, members[RUN] = {0};
    for (int s = 0; s < count; s++)
        for (int i = 0; i < RUN; i++) {
            uint8_t same = is_same(run, run->best, s, i);
            members[i] = (uint16_t)(members[i] + (same & 1));
            for (int c = 0; c < 3; c++)
                sum[c][i] = (uint16_t)(sum[c][i] + (same & run->value[s][c][i]));
        }
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < RUN; i++)
            if (members[i])
                run->best[c][i] = (uint8_t)((2 * sum[c][i] + members[i]) / (2 * members[i]));
}

static inline uint8_t add_saturated(uint8_t a, uint8_t b)
{
    return (uint8_t)(a + b < 255 ? a + b : 255);
}

// Noise by the 75 % quantile of the deviation among samples that are not foreground: somebody who
// passes is beyond it, leaves that always move are not. Found bit by bit, from the highest.
static void measure_noise(struct run *run, int count, uint8_t *noise)
{
    uint8_t ground[RUN] = {0}, quantile[RUN] = {0};
    for (int s = 0; s < count; s++)
        for (int i = 0; i < RUN; i++) {
            uint8_t sum = distance(run->value[s][0][i], run->best[0][i]);
            sum = add_saturated(sum, distance(run->value[s][1][i], run->best[1][i]));
            sum = add_saturated(sum, distance(run->value[s][2][i], run->best[2][i]));
            run->votes[s][i] = sum | run->known[s][i];
            ground[i] = (uint8_t)(ground[i] + 1 + run->known[s][i]);
        }
    for (int bit = 128; bit > 0; bit /= 2) {
        uint8_t below[RUN] = {0}, limit[RUN];
        for (int i = 0; i < RUN; i++)
            limit[i] = (uint8_t)(quantile[i] + bit);
        for (int s = 0; s < count; s++)
            for (int i = 0; i < RUN; i++)
                below[i] = (uint8_t)(below[i] + (run->votes[s][i] < limit[i] ? 1 : 0));
        for (int i = 0; i < RUN; i++)
            quantile[i] = 4 * below[i] < 3 * ground[i] ? limit[i] : quantile[i];
    }
    for (int i = 0; i < RUN; i++) {
        // Three channels, and 1.15 sigma; few samples show too little of it.
        int eighths = quantile[i] * IFL_PLATE_NOISE_ONE * 20 / (3 * 23);
        eighths += 2 * IFL_PLATE_NOISE_ONE / (ground[i] + 1);
        noise[i] = (uint8_t)(eighths < 255 ? eighths : 255);
    }
}

static void store(const struct run *run, const uint8_t *noise, int pixels, const uint8_t *hold,
                  uint8_t *to_plate, uint8_t *to_noise)
{
    for (int i = 0; i < pixels; i++) {
        if (hold[i])
            continue;
        for (int c = 0; c < 3; c++)
            to_plate[3 * i + c] = run->best[c][i];
        to_noise[i] = noise[i];
    }
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
        find_best(&run, count);
        average(&run, count);
        uint8_t run_noise[RUN];
        measure_noise(&run, count, run_noise);
        store(&run, run_noise, pixels, hold + start, plate + 3 * start, noise + start);
    }
}
