// SPDX-License-Identifier: Apache-2.0
// The layout: where which memory frame shall be seen, and which objects stand in the picture. It
// takes the place of the high-noise half of diffusion. In: the memory and a random stream. Out: a
// picture of real pixels with hard seams, which the denoiser then renders.
#ifndef IFL_GENERATE_LAYOUT_H
#define IFL_GENERATE_LAYOUT_H

#include "base/rng.h"
#include "generate/memory.h"
#include "generate/support.h"

struct ifl_outline;

struct ifl_layout_config {
    double occupancy_weight;           // frames are drawn with what they stand for in the stream by
                                       // exp(weight * crowd); below 0 an object stays with
                                       // probability exp(weight)
    const struct ifl_support *support; // NULL: every object may be used
    int k;                             // with support: events an object must have been seen in
};

enum { IFL_LAYOUT_PLATE = IFL_MEMORY_MAX, IFL_REGIONS_MAX = 3 };

struct ifl_layout {
    int objects, refused;
    int recorded;     // pixels that the frames in use have as foreground, kept or not
    uint8_t *picture; // base level, RGB24
    uint16_t *frame;  // base level: memory frame of each pixel, IFL_LAYOUT_PLATE: the plate
    uint8_t *taken;   // base level: 0, or number + 1 of the region whose object was placed
    // Of the frames in use, and of one that may give ground, if there is no memory to keep them.
    struct ifl_outline *outline[IFL_REGIONS_MAX + 1];
    int32_t *scratch;
};

// Storage for one layout at a time. IFL_ERR_NO_MEMORY.
enum ifl_result ifl_layout_init(struct ifl_layout *layout, const struct ifl_memory *memory,
                                struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_layout_fini(struct ifl_layout *layout);

void ifl_layout_make(const struct ifl_memory *memory, const struct ifl_layout_config *config,
                     struct ifl_rng *rng, struct ifl_layout *layout);

#endif
