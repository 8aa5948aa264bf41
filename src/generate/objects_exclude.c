// SPDX-License-Identifier: Apache-2.0
// Who may have stood in a slot, and so takes no part in what is painted there. Where a component
// shows one object and all of it: whose track it is. Where it shows a part of one: also everybody
// who was there at that time, but who is seen whole elsewhere in that very picture. Where it shows
// several, everybody who was there at that time: of a crowd nobody knows who is in it.
#include <string.h>

#include "generate/objects_internal.h"

// A track may go on unseen for so many frames before and after it was seen.
enum { UNSEEN_FRAMES = 10 };

// By the slot's height: what is nearer to a slot may be a part of who stands there.
static const float NEARBY = 0.25f;

// By the usual height at its foot line: what is lower may be a part of somebody, or a shadow.
static const float WHOLE = 0.68f;

struct rect {
    float left, top, right, bottom;
};

static struct rect box_of(const struct ifl_component *c)
{
    return (struct rect){(float)c->x, (float)c->y, (float)(c->x + c->width),
                         (float)(c->y + c->height)};
}

// The component and the whole body that is placed for it, with what is near to them.
static struct rect slot_of(const struct ifl_objects *objects, const struct ifl_component *c,
                           const struct ifl_placement *placement)
{
    float half = objects->kind[placement->kind].aspect * placement->height / 2;
    float nearby = NEARBY * placement->height;
    struct rect slot = box_of(c);
    slot.left = lesser(slot.left, placement->foot_x - half) - nearby;
    slot.top = lesser(slot.top, placement->foot_y - placement->height) - nearby;
    slot.right = greater(slot.right, placement->foot_x + half) + nearby;
    slot.bottom = greater(slot.bottom, placement->foot_y) + nearby;
    return slot;
}

static bool meet(const struct rect *a, const struct rect *b)
{
    return a->left <= b->right && b->left <= a->right && a->top <= b->bottom && b->top <= a->bottom;
}

static bool is_elsewhere(const struct ifl_objects *objects, const struct ifl_component *c,
                         const struct ifl_placement *placement, const struct rect *slot)
{
    if (!ifl_component_valid(objects, c))
        return false;
    float usual = ifl_kind_height(&objects->kind[placement->kind], (float)(c->y + c->height));
    struct rect box = box_of(c);
    return (float)c->height >= WHOLE * usual && !meet(&box, slot);
}

static const struct ifl_component *sighting(const struct ifl_memory_frame *memory, uint32_t event)
{
    for (int i = 0; i < memory->components; i++) {
        if (memory->component[i].event == event)
            return &memory->component[i];
    }
    return NULL;
}

// Tracks that met may have gone on as each other: takes back that they are elsewhere.
static void keep_who_met(const struct ifl_objects *objects, const struct ifl_memory_frame *memory,
                         const struct ifl_component *slot, bool *elsewhere)
{
    for (int f = 0; f < objects->profile->memory_frames; f++) {
        const struct ifl_memory_frame *other = objects->profile->memory[f];
        const struct ifl_component *there = sighting(other, slot->event);
        struct rect place = there ? box_of(there) : (struct rect){0};
        for (int i = 0; there && i < other->components; i++) {
            struct rect box = box_of(&other->component[i]);
            if (!meet(&place, &box))
                continue;
            for (int j = 0; j < memory->components; j++)
                elsewhere[j] &= memory->component[j].event != other->component[i].event;
        }
    }
}

// Whether a track is in the picture and in no place but elsewhere.
static bool is_cleared(const struct ifl_memory_frame *memory, const bool *elsewhere, uint32_t event)
{
    bool seen = false;
    for (int i = 0; i < memory->components; i++) {
        if (memory->component[i].event != event)
            continue;
        if (!elsewhere[i])
            return false;
        seen = true;
    }
    return seen;
}

static bool covers_time(const struct ifl_event *event, uint64_t index)
{
    return event->first_index <= index + UNSEEN_FRAMES &&
           event->last_index + UNSEEN_FRAMES >= index;
}

static void exclude_hidden(const struct ifl_objects *objects, int frame,
                           const struct ifl_placement *placement, uint8_t *excluded)
{
    const struct ifl_profile *profile = objects->profile;
    const struct ifl_memory_frame *memory = profile->memory[frame];
    const struct ifl_component *c = &memory->component[placement->component];
    bool elsewhere[IFL_COMPONENTS_MAX] = {false};
    if (placement->shows == SHOWS_PART) {
        struct rect slot = slot_of(objects, c, placement);
        for (int i = 0; i < memory->components; i++)
            elsewhere[i] = is_elsewhere(objects, &memory->component[i], placement, &slot);
        keep_who_met(objects, memory, c, elsewhere);
    }
    for (int i = 0; i < profile->events; i++) {
        const struct ifl_event *event = &profile->event[i];
        if (!covers_time(event, memory->media_index) || is_cleared(memory, elsewhere, event->id))
            continue;
        int identity = ifl_objects_find_identity(objects, event->id);
        if (identity >= 0)
            excluded[identity] = 1;
    }
}

int ifl_layout_exclude(const struct ifl_objects *objects, int frame,
                       const struct ifl_placement *placement, uint8_t *excluded)
{
    const struct ifl_memory_frame *memory = objects->profile->memory[frame];
    memset(excluded, 0, (size_t)objects->identities);
    int slot = ifl_objects_find_identity(objects, memory->component[placement->component].event);
    if (slot >= 0)
        excluded[slot] = 1;
    if (placement->shows != SHOWS_ONE)
        exclude_hidden(objects, frame, placement, excluded);
    return slot;
}
