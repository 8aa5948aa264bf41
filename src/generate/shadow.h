// SPDX-License-Identifier: Apache-2.0
// Soft shadows: what is darker than the plate by about one factor in all channels, below what
// single pixels tell from noise, so it is looked for in means over blocks (the memory's level of
// the 64x36 class). A shadow belongs to the nearest outline that it hangs on, and reaches a body's
// height at most; what hangs on nobody but enters across the picture's border is a stranger's. What
// is larger than who stands there could cast is light, and nobody's. In: a memory frame and its
// outlines so far. Out: shadows in the map. Any thread.
#ifndef IFL_GENERATE_SHADOW_H
#define IFL_GENERATE_SHADOW_H

#include "generate/outline.h"

// How much each block's mean differs from the plate by itself: twice the lower quartile over
// frames, eighths of a grey level: shadows fall on some places more often than not. `noise` has one
// element a block. Its level's number: ifl_shadow_level.
void ifl_shadow_noise(const struct ifl_memory *memory, uint8_t *noise);
int ifl_shadow_level(const struct ifl_memory *memory);

// Adds shadows to `outline->map`; `outline->numbers` grows by strangers. `scratch`: as in
// ifl_outline_find.
void ifl_shadow_add(const struct ifl_memory *memory, int frame, struct ifl_outline *outline,
                    int32_t *scratch);

#endif
