// SPDX-License-Identifier: Apache-2.0
// Frames as JPEG: the right size and the right pixels, by another reader of JPEG.
#include "support.h"

#include <jpeglib.h>

#include "http/jpeg.h"

static struct ifl_frame *make_frame(int width, int height)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, width, height);
    assert_non_null(frame);
    for (int p = 0; p < 3; p++) {
        int w, h;
        ifl_plane_size(frame->format, width, height, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                ((uint8_t *)(size_t)frame->plane[p])[y * frame->stride[p] + x] =
                    (uint8_t)(p == 0   ? 30 + 180 * x / w
                              : p == 1 ? 100 + 50 * y / h
                                       : 150 - 40 * x / w);
    }
    return frame;
}

struct picture {
    int width, height;
    uint8_t *ycc;
};

static struct picture decode(const struct ifl_buffer *buffer)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, buffer->bytes, buffer->count);
    assert_int_equal(jpeg_read_header(&jpeg, TRUE), JPEG_HEADER_OK);
    jpeg.out_color_space = JCS_YCbCr;
    jpeg_start_decompress(&jpeg);
    struct picture picture = {(int)jpeg.output_width, (int)jpeg.output_height, NULL};
    picture.ycc = malloc((size_t)picture.width * (size_t)picture.height * 3);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = picture.ycc + (size_t)jpeg.output_scanline * (size_t)picture.width * 3;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    assert_int_equal(errors.num_warnings, 0);
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return picture;
}

// Mean error of the gradients above, per channel.
static void check_pixels(const struct picture *picture)
{
    double sum[3] = {0};
    int w = picture->width, h = picture->height;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *at = picture->ycc + 3 * (y * w + x);
            sum[0] += fabs(at[0] - (30 + 180.0 * x / w));
            sum[1] += fabs(at[1] - (100 + 50.0 * y / h));
            sum[2] += fabs(at[2] - (150 - 40.0 * x / w));
        }
    for (int c = 0; c < 3; c++)
        check_near(sum[c] / w / h, 0, 3);
}

static void keeps_size_and_pixels(void **state)
{
    (void)state;
    static const struct {
        int width, height, out_width, out_height;
    } rows[] = {{320, 180, 320, 180}, {640, 360, 640, 360}, {1280, 720, 640, 360}, {17, 33, 17, 33},
                {641, 481, 640, 480}, {768, 576, 640, 480}, {1919, 1079, 640, 360}};
    struct ifl_frame_encoder *encoder = ifl_frame_encoder_create();
    assert_non_null(encoder);
    struct ifl_buffer buffer = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ifl_frame *frame = make_frame(rows[i].width, rows[i].height);
        struct ifl_error error;
        buffer.count = 0;
        check_ok(ifl_frame_encode(encoder, frame, 640, 90, &buffer, &error), error);
        struct picture picture = decode(&buffer);
        assert_int_equal(picture.width, rows[i].out_width);
        assert_int_equal(picture.height, rows[i].out_height);
        check_pixels(&picture);
        free(picture.ycc);
        ifl_frame_unref(frame);
    }
    free(buffer.bytes);
    ifl_frame_encoder_destroy(encoder);
}

static void very_wide_frames_keep_a_row(void **state)
{
    (void)state;
    struct ifl_frame_encoder *encoder = ifl_frame_encoder_create();
    struct ifl_frame *frame = make_frame(16384, 16);
    struct ifl_buffer buffer = {0};
    struct ifl_error error;
    check_ok(ifl_frame_encode(encoder, frame, 640, 90, &buffer, &error), error);
    struct picture picture = decode(&buffer);
    assert_int_equal(picture.width, 640);
    assert_int_equal(picture.height, 1);
    free(picture.ycc);
    free(buffer.bytes);
    ifl_frame_unref(frame);
    ifl_frame_encoder_destroy(encoder);
}

static void appends_behind_what_is_there(void **state)
{
    (void)state;
    struct ifl_frame_encoder *encoder = ifl_frame_encoder_create();
    struct ifl_frame *frame = make_frame(64, 64);
    struct ifl_buffer buffer = {0};
    assert_true(ifl_buffer_reserve(&buffer, 5));
    memcpy(buffer.bytes, "front", 5);
    buffer.count = 5;
    struct ifl_error error;
    check_ok(ifl_frame_encode(encoder, frame, 640, 90, &buffer, &error), error);
    assert_memory_equal(buffer.bytes, "front\xff\xd8", 7);
    assert_memory_equal(buffer.bytes + buffer.count - 2, "\xff\xd9", 2);
    free(buffer.bytes);
    ifl_frame_unref(frame);
    ifl_frame_encoder_destroy(encoder);
}

static void refuses_other_formats(void **state)
{
    (void)state;
    struct ifl_frame_encoder *encoder = ifl_frame_encoder_create();
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_RGB24, 64, 64);
    struct ifl_buffer buffer = {0};
    struct ifl_error error;
    assert_int_equal(ifl_frame_encode(encoder, frame, 640, 90, &buffer, &error),
                     IFL_ERR_UNSUPPORTED);
    assert_int_equal(buffer.count, 0);
    free(buffer.bytes);
    ifl_frame_unref(frame);
    ifl_frame_encoder_destroy(encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_size_and_pixels),
        cmocka_unit_test(very_wide_frames_keep_a_row),
        cmocka_unit_test(appends_behind_what_is_there),
        cmocka_unit_test(refuses_other_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
