// SPDX-License-Identifier: Apache-2.0
// What the engine derives from a profile once: the places of its patches at each level, windows,
// tables, and the grain of the stream. In: a profile. Out: read-only data for any thread.
#ifndef IFL_GENERATE_MEMORY_H
#define IFL_GENERATE_MEMORY_H

#include "inferloop/profile.h"
#include "kernels/patch_match.h"

enum { IFL_STEPS_MAX = 6, IFL_NOISE_DRAWS = 4096 };

// Patches of one level lie at (x[i], y[j]); their windows sum to one over every pixel.
struct ifl_grid {
    int width, height, stride_samples; // of the picture
    int rows;                          // of a patch
    int across, down;                  // places
    int *x, *y;
    int *root_x,
        *root_y; // the place of the coarsest level that lies nearest, going down level by level
    int16_t *window_x; // across * IFL_PATCH_SAMPLES
    int16_t *window_y; // down * rows
    int steps;
    double sigma[IFL_STEPS_MAX]; // grey levels, falling
};

struct ifl_outline;

struct ifl_memory {
    struct ifl_profile *profile; // a reference
    int frames, levels;
    struct ifl_grid grid[IFL_LEVELS_MAX];
    uint8_t *planes;                    // of each frame at level 0: R, G and B apart
    struct ifl_outline **outline;       // of each frame, made when it is first needed: outline.h
    uint8_t *unrest, *shadow_noise;     // of the ground: outline.h, shadow.h
    int *usual_height;                  // of objects by their foot row: outline.h
    int16_t noise[IFL_NOISE_DRAWS];     // standard normal, 12 fractional bits
    double grain_sigma;                 // of single pixels of real frames, grey levels of luma
    double weight[IFL_MEMORY_MAX];      // share of the stream that each frame stands for; sum 1
    double crowd[IFL_MEMORY_MAX];       // foreground area of each frame, standardised by weight
    double crowd_mean, crowd_deviation; // of the share of the picture that is foreground
};

// IFL_ERR_NOT_READY: too few frames.
enum ifl_result ifl_memory_create(const struct ifl_profile *profile, struct ifl_memory **memory,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_memory_destroy(struct ifl_memory *memory); // takes NULL

// Component `index` of frame `f`, its box cut to the picture; false where nothing is left.
bool ifl_memory_component(const struct ifl_memory *memory, int f, int index,
                          struct ifl_component *component);

static inline int ifl_base_level(const struct ifl_memory *memory)
{
    return memory->levels - 1;
}

#endif
