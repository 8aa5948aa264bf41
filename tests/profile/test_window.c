// SPDX-License-Identifier: Apache-2.0
// Sketches, moments, histograms and the sliding window against exact values.
#include "support.h"

#include "profile/window.h"

enum { MANY = 100000 };

static int compare(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

// The greatest |rank of the sketch's quantile - rank asked for|, over 199 ranks.
static double worst_rank_error(const struct ifl_kll *sketch, float *values, int count)
{
    double worst = 0;
    qsort(values, (size_t)count, sizeof *values, compare);
    for (int q = 1; q < 200; q++) {
        double rank = q / 200.0, value;
        ifl_kll_quantiles(sketch, &rank, &value, 1);
        int below = 0, above = 0;
        while (below < count && (double)values[below] < value)
            below++;
        for (above = below; above < count && (double)values[above] <= value;)
            above++;
        double low = (double)below / count, high = (double)above / count;
        double error = rank < low ? low - rank : rank > high ? rank - high : 0;
        worst = error > worst ? error : worst;
    }
    return worst;
}

enum order { RANDOM, RISING, FALLING, ZIGZAG, FEW_VALUES, ORDERS };

static void make_values(float *values, int count, enum order order)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, (uint64_t)order + 11);
    for (int i = 0; i < count; i++)
        values[i] = order == RANDOM    ? (float)ifl_rng_normal(&rng)
                    : order == RISING  ? (float)i
                    : order == FALLING ? (float)-i
                    : order == ZIGZAG  ? (float)(i % 2 ? i : -i)
                                       : (float)ifl_rng_below(&rng, 5);
}

static void a_sketch_keeps_its_error_bound(void **state)
{
    (void)state;
    float *values = malloc(MANY * sizeof *values);
    for (int order = 0; order < ORDERS; order++) {
        struct ifl_kll sketch;
        make_values(values, MANY, (enum order)order);
        ifl_kll_init(&sketch, 5);
        for (int i = 0; i < MANY; i++)
            ifl_kll_add(&sketch, values[i]);
        assert_int_equal(sketch.count, MANY);
        // k = 200: 1.33 % for one rank, 1.65 % for all of them at once, each at 99 %.
        double error = worst_rank_error(&sketch, values, MANY);
        assert_true(error < 0.0165);
    }
    free(values);
}

static void merged_sketches_keep_it_too(void **state)
{
    (void)state;
    float *values = malloc(MANY * sizeof *values);
    make_values(values, MANY, RISING);
    struct ifl_kll part[9], forward, backward;
    for (int p = 0; p < 9; p++) {
        ifl_kll_init(&part[p], (uint64_t)p);
        for (int i = p * MANY / 9; i < (p + 1) * MANY / 9; i++)
            ifl_kll_add(&part[p], values[i]);
    }
    ifl_kll_init(&forward, 1);
    ifl_kll_init(&backward, 2);
    for (int p = 0; p < 9; p++) {
        ifl_kll_merge(&forward, &part[p]);
        ifl_kll_merge(&backward, &part[8 - p]);
    }
    assert_int_equal(forward.count, MANY);
    assert_true(worst_rank_error(&forward, values, MANY) < 0.0165);
    assert_true(worst_rank_error(&backward, values, MANY) < 0.0165);
    free(values);
}

static void a_sketch_of_few_values_is_exact(void **state)
{
    (void)state;
    struct ifl_kll sketch;
    const double rank[] = {0, 0.25, 0.5, 0.75, 1};
    double value[5];
    ifl_kll_init(&sketch, 1);
    ifl_kll_quantiles(&sketch, rank, value, 5);
    check_near(value[2], 0, 0);
    for (int i = 100; i >= 1; i--)
        ifl_kll_add(&sketch, (float)i);
    ifl_kll_quantiles(&sketch, rank, value, 5);
    for (int q = 0; q < 5; q++)
        check_near(value[q], q ? 25 * q : 1, 0);
}

static void the_same_seed_gives_the_same_sketch(void **state)
{
    (void)state;
    struct ifl_kll a, b;
    ifl_kll_init(&a, 3);
    ifl_kll_init(&b, 3);
    for (int i = 0; i < 5000; i++) {
        ifl_kll_add(&a, (float)(i * 7919 % 5000));
        ifl_kll_add(&b, (float)(i * 7919 % 5000));
    }
    assert_memory_equal(&a, &b, sizeof a);
}

static void moments_match_the_ramp(void **state)
{
    (void)state;
    struct ifl_moments all = {0}, even = {0}, odd = {0};
    for (int i = 0; i < 256; i++) {
        ifl_moments_add(&all, i);
        ifl_moments_add(i % 2 ? &odd : &even, i);
    }
    double n = 256, variance = (n * n - 1) / 12;
    double kurtosis = 3 - 1.2 * (n * n + 1) / (n * n - 1); // of a discrete uniform
    ifl_moments_merge(&even, &odd);
    const struct ifl_moments *both[] = {&all, &even};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(both[i]->count, 256);
        check_near(both[i]->mean, 127.5, 1e-10);
        check_near(both[i]->m2 / n, variance, 1e-8);
        check_near(both[i]->m3 / n / pow(variance, 1.5), 0, 1e-10);
        check_near(both[i]->m4 / n / (variance * variance), kurtosis, 1e-10);
        check_near(both[i]->min, 0, 0);
        check_near(both[i]->max, 255, 0);
    }
}

// (a + b) + c against a + (b + c), of unequal sizes and far means.
static void merging_is_associative(void **state)
{
    (void)state;
    static struct ifl_feature_block part[3], left, right;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 9);
    const int counts[] = {10, 1000, 37};
    for (int p = 0; p < 3; p++) {
        ifl_feature_block_init(&part[p], (uint64_t)p);
        for (int i = 0; i < counts[p]; i++)
            ifl_feature_block_add(&part[p], IFL_FEATURE_entropy,
                                  2 * p + 1 + 0.3 * ifl_rng_normal(&rng));
    }
    left = part[0];
    ifl_feature_block_merge(&left, &part[1]);
    ifl_feature_block_merge(&left, &part[2]);
    right = part[1];
    ifl_feature_block_merge(&right, &part[2]);
    struct ifl_feature_block last = part[0];
    ifl_feature_block_merge(&last, &right);
    struct ifl_feature_stats a, b;
    ifl_feature_block_read(&left, &a);
    ifl_feature_block_read(&last, &b);
    assert_int_equal(a.count, 1047);
    assert_memory_equal(a.histogram, b.histogram, sizeof a.histogram);
    check_near(a.mean, b.mean, 1e-12);
    check_near(a.variance, b.variance, 1e-12);
    check_near(a.skew, b.skew, 1e-10);
    check_near(a.kurtosis, b.kurtosis, 1e-10);
    for (int q = 0; q < IFL_QUANTILES; q++)
        check_near(a.quantile[q], b.quantile[q], 0.15); // within the sketch's rank error
}

static void hostile_values_are_clamped(void **state)
{
    (void)state;
    static struct ifl_feature_block block;
    const double hostile[] = {NAN, INFINITY, -INFINITY, -1, 2, 1, 0};
    ifl_feature_block_init(&block, 0);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        ifl_feature_block_add(&block, IFL_FEATURE_brightness_mean, hostile[i]);
    struct ifl_feature_stats stats;
    ifl_feature_block_read(&block, &stats);
    check_near(stats.mean, 3.0 / 7, 1e-12);
    assert_int_equal(stats.histogram[0], 4);
    assert_int_equal(stats.histogram[IFL_HISTOGRAM_BINS - 1], 3);
    check_near(stats.quantile[0], 0, 0);
    check_near(stats.quantile[IFL_QUANTILES - 1], 1, 0);
}

static void constant_values_have_no_shape(void **state)
{
    (void)state;
    static struct ifl_feature_block block;
    ifl_feature_block_init(&block, 0);
    for (int i = 0; i < 1000; i++)
        ifl_feature_block_add(&block, IFL_FEATURE_color_temperature, 6504.1);
    struct ifl_feature_stats stats;
    ifl_feature_block_read(&block, &stats);
    check_near(stats.mean, 6504.1, 1e-9);
    check_near(stats.variance, 0, 1e-12);
    check_near(stats.skew, 0, 0);
    check_near(stats.kurtosis, 0, 0);
}

static void add_frames(struct ifl_window *window, int frames, double brightness, int components)
{
    struct ifl_features features = {0};
    features.value[IFL_FEATURE_brightness_mean] = brightness;
    features.tile_mean[2][5] = (float)(255 * brightness);
    for (int i = 0; i < frames; i++) {
        ifl_window_add(window, &features);
        ifl_window_add_foreground(window, components, 0.1 * components);
    }
}

static void a_window_forgets(void **state)
{
    (void)state;
    struct ifl_window *window = ifl_window_create(80, 1);
    static struct ifl_profile profile;
    assert_non_null(window);
    add_frames(window, 200, 0.25, 0);
    add_frames(window, 40, 0.75, 2);
    ifl_window_read(window, &profile);
    assert_int_equal(profile.window_frames, 80);
    const struct ifl_feature_stats *stats = &profile.feature[IFL_FEATURE_brightness_mean];
    assert_int_equal(stats->count, 80);
    check_near(stats->mean, 0.5, 1e-12);
    check_near(profile.occupancy.rate, 0.5, 1e-12);
    check_near(profile.occupancy.count_mean, 1, 1e-12);
    check_near(profile.occupancy.area_mean, 0.1, 1e-12);
    check_near((double)profile.tile_mean[2][5], 127.5, 1e-4);
    add_frames(window, 45, 0.75, 2); // a new block has just begun: seven and a half of eight
    ifl_window_read(window, &profile);
    assert_in_range(profile.window_frames, 70, 80);
    check_near(stats->mean, 0.75, 1e-12);
    check_near(stats->min, 0.75, 0);
    ifl_window_destroy(window);
}

static void an_empty_and_a_tiny_window_are_read(void **state)
{
    (void)state;
    struct ifl_window *window = ifl_window_create(1, 1);
    static struct ifl_profile profile;
    assert_non_null(window);
    ifl_window_read(window, &profile);
    assert_int_equal(profile.window_frames, 0);
    check_near(profile.occupancy.rate, 0, 0);
    check_near(profile.feature[0].quantile[16], 0, 0);
    add_frames(window, 100, 0.5, 1);
    ifl_window_read(window, &profile);
    assert_in_range(profile.window_frames, 1, IFL_WINDOW_BLOCKS);
    ifl_window_destroy(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sketch_keeps_its_error_bound),
        cmocka_unit_test(merged_sketches_keep_it_too),
        cmocka_unit_test(a_sketch_of_few_values_is_exact),
        cmocka_unit_test(the_same_seed_gives_the_same_sketch),
        cmocka_unit_test(moments_match_the_ramp),
        cmocka_unit_test(merging_is_associative),
        cmocka_unit_test(hostile_values_are_clamped),
        cmocka_unit_test(constant_values_have_no_shape),
        cmocka_unit_test(a_window_forgets),
        cmocka_unit_test(an_empty_and_a_tiny_window_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
