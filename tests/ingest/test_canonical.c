// SPDX-License-Identifier: Apache-2.0
// Canonical frames of every format: sizes, crops, masks, hostile configurations.
#include "support.h"

#include "ingest/canonical.h"
#include "kernels/color.h"

static struct ifl_canonical *make(const struct ifl_canonical_config *config)
{
    struct ifl_canonical *canonical;
    struct ifl_error error;
    check_ok(ifl_canonical_create(config, &canonical, &error), error);
    return canonical;
}

static uint8_t *at(const struct ifl_frame *frame, int plane, int x, int y)
{
    return (uint8_t *)(uintptr_t)frame->plane[plane] + y * frame->stride[plane] + x;
}

// Left half dark, right half light; chroma rises from top to bottom. `u`, `v`: at mid height.
static struct ifl_frame *make_raw(enum ifl_pixel_format format, int width, int height)
{
    struct ifl_frame *frame = ifl_frame_create(format, width, height);
    assert_non_null(frame);
    for (int i = 0; i < 3; i++) {
        int w, h;
        ifl_plane_size(format, width, height, i, &w, &h);
        int step = format == IFL_PIXEL_RGB24 ? 3 : format == IFL_PIXEL_NV12 && i ? 2 : 1;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w * step; x++) {
                int chroma = 108 + 40 * y / h;
                *at(frame, i, x, y) = (uint8_t)(i == 0 ? (x / step < w / 2 ? 60 : 180) : chroma);
            }
    }
    frame->range = IFL_RANGE_FULL;
    frame->matrix = IFL_MATRIX_BT601;
    frame->sequence = 42;
    frame->media_index = 7;
    frame->loop = 3;
    frame->pts_ns = 99;
    frame->decoder_errors = 1;
    snprintf(frame->source, sizeof frame->source, "cam");
    return frame;
}

static struct ifl_frame *convert(struct ifl_canonical *canonical, const struct ifl_frame *raw)
{
    struct ifl_frame *out;
    struct ifl_error error;
    check_ok(ifl_canonical_make(canonical, raw, &out, &error), error);
    assert_int_equal(out->format, IFL_PIXEL_YUV420P);
    assert_int_equal(out->range, IFL_RANGE_FULL);
    assert_int_equal(out->matrix, IFL_MATRIX_BT601);
    return out;
}

static void takes_every_format_and_odd_sizes(void **state)
{
    (void)state;
    struct ifl_canonical *canonical = make(&(struct ifl_canonical_config){0});
    static const int sizes[][2] = {{64, 48}, {65, 49}, {17, 16}, {16, 33}, {641, 359}};
    for (int format = IFL_PIXEL_YUV420P; format <= IFL_PIXEL_RGB24; format++)
        for (int i = 0; i < 5; i++) {
            int width = sizes[i][0], height = sizes[i][1];
            struct ifl_frame *raw = make_raw((enum ifl_pixel_format)format, width, height);
            struct ifl_frame *out = convert(canonical, raw);
            assert_int_equal(out->width, width);
            assert_int_equal(out->height, height);
            for (int y = 0; y < height; y += height - 1) {
                check_near(*at(out, 0, 0, y), 60, 1);
                check_near(*at(out, 0, width - 1, y), 180, 1);
            }
            bool grey = format == IFL_PIXEL_GRAY8 || format == IFL_PIXEL_RGB24;
            check_near(*at(out, 1, 3, 0), grey ? 128 : 108, 3);
            check_near(*at(out, 2, 3, (height + 1) / 2 - 1), grey ? 128 : 146, 4);
            assert_int_equal(out->sequence, 42);
            assert_int_equal(out->media_index, 7);
            assert_int_equal(out->loop, 3);
            assert_int_equal(out->pts_ns, 99);
            assert_int_equal(out->decoder_errors, 1);
            assert_string_equal(out->source, "cam");
            ifl_frame_unref(raw);
            ifl_frame_unref(out);
        }
    ifl_canonical_destroy(canonical);
    ifl_canonical_destroy(NULL);
}

static void changes_range_and_matrix(void **state)
{
    (void)state;
    struct ifl_canonical *canonical = make(&(struct ifl_canonical_config){0});
    struct ifl_canonical *scaling = make(&(struct ifl_canonical_config){.width = 32});
    // Saturated green in limited BT.709: Y 173, Cb 42, Cr 26 (ITU-R BT.709-6, 8 bits).
    static const uint8_t green[3] = {173, 42, 26};
    for (int format = IFL_PIXEL_YUV420P; format <= IFL_PIXEL_YUV444P; format++) {
        struct ifl_frame *raw = ifl_frame_create((enum ifl_pixel_format)format, 64, 64);
        for (int i = 0; i < 3; i++)
            for (int y = 0; y < (i && format == IFL_PIXEL_YUV420P ? 32 : 64); y++)
                memset(at(raw, i, 0, y), green[i], (size_t)raw->stride[i]);
        raw->range = IFL_RANGE_LIMITED;
        raw->matrix = IFL_MATRIX_BT709;
        for (int i = 0; i < 2; i++) {
            struct ifl_frame *out = convert(i ? scaling : canonical, raw);
            uint8_t rgb[3];
            ifl_ycc_to_rgb(at(out, 0, 9, 9), at(out, 1, 4, 4), at(out, 2, 4, 4), rgb, 1);
            check_near(rgb[0], 0, 4);
            check_near(rgb[1], 255, 4);
            check_near(rgb[2], 0, 4);
            ifl_frame_unref(out);
        }
        ifl_frame_unref(raw);
    }
    ifl_canonical_destroy(scaling);
    ifl_canonical_destroy(canonical);
}

static void crops_and_scales(void **state)
{
    (void)state;
    struct ifl_canonical *canonical = make(
        &(struct ifl_canonical_config){.crop = {0.5, 0.25, 0.5, 0.5}, .width = 40, .height = 20});
    for (int format = IFL_PIXEL_YUV420P; format <= IFL_PIXEL_RGB24; format++) {
        struct ifl_frame *raw = make_raw((enum ifl_pixel_format)format, 128, 96);
        struct ifl_frame *out = convert(canonical, raw);
        assert_int_equal(out->width, 40);
        assert_int_equal(out->height, 20);
        check_near(*at(out, 0, 0, 0), 180, 2);
        check_near(*at(out, 0, 39, 19), 180, 2);
        bool grey = format == IFL_PIXEL_GRAY8 || format == IFL_PIXEL_RGB24;
        check_near(*at(out, 1, 0, 0), grey ? 128 : 119, 2);
        check_near(*at(out, 2, 19, 9), grey ? 128 : 137, 2);
        ifl_frame_unref(raw);
        ifl_frame_unref(out);
    }
    ifl_canonical_destroy(canonical);
    canonical = make(&(struct ifl_canonical_config){.crop = {0.5, 0, 0.5, 1}});
    struct ifl_frame *raw = make_raw(IFL_PIXEL_NV12, 101, 51);
    struct ifl_frame *out = convert(canonical, raw);
    assert_int_equal(out->width, 51);
    assert_int_equal(out->height, 51);
    check_near(*at(out, 0, 0, 0), 180, 0);
    ifl_frame_unref(out);
    ifl_frame_unref(raw);
    ifl_canonical_destroy(canonical);
    canonical = make(&(struct ifl_canonical_config){.height = 24});
    raw = make_raw(IFL_PIXEL_YUV420P, 128, 96);
    out = convert(canonical, raw);
    assert_int_equal(out->width, 32);
    ifl_frame_unref(out);
    ifl_frame_unref(raw);
    ifl_canonical_destroy(canonical);
}

// White stands for what nobody may see.
static void nothing_shines_through_a_mask(void **state)
{
    (void)state;
    static const struct ifl_rectangle masks[] = {
        {0.31, 0.27, 0.113, 0.219}, {0, 0, 0.05, 0.05}, {0.93, 0.9, 0.07, 0.1}, {0, 0, 1, 1}};
    static const struct ifl_rectangle crops[] = {{0, 0, 0, 0}, {0.1, 0.2, 0.7, 0.8}};
    static const int sizes[][2] = {{0, 0}, {57, 43}, {300, 200}};
    for (int i = 0; i < 4 * 2 * 3 * 6; i++) {
        const struct ifl_rectangle *mask = &masks[i % 4], *crop = &crops[i / 4 % 2];
        const int *size = sizes[i / 8 % 3];
        enum ifl_pixel_format format = (enum ifl_pixel_format)(i / 24);
        int step = format == IFL_PIXEL_RGB24 ? 3 : 1;
        struct ifl_canonical *canonical = make(&(struct ifl_canonical_config){
            .crop = *crop, .mask = {*mask}, .masks = 1, .width = size[0], .height = size[1]});
        struct ifl_frame *raw = ifl_frame_create(format, 161, 121);
        for (int p = 0; p < 3; p++) {
            int w, h;
            ifl_plane_size(format, 161, 121, p, &w, &h);
            for (int y = 0; y < h; y++)
                memset(at(raw, p, 0, y), p ? 128 : 20, (size_t)(w * step));
        }
        for (int y = 0; y < 121; y++)
            for (int x = 0; x < 161; x++)
                if (x + 1 > mask->x * 161 && x < (mask->x + mask->width) * 161 &&
                    y + 1 > mask->y * 121 && y < (mask->y + mask->height) * 121)
                    memset(at(raw, 0, x * step, y), 255, (size_t)step);
        struct ifl_frame *out = convert(canonical, raw);
        int blanked = 0;
        for (int y = 0; y < out->height; y++)
            for (int x = 0; x < out->width; x++) {
                if (*at(out, 0, x, y) > 128)
                    fail_msg("case %d: %d at %d, %d shines through", i, *at(out, 0, x, y), x, y);
                blanked += *at(out, 0, x, y) == 128;
            }
        bool gone = crop->width > 0 && (i % 4 == 1 || i % 4 == 2);
        assert_true(gone || blanked > 0);
        assert_true(i % 4 == 3 || blanked < out->width * out->height / 4);
        ifl_frame_unref(out);
        ifl_frame_unref(raw);
        ifl_canonical_destroy(canonical);
    }
}

// Two thousand pictures, four of them held at any time: five frames in all.
static void the_pool_does_not_grow(void **state)
{
    (void)state;
    struct ifl_canonical *canonical = make(&(struct ifl_canonical_config){.width = 32});
    struct ifl_frame *raw = make_raw(IFL_PIXEL_YUV422P, 64, 48), *held[4] = {NULL};
    for (int i = 0; i < 2000; i++) {
        ifl_frame_unref(held[i % 4]);
        held[i % 4] = convert(canonical, raw);
    }
    struct ifl_pool_counts counts;
    ifl_canonical_count(canonical, &counts);
    assert_in_range(counts.allocations, 1, 5);
    assert_int_equal(counts.out, 4);
    ifl_canonical_destroy(canonical);
    for (int i = 0; i < 4; i++) // they outlive what made them
        ifl_frame_unref(held[i]);
    ifl_frame_unref(raw);
}

static void refuses_hostile_configurations(void **state)
{
    (void)state;
    static const struct ifl_canonical_config bad[] = {
        {.width = -1},
        {.width = 100000},
        {.height = 3},
        {.crop = {0, 0, 2, 1}},
        {.crop = {-0.1, 0, 0.5, 0.5}},
        {.crop = {0.5, 0.5, 0.6, 0.1}},
        {.crop = {NAN, 0, 0.5, 0.5}},
        {.crop = {0, 0, INFINITY, 1}},
        {.masks = 1, .mask = {{0, 0, 0, 0}}},
        {.masks = 1, .mask = {{0, NAN, 1, 1}}},
        {.masks = IFL_MASKS_MAX + 1},
        {.masks = -1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ifl_canonical *canonical;
        struct ifl_error error = {0};
        assert_int_equal(ifl_canonical_create(&bad[i], &canonical, &error), IFL_ERR_INVALID);
        assert_true(strlen(error.text) > 20);
    }
    struct ifl_canonical *canonical =
        make(&(struct ifl_canonical_config){.crop = {0, 0, 0.01, 0.01}});
    struct ifl_frame *raw = make_raw(IFL_PIXEL_YUV420P, 64, 64), *out;
    struct ifl_error error;
    assert_int_equal(ifl_canonical_make(canonical, raw, &out, &error), IFL_ERR_UNSUPPORTED);
    raw->format = (enum ifl_pixel_format)77;
    assert_int_equal(ifl_canonical_make(canonical, raw, &out, &error), IFL_ERR_UNSUPPORTED);
    raw->format = IFL_PIXEL_YUV420P;
    ifl_frame_unref(raw);
    ifl_canonical_destroy(canonical);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_format_and_odd_sizes),
        cmocka_unit_test(changes_range_and_matrix),
        cmocka_unit_test(crops_and_scales),
        cmocka_unit_test(nothing_shines_through_a_mask),
        cmocka_unit_test(the_pool_does_not_grow),
        cmocka_unit_test(refuses_hostile_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
