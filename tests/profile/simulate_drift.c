// SPDX-License-Identifier: Apache-2.0
// Long simulations for slow_drift.py; prints one JSON object.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift_world.h"
#include "profile/chart.h"
#include "profile/compare.h"
#include "profile/evidence.h"

enum { RUNS = 4000, LONGEST = 2000000 };

static struct ifl_rng rng;

// ---- run lengths ----

static double cusum_run(double limit, double shift)
{
    struct ifl_cusum cusum = {0};
    int steps = 1;
    while (!ifl_cusum_add(&cusum, ifl_rng_normal(&rng) + shift, 0.5, limit))
        steps++;
    return steps;
}

static double ewma_run(double weight, double width, double shift)
{
    struct ifl_ewma ewma = {0};
    int steps = 1;
    while (!ifl_ewma_add(&ewma, ifl_rng_normal(&rng) + shift, weight, width))
        steps++;
    return steps;
}

// On an autocorrelated series: as it comes, or its residuals.
static double ar_run(double phi, bool residuals)
{
    struct ifl_cusum cusum = {0};
    double x = ifl_rng_normal(&rng), rest = sqrt(1 - phi * phi);
    for (int steps = 1; steps < LONGEST; steps++) {
        double e = ifl_rng_normal(&rng);
        x = phi * x + rest * e;
        if (ifl_cusum_add(&cusum, residuals ? e : x, 0.5, 5))
            return steps;
    }
    return LONGEST;
}

static void run_lengths(void)
{
    static const double limits[] = {3, 4, 4.774, 5, 5.071}, shifts[] = {0, 0.25, 0.5, 1, 2, 3};
    static const double ewma[][2] = {{0.05, 2.615}, {0.1, 2.814}, {0.2, 2.962}};
    static const double phis[] = {0, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99};
    printf("\"cusum\": [");
    for (int l = 0; l < 5; l++)
        for (int s = 0; s < 6; s++) {
            double sum = 0;
            for (int run = 0; run < RUNS; run++)
                sum += cusum_run(limits[l], shifts[s]) / RUNS;
            printf("%s[%g, %g, %.3f, %.3f]", l + s ? ", " : "", limits[l], shifts[s], sum,
                   ifl_cusum_arl(0.5, limits[l], shifts[s]));
        }
    printf("],\n\"ewma\": [");
    for (int l = 0; l < 3; l++)
        for (int s = 0; s < 5; s += s ? 1 : 2) {
            double sum = 0;
            for (int run = 0; run < RUNS; run++)
                sum += ewma_run(ewma[l][0], ewma[l][1], shifts[s]) / RUNS;
            printf("%s[%g, %g, %g, %.3f, %.3f]", l + s ? ", " : "", ewma[l][0], ewma[l][1],
                   shifts[s], sum, ifl_ewma_arl(ewma[l][0], ewma[l][1], shifts[s]));
        }
    printf("],\n\"autocorrelated\": [");
    for (int p = 0; p < 7; p++) {
        double raw = 0, residuals = 0;
        for (int run = 0; run < RUNS; run++) {
            raw += ar_run(phis[p], false) / RUNS;
            residuals += ar_run(phis[p], true) / RUNS;
        }
        printf("%s[%g, %.2f, %.2f]", p ? ", " : "", phis[p], raw, residuals);
    }
    printf("],\n");
}

// ---- evidence and comparisons ----

static double evidence_run(double shift, int bets)
{
    struct ifl_evidence evidence = {0};
    for (int steps = 1; steps < LONGEST; steps++) {
        double rank = ifl_normal_cdf(ifl_rng_normal(&rng) + shift);
        struct ifl_surprise surprise = {rank, rank, 1 - rank, rank};
        ifl_evidence_add(&evidence, &surprise, 0, 1);
        if (ifl_evidence_mean(&evidence, bets) >= 1000)
            return steps;
    }
    return LONGEST;
}

static void evidence(void)
{
    static const double shifts[] = {0, 0.25, 0.5, 1, 2};
    printf("\"evidence\": [");
    for (int s = 0; s < 5; s++) {
        double eight = 0, all = 0;
        for (int run = 0; run < RUNS / 2; run++) {
            eight += evidence_run(shifts[s], IFL_BETS_SHIFT) / (RUNS / 2);
            all += evidence_run(shifts[s], IFL_BETS) / (RUNS / 2);
        }
        printf("%s[%g, %.2f, %.2f]", s ? ", " : "", shifts[s], eight, all);
    }
    printf("],\n");
}

static void comparisons(void)
{
    double psi = 0, above[3] = {0}, ks = 0;
    const int runs = 10000;
    for (int run = 0; run < runs; run++) {
        static struct ifl_kll a, b;
        struct ifl_comparison c;
        ifl_kll_init(&a, 1);
        ifl_kll_init(&b, 2);
        for (int i = 0; i < 100; i++) {
            ifl_kll_add(&a, (float)ifl_rng_normal(&rng));
            ifl_kll_add(&b, (float)ifl_rng_normal(&rng));
        }
        ifl_compare(&a, &b, &c);
        psi += c.psi / runs;
        above[0] += (c.psi > 0.1) / (double)runs;
        above[1] += (c.psi > 0.25) / (double)runs;
        above[2] += (c.psi > c.psi_limit) / (double)runs;
        ks += (c.ks > c.ks_limit) / (double)runs;
    }
    printf("\"psi\": [%.4f, %.4f, %.4f, %.4f],\n\"ks\": %.4f,\n", psi, above[0], above[1], above[2],
           ks);
}

// ---- the contract ----

// Mean hours of watching to the first alarm, where nothing changes; at most `longest`.
static double contract(enum detector_kind kind, double days, double phi, int runs, double longest_h)
{
    double total = 0;
    for (int run = 0; run < runs; run++) {
        struct ifl_drift_config config;
        ifl_drift_config_init(&config);
        config.false_alarm_days = days;
        config.tolerance = 0.2; // the least, the hardest case for the promise
        config.seed = (uint64_t)run;
        struct detector *detector = detector_create(kind, &config);
        struct said *said = detector_said(detector);
        struct world world;
        struct ifl_features features;
        struct ifl_drift_input input;
        double watching = kind == DETECTOR_OURS ? -1 : 600;
        world_begin(&world, WORLD_NONE, (uint64_t)(1000 + run));
        world.phi = phi;
        while (!said->count && (watching < 0 || said->now_s < watching + longest_h * 3600)) {
            world_next(&world, &features, &input);
            detector_take(detector, &input);
            struct ifl_drift_status status;
            if (watching < 0 && world.frame % 16 == 0) {
                ifl_drift_status(detector_drift(detector), &status);
                watching = status.state == IFL_DRIFT_WATCHING ? said->now_s : -1;
            }
        }
        total += (said->now_s - watching) / 3600;
        detector_destroy(detector);
    }
    return total / runs;
}

int main(void)
{
    ifl_rng_init(&rng, 2024);
    printf("{");
    run_lengths();
    evidence();
    comparisons();
    const double days = 1.0 / 24; // one false alarm an hour
    printf("\"contract\": {\"promised_hours\": 1, \"independent\": %.2f, \"slow\": %.2f, "
           "\"always\": %.3f, \"never\": %.2f}}\n",
           contract(DETECTOR_OURS, days, 0, 16, 8), contract(DETECTOR_OURS, days, 0.9, 16, 8),
           contract(DETECTOR_ALWAYS, days, 0, 2, 8), contract(DETECTOR_NEVER, days, 0, 2, 8));
    return 0;
}
