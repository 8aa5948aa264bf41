// SPDX-License-Identifier: Apache-2.0
#include "ingest/canonical.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libswscale/swscale.h>

#include "kernels/normalise.h"

enum { IDLE_MAX = 16, GREY = 128 };

struct ifl_canonical {
    struct ifl_canonical_config config;
    struct ifl_pool *pool, *scratch;
    struct SwsContext *scaler; // for the last pair of sizes and formats
};

// ---- configuration ----

static bool is_whole(const struct ifl_rectangle *area)
{
    return area->x == 0 && area->y == 0 && area->width == 0 && area->height == 0;
}

static bool is_inside(const struct ifl_rectangle *area)
{
    const double slack = 1e-9; // 0.7 + 0.3 may be a little above 1
    return area->x >= 0 && area->y >= 0 && area->width > 0 && area->height > 0 &&
           area->x + area->width <= 1 + slack && area->y + area->height <= 1 + slack;
}

static enum ifl_result check_config(const struct ifl_canonical_config *config,
                                    struct ifl_error *error)
{
    const int sizes[2] = {config->width, config->height};
    for (int i = 0; i < 2; i++)
        if (sizes[i] != 0 && (sizes[i] < IFL_FRAME_SIDE_MIN || sizes[i] > IFL_FRAME_SIDE_MAX))
            return ifl_fail(error, IFL_ERR_INVALID, "ingest",
                            "pictures can be scaled to %d to %d pixels a side, not %d",
                            IFL_FRAME_SIDE_MIN, IFL_FRAME_SIDE_MAX, sizes[i]);
    if (!is_whole(&config->crop) && !is_inside(&config->crop))
        return ifl_fail(error, IFL_ERR_INVALID, "ingest",
                        "a crop is x,y,width,height in shares 0..1 of the picture and lies inside");
    if (config->masks < 0 || config->masks > IFL_MASKS_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, "ingest", "a source can have up to %d masks",
                        IFL_MASKS_MAX);
    for (int i = 0; i < config->masks; i++)
        if (!is_inside(&config->mask[i]))
            return ifl_fail(error, IFL_ERR_INVALID, "ingest",
                            "a mask is x,y,width,height in shares 0..1 of the picture and lies "
                            "inside");
    return IFL_OK;
}

enum ifl_result ifl_canonical_create(const struct ifl_canonical_config *config,
                                     struct ifl_canonical **out, struct ifl_error *error)
{
    enum ifl_result result = check_config(config, error);
    if (result != IFL_OK)
        return result;
    struct ifl_canonical *canonical = calloc(1, sizeof *canonical);
    if (canonical) {
        canonical->config = *config;
        canonical->pool = ifl_pool_create(IDLE_MAX);
        canonical->scratch = ifl_pool_create(1);
    }
    if (!canonical || !canonical->pool || !canonical->scratch) {
        ifl_canonical_destroy(canonical);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "ingest", "no memory for frames");
    }
    *out = canonical;
    return IFL_OK;
}

void ifl_canonical_destroy(struct ifl_canonical *canonical)
{
    if (!canonical)
        return;
    ifl_pool_destroy(canonical->pool);
    ifl_pool_destroy(canonical->scratch);
    sws_freeContext(canonical->scaler);
    free(canonical);
}

void ifl_canonical_count(struct ifl_canonical *canonical, struct ifl_pool_counts *counts)
{
    ifl_pool_count(canonical->pool, counts);
}

// ---- sizes ----

struct region {
    int x, y, width, height;
};

// The crop in pixels, on even ones, so that luma and chroma stay together.
static void crop_region(const struct ifl_rectangle *crop, const struct ifl_frame *raw,
                        struct region *region)
{
    *region = (struct region){0, 0, raw->width, raw->height};
    if (is_whole(crop))
        return;
    region->x = (int)floor(crop->x * raw->width / 2 + 0.5) * 2;
    region->y = (int)floor(crop->y * raw->height / 2 + 0.5) * 2;
    region->width = (int)floor(crop->width * raw->width + 0.5);
    region->height = (int)floor(crop->height * raw->height + 0.5);
    if (region->width > raw->width - region->x)
        region->width = raw->width - region->x;
    if (region->height > raw->height - region->y)
        region->height = raw->height - region->y;
}

static int clamp_side(double side)
{
    return (int)fmax(IFL_FRAME_SIDE_MIN, fmin(IFL_FRAME_SIDE_MAX, floor(side + 0.5)));
}

static void target_size(const struct ifl_canonical_config *config, const struct region *region,
                        int *width, int *height)
{
    *width = config->width ? config->width : region->width;
    *height = config->height ? config->height : region->height;
    if (config->width && !config->height)
        *height = clamp_side((double)config->width * region->height / region->width);
    else if (config->height && !config->width)
        *width = clamp_side((double)config->height * region->width / region->height);
}

static void crop_planes(const struct ifl_frame *raw, const struct region *region,
                        const uint8_t *plane[4], int stride[4])
{
    for (int i = 0; i < 3; i++) {
        int x, y; // in samples: where a plane of the region's left upper corner's size would end
        ifl_plane_size(raw->format, region->x, region->y, i, &x, &y);
        stride[i] = raw->stride[i];
        if (raw->plane[i])
            plane[i] = raw->plane[i] + (ptrdiff_t)y * raw->stride[i] +
                       (ptrdiff_t)x * ifl_plane_sample_bytes(raw->format, i);
    }
}

// ---- conversion ----

static bool is_rgb(enum ifl_pixel_format format)
{
    return format == IFL_PIXEL_RGB24 || format == IFL_PIXEL_RGBA32 || format == IFL_PIXEL_RGB48;
}

static bool is_grey(enum ifl_pixel_format format)
{
    return format == IFL_PIXEL_GRAY8 || format == IFL_PIXEL_GRAY16;
}

static enum AVPixelFormat their_format(enum ifl_pixel_format format)
{
    static const enum AVPixelFormat formats[] = {
        [IFL_PIXEL_YUV420P] = AV_PIX_FMT_YUV420P, [IFL_PIXEL_YUV422P] = AV_PIX_FMT_YUV422P,
        [IFL_PIXEL_YUV444P] = AV_PIX_FMT_YUV444P, [IFL_PIXEL_NV12] = AV_PIX_FMT_NV12,
        [IFL_PIXEL_GRAY8] = AV_PIX_FMT_GRAY8,     [IFL_PIXEL_RGB24] = AV_PIX_FMT_RGB24,
        [IFL_PIXEL_RGBA32] = AV_PIX_FMT_RGBA,     [IFL_PIXEL_RGB48] = AV_PIX_FMT_RGB48,
        [IFL_PIXEL_GRAY16] = AV_PIX_FMT_GRAY16,
    };
    return formats[format];
}

static bool prepare_scaler(struct ifl_canonical *canonical, enum ifl_pixel_format from,
                           const struct region *region, const struct ifl_frame *target)
{
    bool enlarges = target->width > region->width || target->height > region->height;
    int flags =
        (enlarges ? SWS_BICUBIC : SWS_AREA) | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INP;
    canonical->scaler = sws_getCachedContext(canonical->scaler, region->width, region->height,
                                             their_format(from), target->width, target->height,
                                             their_format(target->format), flags, NULL, NULL, NULL);
    if (!canonical->scaler)
        return false;
    // Between YUV formats the same on both sides: nothing but sizes and layout changes. From RGB
    // straight to the canonical colours.
    const int *table = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(canonical->scaler, table, 1, table, 1, 0, 1 << 16, 1 << 16);
    return true;
}

static void writable_planes(const struct ifl_frame *frame, uint8_t *plane[4], int stride[4])
{
    for (int i = 0; i < 3; i++) {
        plane[i] = (uint8_t *)(uintptr_t)frame->plane[i]; // nobody else has it yet
        stride[i] = frame->stride[i];
    }
}

static bool scale(struct ifl_canonical *canonical, const struct ifl_frame *raw,
                  const struct region *region, const struct ifl_frame *target)
{
    const uint8_t *from[4] = {NULL};
    uint8_t *to[4] = {NULL};
    int from_stride[4] = {0}, to_stride[4] = {0};
    if (!prepare_scaler(canonical, raw->format, region, target))
        return false;
    crop_planes(raw, region, from, from_stride);
    writable_planes(target, to, to_stride);
    return sws_scale(canonical->scaler, from, from_stride, 0, region->height, to, to_stride) ==
           target->height;
}

static void normalise(const struct ifl_frame *raw, const struct region *region,
                      const struct ifl_frame *target)
{
    const uint8_t *from[4] = {NULL};
    uint8_t *to[4] = {NULL};
    int from_stride[4] = {0}, to_stride[4] = {0};
    crop_planes(raw, region, from, from_stride);
    writable_planes(target, to, to_stride);
    ifl_normalise_420(from, from_stride, raw->format == IFL_PIXEL_NV12, raw->range, raw->matrix,
                      region->width, region->height, to, to_stride);
}

// Other sizes and layouts: to the size that goes out in 4:2:0 (or grey), then as usual.
static enum ifl_result scale_and_normalise(struct ifl_canonical *canonical,
                                           const struct ifl_frame *raw, const struct region *region,
                                           const struct ifl_frame *target, struct ifl_error *error)
{
    bool rgb = is_rgb(raw->format), grey = is_grey(raw->format);
    struct ifl_frame *middle = NULL;
    if (!rgb) {
        middle = ifl_pool_get(canonical->scratch, grey ? IFL_PIXEL_GRAY8 : IFL_PIXEL_YUV420P,
                              target->width, target->height);
        if (!middle)
            return ifl_fail(error, IFL_ERR_NO_MEMORY, "ingest", "no memory to scale a picture");
    }
    bool good = scale(canonical, raw, region, rgb ? target : middle);
    if (good && !rgb) {
        middle->range = raw->range;
        middle->matrix = raw->matrix;
        normalise(middle, &(struct region){0, 0, target->width, target->height}, target);
    }
    ifl_frame_unref(middle);
    if (good)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_UNSUPPORTED, "ingest",
                    "a picture of %d x %d pixels can't be scaled to %d x %d", region->width,
                    region->height, target->width, target->height);
}

// ---- masks ----

static void blank(const struct ifl_frame *frame, int plane, int left, int top, int right, int low)
{
    for (int y = top; y < low && right > left; y++)
        memset((uint8_t *)(uintptr_t)frame->plane[plane] + (ptrdiff_t)frame->stride[plane] * y +
                   left,
               GREY, (size_t)(right - left));
}

static int clamp_to(double value, int most)
{
    return value < 0 ? 0 : value > most ? most : (int)value;
}

// Outwards to whole chroma samples, and further where scaling has mixed neighbours in.
static void apply_mask(const struct ifl_rectangle *mask, const struct ifl_frame *raw,
                       const struct region *region, const struct ifl_frame *target)
{
    double scale_x = (double)target->width / region->width;
    double scale_y = (double)target->height / region->height;
    bool mixed = scale_x != 1 || scale_y != 1 || is_rgb(raw->format) ||
                 raw->format == IFL_PIXEL_YUV422P || raw->format == IFL_PIXEL_YUV444P;
    double margin_x = mixed ? 2 + 2 * scale_x : 0, margin_y = mixed ? 2 + 2 * scale_y : 0;
    double left = (mask->x * raw->width - region->x) * scale_x - margin_x;
    double right = ((mask->x + mask->width) * raw->width - region->x) * scale_x + margin_x;
    double top = (mask->y * raw->height - region->y) * scale_y - margin_y;
    double low = ((mask->y + mask->height) * raw->height - region->y) * scale_y + margin_y;
    int width = (target->width + 1) / 2, height = (target->height + 1) / 2;
    int x0 = clamp_to(floor(left / 2), width), x1 = clamp_to(ceil(right / 2), width);
    int y0 = clamp_to(floor(top / 2), height), y1 = clamp_to(ceil(low / 2), height);
    blank(target, 1, x0, y0, x1, y1);
    blank(target, 2, x0, y0, x1, y1);
    blank(target, 0, x0 * 2, y0 * 2, clamp_to(x1 * 2, target->width),
          clamp_to(y1 * 2, target->height));
}

// ---- all together ----

static void copy_metadata(const struct ifl_frame *raw, struct ifl_frame *frame)
{
    memcpy(frame->source, raw->source, sizeof frame->source);
    frame->range = IFL_RANGE_FULL;
    frame->matrix = IFL_MATRIX_BT601;
    frame->sequence = raw->sequence;
    frame->media_index = raw->media_index;
    frame->loop = raw->loop;
    frame->pts_ns = raw->pts_ns;
    frame->capture_ns = raw->capture_ns;
    frame->capture_wall_ns = raw->capture_wall_ns;
    frame->decoder_errors = raw->decoder_errors;
}

static enum ifl_result check_raw(const struct ifl_frame *raw, const struct region *region,
                                 struct ifl_error *error)
{
    if ((unsigned)raw->format > IFL_PIXEL_GRAY16 || !raw->plane[0])
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "ingest",
                        "the source gave a picture of an unknown format");
    if (raw->width > IFL_FRAME_SIDE_MAX || raw->height > IFL_FRAME_SIDE_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, "ingest",
                        "a picture of %d x %d pixels is larger than %d a side", raw->width,
                        raw->height, IFL_FRAME_SIDE_MAX);
    if (region->width < IFL_FRAME_SIDE_MIN || region->height < IFL_FRAME_SIDE_MIN)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "ingest",
                        "%d x %d pixels are too small; use a larger picture or crop", region->width,
                        region->height);
    return IFL_OK;
}

enum ifl_result ifl_canonical_make(struct ifl_canonical *canonical, const struct ifl_frame *raw,
                                   struct ifl_frame **out, struct ifl_error *error)
{
    const struct ifl_canonical_config *config = &canonical->config;
    struct region region;
    crop_region(&config->crop, raw, &region);
    enum ifl_result result = check_raw(raw, &region, error);
    if (result != IFL_OK)
        return result;
    int width, height;
    target_size(config, &region, &width, &height);
    struct ifl_frame *frame = ifl_pool_get(canonical->pool, IFL_PIXEL_YUV420P, width, height);
    if (!frame)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "ingest", "no memory for a picture");
    bool direct = raw->format == IFL_PIXEL_YUV420P || raw->format == IFL_PIXEL_NV12 ||
                  raw->format == IFL_PIXEL_GRAY8;
    if (direct && width == region.width && height == region.height)
        normalise(raw, &region, frame);
    else
        result = scale_and_normalise(canonical, raw, &region, frame, error);
    if (result != IFL_OK) {
        ifl_frame_unref(frame);
        return result;
    }
    for (int i = 0; i < config->masks; i++)
        apply_mask(&config->mask[i], raw, &region, frame);
    copy_metadata(raw, frame);
    *out = frame;
    return IFL_OK;
}
