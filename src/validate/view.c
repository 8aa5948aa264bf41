// SPDX-License-Identifier: Apache-2.0
#include "validate/view.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/foreground.h"
#include "kernels/pixels.h"

// Labels beyond the components, and components without an event, count as plate.
static uint32_t event_id(const struct ifl_memory_frame *frame, int label)
{
    return label > 0 && label <= frame->components && frame->component
               ? frame->component[label - 1].event
               : 0;
}

static uint32_t identity_id(const struct ifl_profile *profile, uint32_t event)
{
    const struct ifl_event *row = ifl_profile_event(profile, event);
    return row && row->identity ? row->identity : event;
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int sort_unique(uint32_t *ids, int count)
{
    int kept = 0;
    qsort(ids, (size_t)count, sizeof *ids, compare_ids);
    for (int i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

// The rank of an id, from 1; ids beyond 65535 share the last rank (the memory cannot hold more).
static uint16_t rank_of(const uint32_t *ids, int count, uint32_t id)
{
    const uint32_t *at = bsearch(&id, ids, (size_t)count, sizeof *ids, compare_ids);
    long rank = at ? at - ids + 1 : 0;
    return rank > UINT16_MAX ? UINT16_MAX : (uint16_t)rank;
}

static void rank_events(struct ifl_roster *roster, uint32_t *ids, bool identities)
{
    const struct ifl_profile *profile = roster->from;
    uint16_t *rank = identities ? roster->identity : roster->event;
    int count = 0;
    for (int pass = 0; pass < 2; pass++) {
        int listed = 0;
        for (int t = 0; t < roster->frames; t++) {
            for (int label = 1; label < 256; label++) {
                uint32_t id = event_id(profile->memory[t], label);
                if (id == 0)
                    continue;
                if (identities)
                    id = identity_id(profile, id);
                if (pass == 0)
                    ids[listed++] = id;
                else
                    rank[t * 256 + label] = rank_of(ids, count, id);
            }
        }
        if (pass == 0)
            count = sort_unique(ids, listed);
    }
    *(identities ? &roster->identities : &roster->events) = count;
}

static void find_neighbours(struct ifl_roster *roster)
{
    int n = roster->frames;
    struct ifl_memory_frame *const *memory = roster->from->memory;
    uint64_t first = UINT64_MAX, last = 0;
    for (int t = 0; t < n; t++) {
        uint64_t index = memory[t]->media_index;
        first = index < first ? index : first;
        last = index > last ? index : last;
    }
    uint64_t reach = (last - first) / IFL_TIME_BLOCKS;
    for (int t = 0; t < n; t++) {
        for (int u = 0; u < n; u++) {
            uint64_t a = memory[t]->media_index, b = memory[u]->media_index;
            roster->near[t * n + u] = t == u || (a > b ? a - b : b - a) <= reach;
        }
    }
}

enum ifl_result ifl_roster_init(struct ifl_roster *roster, const struct ifl_profile *profile,
                                struct ifl_error *error)
{
    int n = profile->memory_frames;
    *roster = (struct ifl_roster){.frames = n, .from = profile};
    roster->event = calloc((size_t)n * 256, sizeof *roster->event);
    roster->identity = calloc((size_t)n * 256, sizeof *roster->identity);
    roster->near = calloc((size_t)n * (size_t)n, 1);
    uint32_t *ids = malloc((size_t)n * 256 * sizeof *ids);
    enum ifl_result result = IFL_OK;
    if (roster->event && roster->identity && roster->near && ids) {
        rank_events(roster, ids, false);
        rank_events(roster, ids, true);
        find_neighbours(roster);
    } else {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory for %d frames", n);
        ifl_roster_fini(roster);
    }
    free(ids);
    return result;
}

void ifl_roster_fini(struct ifl_roster *roster)
{
    free(roster->event);
    free(roster->identity);
    free(roster->near);
    *roster = (struct ifl_roster){0};
}

// Coarser labels are those at the middle of the pixel.
static void shrink_labels(const uint8_t *from, int from_width, int from_height, uint8_t *to,
                          int width, int height)
{
    for (int y = 0; y < height; y++) {
        const uint8_t *row =
            from + (size_t)((2 * y + 1) * from_height / (2 * height)) * (size_t)from_width;
        for (int x = 0; x < width; x++)
            *to++ = row[(2 * x + 1) * from_width / (2 * width)];
    }
}

enum ifl_result ifl_view_init(struct ifl_view *view, const struct ifl_roster *roster, int level,
                              struct ifl_error *error)
{
    const struct ifl_profile *profile = roster->from;
    int base = profile->levels - 1, n = roster->frames;
    *view = (struct ifl_view){.width = profile->level_width[level],
                              .height = profile->level_height[level],
                              .roster = roster,
                              .plate = profile->plate[level]};
    view->pixels = view->width * view->height;
    size_t pixels = (size_t)view->pixels;
    view->label_memory = calloc((size_t)n, pixels);
    if (!view->label_memory)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate",
                        "no memory for the labels of %d frames", n);
    for (int t = 0; t < n; t++) {
        const struct ifl_memory_frame *frame = profile->memory[t];
        view->frame[t] = frame->level[level];
        uint8_t *own = view->label_memory + (size_t)t * pixels;
        view->label[t] = level == base && frame->label ? frame->label : own;
        if (frame->label && level != base)
            shrink_labels(frame->label, profile->level_width[base], profile->level_height[base],
                          own, view->width, view->height);
    }
    return IFL_OK;
}

enum ifl_result ifl_view_find_threshold(struct ifl_view *view, struct ifl_error *error)
{
    if (view->threshold)
        return IFL_OK;
    view->threshold = malloc((size_t)view->pixels);
    if (view->threshold && ifl_foreground_threshold(view->frame, view->label, view->roster->frames,
                                                    view->plate, view->pixels, view->threshold))
        return IFL_OK;
    free(view->threshold);
    view->threshold = NULL;
    return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory to compare %d frames",
                    view->roster->frames);
}

enum ifl_result ifl_view_split(struct ifl_view *view, struct ifl_error *error)
{
    size_t samples = 3 * (size_t)view->pixels;
    if (view->planes)
        return IFL_OK;
    view->planes = malloc(samples * (size_t)view->roster->frames);
    if (!view->planes)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory to compare %d frames",
                        view->roster->frames);
    for (int t = 0; t < view->roster->frames; t++)
        ifl_pixel_kernels()->split(view->frame[t], view->pixels,
                                   view->planes + samples * (size_t)t);
    return IFL_OK;
}

void ifl_view_fini(struct ifl_view *view)
{
    free(view->planes);
    view->planes = NULL;
    free(view->label_memory);
    free(view->threshold);
    view->label_memory = NULL;
    view->threshold = NULL;
}

int ifl_view_foreground(const struct ifl_view *view, const uint8_t *canonical, uint8_t *mask,
                        void *scratch)
{
    return ifl_foreground_find(canonical, view->plate, view->threshold, view->width, view->height,
                               mask, scratch);
}
