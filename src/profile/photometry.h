// SPDX-License-Identifier: Apache-2.0
// Illumination of a picture against the plate: raw = gain * canonical + offset, per channel. In:
// RGB24 of one size, tight. Out: gain and offset by a robust fit, and the picture without them.
// No allocation; one thread for one set of scratch.
#ifndef IFL_PROFILE_PHOTOMETRY_H
#define IFL_PROFILE_PHOTOMETRY_H

#include <stdint.h>

struct ifl_photometry {
    float gain[3], offset[3];
};

void ifl_photometry_identity(struct ifl_photometry *photometry);

// Fits over all pixels with weights that let go of what does not follow (objects, clipped pixels).
// `scratch` holds 3 * pixels floats. Gain stays within 1/4..4, and is 1 where the plate has
// no contrast to tell it by.
void ifl_photometry_fit(const uint8_t *raw, const uint8_t *plate, int pixels, float *scratch,
                        struct ifl_photometry *photometry);

// canonical = (raw - offset) / gain, rounded and clamped. May work in place.
void ifl_photometry_remove(const struct ifl_photometry *photometry, const uint8_t *raw, int pixels,
                           uint8_t *canonical);

// What the least and the greatest raw value become: pixels there are clipped and say nothing.
void ifl_photometry_ends(const struct ifl_photometry *photometry, uint8_t low[3], uint8_t high[3]);

#endif
