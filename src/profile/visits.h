// SPDX-License-Identifier: Apache-2.0
// Which event was where in which picture of a medium, so that a looped file keeps its events. In:
// components with events. Out: the event of a box seen before. Bounded: IFL_VISITS_ROWS pictures;
// a longer medium is kept at every 2nd, 4th, ... picture, and asked at the nearest one. One thread;
// no allocation after creation.
#ifndef IFL_PROFILE_VISITS_H
#define IFL_PROFILE_VISITS_H

#include "profile/events.h"

enum { IFL_VISITS_ROWS = 4096, IFL_VISIT_BOXES = 24 };

struct ifl_visit {
    uint64_t media_index;
    bool known; // what this picture shows
    int boxes;
    struct ifl_box box[IFL_VISIT_BOXES];
    uint32_t event[IFL_VISIT_BOXES];
};

struct ifl_visits {
    uint64_t stride;
    struct ifl_visit *row; // row[i]: media index i * stride
};

int ifl_visits_init(struct ifl_visits *visits); // 0, or -1: out of memory
void ifl_visits_fini(struct ifl_visits *visits);
void ifl_visits_clear(struct ifl_visits *visits);

// Writes down what this picture shows; boxes known from an earlier loop stay if nothing new covers
// them.
void ifl_visits_record(struct ifl_visits *visits, uint64_t media_index,
                       const struct ifl_component *component, int count);

// The event of the box in this picture as it was seen before, or 0.
uint32_t ifl_visits_event(const struct ifl_visits *visits, uint64_t media_index,
                          const struct ifl_box *box);

#endif
