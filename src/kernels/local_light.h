// SPDX-License-Identifier: Apache-2.0
// Light that differs from place to place: a lamp over a part of the picture, the edge of a cloud.
//
// In: a picture, and the plate it is seen against, RGB24, rows tight, of one size. Out: the light
// as 16 x 10 gains (struct ifl_local_light), and pictures with it or without it. Frames are
// remembered without it and images get that of one frame, so that no image mixes two lights.
//
// A gain is measured in a window of an eighth by a fifth of the picture around it, and only where
// the plate's own texture shows through: half of its pixels have one gain, and their Laplacian
// follows the plate's. An object that fills a window does not do that, however even its colour, and
// smooth ground says nothing; such cells take what their neighbours have. So a light is a few
// smooth numbers, measured where nobody stands; nobody can be seen in it. Integers but for one
// division, the same everywhere. Any thread; the caller owns all storage.
#ifndef IFL_KERNELS_LOCAL_LIGHT_H
#define IFL_KERNELS_LOCAL_LIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "inferloop/profile.h"

// Lights are compared by tiles of 2 x 2 cells, each the size of a window.
enum { IFL_LIGHT_TILES_DOWN = IFL_LIGHT_DOWN / 2, IFL_LIGHT_TILES_ACROSS = IFL_LIGHT_ACROSS / 2 };

// What the tiles of a picture say of its light.
struct ifl_light_evidence {
    int16_t tile[IFL_LIGHT_TILES_DOWN][IFL_LIGHT_TILES_ACROSS][3];
    bool known[IFL_LIGHT_TILES_DOWN][IFL_LIGHT_TILES_ACROSS];
    int tiles;       // of those
    bool is_uniform; // too few tiles, or none is off by more than what passes for noise
};

size_t ifl_local_light_scratch_bytes(int pixels);

// Meant for small pictures (the 64x36 class), out of which global gain and offset were taken
// before; below 32x20 the light is taken for uniform. `scratch`: 2-byte aligned.
void ifl_local_light_look(const uint8_t *picture, const uint8_t *plate, int width, int height,
                          void *scratch, struct ifl_light_evidence *evidence);
// The same, and the light; all 0 where it is uniform. Returns whether it is not.
bool ifl_local_light_fit(const uint8_t *picture, const uint8_t *plate, int width, int height,
                         void *scratch, struct ifl_local_light *light);

bool ifl_local_light_is_uniform(const struct ifl_local_light *light);

// Whether no two cells differ by more than 12 % in what they differ by: but for a gain of the
// whole, no cell by more than 6 %.
bool ifl_local_light_is_like(const struct ifl_local_light *a, const struct ifl_local_light *b);

// Mean difference of the known tiles to `light`, but for a gain of the whole, in 1/4096.
int ifl_local_light_distance(const struct ifl_light_evidence *evidence,
                             const struct ifl_local_light *light);

// to = the picture under the light.
void ifl_local_light_put(const struct ifl_local_light *light, const uint8_t *rgb, int width,
                         int height, uint8_t *to);

// Takes the light out of `rgb`. What is clipped (at high[c] or above) becomes the plate where the
// plate under this light would be clipped as well.
void ifl_local_light_take(const struct ifl_local_light *light, const uint8_t *plate,
                          const uint8_t high[3], int width, int height, uint8_t *rgb);

#endif
