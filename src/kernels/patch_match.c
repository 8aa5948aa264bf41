// SPDX-License-Identifier: Apache-2.0
// Picks the version for this machine.
#include "kernels/patch_match.h"

#include "kernels/cpu.h"

struct patch_kernels {
    void (*distances)(const int16_t *, const uint8_t *const *, int, int, int, uint32_t *);
    void (*blend)(const uint8_t *const *, const int16_t *, int, const int16_t *, const int16_t *,
                  int, int, int16_t *);
    void (*step)(const int16_t *, int16_t, int16_t *, int16_t *, int);
};

#define ROW(level)                                                                                 \
    {                                                                                              \
        ifl_patch_distances_##level, ifl_patch_blend_##level, ifl_patch_step_##level               \
    }
static const struct patch_kernels kernels[IFL_CPU_LEVELS] = {
    [IFL_CPU_C] = ROW(c),
    [IFL_CPU_AVX2] = ROW(avx2),
    [IFL_CPU_AVX512] = ROW(avx512),
    [IFL_CPU_VNNI] = {ifl_patch_distances_vnni, ifl_patch_blend_avx512, ifl_patch_step_avx512},
};

void ifl_patch_distances(const int16_t *x, const uint8_t *const *patch, int count, int stride,
                         int rows, uint32_t *d2)
{
    kernels[ifl_cpu_level()].distances(x, patch, count, stride, rows, d2);
}

void ifl_patch_blend(const uint8_t *const *patch, const int16_t *weight, int count,
                     const int16_t *window_x, const int16_t *window_y, int stride, int rows,
                     int16_t *sum)
{
    kernels[ifl_cpu_level()].blend(patch, weight, count, window_x, window_y, stride, rows, sum);
}

void ifl_patch_step(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded, int count)
{
    kernels[ifl_cpu_level()].step(sum, keep, x, rounded, count);
}
