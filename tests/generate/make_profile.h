// SPDX-License-Identifier: Apache-2.0
// Profiles made by hand, for tests: a textured plate, and objects whose place, look and event are
// known exactly.
#ifndef IFL_TESTS_MAKE_PROFILE_H
#define IFL_TESTS_MAKE_PROFILE_H

#include "inferloop/profile.h"

// An upright body (ellipse below a smaller one) that walks in a straight line.
struct made_object {
    uint32_t event, identity; // identity 0: that of the event
    int first, last;          // frames it is in, both included
    double x, y;              // middle of its feet in frame `first`, pixels of the base level
    double step_x, step_y;    // per frame
    int width, height;
    uint8_t rgb[3];
    double shadow; // 0: none; else how much darker the ground is where its shadow is darkest; soft,
                   // a body's height long to the right of its feet
};

struct made_config {
    int width, height; // the source's size: gives the aspect
    int base_area;     // class of the finest level, as in struct ifl_profiler_config
    int frames;
    int objects;
    const struct made_object *object; // later ones stand in front
    double noise;                     // sigma, grey levels
    double flicker;                   // spread of gain and offset between frames
    uint64_t seed;
};

// NULL: out of memory. Give it back by ifl_profile_unref.
struct ifl_profile *make_profile(const struct made_config *config);

// `events` walkers of random looks and ways across a 256x144-class picture of 16:9, spread over
// `frames` frames.
struct ifl_profile *make_walkers(int frames, int events, uint64_t seed);

// How much darker (0..1) an object makes the ground at a pixel in a frame that it is in.
double made_shadow(const struct made_object *object, int frame, int x, int y);

// The size that the base level will have.
void made_base_size(const struct made_config *config, int *width, int *height);

#endif
