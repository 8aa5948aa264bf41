// SPDX-License-Identifier: Apache-2.0
// Features against values that are known beforehand. Noise is rounded to whole levels, which adds a
// variance of 1/12 to what it was made with, and stays far from 0 and 255.
#include "support.h"

#include "base/rng.h"
#include "inferloop/features.h"
#include "kernels/color.h"
#include "kernels/cpu.h"

typedef uint8_t paint_fn(int x, int y, struct ifl_rng *rng);

// A grey frame of 4:2:0 painted by a function of the place.
static struct ifl_frame *make_frame(int width, int height, paint_fn *paint)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, width, height);
    struct ifl_rng rng;
    assert_non_null(frame);
    ifl_rng_init(&rng, 7);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            ((uint8_t *)frame->plane[0])[y * frame->stride[0] + x] = paint(x, y, &rng);
    for (int i = 1; i < 3; i++)
        memset((uint8_t *)frame->plane[i], 128,
               (size_t)(frame->stride[i] * ((frame->height + 1) / 2)));
    return frame;
}

static void measure(struct ifl_frame *frame, struct ifl_features *features)
{
    struct ifl_error error = {0};
    check_ok(ifl_extract_statistics(frame, features, &error), error);
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)i);
        if (!(features->value[i] >= row->least && features->value[i] <= row->greatest))
            fail_msg("%s is %g", row->name, features->value[i]);
    }
    for (int i = 0; i < 64; i++)
        assert_true(features->tile_mean[i / 8][i % 8] >= 0 &&
                    features->tile_mean[i / 8][i % 8] <= 255);
}

static struct ifl_features features_of(int width, int height, paint_fn *paint)
{
    struct ifl_features features;
    struct ifl_frame *frame = make_frame(width, height, paint);
    measure(frame, &features);
    ifl_frame_unref(frame);
    return features;
}

#define value(features, name) ((features).value[IFL_FEATURE_##name])

static uint8_t ramp(int x, int y, struct ifl_rng *rng)
{
    (void)y;
    (void)rng;
    return (uint8_t)x;
}

static void a_ramp_has_the_moments_of_the_uniform(void **state)
{
    (void)state;
    struct ifl_features f = features_of(256, 64, ramp);
    check_near(value(f, brightness_mean), 127.5 / 255, 1e-12);
    check_near(value(f, contrast_mean), sqrt(5461.25) / 127.5, 1e-12);
    check_near(value(f, luma_skew), 0, 1e-12);
    check_near(value(f, luma_kurtosis), 1.8 - 2.4 / 65535, 1e-6); // 3/5 (3n^2-7)/(n^2-1)
    check_near(value(f, entropy), 8, 1e-12);
    check_near(value(f, dynamic_range), (253.0 - 2) / 255, 1e-12); // nearest rank
    check_near(value(f, clipped_low), 3.0 / 256, 1e-12);
    check_near(value(f, clipped_high), 3.0 / 256, 1e-12);
    check_near(value(f, noise_sigma), 0, 0);
    check_near(value(f, laplacian_variance), 0, 0);
    check_near(value(f, gradient_energy), 64, 0);
    check_near(value(f, edge_density), 0, 0);
    assert_int_equal(f.luma_histogram[200], 64);
    for (int i = 0; i < 8; i++)
        check_near(f.tile_mean[3][i], 32 * i + 15.5, 1e-5);
}

static uint8_t tilted_plane(int x, int y, struct ifl_rng *rng)
{
    (void)rng;
    return (uint8_t)(20 + 2 * x + 3 * y);
}

static void a_plane_has_no_noise(void **state)
{
    (void)state;
    struct ifl_features f = features_of(40, 40, tilted_plane);
    check_near(value(f, noise_sigma), 0, 0);
    check_near(value(f, laplacian_variance), 0, 0);
    check_near(value(f, gradient_energy), 16 * 16 + 24 * 24, 0);
}

static uint8_t noise_of_5(int x, int y, struct ifl_rng *rng)
{
    (void)x;
    (void)y;
    return (uint8_t)lround(128 + 5 * ifl_rng_normal(rng));
}

static uint8_t noise_of_15(int x, int y, struct ifl_rng *rng)
{
    (void)x;
    (void)y;
    return (uint8_t)lround(128 + 15 * ifl_rng_normal(rng));
}

// Tolerances: five standard errors of a million samples or so, from repeated seeds.
static void check_noise(paint_fn *paint, double sigma)
{
    struct ifl_features f = features_of(1201, 801, paint);
    double variance = sigma * sigma + 1.0 / 12;
    check_near(value(f, contrast_mean) * 127.5, sqrt(variance), 0.005 * sigma);
    check_near(value(f, laplacian_variance) / (20 * variance), 1, 0.015);
    check_near(value(f, gradient_energy) / (24 * variance), 1, 0.015);
    check_near(value(f, noise_sigma) / sqrt(variance), 1, 0.01);
    check_near(value(f, blockiness), 1, 0.01);
    check_near(value(f, luma_skew), 0, 0.02);
    check_near(value(f, luma_kurtosis), 3, 0.04);
    check_near(value(f, entropy), 0.5 * log2(2 * acos(-1) * exp(1) * variance), 0.01);
    check_near(value(f, clipped_low) + value(f, clipped_high), 0, 1e-9);
}

static void white_noise_measures_as_the_theory_says(void **state)
{
    (void)state;
    for (int level = 0; level < IFL_CPU_LEVELS; level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        check_noise(noise_of_5, 5);
        check_noise(noise_of_15, 15);
    }
}

static uint8_t checkerboard(int x, int y, struct ifl_rng *rng)
{
    (void)rng;
    return (x / 8 + y / 8) % 2 ? 200 : 50;
}

// 8x8 squares, steps of 150: at the two columns beside each vertical border |gx| = 600 (or less
// where a horizontal border is near), never less than 100 except where four squares meet
// symmetrically.
static void a_checkerboard_has_its_exact_edges(void **state)
{
    (void)state;
    enum { SIDE = 64 };
    struct ifl_features f = features_of(SIDE, SIDE, checkerboard);
    int edges = 0;
    for (int y = 1; y < SIDE - 1; y++)
        for (int x = 1; x < SIDE - 1; x++) {
            bool beside_x = x % 8 == 0 || x % 8 == 7, beside_y = y % 8 == 0 || y % 8 == 7;
            edges += beside_x || beside_y; // at corners gx = gy = 300: an edge too
        }
    check_near(value(f, edge_density), edges / 62.0 / 62.0, 1e-12);
    check_near(value(f, blockiness), 16, 0); // all steps at the borders of blocks
    check_near(value(f, entropy), 1, 1e-12);
    check_near(value(f, luma_kurtosis), 1, 1e-12);
    check_near(value(f, dynamic_range), 150.0 / 255, 1e-12);
    check_near(f.tile_mean[0][0], 50, 0);
    check_near(f.tile_mean[3][4], 200, 0);
}

static uint8_t coded_blocks(int x, int y, struct ifl_rng *rng)
{
    (void)rng;
    return (uint8_t)(10 * (x / 8) + 10 * (y / 8) + (x + y) % 2);
}

// Inside: steps of 1 everywhere; at borders of blocks 10 +- 1 in turn, so 10 on average.
static void blocks_of_a_codec_are_seen(void **state)
{
    (void)state;
    struct ifl_features f = features_of(96, 96, coded_blocks);
    check_near(value(f, blockiness), 10, 1e-9);
}

static uint8_t grey_77(int x, int y, struct ifl_rng *rng)
{
    (void)x;
    (void)y;
    (void)rng;
    return 77;
}

static uint8_t black(int x, int y, struct ifl_rng *rng)
{
    (void)x;
    (void)y;
    (void)rng;
    return 0;
}

static void check_constant(const struct ifl_features *f, double grey)
{
    check_near(value(*f, brightness_mean), grey / 255, 1e-12);
    check_near(value(*f, contrast_mean), 0, 0);
    check_near(value(*f, luma_skew), 0, 0);
    check_near(value(*f, luma_kurtosis), 0, 0);
    check_near(value(*f, entropy), 0, 0);
    check_near(value(*f, dynamic_range), 0, 0);
    check_near(value(*f, noise_sigma), 0, 0);
    check_near(value(*f, laplacian_variance), 0, 0);
    check_near(value(*f, gradient_energy), 0, 0);
    check_near(value(*f, blockiness), 1, 0);
    check_near(value(*f, saturation_mean), 0, 0);
    check_near(value(*f, colorfulness), 0, 0);
    check_near(value(*f, red_mean), grey / 255, 1e-12);
    check_near(value(*f, blue_mean), grey / 255, 1e-12);
    check_near(value(*f, color_temperature), 6504.4, 3); // white, rounded, is not quite D65
    check_near(value(*f, red_std) + value(*f, green_std) + value(*f, blue_std), 0, 0);
    check_near(value(*f, dominant_share), 1, 0);
    check_near(value(*f, symmetry), 1, 0);
    check_near(value(*f, centroid_x), 0.5, 0);
    check_near(value(*f, centroid_y), 0.5, 0);
    check_near(value(*f, thirds_ratio), 1, 0);
    check_near(value(*f, complexity), 0, 0);
    check_near(value(*f, lbp_edge), 0, 0);
    check_near(value(*f, lbp_rough), 0, 0);
    check_near(value(*f, spectral_slope), 0, 0);
    check_near(value(*f, mscn_alpha), 0.2, 0);
    check_near(value(*f, mscn_sigma), 0, 0);
    check_near(value(*f, frame_difference), 0, 0);
    check_near(value(*f, motion_peak), 0, 0);
    assert_false(f->has_previous);
    for (int i = 0; i < 64; i++)
        check_near(f->tile_mean[i / 8][i % 8], grey, 0);
}

static void a_constant_has_documented_values_at_every_size(void **state)
{
    (void)state;
    for (int width = 1; width <= 35; width++)
        for (int height = 1; height <= 19; height += width % 3 + 1) {
            struct ifl_features f = features_of(width, height, grey_77);
            check_constant(&f, 77);
            check_near(value(f, lbp_flat), width >= 6 && height >= 6,
                       0); // the plane has half of it
            f = features_of(width, height, black);
            check_constant(&f, 0);
            check_near(value(f, clipped_low), 1, 0);
        }
}

static void nothing_is_nan_at_any_size(void **state)
{
    (void)state;
    for (int width = 1; width <= 20; width++)
        for (int height = 1; height <= 20; height++)
            features_of(width, height, noise_of_15); // checks each range
}

static void grey8_is_the_same_as_neutral_chroma(void **state)
{
    (void)state;
    struct ifl_features a, b;
    struct ifl_frame *colour = make_frame(131, 77, noise_of_15);
    struct ifl_frame *grey = ifl_frame_create(IFL_PIXEL_GRAY8, 131, 77);
    for (int y = 0; y < 77; y++)
        memcpy((uint8_t *)grey->plane[0] + y * grey->stride[0],
               colour->plane[0] + y * colour->stride[0], 131);
    measure(colour, &a);
    measure(grey, &b);
    for (int i = 0; i < IFL_FEATURE_COUNT; i++)
        check_near(a.value[i], b.value[i], 0);
    ifl_frame_unref(colour);
    ifl_frame_unref(grey);
}

static struct ifl_features features_of_color(int red, int green, int blue)
{
    struct ifl_features features;
    struct ifl_frame *frame = make_frame(64, 48, black);
    uint8_t rgb[3] = {(uint8_t)red, (uint8_t)green, (uint8_t)blue}, ycc[3];
    ifl_rgb_to_ycc(rgb, &ycc[0], &ycc[1], &ycc[2], 1);
    for (int i = 0; i < 3; i++)
        memset((uint8_t *)frame->plane[i], ycc[i], (size_t)(frame->stride[i] * (i ? 24 : 48)));
    measure(frame, &features);
    ifl_frame_unref(frame);
    return features;
}

static double srgb_of_linear(double linear)
{
    return 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055);
}

// A plane whose mean is `mean`, in whole levels.
static void fill_with_mean(struct ifl_frame *frame, int plane, int width, int height, double mean)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int i = y * width + x;
            ((uint8_t *)frame->plane[plane])[y * frame->stride[plane] + x] =
                (uint8_t)(floor(mean * (i + 1)) - floor(mean * i));
        }
}

// A light of chromaticity x, y at half brightness.
static double kelvin_of_light(double x, double y)
{
    double big_x = x / y, big_z = (1 - x - y) / y;
    double r = 3.2404542 * big_x - 1.5371385 - 0.4985314 * big_z;
    double g = -0.9692660 * big_x + 1.8760108 + 0.0415560 * big_z;
    double b = 0.0556434 * big_x - 0.2040259 + 1.0572252 * big_z;
    double half = 0.5 / fmax(r, fmax(g, b));
    r = srgb_of_linear(half * r);
    g = srgb_of_linear(half * g);
    b = srgb_of_linear(half * b);
    double luma = .299 * r + .587 * g + .114 * b;
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, 400, 300);
    fill_with_mean(frame, 0, 400, 300, luma);
    fill_with_mean(frame, 1, 200, 150, 128 + (b - luma) / 1.772);
    fill_with_mean(frame, 2, 200, 150, 128 + (r - luma) / 1.402);
    struct ifl_features f;
    measure(frame, &f);
    ifl_frame_unref(frame);
    return value(f, color_temperature);
}

static void standard_lights_have_their_temperature(void **state)
{
    (void)state;
    check_near(kelvin_of_light(0.31271, 0.32902), 6504.4, 0.5);
    check_near(kelvin_of_light(0.34567, 0.35850), 5002.1, 0.5);
    check_near(kelvin_of_light(0.44757, 0.40745), 2857.3, 0.5);
}

static void colours_are_measured(void **state)
{
    (void)state;
    struct ifl_features f = features_of_color(200, 100, 50);
    check_near(value(f, red_mean), 200 / 255.0, 0.004);
    check_near(value(f, green_mean), 100 / 255.0, 0.004);
    check_near(value(f, blue_mean), 50 / 255.0, 0.004);
    check_near(value(f, saturation_mean), 0.75, 0.01);
    check_near(value(f, colorfulness), 0.3 * hypot(100, 100), 0.5); // rg = 100, yb = 100
    f = features_of_color(255, 0, 0);
    check_near(value(f, saturation_mean), 1, 0.005);
    f = features_of_color(0, 0, 255);
    assert_true(isfinite(value(f, color_temperature)));
}

// Left half one colour, right half another, so that the spread counts.
static void colourfulness_counts_the_spread(void **state)
{
    (void)state;
    struct ifl_frame *frame = make_frame(64, 64, grey_77);
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++) {
            ((uint8_t *)frame->plane[1])[y * frame->stride[1] + x] = x < 16 ? 118 : 138;
            ((uint8_t *)frame->plane[2])[y * frame->stride[2] + x] = x < 16 ? 148 : 108;
        }
    double rg = 0, yb = 0; // of the right half; the left one is its negative
    double r = 1.402 * -20, g = -0.344136 * 10 - 0.714136 * -20, b = 1.772 * 10;
    rg = r - g;
    yb = 0.5 * (r + g) - b;
    struct ifl_features f;
    measure(frame, &f);
    check_near(value(f, colorfulness), hypot(rg, yb), 1e-3);
    check_near(value(f, red_mean), 77 / 255.0, 1e-9);
    ifl_frame_unref(frame);
}

static void frames_that_are_not_canonical_are_refused(void **state)
{
    (void)state;
    struct ifl_features features;
    struct ifl_error error = {0};
    struct ifl_frame *frame = make_frame(32, 32, ramp);
    struct ifl_frame bad = *frame;
    bad.range = IFL_RANGE_LIMITED;
    assert_int_equal(ifl_extract_statistics(&bad, &features, &error), IFL_ERR_UNSUPPORTED);
    bad = *frame;
    bad.matrix = IFL_MATRIX_BT709;
    assert_int_equal(ifl_extract_statistics(&bad, &features, &error), IFL_ERR_UNSUPPORTED);
    bad = *frame;
    bad.format = IFL_PIXEL_NV12;
    assert_int_equal(ifl_extract_statistics(&bad, &features, NULL), IFL_ERR_UNSUPPORTED);
    bad = *frame;
    bad.width = 0;
    assert_int_equal(ifl_extract_statistics(&bad, &features, &error), IFL_ERR_INVALID);
    bad.width = 100000;
    assert_int_equal(ifl_extract_statistics(&bad, &features, &error), IFL_ERR_INVALID);
    bad = *frame;
    bad.plane[2] = NULL;
    assert_int_equal(ifl_extract_statistics(&bad, &features, &error), IFL_ERR_INVALID);
    bad = *frame;
    bad.stride[1] = 15;
    assert_int_equal(ifl_extract_statistics(&bad, &features, &error), IFL_ERR_INVALID);
    assert_string_equal(error.stage, "profile");
    ifl_frame_unref(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ramp_has_the_moments_of_the_uniform),
        cmocka_unit_test(a_plane_has_no_noise),
        cmocka_unit_test(white_noise_measures_as_the_theory_says),
        cmocka_unit_test(a_checkerboard_has_its_exact_edges),
        cmocka_unit_test(blocks_of_a_codec_are_seen),
        cmocka_unit_test(a_constant_has_documented_values_at_every_size),
        cmocka_unit_test(nothing_is_nan_at_any_size),
        cmocka_unit_test(grey8_is_the_same_as_neutral_chroma),
        cmocka_unit_test(standard_lights_have_their_temperature),
        cmocka_unit_test(colours_are_measured),
        cmocka_unit_test(colourfulness_counts_the_spread),
        cmocka_unit_test(frames_that_are_not_canonical_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
