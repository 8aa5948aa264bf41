// SPDX-License-Identifier: Apache-2.0
#include "kernels/picture.h"

#include <math.h>

#include "kernels/color.h"
#include "kernels/scale.h"

void ifl_picture_scale(const struct ifl_frame *frame, int width, int height, uint8_t *planes,
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

struct ifl_image *ifl_picture_exemplar(const struct ifl_frame *frame, struct ifl_image *reuse,
                                       uint8_t *planes)
{
    double scale = fmin(1, fmin(320.0 / frame->width, 240.0 / frame->height));
    int width = (int)fmax(1, scale * frame->width), height = (int)fmax(1, scale * frame->height);
    bool fits = reuse && __atomic_load_n(&reuse->refs, __ATOMIC_ACQUIRE) == 1 &&
                reuse->width == width && reuse->height == height;
    struct ifl_image *image = fits ? ifl_image_ref(reuse) : ifl_image_create(width, height);
    if (image)
        ifl_picture_scale(frame, width, height, planes, image->rgb);
    return image;
}
