// SPDX-License-Identifier: Apache-2.0
// The oracles of the change detectors: run lengths, evidence, comparisons, models. Seeds are fixed;
// the long simulations are in slow_drift.py.
#include "support.h"

#include "profile/chart.h"
#include "profile/compare.h"
#include "profile/evidence.h"
#include "profile/model.h"
#include "profile/outlier.h"

// ---- run lengths ----

static void cusum_has_the_run_lengths_of_the_table(void **state)
{
    (void)state;
    static const double shift[] = {0, 0.25, 0.5, 1, 2, 3};
    static const struct {
        double limit, arl[6];
    } table[] = {
        {3, {58.8, 36.2, 17.2, 6.40, 2.68, 1.77}},
        {4, {167.7, 74.2, 26.6, 8.38, 3.34, 2.19}},
        {4.774, {370.1, 121.6, 35.3, 9.93, 3.86, 2.49}},
        {5, {465.4, 139.5, 38.0, 10.38, 4.01, 2.57}},
        {5.071, {500.2, 145.6, 38.9, 10.52, 4.06, 2.60}},
        {8, {9482.9, 736.1, 84.0, 16.4, 6.01, 3.78}},
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        for (int i = 0; i < 6; i++)
            check_near(ifl_cusum_arl(0.5, table[row].limit, shift[i]), table[row].arl[i],
                       fmax(0.006, 0.002 * table[row].arl[i]));
}

static void ewma_has_the_run_lengths_of_the_table(void **state)
{
    (void)state;
    static const double shift[] = {0, 0.5, 1, 2};
    static const struct {
        double weight, width, arl[4];
    } table[] = {
        {0.05, 2.615, {499.9, 28.8, 11.4, 5.2}}, {0.1, 2.7, {369.0, 28.2, 9.7, 4.2}},
        {0.1, 2.814, {499.6, 31.3, 10.3, 4.4}},  {0.2, 2.86, {371.1, 36.2, 9.8, 3.6}},
        {0.2, 2.962, {499.7, 41.8, 10.5, 3.7}},
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        for (int i = 0; i < 4; i++)
            check_near(ifl_ewma_arl(table[row].weight, table[row].width, shift[i]),
                       table[row].arl[i], fmax(0.06, 0.002 * table[row].arl[i]));
    // Shewhart's chart is an EWMA of weight 1.
    check_near(ifl_ewma_arl(0.999999, 3, 0), 370.40, 0.1);
}

static void a_limit_has_its_run_length(void **state)
{
    (void)state;
    static const double arl[] = {100, 465.4, 9482.9, 1e6};
    for (int i = 0; i < 4; i++)
        check_near(ifl_cusum_arl(0.5, ifl_cusum_limit(0.5, arl[i]), 0) / arl[i], 1, 1e-4);
    check_near(ifl_cusum_limit(0.5, 465.4), 5, 0.01);
}

static void normals_and_chi_squares_are_right(void **state)
{
    (void)state;
    check_near(ifl_normal_quantile(0.975), 1.959963985, 1e-8);
    check_near(ifl_normal_quantile(1e-6), -4.753424309, 1e-8);
    check_near(ifl_normal_cdf(1), 0.8413447461, 1e-9);
    check_near(ifl_chi2_quantile(9, 0.99), 21.666, 0.05);
    check_near(ifl_chi2_quantile(25, 0.999), 52.620, 0.2);
}

// ---- evidence ----

// Ranks of a known distribution, as the oracle has them: delays at A = 1000 of the eight stakes.
static double mean_delay(double shift, int runs, bool tails)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, 7);
    double total = 0;
    for (int run = 0; run < runs; run++) {
        struct ifl_evidence evidence = {0};
        int steps = 0;
        while (ifl_evidence_mean(&evidence, tails ? IFL_BETS : IFL_BETS_SHIFT) < 1000) {
            double rank = ifl_normal_cdf(ifl_rng_normal(&rng) + shift);
            struct ifl_surprise surprise = {rank, rank, 1 - rank, rank};
            ifl_evidence_add(&evidence, &surprise, 0, 1);
            steps++;
        }
        total += steps;
    }
    return total / runs;
}

static void evidence_has_the_delays_of_the_oracle(void **state)
{
    (void)state;
    check_near(mean_delay(0.5, 400, false), 54.9, 3);
    check_near(mean_delay(1, 400, false), 25.8, 1.5);
    check_near(mean_delay(2, 400, false), 16.4, 1);
    assert_true(mean_delay(3, 100, true) < mean_delay(3, 100, false)); // what the tails are for
}

static void without_a_change_it_takes_as_long_as_promised(void **state)
{
    (void)state;
    check_near(mean_delay(0, 300, false) / 1092, 1, 0.2);
    assert_true(mean_delay(0, 300, true) >= 1000);
}

// Ranks among a handful of values so far: exact from the first one on.
static void ranks_of_few_values_keep_the_promise(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 3);
    double total = 0;
    const int runs = 200;
    for (int run = 0; run < runs; run++) {
        float values[512];
        struct ifl_ranks ranks = {0, 512, values};
        struct ifl_evidence evidence = {0};
        for (int i = 0; i < 20; i++)
            ifl_ranks_add(&ranks, (float)exp(2 * ifl_rng_normal(&rng)));
        int steps = 0;
        while (ifl_evidence_mean(&evidence, IFL_BETS) < 300) {
            struct ifl_surprise surprise;
            double value = exp(2 * ifl_rng_normal(&rng));
            ifl_ranks_judge(&ranks, value, 0, &rng, &surprise);
            ifl_evidence_add(&evidence, &surprise, 0, 1);
            ifl_ranks_add(&ranks, (float)value);
            steps++;
        }
        total += steps;
    }
    assert_true(total / runs >= 300);
}

static void ranks_are_uniform_and_ties_are_broken(void **state)
{
    (void)state;
    float values[64];
    struct ifl_ranks ranks = {0, 64, values};
    struct ifl_rng rng;
    struct ifl_surprise s;
    ifl_rng_init(&rng, 1);
    for (int i = 0; i < 40; i++)
        ifl_ranks_add(&ranks, (float)(i % 2));
    double sum = 0;
    for (int i = 0; i < 4000; i++) {
        ifl_ranks_judge(&ranks, i % 2, 0, &rng, &s);
        sum += s.rank_up / 4000;
        assert_true(s.rank_up > 0 && s.rank_up < 1 && s.p_up > 0 && s.p_up <= 1);
    }
    check_near(sum, 0.5, 0.02);
    ifl_ranks_judge(&ranks, 2, 0, &rng, &s);
    check_near(s.p_up, 1.0 / 41, 1e-12);
    ifl_ranks_judge(&ranks, 1.5, 1, &rng, &s); // within the tolerance of a 1
    assert_true(s.p_up > 0.4);
    check_near(ifl_rank_margin(10000, 0.01), 0.0326, 1e-3);
}

static void ebh_keeps_the_false_discovery_rate(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 11);
    enum { FEATURES = 20, TRUE = 5, RUNS = 4000 };
    double false_share = 0;
    int found = 0;
    for (int run = 0; run < RUNS; run++) { // correlated: one common part
        double e[FEATURES], common = ifl_rng_normal(&rng);
        bool keep[FEATURES];
        int kept, wrong = 0;
        for (int i = 0; i < FEATURES; i++) {
            double z = sqrt(0.5) * common + sqrt(0.5) * ifl_rng_normal(&rng);
            double mu = 4.5; // e of the likelihood ratio for a shift of 4.5
            z += i < TRUE ? mu : 0;
            e[i] = exp(mu * z - mu * mu / 2);
        }
        kept = ifl_ebh(e, FEATURES, 0.1, keep);
        for (int i = 0; i < FEATURES; i++)
            wrong += keep[i] && i >= TRUE;
        false_share += kept ? (double)wrong / kept / RUNS : 0;
        found += kept - wrong;
    }
    assert_true(false_share <= 0.1);
    assert_true(found > 2 * RUNS);
    double sum = 0;
    for (int i = 0; i < 100000; i++)
        sum += ifl_e_of_p((i + 0.5) / 100000) / 100000;
    check_near(sum, 1, 0.01);
}

// ---- comparisons ----

static void fill(struct ifl_kll *sketch, int count, double mean, double deviation,
                 struct ifl_rng *rng)
{
    ifl_kll_init(sketch, ifl_rng_next(rng));
    for (int i = 0; i < count; i++)
        ifl_kll_add(sketch, (float)(mean + deviation * ifl_rng_normal(rng)));
}

// Compares samples of n and m, `runs` times: mean PSI and how often each is beyond its limit.
struct rates {
    double psi, psi_naive[2], psi_alarms, ks_alarms, js_alarms;
};
static struct rates compare_many(int n, int m, int runs, double shift)
{
    struct ifl_rng rng;
    struct rates rates = {0};
    ifl_rng_init(&rng, 5);
    for (int run = 0; run < runs; run++) {
        static struct ifl_kll a, b;
        struct ifl_comparison c;
        fill(&a, n, 0, 1, &rng);
        fill(&b, m, shift, 1, &rng);
        ifl_compare(&a, &b, &c);
        rates.psi += c.psi / runs;
        rates.psi_naive[0] += (c.psi > 0.1) / (double)runs;
        rates.psi_naive[1] += (c.psi > 0.25) / (double)runs;
        rates.psi_alarms += (c.psi > c.psi_limit) / (double)runs;
        rates.ks_alarms += (c.ks > c.ks_limit) / (double)runs;
        rates.js_alarms += (c.js > c.js_limit) / (double)runs;
    }
    return rates;
}

static void psi_and_ks_keep_their_level(void **state)
{
    (void)state;
    struct rates rates = compare_many(100, 100, 1500, 0);
    check_near(rates.psi, ifl_psi_null(10, 100, 100), 0.01);
    check_near(rates.psi_naive[0], 0.81, 0.05); // the popular rule
    check_near(rates.psi_naive[1], 0.16, 0.05);
    assert_true(rates.psi_alarms <= 0.02);
    assert_true(rates.ks_alarms <= 0.015);
    check_near(compare_many(300, 300, 500, 0).psi, 0.060, 0.004);
    check_near(compare_many(1000, 1000, 200, 0).psi, 0.018, 0.003);
    struct rates shifted = compare_many(300, 300, 100, 1); // neither is blind
    assert_true(shifted.psi_alarms > 0.95 && shifted.ks_alarms > 0.95 && shifted.js_alarms > 0.95);
}

static void distances_have_their_closed_forms(void **state)
{
    (void)state;
    static struct ifl_kll a, b;
    struct ifl_comparison c;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 2);
    static const double shift[] = {0.25, 0.5, 1, 2},
                        energy[] = {0.03517, 0.13960, 0.54181, 1.94426};
    for (int i = 0; i < 4; i++) { // from quantiles: no noise of sampling
        ifl_kll_init(&a, 1);
        ifl_kll_init(&b, 2);
        for (int k = 0; k < 199; k++) {
            ifl_kll_add(&a, (float)ifl_normal_quantile((k + 0.5) / 199));
            ifl_kll_add(&b, (float)(ifl_normal_quantile((k + 0.5) / 199) + shift[i]));
        }
        ifl_compare(&a, &b, &c);
        check_near(c.w1, shift[i], 0.02 * shift[i]);
        check_near(c.energy, energy[i], 0.02 * energy[i] + 0.002);
    }
    ifl_compare(&a, &a, &c);
    check_near(c.ks, 0, 0);
    check_near(c.w1, 0, 0);
    check_near(c.psi, 0, 1e-12);
    check_near(c.js, 0, 1e-6);
    fill(&a, 150, 0, 1, &rng);
    fill(&b, 150, 100, 1, &rng);
    ifl_compare(&a, &b, &c);
    check_near(c.ks, 1, 1e-9);
    assert_true(c.js > 0.9); // 1, less the half count in each bin
}

static void constant_samples_are_compared(void **state)
{
    (void)state;
    static struct ifl_kll a, b;
    struct ifl_comparison c;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 2);
    fill(&a, 100, 5, 0, &rng);
    fill(&b, 60, 5, 0, &rng);
    ifl_compare(&a, &b, &c);
    check_near(c.ks + c.w1 + c.energy, 0, 0);
    assert_true(c.psi <= c.psi_limit);
    fill(&b, 60, 6, 0, &rng);
    ifl_compare(&a, &b, &c);
    check_near(c.ks, 1, 1e-9);
    assert_true(isinf(c.w1));
    ifl_kll_init(&b, 1);
    ifl_compare(&a, &b, &c);
    check_near(c.ks, 0, 0);
}

// ---- many dimensions ----

static double mmd2_of_normals(int dims, double scale, double shift, int count, uint64_t seed)
{
    struct ifl_fourier fourier;
    static struct ifl_fourier_sum a, b;
    struct ifl_rng rng;
    float x[32], mapped[IFL_FOURIER];
    assert_int_equal(ifl_fourier_init(&fourier, dims, scale, seed), 0);
    ifl_rng_init(&rng, seed + 1);
    a = b = (struct ifl_fourier_sum){0};
    for (int i = 0; i < 2 * count; i++) {
        for (int d = 0; d < dims; d++)
            x[d] = (float)(ifl_rng_normal(&rng) + (i % 2 ? shift / sqrt(dims) : 0));
        ifl_fourier_map(&fourier, x, mapped);
        ifl_fourier_add(i % 2 ? &b : &a, mapped);
    }
    ifl_fourier_fini(&fourier);
    return ifl_fourier_mmd2(&a, &b);
}

static void mmd_has_its_closed_form(void **state)
{
    (void)state;
    static const struct {
        int dims;
        double scale, wanted;
    } table[] = {{1, 1, 0.17727}, {2, 2, 0.10661}, {32, 8, 0.009225}};
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (uint64_t seed = 0; seed < 6; seed++)
            sum += mmd2_of_normals(table[i].dims, table[i].scale, 1, 2000, 10 * seed + 1) / 6;
        check_near(sum, table[i].wanted, 0.12 * table[i].wanted);
    }
    double sum = 0;
    for (uint64_t seed = 0; seed < 12; seed++)
        sum += mmd2_of_normals(4, 2, 0, 300, 10 * seed + 3) / 12;
    check_near(sum, 0, 0.0008); // unbiased: may be negative
}

enum { DIMS = IFL_MODEL_DIMS };

static void begin_sums(struct ifl_model_sums *sums, int dims)
{
    double origin[DIMS] = {0}, unit[DIMS];
    for (int i = 0; i < DIMS; i++)
        unit[i] = 1e-6;
    ifl_model_begin(sums, dims, origin, unit);
}

// A butterfly: a pair that goes together, whose single values look the same when it is turned.
static void make_pair(struct ifl_rng *rng, bool turned, float x[DIMS])
{
    double along = ifl_rng_normal(rng), across = 0.2 * ifl_rng_normal(rng);
    memset(x, 0, DIMS * sizeof *x);
    x[0] = (float)((along + across) / sqrt(2));
    x[1] = (float)((along - across) / sqrt(2) * (turned ? -1 : 1));
    for (int i = 2; i < 6; i++)
        x[i] = (float)(0.5 * ifl_rng_normal(rng) + x[2] * (i > 2));
}

static void a_turned_pair_cannot_be_reconstructed(void **state)
{
    (void)state;
    static struct ifl_model_sums sums;
    static struct ifl_model model;
    struct ifl_rng rng;
    struct ifl_model_view view;
    float x[DIMS];
    ifl_rng_init(&rng, 4);
    begin_sums(&sums, 6);
    for (int i = 0; i < 2000; i++) {
        make_pair(&rng, false, x);
        ifl_model_add(&sums, x);
    }
    ifl_model_fit(&sums, -1, &model);
    assert_true(model.shrinkage < 0.02);
    double mean[2] = {0}, square[2] = {0};
    static struct ifl_kll single[2];
    ifl_kll_init(&single[0], 1);
    ifl_kll_init(&single[1], 2);
    const int chunks = 100, in_chunk = 20;
    for (int turned = 0; turned < 2; turned++)
        for (int c = 0; c < chunks; c++) { // the mean error of chunks, as it is usually watched
            double error = 0;
            for (int i = 0; i < in_chunk; i++) {
                make_pair(&rng, turned, x);
                ifl_kll_add(&single[turned], x[1]);
                ifl_model_look(&model, x, &view);
                error += view.error2 / in_chunk;
            }
            mean[turned] += error / chunks;
            square[turned] += error * error / chunks;
        }
    double deviation = sqrt(square[0] - mean[0] * mean[0]);
    assert_true(mean[1] > mean[0] + 3 * deviation);
    struct ifl_comparison comparison;
    ifl_compare(&single[0], &single[1], &comparison); // one value at a time tells nothing
    assert_true(comparison.ks <= comparison.ks_limit);
}

static void distances_are_chi_square_and_hotelling(void **state)
{
    (void)state;
    static struct ifl_model_sums sums;
    static struct ifl_model model;
    struct ifl_rng rng;
    struct ifl_model_view view;
    float x[DIMS] = {0};
    enum { P = 5, N = 40, RUNS = 1500 };
    double known = 0, estimated = 0;
    ifl_rng_init(&rng, 8);
    for (int run = 0; run < RUNS; run++) {
        begin_sums(&sums, P);
        for (int i = 0; i < N; i++) {
            for (int d = 0; d < P; d++)
                x[d] = (float)ifl_rng_normal(&rng);
            ifl_model_add(&sums, x);
        }
        ifl_model_fit(&sums, 0, &model);
        memset(x, 0, sizeof x);
        ifl_model_look(&model, x, &view); // the true mean from the sample's: T^2 / n
        estimated += N * view.distance2 / RUNS;
        for (int d = 0; d < P; d++)
            known += N * pow((double)model.mean[d], 2) / RUNS;
    }
    check_near(known, P, 0.25); // chi square of p
    // p (n - 1) / (n - p) F(p, n - p), whose mean is p (n - 1) / (n - p - 2)
    check_near(estimated, P * (N - 1.0) / (N - P - 2), 0.4);
}

static void too_few_vectors_are_shrunk(void **state)
{
    (void)state;
    static struct ifl_model_sums sums;
    static struct ifl_model model;
    struct ifl_rng rng;
    float x[DIMS];
    ifl_rng_init(&rng, 8);
    begin_sums(&sums, DIMS);
    for (int i = 0; i < 20; i++) {
        for (int d = 0; d < DIMS; d++)
            x[d] = (float)ifl_rng_normal(&rng);
        ifl_model_add(&sums, x);
    }
    ifl_model_fit(&sums, -1, &model);
    assert_true(model.shrinkage > 0.5f);
    struct ifl_model_view view;
    double sum = 0;
    for (int i = 0; i < 200; i++) {
        for (int d = 0; d < DIMS; d++)
            x[d] = (float)ifl_rng_normal(&rng);
        ifl_model_look(&model, x, &view);
        sum += view.distance2 / 200;
    }
    assert_true(sum < 2 * DIMS); // about DIMS; unshrunk it would be without bound
}

// ---- single frames ----

static void conformal_p_values_are_uniform(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 6);
    static struct ifl_kll p_values, uniform;
    struct ifl_comparison comparison;
    ifl_kll_init(&p_values, 1);
    ifl_kll_init(&uniform, 2);
    for (int run = 0; run < 1500; run++) { // 63 values are kept whole: exact for every rank
        struct ifl_tail tail = {0};
        for (int i = 0; i < 63; i++)
            ifl_tail_add(&tail, exp(ifl_rng_normal(&rng)));
        ifl_kll_add(&p_values, (float)ifl_tail_p(&tail, exp(ifl_rng_normal(&rng))));
        ifl_kll_add(&uniform, (float)((1 + ifl_rng_below(&rng, 64)) / 64.0));
    }
    ifl_compare(&p_values, &uniform, &comparison);
    assert_true(comparison.ks <= comparison.ks_limit);
}

static void a_tail_reaches_beyond_what_was_seen(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 6);
    struct ifl_tail tail = {0};
    assert_true(isinf(ifl_tail_limit(&tail, 1000)));
    for (int i = 0; i < 5000; i++)
        ifl_tail_add(&tail, -log(1 - ifl_rng_uniform(&rng)));
    check_near(ifl_tail_limit(&tail, 1e6), log(1e6), 2); // exponential values: ln of the rate
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cusum_has_the_run_lengths_of_the_table),
        cmocka_unit_test(ewma_has_the_run_lengths_of_the_table),
        cmocka_unit_test(a_limit_has_its_run_length),
        cmocka_unit_test(normals_and_chi_squares_are_right),
        cmocka_unit_test(evidence_has_the_delays_of_the_oracle),
        cmocka_unit_test(without_a_change_it_takes_as_long_as_promised),
        cmocka_unit_test(ranks_of_few_values_keep_the_promise),
        cmocka_unit_test(ranks_are_uniform_and_ties_are_broken),
        cmocka_unit_test(ebh_keeps_the_false_discovery_rate),
        cmocka_unit_test(psi_and_ks_keep_their_level),
        cmocka_unit_test(distances_have_their_closed_forms),
        cmocka_unit_test(constant_samples_are_compared),
        cmocka_unit_test(mmd_has_its_closed_form),
        cmocka_unit_test(a_turned_pair_cannot_be_reconstructed),
        cmocka_unit_test(distances_are_chi_square_and_hotelling),
        cmocka_unit_test(too_few_vectors_are_shrunk),
        cmocka_unit_test(conformal_p_values_are_uniform),
        cmocka_unit_test(a_tail_reaches_beyond_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
