// SPDX-License-Identifier: Apache-2.0
// Every level of instructions against the plain C, on hostile values, strides and sizes.
#include "support.h"

#include <stdbool.h>

#include "base/rng.h"
#include "kernels/cpu.h"
#include "kernels/patch_match.h"

enum { STRIDE_MAX = 61, ROWS = IFL_PATCH_ROWS_MAX, PATCHES = 9, SAMPLES = STRIDE_MAX * ROWS };

struct field {
    int16_t x[SAMPLES];
    uint8_t patch[PATCHES][SAMPLES];
    const uint8_t *at[PATCHES];
    int16_t weight[PATCHES], window_x[IFL_PATCH_SAMPLES], window_y[ROWS];
};

static void fill(struct field *field, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    bool extreme = seed % 2;
    for (int i = 0; i < SAMPLES; i++)
        field->x[i] =
            (int16_t)(extreme ? (i % 2 ? 2047 : -2047) : (int)ifl_rng_below(&rng, 700) - 200);
    for (int p = 0; p < PATCHES; p++) {
        for (int i = 0; i < SAMPLES; i++)
            field->patch[p][i] = (uint8_t)(extreme ? 255 : ifl_rng_below(&rng, 256));
        field->at[p] = field->patch[p];
        field->weight[p] = (int16_t)((IFL_PATCH_ONE - 1) / PATCHES);
    }
    for (int i = 0; i < IFL_PATCH_SAMPLES; i++)
        field->window_x[i] = (int16_t)(ifl_rng_next(&rng) & 0x7fff);
    for (int i = 0; i < ROWS; i++)
        field->window_y[i] = (int16_t)(ifl_rng_next(&rng) & 0x7fff);
}

static void distances_are_the_same(void **state)
{
    (void)state;
    static struct field field;
    for (uint64_t seed = 0; seed < 6; seed++) {
        fill(&field, seed);
        for (int rows = 1; rows <= ROWS; rows++)
            for (int stride = IFL_PATCH_SAMPLES; stride <= STRIDE_MAX; stride += 37) {
                uint32_t wanted[PATCHES], got[PATCHES];
                ifl_patch_distances_c(field.x, field.at, PATCHES, stride, rows, wanted);
                for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
                    ifl_cpu_force((enum ifl_cpu_level)level);
                    ifl_patch_distances(field.x, field.at, PATCHES, stride, rows, got);
                    assert_memory_equal(got, wanted, sizeof wanted);
                }
            }
    }
}

static void a_distance_is_the_sum_of_squares(void **state)
{
    (void)state;
    static struct field field;
    memset(&field, 0, sizeof field);
    field.at[0] = field.patch[0];
    field.x[0] = 300;                      // inside
    field.x[IFL_PATCH_SAMPLES] = 1000;     // outside
    field.patch[0][STRIDE_MAX + 23] = 200; // last sample of the second row
    uint32_t d2;
    ifl_patch_distances(field.x, field.at, 1, STRIDE_MAX, 8, &d2);
    assert_int_equal(d2, 300 * 300 + 200 * 200);
}

static void blends_are_the_same(void **state)
{
    (void)state;
    static struct field field;
    static int16_t wanted[SAMPLES], got[SAMPLES];
    for (uint64_t seed = 0; seed < 6; seed++) {
        fill(&field, seed);
        for (int rows = 1; rows <= ROWS; rows++)
            for (int count = 0; count <= PATCHES; count += 3) {
                for (int i = 0; i < SAMPLES; i++)
                    wanted[i] = (int16_t)(i % 100);
                ifl_patch_blend_c(field.at, field.weight, count, field.window_x, field.window_y,
                                  STRIDE_MAX, rows, wanted);
                for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
                    ifl_cpu_force((enum ifl_cpu_level)level);
                    for (int i = 0; i < SAMPLES; i++)
                        got[i] = (int16_t)(i % 100);
                    ifl_patch_blend(field.at, field.weight, count, field.window_x, field.window_y,
                                    STRIDE_MAX, rows, got);
                    assert_memory_equal(got, wanted, sizeof wanted);
                }
            }
    }
}

static void a_blend_is_the_weighted_mean(void **state)
{
    (void)state;
    static struct field field;
    static int16_t sum[SAMPLES];
    memset(&field, 0, sizeof field);
    memset(sum, 0, sizeof sum);
    memset(field.patch[0], 100, sizeof field.patch[0]);
    memset(field.patch[1], 200, sizeof field.patch[1]);
    field.at[0] = field.patch[0];
    field.at[1] = field.patch[1];
    field.weight[0] = field.weight[1] = IFL_PATCH_ONE / 2;
    for (int i = 0; i < IFL_PATCH_SAMPLES; i++)
        field.window_x[i] = IFL_PATCH_ONE - 1;
    field.window_y[0] = IFL_PATCH_ONE - 1;
    ifl_patch_blend(field.at, field.weight, 2, field.window_x, field.window_y, STRIDE_MAX, 1, sum);
    check_near(sum[0] / 128.0, 150, 0.05);
    check_near(sum[IFL_PATCH_SAMPLES - 1] / 128.0, 150, 0.05);
    assert_int_equal(sum[IFL_PATCH_SAMPLES], 0);
}

static void steps_are_the_same(void **state)
{
    (void)state;
    enum { COUNT = 16 * 5 + 7 };
    int16_t sum[COUNT], start[COUNT], x[COUNT], rounded[COUNT], wanted[COUNT],
        wanted_rounded[COUNT];
    struct ifl_rng rng;
    ifl_rng_init(&rng, 7);
    for (int i = 0; i < COUNT; i++) {
        sum[i] = (int16_t)ifl_rng_below(&rng, 32700);
        start[i] = (int16_t)((int)ifl_rng_below(&rng, 9000) - 2500);
    }
    for (int keep = 0; keep < IFL_PATCH_ONE; keep += 8191)
        for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
            ifl_cpu_force((enum ifl_cpu_level)level);
            memcpy(wanted, start, sizeof start);
            memcpy(x, start, sizeof start);
            ifl_patch_step_c(sum, (int16_t)keep, wanted, wanted_rounded, COUNT);
            ifl_patch_step(sum, (int16_t)keep, x, rounded, COUNT);
            assert_memory_equal(x, wanted, sizeof x);
            assert_memory_equal(rounded, wanted_rounded, sizeof x);
            if (keep == 0)
                assert_int_equal(rounded[0], (((sum[0] + 4) >> 3) + 8) >> 4);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_the_same),
        cmocka_unit_test(a_distance_is_the_sum_of_squares),
        cmocka_unit_test(blends_are_the_same),
        cmocka_unit_test(a_blend_is_the_weighted_mean),
        cmocka_unit_test(steps_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
