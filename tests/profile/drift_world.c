// SPDX-License-Identifier: Apache-2.0
#include "drift_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profile/chart.h"
#include "profile/compare.h"

static const char *const scenarios[] = {
#define NAME(name, text) text,
    WORLD_SCENARIOS(NAME)};
static const char *const detectors[] = {DETECTORS(NAME)};
#undef NAME

const char *world_name(enum world_scenario scenario)
{
    return scenarios[scenario];
}

const char *detector_name(enum detector_kind kind)
{
    return detectors[kind];
}

// ---- the world ----

static const double WALL_S = 1.7e9; // an arbitrary moment

void world_begin(struct world *world, enum world_scenario scenario, uint64_t seed)
{
    *world = (struct world){
        .scenario = scenario, .change_s = 3600, .period_s = 4500, .magnitude = 4, .phi = 0.95};
    ifl_rng_init(&world->rng, seed + 1);
    for (int k = 0; k < WORLD_FACTORS; k++)
        world->factor[k] = ifl_rng_normal(&world->rng);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        world->own[f] = ifl_rng_normal(&world->rng);
}

static double middle(int feature)
{
    const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)feature);
    return row->least + 0.4 * (row->greatest - row->least);
}

static double deviation(int feature)
{
    const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)feature);
    return 0.02 * (row->greatest - row->least);
}

// How much of the change has come, 0..1.
static double progress(const struct world *world, double now_s)
{
    double since = now_s - world->change_s;
    if (since < 0 || world->scenario == WORLD_NONE || world->scenario == WORLD_ANOMALY)
        return 0;
    if (world->scenario == WORLD_GRADUAL)
        return fmin(1, since / 600);
    if (world->scenario == WORLD_RECURRING)
        return (int)(since / world->period_s) % 2 == 0;
    return 1;
}

static bool is_touched(const struct world *world, int feature)
{
    switch (world->scenario) {
    case WORLD_SINGLE:
        return feature == IFL_FEATURE_saturation_mean;
    case WORLD_TINY:
        return feature < 8;
    case WORLD_BUTTERFLY:
        return false;
    default:
        return feature == IFL_FEATURE_brightness_mean || feature == IFL_FEATURE_contrast_mean ||
               (feature >= IFL_FEATURE_red_mean && feature <= IFL_FEATURE_blue_mean);
    }
}

void world_next(struct world *world, struct ifl_features *features, struct ifl_drift_input *input)
{
    double now_s = (double)world->frame / WORLD_RATE, phi = world->phi, rest = sqrt(1 - phi * phi);
    double come = progress(world, now_s);
    double magnitude = world->scenario == WORLD_TINY ? 0.04 : world->magnitude;
    memset(features, 0, sizeof *features);
    for (int k = 0; k < WORLD_FACTORS; k++)
        world->factor[k] = phi * world->factor[k] + rest * ifl_rng_normal(&world->rng);
    bool strange =
        world->scenario == WORLD_ANOMALY && now_s >= world->change_s && world->frame % 600 == 0;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        world->own[f] = phi * world->own[f] + rest * ifl_rng_normal(&world->rng);
        double z = 0.6 * world->factor[f % WORLD_FACTORS] + 0.8 * world->own[f];
        // A pair that goes together: entropy and gradient energy.
        if (f == IFL_FEATURE_entropy)
            z = 0.97 * world->factor[0] + 0.24 * world->own[f];
        if (f == IFL_FEATURE_gradient_energy)
            z = (world->scenario == WORLD_BUTTERFLY && come > 0 ? -0.97 : 0.97) * world->factor[0] +
                0.24 * world->own[f];
        z += is_touched(world, f) ? come * magnitude : 0;
        z += strange && f % 3 == 0 ? 12 : 0;
        features->value[f] = middle(f) + deviation(f) * z;
    }
    for (int t = 0; t < IFL_TILES * IFL_TILES; t++)
        features->tile_mean[t / IFL_TILES][t % IFL_TILES] =
            (float)(60 + 2 * t + 3 * world->factor[0] + 10 * come * (t < 24) +
                    ifl_rng_normal(&world->rng));
    *input = (struct ifl_drift_input){
        .features = features,
        .stream_ns = (int64_t)(now_s * (double)IFL_SECOND_NS),
        .wall_ns = (int64_t)((WALL_S + now_s) * (double)IFL_SECOND_NS),
        .sequence = world->frame,
    };
    world->frame++;
}

// ---- detectors ----

enum { CHUNK = 100, LEARN = 1200 }; // frames of the naive rules: a chunk, and the reference

struct detector {
    enum detector_kind kind;
    struct said said;
    struct ifl_drift *drift;
    // The naive rules:
    int frames;
    double mean[IFL_FEATURE_COUNT], square[IFL_FEATURE_COUNT], quiet_until_s;
    struct ifl_kll reference[IFL_FEATURE_COUNT], chunk[IFL_FEATURE_COUNT];
    struct ifl_cusum cusum[IFL_FEATURE_COUNT];
};

static void say(struct said *said)
{
    if (said->count < SAID_MAX)
        said->at_s[said->count++] = said->now_s;
}

static void on_report(void *context, const struct ifl_incident *incident)
{
    struct said *said = context;
    said->warnings += incident->kind == IFL_INCIDENT_DRIFT_WARNING;
    said->anomalies += incident->kind == IFL_INCIDENT_ANOMALY;
    said->contaminated += incident->kind == IFL_INCIDENT_CONTAMINATED;
    if (incident->kind != IFL_INCIDENT_DRIFT)
        return;
    bool alarm = incident->severity == IFL_SEVERITY_ALARM;
    said->recurring += !alarm;
    // A report that brings the lasting one up to date is no new alarm.
    bool update = alarm && said->last.kind == IFL_INCIDENT_DRIFT && said->last.noticed_wall_ns < 0;
    said->last = *incident;
    said->last.before = said->last.after = NULL;
    said->last.noticed_wall_ns = -1; // lasts
    if (alarm && !update) {
        if (said->count == 0)
            said->first = said->last;
        say(said);
    }
}

static void on_clear(void *context, enum ifl_incident_kind kind)
{
    struct said *said = context;
    if (kind == IFL_INCIDENT_DRIFT && said->last.noticed_wall_ns < 0) {
        said->last.noticed_wall_ns = 0;
        said->cleared++;
    }
}

struct detector *detector_create(enum detector_kind kind, const struct ifl_drift_config *config)
{
    struct detector *detector = calloc(1, sizeof *detector);
    struct ifl_drift_config ours = *config;
    struct ifl_error error;
    if (!detector)
        abort();
    detector->kind = kind;
    ours.report = on_report;
    ours.clear = on_clear;
    ours.context = &detector->said;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        ifl_kll_init(&detector->reference[f], (uint64_t)f);
        ifl_kll_init(&detector->chunk[f], (uint64_t)f);
    }
    if (kind == DETECTOR_OURS && ifl_drift_create(&ours, &detector->drift, &error) != IFL_OK) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return detector;
}

void detector_destroy(struct detector *detector)
{
    ifl_drift_destroy(detector->drift);
    free(detector);
}

struct said *detector_said(struct detector *detector)
{
    return &detector->said;
}

struct ifl_drift *detector_drift(struct detector *detector)
{
    return detector->drift;
}

static bool psi_alarms(struct detector *d, const double *value, double limit)
{
    bool alarm = false;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        struct ifl_comparison comparison;
        ifl_kll_add(&d->chunk[f], (float)value[f]);
        if (d->chunk[f].count < CHUNK)
            continue;
        ifl_compare(&d->reference[f], &d->chunk[f], &comparison);
        alarm |= comparison.psi > limit;
        ifl_kll_init(&d->chunk[f], (uint64_t)f);
    }
    return alarm;
}

static bool sums_alarm(struct detector *d, const double *value)
{
    bool alarm = false;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        double deviation = sqrt(d->square[f] / LEARN - pow(d->mean[f] / LEARN, 2));
        double z = (value[f] - d->mean[f] / LEARN) / fmax(deviation, 1e-9);
        if (d->kind == DETECTOR_SIGMA)
            alarm |= fabs(z) > 3;
        else
            alarm |= ifl_cusum_add(&d->cusum[f], z, 0.5, 5);
    }
    if (alarm)
        memset(d->cusum, 0, sizeof d->cusum);
    return alarm;
}

// An alarm of a naive rule is heard at most once a minute.
static void take_naive(struct detector *d, const double *value)
{
    if (d->frames++ < LEARN) {
        for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
            d->mean[f] += value[f];
            d->square[f] += value[f] * value[f];
            ifl_kll_add(&d->reference[f], (float)value[f]);
        }
        return;
    }
    bool alarm = d->kind == DETECTOR_PSI_10   ? psi_alarms(d, value, 0.1)
                 : d->kind == DETECTOR_PSI_25 ? psi_alarms(d, value, 0.25)
                 : d->kind == DETECTOR_ALWAYS ? true
                 : d->kind == DETECTOR_NEVER  ? false
                                              : sums_alarm(d, value);
    if (!alarm || d->said.now_s < d->quiet_until_s)
        return;
    d->quiet_until_s = d->said.now_s + 60;
    say(&d->said);
}

enum ifl_verdict detector_take(struct detector *detector, const struct ifl_drift_input *input)
{
    detector->said.now_s = (double)input->stream_ns / (double)IFL_SECOND_NS;
    if (detector->kind == DETECTOR_OURS)
        return ifl_drift_take(detector->drift, input);
    take_naive(detector, input->features->value);
    return IFL_VERDICT_GOOD;
}

void detector_run(struct detector *detector, struct world *world, double seconds,
                  struct score *score)
{
    struct ifl_features features;
    struct ifl_drift_input input;
    struct said *said = &detector->said;
    bool has_change = world->scenario != WORLD_NONE && world->scenario != WORLD_TINY &&
                      world->scenario != WORLD_ANOMALY;
    while ((double)world->frame / WORLD_RATE < seconds) {
        world_next(world, &features, &input);
        detector_take(detector, &input);
    }
    double change_s = has_change ? world->change_s : INFINITY;
    *score = (struct score){.delay_s = NAN, .hours = fmin(change_s, seconds) / 3600};
    for (int i = 0; i < said->count; i++) {
        if (said->at_s[i] < change_s)
            score->false_alarms++;
        else if (isnan(score->delay_s))
            score->delay_s = said->at_s[i] - change_s;
    }
    snprintf(score->cause, sizeof score->cause, "%s", said->first.cause);
    snprintf(score->feature, sizeof score->feature, "%s", said->first.feature[0].name);
}
