// SPDX-License-Identifier: Apache-2.0
// Whole objects: a component's mask is what differs clearly from the plate; its outline adds what
// differs a little and hangs on it (dark legs on a dark road), pieces of it that something in front
// cut off, a soft edge, and its soft shadow (shadow.h). What differs and is nobody's (a piece too
// small for a component, a shadow that comes in from outside of the picture) is a stranger, with a
// number of its own above those of the components. In: a memory frame. Out: a map like its labels.
// Any thread.
#ifndef IFL_GENERATE_OUTLINE_H
#define IFL_GENERATE_OUTLINE_H

#include "generate/memory.h"

enum {
    IFL_OUTLINE_GROWTH = 8, // pixels that an outline may grow over faint differences
    IFL_OUTLINE_HALO = 2,   // and over anything
    IFL_OUTLINE_NUMBERS = UINT8_MAX,
};

struct ifl_outline {
    int numbers;                                   // the greatest one in the map
    struct ifl_component box[IFL_OUTLINE_NUMBERS]; // of number i + 1; its area: 0 where it is not
    // Of each component the least one that it belongs together with: one of them alone would be a
    // cut figure, or cast a shadow that is two people's.
    uint8_t group[IFL_COMPONENTS_MAX];
    uint8_t map[]; // base level
};

// How much each pixel of the base level differs from the plate by itself where nobody is: |dR| +
// |dG| + |dB|, the third largest in eight frames.
void ifl_outline_unrest(const struct ifl_memory *memory, uint8_t *unrest);

// How tall objects are on average whose feet are in a row of the base level, or near to it; 0: not
// known. One element a row, and one for feet at the border; the caller frees it. NULL: no memory.
int *ifl_outline_usual_heights(const struct ifl_memory *memory);

// What `spare` of ifl_outline_find must hold.
size_t ifl_outline_bytes(const struct ifl_memory *memory);

// The outlines of a frame, made when they are first asked for and kept with the memory; without
// memory for that they are made in `spare`. `scratch` has three elements a pixel of the base level.
const struct ifl_outline *ifl_outline_find(const struct ifl_memory *memory, int frame,
                                           struct ifl_outline *spare, int32_t *scratch);

// Puts components a and b, numbers from 1 on, into one group; those of strangers into none.
void ifl_outline_join(struct ifl_outline *outline, int components, int a, int b);

#endif
