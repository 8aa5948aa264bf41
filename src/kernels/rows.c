// SPDX-License-Identifier: Apache-2.0
#include "kernels/rows.h"

#include "kernels/cpu.h"

static const struct ifl_row_kernels *const levels[IFL_CPU_LEVELS] = {
    &ifl_row_kernels_c,
    &ifl_row_kernels_c,
    &ifl_row_kernels_c,
};

const struct ifl_row_kernels *ifl_row_kernels(void)
{
    return levels[ifl_cpu_level()];
}
