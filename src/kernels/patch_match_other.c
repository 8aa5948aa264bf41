// SPDX-License-Identifier: Apache-2.0
// Machines without AVX: the names of patch_match_x86.c, by the plain versions.
#include "kernels/patch_match.h"

#define STUBS(level)                                                                               \
    void ifl_patch_distances_##level(const int16_t *x, const uint8_t *const *patch, int count,     \
                                     int stride, int rows, uint32_t *d2)                           \
    {                                                                                              \
        ifl_patch_distances_c(x, patch, count, stride, rows, d2);                                  \
    }                                                                                              \
    void ifl_patch_blend_##level(const uint8_t *const *patch, const int16_t *weight, int count,    \
                                 const int16_t *window_x, const int16_t *window_y, int stride,     \
                                 int rows, int16_t *sum)                                           \
    {                                                                                              \
        ifl_patch_blend_c(patch, weight, count, window_x, window_y, stride, rows, sum);            \
    }                                                                                              \
    void ifl_patch_step_##level(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded,    \
                                int count)                                                         \
    {                                                                                              \
        ifl_patch_step_c(sum, keep, x, rounded, count);                                            \
    }
STUBS(avx2)
STUBS(avx512)

void ifl_patch_distances_vnni(const int16_t *x, const uint8_t *const *patch, int count, int stride,
                              int rows, uint32_t *d2)
{
    ifl_patch_distances_c(x, patch, count, stride, rows, d2);
}
