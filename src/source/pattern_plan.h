// SPDX-License-Identifier: Apache-2.0
// Who is where in the test pattern at a moment. Between its files only. Any thread.
#ifndef IFL_SOURCE_PATTERN_PLAN_H
#define IFL_SOURCE_PATTERN_PLAN_H

#include "source/pattern.h"

struct pattern_place {
    uint32_t id, identity;
    double center, foot;  // pixels
    double width, height; // pixels
    double stride;        // phase of its steps; stays where it stands
    double depth;         // 0 far .. 1 near
    bool cart;            // a box on wheels instead of a person
    bool standing, leftwards;
};

// Far ones first; returns how many, those outside the picture included.
int ifl_pattern_plan(const struct ifl_pattern_config *config, uint64_t index,
                     struct pattern_place places[IFL_PATTERN_OBJECTS_MAX]);

struct pattern_look {
    uint8_t body[3], legs[3], skin[3], hair[3]; // R, G, B
    int texture;                                // 0..4
    int texture_size;                           // 2..5: stripes over the body
};
void ifl_pattern_look(const struct ifl_pattern_config *config, uint32_t identity,
                      struct pattern_look *look);

// Uniform in [0, 1) and whole numbers out of a few keys.
uint64_t ifl_pattern_hash(uint64_t seed, uint64_t a, uint64_t b, uint64_t c);
double ifl_pattern_uniform(uint64_t seed, uint64_t a, uint64_t b, uint64_t c);

#endif
