// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include "base/rng.h"
#include "kernels/cpu.h"
#include "kernels/normalise.h"

enum { SIDE = 70, GUARD = 0xA5 };

// A picture with planes in one block of memory; chroma rows hold pairs where `pairs`.
struct picture {
    uint8_t bytes[3][SIDE * (SIDE + 6)];
    const uint8_t *in[3];
    uint8_t *out[3];
    int stride[3];
};

static void lay_out(struct picture *picture, int width, bool pairs, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof picture->bytes[i]; j++)
            picture->bytes[i][j] = seed ? (uint8_t)ifl_rng_next(&rng) : GUARD;
        picture->in[i] = picture->out[i] = picture->bytes[i] + i;
        picture->stride[i] = (i ? (width + 1) / 2 * (pairs ? 2 : 1) : width) + i;
    }
}

// Y'CbCr to R'G'B' and back, from Kr and Kb alone.
struct matrix {
    double kr, kb;
};
static const struct matrix matrices[] = {{.299, .114}, {.2126, .0722}, {.2627, .0593}};

static void exact(enum ifl_range range, enum ifl_matrix matrix, const double in[3], double out[3])
{
    struct matrix m = matrices[matrix], to = matrices[IFL_MATRIX_BT601];
    bool full = range == IFL_RANGE_FULL;
    double y = full ? in[0] : (in[0] - 16) * 255 / 219;
    double cb = (in[1] - 128) * (full ? 1 : 255.0 / 224);
    double cr = (in[2] - 128) * (full ? 1 : 255.0 / 224);
    double r = y + 2 * (1 - m.kr) * cr, b = y + 2 * (1 - m.kb) * cb;
    double g = (y - m.kr * r - m.kb * b) / (1 - m.kr - m.kb);
    out[0] = to.kr * r + (1 - to.kr - to.kb) * g + to.kb * b;
    out[1] = 128 + (b - out[0]) / (2 * (1 - to.kb));
    out[2] = 128 + (r - out[0]) / (2 * (1 - to.kr));
}

static double clamped(double value)
{
    return fmax(0, fmin(255, value));
}

static void check_sample(const struct picture *from, const struct picture *to, bool nv12,
                         enum ifl_range range, enum ifl_matrix matrix, int x, int y)
{
    const uint8_t *cb = from->in[1] + y / 2 * from->stride[1] + x / 2 * (nv12 ? 2 : 1);
    const uint8_t *cr = nv12 ? cb + 1 : from->in[2] + y / 2 * from->stride[2] + x / 2;
    double in[3] = {from->in[0][y * from->stride[0] + x], *cb, *cr}, out[3];
    exact(range, matrix, in, out);
    for (int i = 0; i < 3; i++) {
        int at = i ? y / 2 * to->stride[i] + x / 2 : y * to->stride[0] + x;
        check_near(to->out[i][at], clamped(out[i]), 0.54);
    }
}

static void check_guards(const struct picture *picture, int width, int height)
{
    for (int i = 0; i < 3; i++) {
        int w = i ? (width + 1) / 2 : width, h = i ? (height + 1) / 2 : height;
        for (int y = 0; y < h; y++)
            for (int x = w; x < picture->stride[i]; x++)
                assert_int_equal(picture->out[i][y * picture->stride[i] + x], GUARD);
        assert_int_equal(picture->out[i][h * picture->stride[i]], GUARD);
    }
}

static void check_size(int width, int height, bool nv12, enum ifl_range range,
                       enum ifl_matrix matrix)
{
    static struct picture from, to;
    lay_out(&from, width, nv12, (uint64_t)(width * 100 + height));
    lay_out(&to, width, false, 0);
    ifl_normalise_420(from.in, from.stride, nv12, range, matrix, width, height, to.out, to.stride);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            check_sample(&from, &to, nv12, range, matrix, x, y);
    check_guards(&to, width, height);
}

static void is_the_nearest_of_the_exact_value(void **state)
{
    (void)state;
    for (int level = 0; level < IFL_CPU_LEVELS; level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        for (int kind = 0; kind < 12; kind++)
            for (int width = 1; width <= 69; width += 1 + width / 20) {
                int height = 1 + (width * 7 + kind) % 5;
                check_size(width, height, kind % 2, (enum ifl_range)(kind / 2 % 2),
                           (enum ifl_matrix)(kind / 4));
            }
    }
}

static void canonical_pictures_stay_as_they_are(void **state)
{
    (void)state;
    static struct picture from, to;
    lay_out(&from, 33, false, 3);
    lay_out(&to, 33, false, 0);
    ifl_normalise_420(from.in, from.stride, false, IFL_RANGE_FULL, IFL_MATRIX_BT601, 33, 9, to.out,
                      to.stride);
    for (int i = 0; i < 3; i++)
        assert_memory_equal(to.out[i], from.in[i], (size_t)(i ? 17 : 33));
}

static void greys_stay_grey_and_without_chroma_too(void **state)
{
    (void)state;
    static struct picture from, to;
    for (int kind = 0; kind < 6; kind++) {
        bool full = kind % 2;
        lay_out(&from, 64, false, 5);
        from.in[1] = from.in[2] = NULL;
        lay_out(&to, 64, false, 0);
        ifl_normalise_420(from.in, from.stride, false, (enum ifl_range)(full),
                          (enum ifl_matrix)(kind / 2), 64, 4, to.out, to.stride);
        for (int x = 0; x < 64; x++) {
            double y = from.in[0][x];
            check_near(to.out[0][x], clamped(full ? y : (y - 16) * 255 / 219), 0.54);
            assert_int_equal(to.out[1][x / 2], 128);
            assert_int_equal(to.out[2][x / 2], 128);
        }
        check_guards(&to, 64, 4);
    }
}

static void black_and_white_are_reached(void **state)
{
    (void)state;
    const uint8_t y[4] = {0, 16, 235, 255}, chroma[2] = {128, 128};
    uint8_t out_y[4], out_cb[2], out_cr[2];
    for (int matrix = 0; matrix < 3; matrix++) {
        ifl_normalise_420((const uint8_t *const[3]){y, chroma, chroma}, (const int[3]){4, 2, 2},
                          false, IFL_RANGE_LIMITED, (enum ifl_matrix)matrix, 4, 1,
                          (uint8_t *const[3]){out_y, out_cb, out_cr}, (const int[3]){4, 2, 2});
        assert_memory_equal(out_y, ((uint8_t[4]){0, 0, 255, 255}), 4);
        assert_memory_equal(out_cb, chroma, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_nearest_of_the_exact_value),
        cmocka_unit_test(canonical_pictures_stay_as_they_are),
        cmocka_unit_test(greys_stay_grey_and_without_chroma_too),
        cmocka_unit_test(black_and_white_are_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
