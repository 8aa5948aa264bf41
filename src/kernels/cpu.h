// SPDX-License-Identifier: Apache-2.0
// Which instructions the kernels may use: found once, the same for all of them. The environment
// variable INFERLOOP_CPU=c|avx2|avx512|vnni sets a ceiling, never above what the machine has. Any
// thread.
#ifndef IFL_KERNELS_CPU_H
#define IFL_KERNELS_CPU_H

enum ifl_cpu_level { IFL_CPU_C, IFL_CPU_AVX2, IFL_CPU_AVX512, IFL_CPU_VNNI, IFL_CPU_LEVELS };

enum ifl_cpu_level ifl_cpu_level(void);
const char *ifl_cpu_level_name(enum ifl_cpu_level level); // "c", "avx2", "avx512", "vnni"

// For tests and benchmarks: from now on this level, or the best the machine has below it. Returns
// what it became. Every level gives the same bytes, so a kernel may run meanwhile.
enum ifl_cpu_level ifl_cpu_force(enum ifl_cpu_level level);

// What the machine has. AVX-512 means F, BW, VL and DQ, and VNNI all that and VNNI; all levels but
// the first have BMI2.
enum ifl_cpu_level ifl_cpu_detect(void);

#endif
