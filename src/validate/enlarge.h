// SPDX-License-Identifier: Apache-2.0
// Images of another size than the memory: the blur of their resampling taken out.
//
// In: an image scaled to a level. Out: what it was before it had been enlarged from that level.
// An engine that makes the level's size and enlarges it (Catmull-Rom) loses detail on the way here
// and back; unless that is undone, its images look soft, and copies in them are not found.
#ifndef IFL_VALIDATE_ENLARGE_H
#define IFL_VALIDATE_ENLARGE_H

#include <stddef.h>
#include <stdint.h>

// restored = scaled + (scaled - reduce(enlarge(scaled))), three times: van Cittert's iteration,
// with enlarge: Catmull-Rom to image_width x image_height, reduce: area. RGB24, rows tight.
// `scratch` of ifl_enlarge_scratch_bytes.
size_t ifl_enlarge_scratch_bytes(int width, int height, int image_width, int image_height);
void ifl_enlarge_undo(const uint8_t *scaled, int width, int height, int image_width,
                      int image_height, uint8_t *restored, void *scratch);

#endif
