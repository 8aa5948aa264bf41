// SPDX-License-Identifier: Apache-2.0
// The tracker: gives the components of each picture their events. In: components of one picture
// after the other. Out: component.event, rows in the table of events. One thread; no allocation
// after creation; at most IFL_TRACKS_MAX tracks at a time.
//
// A component goes on with the track whose predicted box and look fit best. Where several tracks
// meet in one blob, the blob takes the event of the one that fits it best, with a bonus for age
// (the larger or longer one); the others wait inside it for as long as it lives, and take up their
// events again when it comes apart. People who come in as one blob are one event until then.
// A picture of a medium seen before (a looped file) takes its events from the visits.
#ifndef IFL_PROFILE_TRACK_H
#define IFL_PROFILE_TRACK_H

#include "profile/visits.h"

enum { IFL_TRACKS_MAX = 256 };

struct ifl_track_input {
    const uint8_t *rgb, *label; // canonical picture and its labels, tight
    int width, height;
    uint64_t media_index;
    int64_t frame;  // counts the frames given
    int looped;     // a medium that began anew: visits decide
    int new_medium; // the first picture after a cut: nothing goes on
};

struct ifl_tracker;
struct ifl_tracker *ifl_tracker_create(void);          // NULL: out of memory
void ifl_tracker_destroy(struct ifl_tracker *tracker); // takes NULL
void ifl_tracker_clear(struct ifl_tracker *tracker);   // forgets all tracks

void ifl_tracker_update(struct ifl_tracker *tracker, struct ifl_events *events,
                        struct ifl_visits *visits, const struct ifl_track_input *input,
                        struct ifl_component *component, int count);

#endif
