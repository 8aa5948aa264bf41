// SPDX-License-Identifier: Apache-2.0
// A small made world for the tests of this room: a textured place, people who walk through it one
// after the other, light that changes. In: a seed. Out: frames with their truth, and profiles.
#ifndef IFL_TESTS_VALIDATE_WORLD_H
#define IFL_TESTS_VALIDATE_WORLD_H

#include "inferloop/generate.h"

enum { WORLD_SIDE_X = 224, WORLD_SIDE_Y = 168, WORLD_PIXELS = WORLD_SIDE_X * WORLD_SIDE_Y };
enum { PERSON_WIDTH = 14, PERSON_HEIGHT = 38, WORLD_PEOPLE = 3 };

struct world {
    uint64_t seed;
    int people;   // at a time
    double noise; // of the sensor, grey levels
};

// One person's picture in a box of PERSON_WIDTH x PERSON_HEIGHT; mask 1 where the person is.
void person_paint(const struct world *world, uint32_t event,
                  uint8_t rgb[3 * PERSON_WIDTH * PERSON_HEIGHT],
                  uint8_t mask[PERSON_WIDTH * PERSON_HEIGHT]);
// Puts rows `from`..`to`-1 of that person at x, y; `label` may be NULL.
void person_put(const struct world *world, uint32_t event, int x, int y, int from, int to,
                uint8_t *rgb, uint8_t *label, int value);

void world_plate(const struct world *world, uint8_t *rgb);
// The scene at time `t` with its noise: RGB24 of WORLD_PIXELS. `label` and `component` may be NULL.
// Returns the number of people in it.
int world_frame(const struct world *world, int t, uint8_t *rgb, uint8_t *label,
                struct ifl_component *component);

// A profile of `frames` frames, from time `first` on, `step` apart. `lit`: with changing light.
struct ifl_profile *world_profile(const struct world *world, int frames, int first, int step,
                                  bool lit);

// An image of its own from `rgb` of the base size; the other one resampled as the engine does.
struct ifl_image *image_of(const uint8_t *rgb);
struct ifl_image *image_scaled(const uint8_t *rgb, int width, int height);

#endif
