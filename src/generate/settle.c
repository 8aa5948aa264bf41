// SPDX-License-Identifier: Apache-2.0
#include "generate/settle.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 4, // pixels a side: what patches of the finer levels are moved by
    MIXED = IFL_SETTLE_MIXED,
    CHANGE = 6, // grey levels that still count as kept
};

static int blocks(int pixels)
{
    return (pixels + BLOCK - 1) / BLOCK;
}

bool ifl_settle_init(struct ifl_settle *settle, const struct ifl_memory *memory)
{
    size_t places = 0, most = 0;
    bool done = true;
    *settle = (struct ifl_settle){0};
    for (int l = 0; l < memory->levels; l++) {
        const struct ifl_grid *grid = &memory->grid[l];
        size_t count = (size_t)blocks(grid->width) * (size_t)blocks(grid->height);
        size_t here = (size_t)grid->across * (size_t)grid->down;
        settle->owner[l] = malloc(count * sizeof *settle->owner[l]);
        done = done && settle->owner[l];
        most = count > most ? count : most;
        places = here > places ? here : places;
    }
    settle->changed = malloc(most);
    settle->live = malloc(most);
    settle->spot = malloc(places * sizeof *settle->spot);
    settle->span = malloc(most * sizeof *settle->span);
    return done && settle->changed && settle->live && settle->spot && settle->span;
}

void ifl_settle_fini(struct ifl_settle *settle)
{
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        free(settle->owner[l]);
    free(settle->changed);
    free(settle->live);
    free(settle->spot);
    free(settle->span);
}

// The frame that a box of the layout shows, or MIXED. The plate is never settled: it has no grain.
static uint16_t owner_of_pixels(const uint16_t *frame, int stride, int width, int height)
{
    uint16_t differs = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            differs |= frame[y * stride + x] ^ frame[0];
    return differs || frame[0] == IFL_LAYOUT_PLATE ? MIXED : frame[0];
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void own_base(const struct ifl_grid *grid, const uint16_t *frame, uint16_t *owner)
{
    for (int y = 0; y < grid->height; y += BLOCK)
        for (int x = 0; x < grid->width; x += BLOCK)
            *owner++ =
                owner_of_pixels(frame + y * grid->width + x, grid->width,
                                least(BLOCK, grid->width - x), least(BLOCK, grid->height - y));
}

// Four blocks of the finer level lie in one of the coarser.
static void own_coarser(const uint16_t *fine, int width, int height, uint16_t *owner)
{
    for (int y = 0; y < height; y += 2)
        for (int x = 0; x < width; x += 2)
            *owner++ = owner_of_pixels(fine + y * width + x, width, least(2, width - x),
                                       least(2, height - y));
}

void ifl_settle_layout(struct ifl_settle *settle, const struct ifl_memory *memory,
                       const struct ifl_layout *layout)
{
    int base = ifl_base_level(memory);
    own_base(&memory->grid[base], layout->frame, settle->owner[base]);
    for (int l = base - 1; l > 0; l--)
        own_coarser(settle->owner[l + 1], blocks(memory->grid[l + 1].width),
                    blocks(memory->grid[l + 1].height), settle->owner[l]);
}

static struct ifl_spot spot_at(int across, int down)
{
    return (struct ifl_spot){
        .across = (uint16_t)across, .down = (uint16_t)down, .home = IFL_LAYOUT_PLATE};
}

void ifl_settle_nothing(struct ifl_settle *settle, const struct ifl_grid *grid)
{
    settle->spots = 0;
    for (int down = 0; down < grid->down; down++)
        for (int across = 0; across < grid->across; across++)
            settle->spot[settle->spots++] = spot_at(across, down);
    settle->rendered = settle->spots;
    settle->span[0] = (struct ifl_span){0, 0, grid->width, grid->height};
    settle->spans = 1;
}

// Two pixels of the coarser level a block, both ways; nothing changed outside of its spans.
static void find_changes(struct ifl_settle *settle, const struct ifl_grid *coarse, int across,
                         int down, const int16_t *change)
{
    const int limit = CHANGE << IFL_PATCH_FRACTION;
    memset(settle->changed, 0, (size_t)across * (size_t)down);
    for (int s = 0; s < settle->spans; s++) {
        const struct ifl_span *span = &settle->span[s];
        for (int y = span->y; y < span->y + span->height; y++) {
            uint8_t *changed = settle->changed + y / 2 * across;
            const int16_t *row = change + (ptrdiff_t)y * coarse->stride_samples;
            for (int x = span->x; x < span->x + span->width; x++)
                for (int c = 0; c < 3; c++)
                    changed[x / 2] |= row[3 * x + c] > limit || row[3 * x + c] < -limit;
        }
    }
}

// The blocks under a place: columns x to right, rows y to bottom.
struct cover {
    int x, y, right, bottom;
};

static struct cover covered(const struct ifl_grid *grid, int across, int down)
{
    int x = grid->x[across], y = grid->y[down];
    return (struct cover){x / BLOCK, y / BLOCK, (x + IFL_PATCH_PIXELS - 1) / BLOCK,
                          (y + grid->rows - 1) / BLOCK};
}

static bool is_settled(const struct ifl_settle *settle, int level, int stride,
                       const struct cover *cover)
{
    const uint16_t *owner = settle->owner[level];
    uint16_t first = owner[cover->y * stride + cover->x];
    if (first == MIXED)
        return false;
    for (int y = cover->y; y <= cover->bottom; y++)
        for (int x = cover->x; x <= cover->right; x++)
            if (owner[y * stride + x] != first || settle->changed[y * stride + x])
                return false;
    return true;
}

static void bring_to_life(struct ifl_settle *settle, int stride, const struct cover *cover)
{
    for (int y = cover->y; y <= cover->bottom; y++)
        memset(settle->live + y * stride + cover->x, 1, (size_t)(cover->right - cover->x + 1));
}

static bool is_live(const struct ifl_settle *settle, int stride, const struct cover *cover)
{
    for (int y = cover->y; y <= cover->bottom; y++)
        if (memchr(settle->live + y * stride + cover->x, 1, (size_t)(cover->right - cover->x + 1)))
            return true;
    return false;
}

static void list_spans(struct ifl_settle *settle, const struct ifl_grid *grid)
{
    int stride = blocks(grid->width);
    settle->spans = 0;
    for (int y = 0; y < grid->height; y += BLOCK)
        for (int x = 0, end; x < stride; x = end + 1) {
            const uint8_t *live = settle->live + y / BLOCK * stride;
            for (end = x; end < stride && live[end]; end++)
                ;
            if (end > x)
                settle->span[settle->spans++] =
                    (struct ifl_span){x * BLOCK, y, least(end * BLOCK, grid->width) - x * BLOCK,
                                      least(BLOCK, grid->height - y)};
        }
}

void ifl_settle_level(struct ifl_settle *settle, const struct ifl_memory *memory, int level,
                      const int16_t *change)
{
    const struct ifl_grid *grid = &memory->grid[level];
    int stride = blocks(grid->width), rows = blocks(grid->height);
    find_changes(settle, &memory->grid[level - 1], stride, rows, change);
    memset(settle->live, 0, (size_t)stride * (size_t)rows);
    settle->spots = 0;
    for (int down = 0; down < grid->down; down++)
        for (int across = 0; across < grid->across; across++) {
            struct cover cover = covered(grid, across, down);
            if (is_settled(settle, level, stride, &cover))
                continue;
            bring_to_life(settle, stride, &cover);
            settle->spot[settle->spots++] = spot_at(across, down);
        }
    settle->rendered = settle->spots;
    for (int down = 0; down < grid->down; down++)
        for (int across = 0; across < grid->across; across++) {
            struct cover cover = covered(grid, across, down);
            if (is_settled(settle, level, stride, &cover) && is_live(settle, stride, &cover))
                settle->spot[settle->spots++] = spot_at(across, down);
        }
    list_spans(settle, grid);
}
