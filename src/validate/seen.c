// SPDX-License-Identifier: Apache-2.0
#include "validate/seen.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/patch_search.h"

enum { CELL = 2, WORDS = IFL_MEMORY_MAX / 64, SHIFT = 1 };

// Marks the cells of the pixel at x, y and of those around it.
static void mark_around(struct ifl_seen *index, int x, int y, int frame)
{
    int left = x > SHIFT ? (x - SHIFT) / CELL : 0, right = (x + SHIFT) / CELL;
    int top = y > SHIFT ? (y - SHIFT) / CELL : 0, bottom = (y + SHIFT) / CELL;
    for (int v = top; v <= bottom && v < index->rows; v++)
        for (int u = left; u <= right && u < index->columns; u++)
            index->frames[v * index->columns + u][frame / 64] |= UINT64_C(1) << frame % 64;
}

enum ifl_result ifl_seen_init(struct ifl_seen *index, const struct ifl_view *view,
                              struct ifl_error *error)
{
    *index = (struct ifl_seen){.view = view,
                               .columns = (view->width + CELL - 1) / CELL,
                               .rows = (view->height + CELL - 1) / CELL};
    index->frames = calloc((size_t)(index->columns * index->rows), sizeof *index->frames);
    if (!index->frames)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory for the foreground audit");
    for (int t = 0; t < view->roster->frames; t++)
        for (int y = 0; y < view->height; y++) {
            const uint8_t *label = view->label[t] + y * view->width;
            for (int x = 0; (x = ifl_next_label(label, x, view->width)) < view->width; x++)
                mark_around(index, x, y, t);
        }
    return IFL_OK;
}

void ifl_seen_fini(struct ifl_seen *index)
{
    free(index->frames);
    index->frames = NULL;
}

enum { SHIFTS = (2 * SHIFT + 1) * (2 * SHIFT + 1), FIRST_ROWS = 2 };

static const int32_t squares_limit =
    3 * IFL_SEEN_PATCH * IFL_SEEN_PATCH * IFL_SEEN_RMS * IFL_SEEN_RMS;

// Patches of one frame that belong to events, at and around one place.
struct around {
    int count;
    const uint8_t *patch[SHIFTS];
    uint16_t event[SHIFTS];
};

static void list_around(const struct ifl_view *view, int x, int y, int t, struct around *around)
{
    const uint16_t *event = view->roster->event + (ptrdiff_t)t * 256;
    int width = view->width, half = IFL_SEEN_PATCH / 2;
    around->count = 0;
    for (int v = y - SHIFT; v <= y + SHIFT; v++) {
        if (v < 0 || v + IFL_SEEN_PATCH > view->height)
            continue;
        for (int u = x - SHIFT; u <= x + SHIFT; u++) {
            if (u < 0 || u + IFL_SEEN_PATCH > width)
                continue;
            int of = event[view->label[t][(v + half) * width + u + half]];
            if (of == 0)
                continue;
            around->event[around->count] = (uint16_t)of;
            around->patch[around->count++] = view->frame[t] + 3 * (v * width + u);
        }
    }
}

// Leaves out the patches that are too far in a few rows already.
static void thin_out(const uint8_t *own, int stride, struct around *around)
{
    int32_t squares[SHIFTS];
    int kept = 0;
    ifl_search_compare(own, around->patch, around->count, stride, FIRST_ROWS, squares);
    for (int i = 0; i < around->count; i++) {
        if (squares[i] > squares_limit)
            continue;
        around->patch[kept] = around->patch[i];
        around->event[kept++] = around->event[i];
    }
    around->count = kept;
}

// The most alike of the patches: its squares (above the limit: none), and its event.
static int32_t best_of(struct around *around, const struct ifl_view *view, const uint8_t *own,
                       int *event)
{
    int32_t squares[SHIFTS], best = squares_limit + 1;
    thin_out(own, 3 * view->width, around);
    ifl_search_compare(own, around->patch, around->count, 3 * view->width, IFL_SEEN_PATCH, squares);
    for (int i = 0; i < around->count; i++)
        if (squares[i] < best) {
            best = squares[i];
            *event = around->event[i];
        }
    return best;
}

static int add_event(uint16_t *seen, int count, int event)
{
    for (int i = 0; i < count; i++)
        if (seen[i] == event)
            return count;
    if (count < IFL_SEEN_EVENTS)
        seen[count++] = (uint16_t)event;
    return count;
}

// Calls `take` with what each frame shows there, until it returns false.
typedef bool (*take_fn)(struct around *around, void *context);

static void each_frame(const struct ifl_seen *index, int x, int y, take_fn take, void *context)
{
    int half = IFL_SEEN_PATCH / 2, cell = (y + half) / CELL * index->columns + (x + half) / CELL;
    struct around around;
    for (int word = 0; word < WORDS; word++)
        for (uint64_t bits = index->frames[cell][word]; bits; bits &= bits - 1) {
            list_around(index->view, x, y, 64 * word + __builtin_ctzll(bits), &around);
            if (around.count > 0 && !take(&around, context))
                return;
        }
}

// The events that show one patch.
struct census {
    const struct ifl_view *view;
    const uint8_t *own;
    uint16_t seen[IFL_SEEN_EVENTS];
    int count, enough, nearest;
    int32_t least;
};

static bool count_all(struct around *around, void *context)
{
    struct census *census = context;
    int event = 0;
    int32_t squares = best_of(around, census->view, census->own, &event);
    if (squares > squares_limit)
        return true;
    census->count = add_event(census->seen, census->count, event);
    if (squares < census->least) {
        census->least = squares;
        census->nearest = event;
    }
    return true;
}

int ifl_seen_events(const struct ifl_seen *index, const uint8_t *canonical, int x, int y,
                    int *nearest_event)
{
    struct census census = {.view = index->view,
                            .own = canonical + 3 * (y * index->view->width + x),
                            .least = squares_limit + 1};
    each_frame(index, x, y, count_all, &census);
    if (nearest_event)
        *nearest_event = census.nearest;
    return census.count;
}

static bool has_event(const struct census *census, int event)
{
    for (int i = 0; i < census->count; i++)
        if (census->seen[i] == event)
            return true;
    return false;
}

// A frame that shows only events that were counted already tells nothing new.
static bool count_new(struct around *around, void *context)
{
    struct census *census = context;
    bool new = false;
    int event = 0;
    for (int i = 0; i < around->count && !new; i++)
        new = !has_event(census, around->event[i]);
    if (new &&best_of(around, census->view, census->own, &event) <= squares_limit)
        census->count = add_event(census->seen, census->count, event);
    return census->count < census->enough;
}

bool ifl_seen_by(const struct ifl_seen *index, const uint8_t *canonical, int x, int y, int events)
{
    struct census census = {
        .view = index->view, .own = canonical + 3 * (y * index->view->width + x), .enough = events};
    each_frame(index, x, y, count_new, &census);
    return census.count >= events;
}

void ifl_seen_audit(const struct ifl_seen *index, const uint8_t *canonical, const uint8_t *mask,
                    int k, int *counts, struct ifl_seen_shares *shares)
{
    const struct ifl_view *view = index->view;
    int half = IFL_SEEN_PATCH / 2, reached[4] = {0}, patches = 0, most = 0;
    const int wanted[4] = {1, 2, 4, k};
    memset(counts, 0, sizeof *counts * ((size_t)view->roster->events + 1));
    for (int y = 0; y + IFL_SEEN_PATCH <= view->height; y += IFL_SEEN_STRIDE) {
        for (int x = 0; x + IFL_SEEN_PATCH <= view->width; x += IFL_SEEN_STRIDE) {
            if (!mask[(y + half) * view->width + x + half])
                continue;
            int nearest, events = ifl_seen_events(index, canonical, x, y, &nearest);
            patches++;
            for (int i = 0; i < 4; i++)
                reached[i] += events >= wanted[i];
            if (nearest && ++counts[nearest] > most)
                most = counts[nearest];
        }
    }
    shares->patches = patches;
    for (int i = 0; i < 3; i++)
        shares->at_least[i] = patches ? (double)reached[i] / patches : -1;
    shares->at_least_k = patches ? (double)reached[3] / patches : -1;
    shares->largest_event = patches ? (double)most / patches : -1;
}
