// SPDX-License-Identifier: Apache-2.0
// Colours of a new object. For each part by itself, those of the two thirds of all identities that
// are dressed most like one drawn at random, mixed by random weights of at most 1/k: where most
// wear black, most wear black. Two thirds, so that somebody who found out exactly who they were and
// named one would still be right at most half again as often as by chance. Luma is mixed on a
// logarithmic scale: clothes are mostly dark, and a step of a few levels is much there and little
// in white.
//
// Nothing shows that fewer than k identities have: how bright, dark or coloured a part may be, as
// against what is usual, is bounded by the k-th most unusual of them, for what is mixed and for
// what becomes of it. So the only red jacket of a stream is never seen, and makes nobody redder.
//
// Mixtures lie closer together than what they are made of. They are spread around the usual until
// they have, once bounded, the spread of the stream's colours over all who may be drawn; with a
// gain that leaves whoever has the mean weight at most BOUND / k of it. No weight is three times
// the mean.
#include <math.h>
#include <string.h>

#include "generate/exact.h"
#include "generate/objects_internal.h"

enum { POOL_MAX = IFL_K_MAX };

static const float BOUND = 2; // of 1 / k: what the mean weight may become once colours are spread
// How much luma and chroma of a part may be spread. A head in an unusual hue is odd at once.
static const float SPREAD_MOST[PARTS][2] = {{1.5f, 1}, {99, 99}, {99, 99}, {1.5f, 1}};
static const float CHROMA = 2; // a step of chroma is seen as one of luma twice as large

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

static const double SCALE = 80, KNEE = 48; // a grey level at luma 32

static float to_scale(float luma)
{
    return (float)(SCALE * ifl_exact_log(1 + fmax((double)luma, 0) / KNEE));
}

static float from_scale(float value)
{
    return (float)(KNEE * (ifl_exact_exp((double)value / SCALE) - 1));
}

// Steps of the scale in a grey level.
static float scale_slope(float luma)
{
    return (float)(SCALE / (KNEE + fmax((double)luma, 0)));
}

// The identities that may give their colours; luma on the logarithmic scale.
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
        pool->palette[pool->count] = objects->identity[i].palette;
        for (int part = 0; part < PARTS; part++) {
            struct ifl_palette *own = &pool->palette[pool->count];
            own->spread[part][0] *= scale_slope(own->mean[part][0]);
            own->mean[part][0] = to_scale(own->mean[part][0]);
        }
        pool->count++;
    }
}

static void sort_upwards(float *value, int count)
{
    for (int i = 1; i < count; i++) {
        float one = value[i];
        int at = i;
        for (; at > 0 && value[at - 1] > one; at--)
            value[at] = value[at - 1];
        value[at] = one;
    }
}

// What is usual for a part, and how far from it colours may lie.
struct bounds {
    float usual[CHANNELS], luma, chroma;
    float least[CHANNELS], most[CHANNELS]; // of colours that have been bounded
};

static float chroma_from(const float usual[CHANNELS], const float color[CHANNELS])
{
    float cb = color[1] - usual[1], cr = color[2] - usual[2];
    return sqrtf(cb * cb + cr * cr);
}

static void find_bounds(const struct pool *pool, int part, int k, struct bounds *bounds)
{
    float value[POOL_MAX] = {0}, chroma[POOL_MAX] = {0};
    for (int c = 0; c < CHANNELS; c++) {
        for (int i = 0; i < pool->count; i++)
            value[i] = pool->palette[i].mean[part][c];
        sort_upwards(value, pool->count);
        bounds->usual[c] = value[pool->count / 2];
    }
    for (int i = 0; i < pool->count; i++) {
        value[i] = fabsf(pool->palette[i].mean[part][0] - bounds->usual[0]);
        chroma[i] = chroma_from(bounds->usual, pool->palette[i].mean[part]);
    }
    sort_upwards(value, pool->count);
    sort_upwards(chroma, pool->count);
    bounds->luma = value[pool->count - k];
    bounds->chroma = chroma[pool->count - k];
}

static void bound(const struct bounds *bounds, float color[CHANNELS])
{
    float luma = color[0] - bounds->usual[0], chroma = chroma_from(bounds->usual, color);
    color[0] = bounds->usual[0] + fminf(fmaxf(luma, -bounds->luma), bounds->luma);
    if (chroma <= bounds->chroma)
        return;
    for (int c = 1; c < CHANNELS; c++)
        color[c] = bounds->usual[c] + (color[c] - bounds->usual[c]) * bounds->chroma / chroma;
}

static void bound_pool(struct pool *pool, int part, struct bounds *bounds)
{
    for (int i = 0; i < pool->count; i++) {
        float *mean = pool->palette[i].mean[part];
        bound(bounds, mean);
        for (int c = 0; c < CHANNELS; c++) {
            bounds->least[c] = i == 0 ? mean[c] : lesser(bounds->least[c], mean[c]);
            bounds->most[c] = i == 0 ? mean[c] : greater(bounds->most[c], mean[c]);
        }
    }
}

// Who gives a colour to a part, and how much.
struct mix {
    int count;
    int row[POOL_MAX]; // of the pool
    double weight[POOL_MAX];
};

static float unlike(const float a[CHANNELS], const float b[CHANNELS])
{
    float y = a[0] - b[0], cb = CHROMA * (a[1] - b[1]), cr = CHROMA * (a[2] - b[2]);
    return y * y + cb * cb + cr * cr;
}

// The `count` whose colours of a part are nearest to those of `anchor`, who is one of them.
static void find_nearest(const struct pool *pool, int anchor, int part, int count, struct mix *mix)
{
    float distance[POOL_MAX];
    mix->count = 0;
    for (int i = 0; i < pool->count; i++) {
        float d = unlike(pool->palette[anchor].mean[part], pool->palette[i].mean[part]);
        int at = mix->count < count ? mix->count++ : count;
        for (; at > 0 && distance[at - 1] > d; at--) {
            if (at == count)
                continue;
            distance[at] = distance[at - 1];
            mix->row[at] = mix->row[at - 1];
        }
        if (at < count) {
            distance[at] = d;
            mix->row[at] = i;
        }
    }
}

// Takes what a weight has above `most` to those that have less. count * most is at least 1.
static void cap_weights(double *weight, int count, double most)
{
    for (int round = 0; round < count; round++) {
        double beyond = 0, below = 0;
        for (int i = 0; i < count; i++) {
            beyond += fmax(weight[i] - most, 0);
            below += weight[i] < most ? weight[i] : 0;
        }
        for (int i = 0; i < count; i++)
            weight[i] = weight[i] < most ? weight[i] + beyond * weight[i] / below : most;
        if (beyond <= 0)
            return;
    }
}

static void draw_weights(struct mix *mix, int k, struct ifl_rng *rng)
{
    double sum = 0;
    for (int i = 0; i < mix->count; i++) {
        mix->weight[i] = 0.5 + ifl_rng_uniform(rng);
        sum += mix->weight[i];
    }
    for (int i = 0; i < mix->count; i++)
        mix->weight[i] /= sum;
    cap_weights(mix->weight, mix->count, 1.0 / k);
}

static void equal_weights(struct mix *mix)
{
    for (int i = 0; i < mix->count; i++)
        mix->weight[i] = 1.0 / mix->count;
}

static void mix_colors(const struct pool *pool, const struct mix *mix, int part,
                       float mean[CHANNELS], float spread[CHANNELS])
{
    for (int c = 0; c < CHANNELS; c++) {
        mean[c] = spread[c] = 0;
        for (int i = 0; i < mix->count; i++) {
            const struct ifl_palette *own = &pool->palette[mix->row[i]];
            mean[c] += (float)mix->weight[i] * own->mean[part][c];
            spread[c] += (float)mix->weight[i] * own->spread[part][c];
        }
    }
}

// Mean squares of luma and of chroma around the usual.
static void add_squares(const struct bounds *bounds, const float color[CHANNELS], float square[2])
{
    float luma = color[0] - bounds->usual[0], chroma = chroma_from(bounds->usual, color);
    square[0] += luma * luma;
    square[1] += chroma * chroma;
}

enum { SAMPLES = 16 };

// How far mixtures lie from the usual: luma, chroma.
struct scatter {
    int count;
    float from[2][SAMPLES];
};

static void scatter_mixtures(const struct pool *pool, const struct bounds *bounds, int part,
                             int count, struct scatter *scatter)
{
    scatter->count = pool->count < SAMPLES ? pool->count : SAMPLES;
    for (int i = 0; i < scatter->count; i++) {
        struct mix mix;
        float mean[CHANNELS], spread[CHANNELS];
        find_nearest(pool, i * pool->count / scatter->count, part, count, &mix);
        equal_weights(&mix);
        mix_colors(pool, &mix, part, mean, spread);
        scatter->from[0][i] = fabsf(mean[0] - bounds->usual[0]);
        scatter->from[1][i] = chroma_from(bounds->usual, mean);
    }
}

// Mean square of what is widened and then bounded.
static float widened_square(const float *from, int count, float gain, float most)
{
    float sum = 0;
    for (int i = 0; i < count; i++) {
        float value = lesser(gain * from[i], most);
        sum += value * value;
    }
    return sum / (float)count;
}

// The gain, 1 to `most`, that gives mixtures the mean square `wanted`.
static float find_gain(const float *from, int count, float bound, float wanted, float most)
{
    float low = 1, high = most;
    for (int round = 0; round < 8; round++) {
        float middle = (low + high) / 2;
        if (widened_square(from, count, middle, bound) < wanted)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

// Where nobody has a colour that is as unusual the other way, nothing is spread that way: as far
// from blue as black is, and twice that, would be green.
static void widen(const struct bounds *bounds, const float gain[2], float color[CHANNELS])
{
    for (int c = 0; c < CHANNELS; c++)
        color[c] = bounds->usual[c] + gain[c > 0] * (color[c] - bounds->usual[c]);
    bound(bounds, color);
    for (int c = 0; c < CHANNELS; c++)
        color[c] = lesser(greater(color[c], bounds->least[c]), bounds->most[c]);
}

// Each part weighs alike in what is recorded of a blend.
static void record_mix(const struct pool *pool, const struct mix *mix, struct ifl_blend *blend)
{
    for (int i = 0; i < mix->count; i++) {
        int identity = pool->identity[mix->row[i]], at = 0;
        while (at < blend->count && blend->identity[at] != identity)
            at++;
        if (at == blend->count) {
            blend->identity[blend->count] = identity;
            blend->weight[blend->count++] = 0;
        }
        blend->weight[at] += mix->weight[i] / PARTS;
    }
}

// Two thirds of all: who knew them all and took the heaviest for any of them would be right half
// again as often as by chance.
static int takers(int pool, int k)
{
    int wanted = 2 * pool / 3;
    wanted = wanted < 2 * k ? 2 * k : wanted;
    return wanted < pool ? wanted : pool;
}

bool ifl_palette_choose(const struct ifl_objects *objects, enum ifl_kind_index kind,
                        const uint8_t *excluded, int k, struct ifl_rng *rng,
                        struct ifl_palette *palette, struct ifl_blend *blend)
{
    struct pool pool;
    fill_pool(objects, kind, excluded, &pool);
    if (pool.count < k)
        return false;
    int count = takers(pool.count, k);
    blend->count = 0;
    for (int part = 0; part < PARTS; part++) {
        struct bounds bounds;
        struct mix mix;
        struct scatter scatter;
        float square[2] = {0}, gain[2], *mean = palette->mean[part];
        find_bounds(&pool, part, k, &bounds);
        for (int i = 0; i < pool.count; i++)
            add_squares(&bounds, pool.palette[i].mean[part], square);
        bound_pool(&pool, part, &bounds);
        scatter_mixtures(&pool, &bounds, part, count, &scatter);
        for (int i = 0; i < 2; i++) {
            float most = lesser(BOUND * (float)count / (float)k, SPREAD_MOST[part][i]);
            gain[i] =
                find_gain(scatter.from[i], scatter.count, i == 0 ? bounds.luma : bounds.chroma,
                          square[i] / (float)pool.count, most);
        }
        int anchor = (int)ifl_rng_below(rng, (uint32_t)pool.count);
        find_nearest(&pool, anchor, part, count, &mix);
        draw_weights(&mix, k, rng);
        mix_colors(&pool, &mix, part, mean, palette->spread[part]);
        widen(&bounds, gain, mean);
        mean[0] = fminf(fmaxf(from_scale(mean[0]), 8), 235);
        palette->spread[part][0] /= scale_slope(mean[0]);
        record_mix(&pool, &mix, blend);
    }
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
