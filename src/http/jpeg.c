// SPDX-License-Identifier: Apache-2.0
#include "http/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "kernels/scale.h"

static const char room[] = "http";

enum { BLOCK = 16, CHUNK = 64 * 1024 };

// A plane of the scaled picture. The encoder reads whole blocks, so its sides are rounded up to
// them and the border samples are repeated.
struct plane {
    uint8_t *samples;
    size_t capacity;
    int width, height, stride, rows; // picture; with padding
};

struct ifl_frame_encoder {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr target;
    jmp_buf failed;
    struct ifl_buffer *out;
    struct plane plane[3];
};

bool ifl_buffer_reserve(struct ifl_buffer *buffer, size_t count)
{
    if (buffer->capacity - buffer->count >= count)
        return true;
    size_t capacity = (buffer->count + count) * 3 / 2;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (!bytes)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

// ---- what libjpeg calls ----

static struct ifl_frame_encoder *encoder_of(j_common_ptr jpeg)
{
    return jpeg->client_data;
}

_Noreturn static void on_error(j_common_ptr jpeg)
{
    longjmp(encoder_of(jpeg)->failed, 1);
}

static void on_message(j_common_ptr jpeg)
{
    (void)jpeg; // warnings of the encoder concern nobody
}

static void offer_room(j_compress_ptr jpeg)
{
    struct ifl_frame_encoder *encoder = encoder_of((j_common_ptr)jpeg);
    if (!ifl_buffer_reserve(encoder->out, CHUNK))
        longjmp(encoder->failed, 1);
    encoder->target.next_output_byte = encoder->out->bytes + encoder->out->count;
    encoder->target.free_in_buffer = encoder->out->capacity - encoder->out->count;
}

static boolean on_full(j_compress_ptr jpeg)
{
    struct ifl_frame_encoder *encoder = encoder_of((j_common_ptr)jpeg);
    encoder->out->count = encoder->out->capacity;
    offer_room(jpeg);
    return TRUE;
}

static void on_end(j_compress_ptr jpeg)
{
    struct ifl_frame_encoder *encoder = encoder_of((j_common_ptr)jpeg);
    encoder->out->count = encoder->out->capacity - encoder->target.free_in_buffer;
}

// ---- life ----

// libjpeg leaves by longjmp when it fails, into the two functions that call it and do nothing else.
static bool begin(struct ifl_frame_encoder *encoder)
{
    if (setjmp(encoder->failed))
        return false;
    jpeg_create_compress(&encoder->jpeg);
    return true;
}

struct ifl_frame_encoder *ifl_frame_encoder_create(void)
{
    struct ifl_frame_encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder)
        return NULL;
    encoder->jpeg.err = jpeg_std_error(&encoder->errors);
    encoder->errors.error_exit = on_error;
    encoder->errors.output_message = on_message;
    encoder->jpeg.client_data = encoder;
    if (!begin(encoder)) {
        free(encoder);
        return NULL;
    }
    encoder->target.init_destination = offer_room;
    encoder->target.empty_output_buffer = on_full;
    encoder->target.term_destination = on_end;
    encoder->jpeg.dest = &encoder->target;
    return encoder;
}

void ifl_frame_encoder_destroy(struct ifl_frame_encoder *encoder)
{
    if (!encoder)
        return;
    jpeg_destroy_compress(&encoder->jpeg);
    for (int i = 0; i < 3; i++)
        free(encoder->plane[i].samples);
    free(encoder);
}

// ---- a frame ----

static int round_up(int value, int step)
{
    return (value + step - 1) / step * step;
}

static bool shape_plane(struct plane *plane, int width, int height, int block)
{
    plane->width = width;
    plane->height = height;
    plane->stride = round_up(width, block);
    plane->rows = round_up(height, block);
    size_t bytes = (size_t)plane->stride * (size_t)plane->rows;
    if (bytes <= plane->capacity)
        return true;
    free(plane->samples);
    plane->samples = malloc(bytes);
    plane->capacity = plane->samples ? bytes : 0;
    return plane->samples != NULL;
}

static void repeat_border(struct plane *plane)
{
    size_t stride = (size_t)plane->stride;
    for (int y = 0; y < plane->height; y++) {
        uint8_t *row = plane->samples + (size_t)y * stride;
        memset(row + plane->width, row[plane->width - 1], (size_t)(plane->stride - plane->width));
    }
    uint8_t *last = plane->samples + (size_t)(plane->height - 1) * stride;
    for (int y = plane->height; y < plane->rows; y++)
        memcpy(plane->samples + (size_t)y * stride, last, stride);
}

static void fill_plane(struct plane *plane, const uint8_t *source, int width, int height,
                       int stride)
{
    if (width != plane->width || height != plane->height)
        ifl_scale_area(source, width, height, stride, plane->samples, plane->width, plane->height,
                       plane->stride, 1);
    else
        for (int y = 0; y < height; y++)
            memcpy(plane->samples + (size_t)y * (size_t)plane->stride,
                   source + (size_t)y * (size_t)stride, (size_t)width);
    repeat_border(plane);
}

static bool take_frame(struct ifl_frame_encoder *encoder, const struct ifl_frame *frame, int width,
                       int height)
{
    for (int i = 0; i < 3; i++) {
        int from_width, from_height, to_width, to_height;
        ifl_plane_size(IFL_PIXEL_YUV420P, frame->width, frame->height, i, &from_width,
                       &from_height);
        ifl_plane_size(IFL_PIXEL_YUV420P, width, height, i, &to_width, &to_height);
        if (!shape_plane(&encoder->plane[i], to_width, to_height, i ? BLOCK / 2 : BLOCK))
            return false;
        fill_plane(&encoder->plane[i], frame->plane[i], from_width, from_height, frame->stride[i]);
    }
    return true;
}

static void set_up(struct jpeg_compress_struct *jpeg, int width, int height, int quality)
{
    jpeg->image_width = (JDIMENSION)width;
    jpeg->image_height = (JDIMENSION)height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_YCbCr;
    jpeg_set_defaults(jpeg); // 4:2:0
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->raw_data_in = TRUE;
}

static void write_rows(struct ifl_frame_encoder *encoder)
{
    JSAMPROW rows[3][BLOCK];
    JSAMPARRAY planes[3] = {rows[0], rows[1], rows[2]};
    for (int y = 0; y < encoder->plane[0].rows; y += BLOCK) {
        for (int i = 0; i < BLOCK; i++)
            rows[0][i] =
                encoder->plane[0].samples + (size_t)(y + i) * (size_t)encoder->plane[0].stride;
        for (int p = 1; p < 3; p++)
            for (int i = 0; i < BLOCK / 2; i++)
                rows[p][i] = encoder->plane[p].samples +
                             (size_t)(y / 2 + i) * (size_t)encoder->plane[p].stride;
        jpeg_write_raw_data(&encoder->jpeg, planes, BLOCK);
    }
}

static bool compress_rgb(struct ifl_frame_encoder *encoder, const uint8_t *rgb, int width,
                         int height, int quality)
{
    struct jpeg_compress_struct *jpeg = &encoder->jpeg;
    if (setjmp(encoder->failed)) {
        jpeg_abort_compress(jpeg);
        return false;
    }
    set_up(jpeg, width, height, quality);
    jpeg->in_color_space = JCS_RGB;
    jpeg->raw_data_in = FALSE;
    jpeg_start_compress(jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(size_t)(rgb + (size_t)y * (size_t)width * 3);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

static bool compress(struct ifl_frame_encoder *encoder, int width, int height, int quality)
{
    if (setjmp(encoder->failed)) {
        jpeg_abort_compress(&encoder->jpeg);
        return false;
    }
    set_up(&encoder->jpeg, width, height, quality);
    jpeg_start_compress(&encoder->jpeg, TRUE);
    write_rows(encoder);
    jpeg_finish_compress(&encoder->jpeg);
    return true;
}

static enum ifl_result out_of_memory(int width, int height, struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for a picture of %dx%d", width,
                    height);
}

enum ifl_result ifl_frame_encode(struct ifl_frame_encoder *encoder, const struct ifl_frame *frame,
                                 int width_max, int quality, struct ifl_buffer *out,
                                 struct ifl_error *error)
{
    if (frame->format != IFL_PIXEL_YUV420P || frame->width < 1 || frame->height < 1)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, room, "a %s frame of %dx%d is not canonical",
                        ifl_pixel_format_name(frame->format), frame->width, frame->height);
    int width = frame->width, height = frame->height;
    if (width > width_max) {
        height = (int)(((int64_t)height * width_max + width / 2) / width);
        height = height < 1 ? 1 : height;
        width = width_max;
    }
    size_t count = out->count;
    if (!take_frame(encoder, frame, width, height))
        return out_of_memory(width, height, error);
    encoder->out = out;
    if (compress(encoder, width, height, quality))
        return IFL_OK;
    out->count = count;
    return out_of_memory(width, height, error);
}

enum ifl_result ifl_picture_encode(struct ifl_frame_encoder *encoder, const uint8_t *rgb, int width,
                                   int height, int quality, struct ifl_buffer *out,
                                   struct ifl_error *error)
{
    size_t count = out->count;
    encoder->out = out;
    if (compress_rgb(encoder, rgb, width, height, quality))
        return IFL_OK;
    out->count = count;
    return out_of_memory(width, height, error);
}
