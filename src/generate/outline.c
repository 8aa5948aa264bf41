// SPDX-License-Identifier: Apache-2.0
#include "generate/outline.h"

#include <stdlib.h>
#include <string.h>

enum { FAINT = 36 }; // |dR| + |dG| + |dB| to the plate, above most noise

struct growth {
    const uint8_t *picture, *plate;
    uint8_t *outline;
    int32_t *queue;
    int width, pixels, count;
};

static bool differs(const struct growth *g, int at)
{
    const uint8_t *p = g->picture + (ptrdiff_t)at * 3, *q = g->plate + (ptrdiff_t)at * 3;
    return abs(p[0] - q[0]) + abs(p[1] - q[1]) + abs(p[2] - q[2]) > FAINT;
}

static void visit(struct growth *g, int from, int at, bool anything)
{
    if (g->outline[at] || !(anything || differs(g, at)))
        return;
    g->outline[at] = g->outline[from];
    g->queue[g->count++] = at;
}

// One pixel further from all pixels of the queue from `first` on; returns where the new ones begin.
static int grow_once(struct growth *g, int first, bool anything)
{
    int last = g->count;
    for (int i = first; i < last; i++) {
        int at = g->queue[i], x = at % g->width;
        if (x > 0)
            visit(g, at, at - 1, anything);
        if (x + 1 < g->width)
            visit(g, at, at + 1, anything);
        if (at >= g->width)
            visit(g, at, at - g->width, anything);
        if (at + g->width < g->pixels)
            visit(g, at, at + g->width, anything);
    }
    return last;
}

static void grow_outline(const struct ifl_memory *memory, int frame, uint8_t *outline,
                         int32_t *queue)
{
    int base = ifl_base_level(memory);
    const struct ifl_memory_frame *source = memory->profile->memory[frame];
    struct growth g = {.picture = source->level[base],
                       .plate = memory->profile->plate[base],
                       .outline = outline,
                       .queue = queue,
                       .width = memory->grid[base].width,
                       .pixels = memory->grid[base].width * memory->grid[base].height};
    memcpy(outline, source->label, (size_t)g.pixels);
    for (int i = 0; i < g.pixels; i++) {
        uint64_t eight;
        if (i + 8 <= g.pixels && (memcpy(&eight, outline + i, 8), eight == 0))
            i += 7; // most of a picture is ground
        else if (outline[i])
            queue[g.count++] = i;
    }
    int first = 0;
    for (int i = 0; i < IFL_OUTLINE_GROWTH; i++)
        first = grow_once(&g, first, false);
    // The halo grows from all pixels: those that stopped growing early have an edge as well.
    first = 0;
    for (int i = 0; i < IFL_OUTLINE_HALO; i++)
        first = grow_once(&g, first, true);
}

const uint8_t *ifl_outline_find(const struct ifl_memory *memory, int frame, uint8_t *spare,
                                int32_t *queue)
{
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    uint8_t *known = __atomic_load_n(&memory->outline[frame], __ATOMIC_ACQUIRE);
    if (known)
        return known;
    uint8_t *made = malloc((size_t)base->width * (size_t)base->height);
    grow_outline(memory, frame, made ? made : spare, queue);
    if (!made)
        return spare;
    // Another thread may have made the same.
    if (__atomic_compare_exchange_n(&memory->outline[frame], &known, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    free(made);
    return known;
}
