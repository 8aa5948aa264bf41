// SPDX-License-Identifier: Apache-2.0
#include "validate/artefact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Positions of a patch, and its size, in one view.
struct grid {
    int patch, columns, rows, positions;
};

static struct grid grid_of(const struct ifl_view *view)
{
    int patch = IFL_ARTEFACT_PATCH;
    patch = view->width < patch ? view->width : patch;
    patch = view->height < patch ? view->height : patch;
    struct grid grid = {patch, view->width - patch + 1, view->height - patch + 1, 0};
    grid.positions = grid.columns * grid.rows;
    return grid;
}

static void add_squares(const uint8_t *a, const uint8_t *b, int count, int32_t *sum)
{
    for (int i = 0; i < count; i++) {
        int d = a[i] - b[i];
        sum[i] += d * d;
    }
}

static void take_squares(const uint8_t *a, const uint8_t *b, int count, int32_t *sum)
{
    for (int i = 0; i < count; i++) {
        int d = a[i] - b[i];
        sum[i] -= d * d;
    }
}

// distance[row * columns + column] = sum of squared differences over the patch there. `column_sum`
// holds 3 * width.
static void patch_distances(const struct ifl_view *view, const uint8_t *a, const uint8_t *b,
                            int32_t *column_sum, int32_t *distance)
{
    struct grid grid = grid_of(view);
    int samples = 3 * view->width, span = 3 * grid.patch;
    memset(column_sum, 0, sizeof *column_sum * (size_t)samples);
    for (int y = 0; y < view->height; y++) {
        if (y >= grid.patch)
            take_squares(a + (y - grid.patch) * samples, b + (y - grid.patch) * samples, samples,
                         column_sum);
        add_squares(a + y * samples, b + y * samples, samples, column_sum);
        if (y < grid.patch - 1)
            continue;
        int32_t sum = 0;
        for (int i = 0; i < span; i++)
            sum += column_sum[i];
        for (int x = 0; x < grid.columns; x++) {
            *distance++ = sum;
            if (x + 1 < grid.columns)
                for (int c = 0; c < 3; c++)
                    sum += column_sum[span + 3 * x + c] - column_sum[3 * x + c];
        }
    }
}

static int64_t picture_distance(const uint8_t *a, const uint8_t *b, int count)
{
    int64_t total = 0;
    while (count > 0) {
        int32_t sum = 0; // 4096 squares of 255 stay far below its limit
        int part = count < 4096 ? count : 4096;
        for (int i = 0; i < part; i++) {
            int d = a[i] - b[i];
            sum += d * d;
        }
        total += sum;
        a += part;
        b += part;
        count -= part;
    }
    return total;
}

static void take_least(int32_t *least, const int32_t *distance, int count)
{
    for (int i = 0; i < count; i++)
        least[i] = distance[i] < least[i] ? distance[i] : least[i];
}

static int compare_distances(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

// Sorts `least`.
static double percentile_99(int32_t *least, const struct grid *grid)
{
    qsort(least, (size_t)grid->positions, sizeof *least, compare_distances);
    int rank = (int)(.99 * (grid->positions - 1) + .5);
    return sqrt(least[rank] / (3.0 * grid->patch * grid->patch));
}

size_t ifl_artefact_scratch_bytes(const struct ifl_view *view)
{
    return sizeof(int32_t) * (3 * (size_t)view->width + 2 * (size_t)grid_of(view).positions);
}

double ifl_artefact_score(const struct ifl_view *view, const uint8_t *canonical, void *scratch,
                          double *nearest_rms, int *nearest_frame)
{
    struct grid grid = grid_of(view);
    int32_t *column_sum = scratch, *distance = column_sum + 3 * view->width;
    int32_t *least = distance + grid.positions;
    int64_t least_total = INT64_MAX;
    int nearest = 0;
    for (int i = 0; i < grid.positions; i++)
        least[i] = INT32_MAX;
    for (int t = 0; t < view->roster->frames; t++) {
        int64_t total = picture_distance(canonical, view->frame[t], 3 * view->pixels);
        patch_distances(view, canonical, view->frame[t], column_sum, distance);
        take_least(least, distance, grid.positions);
        if (total < least_total) {
            least_total = total;
            nearest = t;
        }
    }
    if (nearest_rms)
        *nearest_rms = sqrt((double)least_total / (3.0 * view->pixels));
    if (nearest_frame)
        *nearest_frame = nearest;
    return percentile_99(least, &grid);
}

size_t ifl_artefact_held_out_bytes(const struct ifl_view *view)
{
    size_t positions = (size_t)grid_of(view).positions;
    return sizeof(int32_t) *
           (3 * (size_t)view->width + positions * ((size_t)view->roster->frames + 1));
}

void ifl_artefact_held_out(const struct ifl_view *view, void *memory, double *score)
{
    struct grid grid = grid_of(view);
    int n = view->roster->frames, positions = grid.positions;
    int32_t *column_sum = memory, *distance = column_sum + 3 * view->width;
    int32_t *least = distance + positions;
    for (int i = 0; i < n * positions; i++)
        least[i] = INT32_MAX;
    for (int t = 0; t < n; t++) {
        for (int u = t + 1; u < n; u++) {
            if (ifl_roster_near(view->roster, t, u))
                continue;
            patch_distances(view, view->frame[t], view->frame[u], column_sum, distance);
            take_least(least + t * positions, distance, positions);
            take_least(least + u * positions, distance, positions);
        }
    }
    for (int t = 0; t < n; t++) {
        bool compared = least[t * positions] != INT32_MAX;
        score[t] = compared ? percentile_99(least + t * positions, &grid) : NAN;
    }
}
