// SPDX-License-Identifier: Apache-2.0
#include "generate/photometry.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/exact.h"

enum {
    TONE_ENTRIES = 4096, // of the tone curve: sixteenths of grey levels
    SWEEPS = 12,         // over all attributes; each shifts the others a little
    STEPS = 16,          // of one search
    PLANE_AREA = 480 * 270,
};

static const char *const names[IFL_ATTRIBUTES] = {
    [IFL_BRIGHTNESS] = "brightness",
    [IFL_CONTRAST] = "contrast",
    [IFL_SATURATION] = "saturation",
    [IFL_COLOR_TEMPERATURE] = "color_temperature",
};

const char *ifl_attribute_name(enum ifl_attribute attribute)
{
    return names[attribute];
}

static int luma(int r, int g, int b)
{
    return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
}

static double linear_of_srgb(double v)
{
    return v <= 0.04045 ? v / 12.92 : ifl_exact_pow((v + 0.055) / 1.055, 2.4);
}

// McCamy 1992, on the chromaticity of an sRGB colour.
static double temperature_of(const double mean[3])
{
    double r = linear_of_srgb(mean[0] / 255), g = linear_of_srgb(mean[1] / 255),
           b = linear_of_srgb(mean[2] / 255);
    double x = 0.4124564 * r + 0.3575761 * g + 0.1804375 * b;
    double y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b;
    double z = 0.0193339 * r + 0.1191920 * g + 0.9503041 * b;
    double sum = x + y + z, below = 0.1858 * sum - y;
    if (sum <= 0 || below == 0)
        return 6504.4;
    double n = (x - 0.3320 * sum) / below;
    return fmin(fmax(((449 * n + 3525) * n + 6823.3) * n + 5520.33, 1000), 25000);
}

// Features take saturation from chroma at half the size: the mean of boxes of this side.
static int saturation_box(int width, int height)
{
    int step = 2;
    while ((width / step) * (height / step) > PLANE_AREA)
        step *= 2;
    return step;
}

static double box_saturation(const uint8_t *rgb, int stride, int columns, int rows)
{
    int sum[3] = {0};
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++)
            for (int c = 0; c < 3; c++)
                sum[c] += rgb[y * stride + x * 3 + c];
    int high = sum[0] > sum[1] ? sum[0] : sum[1], low = sum[0] < sum[1] ? sum[0] : sum[1];
    high = high > sum[2] ? high : sum[2];
    low = low < sum[2] ? low : sum[2];
    return high > 0 ? (double)(high - low) / high : 0;
}

static double mean_saturation(const uint8_t *rgb, int width, int height)
{
    int box = saturation_box(width, height);
    int across = width / box, down = height / box;
    double sum = 0;
    for (int y = 0; y < down; y++)
        for (int x = 0; x < across; x++)
            sum += box_saturation(rgb + (ptrdiff_t)(y * width + x) * box * 3, width * 3, box, box);
    return across > 0 && down > 0 ? sum / ((double)across * down) : 0;
}

void ifl_look_measure(const uint8_t *rgb, int width, int height, struct ifl_look *look)
{
    uint64_t sum[3] = {0}, luma_sum = 0, luma_squares = 0;
    ptrdiff_t pixels = (ptrdiff_t)width * height;
    for (ptrdiff_t i = 0; i < pixels; i++) {
        const uint8_t *p = rgb + i * 3;
        uint32_t y = (uint32_t)luma(p[0], p[1], p[2]);
        luma_sum += y;
        luma_squares += y * y;
        for (int c = 0; c < 3; c++)
            sum[c] += p[c];
    }
    double n = (double)pixels, mean_luma = (double)luma_sum / n;
    double variance = (double)luma_squares / n - mean_luma * mean_luma;
    double mean[3] = {(double)sum[0] / n, (double)sum[1] / n, (double)sum[2] / n};
    look->value[IFL_BRIGHTNESS] = mean_luma / 255;
    look->value[IFL_CONTRAST] = sqrt(fmax(variance, 0)) / 127.5;
    look->value[IFL_SATURATION] = mean_saturation(rgb, width, height);
    look->value[IFL_COLOR_TEMPERATURE] = temperature_of(mean);
}

void ifl_illuminate(const float gain[3], const float offset[3], uint8_t *rgb, size_t pixels)
{
    uint8_t table[3][256];
    for (int c = 0; c < 3; c++) {
        bool sound = gain[c] >= 0.05F && gain[c] <= 20 && fabsf(offset[c]) <= 255;
        for (int v = 0; v < 256; v++) {
            double value = sound ? (double)gain[c] * v + (double)offset[c] : v;
            table[c][v] = (uint8_t)(fmin(fmax(value, 0), 255) + 0.5);
        }
    }
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++)
            rgb[i * 3 + (size_t)c] = table[c][rgb[i * 3 + (size_t)c]];
}

// One number an attribute; each map is monotone in its own number.
//   temperature: red * e^-t, blue * e^t, luma kept      saturation: luma + e^s (colour - luma)
//   brightness: 255 (v / 255)^(e^-b)                    contrast: pivot + e^c (v - pivot)
struct search {
    const uint8_t *from; // the picture before
    uint8_t *to;         // and after
    int width, height;
    const struct ifl_look *target;
    double number[IFL_ATTRIBUTES];
    double pivot;         // of contrast, grey levels
    struct ifl_look look; // of `to`
};

// How far each number may go, both ways.
static const double reach[IFL_ATTRIBUTES] = {
    [IFL_BRIGHTNESS] = 4.5,
    [IFL_CONTRAST] = 6,
    [IFL_SATURATION] = 6,
    [IFL_COLOR_TEMPERATURE] = 1.5,
};

static void fill_tone(const struct search *s, uint8_t tone[TONE_ENTRIES])
{
    double gamma = ifl_exact_exp(-s->number[IFL_BRIGHTNESS]);
    double slope = ifl_exact_exp(s->number[IFL_CONTRAST]);
    for (int i = 0; i < TONE_ENTRIES; i++) {
        double v = fmin(i / 16.0, 255);
        if (gamma != 1)
            v = 255 * ifl_exact_pow(v / 255, gamma);
        v = s->pivot + slope * (v - s->pivot);
        tone[i] = (uint8_t)(fmin(fmax(v, 0), 255) + 0.5);
    }
}

static int clamp_tone(int sixteenths)
{
    return sixteenths < 0 ? 0 : sixteenths < TONE_ENTRIES ? sixteenths : TONE_ENTRIES - 1;
}

// Colour first, then the tone curve; 12 fractional bits.
static void render(struct search *s)
{
    uint8_t tone[TONE_ENTRIES];
    fill_tone(s, tone);
    double warmth = s->number[IFL_COLOR_TEMPERATURE];
    int red = (int)lround(4096 * ifl_exact_exp(-warmth));
    int blue = (int)lround(4096 * ifl_exact_exp(warmth));
    int64_t chroma = llround(4096 * ifl_exact_exp(s->number[IFL_SATURATION]));
    ptrdiff_t pixels = (ptrdiff_t)s->width * s->height;
    for (ptrdiff_t i = 0; i < pixels; i++) {
        const uint8_t *p = s->from + i * 3;
        int r = (p[0] * red) >> 8, g = p[1] << 4, b = (p[2] * blue) >> 8; // sixteenths
        int y = luma(r, g, b), shift = (luma(p[0], p[1], p[2]) << 4) - y;
        s->to[i * 3] = tone[clamp_tone(y + shift + (int)((r - y) * chroma >> 12))];
        s->to[i * 3 + 1] = tone[clamp_tone(y + shift + (int)((g - y) * chroma >> 12))];
        s->to[i * 3 + 2] = tone[clamp_tone(y + shift + (int)((b - y) * chroma >> 12))];
    }
    ifl_look_measure(s->to, s->width, s->height, &s->look);
}

// Is the target met within this share of it?
static bool meets(const struct search *s, enum ifl_attribute a, double share)
{
    double target = s->target->value[a], least = a == IFL_COLOR_TEMPERATURE ? 1 : 0.001;
    return isnan(target) || fabs(s->look.value[a] - target) <= fmax(share * target, least);
}

static bool meets_all(const struct search *s, double share)
{
    for (int a = 0; a < IFL_ATTRIBUTES; a++)
        if (!meets(s, (enum ifl_attribute)a, share))
            return false;
    return true;
}

// One end of a search: a number and how far it misses the target.
struct trial {
    double number, miss;
};

static struct trial attempt(struct search *s, enum ifl_attribute a, double number)
{
    s->number[a] = number;
    render(s);
    return (struct trial){number, s->look.value[a] - s->target->value[a]};
}

static bool same_side(struct trial a, struct trial b)
{
    return (a.miss < 0) == (b.miss < 0);
}

static struct trial nearer(struct trial a, struct trial b)
{
    return fabs(b.miss) < fabs(a.miss) ? b : a;
}

// Walks in growing strides until the target lies between `*from` and the result, or to the end of
// the reach.
static struct trial bracket(struct search *s, enum ifl_attribute a, struct trial *from)
{
    struct trial to = *from;
    double stride = from->miss < 0 ? 0.25 : -0.25;
    while (same_side(*from, to) && fabs(to.number) < reach[a]) {
        *from = to;
        to = attempt(s, a, fmin(fmax(to.number + stride, -reach[a]), reach[a]));
        stride *= 2;
    }
    return to;
}

// Finds the attribute's number by false position, every third step by halves. The best one tried
// is kept, so that out of reach means nearest.
static void solve(struct search *s, enum ifl_attribute a)
{
    struct trial from = attempt(s, a, s->number[a]);
    if (meets(s, a, 0.002))
        return;
    struct trial to = bracket(s, a, &from), best = nearer(from, to);
    for (int i = 0; i < STEPS && !same_side(from, to) && !meets(s, a, 0.002); i++) {
        double share = i % 3 == 2 ? 0.5 : from.miss / (from.miss - to.miss);
        struct trial next = attempt(s, a, from.number + share * (to.number - from.number));
        best = nearer(best, next);
        if (same_side(from, next))
            from = next;
        else
            to = next;
    }
    if (s->number[a] != best.number)
        attempt(s, a, best.number);
}

static void report(const struct search *s, char *note, size_t note_bytes)
{
    for (int a = 0; a < IFL_ATTRIBUTES; a++) {
        size_t used = strlen(note);
        if (!meets(s, (enum ifl_attribute)a, 0.01) && used < note_bytes)
            snprintf(note + used, note_bytes - used, "%s%s %.4g is out of reach, nearest %.4g",
                     used ? "; " : "", names[a], s->target->value[a], s->look.value[a]);
    }
}

static bool wants_anything(const struct ifl_look *target)
{
    for (int a = 0; a < IFL_ATTRIBUTES; a++)
        if (!isnan(target->value[a]))
            return true;
    return false;
}

enum ifl_result ifl_look_apply(const struct ifl_look *target, uint8_t *rgb, int width, int height,
                               char *note, size_t note_bytes, struct ifl_error *error)
{
    if (!wants_anything(target))
        return IFL_OK;
    struct ifl_look wanted = *target;
    struct search s = {.from = rgb, .width = width, .height = height, .target = &wanted};
    ifl_look_measure(rgb, width, height, &s.look);
    if (meets_all(&s, 0.002))
        return IFL_OK;
    // Contrast alone leaves the brightness where it is.
    if (!isnan(wanted.value[IFL_CONTRAST]) && isnan(wanted.value[IFL_BRIGHTNESS]))
        wanted.value[IFL_BRIGHTNESS] = s.look.value[IFL_BRIGHTNESS];
    s.pivot = 255 * (isnan(wanted.value[IFL_BRIGHTNESS]) ? s.look.value[IFL_BRIGHTNESS]
                                                         : wanted.value[IFL_BRIGHTNESS]);
    size_t bytes = (size_t)width * (size_t)height * 3;
    s.to = malloc(bytes);
    if (!s.to)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for an image");
    static const enum ifl_attribute order[] = {IFL_COLOR_TEMPERATURE, IFL_SATURATION,
                                               IFL_BRIGHTNESS, IFL_CONTRAST};
    render(&s);
    for (int sweep = 0; sweep < SWEEPS && !meets_all(&s, 0.005); sweep++)
        for (int i = 0; i < IFL_ATTRIBUTES; i++)
            if (!isnan(wanted.value[order[i]]))
                solve(&s, order[i]);
    memcpy(rgb, s.to, bytes);
    free(s.to);
    report(&s, note, note_bytes);
    return IFL_OK;
}
