// SPDX-License-Identifier: Apache-2.0
#include "profile/refine.h"

#include <string.h>

enum { NEAR_FRAMES = 60 }; // media indices within which a slot may lend its events

static float cover_score(const struct ifl_box *a, const struct ifl_box *b)
{
    float iou = ifl_box_iou(a, b);
    int area = a->width * a->height, other = b->width * b->height;
    int least = area < other ? area : other;
    float cover = least > 0 ? (float)ifl_box_overlap(a, b) / (float)least : 0;
    return cover > 0.7f && iou < 0.3f ? 0.3f : iou;
}

// The event of the component of `frame` that covers the box best, or 0.
static uint32_t event_in_frame(const struct ifl_memory_frame *frame, const struct ifl_box *box,
                               float least)
{
    uint32_t event = 0;
    for (int c = 0; c < frame->components; c++) {
        struct ifl_box other = ifl_box_of(&frame->component[c]);
        float score = cover_score(&other, box);
        if (score <= least)
            continue;
        least = score;
        event = frame->component[c].event;
    }
    return event;
}

static uint32_t event_nearby(const struct ifl_memory *memory, const struct ifl_memory_frame *self,
                             const struct ifl_box *box)
{
    uint64_t best = NEAR_FRAMES + 1;
    uint32_t event = 0;
    for (int i = 0; i < memory->count; i++) {
        const struct ifl_memory_frame *other = memory->slot[i].frame;
        uint64_t apart = other->media_index > self->media_index
                             ? other->media_index - self->media_index
                             : self->media_index - other->media_index;
        if (other == self || apart >= best)
            continue;
        uint32_t found = event_in_frame(other, box, apart < 4 ? 0.3f : 0.5f);
        if (!found)
            continue;
        event = found;
        best = apart;
    }
    return event;
}

static uint32_t find_event(const struct ifl_memory *memory, int slot,
                           const struct ifl_visits *visits, const struct ifl_box *box)
{
    const struct ifl_memory_frame *frame = memory->slot[slot].frame;
    uint32_t event = event_in_frame(frame, box, 0.2f);
    if (!event)
        event = ifl_visits_event(visits, frame->media_index, box);
    return event ? event : event_nearby(memory, frame, box);
}

static int is_speck(const struct ifl_event_row *row)
{
    return !row->alive && row->event.frames < IFL_EVENT_CONFIRMED_FRAMES;
}

static void drop(struct ifl_refiner *refiner, size_t pixels, int c, int *components)
{
    for (size_t i = 0; i < pixels; i++) {
        int label = refiner->label[i];
        refiner->label[i] = (uint8_t)(label == c + 1 ? 0 : label > c + 1 ? label - 1 : label);
    }
    memmove(refiner->component + c, refiner->component + c + 1,
            (size_t)(*components - c - 1) * sizeof *refiner->component);
    (*components)--;
}

static void assign(struct ifl_refiner *refiner, const struct ifl_scene *scene, int slot,
                   struct ifl_memory *memory, struct ifl_events *events, struct ifl_visits *visits,
                   int *components)
{
    const struct ifl_memory_frame *frame = memory->slot[slot].frame;
    size_t pixels = (size_t)scene->width * (size_t)scene->height;
    for (int c = 0; c < *components; c++) {
        struct ifl_box box = ifl_box_of(&refiner->component[c]);
        uint32_t event = find_event(memory, slot, visits, &box);
        struct ifl_event_row *row = event ? ifl_events_find(events, event) : NULL;
        if (row && is_speck(row) && row->memory_frames < 2) {
            drop(refiner, pixels, c--, components);
            continue;
        }
        int found_before = event != 0;
        if (!row)
            row = ifl_events_add(events, event);
        refiner->component[c].event = row->event.id;
        if (found_before && row->event.frames > 0)
            continue;
        struct ifl_signature look;
        ifl_signature_take(&look, frame->level[memory->levels - 1], refiner->label, scene->width,
                           refiner->component, c);
        ifl_event_seen(row, &box, frame->media_index, memory->slot[slot].number, &look);
    }
    ifl_visits_record(visits, frame->media_index, refiner->component, *components);
}

void ifl_refine(struct ifl_refiner *refiner, struct ifl_scene *scene, struct ifl_memory *memory,
                struct ifl_events *events, struct ifl_visits *visits)
{
    if (memory->count == 0)
        return;
    int slot = refiner->next++ % memory->count;
    refiner->next %= memory->count;
    const struct ifl_memory_frame *frame = memory->slot[slot].frame;
    struct ifl_photometry light;
    memcpy(light.gain, frame->gain, sizeof light.gain);
    memcpy(light.offset, frame->offset, sizeof light.offset);
    int components = ifl_scene_label(scene, frame->level[memory->levels - 1], &light,
                                     refiner->label, refiner->component);
    assign(refiner, scene, slot, memory, events, visits, &components);
    // Without memory for a copy the old labels stay: they are not wrong, only older.
    (void)ifl_memory_relabel(memory, events, slot, refiner->label, refiner->component, components);
}
