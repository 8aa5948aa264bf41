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

// `outline` and `queue` have one element a pixel of the base level; queue is scratch.
void ifl_outline_grow(const struct ifl_memory *memory, int frame, uint8_t *outline, int32_t *queue);

#endif
