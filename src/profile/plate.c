// SPDX-License-Identifier: Apache-2.0
#include "profile/plate.h"

#include <string.h>

enum { RUN = IFL_PIXEL_RUN };

static void split_few(const uint8_t *rgb, int pixels, uint8_t value[3][RUN])
{
    for (int i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++)
            value[c][i] = rgb[3 * i + c];
}

static void load(struct ifl_ground *run, const struct ifl_plate_sample *samples, int count,
                 int start, int pixels)
{
    static const uint8_t none[RUN];
    for (int s = 0; s < count; s++) {
        const uint8_t *rgb = samples[s].rgb + 3 * start;
        const uint8_t *label = samples[s].label ? samples[s].label + start : NULL;
        if (pixels == RUN)
            ifl_pixel_kernels()->split(rgb, RUN, run->value[s][0]);
        else
            split_few(rgb, pixels, run->value[s]);
        memset(run->known[s], 0, RUN);
        memset(run->weight[s], samples[s].ground_votes, RUN);
        if (!label || memcmp(label, none, (size_t)pixels) == 0) // most of a picture is ground
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
