// SPDX-License-Identifier: Apache-2.0
// A machine for which there are only the C kernels.
#include "kernels/cpu.h"

#include "kernels/measure.h"
#include "kernels/pixels.h"
#include "kernels/plane.h"
#include "kernels/rows.h"

enum ifl_cpu_level ifl_cpu_detect(void)
{
    return IFL_CPU_C;
}

const struct ifl_row_kernels *ifl_row_kernels(void)
{
    return &ifl_row_kernels_c;
}

const struct ifl_measure_kernels *ifl_measure_kernels(void)
{
    return &ifl_measure_kernels_c;
}

const struct ifl_plane_kernels *ifl_plane_kernels(void)
{
    return &ifl_plane_kernels_c;
}

const struct ifl_pixel_kernels *ifl_pixel_kernels(void)
{
    return &ifl_pixel_kernels_c;
}
