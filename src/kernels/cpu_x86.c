// SPDX-License-Identifier: Apache-2.0
// The kernels of an x86-64, by level.
#include "kernels/cpu.h"

#include "kernels/measure.h"
#include "kernels/pixels.h"
#include "kernels/plane.h"
#include "kernels/rows.h"

enum ifl_cpu_level ifl_cpu_detect(void)
{
    __builtin_cpu_init(); // also asks whether the system saves the wide registers
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
        return IFL_CPU_C;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return __builtin_cpu_supports("avx512vnni") ? IFL_CPU_VNNI : IFL_CPU_AVX512;
    return IFL_CPU_AVX2;
}

const struct ifl_row_kernels *ifl_row_kernels(void)
{
    static const struct ifl_row_kernels *const levels[IFL_CPU_LEVELS] = {
        &ifl_row_kernels_c, &ifl_row_kernels_avx2, &ifl_row_kernels_avx512,
        &ifl_row_kernels_avx512};
    return levels[ifl_cpu_level()];
}

const struct ifl_measure_kernels *ifl_measure_kernels(void)
{
    static const struct ifl_measure_kernels *const levels[IFL_CPU_LEVELS] = {
        &ifl_measure_kernels_c, &ifl_measure_kernels_avx2, &ifl_measure_kernels_avx512,
        &ifl_measure_kernels_avx512};
    return levels[ifl_cpu_level()];
}

const struct ifl_plane_kernels *ifl_plane_kernels(void)
{
    static const struct ifl_plane_kernels *const levels[IFL_CPU_LEVELS] = {
        &ifl_plane_kernels_c, &ifl_plane_kernels_avx2, &ifl_plane_kernels_avx512,
        &ifl_plane_kernels_avx512};
    return levels[ifl_cpu_level()];
}

const struct ifl_pixel_kernels *ifl_pixel_kernels(void)
{
    static const struct ifl_pixel_kernels *const levels[IFL_CPU_LEVELS] = {
        &ifl_pixel_kernels_c, &ifl_pixel_kernels_avx2, &ifl_pixel_kernels_avx512,
        &ifl_pixel_kernels_avx512};
    return levels[ifl_cpu_level()];
}
