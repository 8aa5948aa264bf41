// SPDX-License-Identifier: Apache-2.0
// Light and colour: measured as the features are, met on the delivered pixels; resampling.
#include "support.h"

#include "base/rng.h"
#include "generate/exact.h"
#include "generate/photometry.h"
#include "generate/resample.h"
#include "inferloop/features.h"
#include "kernels/color.h"

enum { WIDTH = 64, HEIGHT = 48, PIXELS = WIDTH * HEIGHT };

// Smooth colours over most of the range, with some noise.
static void paint(uint8_t *rgb)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, 3);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = rgb + (y * WIDTH + x) * 3;
            int noise = (int)ifl_rng_below(&rng, 20);
            p[0] = (uint8_t)(60 + 2 * x + noise);
            p[1] = (uint8_t)(50 + 2 * y + noise);
            p[2] = (uint8_t)(90 + x / 2 + y / 2 + noise);
        }
}

static void measure_as_frame(const uint8_t *rgb, struct ifl_features *features)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, WIDTH, HEIGHT);
    assert_non_null(frame);
    static uint8_t plane[3][PIXELS];
    ifl_rgb_to_ycc(rgb, plane[0], plane[1], plane[2], PIXELS);
    for (int y = 0; y < HEIGHT; y++)
        memcpy((uint8_t *)frame->plane[0] + y * frame->stride[0], plane[0] + y * WIDTH, WIDTH);
    for (int c = 1; c < 3; c++)
        for (int y = 0; y < HEIGHT / 2; y++)
            for (int x = 0; x < WIDTH / 2; x++) {
                const uint8_t *p = plane[c] + 2 * y * WIDTH + 2 * x;
                ((uint8_t *)frame->plane[c])[y * frame->stride[c] + x] =
                    (uint8_t)((p[0] + p[1] + p[WIDTH] + p[WIDTH + 1] + 2) / 4);
            }
    struct ifl_error error = {0};
    check_ok(ifl_extract_statistics(frame, features, &error), error);
    ifl_frame_unref(frame);
}

static void looks_are_measured_as_features_are(void **state)
{
    (void)state;
    static uint8_t rgb[PIXELS * 3];
    paint(rgb);
    struct ifl_look look;
    struct ifl_features features;
    ifl_look_measure(rgb, WIDTH, HEIGHT, &look);
    measure_as_frame(rgb, &features);
    check_near(look.value[IFL_BRIGHTNESS], features.value[IFL_FEATURE_brightness_mean], 1e-3);
    check_near(look.value[IFL_CONTRAST], features.value[IFL_FEATURE_contrast_mean], 1e-3);
    check_near(look.value[IFL_SATURATION], features.value[IFL_FEATURE_saturation_mean], 4e-3);
    check_near(look.value[IFL_COLOR_TEMPERATURE], features.value[IFL_FEATURE_color_temperature],
               40);
}

static void grey_has_the_temperature_of_daylight(void **state)
{
    (void)state;
    static uint8_t rgb[PIXELS * 3];
    memset(rgb, 128, sizeof rgb);
    struct ifl_look look;
    ifl_look_measure(rgb, WIDTH, HEIGHT, &look);
    check_near(look.value[IFL_COLOR_TEMPERATURE], 6504, 3); // D65
    check_near(look.value[IFL_SATURATION], 0, 0);
    check_near(look.value[IFL_CONTRAST], 0, 0);
}

static const struct ifl_look nothing = {{NAN, NAN, NAN, NAN}};

static void meets(const struct ifl_look *target)
{
    static uint8_t rgb[PIXELS * 3];
    char note[160] = "";
    struct ifl_error error = {0};
    struct ifl_look got;
    paint(rgb);
    check_ok(ifl_look_apply(target, rgb, WIDTH, HEIGHT, note, sizeof note, &error), error);
    ifl_look_measure(rgb, WIDTH, HEIGHT, &got);
    for (int a = 0; a < IFL_ATTRIBUTES; a++)
        if (!isnan(target->value[a]))
            check_near(got.value[a], target->value[a], 0.01 * target->value[a] + 1e-4);
    assert_string_equal(note, "");
}

static void single_targets_are_met(void **state)
{
    (void)state;
    static const double targets[IFL_ATTRIBUTES][5] = {
        [IFL_BRIGHTNESS] = {0.05, 0.2, 0.45, 0.7, 0.95},
        [IFL_CONTRAST] = {0.02, 0.1, 0.25, 0.5, 0.6},
        [IFL_SATURATION] = {0.05, 0.2, 0.4, 0.6, 0.9},
        [IFL_COLOR_TEMPERATURE] = {2500, 3500, 5000, 8000, 15000},
    };
    for (int a = 0; a < IFL_ATTRIBUTES; a++)
        for (int i = 0; i < 5; i++) {
            struct ifl_look target = nothing;
            target.value[a] = targets[a][i];
            meets(&target);
        }
}

static void joint_targets_are_met(void **state)
{
    (void)state;
    meets(&(struct ifl_look){{0.3, 0.3, 0.4, 4500}});
    meets(&(struct ifl_look){{0.6, 0.15, 0.1, 7500}});
    meets(&(struct ifl_look){{0.5, 0.6, NAN, 6000}});
    meets(&(struct ifl_look){{0.15, 0.1, 0.5, NAN}});
}

static void what_is_out_of_reach_is_said(void **state)
{
    (void)state;
    static uint8_t rgb[PIXELS * 3];
    memset(rgb, 100, sizeof rgb);
    char note[160] = "";
    struct ifl_error error = {0};
    struct ifl_look target = nothing;
    target.value[IFL_SATURATION] = 0.5; // grey has no hue
    check_ok(ifl_look_apply(&target, rgb, WIDTH, HEIGHT, note, sizeof note, &error), error);
    assert_non_null(strstr(note, "saturation 0.5 is out of reach, nearest 0"));
    target = nothing;
    target.value[IFL_CONTRAST] = 0.4; // a constant has none
    char brief[24] = "";
    check_ok(ifl_look_apply(&target, rgb, WIDTH, HEIGHT, brief, sizeof brief, &error), error);
    assert_int_equal(strlen(brief), sizeof brief - 1);
}

static void no_target_changes_nothing(void **state)
{
    (void)state;
    static uint8_t rgb[PIXELS * 3], before[PIXELS * 3];
    paint(rgb);
    memcpy(before, rgb, sizeof rgb);
    char note[8] = "";
    struct ifl_error error = {0};
    check_ok(ifl_look_apply(&nothing, rgb, WIDTH, HEIGHT, note, sizeof note, &error), error);
    assert_memory_equal(rgb, before, sizeof rgb);
}

static void light_is_put_back(void **state)
{
    (void)state;
    uint8_t rgb[6] = {100, 100, 100, 250, 0, 7};
    ifl_illuminate((float[3]){1.5F, 0.5F, 1}, (float[3]){10, -60, 0}, rgb, 2);
    const uint8_t wanted[6] = {160, 0, 100, 255, 0, 7};
    assert_memory_equal(rgb, wanted, 6);
    ifl_illuminate((float[3]){NAN, INFINITY, -1}, (float[3]){0, NAN, 1e9F}, rgb, 2);
    assert_memory_equal(rgb, wanted, 6);
}

static void resampling_keeps_constants_and_means(void **state)
{
    (void)state;
    static uint8_t rgb[PIXELS * 3], to[300 * 200 * 3];
    struct ifl_error error = {0};
    static const int sizes[][2] = {{1, 1}, {7, 5}, {64, 48}, {65, 47}, {300, 200}, {20, 200}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int width = sizes[i][0], height = sizes[i][1];
        memset(rgb, 77, sizeof rgb);
        check_ok(ifl_resample(rgb, WIDTH, HEIGHT, to, width, height, &error), error);
        for (int j = 0; j < width * height * 3; j++)
            assert_int_equal(to[j], 77);
        paint(rgb);
        check_ok(ifl_resample(rgb, WIDTH, HEIGHT, to, width, height, &error), error);
        double before = 0, after = 0;
        for (int j = 1; j < PIXELS * 3; j += 3)
            before += rgb[j] / (double)PIXELS;
        for (int j = 1; j < width * height * 3; j += 3)
            after += to[j] / ((double)width * height);
        check_near(after, before, 1.5);
    }
}

static void exact_functions_are_exact(void **state)
{
    (void)state;
    for (double x = -30; x < 30; x += 0.37)
        check_near(ifl_exact_exp(x) / exp(x), 1, 1e-12);
    for (double x = 1e-9; x < 1e9; x *= 1.7)
        check_near(ifl_exact_log(x), log(x), 1e-11);
    check_near(ifl_exact_exp(-1e6), 0, 0);
    check_near(ifl_exact_pow(0.5, 2.2), pow(0.5, 2.2), 1e-12);
    check_near(ifl_exact_pow(0, 0), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_are_measured_as_features_are),
        cmocka_unit_test(grey_has_the_temperature_of_daylight),
        cmocka_unit_test(single_targets_are_met),
        cmocka_unit_test(joint_targets_are_met),
        cmocka_unit_test(what_is_out_of_reach_is_said),
        cmocka_unit_test(no_target_changes_nothing),
        cmocka_unit_test(light_is_put_back),
        cmocka_unit_test(resampling_keeps_constants_and_means),
        cmocka_unit_test(exact_functions_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
