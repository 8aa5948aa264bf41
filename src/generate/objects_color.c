// SPDX-License-Identifier: Apache-2.0
// Colours of a new object: drawn from the distribution of the colours of all identities that may
// take part, of which each has the same small share, and not taken from some of them. The
// distribution is a Gaussian over all parts and channels together, so that trousers go with the
// jacket as often as in the stream. Luma is drawn on a logarithmic scale: clothes are mostly dark,
// and a step of a few levels is much there and little in white.
//
// Nothing shows that fewer than k identities have: how bright, dark or coloured a part may be, as
// against what is usual, is bounded by the k-th most unusual of them, for the distribution and for
// what is drawn from it. So the only red jacket of a stream is never seen, and makes nobody redder.
//
// Bounds take spread away, twice: from the colours that the distribution is of, and from what is
// drawn. Both is made up for by drawing wider, up to GAIN_MAX, as robust statistics do: of all
// Gaussians the one is looked for that has, once bounded, the spread of the bounded colours; its
// own spread is what the drawn colours are to have after bounding.
#include <math.h>
#include <string.h>

#include "generate/exact.h"
#include "generate/objects_internal.h"

enum {
    POOL_MAX = IFL_K_MAX,
    COLORS = PARTS * CHANNELS,
};

static const double STEP_MAX = 2.5; // standard deviations
static const double GAIN_MAX = 1.5; // beyond it nearly all lies on the bounds

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

static void pool_mean(const struct pool *pool, struct ifl_palette *mean)
{
    memset(mean, 0, sizeof *mean);
    for (int i = 0; i < pool->count; i++) {
        for (int part = 0; part < PARTS; part++) {
            for (int c = 0; c < CHANNELS; c++) {
                mean->mean[part][c] += pool->palette[i].mean[part][c] / (float)pool->count;
                mean->spread[part][c] += pool->palette[i].spread[part][c] / (float)pool->count;
            }
        }
    }
}

static void pool_covariance(const struct pool *pool, const struct ifl_palette *middle,
                            double cov[COLORS][COLORS])
{
    memset(cov, 0, COLORS * sizeof *cov);
    for (int i = 0; i < pool->count; i++) {
        double from[COLORS];
        for (int a = 0; a < COLORS; a++)
            from[a] = (double)(pool->palette[i].mean[a / CHANNELS][a % CHANNELS] -
                               middle->mean[a / CHANNELS][a % CHANNELS]);
        for (int a = 0; a < COLORS; a++) {
            for (int b = 0; b < COLORS; b++)
                cov[a][b] += from[a] * from[b] / pool->count;
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

// A Gaussian of unit variance in eight equal shares.
static const double NORMAL[] = {-1.663, -0.962, -0.530, -0.171, 0.171, 0.530, 0.962, 1.663};
enum { SHARES = sizeof NORMAL / sizeof *NORMAL };

// The distribution of a part's colours, as against what is usual.
struct scatter {
    const struct bounds *bounds;
    double from[CHANNELS]; // its middle
    double luma;           // its standard deviation
    double blue, red[2];   // of chroma: red by the same draw as blue, and by one of its own
};

static struct scatter part_scatter(double cov[COLORS][COLORS], const struct bounds *bounds,
                                   const float mean[CHANNELS], int part)
{
    int y = part * CHANNELS, cb = y + 1, cr = y + 2;
    struct scatter scatter = {.bounds = bounds};
    for (int c = 0; c < CHANNELS; c++)
        scatter.from[c] = (double)(mean[c] - bounds->usual[c]);
    scatter.luma = sqrt(cov[y][y]);
    scatter.blue = sqrt(cov[cb][cb]);
    scatter.red[0] = scatter.blue > 0 ? cov[cr][cb] / scatter.blue : 0;
    scatter.red[1] = sqrt(fmax(cov[cr][cr] - scatter.red[0] * scatter.red[0], 0));
    return scatter;
}

// Variance of what is drawn `gain` times as wide and then bounded.
typedef double variance_fn(const struct scatter *scatter, double gain);

static double luma_variance(const struct scatter *scatter, double gain)
{
    double sum = 0, square = 0, most = (double)scatter->bounds->luma;
    for (int i = 0; i < SHARES; i++) {
        double value = scatter->from[0] + gain * scatter->luma * NORMAL[i];
        value = fmin(fmax(value, -most), most);
        sum += value / SHARES;
        square += value * value / SHARES;
    }
    return square - sum * sum;
}

static double chroma_variance(const struct scatter *scatter, double gain)
{
    double sum[2] = {0}, square = 0, most = (double)scatter->bounds->chroma;
    for (int i = 0; i < SHARES * SHARES; i++) {
        double one = gain * NORMAL[i % SHARES], two = gain * NORMAL[i / SHARES];
        double cb = scatter->from[1] + scatter->blue * one;
        double cr = scatter->from[2] + scatter->red[0] * one + scatter->red[1] * two;
        double length = cb * cb + cr * cr;
        double keep = length > most * most ? most / sqrt(length) : 1;
        sum[0] += keep * cb / (SHARES * SHARES);
        sum[1] += keep * cr / (SHARES * SHARES);
        square += keep * keep * length / (SHARES * SHARES);
    }
    return square - sum[0] * sum[0] - sum[1] * sum[1];
}

// The gain, 1 to GAIN_MAX, that gives a variance.
static double gain_for(const struct scatter *scatter, variance_fn *variance, double wanted)
{
    double low = 1, high = GAIN_MAX;
    for (int round = 0; round < 6; round++) {
        double middle = (low + high) / 2;
        if (variance(scatter, middle) < wanted)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

// How much wider to draw than the bounded colours lie, whose variance is `now`.
static float widen(const struct scatter *scatter, variance_fn *variance, double now)
{
    double own = gain_for(scatter, variance, now);
    return (float)gain_for(scatter, variance, own * own * now);
}

// Of the first `channels`: luma alone, or all.
static void find_gains(const struct scatter *scatter, int channels, float gain[CHANNELS])
{
    const double *red = scatter->red;
    gain[0] = widen(scatter, luma_variance, scatter->luma * scatter->luma);
    if (channels == 1)
        return;
    gain[1] = widen(scatter, chroma_variance,
                    scatter->blue * scatter->blue + red[0] * red[0] + red[1] * red[1]);
    gain[2] = gain[1]; // hues stay what they are
}

static void equal_shares(const struct pool *pool, struct ifl_blend *blend)
{
    blend->count = pool->count;
    for (int i = 0; i < pool->count; i++) {
        blend->identity[i] = pool->identity[i];
        blend->weight[i] = 1.0 / pool->count;
    }
}

bool ifl_palette_choose(const struct ifl_objects *objects, enum ifl_kind_index kind,
                        const uint8_t *excluded, int k, struct ifl_rng *rng,
                        struct ifl_palette *palette, struct ifl_blend *blend)
{
    struct pool pool;
    struct bounds bounds[PARTS];
    double cov[COLORS][COLORS];
    float step[COLORS];
    fill_pool(objects, kind, excluded, &pool);
    if (pool.count < k)
        return false;
    equal_shares(&pool, blend);
    for (int part = 0; part < PARTS; part++) {
        find_bounds(&pool, part, k, &bounds[part]);
        for (int i = 0; i < pool.count; i++)
            bound(&bounds[part], pool.palette[i].mean[part]);
    }
    pool_mean(&pool, palette);
    pool_covariance(&pool, palette, cov);
    draw_step(cov, rng, step);
    for (int part = 0; part < PARTS; part++) {
        float *mean = palette->mean[part];
        // Heads differ less than their measured palettes, which have collars and shoulders in
        // them: a step of theirs in hue would look odd at once.
        int free = part == 0 ? 1 : CHANNELS;
        struct scatter scatter = part_scatter(cov, &bounds[part], mean, part);
        float gain[CHANNELS];
        find_gains(&scatter, free, gain);
        for (int c = 0; c < free; c++)
            mean[c] += gain[c] * step[part * CHANNELS + c];
        bound(&bounds[part], mean);
        mean[0] = fminf(fmaxf(from_scale(mean[0]), 8), 235);
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
