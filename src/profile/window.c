// SPDX-License-Identifier: Apache-2.0
#include "profile/window.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct block {
    uint64_t frames;
    struct ifl_feature_block feature[IFL_FEATURE_COUNT];
    double tile_sum[IFL_TILES][IFL_TILES];
    uint64_t foreground_frames, occupied_frames, components;
    double area_sum;
};

struct ifl_window {
    uint64_t seed, begun; // blocks begun since the start
    uint64_t block_frames;
    int current;
    struct block block[IFL_WINDOW_BLOCKS];
};

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

void ifl_feature_block_add(struct ifl_feature_block *block, enum ifl_feature feature, double value)
{
    const struct ifl_feature_row *row = ifl_feature_row(feature);
    value = value >= row->least ? fmin(value, row->greatest) : row->least; // NaN: the least
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

static void begin_block(struct ifl_window *window)
{
    window->current = (int)(window->begun % IFL_WINDOW_BLOCKS);
    struct block *block = &window->block[window->current];
    memset(block, 0, sizeof *block);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        ifl_feature_block_init(
            &block->feature[f],
            ifl_hash_mix(window->seed + window->begun * IFL_FEATURE_COUNT + (uint64_t)f));
    window->begun++;
}

struct ifl_window *ifl_window_create(int frames, uint64_t seed)
{
    struct ifl_window *window = calloc(1, sizeof *window);
    if (!window)
        return NULL;
    window->seed = seed;
    window->block_frames = ((uint64_t)frames + IFL_WINDOW_BLOCKS - 1) / IFL_WINDOW_BLOCKS;
    begin_block(window);
    return window;
}

void ifl_window_destroy(struct ifl_window *window)
{
    free(window);
}

void ifl_window_add(struct ifl_window *window, const struct ifl_features *features)
{
    if (window->block[window->current].frames >= window->block_frames)
        begin_block(window);
    struct block *block = &window->block[window->current];
    block->frames++;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        ifl_feature_block_add(&block->feature[f], (enum ifl_feature)f, features->value[f]);
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++)
            block->tile_sum[y][x] += (double)features->tile_mean[y][x];
}

void ifl_window_add_foreground(struct ifl_window *window, int components, double area_share)
{
    struct block *block = &window->block[window->current];
    block->foreground_frames++;
    block->occupied_frames += components > 0;
    block->components += (uint64_t)components;
    block->area_sum += area_share;
}

static void read_occupancy(const struct ifl_window *window, struct ifl_occupancy *occupancy)
{
    uint64_t frames = 0, occupied = 0, components = 0;
    double area = 0;
    for (int b = 0; b < IFL_WINDOW_BLOCKS; b++) {
        frames += window->block[b].foreground_frames;
        occupied += window->block[b].occupied_frames;
        components += window->block[b].components;
        area += window->block[b].area_sum;
    }
    double n = frames ? (double)frames : 1;
    *occupancy = (struct ifl_occupancy){
        .rate = (double)occupied / n, .count_mean = (double)components / n, .area_mean = area / n};
}

static void read_tiles(const struct ifl_window *window, struct ifl_profile *profile)
{
    double n = profile->window_frames ? (double)profile->window_frames : 1;
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++) {
            double sum = 0;
            for (int b = 0; b < IFL_WINDOW_BLOCKS; b++)
                sum += window->block[b].tile_sum[y][x];
            profile->tile_mean[y][x] = (float)(sum / n);
        }
}

void ifl_window_read(const struct ifl_window *window, struct ifl_profile *profile)
{
    profile->window_frames = 0;
    for (int b = 0; b < IFL_WINDOW_BLOCKS; b++)
        profile->window_frames += window->block[b].frames;
    for (int f = 0; f < IFL_FEATURE_COUNT; f++) {
        struct ifl_feature_block merged;
        ifl_feature_block_init(&merged, window->seed);
        for (int age = 1; age <= IFL_WINDOW_BLOCKS; age++) { // oldest first
            int b = (window->current + age) % IFL_WINDOW_BLOCKS;
            ifl_feature_block_merge(&merged, &window->block[b].feature[f]);
        }
        ifl_feature_block_read(&merged, &profile->feature[f]);
    }
    read_tiles(window, profile);
    read_occupancy(window, &profile->occupancy);
}
