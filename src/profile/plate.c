// SPDX-License-Identifier: Apache-2.0
#include "profile/plate.h"

#include <stdbool.h>
#include <string.h>

enum { RUN = IFL_PIXEL_RUN };

static void split_few(const uint8_t *rgb, int pixels, uint8_t value[3][RUN])
{
    for (int i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++)
            value[c][i] = rgb[3 * i + c];
}

// What comes next lies in as many places as there are samples, more than the processor foresees by
// itself; its first bytes are in lines that are here already. It may lie behind the picture: an
// address is only a hint.
static void foresee(const struct ifl_plate_sample *sample, int next)
{
    uintptr_t rgb = (uintptr_t)sample->rgb + 3 * (uintptr_t)next + RUN - 1;
    for (int i = 0; i < 3; i++)
        __builtin_prefetch((const void *)(rgb + (uintptr_t)i * RUN));
    if (sample->label)
        __builtin_prefetch((const void *)((uintptr_t)sample->label + (uintptr_t)next + RUN - 1));
}

static bool is_ground(const uint8_t *label, int pixels)
{
    uint8_t any = 0;
    for (int i = 0; i < pixels; i++)
        any |= label[i];
    return any == 0;
}

static void load(struct ifl_ground *run, const struct ifl_plate_sample *samples, int count,
                 int start, int pixels)
{
    for (int s = 0; s < count; s++) {
        const uint8_t *rgb = samples[s].rgb + 3 * start;
        const uint8_t *label = samples[s].label ? samples[s].label + start : NULL;
        foresee(&samples[s], start + RUN);
        if (pixels == RUN)
            ifl_pixel_kernels()->split(rgb, RUN, run->value[s][0]);
        else
            split_few(rgb, pixels, run->value[s]);
        memset(run->known[s], 0, RUN);
        memset(run->weight[s], samples[s].ground_votes, RUN);
        if (!label || is_ground(label, pixels)) // most of a picture
            continue;
        for (int i = 0; i < pixels; i++) {
            uint8_t known = label[i] ? 0xff : 0; // to be foreground
            run->known[s][i] = known;
            run->weight[s][i] = known ? samples[s].foreground_votes : samples[s].ground_votes;
        }
    }
}

static void store(const struct ifl_ground *run, int pixels, const uint8_t *hold, uint8_t *to_plate,
                  uint8_t *to_noise)
{
    for (int i = 0; i < pixels; i++) {
        if (hold[i])
            continue;
        for (int c = 0; c < 3; c++)
            to_plate[3 * i + c] = run->best[c][i];
        to_noise[i] = run->noise[i];
    }
}

void ifl_plate_estimate_row(const struct ifl_plate_sample *samples, int count, int width, int y,
                            const uint8_t *hold, uint8_t *plate, uint8_t *noise)
{
    struct ifl_ground run;
    memset(&run, 0, sizeof run);
    for (int x = 0; x < width; x += RUN) {
        int pixels = width - x < RUN ? width - x : RUN, start = y * width + x;
        load(&run, samples, count, start, pixels);
        ifl_pixel_kernels()->ground(&run, count);
        store(&run, pixels, hold + start, plate + 3 * start, noise + start);
    }
}
