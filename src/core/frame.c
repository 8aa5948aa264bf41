// SPDX-License-Identifier: Apache-2.0
#include "inferloop/frame.h"

#include <stdlib.h>
#include <string.h>

struct plane_row {
    const char *name;
    int planes;
    int shift_x[3], shift_y[3]; // subsampling of each plane, as shifts
    int sample_bytes[3];
};

static const struct plane_row formats[] = {
    [IFL_PIXEL_YUV420P] = {"yuv420p", 3, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}},
    [IFL_PIXEL_YUV422P] = {"yuv422p", 3, {0, 1, 1}, {0, 0, 0}, {1, 1, 1}},
    [IFL_PIXEL_YUV444P] = {"yuv444p", 3, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}},
    [IFL_PIXEL_NV12] = {"nv12", 2, {0, 1}, {0, 1}, {1, 2}},
    [IFL_PIXEL_GRAY8] = {"gray8", 1, {0}, {0}, {1}},
    [IFL_PIXEL_RGB24] = {"rgb24", 1, {0}, {0}, {3}},
    [IFL_PIXEL_RGBA32] = {"rgba32", 1, {0}, {0}, {4}},
    [IFL_PIXEL_RGB48] = {"rgb48", 1, {0}, {0}, {6}},
    [IFL_PIXEL_GRAY16] = {"gray16", 1, {0}, {0}, {2}},
};

const char *ifl_pixel_format_name(enum ifl_pixel_format format)
{
    return formats[format].name;
}

void ifl_plane_size(enum ifl_pixel_format format, int width, int height, int index,
                    int *plane_width, int *plane_height)
{
    const struct plane_row *row = &formats[format];
    bool there = index < row->planes;
    *plane_width = there ? (width + (1 << row->shift_x[index]) - 1) >> row->shift_x[index] : 0;
    *plane_height = there ? (height + (1 << row->shift_y[index]) - 1) >> row->shift_y[index] : 0;
}

int ifl_plane_sample_bytes(enum ifl_pixel_format format, int index)
{
    return formats[format].sample_bytes[index];
}

struct ifl_frame *ifl_frame_ref(struct ifl_frame *frame)
{
    __atomic_add_fetch(&frame->refs, 1, __ATOMIC_RELAXED);
    return frame;
}

void ifl_frame_unref(struct ifl_frame *frame)
{
    if (frame && __atomic_sub_fetch(&frame->refs, 1, __ATOMIC_ACQ_REL) == 0)
        frame->release(frame);
}

static void release_own(struct ifl_frame *frame)
{
    free(frame->owner);
    free(frame);
}

struct ifl_frame *ifl_frame_create(enum ifl_pixel_format format, int width, int height)
{
    if (width < 1 || height < 1 || width > IFL_FRAME_SIDE_MAX || height > IFL_FRAME_SIDE_MAX)
        return NULL;
    struct ifl_frame *frame = calloc(1, sizeof *frame);
    if (!frame)
        return NULL;
    size_t offset[3] = {0}, total = 0;
    for (int i = 0; i < formats[format].planes; i++) {
        int plane_width, plane_height;
        ifl_plane_size(format, width, height, i, &plane_width, &plane_height);
        frame->stride[i] = (plane_width * formats[format].sample_bytes[i] + 63) & ~63;
        offset[i] = total;
        total += (size_t)frame->stride[i] * (size_t)plane_height;
    }
    uint8_t *bytes = aligned_alloc(64, total);
    if (!bytes) {
        free(frame);
        return NULL;
    }
    for (int i = 0; i < formats[format].planes; i++)
        frame->plane[i] = bytes + offset[i];
    frame->width = width;
    frame->height = height;
    frame->format = format;
    frame->range = IFL_RANGE_FULL;
    frame->pts_ns = -1;
    frame->owner = bytes;
    frame->release = release_own;
    frame->refs = 1;
    return frame;
}
