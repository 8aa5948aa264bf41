// SPDX-License-Identifier: Apache-2.0
// What validation knows of a profile: its memory at one size, and who stands where in it.
//
// In: a profile, which must outlive everything here. Out: read-only views. Built on one thread,
// then safe on any. Limits: IFL_MEMORY_MAX frames, IFL_COMPONENTS_MAX components a frame.
#ifndef IFL_VALIDATE_VIEW_H
#define IFL_VALIDATE_VIEW_H

#include <string.h>

#include "inferloop/profile.h"

enum { IFL_TIME_BLOCKS = 16 }; // a frame's time neighbourhood: this share of the memory's span

// Facts about the memory's frames that do not depend on the size.
struct ifl_roster {
    int frames;
    int events, identities;         // distinct ones among the components
    uint16_t *event;                // [frame * 256 + label]: 1..events; 0: plate
    uint16_t *identity;             // [frame * 256 + label]: 1..identities; 0: plate
    uint8_t *near;                  // [frame * frames + other]: recorded close to each other
    const struct ifl_profile *from; // borrowed
};

enum ifl_result ifl_roster_init(struct ifl_roster *roster, const struct ifl_profile *profile,
                                struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_roster_fini(struct ifl_roster *roster);

static inline bool ifl_roster_near(const struct ifl_roster *roster, int frame, int other)
{
    return roster->near[frame * roster->frames + other];
}

// The memory at one level of the profile's pyramid. Pictures are RGB24, rows tight.
struct ifl_view {
    int width, height, pixels;
    const struct ifl_roster *roster;      // borrowed
    const uint8_t *plate;                 // borrowed
    const uint8_t *frame[IFL_MEMORY_MAX]; // borrowed
    const uint8_t *label[IFL_MEMORY_MAX]; // borrowed at the base level, else in label_memory
    uint8_t *label_memory;
    uint8_t *planes;    // made on demand, [frame]: its R, G and B apart
    uint8_t *threshold; // made on demand, [pixel]: difference to the plate, summed over R, G and B,
                        // above which a pixel of an image is foreground
};

enum ifl_result ifl_view_init(struct ifl_view *view, const struct ifl_roster *roster, int level,
                              struct ifl_error *error) IFL_CHECK_RESULT;
// Make `planes`, `threshold`, where they are not yet.
enum ifl_result ifl_view_split(struct ifl_view *view, struct ifl_error *error) IFL_CHECK_RESULT;
enum ifl_result ifl_view_find_threshold(struct ifl_view *view,
                                        struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_view_fini(struct ifl_view *view);

// Foreground of a picture in canonical photometry, with the view's plate and threshold: see
// kernels/foreground.h.
int ifl_view_foreground(const struct ifl_view *view, const uint8_t *canonical, uint8_t *mask,
                        void *scratch);

// The first pixel from `x` on, below `end`, that has a label; `end` if there is none. Most have
// not.
static inline int ifl_next_label(const uint8_t *label, int x, int end)
{
    for (uint64_t eight; x + 8 <= end; x += 8) {
        memcpy(&eight, label + x, sizeof eight);
        if (eight)
            break;
    }
    while (x < end && label[x] == 0)
        x++;
    return x;
}

#endif
