// SPDX-License-Identifier: Apache-2.0
// Foreground: what differs from the plate, as 8-connected components. In: a canonical picture, the
// plate and its noise. Out: labels 1..n and their components (without events), greatest area first
// where there are too many. A cast shadow (darker by a modest factor, same chromaticity) belongs to
// no component unless the object surrounds it. One thread for one segmenter; no allocation after
// creation. Time: about 0.1 ms at 256x144.
#ifndef IFL_PROFILE_SEGMENT_H
#define IFL_PROFILE_SEGMENT_H

#include "inferloop/profile.h"

struct ifl_segment_input {
    const uint8_t *rgb, *plate; // tight
    const uint8_t *noise;       // eighths of a grey level
    uint8_t low[3], high[3];    // values of `rgb` that are clipped (ifl_photometry_ends)
};

struct ifl_segmenter;
struct ifl_segmenter *ifl_segmenter_create(int width, int height); // NULL: out of memory
void ifl_segmenter_destroy(struct ifl_segmenter *segmenter);       // takes NULL

// Fills `label` (width * height) and `component` (IFL_COMPONENTS_MAX); returns how many there are.
// ghost[i] is set where component i is one of the plate, not of the picture: the plate has an edge
// along its outline, the picture has none. NULL: nobody asks.
int ifl_segment(struct ifl_segmenter *segmenter, const struct ifl_segment_input *input,
                uint8_t *label, struct ifl_component *component, uint8_t *ghost);

// The least area of a component of a picture of this size: 0.06 % of it, at least 4 pixels.
int ifl_segment_area_min(int width, int height);

#endif
