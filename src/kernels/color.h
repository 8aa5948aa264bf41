// SPDX-License-Identifier: Apache-2.0
// Colour conversion between full-range BT.601 Y'CbCr (JFIF) and R'G'B', 8 bits, integer arithmetic,
// rounded to nearest and clamped.
#ifndef IFL_KERNELS_COLOR_H
#define IFL_KERNELS_COLOR_H

#include <stdint.h>

// `count` pixels from three planes of one size to interleaved RGB24 and back.
void ifl_ycc_to_rgb(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *rgb,
                    int count);
void ifl_rgb_to_ycc(const uint8_t *rgb, uint8_t *y, uint8_t *cb, uint8_t *cr, int count);

#endif
