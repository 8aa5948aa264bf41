// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include "base/rng.h"
#include "kernels/color.h"
#include "kernels/cpu.h"
#include "kernels/scale.h"

static void fill(uint8_t *bytes, size_t count, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)ifl_rng_next(&rng);
}

static int64_t overlap(int64_t a, int64_t b, int64_t c, int64_t d)
{
    int64_t from = a > c ? a : c, to = b < d ? b : d;
    return to > from ? to - from : 0;
}

// One target sample from the definition: source sample i covers [i tw, (i + 1) tw) of the axis.
static int expected(const uint8_t *source, int sw, int sh, int stride, int tw, int th, int channels,
                    int x, int y, int c)
{
    int64_t sum = 0, area = (int64_t)sw * sh;
    for (int j = 0; j < sh; j++) {
        int64_t down =
            overlap((int64_t)j * th, (int64_t)(j + 1) * th, (int64_t)y * sh, (int64_t)(y + 1) * sh);
        for (int i = 0; down && i < sw; i++)
            sum += down * source[j * stride + i * channels + c] *
                   overlap((int64_t)i * tw, (int64_t)(i + 1) * tw, (int64_t)x * sw,
                           (int64_t)(x + 1) * sw);
    }
    return (int)((2 * sum + area) / (2 * area));
}

enum { GUARD = 0xA5 };

static void check_scale(int sw, int sh, int tw, int th, int channels)
{
    int ss = sw * channels + 5, ts = tw * channels + 3;
    uint8_t *source = malloc((size_t)(ss * sh)), *target = malloc((size_t)(ts * th));
    fill(source, (size_t)(ss * sh), (uint64_t)(sw * 7 + sh));
    memset(target, GUARD, (size_t)(ts * th));
    ifl_scale_area(source, sw, sh, ss, target, tw, th, ts, channels);
    for (int y = 0; y < th; y++) {
        for (int i = 0; i < tw * channels; i++)
            if (target[y * ts + i] !=
                expected(source, sw, sh, ss, tw, th, channels, i / channels, y, i % channels))
                fail_msg("%dx%d to %dx%d, %d channels: row %d, sample %d", sw, sh, tw, th, channels,
                         y, i);
        for (int i = tw * channels; i < ts; i++)
            assert_int_equal(target[y * ts + i], GUARD);
    }
    free(source);
    free(target);
}

static void is_the_mean_of_what_lies_under_it(void **state)
{
    (void)state;
    static const int sizes[][4] = {
        {1, 1, 1, 1},       {1, 1, 5, 3},       {5, 3, 1, 1},      {7, 5, 3, 2},
        {3, 2, 7, 5},       {16, 9, 16, 9},     {97, 61, 32, 18},  {192, 108, 25, 14},
        {200, 3, 199, 2},   {33, 70, 66, 35},   {1, 600, 1, 1},    {1, 600, 1, 2},
        {6200, 2, 3, 1},    {1030, 2, 1029, 2}, {3, 700, 2, 3},    {2, 2, 3100, 1},
        {129, 64, 64, 7},   {1280, 15, 256, 3}, {1921, 6, 384, 4}, {4000, 5, 801, 2},
        {640, 25, 256, 10}, {8192, 1, 1, 1},    {8193, 1, 1, 1},   {1900, 4, 1, 1},
        {1930, 4, 1, 1},    {64, 257, 33, 1},   {64, 258, 33, 1},  {1280, 20, 1280, 7},
        {1920, 15, 256, 2}, {960, 15, 256, 4},  {129, 64, 65, 32}, {128, 128, 2, 1},
        {130, 129, 64, 1},  {514, 5, 257, 2}};
    for (int level = 0; level < IFL_CPU_LEVELS; level++) {
        if (ifl_cpu_force((enum ifl_cpu_level)level) != (enum ifl_cpu_level)level)
            continue;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            check_scale(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], 1);
            check_scale(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], 3);
        }
    }
}

static void constants_stay_at_the_largest_sizes(void **state)
{
    (void)state;
    enum { SIDE = 16384 };
    uint8_t *source = malloc((size_t)SIDE * 64), target[3 * 7];
    memset(source, 255, (size_t)SIDE * 64);
    ifl_scale_area(source, SIDE, 64, SIDE, target, 7, 3, 7, 1);
    for (int i = 0; i < 21; i++)
        assert_int_equal(target[i], 255);
    ifl_scale_area(source, 64, SIDE, 64, target, 3, 7, 3, 1);
    for (int i = 0; i < 21; i++)
        assert_int_equal(target[i], 255);
    free(source);
}

// Against the real-valued matrices of JFIF.
static void colours_are_the_nearest(void **state)
{
    (void)state;
    for (int r = 0; r < 256; r += 5)
        for (int g = 0; g < 256; g += 3)
            for (int b = 0; b < 256; b += 15) {
                uint8_t rgb[3] = {(uint8_t)r, (uint8_t)g, (uint8_t)b}, y, cb, cr;
                ifl_rgb_to_ycc(rgb, &y, &cb, &cr, 1);
                check_near(y, .299 * r + .587 * g + .114 * b, .502);
                check_near(cb, 128 + (b - .299 * r - .587 * g - .114 * b) / 1.772, .502);
                check_near(cr, fmin(255, 128 + (r - .299 * r - .587 * g - .114 * b) / 1.402), .502);
                ifl_ycc_to_rgb(&y, &cb, &cr, rgb, 1);
                check_near(rgb[0], fmax(0, fmin(255, y + 1.402 * (cr - 128))), .502);
                check_near(rgb[1],
                           fmax(0, fmin(255, y - .344136 * (cb - 128) - .714136 * (cr - 128))),
                           .502);
                check_near(rgb[2], fmax(0, fmin(255, y + 1.772 * (cb - 128))), .502);
            }
}

static void greys_stay_grey(void **state)
{
    (void)state;
    for (int v = 0; v < 256; v++) {
        uint8_t rgb[3] = {(uint8_t)v, (uint8_t)v, (uint8_t)v}, y, cb, cr;
        ifl_rgb_to_ycc(rgb, &y, &cb, &cr, 1);
        assert_int_equal(y, v);
        assert_int_equal(cb, 128);
        assert_int_equal(cr, 128);
        ifl_ycc_to_rgb(&y, &cb, &cr, rgb, 1);
        for (int c = 0; c < 3; c++)
            assert_int_equal(rgb[c], v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_mean_of_what_lies_under_it),
        cmocka_unit_test(constants_stay_at_the_largest_sizes),
        cmocka_unit_test(colours_are_the_nearest),
        cmocka_unit_test(greys_stay_grey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
