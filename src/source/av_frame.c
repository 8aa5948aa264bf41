// SPDX-License-Identifier: Apache-2.0
#include "source/av_frame.h"

#include <pthread.h>
#include <stdlib.h>

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "core/pool.h"
#include "source/builtin.h"

enum { IDLE_MAX = 16 };

struct wrapper {
    struct ifl_frame frame; // first: what is handed out
    AVFrame *picture;
    struct ifl_av_frames *frames;
    struct wrapper *next;
};

struct ifl_av_frames {
    pthread_mutex_t lock;
    struct wrapper *idle;
    int idle_count, out;
    bool destroyed;
    struct ifl_pool *pool;      // for converted pictures
    struct SwsContext *convert; // from the last odd format
};

struct ifl_av_frames *ifl_av_frames_create(void)
{
    struct ifl_av_frames *frames = calloc(1, sizeof *frames);
    if (!frames)
        return NULL;
    frames->pool = ifl_pool_create(8);
    if (!frames->pool) {
        free(frames);
        return NULL;
    }
    pthread_mutex_init(&frames->lock, NULL);
    return frames;
}

static void free_wrapper(struct wrapper *wrapper)
{
    av_frame_free(&wrapper->picture);
    free(wrapper);
}

static void free_frames(struct ifl_av_frames *frames)
{
    while (frames->idle) {
        struct wrapper *next = frames->idle->next;
        free_wrapper(frames->idle);
        frames->idle = next;
    }
    pthread_mutex_destroy(&frames->lock);
    free(frames);
}

void ifl_av_frames_destroy(struct ifl_av_frames *frames)
{
    if (!frames)
        return;
    ifl_pool_destroy(frames->pool);
    sws_freeContext(frames->convert);
    pthread_mutex_lock(&frames->lock);
    frames->destroyed = true;
    bool last = frames->out == 0;
    pthread_mutex_unlock(&frames->lock);
    if (last)
        free_frames(frames);
}

static void release(struct ifl_frame *frame)
{
    struct wrapper *wrapper = (struct wrapper *)frame;
    struct ifl_av_frames *frames = wrapper->frames;
    av_frame_unref(wrapper->picture);
    pthread_mutex_lock(&frames->lock);
    bool keep = frames->idle_count < IDLE_MAX;
    if (keep) {
        wrapper->next = frames->idle;
        frames->idle = wrapper;
        frames->idle_count++;
    }
    frames->out--;
    bool last = frames->destroyed && frames->out == 0;
    pthread_mutex_unlock(&frames->lock);
    if (!keep)
        free_wrapper(wrapper);
    if (last)
        free_frames(frames);
}

static struct wrapper *make_wrapper(struct ifl_av_frames *frames)
{
    struct wrapper *wrapper = calloc(1, sizeof *wrapper);
    if (!wrapper)
        return NULL;
    wrapper->frames = frames;
    wrapper->picture = av_frame_alloc();
    if (!wrapper->picture) {
        free(wrapper);
        return NULL;
    }
    return wrapper;
}

static struct wrapper *take_wrapper(struct ifl_av_frames *frames)
{
    pthread_mutex_lock(&frames->lock);
    struct wrapper *wrapper = frames->idle;
    if (wrapper) {
        frames->idle = wrapper->next;
        frames->idle_count--;
    } else {
        wrapper = make_wrapper(frames);
    }
    if (wrapper)
        frames->out++;
    pthread_mutex_unlock(&frames->lock);
    return wrapper;
}

// ---- formats ----

static const struct direct {
    enum AVPixelFormat theirs;
    enum ifl_pixel_format ours;
    int planes;
    bool full; // says so by its name
} directs[] = {
    {AV_PIX_FMT_YUV420P, IFL_PIXEL_YUV420P, 3, false},
    {AV_PIX_FMT_YUVJ420P, IFL_PIXEL_YUV420P, 3, true},
    {AV_PIX_FMT_YUVA420P, IFL_PIXEL_YUV420P, 3, false}, // what is transparent is shown
    {AV_PIX_FMT_NV12, IFL_PIXEL_NV12, 2, false},
    {AV_PIX_FMT_YUV422P, IFL_PIXEL_YUV422P, 3, false},
    {AV_PIX_FMT_YUVJ422P, IFL_PIXEL_YUV422P, 3, true},
    {AV_PIX_FMT_YUV444P, IFL_PIXEL_YUV444P, 3, false},
    {AV_PIX_FMT_YUVJ444P, IFL_PIXEL_YUV444P, 3, true},
    {AV_PIX_FMT_GRAY8, IFL_PIXEL_GRAY8, 1, false},
    {AV_PIX_FMT_RGB24, IFL_PIXEL_RGB24, 1, true},
};

static const struct direct *find_direct(int format)
{
    for (size_t i = 0; i < sizeof directs / sizeof directs[0]; i++)
        if (directs[i].theirs == format)
            return &directs[i];
    return NULL;
}

static const struct direct *nearest_direct(const AVPixFmtDescriptor *format)
{
    if (format->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER))
        return find_direct(AV_PIX_FMT_RGB24);
    if (format->nb_components < 3)
        return find_direct(format->flags & AV_PIX_FMT_FLAG_BITSTREAM ? AV_PIX_FMT_RGB24
                                                                     : AV_PIX_FMT_GRAY8);
    if (format->log2_chroma_w == 0 && format->log2_chroma_h == 0)
        return find_direct(AV_PIX_FMT_YUV444P);
    bool tall = format->log2_chroma_w == 1 && format->log2_chroma_h == 0;
    return find_direct(tall ? AV_PIX_FMT_YUV422P : AV_PIX_FMT_YUV420P);
}

static bool is_still_codec(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_MJPEG || codec == AV_CODEC_ID_PNG || codec == AV_CODEC_ID_BMP ||
           codec == AV_CODEC_ID_TIFF || codec == AV_CODEC_ID_GIF || codec == AV_CODEC_ID_RAWVIDEO;
}

static enum ifl_range range_of(const AVFrame *picture, const struct direct *direct,
                               enum AVCodecID codec)
{
    if (direct->full || picture->color_range == AVCOL_RANGE_JPEG)
        return IFL_RANGE_FULL;
    if (picture->color_range == AVCOL_RANGE_MPEG)
        return IFL_RANGE_LIMITED;
    bool gray = direct->ours == IFL_PIXEL_GRAY8;
    bool full = codec == AV_CODEC_ID_MJPEG || (gray && is_still_codec(codec));
    return full ? IFL_RANGE_FULL : IFL_RANGE_LIMITED;
}

static enum ifl_matrix matrix_of(const AVFrame *picture, enum AVCodecID codec)
{
    switch (picture->colorspace) {
    case AVCOL_SPC_BT709:
        return IFL_MATRIX_BT709;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return IFL_MATRIX_BT2020;
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
        // JFIF and WebP know BT.601 only; video of at least 720 lines is BT.709 by custom.
        return picture->height >= 720 && codec != AV_CODEC_ID_MJPEG && codec != AV_CODEC_ID_WEBP
                   ? IFL_MATRIX_BT709
                   : IFL_MATRIX_BT601;
    default:
        return IFL_MATRIX_BT601;
    }
}

static void describe(const AVFrame *picture, const struct direct *direct, enum AVCodecID codec,
                     struct ifl_frame *frame)
{
    frame->width = picture->width;
    frame->height = picture->height;
    frame->format = direct->ours;
    frame->range = range_of(picture, direct, codec);
    frame->matrix = matrix_of(picture, codec);
    frame->pts_ns = -1;
    frame->decoder_errors = (picture->flags & AV_FRAME_FLAG_CORRUPT) || picture->decode_error_flags;
}

// ---- conversion of other formats ----

static struct SwsContext *converter(struct ifl_av_frames *frames, const AVFrame *picture,
                                    const struct direct *to)
{
    frames->convert = sws_getCachedContext(
        frames->convert, picture->width, picture->height, (enum AVPixelFormat)picture->format,
        picture->width, picture->height, to->theirs,
        SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT, NULL, NULL, NULL);
    if (!frames->convert)
        return NULL;
    // The same colours on both sides: depth and layout change, range and matrix do not. (A matrix
    // only matters between YUV and RGB, which are never converted into each other here.)
    const int *table = sws_getCoefficients(SWS_CS_DEFAULT);
    bool full = picture->color_range == AVCOL_RANGE_JPEG || to->full;
    sws_setColorspaceDetails(frames->convert, table, full, table, full, 0, 1 << 16, 1 << 16);
    return frames->convert;
}

static enum ifl_result convert(struct ifl_av_frames *frames, AVFrame *picture,
                               const struct direct *to, struct ifl_frame **out,
                               struct ifl_error *error)
{
    struct SwsContext *context = converter(frames, picture, to);
    struct ifl_frame *frame =
        context ? ifl_pool_get(frames->pool, to->ours, picture->width, picture->height) : NULL;
    if (!frame)
        return ifl_fail(error, context ? IFL_ERR_NO_MEMORY : IFL_ERR_UNSUPPORTED, "source",
                        "pictures in the format %s can't be converted; let the camera send yuv420p",
                        av_get_pix_fmt_name((enum AVPixelFormat)picture->format));
    uint8_t *planes[4] = {NULL};
    int strides[4] = {0};
    for (int i = 0; i < 3; i++) {
        planes[i] = (uint8_t *)(uintptr_t)frame->plane[i]; // nobody else has it yet
        strides[i] = frame->stride[i];
    }
    sws_scale(context, (const uint8_t *const *)picture->data, picture->linesize, 0, picture->height,
              planes, strides);
    *out = frame;
    return IFL_OK;
}

static enum ifl_result keep(struct ifl_av_frames *frames, AVFrame *picture, int planes,
                            struct ifl_frame **out, struct ifl_error *error)
{
    struct wrapper *wrapper = take_wrapper(frames);
    if (!wrapper)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory for a picture");
    av_frame_move_ref(wrapper->picture, picture);
    wrapper->frame = (struct ifl_frame){.release = release, .refs = 1};
    for (int i = 0; i < planes; i++) {
        wrapper->frame.plane[i] = wrapper->picture->data[i];
        wrapper->frame.stride[i] = wrapper->picture->linesize[i];
    }
    *out = &wrapper->frame;
    return IFL_OK;
}

static bool has_positive_strides(const AVFrame *picture, int planes)
{
    for (int i = 0; i < planes; i++)
        if (picture->linesize[i] <= 0)
            return false;
    return true;
}

enum ifl_result ifl_av_frame_wrap(struct ifl_av_frames *frames, AVFrame *picture,
                                  enum AVCodecID codec, struct ifl_frame **out,
                                  struct ifl_error *error)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)picture->format);
    enum ifl_result result = ifl_source_check_size(picture->width, picture->height, error);
    if (result == IFL_OK && !format)
        result = ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                          "the decoder gives pictures of an unknown format");
    if (result == IFL_OK) {
        const struct direct *direct = find_direct(picture->format);
        bool direct_fits = direct && has_positive_strides(picture, direct->planes);
        if (!direct)
            direct = nearest_direct(format);
        struct ifl_frame about = {0};
        describe(picture, direct, codec, &about);
        result = direct_fits ? keep(frames, picture, direct->planes, out, error)
                             : convert(frames, picture, direct, out, error);
        if (result == IFL_OK) {
            (*out)->width = about.width;
            (*out)->height = about.height;
            (*out)->format = about.format;
            (*out)->range = about.range;
            (*out)->matrix = about.matrix;
            (*out)->pts_ns = about.pts_ns;
            (*out)->decoder_errors = about.decoder_errors;
        }
    }
    av_frame_unref(picture);
    return result;
}
