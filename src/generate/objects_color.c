// SPDX-License-Identifier: Apache-2.0
// Colours of a new object: per part the mean of at least k identities whose parts look alike, and a
// random step. Means of k are greyer and more alike than single palettes; the step has the
// covariance that they lack, over all parts and channels together, so that a set of objects has the
// colours of the stream: as bright, dark and coloured, and trousers that go with the jacket as
// often. Luma is averaged and stepped on a logarithmic scale: clothes are mostly dark, and a step
// of a few levels is much there and little in white.
#include <math.h>
#include <string.h>

#include "generate/exact.h"
#include "generate/objects_internal.h"

enum {
    POOL_MAX = 128, // at least twice IFL_K_MAX
    COLORS = PARTS * CHANNELS,
};

static const double STEP_MAX = 2; // standard deviations

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

// The identities that may give their colours; mean luma on the logarithmic scale.
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
            float *luma = &pool->palette[pool->count].mean[part][0];
            *luma = to_scale(*luma);
        }
        pool->count++;
    }
}

// The `count` members whose part is nearest to that of a model, another member, who takes no part:
// the mean of those around a colour lies nearer to it than to any of them.
static void nearest(const struct pool *pool, int model, int part, int count, int *chosen)
{
    float distance[IFL_K_MAX];
    int found = 0;
    for (int i = 0; i < pool->count; i++) {
        if (i == model)
            continue;
        float d = part_distance(&pool->palette[model], &pool->palette[i], part);
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

// What a set of means lacks: the covariance of single palettes less that of the means of each one's
// k nearest, part by part.
static void missing_covariance(const struct pool *pool, int k, double lacks[COLORS][COLORS])
{
    struct ifl_palette middle;
    for (int part = 0; part < PARTS; part++)
        part_mean(pool, NULL, pool->count, part, &middle);
    memset(lacks, 0, COLORS * sizeof *lacks);
    for (int i = 0; i < pool->count; i++) {
        struct ifl_palette mean;
        for (int part = 0; part < PARTS; part++) {
            int chosen[IFL_K_MAX];
            nearest(pool, i, part, k, chosen);
            part_mean(pool, chosen, k, part, &mean);
        }
        for (int a = 0; a < COLORS; a++) {
            for (int b = 0; b < COLORS; b++) {
                int pa = a / CHANNELS, ca = a % CHANNELS, pb = b / CHANNELS, cb = b % CHANNELS;
                double single = (double)(pool->palette[i].mean[pa][ca] - middle.mean[pa][ca]) *
                                (double)(pool->palette[i].mean[pb][cb] - middle.mean[pb][cb]);
                double blended = (double)(mean.mean[pa][ca] - middle.mean[pa][ca]) *
                                 (double)(mean.mean[pb][cb] - middle.mean[pb][cb]);
                // The parts' means are chosen apart from each other: they have nothing in common.
                lacks[a][b] += (single - (pa == pb ? blended : 0)) / pool->count;
            }
        }
    }
}

// A random vector of this covariance: by its Cholesky factor, of which what is not positive is left
// out.
static void draw_step(double cov[COLORS][COLORS], struct ifl_rng *rng, float step[COLORS])
{
    double factor[COLORS][COLORS] = {{0}}, draw[COLORS];
    for (int i = 0; i < COLORS; i++) {
        double normal = ifl_rng_normal(rng);
        draw[i] = fmin(fmax(normal, -STEP_MAX), STEP_MAX);
    }
    for (int j = 0; j < COLORS; j++) {
        double pivot = cov[j][j];
        for (int m = 0; m < j; m++)
            pivot -= factor[j][m] * factor[j][m];
        if (pivot < 1)
            continue; // less than a grey level: nothing to give back
        factor[j][j] = sqrt(pivot);
        for (int i = j + 1; i < COLORS; i++) {
            double rest = cov[i][j];
            for (int m = 0; m < j; m++)
                rest -= factor[i][m] * factor[j][m];
            factor[i][j] = rest / factor[j][j];
        }
    }
    for (int i = 0; i < COLORS; i++) {
        double sum = 0;
        for (int j = 0; j <= i; j++)
            sum += factor[i][j] * draw[j];
        step[i] = (float)sum;
    }
}

// No colour that lies far beyond all that anybody has there.
static float within(const struct pool *pool, int part, int c, float value)
{
    float least = pool->palette[0].mean[part][c], most = least;
    for (int i = 1; i < pool->count; i++) {
        least = fminf(least, pool->palette[i].mean[part][c]);
        most = fmaxf(most, pool->palette[i].mean[part][c]);
    }
    float margin = 4 + (most - least) / 10;
    return fminf(fmaxf(value, least - margin), most + margin);
}

static void choose_part(const struct pool *pool, int part, int k, const float step[COLORS],
                        struct ifl_rng *rng, struct ifl_palette *palette, struct ifl_blend *blend)
{
    int chosen[IFL_K_MAX];
    nearest(pool, (int)ifl_rng_below(rng, (uint32_t)pool->count), part, k, chosen);
    part_mean(pool, chosen, k, part, palette);
    float *mean = palette->mean[part];
    // Heads differ less than their measured palettes, which have collars and shoulders in them: a
    // step of theirs in hue would look odd at once.
    int free = part == 0 ? 1 : CHANNELS;
    for (int c = 0; c < free; c++)
        mean[c] = within(pool, part, c, mean[c] + step[part * CHANNELS + c]);
    mean[0] = fminf(fmaxf(from_scale(mean[0]), 8), 235);
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
    double lacks[COLORS][COLORS];
    float step[COLORS];
    fill_pool(objects, kind, excluded, &pool);
    if (pool.count <= k)
        return false;
    // Half as many again as promised, where there are as many, as for the shape.
    int count = k + (k + 1) / 2;
    count = count < pool.count ? count : pool.count - 1;
    count = count < IFL_K_MAX ? count : IFL_K_MAX;
    missing_covariance(&pool, count, lacks);
    draw_step(lacks, rng, step);
    for (int part = 0; part < PARTS; part++)
        choose_part(&pool, part, count, step, rng, palette, &blend[part]);
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
