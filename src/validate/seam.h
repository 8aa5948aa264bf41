// SPDX-License-Identifier: Apache-2.0
// Straight cuts: objects that end abruptly along a row or a column, as no real object does.
//
// In: a picture in canonical photometry and its plate. Out: pixels. Any thread.
#ifndef IFL_VALIDATE_SEAM_H
#define IFL_VALIDATE_SEAM_H

#include "validate/view.h"

// The longest run of pixels along one row (`across`) or column (`down`) where the picture steps in
// one pixel from the plate (up to 30, R, G and B summed) to an object (beyond 105), with a step
// that exceeds the plate's own by more than 60. Heads, shoulders and feet are round, so real
// runs along a row are short; sides are straighter, hence two numbers.
struct ifl_seam {
    int across, down;
};

// `scratch` holds 4 * pixels + 8 * width bytes.
struct ifl_seam ifl_seam_measure(const struct ifl_view *view, const uint8_t *canonical,
                                 void *scratch);

#endif
