// SPDX-License-Identifier: Apache-2.0
#include "profile/modeler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "profile/axes.h"

static const char stage[] = "profile";

static const double KS_LIMIT_ALPHA = 0.01; // of a false alarm at one look, over all features
static const double SKETCH_ERROR = 0.0133; // of one rank, at 99 %; none while it holds all values

void ifl_modeler_config_init(struct ifl_modeler_config *config)
{
    *config = (struct ifl_modeler_config){.window_frames = 3000, .half_life_frames = 300};
}

static void begin_block(struct ifl_modeler *modeler)
{
    modeler->current = (int)(modeler->begun % IFL_WINDOW_BLOCKS);
    ifl_block_init(&modeler->block[modeler->current],
                   ifl_hash_mix(modeler->config.seed + modeler->begun));
    modeler->begun++;
    modeler->sealed_is_old = true;
}

enum ifl_result ifl_modeler_create(const struct ifl_modeler_config *config,
                                   struct ifl_modeler **modeler, struct ifl_error *error)
{
    *modeler = NULL;
    if (config->window_frames < 1 || config->window_frames > IFL_WINDOW_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "the window in frames is %d; give a number from 1 to %d",
                        config->window_frames, IFL_WINDOW_MAX);
    if (!(config->half_life_frames >= 1 && config->half_life_frames <= 1e9))
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "the half-life in frames is %g; give a number from 1 to 1e9",
                        config->half_life_frames);
    struct ifl_modeler *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a distribution");
    made->config = *config;
    made->block_frames =
        ((uint64_t)config->window_frames + IFL_WINDOW_BLOCKS - 1) / IFL_WINDOW_BLOCKS;
    for (int b = 0; b < IFL_WINDOW_BLOCKS; b++)
        ifl_block_init(&made->block[b], 0);
    ifl_block_init(&made->reference, 0);
    begin_block(made);
    *modeler = made;
    return IFL_OK;
}

void ifl_modeler_destroy(struct ifl_modeler *modeler)
{
    free(modeler);
}

// ---- the recent view ----

static void add_recent(struct ifl_modeler *modeler, const struct ifl_features *features)
{
    struct ifl_recent_sums *recent = &modeler->recent;
    double first = 1 / ((double)++recent->frames); // a plain mean until there is enough to forget
    double weight = fmax(1 - exp2(-1 / modeler->config.half_life_frames), first);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        double value = ifl_block_value(features, (enum ifl_feature)f);
        double apart = value - recent->mean[f], before = recent->last[f] - recent->mean[f];
        recent->mean[f] += weight * apart;
        recent->square[f] = (1 - weight) * (recent->square[f] + weight * apart * apart);
        if (recent->frames > 1)
            recent->product[f] = (1 - weight) * (recent->product[f] + weight * apart * before);
        recent->last[f] = value;
    }
}

void ifl_modeler_recent(const struct ifl_modeler *modeler, struct ifl_recent *recent)
{
    const struct ifl_recent_sums *sums = &modeler->recent;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        double square = fmax(sums->square[f], 0), floor = 1e-24 * sums->mean[f] * sums->mean[f];
        recent->mean[f] = sums->mean[f];
        recent->std[f] = sqrt(square);
        recent->lag1[f] = square > floor ? fmin(fmax(sums->product[f] / square, -1), 1) : 0;
    }
}

// ---- the window ----

static const struct ifl_block *sealed(struct ifl_modeler *modeler)
{
    if (!modeler->sealed_is_old)
        return &modeler->sealed;
    ifl_block_init(&modeler->sealed, modeler->config.seed);
    for (int age = 1; age < IFL_WINDOW_BLOCKS; age++) // oldest first
        ifl_block_merge(&modeler->sealed,
                        &modeler->block[(modeler->current + age) % IFL_WINDOW_BLOCKS]);
    modeler->sealed_is_old = false;
    return &modeler->sealed;
}

static const struct ifl_block *window(struct ifl_modeler *modeler)
{
    modeler->work = *sealed(modeler);
    ifl_block_merge(&modeler->work, &modeler->block[modeler->current]);
    return &modeler->work;
}

void ifl_modeler_set_reference(struct ifl_modeler *modeler)
{
    struct ifl_recent recent;
    modeler->reference = *window(modeler);
    modeler->reference_is_old = true;
    ifl_modeler_recent(modeler, &recent);
    memcpy(modeler->reference_lag1, recent.lag1, sizeof recent.lag1);
}

static void next_block(struct ifl_modeler *modeler)
{
    if (modeler->reference.frames == 0 && modeler->begun >= IFL_WINDOW_BLOCKS)
        ifl_modeler_set_reference(modeler);
    begin_block(modeler);
}

void ifl_modeler_update(struct ifl_modeler *modeler, const struct ifl_features *features)
{
    if (modeler->block[modeler->current].frames >= modeler->block_frames)
        next_block(modeler);
    ifl_block_add(&modeler->block[modeler->current], features);
    add_recent(modeler, features);
}

void ifl_modeler_add_foreground(struct ifl_modeler *modeler, int objects, double area_share)
{
    struct ifl_block *block = &modeler->block[modeler->current];
    block->foreground_frames++;
    block->occupied_frames += objects > 0;
    block->objects += (uint64_t)objects;
    block->area_sum += area_share;
}

void ifl_modeler_merge(struct ifl_modeler *modeler, const struct ifl_modeler *other)
{
    for (int age = 1; age <= IFL_WINDOW_BLOCKS; age++)
        ifl_block_merge(&modeler->block[modeler->current],
                        &other->block[(other->current + age) % IFL_WINDOW_BLOCKS]);
}

// ---- features together ----

double ifl_joint_covariance(const struct ifl_joint *joint, enum ifl_feature a, enum ifl_feature b)
{
    int i = a > b ? (int)a : (int)b, j = a > b ? (int)b : (int)a;
    return joint->covariance[i * (i + 1) / 2 + j];
}

double ifl_joint_correlation(const struct ifl_joint *joint, enum ifl_feature a, enum ifl_feature b)
{
    double va = ifl_joint_covariance(joint, a, a), vb = ifl_joint_covariance(joint, b, b);
    double both = ifl_joint_covariance(joint, a, b);
    return va > 0 && vb > 0 ? fmin(fmax(both / sqrt(va * vb), -1), 1) : 0;
}

// Variances that are only rounding are none.
static void read_covariance(const struct ifl_block *block, struct ifl_joint *joint)
{
    double n = block->frames ? (double)block->frames : 1, spread[IFL_FEATURE_COUNT];
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        double mean = block->feature[i].moments.mean;
        double variance = block->product[i * (i + 1) / 2 + i] / n;
        spread[i] = variance > 1e-24 * mean * mean;
    }
    const double *product = block->product;
    double *to = joint->covariance;
    for (int i = 0; i < IFL_FEATURE_COUNT; product += ++i, to += i)
        for (int j = 0; j <= i; j++)
            to[j] = product[j] / n * spread[i] * spread[j];
}

static void read_components(struct ifl_joint *joint)
{
    enum { N = IFL_FEATURE_COUNT };
    double matrix[N * N], value[N], axis[N * N];
    int varied = 0;
    for (int i = 0; i < N; i++) {
        varied += ifl_joint_covariance(joint, (enum ifl_feature)i, (enum ifl_feature)i) > 0;
        for (int j = 0; j < N; j++)
            matrix[i * N + j] =
                ifl_joint_correlation(joint, (enum ifl_feature)i, (enum ifl_feature)j);
    }
    ifl_axes(matrix, N, value, axis);
    for (int c = 0; c < IFL_COMPONENTS; c++) {
        bool real = c < varied && value[c] > 1e-9;
        joint->component_share[c] = real ? value[c] / varied : 0;
        for (int i = 0; i < N; i++)
            joint->component[c][i] = real ? axis[c * N + i] : 0;
    }
}

static void read_joint(const struct ifl_block *block, struct ifl_joint *joint)
{
    read_covariance(block, joint);
    read_components(joint);
}

static void read_features(const struct ifl_block *block,
                          struct ifl_feature_stats stats[IFL_FEATURE_COUNT])
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        ifl_feature_block_read(&block->feature[f], &stats[f]);
}

void ifl_modeler_get_current_distribution(struct ifl_modeler *modeler,
                                          struct ifl_distribution *distribution)
{
    const struct ifl_block *block = window(modeler);
    distribution->frames = block->frames;
    read_features(block, distribution->feature);
    read_joint(block, &distribution->joint);
    ifl_modeler_recent(modeler, &distribution->recent);
}

void ifl_modeler_get_reference(struct ifl_modeler *modeler, uint64_t *frames,
                               struct ifl_feature_stats stats[IFL_FEATURE_COUNT])
{
    if (modeler->reference_is_old)
        read_features(&modeler->reference, modeler->reference_stats);
    modeler->reference_is_old = false;
    *frames = modeler->reference.frames;
    memcpy(stats, modeler->reference_stats, sizeof modeler->reference_stats);
}

static void read_scene(const struct ifl_block *block, struct ifl_profile *profile)
{
    double n = block->frames ? (double)block->frames : 1;
    double looked = block->foreground_frames ? (double)block->foreground_frames : 1;
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++)
            profile->tile_mean[y][x] = (float)(block->tile_sum[y][x] / n);
    profile->occupancy = (struct ifl_occupancy){.rate = (double)block->occupied_frames / looked,
                                                .count_mean = (double)block->objects / looked,
                                                .area_mean = block->area_sum / looked};
}

void ifl_modeler_read(struct ifl_modeler *modeler, struct ifl_profile *profile)
{
    const struct ifl_block *block = window(modeler);
    profile->window_frames = block->frames;
    read_features(block, profile->feature);
    read_joint(block, &profile->joint);
    read_scene(block, profile);
    ifl_modeler_recent(modeler, &profile->recent);
    ifl_modeler_get_reference(modeler, &profile->reference_frames, profile->reference);
}

// ---- shift ----

// How many independent pictures so many correlated ones are worth.
static double worth(uint64_t frames, double lag1)
{
    double phi = fmin(fmax(lag1, 0), 0.999);
    return fmax((double)frames * (1 - phi) / (1 + phi), 1);
}

static double ks_limit(double n, double m)
{
    double alpha = KS_LIMIT_ALPHA / IFL_FEATURE_COUNT; // Bonferroni
    return sqrt(-log(alpha / 2) / 2) * sqrt((n + m) / (n * m));
}

bool ifl_modeler_detect_distribution_shift(struct ifl_modeler *modeler,
                                           struct ifl_distribution_shift *shift)
{
    struct ifl_distribution_shift found = {0};
    const struct ifl_block *now = window(modeler), *reference = &modeler->reference;
    struct ifl_recent recent;
    double worst = -1;
    ifl_modeler_recent(modeler, &recent);
    for (int f = 0; f < IFL_FEATURE_COUNT && now->frames && reference->frames; f++) {
        const struct ifl_kll *a = &now->feature[f].sketch, *b = &reference->feature[f].sketch;
        double limit = ks_limit(worth(now->frames, recent.lag1[f]),
                                worth(reference->frames, modeler->reference_lag1[f]));
        limit += (a->levels > 1 ? SKETCH_ERROR : 0) + (b->levels > 1 ? SKETCH_ERROR : 0);
        double distance = ifl_kll_distance(a, b);
        found.shifted += distance > limit;
        if (distance / limit > worst) {
            worst = distance / limit;
            found.feature = (enum ifl_feature)f;
            found.distance = distance;
            found.limit = limit;
        }
    }
    if (shift)
        *shift = found;
    return found.shifted > 0;
}
