// SPDX-License-Identifier: Apache-2.0
// Pictures of any format and size into one profile: grey, 16 bits, alpha, a single pixel.
#include "support.h"

#include <unistd.h>

#include "inferloop/profile.h"

static const enum ifl_pixel_format formats[] = {
    IFL_PIXEL_YUV420P, IFL_PIXEL_YUV422P, IFL_PIXEL_YUV444P, IFL_PIXEL_NV12,  IFL_PIXEL_GRAY8,
    IFL_PIXEL_RGB24,   IFL_PIXEL_RGBA32,  IFL_PIXEL_RGB48,   IFL_PIXEL_GRAY16};
enum { FORMATS = sizeof formats / sizeof *formats };

static bool is_wide(enum ifl_pixel_format format)
{
    return format == IFL_PIXEL_RGB48 || format == IFL_PIXEL_GRAY16;
}

// Columns get lighter to the right; RGB is red by as much, alpha anything.
static int level(enum ifl_pixel_format format, int plane, int x, int width, int channel)
{
    int ramp = width > 1 ? 40 + 120 * x / (width - 1) : 100;
    bool rgb = format == IFL_PIXEL_RGB24 || format == IFL_PIXEL_RGBA32 || format == IFL_PIXEL_RGB48;
    return plane ? 128 : !rgb ? ramp : channel == 0 ? ramp + 60 : channel == 3 ? 7 * x % 256 : ramp;
}

static struct ifl_frame *make_frame(enum ifl_pixel_format format, int width, int height)
{
    struct ifl_frame *frame = ifl_frame_create(format, width, height);
    assert_non_null(frame);
    for (int p = 0; p < 3; p++) {
        int w, h, bytes = ifl_plane_sample_bytes(format, p), sample = is_wide(format) ? 2 : 1;
        ifl_plane_size(format, width, height, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c * sample < bytes; c++) {
                    uint16_t value = (uint16_t)level(format, p, x, w, c);
                    uint8_t *at = (uint8_t *)(uintptr_t)frame->plane[p] + y * frame->stride[p] +
                                  x * bytes + c * sample;
                    if (sample == 2)
                        memcpy(at, &(uint16_t){(uint16_t)(value * 257)}, 2);
                    else
                        *at = (uint8_t)value;
                }
    }
    return frame;
}

static void check_ranges(const struct ifl_features *f)
{
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)i);
        if (!(f->value[i] >= row->least && f->value[i] <= row->greatest))
            fail_msg("%s is %g", row->name, f->value[i]);
    }
}

static void measure(enum ifl_pixel_format format, int width, int height, struct ifl_features *f)
{
    struct ifl_error error = {0};
    struct ifl_frame *raw = make_frame(format, width, height), *frame;
    check_ok(ifl_frame_canonical(raw, &frame, &error), error);
    assert_int_equal(frame->width, width);
    assert_int_equal(frame->height, height);
    check_ok(ifl_extract_statistics(frame, f, &error), error);
    check_ranges(f);
    ifl_frame_unref(raw);
    ifl_frame_unref(frame);
}

// At each size every format measures what the 8-bit one of its kind does.
static void every_format_and_size_is_measured(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 2}, {1, 7}, {15, 3}, {17, 31}, {64, 48}, {129, 77}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int width = sizes[s][0], height = sizes[s][1];
        struct ifl_features rgb, grey, f;
        measure(IFL_PIXEL_RGB24, width, height, &rgb);
        measure(IFL_PIXEL_GRAY8, width, height, &grey);
        assert_true(rgb.value[IFL_FEATURE_red_mean] > rgb.value[IFL_FEATURE_blue_mean] + 0.15);
        check_near(grey.value[IFL_FEATURE_brightness_mean], 100 / 255.0, 0.02);
        check_near(grey.value[IFL_FEATURE_saturation_mean], 0, 0);
        for (int i = 0; i < FORMATS; i++) {
            const struct ifl_features *same =
                formats[i] >= IFL_PIXEL_RGB24 && formats[i] <= IFL_PIXEL_RGB48 ? &rgb : &grey;
            measure(formats[i], width, height, &f);
            const enum ifl_feature shown[] = {IFL_FEATURE_brightness_mean, IFL_FEATURE_red_mean,
                                              IFL_FEATURE_blue_mean, IFL_FEATURE_contrast_mean,
                                              IFL_FEATURE_saturation_mean};
            for (size_t k = 0; k < sizeof shown / sizeof *shown; k++)
                check_near(f.value[shown[k]], same->value[shown[k]], 0.012);
        }
    }
}

static void a_batch_is_profiled(void **state)
{
    (void)state;
    struct ifl_frame *frames[FORMATS];
    struct ifl_profile *profile, *loaded;
    struct ifl_error error = {0};
    char path[64];
    for (int i = 0; i < FORMATS; i++)
        frames[i] = make_frame(formats[i], 1 + 20 * i, 2 + 9 * i);
    check_ok(ifl_process_batch(frames, FORMATS, &profile, &error), error);
    assert_int_equal(profile->window_frames, FORMATS);
    assert_int_equal(profile->levels, 0);
    assert_int_equal(profile->feature[IFL_FEATURE_entropy].count, FORMATS);
    snprintf(path, sizeof path, "/tmp/ifl-batch-%d.iflprof", (int)getpid());
    check_ok(ifl_profile_save(profile, path, &error), error);
    check_ok(ifl_profile_load(path, &loaded, &error), error);
    unlink(path);
    check_near(loaded->feature[IFL_FEATURE_red_mean].mean,
               profile->feature[IFL_FEATURE_red_mean].mean, 0);
    assert_string_equal(loaded->id, profile->id);
    ifl_profile_unref(loaded);
    ifl_profile_unref(profile);
    for (int i = 0; i < FORMATS; i++)
        ifl_frame_unref(frames[i]);
}

static void what_is_no_picture_is_refused(void **state)
{
    (void)state;
    struct ifl_frame *frame = make_frame(IFL_PIXEL_RGB24, 20, 20), *out;
    struct ifl_profile *profile;
    struct ifl_error error = {0};
    assert_int_equal(ifl_process_batch(&frame, 0, &profile, &error), IFL_ERR_INVALID);
    assert_null(profile);
    struct ifl_frame bad = *frame, *list[] = {frame, &bad};
    bad.width = 0;
    assert_int_equal(ifl_process_batch(list, 2, &profile, &error), IFL_ERR_INVALID);
    bad = *frame;
    bad.format = (enum ifl_pixel_format)99;
    assert_int_equal(ifl_frame_canonical(&bad, &out, &error), IFL_ERR_UNSUPPORTED);
    bad = *frame;
    bad.plane[0] = NULL;
    assert_int_equal(ifl_frame_canonical(&bad, &out, &error), IFL_ERR_UNSUPPORTED);
    assert_null(out);
    ifl_frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_and_size_is_measured),
        cmocka_unit_test(a_batch_is_profiled),
        cmocka_unit_test(what_is_no_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
