// SPDX-License-Identifier: Apache-2.0
#include "kernels/plane.h"

#include "kernels/scale.h"

static int limit(int value, int least, int greatest)
{
    return value < least ? least : value > greatest ? greatest : value;
}

void ifl_plane_fit(struct ifl_plane *plane, int frame_width, int frame_height)
{
    int box = 2;
    while ((frame_width / box) * (frame_height / box) > IFL_PLANE_AREA)
        box *= 2;
    plane->box = box;
    plane->width = limit(frame_width / box, 1, IFL_PLANE_SIDE_MAX);
    plane->height = limit(frame_height / box, 1, IFL_PLANE_SIDE_MAX);
}

// Only whole boxes: what they cover of a side; where there is no whole box, all of it.
void ifl_plane_reduce_row(const struct ifl_plane *plane, const struct ifl_frame *frame, int index,
                          int row)
{
    uint8_t *const to[3] = {plane->y, plane->cb, plane->cr};
    int box = index ? plane->box / 2 : plane->box;
    int width = index ? (frame->width + 1) / 2 : frame->width;
    int height = index ? (frame->height + 1) / 2 : frame->height;
    ifl_scale_area_row(frame->plane[index], limit(plane->width * box, 1, width),
                       limit(plane->height * box, 1, height), frame->stride[index],
                       to[index] + (ptrdiff_t)row * plane->width, plane->width, plane->height, row,
                       1);
}
