// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu.h"

enum ifl_cpu_level ifl_cpu_detect(void)
{
    __builtin_cpu_init(); // also asks whether the system saves the wide registers
    if (!__builtin_cpu_supports("avx2"))
        return IFL_CPU_C;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vbmi"))
        return IFL_CPU_AVX512;
    return IFL_CPU_AVX2;
}
