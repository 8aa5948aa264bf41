// SPDX-License-Identifier: Apache-2.0
#include "validate/seen.h"

#include <stdlib.h>
#include <string.h>

enum { CELL = 8, WORDS = IFL_MEMORY_MAX / 64, SHIFT = 1 };

static void mark_cell(struct ifl_seen *index, int column, int row, int frame)
{
    for (int v = row - 1; v <= row + 1; v++)
        for (int u = column - 1; u <= column + 1; u++)
            if (v >= 0 && v < index->rows && u >= 0 && u < index->columns)
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
    for (int t = 0; t < view->roster->frames; t++) {
        for (int row = 0; row < index->rows; row++) {
            for (int column = 0; column < index->columns; column++) {
                int bottom = (row + 1) * CELL, right = (column + 1) * CELL;
                bottom = bottom < view->height ? bottom : view->height;
                right = right < view->width ? right : view->width;
                bool any = false;
                for (int y = row * CELL; y < bottom && !any; y++)
                    for (int x = column * CELL; x < right && !any; x++)
                        any = view->label[t][y * view->width + x] != 0;
                if (any)
                    mark_cell(index, column, row, t);
            }
        }
    }
    return IFL_OK;
}

void ifl_seen_fini(struct ifl_seen *index)
{
    free(index->frames);
    index->frames = NULL;
}

static int32_t row_squares(const uint8_t *a, const uint8_t *b)
{
    int32_t sum = 0;
    for (int i = 0; i < 3 * IFL_SEEN_PATCH; i++) {
        int d = a[i] - b[i];
        sum += d * d;
    }
    return sum;
}

// Sum of squares of two patches, or anything above `limit` once it is above.
static int32_t patch_squares(const uint8_t *a, const uint8_t *b, int stride, int32_t limit)
{
    int32_t sum = 0;
    for (int y = 0; y < IFL_SEEN_PATCH && sum <= limit; y++)
        sum += row_squares(a + y * stride, b + y * stride);
    return sum;
}

// The most alike of the shifted patches of one frame: its squares, and its event.
static int32_t best_of_frame(const struct ifl_view *view, const uint8_t *canonical, int x, int y,
                             int t, int32_t limit, int *event)
{
    int width = view->width, half = IFL_SEEN_PATCH / 2;
    const uint8_t *own = canonical + 3 * (y * width + x);
    int32_t best = limit + 1;
    for (int dy = -SHIFT; dy <= SHIFT; dy++) {
        for (int dx = -SHIFT; dx <= SHIFT; dx++) {
            int u = x + dx, v = y + dy;
            if (u < 0 || v < 0 || u + IFL_SEEN_PATCH > width || v + IFL_SEEN_PATCH > view->height)
                continue;
            int label = view->label[t][(v + half) * width + u + half];
            int of = view->roster->event[t * 256 + label];
            if (of == 0)
                continue;
            int32_t sum =
                patch_squares(own, view->frame[t] + 3 * (v * width + u), 3 * width, best - 1);
            if (sum < best) {
                best = sum;
                *event = of;
            }
        }
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

int ifl_seen_events(const struct ifl_seen *index, const uint8_t *canonical, int x, int y,
                    int *nearest_event)
{
    const struct ifl_view *view = index->view;
    const int32_t limit = 3 * IFL_SEEN_PATCH * IFL_SEEN_PATCH * IFL_SEEN_RMS * IFL_SEEN_RMS;
    int half = IFL_SEEN_PATCH / 2, cell = (y + half) / CELL * index->columns + (x + half) / CELL;
    uint16_t seen[IFL_SEEN_EVENTS];
    int count = 0, nearest = 0;
    int32_t least = limit + 1;
    for (int word = 0; word < WORDS; word++) {
        for (uint64_t bits = index->frames[cell][word]; bits; bits &= bits - 1) {
            int event = 0, t = 64 * word + __builtin_ctzll(bits);
            int32_t sum = best_of_frame(view, canonical, x, y, t, limit, &event);
            if (sum > limit)
                continue;
            count = add_event(seen, count, event);
            if (sum < least) {
                least = sum;
                nearest = event;
            }
        }
    }
    if (nearest_event)
        *nearest_event = nearest;
    return count;
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
