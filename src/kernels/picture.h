// SPDX-License-Identifier: Apache-2.0
// Small pictures of frames. In: canonical frames. Out: RGB24 with tight rows. Any thread; the
// caller owns all storage.
#ifndef IFL_KERNELS_PICTURE_H
#define IFL_KERNELS_PICTURE_H

#include "inferloop/frame.h"
#include "inferloop/image.h"

// The frame at width x height, by area. `planes` is scratch of 3 * width * height bytes.
void ifl_picture_scale(const struct ifl_frame *frame, int width, int height, uint8_t *planes,
                       uint8_t *rgb);

// What people are shown of a frame beside an incident: at most 320 x 240, of the frame's shape. In
// `reuse` (NULL: none) where nobody else has that and it fits. `planes`: IFL_EXEMPLAR_BYTES of
// scratch. NULL: no memory. The caller unrefs it.
enum { IFL_EXEMPLAR_BYTES = 3 * 320 * 240 };
struct ifl_image *ifl_picture_exemplar(const struct ifl_frame *frame, struct ifl_image *reuse,
                                       uint8_t *planes);

#endif
