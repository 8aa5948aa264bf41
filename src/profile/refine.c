// SPDX-License-Identifier: Apache-2.0
#include "profile/refine.h"

#include <string.h>

#define LOOKS_NEAR 0.3f // of signature distance

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

static int is_used(const struct ifl_refiner *refiner, int before, uint32_t event)
{
    for (int c = 0; c < before; c++)
        if (refiner->component[c].event == event)
            return 1;
    return 0;
}

// What the slots nearest in time show near this place, if it looks like component `c`. One that has
// an event already only changes it for one that the tracker followed.
static uint32_t event_nearby(const struct ifl_refiner *refiner, const struct ifl_memory *memory,
                             const struct ifl_events *events, const struct ifl_memory_frame *self,
                             int c, const struct ifl_signature *look)
{
    struct ifl_box box = ifl_box_of(&refiner->component[c]);
    int has_event = refiner->component[c].event != 0;
    uint64_t best = NEAR_FRAMES + 1;
    uint32_t event = 0;
    for (int i = 0; i < memory->count; i++) {
        const struct ifl_memory_frame *other = memory->slot[i].frame;
        uint64_t apart = other->media_index > self->media_index
                             ? other->media_index - self->media_index
                             : self->media_index - other->media_index;
        for (int o = 0; other != self && apart < best && o < other->components; o++) {
            struct ifl_box there = ifl_box_of(&other->component[o]);
            const struct ifl_event_row *row = ifl_events_find(events, other->component[o].event);
            if (!row || (has_event && !row->tracked) || is_used(refiner, c, row->event.id) ||
                ifl_box_gap(&there, &box) > 0.3f + 0.01f * (float)apart ||
                ifl_signature_distance(&row->look, look) > LOOKS_NEAR)
                continue;
            event = row->event.id;
            best = apart;
        }
    }
    return event;
}

// A track of one or two frames that nothing has come of.
static int is_speck(const struct ifl_event_row *row, const struct ifl_component *component,
                    int area_min)
{
    return !row->alive && row->event.frames < IFL_EVENT_CONFIRMED_FRAMES &&
           component->area < 3 * area_min;
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

// The component's event where it is known for this very picture, or 0.
static uint32_t known_event(const struct ifl_refiner *refiner, const struct ifl_memory_frame *frame,
                            const struct ifl_visits *visits, int c)
{
    struct ifl_box box = ifl_box_of(&refiner->component[c]);
    uint32_t event = event_in_frame(frame, &box, 0.2f);
    return event ? event : ifl_visits_event(visits, frame->media_index, &box);
}

// For a component without an event, or with one that only the memory knows: what the tracker
// followed nearby, else what it has, else a new one.
static uint32_t find_event(struct ifl_refiner *refiner, const struct ifl_scene *scene,
                           const struct ifl_slot *slot, const struct ifl_memory *memory,
                           struct ifl_events *events, int c)
{
    struct ifl_signature look;
    const struct ifl_memory_frame *frame = slot->frame;
    ifl_signature_take(&look, frame->level[memory->levels - 1], refiner->label, scene->width,
                       refiner->component, c);
    uint32_t own = refiner->component[c].event;
    uint32_t event = event_nearby(refiner, memory, events, frame, c, &look);
    struct ifl_event_row *row = event ? ifl_events_find(events, event) : NULL;
    if (!row && own)
        return own;
    if (!row)
        row = ifl_events_add(events, 0);
    ifl_event_seen(row, &refiner->component[c], frame->media_index, slot->number, &look);
    return row->event.id;
}

static int assign(struct ifl_refiner *refiner, const struct ifl_scene *scene,
                  const struct ifl_slot *slot, const struct ifl_memory *memory,
                  struct ifl_events *events, const struct ifl_visits *visits, int components)
{
    size_t pixels = (size_t)scene->width * (size_t)scene->height;
    int area_min = ifl_segment_area_min(scene->width, scene->height);
    for (int c = 0; c < components; c++) {
        struct ifl_component *component = &refiner->component[c];
        component->event = known_event(refiner, slot->frame, visits, c);
        struct ifl_event_row *row = ifl_events_find(events, component->event);
        if (row && is_speck(row, component, area_min)) {
            drop(refiner, pixels, c--, &components);
            continue;
        }
        if (!row || !row->tracked)
            component->event = find_event(refiner, scene, slot, memory, events, c);
    }
    return components;
}

// The newest slot older than the last one: events are known from the tracker in the newer ones, and
// so go on into the older ones, which were taken in while the plate was young.
static int next_slot(struct ifl_refiner *refiner, const struct ifl_memory *memory)
{
    int found = -1, newest = 0;
    for (int i = 0; i < memory->count; i++) {
        int64_t number = memory->slot[i].number;
        if (number > memory->slot[newest].number)
            newest = i;
        if (number < refiner->last && (found < 0 || number > memory->slot[found].number))
            found = i;
    }
    found = found < 0 ? newest : found;
    refiner->last = memory->slot[found].number;
    return found;
}

void ifl_refine(struct ifl_refiner *refiner, struct ifl_scene *scene, struct ifl_memory *memory,
                struct ifl_events *events, struct ifl_visits *visits)
{
    if (memory->count == 0)
        return;
    int slot = next_slot(refiner, memory);
    const struct ifl_memory_frame *frame = memory->slot[slot].frame;
    struct ifl_photometry light;
    memcpy(light.gain, frame->gain, sizeof light.gain);
    memcpy(light.offset, frame->offset, sizeof light.offset);
    int components = ifl_scene_label(scene, frame->level[memory->levels - 1], &light,
                                     refiner->label, refiner->component);
    components = assign(refiner, scene, &memory->slot[slot], memory, events, visits, components);
    ifl_visits_record(visits, frame->media_index, refiner->component, components);
    // Without memory for a copy the old labels stay: they are not wrong, only older.
    (void)ifl_memory_relabel(memory, events, slot, refiner->label, refiner->component, components);
}
