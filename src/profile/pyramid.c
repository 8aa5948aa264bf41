// SPDX-License-Identifier: Apache-2.0
#include "profile/pyramid.h"

#include "kernels/color.h"
#include "kernels/pixels.h"
#include "kernels/scale.h"

void ifl_pyramid_base(const struct ifl_frame *frame, int width, int height, uint8_t *planes,
                      uint8_t *rgb)
{
    int pixels = width * height;
    for (int p = 0; p < 3; p++) {
        int plane_width, plane_height;
        ifl_plane_size(frame->format, frame->width, frame->height, p, &plane_width, &plane_height);
        ifl_scale_area(frame->plane[p], plane_width, plane_height, frame->stride[p],
                       planes + p * pixels, width, height, width, 1);
    }
    ifl_ycc_to_rgb(planes, planes + pixels, planes + 2 * pixels, rgb, pixels);
}

void ifl_pyramid_halve(const uint8_t *from, int width, int height, uint8_t *to)
{
    int row = width * 3, half = width / 2;
    for (int y = 0; y < height / 2; y++) {
        const uint8_t *upper = from + 2 * y * row;
        ifl_pixel_kernels()->halve(upper, upper + row, half, to + 3 * y * half);
    }
}
