// SPDX-License-Identifier: Apache-2.0
// What is measured on the plane, against values that are known beforehand. Frames are painted twice
// as large as the plane, each of its pixels as four equal ones, so that the plane is what was
// meant.
#include "support.h"

#include "base/rng.h"
#include "kernels/color.h"
#include "kernels/cpu.h"
#include "kernels/features_parts.h"

enum { WIDTH = 256, HEIGHT = 192 }; // of the plane

typedef double paint_fn(int x, int y);

static struct ifl_rng rng;

static struct ifl_frame *make_frame(int width, int height, paint_fn *paint)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, 2 * width, 2 * height);
    assert_non_null(frame);
    ifl_rng_init(&rng, 21);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t value = (uint8_t)fmin(fmax(lround(paint(x, y)), 0), 255);
            uint8_t *at = (uint8_t *)frame->plane[0] + 2 * y * frame->stride[0] + 2 * x;
            at[0] = at[1] = at[frame->stride[0]] = at[frame->stride[0] + 1] = value;
        }
    for (int i = 1; i < 3; i++)
        memset((uint8_t *)frame->plane[i], 128, (size_t)(frame->stride[i] * height));
    return frame;
}

static struct ifl_features features_of(paint_fn *paint)
{
    struct ifl_features features;
    struct ifl_error error = {0};
    struct ifl_frame *frame = make_frame(WIDTH, HEIGHT, paint);
    check_ok(ifl_extract_statistics(frame, &features, &error), error);
    ifl_frame_unref(frame);
    return features;
}

#define value(features, name) ((features).value[IFL_FEATURE_##name])

// ---- what is painted ----

static double noise(int x, int y)
{
    (void)x;
    (void)y;
    return 128 + 20 * ifl_rng_normal(&rng);
}

static double two_levels(int x, int y)
{
    (void)x;
    (void)y;
    return ifl_rng_below(&rng, 2) ? 180 : 60;
}

static double mirrored(int x, int y)
{
    int column = x < WIDTH / 2 ? x : WIDTH - 1 - x;
    return (column * 37 + y * 11) % 256;
}

static double ramp(int x, int y)
{
    (void)y;
    return x;
}

static double blob_at(double x, double y, double cx, double cy)
{
    double dx = x + 0.5 - cx, dy = y + 0.5 - cy;
    return 30 + 200 * exp(-(dx * dx + dy * dy) / 400);
}

static double centred_blob(int x, int y)
{
    return blob_at(x, y, WIDTH / 2.0, HEIGHT / 2.0);
}

static double blob_aside(int x, int y)
{
    return blob_at(x, y, WIDTH / 4.0, HEIGHT * 0.625);
}

static double line_at_a_third(int x, int y)
{
    (void)y;
    return x == WIDTH / 3 ? 200 : 50;
}

static double constant(int x, int y)
{
    (void)x;
    (void)y;
    return 90;
}

// ---- composition ----

static void a_mirror_image_is_symmetric(void **state)
{
    (void)state;
    check_near(value(features_of(mirrored), symmetry), 1, 1e-12);
    check_near(value(features_of(ramp), symmetry), -1, 1e-12);
    check_near(value(features_of(noise), symmetry), 0, 0.03);
}

static void the_centroid_is_where_the_picture_changes(void **state)
{
    (void)state;
    struct ifl_features f = features_of(centred_blob);
    check_near(value(f, centroid_x), 0.5, 1e-9);
    check_near(value(f, centroid_y), 0.5, 1e-9);
    f = features_of(blob_aside);
    check_near(value(f, centroid_x), 0.25, 0.003);
    check_near(value(f, centroid_y), 0.625, 0.003);
}

static void thirds_are_counted(void **state)
{
    (void)state;
    check_near(value(features_of(noise), thirds_ratio), 1, 0.02);
    // Across: all of it, on columns WIDTH / 3 +- 1, within the bands. Down: evenly, but for two
    // rows.
    int inside = 0, lines = 0;
    for (int x = 0; x < WIDTH; x++)
        inside += fabs((x + 0.5) / WIDTH - 1.0 / 3) <= 1.0 / 24 ||
                  fabs((x + 0.5) / WIDTH - 2.0 / 3) <= 1.0 / 24;
    for (int y = 1; y < HEIGHT - 1; y++)
        lines += fabs((y + 0.5) / HEIGHT - 1.0 / 3) <= 1.0 / 24 ||
                 fabs((y + 0.5) / HEIGHT - 2.0 / 3) <= 1.0 / 24;
    double across = (double)WIDTH / inside, down = (double)HEIGHT / (HEIGHT - 2);
    assert_int_equal(lines, HEIGHT / 6);
    check_near(value(features_of(line_at_a_third), thirds_ratio), (across + down) / 2, 1e-9);
}

static void complexity_is_the_entropy_of_steps(void **state)
{
    (void)state;
    check_near(value(features_of(constant), complexity), 0, 0);
    check_near(value(features_of(ramp), complexity), 0, 0);            // all steps are 1
    check_near(value(features_of(two_levels), complexity), 1.5, 0.01); // -120, 0, 0, 120
}

// ---- texture ----

static double brightened(int x, int y)
{
    return 255 * sqrt(floor(blob_aside(x, y) / 8) * 8 / 255); // rises, and keeps levels apart
}

static double coarse_blob(int x, int y)
{
    return floor(blob_aside(x, y) / 8) * 8;
}

static void patterns_do_not_mind_the_light(void **state)
{
    (void)state;
    struct ifl_features f = features_of(constant), g;
    check_near(f.lbp[8], 1, 0);
    check_near(value(f, lbp_flat), 1, 0);
    f = features_of(coarse_blob);
    g = features_of(brightened);
    double sum = 0;
    for (int i = 0; i < IFL_LBP_BINS; i++) {
        check_near(f.lbp[i], g.lbp[i], 0);
        sum += (double)f.lbp[i];
    }
    check_near(sum, 1, 1e-6);
    assert_true(value(g, brightness_mean) > value(f, brightness_mean) + 0.1);
}

// Of values without equals any order of nine is as likely; counted over all 9! of them.
static void patterns_of_noise_have_their_shares(void **state)
{
    (void)state;
    // The centre's rank k leaves k..8 neighbours above: each k as likely, and their places any set.
    const double sets[] = {1, 8, 28, 56, 70, 56, 28, 8, 1}, runs[] = {1, 8, 8, 8, 8, 8, 8, 8, 1};
    struct ifl_features f = features_of(noise);
    double uniform = 0;
    for (int i = 0; i < 9; i++) {
        check_near(f.lbp[i], runs[i] / sets[i] / 9, 0.012); // few levels: some neighbours are equal
        uniform += runs[i] / sets[i] / 9;
    }
    check_near(value(f, lbp_rough), 1 - uniform, 0.012);
}

enum { WAVES = 4000 };
static float field[HEIGHT][WIDTH];

// Waves of equal strength, as many in each octave: so power falls with the square of frequency.
static void make_field(void)
{
    ifl_rng_init(&rng, 5);
    memset(field, 0, sizeof field);
    for (int wave = 0; wave < WAVES; wave++) {
        double f = 2 * pow(64, ifl_rng_uniform(&rng)), angle = 2 * acos(-1) * ifl_rng_uniform(&rng);
        double u = 2 * acos(-1) * f * cos(angle) / 256, v = 2 * acos(-1) * f * sin(angle) / 256;
        double phase = 2 * acos(-1) * ifl_rng_uniform(&rng), turn_re = cos(u), turn_im = sin(u);
        for (int y = 0; y < HEIGHT; y++) {
            double re = cos(phase + v * y), im = sin(phase + v * y);
            for (int x = 0; x < WIDTH; x++) {
                double next = re * turn_re - im * turn_im;
                im = re * turn_im + im * turn_re;
                re = next;
                field[y][x] += (float)re;
            }
        }
    }
}

static double one_over_f(int x, int y)
{
    return 128 + (double)field[y][x] * 30 / sqrt(WAVES / 2.0);
}

static void power_falls_as_it_was_made(void **state)
{
    (void)state;
    make_field();
    check_near(value(features_of(noise), spectral_slope), 0, 0.12);
    check_near(value(features_of(one_over_f), spectral_slope), -2, 0.12);
    check_near(value(features_of(constant), spectral_slope), 0, 0);
}

static void shapes_have_their_ratio(void **state)
{
    (void)state;
    check_near(ifl_ratio_of_shape(2), 2 / acos(-1), 1e-9); // .6366
    check_near(ifl_ratio_of_shape(1), 0.5, 1e-9);
    check_near(ifl_ratio_of_shape(0.5), 0.3, 1e-9);
    check_near(ifl_ratio_of_shape(4), 0.7071, 5e-5);
    for (double alpha = 0.25; alpha < 9.5; alpha += 0.25)
        check_near(ifl_shape_of_ratio(ifl_ratio_of_shape(alpha)), alpha, 1e-6);
}

static uint8_t plane_at(paint_fn *paint, const struct ifl_frame *frame, int x, int y)
{
    (void)paint;
    return frame->plane[0][2 * y * frame->stride[0] + 2 * x];
}

// The definition written out in double.
static void normalised_pixels_are_what_they_are_defined_to_be(void **state)
{
    (void)state;
    struct ifl_features f;
    struct ifl_error error = {0};
    struct ifl_frame *frame = make_frame(WIDTH, HEIGHT, noise);
    double weight[7], total = 0, absolute = 0, square = 0,
                      n = (WIDTH - 6.0) * (HEIGHT - 6.0) / IFL_ROW_STEP;
    for (int i = 0; i < 7; i++)
        total += weight[i] = exp(-(i - 3) * (i - 3) * 18.0 / 49);
    for (int y = 3; y < HEIGHT - 3; y += IFL_ROW_STEP)
        for (int x = 3; x < WIDTH - 3; x++) {
            double mean = 0, second = 0;
            for (int j = 0; j < 7; j++)
                for (int i = 0; i < 7; i++) {
                    double w = weight[i] * weight[j] / (total * total);
                    double p = plane_at(noise, frame, x + i - 3, y + j - 3);
                    mean += w * p;
                    second += w * p * p;
                }
            double normal =
                (plane_at(noise, frame, x, y) - mean) / (sqrt(fmax(second - mean * mean, 0)) + 1);
            absolute += fabs(normal) / n;
            square += normal * normal / n;
        }
    check_ok(ifl_extract_statistics(frame, &f, &error), error);
    check_near(value(f, mscn_sigma), sqrt(square), 1e-4);
    check_near(value(f, mscn_alpha), ifl_shape_of_ratio(absolute * absolute / square), 5e-3);
    ifl_frame_unref(frame);
}

// ---- colour ----

static void a_ramp_has_its_moments_in_each_channel(void **state)
{
    (void)state;
    struct ifl_features f = features_of(ramp); // grey: red, green and blue are Y
    for (int c = 0; c < 3; c++) {
        check_near(f.channel[c].mean, 127.5, 1e-9);
        check_near(f.channel[c].std, sqrt(5461.25), 1e-9);
        check_near(f.channel[c].skew, 0, 1e-9);
        check_near(f.channel[c].kurtosis, 1.8 - 2.4 / 65535, 1e-6);
        for (int i = 0; i < IFL_HISTOGRAM_BINS; i++)
            assert_int_equal(f.channel[c].histogram[i], 4 * HEIGHT / IFL_ROW_STEP);
    }
    check_near(value(f, red_std), sqrt(5461.25) / 127.5, 1e-9);
    check_near(value(f, dark_channel), 124.0 / 255, 1e-12); // boxes of 8: mean of 0, 8, ... 248
}

static void dominant_colours_are_found_with_their_shares(void **state)
{
    (void)state;
    static const uint8_t colors[3][3] = {{200, 40, 40}, {40, 60, 200}, {230, 230, 220}};
    struct ifl_frame *frame = make_frame(100, 64, constant);
    struct ifl_color_statistics statistics;
    struct ifl_error error = {0};
    for (int x = 0; x < 100; x++) {
        uint8_t ycc[3];
        int i = x < 50 ? 0 : x < 80 ? 1 : 2;
        ifl_rgb_to_ycc(colors[i], &ycc[0], &ycc[1], &ycc[2], 1);
        for (int y = 0; y < 128; y++)
            for (int k = 0; k < 2; k++)
                ((uint8_t *)frame->plane[0])[y * frame->stride[0] + 2 * x + k] = ycc[0];
        for (int y = 0; y < 64; y++)
            for (int k = 1; k < 3; k++)
                ((uint8_t *)frame->plane[k])[y * frame->stride[k] + x] = ycc[k];
    }
    check_ok(ifl_extract_color_statistics(frame, &statistics, &error), error);
    const float shares[] = {0.5f, 0.3f, 0.2f, 0, 0};
    for (int i = 0; i < IFL_DOMINANT_COLORS; i++) {
        check_near(statistics.dominant[i].share, shares[i], 1e-6);
        for (int c = 0; c < 3 && i < 3; c++)
            check_near(statistics.dominant[i].rgb[c], colors[i][c], 9);
    }
    assert_true(statistics.saturation_mean > 0.5);
    ifl_frame_unref(frame);
}

static void the_seeds_calls_give_the_same_numbers(void **state)
{
    (void)state;
    struct ifl_frame *frame = make_frame(WIDTH, HEIGHT, blob_aside);
    struct ifl_features f;
    struct ifl_composition_features composition;
    struct ifl_color_statistics color;
    struct ifl_error error = {0};
    check_ok(ifl_extract_statistics(frame, &f, &error), error);
    check_ok(ifl_extract_composition_features(frame, &composition, &error), error);
    check_ok(ifl_extract_color_statistics(frame, &color, &error), error);
    check_near(composition.centroid_x, value(f, centroid_x), 0);
    check_near(composition.complexity, value(f, complexity), 0);
    check_near(color.color_temperature, value(f, color_temperature), 0);
    assert_memory_equal(composition.tile_mean, f.tile_mean, sizeof f.tile_mean);
    frame->range = IFL_RANGE_LIMITED;
    assert_int_equal(ifl_extract_composition_features(frame, &composition, &error),
                     IFL_ERR_UNSUPPORTED);
    assert_int_equal(ifl_extract_color_statistics(frame, &color, &error), IFL_ERR_UNSUPPORTED);
    ifl_frame_unref(frame);
}

// ---- likeness ----

enum { PICTURES = 16 };
static int painted; // which picture

static double blocks(int x, int y)
{
    uint64_t place = (uint64_t)(painted * 1000 + (y / 24) * 50 + x / 28);
    struct ifl_rng own;
    ifl_rng_init(&own, place);
    return 128 + 40 * ifl_rng_normal(&own);
}

static double lighter_blocks(int x, int y)
{
    return blocks(x, y) * 0.8 + 30;
}

static void independent_pictures_share_half_of_their_bits(void **state)
{
    (void)state;
    uint64_t dhash[PICTURES], phash[PICTURES];
    double by_difference = 0, by_frequency = 0, pairs = PICTURES * (PICTURES - 1) / 2.0;
    for (painted = 0; painted < PICTURES; painted++) {
        struct ifl_features f = features_of(blocks), light = features_of(lighter_blocks);
        dhash[painted] = f.dhash;
        phash[painted] = f.phash;
        assert_true(__builtin_popcountll(f.dhash ^ light.dhash) <= 2);
        assert_true(__builtin_popcountll(f.phash ^ light.phash) <= 2);
    }
    for (int i = 0; i < PICTURES; i++)
        for (int k = 0; k < i; k++) {
            by_difference += __builtin_popcountll(dhash[i] ^ dhash[k]) / pairs;
            by_frequency += __builtin_popcountll(phash[i] ^ phash[k]) / pairs;
        }
    check_near(by_difference, 32, 4);
    check_near(by_frequency, 32, 4);
}

// ---- motion ----

static int moved_x, moved_y;

static double moving(int x, int y)
{
    double u = (x - moved_x) / 9.0, v = (y - moved_y) / 7.0;
    return 128 + 40 * sin(u) * cos(v) + 30 * sin(0.37 * u * v + 1) + 20 * sin(2.1 * u - v);
}

static void a_shift_is_found(void **state)
{
    (void)state;
    static const int shifts[][2] = {{0, 0}, {6, 0}, {-10, 4}, {0, -8}, {20, 12}};
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        struct ifl_extractor *extractor = ifl_extractor_create();
        struct ifl_features f;
        struct ifl_error error = {0};
        for (int step = 0; step < 2; step++) {
            moved_x = step * shifts[i][0];
            moved_y = step * shifts[i][1];
            struct ifl_frame *frame = make_frame(WIDTH, HEIGHT, moving);
            check_ok(ifl_extractor_take(extractor, frame, &f, &error), error);
            assert_int_equal(f.has_previous, step);
            ifl_frame_unref(frame);
        }
        check_near(value(f, motion_x), (double)shifts[i][0] / WIDTH, 0.004);
        check_near(value(f, motion_y), (double)shifts[i][1] / HEIGHT, 0.004);
        if (i == 0)
            check_near(value(f, motion_peak), 1, 1e-3);
        else
            assert_in_range((int)(100 * value(f, motion_peak)), 5, 100);
        ifl_extractor_destroy(extractor);
    }
}

static double patch(int x, int y)
{
    return x < WIDTH / 8 && y < HEIGHT / 8 && painted ? 140 : 90;
}

static void change_is_counted_where_it_is(void **state)
{
    (void)state;
    struct ifl_extractor *extractor = ifl_extractor_create();
    struct ifl_features f;
    struct ifl_error error = {0};
    for (painted = 0; painted < 2; painted++) {
        struct ifl_frame *frame = make_frame(WIDTH, HEIGHT, patch);
        check_ok(ifl_extractor_take(extractor, frame, &f, &error), error);
        ifl_frame_unref(frame);
    }
    check_near(value(f, frame_difference), 50.0 / 64, 1e-9);
    check_near(value(f, motion_share), 1.0 / 64, 1e-9);
    check_near(f.tile_change[0][0], 50, 0);
    check_near(f.tile_change[0][1] + f.tile_change[1][0], 0, 0);
    struct ifl_frame *other = make_frame(WIDTH / 2, HEIGHT, patch);
    check_ok(ifl_extractor_take(extractor, other, &f, &error), error);
    assert_false(f.has_previous); // of another size: there is nothing to compare with
    check_near(value(f, frame_difference) + value(f, motion_peak), 0, 0);
    ifl_frame_unref(other);
    ifl_extractor_destroy(extractor);
}

// ---- instruction sets ----

static struct ifl_frame *hostile_frame(int width, int height, int kind, uint64_t seed)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, width, height);
    ifl_rng_init(&rng, seed);
    for (int i = 0; i < 3; i++)
        for (int y = 0; y < (i ? (height + 1) / 2 : height); y++)
            for (int x = 0; x < (i ? (width + 1) / 2 : width); x++) {
                int random = (int)(ifl_rng_next(&rng) >> 40 & 255);
                ((uint8_t *)frame->plane[i])[y * frame->stride[i] + x] =
                    (uint8_t)(kind == 0   ? random
                              : kind == 1 ? (random & 1) * 255
                                          : 3 * x + y);
            }
    return frame;
}

// Two frames, so that motion counts too. Everything, floats included, is the same to the last bit.
static void measure_two(int width, int height, int kind, struct ifl_features *f)
{
    struct ifl_extractor *extractor = ifl_extractor_create();
    struct ifl_error error = {0};
    memset(f, 0, sizeof *f);
    for (uint64_t i = 0; i < 2; i++) {
        struct ifl_frame *frame = hostile_frame(width, height, kind, i);
        check_ok(ifl_extractor_take(extractor, frame, f, &error), error);
        ifl_frame_unref(frame);
    }
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)i);
        if (!(f->value[i] >= row->least && f->value[i] <= row->greatest))
            fail_msg("%s is %g at %dx%d", row->name, f->value[i], width, height);
    }
    ifl_extractor_destroy(extractor);
}

static void every_level_measures_the_same(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},     {2, 2},     {1, 90},   {90, 1},    {3, 5},
                                   {13, 17},   {64, 64},   {65, 67},  {129, 131}, {255, 77},
                                   {300, 260}, {777, 333}, {5000, 9}, {1030, 540}};
    struct ifl_features plain, wide;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = 0; kind < 3; kind++) {
            ifl_cpu_force(IFL_CPU_C);
            measure_two(sizes[i][0], sizes[i][1], kind, &plain);
            for (int level = IFL_CPU_AVX2; level < IFL_CPU_LEVELS; level++) {
                if (ifl_cpu_force((enum ifl_cpu_level)level) != (enum ifl_cpu_level)level)
                    continue; // test_levels says that it is not there
                measure_two(sizes[i][0], sizes[i][1], kind, &wide);
                for (int f = 0; f < IFL_FEATURE_COUNT; f++)
                    if (memcmp(&plain.value[f], &wide.value[f], sizeof(double)) != 0)
                        fail_msg("%s of %dx%d is %.17g in %s, %.17g in c",
                                 ifl_feature_row((enum ifl_feature)f)->name, sizes[i][0],
                                 sizes[i][1], wide.value[f],
                                 ifl_cpu_level_name((enum ifl_cpu_level)level), plain.value[f]);
                assert_memory_equal(&plain, &wide, sizeof plain);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mirror_image_is_symmetric),
        cmocka_unit_test(the_centroid_is_where_the_picture_changes),
        cmocka_unit_test(thirds_are_counted),
        cmocka_unit_test(complexity_is_the_entropy_of_steps),
        cmocka_unit_test(patterns_do_not_mind_the_light),
        cmocka_unit_test(patterns_of_noise_have_their_shares),
        cmocka_unit_test(power_falls_as_it_was_made),
        cmocka_unit_test(shapes_have_their_ratio),
        cmocka_unit_test(normalised_pixels_are_what_they_are_defined_to_be),
        cmocka_unit_test(a_ramp_has_its_moments_in_each_channel),
        cmocka_unit_test(dominant_colours_are_found_with_their_shares),
        cmocka_unit_test(the_seeds_calls_give_the_same_numbers),
        cmocka_unit_test(independent_pictures_share_half_of_their_bits),
        cmocka_unit_test(a_shift_is_found),
        cmocka_unit_test(change_is_counted_where_it_is),
        cmocka_unit_test(every_level_measures_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
