// SPDX-License-Identifier: Apache-2.0
// Pictures of the memory's sizes: RGB24 with tight rows. Any thread; the caller owns all storage.
#ifndef IFL_PROFILE_PYRAMID_H
#define IFL_PROFILE_PYRAMID_H

#include <stdint.h>

// Half the size (both sides of `from` are even): means of 2x2, rounded half up.
void ifl_pyramid_halve(const uint8_t *from, int width, int height, uint8_t *to);

#endif
