// SPDX-License-Identifier: Apache-2.0
// The same loops, compiled for another instruction set.
#define IFL_PLANE_KERNELS ifl_plane_kernels_avx512
#include "kernels/plane_c.c"
