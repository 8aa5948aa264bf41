// SPDX-License-Identifier: Apache-2.0
#include "generate/photometry.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "generate/develop.h"
#include "generate/exact.h"

enum {
    SWEEPS = 12, // over all attributes; each shifts the others a little
    STEPS = 16,  // of one search
};

static const double CLOSE = 0.002;   // share of the target at which a search ends
static const double NEAR = 0.005;    // at which the sweeps end
static const double PROMISED = 0.01; // at which a target counts as met

// Numbers that tear a picture. Of a compromise: what the last sweep goes of its way, and how far
// numbers of light may go.
static const double TORN = 3, LAST_STEP = 0.1, GENTLE = 1;

// How each is measured, and what counts as met near 0, where a share of the target is less than
// eight bits can show.
static const struct {
    enum ifl_feature feature;
    double least;
} scales[IFL_LOOK_COUNT] = {
    [IFL_TARGET_brightness] = {IFL_FEATURE_brightness_mean, 0.001},
    [IFL_TARGET_contrast] = {IFL_FEATURE_contrast_mean, 0.001},
    [IFL_TARGET_saturation] = {IFL_FEATURE_saturation_mean, 0.001},
    [IFL_TARGET_color_temperature] = {IFL_FEATURE_color_temperature, 1},
    [IFL_TARGET_sharpness] = {IFL_FEATURE_laplacian_variance, 0.5},
    [IFL_TARGET_haze] = {IFL_FEATURE_dark_channel, 0.001},
    [IFL_TARGET_noise] = {IFL_FEATURE_noise_sigma, 0.05},
};

static double linear_of_srgb(double v)
{
    return v <= 0.04045 ? v / 12.92 : ifl_exact_pow((v + 0.055) / 1.055, 2.4);
}

// The feature's, but the same to the last bit with every C library: the search depends on it.
static double temperature_of(const struct ifl_features *features)
{
    double r = linear_of_srgb(features->value[IFL_FEATURE_red_mean]);
    double g = linear_of_srgb(features->value[IFL_FEATURE_green_mean]);
    double b = linear_of_srgb(features->value[IFL_FEATURE_blue_mean]);
    double x = 0.4124564 * r + 0.3575761 * g + 0.1804375 * b;
    double y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b;
    double z = 0.0193339 * r + 0.1191920 * g + 0.9503041 * b;
    double sum = x + y + z, below = 0.1858 * sum - y;
    if (sum <= 0 || below == 0)
        return 6504.4;
    double n = (x - 0.3320 * sum) / below;
    return fmin(fmax(((449 * n + 3525) * n + 6823.3) * n + 5520.33, 1000), 25000);
}

void ifl_look_measure(struct ifl_meter *meter, const uint8_t *rgb, struct ifl_look *look)
{
    struct ifl_features features;
    ifl_meter_take(meter, rgb, &features);
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        look->value[a] = features.value[scales[a].feature];
    look->value[IFL_TARGET_color_temperature] = temperature_of(&features);
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

struct search {
    struct ifl_developer *developer;
    struct ifl_meter *meter;
    uint8_t *to; // the picture after
    const struct ifl_look *target;
    double number[IFL_LOOK_COUNT];
    double pivot;         // of contrast, grey levels
    struct ifl_look look; // of `to`
};

static void render(struct search *s)
{
    ifl_develop(s->developer, s->number, s->pivot, s->to);
    ifl_look_measure(s->meter, s->to, &s->look);
}

// Is the target met within this share of it?
static bool meets(const struct search *s, enum ifl_target a, double share)
{
    double target = s->target->value[a];
    return isnan(target) ||
           fabs(s->look.value[a] - target) <= fmax(share * target, scales[a].least);
}

static bool meets_all(const struct search *s, double share)
{
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        if (!meets(s, (enum ifl_target)a, share))
            return false;
    return true;
}

// One end of a search: a number and how far it misses the target.
struct trial {
    double number, miss;
};

static struct trial attempt(struct search *s, enum ifl_target a, double number)
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
static struct trial bracket(struct search *s, enum ifl_target a, struct trial *from,
                            struct trial *best)
{
    struct trial to = *from;
    // McCamy's formula turns back beyond its range, so temperature is looked for in small steps.
    double first = a == IFL_TARGET_color_temperature ? 0.125 : 0.25;
    double growth = a == IFL_TARGET_color_temperature ? 1 : 2;
    double stride = from->miss < 0 ? first : -first;
    const struct ifl_reach *reach = &ifl_reach[a];
    while (same_side(*from, to) &&
           (stride < 0 ? to.number > reach->least : to.number < reach->greatest)) {
        *from = to;
        to = attempt(s, a, fmin(fmax(to.number + stride, reach->least), reach->greatest));
        *best = nearer(*best, to);
        stride *= growth;
    }
    return to;
}

// Finds the attribute's number by false position, every third step by halves. The best one tried
// is kept, so that out of reach means nearest.
static void solve(struct search *s, enum ifl_target a)
{
    struct trial from = attempt(s, a, s->number[a]);
    if (meets(s, a, CLOSE))
        return;
    struct trial best = from, to = bracket(s, a, &from, &best);
    for (int i = 0; i < STEPS && !same_side(from, to) && !meets(s, a, CLOSE); i++) {
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

static void report(const struct search *s, const struct ifl_look *asked,
                   struct ifl_attained attained[IFL_LOOK_COUNT])
{
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        attained[a] = (struct ifl_attained){.asked = asked->value[a],
                                            .got = s->look.value[a],
                                            .met = isnan(asked->value[a]) ||
                                                   meets(s, (enum ifl_target)a, PROMISED)};
}

static bool asks(const struct ifl_look *target, enum ifl_target a)
{
    return !isnan(target->value[a]);
}

static bool wants_anything(const struct ifl_look *target)
{
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        if (asks(target, (enum ifl_target)a))
            return true;
    return false;
}

// Contrast alone leaves the brightness where it is.
static void settle(struct search *s, struct ifl_look *wanted)
{
    double *brightness = &wanted->value[IFL_TARGET_brightness];
    if (asks(wanted, IFL_TARGET_contrast) && !asks(wanted, IFL_TARGET_brightness) &&
        !asks(wanted, IFL_TARGET_haze))
        *brightness = s->look.value[IFL_TARGET_brightness];
    s->pivot = 255 * (isnan(*brightness) ? s->look.value[IFL_TARGET_brightness] : *brightness);
}

static const enum ifl_target order[IFL_LOOK_COUNT] = {
    IFL_TARGET_color_temperature, IFL_TARGET_saturation, IFL_TARGET_brightness, IFL_TARGET_haze,
    IFL_TARGET_contrast,          IFL_TARGET_sharpness,  IFL_TARGET_noise};

static void sweep(struct search *s)
{
    render(s);
    for (int i = 0; i < SWEEPS && !meets_all(s, NEAR); i++)
        for (int k = 0; k < IFL_LOOK_COUNT; k++)
            if (asks(s->target, order[k]))
                solve(s, order[k]);
}

static bool is_light(enum ifl_target a)
{
    return a != IFL_TARGET_sharpness && a != IFL_TARGET_noise;
}

// Targets that contradict each other (a dark picture in a bright fog) drive brightness, contrast or
// saturation on to the end of its reach, where a picture is torn into a few tones. One alone only
// goes as far as it can.
static bool contradict(const struct search *s, const struct ifl_look *asked)
{
    int targets = 0;
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        targets += is_light((enum ifl_target)a) && asks(asked, (enum ifl_target)a);
    bool torn = fabs(s->number[IFL_TARGET_brightness]) > TORN ||
                s->number[IFL_TARGET_contrast] > TORN || s->number[IFL_TARGET_saturation] > TORN;
    return targets > 1 && torn && !meets_all(s, PROMISED);
}

// Between targets that contradict each other: each goes a part of its way, and less in each sweep.
static void compromise(struct search *s)
{
    memset(s->number, 0, sizeof s->number);
    render(s);
    for (double step = 0.5; step > LAST_STEP; step /= 2) {
        for (int k = 0; k < IFL_LOOK_COUNT; k++) {
            enum ifl_target a = order[k];
            if (!asks(s->target, a))
                continue;
            double before = s->number[a];
            solve(s, a);
            double part = before + step * (s->number[a] - before);
            attempt(s, a, is_light(a) ? fmin(fmax(part, -GENTLE), GENTLE) : part);
        }
    }
}

enum ifl_result ifl_look_apply(const struct ifl_look *target, uint64_t seed,
                               struct ifl_meter *meter, uint8_t *rgb, int width, int height,
                               struct ifl_attained attained[IFL_LOOK_COUNT],
                               struct ifl_error *error)
{
    struct ifl_look wanted = *target;
    struct search s = {.meter = meter, .target = &wanted};
    ifl_look_measure(meter, rgb, &s.look);
    if (!wants_anything(target) || meets_all(&s, CLOSE)) {
        report(&s, target, attained);
        return IFL_OK;
    }
    settle(&s, &wanted);
    size_t bytes = (size_t)width * (size_t)height * 3;
    s.to = malloc(bytes);
    s.developer = ifl_developer_create(rgb, width, height, seed);
    enum ifl_result result = IFL_OK;
    if (s.to && s.developer) {
        sweep(&s);
        if (contradict(&s, target))
            compromise(&s);
        memcpy(rgb, s.to, bytes);
        report(&s, target, attained);
    } else {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for an image");
    }
    free(s.to);
    ifl_developer_destroy(s.developer);
    return result;
}
