// SPDX-License-Identifier: Apache-2.0
// Whole objects: a component's mask is what differs clearly from the plate; its outline adds what
// differs a little and hangs on it (dark legs on a dark road, soft shadows), and a soft edge. In: a
// memory frame. Out: a label map like its own. Any thread.
#ifndef IFL_GENERATE_OUTLINE_H
#define IFL_GENERATE_OUTLINE_H

#include "generate/memory.h"

enum {
    IFL_OUTLINE_GROWTH = 8, // pixels that an outline may grow over faint differences
    IFL_OUTLINE_HALO = 2,   // and over anything
    IFL_OUTLINE_REACH = IFL_OUTLINE_GROWTH + IFL_OUTLINE_HALO,
};

// The outline of a frame, made when it is first asked for and kept with the memory; without memory
// for that it is made in `spare`. `spare` and `queue` have one element a pixel of the base level;
// queue is scratch.
const uint8_t *ifl_outline_find(const struct ifl_memory *memory, int frame, uint8_t *spare,
                                int32_t *queue);

#endif
