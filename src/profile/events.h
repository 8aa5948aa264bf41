// SPDX-License-Identifier: Apache-2.0
// The table of events (tracks). In: what the tracker sees. Out: rows by id, and identities: which
// events look like the same object. Bounded: when it is full, the oldest ended events that no
// memory frame shows are forgotten. One thread; no allocation after creation.
//
// Identities are counted so that there are rather too few than too many: whoever needs k of them
// must not get the same person twice. An event is an identity of its own only where it
//  - was seen whole for a while, and
//  - looks clearly different, in its whole pictures, from all identities so far (the longest
//    events come first), or is of another shape (a vehicle, a person); and
//  - neither began soon after another had ended, near the place it ended at and looking similar,
//    nor was seen for a moment only, beside or inside another (a part of it that came apart).
// All other events belong to the identity that they look most like. So people who dress alike are
// one identity, even side by side in one picture; somebody whose looks change is two.
#ifndef IFL_PROFILE_EVENTS_H
#define IFL_PROFILE_EVENTS_H

#include "profile/signature.h"

enum { IFL_EVENTS_MAX = 4096, IFL_EVENT_CONFIRMED_FRAMES = 3 };

struct ifl_box {
    int16_t x, y, width, height;
};

struct ifl_event_row {
    struct ifl_event event;
    struct ifl_signature look;       // mean over its frames
    struct ifl_signature whole;      // mean over those that show all of it and nothing else
    int whole_frames;                // as far as one can tell from the outline
    float aspect;                    // width by height, mean over them
    struct ifl_box first, last;      // where it began and was last seen
    int64_t first_frame, last_frame; // in frames the profiler was given
    int memory_frames;               // that show it
    uint8_t alive;                   // a track still follows it
    uint8_t tracked;                 // a track followed it once: not only found in the memory
};

struct ifl_events {
    uint32_t next_id;
    int count;
    struct ifl_event_row *row;    // IFL_EVENTS_MAX, by id
    struct ifl_event_row **order; // scratch of ifl_events_identify
    int *leader;
};

int ifl_events_init(struct ifl_events *events); // 0, or -1: out of memory
void ifl_events_fini(struct ifl_events *events);
void ifl_events_clear(struct ifl_events *events); // ids go on rising

struct ifl_event_row *ifl_events_find(const struct ifl_events *events, uint32_t id); // or NULL

// A new event, or the forgotten event `id` anew; id 0: the next free one.
struct ifl_event_row *ifl_events_add(struct ifl_events *events, uint32_t id);

// The event was seen once more. `look` may be NULL: several in one.
void ifl_event_seen(struct ifl_event_row *row, const struct ifl_component *component,
                    uint64_t media_index, int64_t frame, const struct ifl_signature *look);

// Fills `identity` of every event that the memory shows (numbers from 1). Returns how many.
int ifl_events_identify(struct ifl_events *events);

static inline struct ifl_box ifl_box_of(const struct ifl_component *component)
{
    return (struct ifl_box){(int16_t)component->x, (int16_t)component->y, (int16_t)component->width,
                            (int16_t)component->height};
}

int ifl_box_overlap(const struct ifl_box *a, const struct ifl_box *b); // pixels
float ifl_box_iou(const struct ifl_box *a, const struct ifl_box *b);   // 0..1
// Distance of the centres over the greater mean side.
float ifl_box_gap(const struct ifl_box *a, const struct ifl_box *b);

#endif
