// SPDX-License-Identifier: Apache-2.0
#define IFL_PIXEL_KERNELS ifl_pixel_kernels_avx512
#include "kernels/pixels_light.h"
#include "kernels/pixels_split.h"
// Which uses them.
#include "kernels/pixels_c.c"
