// SPDX-License-Identifier: Apache-2.0
// Measures light and detail of RGB pictures of one size, again and again: what features.h measures
// of luma and colour at full size, to the bit, but no texture, composition or motion. One thread at
// a time; allocates once.
#ifndef IFL_KERNELS_METER_H
#define IFL_KERNELS_METER_H

#include "inferloop/features.h"

struct ifl_meter;
struct ifl_meter *ifl_meter_create(int width, int height); // NULL: out of memory
void ifl_meter_destroy(struct ifl_meter *meter);           // takes NULL

// The picture as a canonical frame, valid until the next call; chroma is the mean of 2x2 pixels.
const struct ifl_frame *ifl_meter_frame(struct ifl_meter *meter, const uint8_t *rgb);
// Sets brightness, contrast, saturation, colour temperature, laplacian_variance, noise_sigma,
// dark_channel, the means of red, green and blue and what comes with them; others stay as they are.
void ifl_meter_take(struct ifl_meter *meter, const uint8_t *rgb, struct ifl_features *features);

#endif
