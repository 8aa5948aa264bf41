// SPDX-License-Identifier: Apache-2.0
// Scaling of 8-bit planes by area: each output sample is the mean of the input under it, with exact
// fractions at the borders of its box, rounded to nearest. Enlarging repeats samples. Any thread;
// up to 400 KiB of stack, where boxes are very wide.
#ifndef IFL_KERNELS_SCALE_H
#define IFL_KERNELS_SCALE_H

#include <stdint.h>

// `channels` interleaved samples a pixel (1 or 3). Strides in bytes. Sizes 1 to
// IFL_FRAME_SIDE_MAX; no overlap.
void ifl_scale_area(const uint8_t *source, int source_width, int source_height, int source_stride,
                    uint8_t *target, int target_width, int target_height, int target_stride,
                    int channels);

// Row `row` of the same.
void ifl_scale_area_row(const uint8_t *source, int source_width, int source_height,
                        int source_stride, uint8_t *target, int target_width, int target_height,
                        int row, int channels);

#endif
