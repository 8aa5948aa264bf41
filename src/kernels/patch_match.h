// SPDX-License-Identifier: Apache-2.0
// The inner loops of the patch denoiser. A patch is 8 pixels of RGB wide (24 samples) and `rows`
// rows high; pictures are RGB24, `stride` samples from row to row, the same for all of them.
// Integer arithmetic: every level of instructions gives the same bytes. Any thread.
#ifndef IFL_KERNELS_PATCH_MATCH_H
#define IFL_KERNELS_PATCH_MATCH_H

#include <stdint.h>

enum {
    IFL_PATCH_PIXELS = 8,
    IFL_PATCH_SAMPLES = 24,
    IFL_PATCH_ROWS_MAX = 12,
    IFL_PATCH_ONE = 32768, // 1.0 of weights and windows, which stay below it
    IFL_PATCH_FRACTION = 4 // fractional bits of the noisy picture
};

// d2[i] = squared distance of the noisy patch `x` (rounded to grey levels, within +-2047) to the
// patch at patch[i], i < count.
void ifl_patch_distances(const int16_t *x, const uint8_t *const *patch, int count, int stride,
                         int rows, uint32_t *d2);

// Adds window_x * window_y * sum_i weight[i] * patch[i] to `sum`, in units of 1/128 grey level. The
// weights sum to at most IFL_PATCH_ONE, and so do all windows over one sample.
void ifl_patch_blend(const uint8_t *const *patch, const int16_t *weight, int count,
                     const int16_t *window_x, const int16_t *window_y, int stride, int rows,
                     int16_t *sum);

// One denoising step of `count` samples: D = sum / 128, x <- D + keep * (x - D), both with
// IFL_PATCH_FRACTION fractional bits; `rounded` becomes x in grey levels.
void ifl_patch_step(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded, int count);

// The same by one level of instructions; the dispatch above picks among them.
#define IFL_PATCH_KERNELS(level)                                                                   \
    void ifl_patch_distances_##level(const int16_t *x, const uint8_t *const *patch, int count,     \
                                     int stride, int rows, uint32_t *d2);                          \
    void ifl_patch_blend_##level(const uint8_t *const *patch, const int16_t *weight, int count,    \
                                 const int16_t *window_x, const int16_t *window_y, int stride,     \
                                 int rows, int16_t *sum);                                          \
    void ifl_patch_step_##level(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded,    \
                                int count)
IFL_PATCH_KERNELS(c);
IFL_PATCH_KERNELS(avx2);
IFL_PATCH_KERNELS(avx512);
void ifl_patch_distances_vnni(const int16_t *x, const uint8_t *const *patch, int count, int stride,
                              int rows, uint32_t *d2);

#endif
