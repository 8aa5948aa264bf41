// SPDX-License-Identifier: Apache-2.0
// The generator's memory: which frames stay. In: labelled canonical pictures. Out: slots of
// ifl_memory_frame, shared with snapshots by reference. One thread.
//
// Half of the slots are recent: one frame every `stride` frames; the stride begins at 1, so that a
// young memory fills at once, and doubles (every other one leaves) up to window / half, so that the
// half covers the window evenly. The other slots keep what is worth most: a frame is worth the sum,
// over the events that it shows, of 1 / (other memory frames that show it), less with age. So the
// last frame of an event stays, and the tenth picture of a man who stands goes. A picture of a
// looped medium is kept once. Entry copies one pyramid; buffers of frames that leave are used
// again.
#ifndef IFL_PROFILE_MEMORY_H
#define IFL_PROFILE_MEMORY_H

#include "profile/rates.h"

struct ifl_slot {
    struct ifl_memory_frame *frame;
    int64_t number; // of the frame, counted by the profiler
    int recent;
    uint64_t hash;         // of its content, 0: to be computed
    uint64_t picture;      // of that what labels have no part in, 0: likewise
    double time;           // frames of the stream that it stands for, in `unit`: rates.h
    struct ifl_view *view; // its own
};

struct ifl_memory {
    int capacity, count;
    int levels, level_width[IFL_LEVELS_MAX], level_height[IFL_LEVELS_MAX];
    int64_t stride, stride_max, next_recent, last_diverse;
    double half_life; // frames
    double window;    // frames over which what slots stand for fades
    double unit;      // what a frame counts now: grows, so that older ones fade
    struct ifl_slot *slot;
    struct ifl_memory_frame *spare; // whose buffers are free, or NULL
    struct ifl_view *view, newest;  // of all slots, one more
};

// What is offered: the base picture, its labels and components with events.
struct ifl_memory_input {
    const struct ifl_frame *frame; // for its numbers and times
    int64_t number;
    const uint8_t *rgb, *label;
    const struct ifl_component *component;
    int components;
    const float *gain, *offset; // 3 each
    const struct ifl_local_light *local;
};

int ifl_memory_init(struct ifl_memory *memory, int capacity, int window_frames); // 0 or -1
void ifl_memory_fini(struct ifl_memory *memory);
// Drops all frames; `levels` sizes hold from now on.
void ifl_memory_reset(struct ifl_memory *memory, struct ifl_events *events, int levels,
                      const int *level_width, const int *level_height);

// Takes the frame in or not. IFL_ERR_NO_MEMORY leaves the memory as it was.
enum ifl_result ifl_memory_offer(struct ifl_memory *memory, struct ifl_events *events,
                                 const struct ifl_memory_input *input,
                                 struct ifl_error *error) IFL_CHECK_RESULT;

// One frame of the stream counts for the slot that is most like it.
void ifl_memory_count(struct ifl_memory *memory, const struct ifl_events *events,
                      const struct ifl_memory_input *input);

// Fills the share of the stream that each slot stands for; sum 1.
void ifl_memory_weigh(const struct ifl_memory *memory, double *weight);

// Drops the frames taken before this time of the wall clock; their pixels are freed, not kept as
// buffers.
void ifl_memory_forget(struct ifl_memory *memory, struct ifl_events *events,
                       int64_t before_wall_ns);

// New labels for a slot; a frame that a snapshot shares is replaced by one with the same pixels.
// 0, or -1: out of memory, and nothing has changed.
int ifl_memory_relabel(struct ifl_memory *memory, struct ifl_events *events, int slot,
                       const uint8_t *label, const struct ifl_component *component, int components);

#endif
