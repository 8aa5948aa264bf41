// SPDX-License-Identifier: Apache-2.0
#include "validate/artefact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

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

static size_t box_values(const struct ifl_view *view)
{
    return (size_t)(grid_of(view).patch + 6) * (size_t)view->width;
}

size_t ifl_artefact_scratch_bytes(const struct ifl_view *view)
{
    return sizeof(int32_t) * (box_values(view) + 2 * (size_t)grid_of(view).positions) +
           3 * (size_t)view->pixels;
}

double ifl_artefact_score(const struct ifl_view *view, const uint8_t *canonical, void *scratch,
                          double *nearest_rms, int *nearest_frame)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    struct grid grid = grid_of(view);
    int32_t *box = scratch, *distance = box + box_values(view), *least = distance + grid.positions;
    uint8_t *planes = (uint8_t *)(least + grid.positions);
    int64_t least_total = INT64_MAX;
    int nearest = 0;
    kernels->split(canonical, view->pixels, planes);
    for (int i = 0; i < grid.positions; i++)
        least[i] = INT32_MAX;
    for (int t = 0; t < view->roster->frames; t++) {
        const uint8_t *other = view->planes + (ptrdiff_t)t * 3 * view->pixels;
        int64_t total = kernels->squares(planes, other, 3 * view->pixels);
        kernels->boxes(planes, other, view->width, view->height, grid.patch, grid.patch, box,
                       distance);
        kernels->least(least, distance, grid.positions);
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
    return sizeof(int32_t) * (box_values(view) + positions * ((size_t)view->roster->frames + 1));
}

void ifl_artefact_held_out(const struct ifl_view *view, void *memory, double *score)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    struct grid grid = grid_of(view);
    int n = view->roster->frames, positions = grid.positions;
    ptrdiff_t samples = 3 * (ptrdiff_t)view->pixels;
    int32_t *box = memory, *distance = box + box_values(view), *least = distance + positions;
    for (int i = 0; i < n * positions; i++)
        least[i] = INT32_MAX;
    for (int t = 0; t < n; t++) {
        for (int u = t + 1; u < n; u++) {
            if (ifl_roster_near(view->roster, t, u))
                continue;
            kernels->boxes(view->planes + t * samples, view->planes + u * samples, view->width,
                           view->height, grid.patch, grid.patch, box, distance);
            kernels->least(least + t * positions, distance, positions);
            kernels->least(least + u * positions, distance, positions);
        }
    }
    for (int t = 0; t < n; t++) {
        bool compared = least[t * positions] != INT32_MAX;
        score[t] = compared ? percentile_99(least + t * positions, &grid) : NAN;
    }
}
