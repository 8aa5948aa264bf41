// SPDX-License-Identifier: Apache-2.0
#include "pipeline/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FIRST_SPACING_NS IFL_SECOND_NS

static const struct {
    const char *name;
    int feature; // -1: objects
} rows[IFL_HISTORY_COUNT] = {
    [IFL_HISTORY_BRIGHTNESS] = {"brightness_mean", IFL_FEATURE_brightness_mean},
    [IFL_HISTORY_CONTRAST] = {"contrast_mean", IFL_FEATURE_contrast_mean},
    [IFL_HISTORY_COLOR_TEMPERATURE] = {"color_temperature", IFL_FEATURE_color_temperature},
    [IFL_HISTORY_SHARPNESS] = {"laplacian_variance", IFL_FEATURE_laplacian_variance},
    [IFL_HISTORY_OBJECTS] = {"objects", -1},
};

const char *ifl_history_name(enum ifl_history_series series)
{
    return rows[series].name;
}

// By the stored quantiles, straight between them.
static double quantile(const struct ifl_feature_stats *stats, double rank)
{
    double at = rank * (IFL_QUANTILES - 1);
    int low = (int)at;
    if (low + 1 >= IFL_QUANTILES)
        return stats->quantile[IFL_QUANTILES - 1];
    return stats->quantile[low] + (at - low) * (stats->quantile[low + 1] - stats->quantile[low]);
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

// The window counts only means of objects; their spread is that of the frames in the memory.
static struct ifl_history_value objects_of(const struct ifl_profile *profile)
{
    int counts[IFL_MEMORY_MAX], frames = profile->memory_frames;
    frames = frames < IFL_MEMORY_MAX ? frames : IFL_MEMORY_MAX;
    double mean = profile->occupancy.count_mean;
    if (frames < 1)
        return (struct ifl_history_value){mean, mean, mean};
    for (int i = 0; i < frames; i++)
        counts[i] = profile->memory[i]->components;
    qsort(counts, (size_t)frames, sizeof counts[0], by_value);
    return (struct ifl_history_value){mean, counts[(frames - 1) * 5 / 100],
                                      counts[(frames - 1) * 95 / 100]};
}

void ifl_history_point(const struct ifl_profile *profile, struct ifl_history_point *point)
{
    *point = (struct ifl_history_point){.wall_ns = profile->created_wall_ns,
                                        .frames = profile->frames_profiled,
                                        .occupancy_rate = profile->occupancy.rate};
    for (int i = 0; i < IFL_HISTORY_COUNT; i++) {
        if (rows[i].feature < 0) {
            point->value[i] = objects_of(profile);
            continue;
        }
        const struct ifl_feature_stats *stats = &profile->feature[rows[i].feature];
        point->value[i] =
            (struct ifl_history_value){stats->mean, quantile(stats, 0.05), quantile(stats, 0.95)};
    }
}

static void thin(struct ifl_history *history)
{
    history->count /= 2;
    for (int i = 0; i < history->count; i++)
        history->point[i] = history->point[2 * i + 1];
    history->spacing_ns *= 2;
}

// True while the last point has not come far enough from the one before it to stay. Wall time may
// jump back; then it stays.
static bool last_may_go(const struct ifl_history *history, const struct ifl_history_point *point)
{
    if (history->count < 2)
        return false;
    int64_t step_ns = point->wall_ns - history->point[history->count - 2].wall_ns;
    return step_ns >= 0 && step_ns < history->spacing_ns;
}

void ifl_history_add(struct ifl_history *history, const struct ifl_history_point *point)
{
    if (!history->spacing_ns)
        history->spacing_ns = FIRST_SPACING_NS;
    if (last_may_go(history, point))
        history->count--;
    else if (history->count == IFL_HISTORY_MAX)
        thin(history);
    history->point[history->count++] = *point;
}

int ifl_history_read(const struct ifl_history *history, struct ifl_history_point *points, int most)
{
    int count = history->count < most ? history->count : most;
    memcpy(points, history->point + history->count - count, (size_t)count * sizeof *points);
    return count;
}
