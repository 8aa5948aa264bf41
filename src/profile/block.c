// SPDX-License-Identifier: Apache-2.0
#include "profile/block.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

void ifl_moments_add(struct ifl_moments *moments, double value)
{
    struct ifl_moments one = {.count = 1, .mean = value, .min = value, .max = value};
    ifl_moments_merge(moments, &one);
}

void ifl_moments_merge(struct ifl_moments *moments, const struct ifl_moments *other)
{
    if (other->count == 0)
        return;
    if (moments->count == 0) {
        *moments = *other;
        return;
    }
    const struct ifl_moments a = *moments, *b = other;
    double na = (double)a.count, nb = (double)b->count, n = na + nb;
    double d = b->mean - a.mean, d2 = d * d;
    moments->count = a.count + b->count;
    moments->mean = a.mean + d * nb / n;
    moments->m2 = a.m2 + b->m2 + d2 * na * nb / n;
    moments->m3 = a.m3 + b->m3 + d2 * d * na * nb * (na - nb) / (n * n) +
                  3 * d * (na * b->m2 - nb * a.m2) / n;
    moments->m4 = a.m4 + b->m4 + d2 * d2 * na * nb * (na * na - na * nb + nb * nb) / (n * n * n) +
                  6 * d2 * (na * na * b->m2 + nb * nb * a.m2) / (n * n) +
                  4 * d * (na * b->m3 - nb * a.m3) / n;
    moments->min = fmin(a.min, b->min);
    moments->max = fmax(a.max, b->max);
}

void ifl_feature_block_init(struct ifl_feature_block *block, uint64_t seed)
{
    memset(block, 0, sizeof *block);
    ifl_kll_init(&block->sketch, seed);
}

static double clamp(enum ifl_feature feature, double value)
{
    const struct ifl_feature_row *row = ifl_feature_row(feature);
    return value >= row->least ? fmin(value, row->greatest) : row->least; // NaN: the least
}

void ifl_feature_block_add(struct ifl_feature_block *block, enum ifl_feature feature, double value)
{
    const struct ifl_feature_row *row = ifl_feature_row(feature);
    value = clamp(feature, value);
    ifl_moments_add(&block->moments, value);
    ifl_kll_add(&block->sketch, (float)value);
    int bin = (int)((value - row->least) / (row->greatest - row->least) * IFL_HISTOGRAM_BINS);
    block->histogram[bin < IFL_HISTOGRAM_BINS ? bin : IFL_HISTOGRAM_BINS - 1]++;
}

void ifl_feature_block_merge(struct ifl_feature_block *block, const struct ifl_feature_block *other)
{
    ifl_moments_merge(&block->moments, &other->moments);
    for (int bin = 0; bin < IFL_HISTOGRAM_BINS; bin++)
        block->histogram[bin] += other->histogram[bin];
    ifl_kll_merge(&block->sketch, &other->sketch);
}

void ifl_feature_block_read(const struct ifl_feature_block *block, struct ifl_feature_stats *stats)
{
    const struct ifl_moments *m = &block->moments;
    memset(stats, 0, sizeof *stats);
    memcpy(stats->histogram, block->histogram, sizeof stats->histogram);
    double rank[IFL_QUANTILES];
    for (int i = 0; i < IFL_QUANTILES; i++)
        rank[i] = (double)i / (IFL_QUANTILES - 1);
    ifl_kll_quantiles(&block->sketch, rank, stats->quantile, IFL_QUANTILES);
    stats->count = m->count;
    if (m->count == 0)
        return;
    stats->mean = m->mean;
    stats->min = m->min;
    stats->max = m->max;
    double n = (double)m->count, scale = fabs(m->mean) + 1e-300;
    stats->variance = fmax(m->m2, 0) / n;
    // A spread that is only rounding has no shape.
    if (m->count < 2 || stats->variance <= 1e-24 * scale * scale)
        return;
    stats->skew = (m->m3 / n) / (stats->variance * sqrt(stats->variance));
    stats->kurtosis = (m->m4 / n) / (stats->variance * stats->variance);
}

void ifl_block_init(struct ifl_block *block, uint64_t seed)
{
    memset(block, 0, sizeof *block);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        ifl_feature_block_init(&block->feature[f],
                               ifl_hash_mix(seed * IFL_FEATURE_COUNT + (uint64_t)f));
}

double ifl_block_value(const struct ifl_features *features, enum ifl_feature feature)
{
    return clamp(feature, features->value[feature]);
}

void ifl_block_add(struct ifl_block *block, const struct ifl_features *features)
{
    double before[IFL_FEATURE_COUNT]; // deviations from the means so far
    double share = (double)block->frames / ((double)block->frames + 1);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        double value = ifl_block_value(features, (enum ifl_feature)f);
        before[f] = value - block->feature[f].moments.mean;
        ifl_feature_block_add(&block->feature[f], (enum ifl_feature)f, value);
    }
    double *product = block->product;
    for (int i = 0; i < IFL_FEATURE_COUNT; product += ++i)
        for (int j = 0; j <= i; j++)
            product[j] += before[i] * before[j] * share;
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++)
            block->tile_sum[y][x] += (double)features->tile_mean[y][x];
    block->frames++;
}

static void merge_products(struct ifl_block *block, const struct ifl_block *other)
{
    double na = (double)block->frames, nb = (double)other->frames, apart[IFL_FEATURE_COUNT];
    double share = na + nb > 0 ? na * nb / (na + nb) : 0;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        apart[f] = other->feature[f].moments.mean - block->feature[f].moments.mean;
    double *product = block->product;
    const double *more = other->product;
    for (int i = 0; i < IFL_FEATURE_COUNT; product += ++i, more += i)
        for (int j = 0; j <= i; j++)
            product[j] += more[j] + apart[i] * apart[j] * share;
}

void ifl_block_merge(struct ifl_block *block, const struct ifl_block *other)
{
    merge_products(block, other);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        ifl_feature_block_merge(&block->feature[f], &other->feature[f]);
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++)
            block->tile_sum[y][x] += other->tile_sum[y][x];
    block->frames += other->frames;
    block->foreground_frames += other->foreground_frames;
    block->occupied_frames += other->occupied_frames;
    block->objects += other->objects;
    block->area_sum += other->area_sum;
}
