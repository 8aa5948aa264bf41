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

static int rank_99(const struct grid *grid)
{
    return (int)(.99 * (grid->positions - 1) + .5);
}

// Sorts `least`.
static int32_t percentile_99(int32_t *least, const struct grid *grid)
{
    qsort(least, (size_t)grid->positions, sizeof *least, compare_distances);
    return least[rank_99(grid)];
}

// The RMS of a channel that a patch's squares stand for.
static double rms_of(int32_t squares, const struct grid *grid)
{
    return sqrt(squares / (3.0 * grid->patch * grid->patch));
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
    return rms_of(percentile_99(least, &grid), &grid);
}

// Frames by how far they are from the plate: those with much foreground have large scores.
struct order {
    int64_t squares;
    int frame;
};

// The wanted largest percentiles so far, falling.
struct leaders {
    int32_t value[IFL_MEMORY_MAX];
    int count, wanted;
};

struct held_out {
    const struct ifl_view *view;
    struct grid grid;
    int32_t *box, *distance, *least;
    struct order *order;
    struct leaders leaders;
};

static size_t order_bytes(const struct ifl_view *view)
{
    return sizeof(struct order) * (size_t)view->roster->frames;
}

size_t ifl_artefact_held_out_bytes(const struct ifl_view *view)
{
    size_t positions = (size_t)grid_of(view).positions;
    return order_bytes(view) + sizeof(int32_t) * (box_values(view) + 2 * positions);
}

static int compare_orders(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    return x->squares != y->squares ? (x->squares < y->squares) - (x->squares > y->squares)
                                    : (x->frame > y->frame) - (x->frame < y->frame);
}

static void order_frames(struct held_out *h)
{
    const struct ifl_view *view = h->view;
    int n = view->roster->frames;
    for (int t = 0; t < n; t++)
        h->order[t] = (struct order){
            ifl_pixel_kernels()->squares(view->frame[t], view->plate, 3 * view->pixels), t};
    qsort(h->order, (size_t)n, sizeof *h->order, compare_orders);
}

// Whether the percentile of what is least so far can no longer be among the leaders.
static bool is_beaten(const struct held_out *h)
{
    const struct leaders *leaders = &h->leaders;
    if (leaders->count < leaders->wanted)
        return false;
    int32_t limit = leaders->value[leaders->count - 1];
    int above = 0;
    for (int i = 0; i < h->grid.positions; i++)
        above += h->least[i] > limit;
    return above < h->grid.positions - rank_99(&h->grid);
}

static void add_leader(struct leaders *leaders, int32_t value)
{
    int at = leaders->count;
    for (; at > 0 && leaders->value[at - 1] < value; at--)
        if (at < leaders->wanted)
            leaders->value[at] = leaders->value[at - 1];
    if (at < leaders->wanted) {
        leaders->value[at] = value;
        leaders->count += leaders->count < leaders->wanted;
    }
}

// One frame against the others, a few from all over the memory first, until it is beaten.
static double score_frame(struct held_out *h, int t)
{
    enum { STEP = 8 };
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    const struct ifl_view *view = h->view;
    ptrdiff_t samples = 3 * (ptrdiff_t)view->pixels;
    bool compared = false;
    for (int i = 0; i < h->grid.positions; i++)
        h->least[i] = INT32_MAX;
    for (int first = 0; first < STEP; first++) {
        for (int u = first; u < view->roster->frames; u += STEP) {
            if (ifl_roster_near(view->roster, t, u))
                continue;
            kernels->boxes(view->planes + t * samples, view->planes + u * samples, view->width,
                           view->height, h->grid.patch, h->grid.patch, h->box, h->distance);
            kernels->least(h->least, h->distance, h->grid.positions);
            compared = true;
            if (u / STEP % 4 == 3 && is_beaten(h))
                return rms_of(h->leaders.value[h->leaders.count - 1], &h->grid);
        }
    }
    if (!compared)
        return NAN;
    int32_t value = percentile_99(h->least, &h->grid);
    add_leader(&h->leaders, value);
    return rms_of(value, &h->grid);
}

void ifl_artefact_held_out(const struct ifl_view *view, int wanted, void *memory, double *score)
{
    struct held_out h = {.view = view, .grid = grid_of(view), .leaders = {.wanted = wanted}};
    h.order = memory;
    h.box = (int32_t *)(h.order + view->roster->frames);
    h.distance = h.box + box_values(view);
    h.least = h.distance + h.grid.positions;
    order_frames(&h);
    for (int i = 0; i < view->roster->frames; i++)
        score[h.order[i].frame] = score_frame(&h, h.order[i].frame);
}
