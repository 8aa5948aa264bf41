// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/ground.h"

enum {
    SIDE = 12, // of a patch
    STRIDE = 6,
    BLOCKS = 8,   // parts of the memory's time
    PROBES = 32,  // frames that are looked at
    ALIKE = 14,   // RMS of 255 up to which patches show the same
    STRANGE = 28, // beyond which nothing like it was seen
};

static const double plate_least = 0.6, support_least = 0.5, artefact_most = 0.28;
static const double ground_least = 0.85;

struct place {
    const struct ifl_profile *profile;
    int level, width, height, side;
};

struct tally {
    int patches, alike, strange;
};

static int block_of(const struct ifl_profile *profile, int frame)
{
    return frame * BLOCKS / profile->memory_frames;
}

static double plate_share(const struct place *at, int frame)
{
    const uint8_t *rgb = at->profile->memory[frame]->level[at->level];
    const uint8_t *plate = at->profile->plate[at->level];
    int pixels = at->width * at->height, same = 0;
    for (int i = 0; i < pixels; i++)
        same += ifl_is_ground(rgb + 3 * i, plate + 3 * i);
    return (double)same / pixels;
}

// Sum of squares over the patch at (x, y), or of its first rows where that is above `enough`
// already.
static uint32_t distance(const struct place *at, const uint8_t *a, const uint8_t *b, int x, int y,
                         uint32_t enough)
{
    uint32_t sum = 0;
    for (int r = 0; r < at->side && sum <= enough; r++) {
        ptrdiff_t row = 3 * ((ptrdiff_t)(y + r) * at->width + x);
        for (int i = 0; i < 3 * at->side; i++) {
            int d = a[row + i] - b[row + i];
            sum += (uint32_t)(d * d);
        }
    }
    return sum;
}

// Counts how the nearest patch of another block looks. One that is alike needs no better one.
static void count_nearest(const struct place *at, int frame, int x, int y, struct tally *tally)
{
    const struct ifl_profile *profile = at->profile;
    const uint8_t *rgb = profile->memory[frame]->level[at->level];
    const uint32_t values = 3 * (uint32_t)(at->side * at->side);
    const uint32_t alike = ALIKE * ALIKE * values, strange = STRANGE * STRANGE * values;
    uint32_t least = strange + 1;
    for (int f = 0; f < profile->memory_frames && least > alike; f++) {
        if (block_of(profile, f) == block_of(profile, frame))
            continue;
        const uint8_t *other = profile->memory[f]->level[at->level];
        uint32_t sum = distance(at, rgb, other, x, y, least);
        least = sum < least ? sum : least;
    }
    tally->patches++;
    tally->alike += least <= alike;
    tally->strange += least > strange;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct place *at, struct ifl_suitability *out)
{
    int frames = at->profile->memory_frames, probes = frames < PROBES ? frames : PROBES;
    double plate[PROBES];
    struct tally tally = {0};
    for (int i = 0; i < probes; i++) {
        int frame = i * frames / probes;
        plate[i] = plate_share(at, frame);
        for (int y = 0; y + at->side <= at->height; y += STRIDE)
            for (int x = 0; x + at->side <= at->width; x += STRIDE)
                count_nearest(at, frame, x, y, &tally);
    }
    qsort(plate, (size_t)probes, sizeof *plate, ascending);
    out->plate = plate[probes / 2];
    out->support = (double)tally.alike / tally.patches;
    out->artefact = (double)tally.strange / tally.patches;
    out->known = true;
}

static void judge(struct ifl_suitability *out)
{
    static const char camera[] = "it needs a fixed camera";
    const struct {
        bool fails;
        const char *what, *needs;
    } reasons[] = {
        {out->plate < plate_least, "there is hardly a standing background", camera},
        {out->support < support_least, "places hardly ever look alike again", camera},
        {out->artefact > artefact_most, "much of it is seen only once", camera},
        {out->ground < ground_least, "something stands before the background most of the time",
         "it needs to see behind it"},
    };
    out->suited = true;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons && out->suited; i++)
        if (reasons[i].fails) {
            out->suited = false;
            snprintf(out->text, sizeof out->text,
                     "%s (plate %.2f, support %.2f, artefacts %.2f, ground %.2f): %s, or "
                     "--unsuited make",
                     reasons[i].what, out->plate, out->support, out->artefact, out->ground,
                     reasons[i].needs);
        }
}

void ifl_suitability_measure(const struct ifl_profile *profile, struct ifl_suitability *out)
{
    *out = (struct ifl_suitability){.suited = true};
    if (profile->memory_frames < IFL_MEMORY_MIN || profile->levels < 1)
        return;
    struct place at = {.profile = profile, .level = ifl_ground_level(profile)};
    at.width = profile->level_width[at.level];
    at.height = profile->level_height[at.level];
    int shorter = at.width < at.height ? at.width : at.height;
    at.side = shorter < SIDE ? shorter : SIDE;
    if (!profile->plate[at.level] || at.side < 1)
        return;
    out->ground = ifl_ground_known(profile);
    measure(&at, out);
    judge(out);
}
