// SPDX-License-Identifier: Apache-2.0
// The table of events (tracks). In: what the tracker sees. Out: rows by id, and identities: which
// events look like the same object. Bounded: when it is full, the oldest ended events that no
// memory frame shows are forgotten. One thread; no allocation after creation.
//
// Two events share an identity where
//  - one begins soon after the other has ended, near the place it ended at, and looks similar; or
//    one is seen for a moment only, beside or inside the other (a part of it that came apart); or
//  - they never were in one picture, are of plausible size for each other and look almost the same.
// Looks are compared with the whole identity so far, not with its nearest member, so that chains of
// small differences do not join everybody. It errs both ways: say "recorded tracks", not "persons".
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
    struct ifl_box first, last;      // where it began and was last seen
    int64_t first_frame, last_frame; // in frames the profiler was given
    int memory_frames;               // that show it
    uint8_t alive;                   // a track still follows it
    uint8_t tracked;                 // a track followed it once: not only found in the memory
};

struct ifl_events {
    uint32_t next_id;
    int count;
    struct ifl_event_row *row; // IFL_EVENTS_MAX, by id
};

int ifl_events_init(struct ifl_events *events); // 0, or -1: out of memory
void ifl_events_fini(struct ifl_events *events);
void ifl_events_clear(struct ifl_events *events); // ids go on rising

struct ifl_event_row *ifl_events_find(const struct ifl_events *events, uint32_t id); // or NULL

// A new event, or the forgotten event `id` anew; id 0: the next free one.
struct ifl_event_row *ifl_events_add(struct ifl_events *events, uint32_t id);

// The event was seen once more. `look` may be NULL.
void ifl_event_seen(struct ifl_event_row *row, const struct ifl_box *box, uint64_t media_index,
                    int64_t frame, const struct ifl_signature *look);

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
