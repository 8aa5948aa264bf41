// SPDX-License-Identifier: Apache-2.0
// Colours of a new object: per part the mean of k identities whose parts look alike.
#include <math.h>

#include "generate/objects_internal.h"

enum { POOL_MAX = 128 }; // at least twice IFL_K_MAX

static const float RESTORE_MAX = 1.6f;

void ifl_color_from_rgb(const uint8_t rgb[3], float color[CHANNELS])
{
    float y = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    color[0] = y;
    color[1] = 0.564f * (rgb[2] - y);
    color[2] = 0.713f * (rgb[0] - y);
}

void ifl_color_to_rgb(const float color[CHANNELS], float rgb[3])
{
    rgb[0] = color[0] + 1.402f * color[2];
    rgb[1] = color[0] - 0.344f * color[1] - 0.714f * color[2];
    rgb[2] = color[0] + 1.772f * color[1];
}

static float part_distance(const struct ifl_palette *a, const struct ifl_palette *b, int part)
{
    float sum = 0;
    for (int c = 0; c < CHANNELS; c++) {
        float weight = c == 0 ? 1.0f : 2.0f; // chroma counts more: it is what the eye groups by
        float difference = a->mean[part][c] - b->mean[part][c];
        sum += weight * difference * difference;
    }
    return sum;
}

// The identities that may give their colours.
struct pool {
    int count;
    int identity[POOL_MAX];
    struct ifl_palette palette[POOL_MAX];
};

static void fill_pool(const struct ifl_objects *objects, enum ifl_kind_index kind,
                      const uint8_t *excluded, struct pool *pool)
{
    int allowed = 0, seen = 0;
    for (int i = 0; i < objects->identities; i++)
        allowed += objects->identity[i].kind == kind && !excluded[i];
    int wanted = allowed < POOL_MAX ? allowed : POOL_MAX;
    pool->count = 0;
    for (int i = 0; i < objects->identities && pool->count < wanted; i++) {
        if (objects->identity[i].kind != kind || excluded[i])
            continue;
        if (seen++ < pool->count * allowed / wanted) // evenly, where there are too many
            continue;
        pool->identity[pool->count] = i;
        pool->palette[pool->count++] = objects->identity[i].palette;
    }
}

// The `count` members whose part is nearest to that of member `seed`, itself among them.
static void nearest(const struct pool *pool, int seed, int part, int count, int *chosen)
{
    float distance[IFL_K_MAX];
    int found = 0;
    for (int i = 0; i < pool->count; i++) {
        float d = part_distance(&pool->palette[seed], &pool->palette[i], part);
        int at = found < count ? found++ : count;
        for (; at > 0 && distance[at - 1] > d; at--) {
            if (at < count) {
                distance[at] = distance[at - 1];
                chosen[at] = chosen[at - 1];
            }
        }
        if (at < count) {
            distance[at] = d;
            chosen[at] = i;
        }
    }
}

static void part_mean(const struct pool *pool, const int *chosen, int count, int part,
                      struct ifl_palette *mean)
{
    for (int c = 0; c < CHANNELS; c++) {
        mean->mean[part][c] = mean->spread[part][c] = 0;
        for (int i = 0; i < count; i++) {
            int from = chosen ? chosen[i] : i;
            mean->mean[part][c] += pool->palette[from].mean[part][c] / (float)count;
            mean->spread[part][c] += pool->palette[from].spread[part][c] / (float)count;
        }
    }
}

static float chroma(const float color[CHANNELS])
{
    return sqrtf(color[1] * color[1] + color[2] * color[2]);
}

// Means of k hues are greyer than each: gives the mean of the k saturations back.
static float saturation_factor(const struct pool *pool, const int *chosen, int k, int part,
                               const float mean[CHANNELS])
{
    float wanted = 0, own = chroma(mean);
    for (int i = 0; i < k; i++)
        wanted += chroma(pool->palette[chosen[i]].mean[part]) / (float)k;
    return own > 0 ? fminf(fmaxf(wanted / own, 1), RESTORE_MAX) : 1;
}

// Means of k are less bright or dark than single palettes: the factor that gives all such means
// about the middle luma the spread of single ones.
static float contrast_factor(const struct pool *pool, int part, int k, float middle)
{
    float single = 0, blended = 0;
    for (int i = 0; i < pool->count; i++) {
        int chosen[IFL_K_MAX];
        struct ifl_palette mean;
        nearest(pool, i, part, k, chosen);
        part_mean(pool, chosen, k, part, &mean);
        float a = pool->palette[i].mean[part][0] - middle, b = mean.mean[part][0] - middle;
        single += a * a;
        blended += b * b;
    }
    return blended > 0 ? fminf(fmaxf(sqrtf(single / blended), 1), RESTORE_MAX) : 1;
}

static void choose_part(const struct pool *pool, int part, int k, struct ifl_rng *rng,
                        struct ifl_palette *palette, struct ifl_blend *blend)
{
    int chosen[IFL_K_MAX];
    struct ifl_palette middle;
    nearest(pool, (int)ifl_rng_below(rng, (uint32_t)pool->count), part, k, chosen);
    part_mean(pool, chosen, k, part, palette);
    part_mean(pool, NULL, pool->count, part, &middle);
    float *mean = palette->mean[part], luma = middle.mean[part][0];
    float saturation = saturation_factor(pool, chosen, k, part, mean);
    float value = luma + contrast_factor(pool, part, k, luma) * (mean[0] - luma);
    mean[0] = fminf(fmaxf(value + 3 * (float)ifl_rng_normal(rng), 8), 235);
    for (int c = 1; c < CHANNELS; c++)
        mean[c] = saturation * mean[c] + (float)ifl_rng_normal(rng);
    blend->count = k;
    for (int i = 0; i < k; i++) {
        blend->identity[i] = pool->identity[chosen[i]];
        blend->weight[i] = 1.0 / k;
    }
}

bool ifl_palette_choose(const struct ifl_objects *objects, enum ifl_kind_index kind,
                        const uint8_t *excluded, int k, struct ifl_rng *rng,
                        struct ifl_palette *palette, struct ifl_blend blend[PARTS])
{
    struct pool pool;
    fill_pool(objects, kind, excluded, &pool);
    if (pool.count < k)
        return false;
    for (int part = 0; part < PARTS; part++)
        choose_part(&pool, part, k, rng, palette, &blend[part]);
    return true;
}

void ifl_palette_apply(const struct ifl_palette *palette, struct ifl_figure *figure)
{
    for (int row = 0; row < BOX; row++) {
        float weight[PARTS];
        ifl_part_weights(figure->line, row, weight);
        for (int c = 0; c < CHANNELS; c++) {
            float mean = 0, spread = 0;
            for (int p = 0; p < PARTS; p++) {
                mean += weight[p] * palette->mean[p][c];
                spread += weight[p] * palette->spread[p][c];
            }
            for (int x = 0; x < BOX; x++) {
                float *color = &figure->color[row * BOX + x][c];
                *color = mean + spread * *color;
            }
        }
    }
}
