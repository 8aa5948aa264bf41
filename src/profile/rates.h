// SPDX-License-Identifier: Apache-2.0
// How much of the stream's time each memory frame stands for. Half of the memory is chosen for what
// it shows, so what is rare is in it far more often than in the stream; drawn by these weights, it
// shows as often as it is. In: the foreground of a frame. Out: the slot most like it. One thread;
// no allocation.
//
// Each frame of the stream counts for the memory frame that is most like it: that shows as many
// objects, of the same events or, where it does not, of like colours and sizes. What a frame has
// counted when it leaves goes to the one of those that stay that is most like it. Counts fade over
// the window. (To find weights at which each event has its time is worse: somebody whom the memory
// shows beside a rare cart only would draw the cart into all of his time.)
#ifndef IFL_PROFILE_RATES_H
#define IFL_PROFILE_RATES_H

#include "profile/events.h"

enum { IFL_LOOKS_MAX = 16, IFL_LOOK_CHANNELS = 9 };

// What an object looks like, as far as rates go.
struct ifl_look {
    uint32_t event;
    float area;
    float channel[IFL_LOOK_CHANNELS]; // means of Y, Cb, Cr in three thirds, in bins
};

// What a frame shows. Of more than IFL_LOOKS_MAX objects the others only count.
struct ifl_view {
    int objects;
    int64_t number; // of the frame
    struct ifl_look look[IFL_LOOKS_MAX];
};

void ifl_view_take(struct ifl_view *view, const struct ifl_events *events,
                   const struct ifl_component *component, int components, int64_t number);

// How unlike two frames are: 0 the same .. 1 for each object that only one has or that is nothing
// like the other's; frames so far apart in time as `window` cost a little more. `most`: what is
// above it is not measured to the end.
float ifl_view_distance(const struct ifl_view *a, const struct ifl_view *b, double window,
                        float most);

#endif
