// SPDX-License-Identifier: Apache-2.0
// The background plate. In: frames of the memory, canonical, with what is known to be foreground in
// them. Out: per pixel the colour seen most steadily, and how noisy it is.
//
// The mode, not the median: a person who stands still for most of the time still sways, the ground
// behind him does not; and samples known to be foreground count less. Rows are estimated on
// their own, so that the work can be spread over updates. One thread; storage of the caller.
#ifndef IFL_PROFILE_PLATE_H
#define IFL_PROFILE_PLATE_H

#include "kernels/pixels.h"

enum { IFL_PLATE_SAMPLES = IFL_GROUND_SAMPLES, IFL_PLATE_NOISE_ONE = IFL_GROUND_NOISE_ONE };

struct ifl_plate_sample {
    const uint8_t *rgb;                     // whole picture, tight
    const uint8_t *label;                   // not 0: foreground; NULL: nothing is known
    uint8_t ground_votes, foreground_votes; // of a pixel that is not, and that is foreground; 0..3
};

// Estimates row `y` from at most IFL_PLATE_SAMPLES samples, at least 1. `plate` and `noise` are
// whole pictures (3 and 1 bytes a pixel); pixels with hold[i] > 0 keep what they have.
void ifl_plate_estimate_row(const struct ifl_plate_sample *samples, int count, int width, int y,
                            const uint8_t *hold, uint8_t *plate, uint8_t *noise);

#endif
