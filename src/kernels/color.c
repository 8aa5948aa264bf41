// SPDX-License-Identifier: Apache-2.0
#include "kernels/color.h"

#include "kernels/pixels.h"

// Factors of JFIF times 2^16; each row of the way there sums to 2^16 or 0, so greys stay grey.
enum { HALF = 1 << 15, MIDDLE = 128 };

static inline uint8_t clamp(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

void ifl_ycc_to_rgb(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *rgb, int count)
{
    ifl_pixel_kernels()->ycc_to_rgb(y, cb, cr, count, rgb);
}

void ifl_rgb_to_ycc(const uint8_t *rgb, uint8_t *y, uint8_t *cb, uint8_t *cr, int count)
{
    const int middle = (MIDDLE << 16) + HALF;
    for (int i = 0; i < count; i++) {
        int red = rgb[3 * i], green = rgb[3 * i + 1], blue = rgb[3 * i + 2];
        y[i] = clamp((19595 * red + 38470 * green + 7471 * blue + HALF) >> 16);
        cb[i] = clamp((-11059 * red - 21709 * green + 32768 * blue + middle) >> 16);
        cr[i] = clamp((32768 * red - 27439 * green - 5329 * blue + middle) >> 16);
    }
}
