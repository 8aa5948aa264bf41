// SPDX-License-Identifier: Apache-2.0
// A single frame made canonical, of any size: what is smaller than scalers take is first continued
// by its outermost pixels, and cut out again.
#include <string.h>

#include "ingest/canonical.h"

static void copy_continued(const struct ifl_frame *from, const struct ifl_frame *to)
{
    for (int i = 0; i < 3; i++) {
        int width, height, to_width, to_height;
        size_t bytes = (size_t)ifl_plane_sample_bytes(from->format, i);
        ifl_plane_size(from->format, from->width, from->height, i, &width, &height);
        ifl_plane_size(to->format, to->width, to->height, i, &to_width, &to_height);
        for (int y = 0; y < to_height; y++) {
            const uint8_t *row =
                from->plane[i] + (ptrdiff_t)(y < height ? y : height - 1) * from->stride[i];
            uint8_t *out = (uint8_t *)(uintptr_t)to->plane[i] + (ptrdiff_t)y * to->stride[i];
            for (int x = 0; x < to_width; x++)
                memcpy(out + (size_t)x * bytes, row + (size_t)(x < width ? x : width - 1) * bytes,
                       bytes);
        }
    }
}

// A copy of another size: larger ones are continued, smaller ones cut.
static struct ifl_frame *resize(const struct ifl_frame *frame, int width, int height)
{
    struct ifl_frame *out = ifl_frame_create(frame->format, width, height);
    if (!out)
        return NULL;
    copy_continued(frame, out);
    out->range = frame->range;
    out->matrix = frame->matrix;
    memcpy(out->source, frame->source, sizeof out->source);
    out->sequence = frame->sequence;
    out->media_index = frame->media_index;
    out->loop = frame->loop;
    out->pts_ns = frame->pts_ns;
    out->capture_ns = frame->capture_ns;
    out->capture_wall_ns = frame->capture_wall_ns;
    out->decoder_errors = frame->decoder_errors;
    return out;
}

static enum ifl_result make(const struct ifl_frame *raw, struct ifl_frame **out,
                            struct ifl_error *error)
{
    struct ifl_canonical *canonical;
    enum ifl_result result =
        ifl_canonical_create(&(struct ifl_canonical_config){0}, &canonical, error);
    if (result != IFL_OK)
        return result;
    result = ifl_canonical_make(canonical, raw, out, error);
    ifl_canonical_destroy(canonical);
    return result;
}

static enum ifl_result make_small(const struct ifl_frame *raw, struct ifl_frame **out,
                                  struct ifl_error *error)
{
    int width = raw->width < IFL_FRAME_SIDE_MIN ? IFL_FRAME_SIDE_MIN : raw->width;
    int height = raw->height < IFL_FRAME_SIDE_MIN ? IFL_FRAME_SIDE_MIN : raw->height;
    struct ifl_frame *larger = resize(raw, width, height), *made = NULL;
    enum ifl_result result = IFL_ERR_NO_MEMORY;
    if (larger && (result = make(larger, &made, error)) == IFL_OK) {
        *out = resize(made, raw->width, raw->height);
        result = *out ? IFL_OK : IFL_ERR_NO_MEMORY;
    }
    ifl_frame_unref(larger);
    ifl_frame_unref(made);
    return result == IFL_ERR_NO_MEMORY
               ? ifl_fail(error, result, "ingest", "no memory for a picture of %dx%d", raw->width,
                          raw->height)
               : result;
}

enum ifl_result ifl_frame_canonical(const struct ifl_frame *raw, struct ifl_frame **out,
                                    struct ifl_error *error)
{
    *out = NULL;
    if ((unsigned)raw->format > IFL_PIXEL_GRAY16 || !raw->plane[0])
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "ingest",
                        "the frame has no known format, or no pixels");
    if (raw->width < 1 || raw->height < 1)
        return ifl_fail(error, IFL_ERR_INVALID, "ingest",
                        "the frame is %dx%d; its sides must be 1 to %d", raw->width, raw->height,
                        IFL_FRAME_SIDE_MAX);
    bool small = raw->width < IFL_FRAME_SIDE_MIN || raw->height < IFL_FRAME_SIDE_MIN;
    return small ? make_small(raw, out, error) : make(raw, out, error);
}
