// SPDX-License-Identifier: Apache-2.0
// Light and conditioning taken out of an image, so that it compares with the memory.
//
// In: an image and the plate, RGB24 of one size. Out: the image as it would look under the plate's
// light. Illumination, saturation and colour temperature are affine in RGB; brightness and contrast
// are one tone curve, base + (255 - base) (v / 255)^gamma, over all channels. So what was done to
// an image is read off its background, where it must equal the plate:
//     tone(image) = matrix * plate + offset, tone: the curve's inverse
// Fitted by least squares with outliers (foreground, clipped pixels) left out by their median
// residual, in turns. Without conditioning the matrix is diagonal (a gain a channel). Any thread.
#ifndef IFL_VALIDATE_LIGHT_H
#define IFL_VALIDATE_LIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/pixels.h"

struct ifl_light {
    struct ifl_color_map map;
    double tone[256];     // what a value of the image was before the tone curve
    double inverse[3][3]; // takes an image's deviation back to a deviation from the plate
    double gain;          // the weakest direction's gain: what is below 0.1 is hardly recoverable
    double residual;      // typical difference to the plate, R, G and B summed
    bool usable;          // false: no relation to the plate was found; nothing is taken out
};

// `full`: the image was conditioned; else only a gain and an offset a channel are fitted.
// `scratch` of ifl_light_scratch_bytes, for the next one as well.
size_t ifl_light_scratch_bytes(int pixels);
void ifl_light_fit(const uint8_t *image, const uint8_t *plate, int pixels, bool full, void *scratch,
                   struct ifl_light *light);

// canonical = plate + inverse * (tone(image) - (matrix * plate + offset)), rounded and clamped.
// Where a channel is clipped in the image and the plate explains it, the plate's value is taken.
void ifl_light_undo(const struct ifl_light *light, const uint8_t *image, const uint8_t *plate,
                    int pixels, uint8_t *canonical);

// Share of the plate's pixels with luma <= 2 or >= 253 under this light.
double ifl_light_clipped(const struct ifl_light *light, const uint8_t *plate, int pixels);

#endif
