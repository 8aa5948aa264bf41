// SPDX-License-Identifier: Apache-2.0
// The analytic denoiser, coarse to fine: the ideal denoiser of the empirical distribution of the
// memory's patches, place by place. In: a layout and a seed. Out: an RGB24 picture. Integer
// arithmetic decides in mode verbatim; the same bytes on any thread and machine.
//
//   d2(p,f) = |x[p] - F_f[p]|^2, W(p,f) ~ exp(-d2 / (2 sigma^2))
//   D = overlap-add of sum_f W(p,f) F_f[p],  x <- D + (sigma' / sigma)(x - D), at last x = D
//
// Noise alone would lose small objects (at 32x18 a person is half a pixel), so every level starts
// from the layout's own detail, and what the layout shows at a place has an edge over the other
// candidates: the layout decides what is seen, the denoiser joins it and fills in the rest.
//
// A frame competes only where it shows nobody whom the layout does not show; where no frame looks
// like what the layout shows, the layout's own picture does, seams and all.
//
// Where the layout shows one frame and the coarser level kept it, a level leaves it alone
// (settle.h): it would win there in the end, and that is most of a picture.
//
// With support only the finest level is run; W is bounded by 1/k over distinct events, only
// supported patches take part, and where fewer than k events are left the plate is shown.
#ifndef IFL_GENERATE_DENOISE_H
#define IFL_GENERATE_DENOISE_H

#include "generate/layout.h"

struct ifl_denoise_config {
    uint64_t seed;
    int level;                         // the finest level to render
    const struct ifl_support *support; // NULL: plain softmax
    int k;
    int steps; // at most, of each level; 0: its own number
};

// `picture` holds level `config->level`, RGB24 tight. IFL_ERR_NO_MEMORY.
enum ifl_result ifl_denoise(const struct ifl_memory *memory,
                            const struct ifl_denoise_config *config,
                            const struct ifl_layout *layout, uint8_t *picture,
                            struct ifl_error *error) IFL_CHECK_RESULT;

// Adds normal noise of `sigma` grey levels, the same in R, G and B, to `count` pixels.
void ifl_add_grain(const struct ifl_memory *memory, double sigma, uint64_t seed, uint8_t *rgb,
                   int count);

#endif
