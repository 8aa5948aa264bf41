// SPDX-License-Identifier: Apache-2.0
// Sketches, moments, histograms, covariance, components and the sliding window against exact
// values; what merges, in which order; shifts of a distribution; a modeler's file, and hostile
// ones.
#include "support.h"

#include <unistd.h>

#include <zlib.h>

#include "profile/axes.h"
#include "profile/bytes.h"
#include "profile/modeler.h"

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

static struct ifl_modeler *make_modeler(int frames, uint64_t seed)
{
    struct ifl_modeler_config config;
    struct ifl_modeler *modeler;
    struct ifl_error error = {0};
    ifl_modeler_config_init(&config);
    config.window_frames = frames;
    config.half_life_frames = frames / 8.0 + 1;
    config.seed = seed;
    check_ok(ifl_modeler_create(&config, &modeler, &error), error);
    return modeler;
}

static void add_frames(struct ifl_modeler *modeler, int frames, double brightness, int components)
{
    struct ifl_features features = {0};
    features.value[IFL_FEATURE_brightness_mean] = brightness;
    features.tile_mean[2][5] = (float)(255 * brightness);
    for (int i = 0; i < frames; i++) {
        ifl_modeler_update(modeler, &features);
        ifl_modeler_add_foreground(modeler, components, 0.1 * components);
    }
}

static void a_window_forgets(void **state)
{
    (void)state;
    struct ifl_modeler *modeler = make_modeler(80, 1);
    static struct ifl_profile profile;
    add_frames(modeler, 200, 0.25, 0);
    add_frames(modeler, 40, 0.75, 2);
    ifl_modeler_read(modeler, &profile);
    assert_int_equal(profile.window_frames, 80);
    const struct ifl_feature_stats *stats = &profile.feature[IFL_FEATURE_brightness_mean];
    assert_int_equal(stats->count, 80);
    check_near(stats->mean, 0.5, 1e-12);
    check_near(profile.occupancy.rate, 0.5, 1e-12);
    check_near(profile.occupancy.count_mean, 1, 1e-12);
    check_near(profile.occupancy.area_mean, 0.1, 1e-12);
    check_near((double)profile.tile_mean[2][5], 127.5, 1e-4);
    add_frames(modeler, 45, 0.75, 2); // a new block has just begun: seven and a half of eight
    ifl_modeler_read(modeler, &profile);
    assert_in_range(profile.window_frames, 70, 80);
    check_near(stats->mean, 0.75, 1e-12);
    check_near(stats->min, 0.75, 0);
    assert_int_equal(profile.reference_frames, 80); // the first whole window, and no later one
    check_near(profile.reference[IFL_FEATURE_brightness_mean].mean, 0.25, 1e-12);
    ifl_modeler_destroy(modeler);
}

static void an_empty_and_a_tiny_window_are_read(void **state)
{
    (void)state;
    struct ifl_modeler *modeler = make_modeler(1, 1);
    static struct ifl_profile profile;
    ifl_modeler_read(modeler, &profile);
    assert_int_equal(profile.window_frames, 0);
    check_near(profile.occupancy.rate, 0, 0);
    check_near(profile.feature[0].quantile[16], 0, 0);
    check_near(profile.recent.std[0] + profile.joint.component_share[0], 0, 0);
    assert_false(ifl_modeler_detect_distribution_shift(modeler, NULL));
    add_frames(modeler, 100, 0.5, 1);
    ifl_modeler_read(modeler, &profile);
    assert_in_range(profile.window_frames, 1, IFL_WINDOW_BLOCKS);
    ifl_modeler_destroy(modeler);
}

static void a_config_out_of_range_is_refused(void **state)
{
    (void)state;
    struct ifl_modeler_config config;
    struct ifl_modeler *modeler;
    struct ifl_error error = {0};
    ifl_modeler_config_init(&config);
    config.window_frames = 0;
    assert_int_equal(ifl_modeler_create(&config, &modeler, &error), IFL_ERR_INVALID);
    ifl_modeler_config_init(&config);
    config.half_life_frames = NAN;
    assert_int_equal(ifl_modeler_create(&config, &modeler, &error), IFL_ERR_INVALID);
    assert_null(modeler);
}

// ---- features together ----

// Entropy and brightness correlate by rho, noise is on its own; all others stay 0.
static void vary(struct ifl_features *features, struct ifl_rng *rng, double rho, double shift)
{
    double a = ifl_rng_normal(rng), b = ifl_rng_normal(rng), c = ifl_rng_normal(rng);
    memset(features, 0, sizeof *features);
    features->value[IFL_FEATURE_color_temperature] = 6500;
    features->value[IFL_FEATURE_brightness_mean] = 0.5 + 0.05 * (a + shift);
    features->value[IFL_FEATURE_entropy] = 4 + 0.5 * (rho * a + sqrt(1 - rho * rho) * b);
    features->value[IFL_FEATURE_noise_sigma] = 20 + 3 * c;
}

static void covariance_and_components_are_those_of_the_window(void **state)
{
    (void)state;
    enum { N = 4000 };
    struct ifl_modeler *modeler = make_modeler(N, 1);
    struct ifl_rng rng;
    double sum[2] = {0}, product = 0;
    ifl_rng_init(&rng, 4);
    for (int i = 0; i < N; i++) {
        struct ifl_features f;
        vary(&f, &rng, 0.8, 0);
        double x = f.value[IFL_FEATURE_brightness_mean], y = f.value[IFL_FEATURE_entropy];
        sum[0] += x;
        sum[1] += y;
        product += x * y;
        ifl_modeler_update(modeler, &f);
    }
    static struct ifl_distribution now;
    ifl_modeler_get_current_distribution(modeler, &now);
    const struct ifl_joint *joint = &now.joint;
    assert_int_equal(now.frames, N);
    check_near(ifl_joint_covariance(joint, IFL_FEATURE_entropy, IFL_FEATURE_brightness_mean),
               product / N - sum[0] * sum[1] / N / N, 1e-9);
    check_near(ifl_joint_covariance(joint, IFL_FEATURE_noise_sigma, IFL_FEATURE_noise_sigma),
               now.feature[IFL_FEATURE_noise_sigma].variance, 1e-9);
    double rho = ifl_joint_correlation(joint, IFL_FEATURE_brightness_mean, IFL_FEATURE_entropy);
    check_near(rho, 0.8, 0.03);
    check_near(ifl_joint_correlation(joint, IFL_FEATURE_entropy, IFL_FEATURE_red_mean), 0, 0);
    // Of the correlations of three that vary: (1 + rho, 1, 1 - rho) / 3.
    check_near(joint->component_share[0], (1 + rho) / 3, 0.002);
    check_near(joint->component_share[1], 1.0 / 3, 0.002);
    check_near(joint->component_share[2], (1 - rho) / 3, 0.002);
    check_near(joint->component_share[3], 0, 0);
    check_near(joint->component[0][IFL_FEATURE_brightness_mean], sqrt(0.5), 0.02);
    check_near(joint->component[0][IFL_FEATURE_entropy], sqrt(0.5), 0.02);
    check_near(fabs(joint->component[1][IFL_FEATURE_noise_sigma]), 1, 0.02);
    check_near(joint->component[0][IFL_FEATURE_red_mean], 0, 0);
    ifl_modeler_destroy(modeler);
}

static void axes_are_those_of_the_matrix(void **state)
{
    (void)state;
    enum { N = 40 };
    static double matrix[N * N], copy[N * N], value[N], axis[N * N];
    struct ifl_rng rng;
    ifl_rng_init(&rng, 8);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++)
            matrix[i * N + j] = matrix[j * N + i] = ifl_rng_normal(&rng);
    memcpy(copy, matrix, sizeof copy);
    ifl_axes(matrix, N, value, axis);
    for (int a = 0; a < N; a++) {
        assert_true(a == 0 || value[a] <= value[a - 1]);
        for (int b = 0; b < N; b++) {
            double dot = 0, image = 0;
            for (int k = 0; k < N; k++) {
                dot += axis[a * N + k] * axis[b * N + k];
                image += copy[b * N + k] * axis[a * N + k];
            }
            check_near(dot, a == b, 1e-9);
            check_near(image, value[a] * axis[a * N + b], 1e-8);
        }
    }
}

// ---- merging ----

static void fill_block(struct ifl_block *block, int which)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, (uint64_t)which + 1);
    ifl_block_init(block, (uint64_t)which);
    for (int i = 0; i < 300 + 400 * which; i++) {
        struct ifl_features f;
        vary(&f, &rng, 0.5 - 0.4 * which, 0.7 * which);
        f.tile_mean[1][1] = (float)which;
        ifl_block_add(block, &f);
    }
}

// What merges does so in any order: exactly to rounding, and sketches within their error.
static void any_order_of_merging_gives_the_same(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static struct ifl_block part[3], merged[7];
    for (int p = 0; p < 3; p++)
        fill_block(&part[p], p);
    for (int o = 0; o < 6; o++) {
        merged[o] = part[orders[o][0]];
        ifl_block_merge(&merged[o], &part[orders[o][1]]);
        ifl_block_merge(&merged[o], &part[orders[o][2]]);
    }
    static struct ifl_block pair; // 0 + (1 + 2)
    pair = part[1];
    ifl_block_merge(&pair, &part[2]);
    merged[6] = part[0];
    ifl_block_merge(&merged[6], &pair);
    for (int o = 1; o < 7; o++) {
        const struct ifl_block *a = &merged[0], *b = &merged[o];
        assert_int_equal(a->frames, b->frames);
        for (int i = 0; i < IFL_FEATURE_PAIRS; i++)
            check_near(a->product[i], b->product[i], 1e-9 * (1 + fabs(a->product[i])));
        for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
            const struct ifl_moments *m = &a->feature[f].moments, *n = &b->feature[f].moments;
            check_near(m->mean, n->mean, 1e-12 * (1 + fabs(m->mean)));
            check_near(m->m2, n->m2, 1e-9 * (1 + m->m2));
            check_near(m->m4, n->m4, 1e-9 * (1 + m->m4));
            assert_memory_equal(a->feature[f].histogram, b->feature[f].histogram,
                                sizeof a->feature[f].histogram);
            // Each within 1.65 % of the truth, so twice that of each other.
            double apart = ifl_kll_distance(&a->feature[f].sketch, &b->feature[f].sketch);
            assert_true(apart <= 2 * 0.0165);
        }
    }
}

static void merging_is_as_if_both_had_been_seen(void **state)
{
    (void)state;
    struct ifl_modeler *a = make_modeler(2000, 1), *b = make_modeler(2000, 2);
    struct ifl_modeler *both = make_modeler(2000, 3);
    struct ifl_rng rng;
    ifl_rng_init(&rng, 6);
    for (int i = 0; i < 1500; i++) {
        struct ifl_features f;
        vary(&f, &rng, 0.8, i >= 700 ? 2 : 0);
        ifl_modeler_update(i < 700 ? a : b, &f);
        ifl_modeler_update(both, &f);
    }
    static struct ifl_distribution merged, whole;
    ifl_modeler_merge(a, b);
    ifl_modeler_get_current_distribution(a, &merged);
    ifl_modeler_get_current_distribution(both, &whole);
    assert_int_equal(merged.frames, 1500);
    for (int i = 0; i < IFL_FEATURE_PAIRS; i++)
        check_near(merged.joint.covariance[i], whole.joint.covariance[i],
                   1e-9 * (1 + fabs(whole.joint.covariance[i])));
    check_near(merged.joint.component_share[0], whole.joint.component_share[0], 1e-9);
    check_near(merged.feature[IFL_FEATURE_entropy].kurtosis,
               whole.feature[IFL_FEATURE_entropy].kurtosis, 1e-9);
    ifl_modeler_destroy(a);
    ifl_modeler_destroy(b);
    ifl_modeler_destroy(both);
}

// ---- recent ----

static void the_recent_view_halves_with_its_half_life(void **state)
{
    (void)state;
    struct ifl_modeler *modeler = make_modeler(80, 1); // half-life 11
    struct ifl_recent recent;
    add_frames(modeler, 1000, 0.2, 0);
    add_frames(modeler, 11, 0.6, 0);
    ifl_modeler_recent(modeler, &recent);
    check_near(recent.mean[IFL_FEATURE_brightness_mean], 0.4, 1e-9);
    check_near(recent.std[IFL_FEATURE_brightness_mean], 0.2, 1e-9); // half at .2, half at .6
    add_frames(modeler, 1000, 0.6, 0);
    ifl_modeler_recent(modeler, &recent);
    check_near(recent.mean[IFL_FEATURE_brightness_mean], 0.6, 1e-9);
    check_near(recent.lag1[IFL_FEATURE_entropy], 0, 0); // constant
    ifl_modeler_destroy(modeler);
}

// Entropy as AR(1) with this correlation, and a shift of so many deviations from `from` on.
struct series {
    double phi, value;
    struct ifl_rng rng;
};

static void feed(struct ifl_modeler *modeler, struct series *series, int frames, double shift)
{
    for (int i = 0; i < frames; i++) {
        struct ifl_features f;
        vary(&f, &series->rng, 0, 0);
        series->value = series->phi * series->value +
                        sqrt(1 - series->phi * series->phi) * ifl_rng_normal(&series->rng);
        f.value[IFL_FEATURE_entropy] = 4 + 0.5 * (series->value + shift);
        ifl_modeler_update(modeler, &f);
    }
}

static void correlation_in_time_is_found(void **state)
{
    (void)state;
    for (double phi = 0; phi < 0.95; phi += 0.3) {
        struct ifl_modeler *modeler = make_modeler(8000, 1); // half-life 1001
        struct series series = {.phi = phi};
        struct ifl_recent recent;
        ifl_rng_init(&series.rng, 12);
        feed(modeler, &series, 10000, 0);
        ifl_modeler_recent(modeler, &recent);
        check_near(recent.lag1[IFL_FEATURE_entropy], phi, 0.06);
        ifl_modeler_destroy(modeler);
    }
}

// ---- shifts ----

typedef bool detector_fn(struct ifl_modeler *modeler, struct ifl_distribution_shift *shift);

static bool always(struct ifl_modeler *modeler, struct ifl_distribution_shift *shift)
{
    (void)modeler;
    *shift = (struct ifl_distribution_shift){.feature = IFL_FEATURE_entropy};
    return true;
}

static bool never(struct ifl_modeler *modeler, struct ifl_distribution_shift *shift)
{
    (void)modeler;
    *shift = (struct ifl_distribution_shift){.feature = IFL_FEATURE_entropy};
    return false;
}

static int alarms(detector_fn *detector, int trials, double phi, double shift)
{
    int fired = 0;
    for (int trial = 0; trial < trials; trial++) {
        struct ifl_modeler *modeler = make_modeler(800, (uint64_t)trial);
        struct series series = {.phi = phi};
        struct ifl_distribution_shift found;
        ifl_rng_init(&series.rng, (uint64_t)(trial + 1000 * (int)(10 * phi)));
        feed(modeler, &series, 801, 0); // the reference
        feed(modeler, &series, 900, shift);
        if (detector(modeler, &found)) {
            fired++;
            assert_true(shift == 0 || found.feature == IFL_FEATURE_entropy);
        }
        ifl_modeler_destroy(modeler);
    }
    return fired;
}

// Silent where nothing changed, also if the series is correlated; heard where it did.
static bool detects(detector_fn *detector)
{
    enum { TRIALS = 16 };
    return alarms(detector, TRIALS, 0, 0) <= 2 && alarms(detector, TRIALS, 0.8, 0) <= 2 &&
           alarms(detector, TRIALS, 0, 0.5) >= TRIALS - 2 &&
           alarms(detector, TRIALS, 0.5, 1) >= TRIALS - 2;
}

static void a_shift_is_found_and_its_feature_named(void **state)
{
    (void)state;
    assert_true(detects(ifl_modeler_detect_distribution_shift));
    assert_false(detects(always));
    assert_false(detects(never));
}

static void the_present_may_become_the_reference(void **state)
{
    (void)state;
    struct ifl_modeler *modeler = make_modeler(800, 1);
    struct series series = {0};
    struct ifl_distribution_shift shift;
    ifl_rng_init(&series.rng, 3);
    feed(modeler, &series, 801, 0);
    feed(modeler, &series, 900, 1);
    assert_true(ifl_modeler_detect_distribution_shift(modeler, &shift));
    assert_int_equal(shift.shifted, 1);
    check_near(shift.distance, 0.383, 0.06); // 2 Phi(1/2) - 1
    assert_true(shift.distance > shift.limit);
    ifl_modeler_set_reference(modeler);
    assert_false(ifl_modeler_detect_distribution_shift(modeler, &shift));
    check_near(shift.distance, 0, 0);
    ifl_modeler_destroy(modeler);
}

// ---- sizes ----

// Every feature varies over all of its range: no number of the document is short.
static void fill_with_noise(struct ifl_modeler *modeler, int frames)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, 2);
    for (int i = 0; i < frames; i++) {
        struct ifl_features f = {0};
        for (int k = 0; k < IFL_FEATURE_COUNT; k++) {
            const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)k);
            f.value[k] = row->least + (row->greatest - row->least) * ifl_rng_uniform(&rng);
        }
        for (int k = 0; k < IFL_TILES * IFL_TILES; k++)
            f.tile_mean[k / IFL_TILES][k % IFL_TILES] = (float)(255 * ifl_rng_uniform(&rng));
        ifl_modeler_update(modeler, &f);
        ifl_modeler_add_foreground(modeler, i % 7, ifl_rng_uniform(&rng));
    }
}

static void state_and_document_keep_their_sizes(void **state)
{
    (void)state;
    struct ifl_modeler *modeler = make_modeler(3000, 1);
    static struct ifl_profile profile;
    struct ifl_writer file = {0};
    fill_with_noise(modeler, 3100);
    ifl_modeler_read(modeler, &profile);
    char *text = ifl_profile_json(&profile);
    ifl_modeler_write(modeler, &file);
    print_message("modeler %zu bytes, its file %zu, document %zu\n", sizeof *modeler, file.count,
                  strlen(text));
    assert_true(strlen(text) <= 256 * 1024);
    assert_true(sizeof *modeler <= 3 << 20); // the header says so
    assert_true(file.count <= sizeof *modeler);
    free(text);
    free(file.bytes);
    ifl_modeler_destroy(modeler);
}

// ---- file ----

static const char *temporary(char path[64])
{
    snprintf(path, 64, "/tmp/ifl-modeler-%d", (int)getpid());
    return path;
}

static void read_as_profile(struct ifl_modeler *modeler, struct ifl_profile *profile)
{
    memset(profile, 0, sizeof *profile);
    ifl_modeler_read(modeler, profile);
}

// Saved, loaded and continued: to the last bit as if nothing had happened.
static void a_restart_loses_nothing(void **state)
{
    (void)state;
    static struct ifl_profile expected, resumed;
    struct ifl_error error = {0};
    char path[64];
    for (int before = 0; before <= 2000; before += 1000) {
        struct ifl_modeler *straight = make_modeler(700, 9), *later = make_modeler(700, 9);
        struct series series = {.phi = 0.5};
        ifl_rng_init(&series.rng, 4);
        feed(straight, &series, before, 0);
        check_ok(ifl_modeler_save(straight, temporary(path), &error), error);
        check_ok(ifl_modeler_load(later, path, &error), error);
        struct series same = series;
        feed(straight, &series, 900, 0.3);
        feed(later, &same, 900, 0.3);
        read_as_profile(straight, &expected);
        read_as_profile(later, &resumed);
        assert_memory_equal(&expected, &resumed, sizeof expected);
        ifl_modeler_destroy(straight);
        ifl_modeler_destroy(later);
    }
    unlink(path);
}

static void a_file_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct ifl_modeler *modeler = make_modeler(80, 1), *wider = make_modeler(81, 1);
    struct ifl_error error = {0};
    struct ifl_writer file = {0};
    add_frames(modeler, 100, 0.5, 1);
    ifl_modeler_write(modeler, &file);
    assert_int_equal(ifl_modeler_parse(wider, "f", file.bytes, file.count, &error),
                     IFL_ERR_VERSION);
    assert_non_null(strstr(error.text, "80 frames"));
    assert_int_equal(ifl_modeler_load(wider, "/tmp/none/such", &error), IFL_ERR_NOT_FOUND);
    for (size_t cut = 0; cut < file.count; cut += cut < 40 ? 1 : 977)
        assert_int_equal(ifl_modeler_parse(modeler, "f", file.bytes, cut, &error), IFL_ERR_CORRUPT);
    file.bytes[8]++;
    assert_int_equal(ifl_modeler_parse(modeler, "f", file.bytes, file.count, &error),
                     IFL_ERR_VERSION);
    free(file.bytes);
    ifl_modeler_destroy(modeler);
    ifl_modeler_destroy(wider);
}

// Any byte may be any other, with the check sum made right: refused, or as good as any modeler.
static void hostile_bytes_are_refused_or_harmless(void **state)
{
    (void)state;
    static struct ifl_profile profile;
    struct ifl_modeler *modeler = make_modeler(40, 1), *victim = make_modeler(40, 1);
    struct ifl_writer file = {0};
    struct ifl_rng rng;
    struct ifl_error error = {0};
    int taken = 0, refused = 0;
    ifl_rng_init(&rng, 77);
    fill_with_noise(modeler, 60);
    ifl_modeler_write(modeler, &file);
    for (int trial = 0; trial < 1500; trial++) {
        size_t at = 24 + ifl_rng_below(&rng, (uint32_t)file.count - 24);
        uint8_t was = file.bytes[at];
        file.bytes[at] = (uint8_t)(trial % 3 ? ifl_rng_next(&rng) : 255);
        ifl_put_u32(file.bytes + 12, (uint32_t)crc32(0, file.bytes + 24, (uInt)file.count - 24));
        if (ifl_modeler_parse(victim, "f", file.bytes, file.count, &error) == IFL_OK) {
            taken++;
            if (taken % 16 == 0) {
                fill_with_noise(victim, 50);
                read_as_profile(victim, &profile);
                char *text = ifl_profile_json(&profile);
                assert_non_null(text);
                free(text);
            }
        } else {
            refused++;
        }
        file.bytes[at] = was;
    }
    assert_true(taken > 50 && refused > 50);
    free(file.bytes);
    ifl_modeler_destroy(modeler);
    ifl_modeler_destroy(victim);
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
        cmocka_unit_test(a_config_out_of_range_is_refused),
        cmocka_unit_test(covariance_and_components_are_those_of_the_window),
        cmocka_unit_test(axes_are_those_of_the_matrix),
        cmocka_unit_test(any_order_of_merging_gives_the_same),
        cmocka_unit_test(merging_is_as_if_both_had_been_seen),
        cmocka_unit_test(the_recent_view_halves_with_its_half_life),
        cmocka_unit_test(correlation_in_time_is_found),
        cmocka_unit_test(a_shift_is_found_and_its_feature_named),
        cmocka_unit_test(the_present_may_become_the_reference),
        cmocka_unit_test(state_and_document_keep_their_sizes),
        cmocka_unit_test(a_restart_loses_nothing),
        cmocka_unit_test(a_file_that_does_not_fit_is_refused),
        cmocka_unit_test(hostile_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
