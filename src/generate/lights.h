// SPDX-License-Identifier: Apache-2.0
// Whose light an image gets. In: a profile. Out: for each memory frame at how many times its local
// light was seen, and frames drawn by it. Read-only once made: any thread.
//
// A picture's light is that of one frame, its gain, offset and local light together. What may be
// shown only as k others did is held to that for light as well: the local light must have been seen
// alike (within 6 % in every eighth by fifth of the picture) in at least k of 16 equal spans of the
// memory's time. It is a few smooth numbers measured where nobody stands (kernels/local_light.h);
// this keeps out the moment as well: headlights that passed once.
#ifndef IFL_GENERATE_LIGHTS_H
#define IFL_GENERATE_LIGHTS_H

#include "base/rng.h"
#include "inferloop/profile.h"

struct ifl_lights {
    int frames;
    uint8_t times[IFL_MEMORY_MAX]; // 1 to 16
};

void ifl_lights_find(const struct ifl_profile *profile, struct ifl_lights *lights);

// Draws a frame whose local light was seen at `k` times; -1: there is none.
int ifl_lights_draw(const struct ifl_lights *lights, int k, struct ifl_rng *rng);

#endif
