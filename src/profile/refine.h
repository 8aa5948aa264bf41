// SPDX-License-Identifier: Apache-2.0
// Labels of the memory, kept up with the plate. In: the memory, the scene as it is known by now.
// Out: one slot a call with new labels, whose components have found their events again: by what the
// slot had there, by the visits, by the slots nearest in time; only what nobody has seen yet begins
// a new event. Specks (events of one or two frames that have ended) lose their label. One thread.
#ifndef IFL_PROFILE_REFINE_H
#define IFL_PROFILE_REFINE_H

#include "profile/memory.h"
#include "profile/scene.h"
#include "profile/visits.h"

struct ifl_refiner {
    uint8_t *label; // scratch of the base level
    int64_t last;   // number of the frame labelled last
    struct ifl_component component[IFL_COMPONENTS_MAX];
};

// Labels the next slot anew. Takes about as long as labelling a new frame.
void ifl_refine(struct ifl_refiner *refiner, struct ifl_scene *scene, struct ifl_memory *memory,
                struct ifl_events *events, struct ifl_visits *visits);

#endif
