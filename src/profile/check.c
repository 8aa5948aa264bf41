// SPDX-License-Identifier: Apache-2.0
// Whether a profile is one of a scene: what a stretch of black, frozen or flat pictures leaves in
// it.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "inferloop/profile.h"

static const double DARK = 0.02, LIGHT = 0.98; // mean brightness of a picture without a scene
static const double FLAT = 2;                  // grey levels a plate varies at least
static const double SHARE = 0.05;              // of the frames that is much

struct list {
    struct ifl_profile_finding *finding;
    int count, most;
};

static void IFL_PRINTF(3, 4) add(struct list *list, bool unfit, const char *format, ...)
{
    if (list->count >= list->most)
        return;
    struct ifl_profile_finding *finding = &list->finding[list->count++];
    finding->unfit = unfit;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

// Of the frames of the window, the share whose brightness is below (or at least) a value.
static double share_below(const struct ifl_feature_stats *stats, double value)
{
    for (int i = 0; i < IFL_QUANTILES; i++)
        if (stats->quantile[i] >= value)
            return (double)i / (IFL_QUANTILES - 1);
    return 1;
}

static void check_brightness(const struct ifl_profile *profile, struct list *list)
{
    const struct ifl_feature_stats *stats = &profile->feature[IFL_FEATURE_brightness_mean];
    if (!stats->count)
        return;
    double dark = share_below(stats, DARK), light = 1 - share_below(stats, LIGHT);
    if (dark > 0.5 || light > 0.5)
        add(list, true, "the pictures are %s; profile the source when it shows its scene",
            dark > 0.5 ? "black" : "white");
    else if (dark > SHARE || light > SHARE)
        add(list, false, "%.0f %% of the frames are black or white: a stretch without picture",
            100 * fmax(dark, light));
}

static double plate_deviation(const struct ifl_profile *profile)
{
    int level = profile->levels - 1;
    size_t count = 3 * (size_t)profile->level_width[level] * (size_t)profile->level_height[level];
    double sum = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        double value = profile->plate[level][i];
        sum += value;
        square += value * value;
    }
    double n = (double)count;
    return sqrt(fmax(0, square / n - sum / n * (sum / n)));
}

static int count_frozen(const struct ifl_profile *profile)
{
    int frozen = 0, level = profile->levels - 1;
    size_t count = 3 * (size_t)profile->level_width[level] * (size_t)profile->level_height[level];
    for (int i = 1; i < profile->memory_frames; i++)
        frozen += memcmp(profile->memory[i - 1]->level[level], profile->memory[i]->level[level],
                         count) == 0;
    return frozen;
}

static void check_pictures(const struct ifl_profile *profile, struct list *list)
{
    if (profile->memory_frames < IFL_MEMORY_MIN)
        add(list, true, "%d remembered pictures are too few to generate from; %d are needed",
            profile->memory_frames, IFL_MEMORY_MIN);
    if (!profile->levels)
        return;
    if (plate_deviation(profile) < FLAT)
        add(list, true, "the background is flat: no scene was seen");
    int frozen = count_frozen(profile);
    if (frozen > 0 && frozen >= profile->memory_frames / 2)
        add(list, true, "%d of %d remembered pictures repeat the one before: the stream was frozen",
            frozen, profile->memory_frames);
    else if (frozen > SHARE * profile->memory_frames)
        add(list, false, "%d of %d remembered pictures repeat the one before", frozen,
            profile->memory_frames);
}

static void check_numbers(const struct ifl_profile *profile, struct list *list)
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)f);
        const struct ifl_feature_stats *stats = &profile->feature[f];
        bool sane = stats->mean >= row->least && stats->mean <= row->greatest &&
                    stats->variance >= 0 && stats->min <= stats->max;
        if (stats->count && !sane)
            add(list, true, "the statistics of %s contradict themselves", row->name);
    }
    if (!profile->window_frames)
        add(list, true, "it holds no statistics");
}

int ifl_profile_check(const struct ifl_profile *profile, struct ifl_profile_finding *findings,
                      int most)
{
    struct list list = {findings, 0, most};
    check_numbers(profile, &list);
    check_brightness(profile, &list);
    check_pictures(profile, &list);
    return list.count;
}
