// SPDX-License-Identifier: Apache-2.0
// Every instruction set against plain C: the same bytes and sums for hostile sizes, strides and
// alignments. Rows end where their memory ends, so that a read beyond is seen by the sanitizer.
#include "support.h"

#include "base/rng.h"
#include "kernels/cpu.h"
#include "kernels/measure.h"
#include "kernels/rows.h"

enum { WIDTHS = 140, GUARD = 0xA5 };

// What a picture may hold: noise, extremes, a constant, or a ramp.
static uint8_t sample(struct ifl_rng *rng, int kind, int i)
{
    int noise = (int)(ifl_rng_next(rng) >> 40 & 255);
    return (uint8_t)(kind == 0 ? noise : kind == 1 ? (noise & 1) * 255 : kind == 2 ? 255 : 3 * i);
}

// `rows` rows of `count` bytes, the first one `shift` bytes off, the last one to the end of memory.
struct area {
    uint8_t *memory, *at;
    int stride;
};

static struct area make_area(int count, int rows, int shift, int kind, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    struct area area = {.stride = count + (kind == 1 ? 0 : 7)};
    size_t bytes = (size_t)shift + (size_t)(area.stride * (rows - 1) + count);
    area.memory = malloc(bytes);
    area.at = area.memory + shift;
    for (size_t i = 0; i < bytes; i++)
        area.memory[i] = sample(&rng, kind, (int)i);
    return area;
}

// What one level makes of one size.
struct made {
    struct ifl_luma_sums luma;
    struct ifl_chroma_sums chroma;
    uint64_t saturation;
    uint32_t column[WIDTHS + 16];
    uint32_t before[WIDTHS + 16];
    int16_t mixed[WIDTHS + 16];
    uint8_t bytes[16][WIDTHS + 16];
};

static const struct ifl_ycc_map hostile_map = {16, 19077, 1895, 3657, 18462, -2064, -1351, 18342};

static void make(struct made *made, int width, int height, int shift, int kind)
{
    memset(made, 0, sizeof *made);
    memset(made->bytes, GUARD, sizeof made->bytes);
    struct area y = make_area(width, height, shift, kind, 1);
    struct area b = make_area(width, height, shift + 1, kind, 2);
    struct area r = make_area(width, height, 0, (kind + 1) % 4, 3);
    const struct ifl_measure_kernels *measure = ifl_measure_kernels();
    const struct ifl_row_kernels *rows = ifl_row_kernels();
    ifl_measure_luma(y.at, width, height, y.stride, &made->luma);
    ifl_measure_chroma(b.at, b.stride, r.at, r.stride, width, height, &made->chroma);
    made->saturation = measure->saturation(y.at, b.at, r.at, width);
    rows->add_rows(y.at, y.stride, height, 977, made->column, width);
    rows->map_luma(&hostile_map, y.at, made->bytes[0] + shift, width);
    rows->running_sums(made->column, made->before, width, 1);
    rows->map_chroma(&hostile_map, b.at, r.at, made->bytes[2] + shift, made->bytes[3] + shift,
                     made->mixed, width);
    rows->map_luma_mixed(&hostile_map, y.at, made->mixed, made->bytes[1] + shift, width);
    rows->split_pairs(y.at, made->bytes[4] + shift, made->bytes[5] + shift, width / 2);
    for (int i = 1; i <= 3 && height >= 1 << i; i++)
        rows->shrink(y.at, y.stride, i, made->bytes[5 + i] + shift, width >> i);
    free(y.memory);
    free(b.memory);
    free(r.memory);
}

// Saturated lanes: the widest row must not overflow either.
static void the_widest_row_does_not_overflow(void **state)
{
    (void)state;
    enum { WIDE = IFL_FRAME_SIDE_MAX };
    uint8_t *y = malloc((size_t)WIDE * 3);
    for (int row = 0; row < 3; row++)
        for (int x = 0; x < WIDE; x++) // steep edges, as steep as Sobel, Laplacian and noise get
            y[row * WIDE + x] = (x / 2 + row / 2) % 2 ? 255 : 0;
    struct ifl_luma_sums plain, wide;
    struct ifl_chroma_sums plain_chroma, wide_chroma;
    ifl_cpu_force(IFL_CPU_C);
    ifl_measure_luma(y, WIDE, 3, WIDE, &plain);
    ifl_measure_chroma(y, WIDE, y + 2 * WIDE, WIDE, WIDE, 1, &plain_chroma);
    for (int level = IFL_CPU_AVX2; level < IFL_CPU_LEVELS; level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        ifl_measure_luma(y, WIDE, 3, WIDE, &wide);
        ifl_measure_chroma(y, WIDE, y + 2 * WIDE, WIDE, WIDE, 1, &wide_chroma);
        assert_memory_equal(&plain, &wide, sizeof plain);
        assert_memory_equal(&plain_chroma, &wide_chroma, sizeof plain_chroma);
    }
    free(y);
}

static void every_level_makes_the_same(void **state)
{
    (void)state;
    static const int heights[] = {1, 2, 3, 5, 8, 9, 17};
    static struct made plain, wide;
    for (int level = IFL_CPU_AVX2; level < IFL_CPU_LEVELS; level++) {
        if (ifl_cpu_force((enum ifl_cpu_level)level) != (enum ifl_cpu_level)level) {
            print_message("this machine has no %s: not tested\n", ifl_cpu_level_name(level));
            continue;
        }
        for (int width = 1; width <= WIDTHS; width++)
            for (int i = 0; i < 28; i++) {
                int height = heights[i % 7], kind = i / 7, shift = (width + i) % 5;
                ifl_cpu_force(IFL_CPU_C);
                make(&plain, width, height, shift, kind);
                ifl_cpu_force((enum ifl_cpu_level)level);
                make(&wide, width, height, shift, kind);
                if (memcmp(&plain, &wide, sizeof plain) != 0)
                    fail_msg("%s differs from c at %dx%d, shift %d, kind %d",
                             ifl_cpu_level_name(level), width, height, shift, kind);
            }
    }
}

static void add(int64_t *sum, int value)
{
    *sum += value;
}

static int convolve(const uint8_t *y, int stride, const int kernel[9])
{
    int sum = 0;
    for (int i = 0; i < 9; i++)
        sum += kernel[i] * y[(i / 3 - 1) * stride + i % 3 - 1];
    return sum;
}

// The C version itself, against the definitions written out.
static void the_sums_are_what_they_are_defined_to_be(void **state)
{
    (void)state;
    static const int laplace[9] = {0, 1, 0, 1, -4, 1, 0, 1, 0};
    static const int immerkaer[9] = {1, -2, 1, -2, 4, -2, 1, -2, 1};
    static const int sobel_x[9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1};
    static const int sobel_y[9] = {-1, -2, -1, 0, 0, 0, 1, 2, 1};
    enum { W = 61, H = 43 };
    struct area area = make_area(W, H, 3, 0, 9);
    int64_t sums[6] = {0}, across[2] = {0}, down[2] = {0};
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const uint8_t *at = area.at + y * area.stride + x;
            if (x + 1 < W)
                add(&across[x % 8 == 7], abs(at[0] - at[1]));
            if (y + 1 < H)
                add(&down[y % 8 == 7], abs(at[0] - at[area.stride]));
            if (x == 0 || y == 0 || x == W - 1 || y == H - 1)
                continue;
            int l = convolve(at, area.stride, laplace);
            int gx = convolve(at, area.stride, sobel_x), gy = convolve(at, area.stride, sobel_y);
            add(&sums[0], l);
            add(&sums[1], l * l);
            add(&sums[2], abs(convolve(at, area.stride, immerkaer)));
            add(&sums[3], gx * gx + gy * gy);
            add(&sums[4], sqrt(gx * gx + gy * gy) > 100);
        }
    struct ifl_luma_sums luma;
    ifl_cpu_force(IFL_CPU_C);
    ifl_measure_luma(area.at, W, H, area.stride, &luma);
    assert_int_equal(luma.laplacian, sums[0]);
    assert_int_equal(luma.operators.laplacian_squares, sums[1]);
    assert_int_equal(luma.operators.noise, sums[2]);
    assert_int_equal(luma.operators.gradient_squares, sums[3]);
    assert_int_equal(luma.operators.edges, sums[4]);
    assert_int_equal(luma.across.all, across[0] + across[1]);
    assert_int_equal(luma.across.border, across[1]);
    assert_int_equal(luma.down.all, down[0] + down[1]);
    assert_int_equal(luma.down.border, down[1]);
    free(area.memory);
}

static void tiles_cover_each_pixel_once(void **state)
{
    (void)state;
    uint8_t ones[40 * 40];
    memset(ones, 1, sizeof ones);
    for (int h = 1; h <= 40; h++)
        for (int w = 1; w <= 40; w++) {
            struct ifl_luma_sums sums;
            uint64_t pixels = 0;
            ifl_measure_luma(ones, w, h, w, &sums);
            for (int i = 0; i < 64; i++) {
                assert_true(sums.tile_pixels[i / 8][i % 8] >= 1);
                assert_int_equal(sums.tile[i / 8][i % 8], sums.tile_pixels[i / 8][i % 8]);
                pixels += sums.tile[i / 8][i % 8];
            }
            if (w >= 8 && h >= 8)
                assert_int_equal(pixels, w * h);
        }
}

// What measure.h promises of the saturation, for every spread and maximum there is.
static void the_quotient_of_floats_is_the_floor(void **state)
{
    (void)state;
    for (int most = 1; most <= 255; most++)
        for (int spread = 0; spread <= most; spread++)
            assert_int_equal((int)((float)(spread * 65536) / (float)most), spread * 65536 / most);
}

static void a_level_that_is_not_there_is_not_forced(void **state)
{
    (void)state;
    assert_true(ifl_cpu_force(IFL_CPU_AVX512) <= ifl_cpu_detect());
    assert_int_equal(ifl_cpu_force(IFL_CPU_C), IFL_CPU_C);
    assert_int_equal(ifl_cpu_level(), IFL_CPU_C);
    assert_string_equal(ifl_cpu_level_name(IFL_CPU_AVX2), "avx2");
}

// Must be the first to ask.
static void the_environment_sets_a_ceiling(void **state)
{
    (void)state;
    setenv("INFERLOOP_CPU", "c", 1);
    assert_int_equal(ifl_cpu_level(), IFL_CPU_C);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_sets_a_ceiling),
        cmocka_unit_test(every_level_makes_the_same),
        cmocka_unit_test(the_widest_row_does_not_overflow),
        cmocka_unit_test(the_sums_are_what_they_are_defined_to_be),
        cmocka_unit_test(tiles_cover_each_pixel_once),
        cmocka_unit_test(the_quotient_of_floats_is_the_floor),
        cmocka_unit_test(a_level_that_is_not_there_is_not_forced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
