// SPDX-License-Identifier: Apache-2.0
// The foreground audit: in how many distinct events was each patch of the foreground seen?
//
// In: an image in canonical photometry and its foreground. Out: shares. An event is a track of the
// profile; a memory patch belongs to the event whose component covers its centre, plate pixels to
// none. Seen: a memory patch within 7 RMS of 255 at the same place, give or take one pixel.
// Built on one thread, then safe on any.
#ifndef IFL_VALIDATE_SEEN_H
#define IFL_VALIDATE_SEEN_H

#include "validate/view.h"

enum {
    IFL_SEEN_PATCH = 8,
    IFL_SEEN_STRIDE = 4,
    IFL_SEEN_RMS = 7,
    IFL_SEEN_EVENTS = 64, // counted up to here
};

struct ifl_seen {
    const struct ifl_view *view;             // borrowed
    int columns, rows;                       // cells of 2x2 pixels
    uint64_t (*frames)[IFL_MEMORY_MAX / 64]; // [cell]: the frames with foreground in or beside it
};

enum ifl_result ifl_seen_init(struct ifl_seen *index, const struct ifl_view *view,
                              struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_seen_fini(struct ifl_seen *index);

// Distinct events (at most IFL_SEEN_EVENTS) that show the patch of `canonical` at x, y.
// `nearest_event`, may be NULL: the one with the most alike patch, 0 where there is none.
int ifl_seen_events(const struct ifl_seen *index, const uint8_t *canonical, int x, int y,
                    int *nearest_event);

// Whether at least `events` (at most IFL_SEEN_EVENTS) show it: sooner than counting all of them.
bool ifl_seen_by(const struct ifl_seen *index, const uint8_t *canonical, int x, int y, int events);

struct ifl_seen_shares {
    int patches;          // foreground patches: grid of stride 4, centre in the foreground
    double at_least[3];   // share seen in >= 1, 2, 4 events; -1 where there are no patches
    double at_least_k;    // in >= k
    double largest_event; // largest share whose most alike patch belongs to one event
};

// `counts` holds roster->events + 1.
void ifl_seen_audit(const struct ifl_seen *index, const uint8_t *canonical, const uint8_t *mask,
                    int k, int *counts, struct ifl_seen_shares *shares);

#endif
