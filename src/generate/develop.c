// SPDX-License-Identifier: Apache-2.0
#include "generate/develop.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/exact.h"

enum {
    ONE = 16,     // values in between are sixteenths of grey levels
    TONES = 4096, // of the tone curve
    TOP = 255 * ONE,
    AIR = 235,               // grey level of haze
    NOISE_ONE = 256,         // a standard deviation of the field
    WEIGHT = 256,            // of mixing two pictures
    SHARP_MAX = 64 * WEIGHT, // more would overflow
};

const struct ifl_reach ifl_reach[IFL_LOOK_COUNT] = {
    [IFL_TARGET_brightness] = {-4.5, 4.5}, [IFL_TARGET_contrast] = {-6, 6},
    [IFL_TARGET_saturation] = {-6, 6},     [IFL_TARGET_color_temperature] = {-1.5, 1.5},
    [IFL_TARGET_sharpness] = {-48, 4.1}, // e^4.1 < 64
    [IFL_TARGET_haze] = {-1.5, 6},         [IFL_TARGET_noise] = {-48, 120},
};

struct ifl_developer {
    const uint8_t *from;
    int width, height;
    uint64_t seed;
    bool has_noise;
    int16_t *noise;           // one a pixel, drawn when first needed
    uint16_t *memory;         // holds all of these
    uint16_t *detail, *other; // after the first two maps; of the same size, to work in
    uint16_t *row;
    double denoised, sharpened; // the numbers that `detail` was made with; NAN: none
};

struct ifl_developer *ifl_developer_create(const uint8_t *from, int width, int height,
                                           uint64_t seed)
{
    struct ifl_developer *made = calloc(1, sizeof *made);
    size_t samples = (size_t)width * (size_t)height * 3;
    if (made)
        made->memory = malloc((2 * samples + 3 * (size_t)width + samples / 3) * 2);
    if (!made || !made->memory) {
        free(made);
        return NULL;
    }
    made->detail = made->memory;
    made->other = made->detail + samples;
    made->row = made->other + samples;
    made->noise = (int16_t *)(made->row + 3 * (size_t)width);
    made->from = from;
    made->width = width;
    made->height = height;
    made->seed = seed;
    made->denoised = made->sharpened = NAN;
    return made;
}

void ifl_developer_destroy(struct ifl_developer *developer)
{
    if (!developer)
        return;
    free(developer->memory);
    free(developer);
}

// ---- detail ----

// [1 2 1] / 4 down the columns, then along the rows; edges are repeated.
static void blur(const struct ifl_developer *d, const uint16_t *from, uint16_t *to)
{
    int samples = d->width * 3;
    uint16_t *row = d->row;
    for (int y = 0; y < d->height; y++) {
        const uint16_t *middle = from + (ptrdiff_t)y * samples;
        const uint16_t *above = y > 0 ? middle - samples : middle;
        const uint16_t *below = y + 1 < d->height ? middle + samples : middle;
        uint16_t *out = to + (ptrdiff_t)y * samples;
        for (int x = 0; x < samples; x++)
            row[x] = (uint16_t)((above[x] + 2 * middle[x] + below[x] + 2) >> 2);
        for (int x = 3; x < samples - 3; x++)
            out[x] = (uint16_t)((row[x - 3] + 2 * row[x] + row[x + 3] + 2) >> 2);
        for (int c = 0; c < 3; c++) {
            int last = samples - 3 + c, inner = d->width > 1 ? last - 3 : last;
            out[c] = (uint16_t)((3 * row[c] + row[d->width > 1 ? c + 3 : c] + 2) >> 2);
            out[last] = (uint16_t)((3 * row[last] + row[inner] + 2) >> 2);
        }
    }
}

static void swap(uint16_t **a, uint16_t **b)
{
    uint16_t *kept = *a;
    *a = *b;
    *b = kept;
}

static size_t samples_of(const struct ifl_developer *d)
{
    return (size_t)d->width * (size_t)d->height * 3;
}

// detail + weight / 256 (other - detail), clamped.
static void mix(struct ifl_developer *d, int weight)
{
    for (size_t i = 0; i < samples_of(d); i++) {
        int v = d->detail[i] + ((d->other[i] - d->detail[i]) * weight + WEIGHT / 2) / WEIGHT;
        d->detail[i] = (uint16_t)(v < 0 ? 0 : v < TOP ? v : TOP);
    }
}

static void soften(struct ifl_developer *d, double passes)
{
    for (; passes >= 1; passes -= 1) {
        blur(d, d->detail, d->other);
        swap(&d->detail, &d->other);
    }
    int weight = (int)lround(passes * WEIGHT);
    if (weight == 0)
        return;
    blur(d, d->detail, d->other);
    mix(d, weight);
}

static void sharpen(struct ifl_developer *d, double number)
{
    int amount = (int)lround((ifl_exact_exp(number) - 1) * WEIGHT);
    if (amount == 0)
        return;
    blur(d, d->detail, d->other);
    mix(d, -(amount < SHARP_MAX ? amount : SHARP_MAX));
}

// What differs from the mean around it by little is noise, and shrinks to nothing. Differences come
// in steps, so pixels take turns between two whole thresholds: their share moves without a step.
static void denoise(struct ifl_developer *d, double level)
{
    int whole = (int)level, share = (int)lround((level - whole) * WEIGHT);
    if (whole == 0 && share == 0)
        return;
    blur(d, d->detail, d->other);
    for (size_t i = 0; i < samples_of(d); i++) {
        bool higher = (int)((uint32_t)(i / 3) * 2654435761U >> 24) < share;
        int mean = d->other[i], rest = d->detail[i] - mean;
        int left = (rest < 0 ? -rest : rest) - (whole + higher) * ONE;
        d->detail[i] = (uint16_t)(left <= 0 ? mean : mean + (rest < 0 ? -left : left));
    }
}

static void make_detail(struct ifl_developer *d, const double number[IFL_LOOK_COUNT])
{
    double denoised = fmax(-number[IFL_TARGET_noise], 0);
    double sharpened = number[IFL_TARGET_sharpness];
    if (denoised == d->denoised && sharpened == d->sharpened)
        return;
    for (size_t i = 0; i < samples_of(d); i++)
        d->detail[i] = (uint16_t)(d->from[i] * ONE);
    denoise(d, denoised);
    if (sharpened < 0)
        soften(d, -sharpened);
    else
        sharpen(d, sharpened);
    d->denoised = denoised;
    d->sharpened = sharpened;
}

// ---- light ----

static double squeeze(double value, double least, double greatest)
{
    return fmin(fmax(value, least), greatest);
}

static void fill_tone(const double number[IFL_LOOK_COUNT], double pivot, uint16_t tone[TONES])
{
    double gamma = ifl_exact_exp(-number[IFL_TARGET_brightness]);
    double clearness = ifl_exact_exp(-number[IFL_TARGET_haze]);
    double slope = ifl_exact_exp(number[IFL_TARGET_contrast]);
    for (int i = 0; i < TONES; i++) {
        double v = fmin((double)i / ONE, 255);
        if (gamma != 1)
            v = 255 * ifl_exact_pow(v / 255, gamma);
        v = AIR + clearness * (v - AIR);
        v = pivot + slope * (v - pivot);
        tone[i] = (uint16_t)(squeeze(v * ONE, 0, TOP) + 0.5);
    }
}

static int luma(int r, int g, int b)
{
    return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

static int clamp_tone(int sixteenths)
{
    return sixteenths < 0 ? 0 : sixteenths < TONES ? sixteenths : TONES - 1;
}

static uint8_t to_byte(int sixteenths)
{
    int v = (sixteenths + ONE / 2) >> 4;
    return (uint8_t)(v < 0 ? 0 : v < 255 ? v : 255);
}

// ---- noise ----

static void draw_noise(struct ifl_developer *d)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, d->seed);
    for (size_t i = 0; i < samples_of(d) / 3; i++)
        d->noise[i] = (int16_t)lround(ifl_rng_normal(&rng) * NOISE_ONE);
    d->has_noise = true;
}

void ifl_develop(struct ifl_developer *d, const double number[IFL_LOOK_COUNT], double pivot,
                 uint8_t *to)
{
    uint16_t tone[TONES];
    fill_tone(number, pivot, tone);
    make_detail(d, number);
    int red = (int)lround(4096 * ifl_exact_exp(-number[IFL_TARGET_color_temperature]));
    int blue = (int)lround(4096 * ifl_exact_exp(number[IFL_TARGET_color_temperature]));
    int64_t chroma = llround(4096 * ifl_exact_exp(number[IFL_TARGET_saturation]));
    int grain = (int)lround(fmax(number[IFL_TARGET_noise], 0) * ONE);
    if (grain > 0 && !d->has_noise)
        draw_noise(d);
    for (size_t i = 0; i < samples_of(d) / 3; i++) {
        const uint16_t *p = d->detail + 3 * i;
        int r = (p[0] * red) >> 12, g = p[1], b = (p[2] * blue) >> 12;
        int y = luma(r, g, b), shift = luma(p[0], p[1], p[2]) - y;
        int noise = grain > 0 ? d->noise[i] * grain / NOISE_ONE : 0;
        int dr = (int)((r - y) * chroma >> 12), dg = (int)((g - y) * chroma >> 12);
        int db = (int)((b - y) * chroma >> 12);
        to[3 * i] = to_byte(tone[clamp_tone(y + shift + dr)] + noise);
        to[3 * i + 1] = to_byte(tone[clamp_tone(y + shift + dg)] + noise);
        to[3 * i + 2] = to_byte(tone[clamp_tone(y + shift + db)] + noise);
    }
}
