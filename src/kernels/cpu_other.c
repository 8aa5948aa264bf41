// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu.h"

enum ifl_cpu_level ifl_cpu_detect(void)
{
    return IFL_CPU_C;
}
