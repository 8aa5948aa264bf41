// SPDX-License-Identifier: Apache-2.0
#include "profile/pyramid.h"

#include "kernels/pixels.h"

void ifl_pyramid_halve(const uint8_t *from, int width, int height, uint8_t *to)
{
    int row = width * 3, half = width / 2;
    for (int y = 0; y < height / 2; y++) {
        const uint8_t *upper = from + 2 * y * row;
        ifl_pixel_kernels()->halve(upper, upper + row, half, to + 3 * y * half);
    }
}
