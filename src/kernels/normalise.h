// SPDX-License-Identifier: Apache-2.0
// Normalising YUV 4:2:0 pictures: in comes limited or full range, BT.601, 709 or 2020 matrix; out
// goes the canonical form, full range BT.601, which every room behind ingest relies on. Any thread,
// no memory of its own.
//
// The three matrices differ in how luma is weighed, so luma changes with the chroma beside it
// (chroma is repeated for that), but a grey stays the same grey. Primaries and transfer are left as
// they are. 16-bit integer arithmetic, clamped, at most 0.54 grey levels from the exact value.
#ifndef IFL_KERNELS_NORMALISE_H
#define IFL_KERNELS_NORMALISE_H

#include "inferloop/frame.h"

// Planes and strides are in the order of struct ifl_frame: Y, Cb, Cr; chroma planes are
// (width + 1) / 2 by (height + 1) / 2. With `nv12`, in[1] holds CbCr pairs and in[2] is not read.
// in[1] = NULL is a grey picture: the chroma that goes out is 128. Sizes >= 1; planes don't
// overlap.
void ifl_normalise_420(const uint8_t *const in[3], const int in_stride[3], bool nv12,
                       enum ifl_range range, enum ifl_matrix matrix, int width, int height,
                       uint8_t *const out[3], const int out_stride[3]);

#endif
