// SPDX-License-Identifier: Apache-2.0
#include "validate/light.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { ROUNDS = 8, RESIDUALS = 768, STARTS = 48, STARTS_FROM = 256 };
enum { TONE_FROM = 1500, TONE_STEPS = 24, SEED = 4711 };

static bool clipped(const uint8_t *rgb)
{
    for (int c = 0; c < 3; c++)
        if (rgb[c] <= 1 || rgb[c] >= 254)
            return true;
    return false;
}

static void set_identity(struct ifl_light *fit)
{
    memset(fit, 0, sizeof *fit);
    for (int v = 0; v < 256; v++)
        fit->tone[v] = v;
    for (int c = 0; c < 3; c++)
        fit->matrix[c][c] = fit->inverse[c][c] = 1;
    fit->gain = 1;
}

static double quantile(const uint32_t *histogram, int bins, uint64_t total, double q)
{
    uint64_t wanted = (uint64_t)(q * (double)total), seen = 0;
    for (int i = 0; i < bins; i++) {
        seen += histogram[i];
        if (seen > wanted)
            return i;
    }
    return bins - 1;
}

// Samples of one channel for the start, as pairs of plate and image.
struct samples {
    int count;
    double plate[STARTS_FROM], image[STARTS_FROM]; // the image's tone curve taken out
};

static void draw_samples(const struct ifl_light *fit, const uint8_t *image, const uint8_t *plate,
                         int pixels, int channel, struct samples *samples)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, SEED);
    samples->count = 0;
    for (int i = 0; i < STARTS_FROM; i++) {
        int at = 3 * (int)ifl_rng_below(&rng, (uint32_t)pixels);
        if (clipped(image + at))
            continue;
        samples->plate[samples->count] = plate[at + channel];
        samples->image[samples->count++] = fit->tone[image[at + channel]];
    }
}

static double median_residual(const struct samples *samples, double gain, double offset)
{
    uint32_t histogram[256] = {0};
    for (int i = 0; i < samples->count; i++) {
        double r = 2 * fabs(samples->image[i] - gain * samples->plate[i] - offset);
        histogram[r < 255 ? (int)r : 255]++;
    }
    return quantile(histogram, 256, (uint64_t)samples->count, .5);
}

// Least median of squares: of the lines through two samples each, the one that half of the samples
// are nearest to. So a start is found with up to nearly half of the picture covered.
static void find_start(const struct samples *samples, double *gain, double *offset)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, SEED + 1);
    double least = median_residual(samples, *gain, *offset);
    for (int i = 0; i < STARTS && samples->count > 1; i++) {
        uint32_t a = ifl_rng_below(&rng, (uint32_t)samples->count);
        uint32_t b = ifl_rng_below(&rng, (uint32_t)samples->count);
        double run = samples->plate[b] - samples->plate[a];
        double slope = fabs(run) >= 8 ? (samples->image[b] - samples->image[a]) / run : 1;
        double level = samples->image[a] - slope * samples->plate[a];
        double median = slope > 0 ? median_residual(samples, slope, level) : INFINITY;
        if (median < least) {
            least = median;
            *gain = slope;
            *offset = level;
        }
    }
}

static void start(const uint8_t *image, const uint8_t *plate, int pixels, struct ifl_light *fit)
{
    for (int c = 0; c < 3; c++) {
        struct samples samples;
        fit->matrix[c][c] = 1;
        fit->offset[c] = 0;
        draw_samples(fit, image, plate, pixels, c, &samples);
        find_start(&samples, &fit->matrix[c][c], &fit->offset[c]);
    }
}

static void predict(const struct ifl_light *fit, const uint8_t *plate, double out[3])
{
    for (int c = 0; c < 3; c++)
        out[c] = fit->matrix[c][0] * plate[0] + fit->matrix[c][1] * plate[1] +
                 fit->matrix[c][2] * plate[2] + fit->offset[c];
}

static double residual(const struct ifl_light *fit, const uint8_t *image, const uint8_t *plate)
{
    double out[3];
    predict(fit, plate, out);
    return fabs(fit->tone[image[0]] - out[0]) + fabs(fit->tone[image[1]] - out[1]) +
           fabs(fit->tone[image[2]] - out[2]);
}

// The median over what is not clipped.
static double typical_residual(const struct ifl_light *fit, const uint8_t *image,
                               const uint8_t *plate, int pixels, int step)
{
    uint32_t histogram[RESIDUALS] = {0};
    uint64_t total = 0;
    for (int p = 0; p < pixels; p += step) {
        if (clipped(image + 3 * p))
            continue;
        int r = (int)residual(fit, image + 3 * p, plate + 3 * p);
        histogram[r < RESIDUALS ? r : RESIDUALS - 1]++;
        total++;
    }
    return quantile(histogram, RESIDUALS, total, .5);
}

// Sums over the inliers: products of (R, G, B, 1) of the plate with each other and with the image.
struct sums {
    double self[4][4], cross[3][4];
    double count;
};

static void add_inliers(const struct ifl_light *fit, const uint8_t *image, const uint8_t *plate,
                        int pixels, int step, double limit, struct sums *sums)
{
    memset(sums, 0, sizeof *sums);
    for (int p = 0; p < pixels; p += step) {
        const uint8_t *i = image + 3 * p, *b = plate + 3 * p;
        if (clipped(i) || residual(fit, i, b) > limit)
            continue;
        double row[4] = {b[0], b[1], b[2], 1};
        for (int u = 0; u < 4; u++) {
            for (int v = 0; v < 4; v++)
                sums->self[u][v] += row[u] * row[v];
            for (int c = 0; c < 3; c++)
                sums->cross[c][u] += fit->tone[i[c]] * row[u];
        }
        sums->count++;
    }
}

static void solve_diagonal(const struct sums *sums, struct ifl_light *fit)
{
    double n = sums->count;
    for (int c = 0; c < 3; c++) {
        double mean = sums->self[c][3] / n, wanted = sums->cross[c][3] / n;
        double variance = sums->self[c][c] / n - mean * mean;
        double covariance = sums->cross[c][c] / n - mean * wanted;
        // A plate without contrast says nothing of the gain: the little ridge leaves it at 1.
        double gain = (covariance + .25) / (variance + .25);
        memset(fit->matrix[c], 0, sizeof fit->matrix[c]);
        fit->matrix[c][c] = gain;
        fit->offset[c] = wanted - gain * mean;
    }
}

// Solves a * x = b for symmetric positive a by elimination; `a` and `b` are used up.
static void solve(double a[4][4], double b[4], int n)
{
    for (int i = 0; i < n; i++) {
        for (int j = i + 1; j < n; j++) {
            double factor = a[j][i] / a[i][i];
            for (int k = i; k < n; k++)
                a[j][k] -= factor * a[i][k];
            b[j] -= factor * b[i];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int k = i + 1; k < n; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
}

// Full matrix, with a little ridge (0.05 grey levels squared) towards the diagonal solution: a
// plate of greys says little of what happens to colours.
static void solve_full(const struct sums *sums, struct ifl_light *fit)
{
    solve_diagonal(sums, fit);
    for (int c = 0; c < 3; c++) {
        double a[4][4], b[4];
        memcpy(a, sums->self, sizeof a);
        memcpy(b, sums->cross[c], sizeof b);
        for (int u = 0; u < 4; u++) {
            double ridge = sums->count * (u < 3 ? .05 : 1e-6);
            a[u][u] += ridge;
            b[u] += ridge * (u < 3 ? fit->matrix[c][u] : fit->offset[c]);
        }
        solve(a, b, 4);
        memcpy(fit->matrix[c], b, 3 * sizeof *b);
        fit->offset[c] = b[3];
    }
}

// inverse = (M'M + ridge)^-1 M': directions that the conditioning destroyed (all colour, when it
// was desaturated) come back as the plate's.
static void invert(struct ifl_light *fit)
{
    double normal[3][3], trace = 0;
    for (int u = 0; u < 3; u++) {
        for (int v = 0; v < 3; v++) {
            normal[u][v] = 0;
            for (int c = 0; c < 3; c++)
                normal[u][v] += fit->matrix[c][u] * fit->matrix[c][v];
        }
        trace += normal[u][u];
    }
    for (int c = 0; c < 3; c++) {
        double a[4][4] = {{0}}, b[4] = {0};
        for (int u = 0; u < 3; u++) {
            memcpy(a[u], normal[u], sizeof normal[u]);
            a[u][u] += 1e-4 * trace + 1e-9;
            b[u] = fit->matrix[c][u];
        }
        solve(a, b, 3);
        for (int u = 0; u < 3; u++)
            fit->inverse[u][c] = b[u];
    }
}

// The largest entry of the inverse tells how much the weakest direction was weakened.
static double weakest_gain(const struct ifl_light *fit)
{
    double most = 0;
    for (int u = 0; u < 3; u++) {
        double sum = 0;
        for (int c = 0; c < 3; c++)
            sum += fit->inverse[u][c] * fit->inverse[u][c];
        most = fmax(most, sum);
    }
    return most > 0 ? 1 / sqrt(most) : 0;
}

// Mean gain of greys; NAN where the fit is no number.
static double grey_gain(const struct ifl_light *fit)
{
    double gain = 0;
    for (int c = 0; c < 3; c++)
        for (int u = 0; u < 3; u++)
            gain += isfinite(fit->matrix[c][u]) ? fit->matrix[c][u] / 3 : NAN;
    return gain;
}

// Fits matrix and offset for the tone curve that is set. False: there is no relation to the plate.
static bool fit_colours(const uint8_t *image, const uint8_t *plate, int pixels, int step, bool full,
                        struct ifl_light *light)
{
    memset(light->matrix, 0, sizeof light->matrix);
    start(image, plate, pixels, light);
    for (int round = 0; round < ROUNDS; round++) {
        struct sums sums;
        // Three robust standard deviations, at least 3 grey levels a channel.
        double typical = typical_residual(light, image, plate, pixels, step);
        double limit = fmax(9, 3 * 1.4826 * (typical + 1));
        add_inliers(light, image, plate, pixels, step, limit, &sums);
        if (sums.count * step < .02 * pixels)
            return false;
        if (full && round >= 2)
            solve_full(&sums, light);
        else
            solve_diagonal(&sums, light);
    }
    double gain = grey_gain(light);
    return gain >= .05 && gain <= 20;
}

// The inverse of v -> base + (255 - base) (v / 255)^gamma.
static void set_tone(double log_gamma, double base, struct ifl_light *light)
{
    for (int v = 0; v < 256; v++)
        light->tone[v] = 255 * pow(fmax(0, (v - base) / (255 - base)), exp(-log_gamma));
}

// How badly a tone curve explains the image: the mean residual, of at most 15 grey levels a channel
// (what is more is foreground), in the plate's grey levels.
static double misfit(const uint8_t *image, const uint8_t *plate, int pixels, double log_gamma,
                     double base)
{
    struct ifl_light light;
    int step = pixels > 2 * TONE_FROM ? pixels / TONE_FROM : 1, count = 0;
    double sum = 0;
    set_tone(log_gamma, base, &light);
    if (!fit_colours(image, plate, pixels, step, true, &light))
        return INFINITY;
    double gain = grey_gain(&light);
    for (int p = 0; p < pixels; p += step) {
        if (clipped(image + 3 * p))
            continue;
        sum += fmin(residual(&light, image + 3 * p, plate + 3 * p) / gain, 45);
        count++;
    }
    return count ? sum / count : INFINITY;
}

// Walks to the best curve: the four neighbours at one distance, then at half of it. A curve that
// explains hardly more than none at all is noise.
static void find_tone(const uint8_t *image, const uint8_t *plate, int pixels,
                      struct ifl_light *light)
{
    double none = misfit(image, plate, pixels, 0, 0), least = none;
    double log_gamma = 0, base = 0, reach = 1;
    for (int i = 0; i < TONE_STEPS && reach > .02; i++) {
        const double next[4][2] = {{log_gamma + .4 * reach, base},
                                   {log_gamma - .4 * reach, base},
                                   {log_gamma, base + 48 * reach},
                                   {log_gamma, base - 48 * reach}};
        double before = least;
        for (int k = 0; k < 4; k++) {
            if (fabs(next[k][0]) > 2 || fabs(next[k][1]) > 200)
                continue;
            double value = misfit(image, plate, pixels, next[k][0], next[k][1]);
            if (value >= least)
                continue;
            least = value;
            log_gamma = next[k][0];
            base = next[k][1];
        }
        reach = least < before ? reach : reach / 2;
    }
    if (least < .97 * none)
        set_tone(log_gamma, base, light);
}

// How much the tone curve's inverse stretches the middle of the image's values.
static double tone_slope(const struct ifl_light *light, const uint8_t *image, int pixels, int step)
{
    uint32_t histogram[256] = {0};
    uint64_t total = 0;
    for (int p = 0; p < pixels; p += step, total++)
        histogram[image[3 * p + 1]]++;
    int middle = (int)quantile(histogram, 256, total, .5);
    int low = middle > 4 ? middle - 4 : 0, high = middle < 251 ? middle + 4 : 255;
    return (light->tone[high] - light->tone[low]) / (high - low);
}

void ifl_light_fit(const uint8_t *image, const uint8_t *plate, int pixels, bool full,
                   struct ifl_light *light)
{
    int step = pixels > 20000 ? pixels / 10000 : 1;
    set_identity(light);
    if (full)
        find_tone(image, plate, pixels, light);
    if (!fit_colours(image, plate, pixels, step, full, light)) {
        set_identity(light);
        return;
    }
    invert(light);
    light->residual = typical_residual(light, image, plate, pixels, step) / grey_gain(light);
    light->gain = weakest_gain(light) / fmax(tone_slope(light, image, pixels, step), .01);
    light->usable = true;
}

static uint8_t to_byte(double value)
{
    return (uint8_t)(value <= 0 ? 0 : value >= 255 ? 255 : value + .5);
}

void ifl_light_undo(const struct ifl_light *light, const uint8_t *image, const uint8_t *plate,
                    int pixels, uint8_t *canonical)
{
    for (int p = 0; p < pixels; p++, image += 3, plate += 3, canonical += 3) {
        double out[3], r[3];
        predict(light, plate, out);
        for (int c = 0; c < 3; c++) {
            r[c] = light->tone[image[c]] - out[c];
            if ((image[c] == 0 && r[c] > 0) || (image[c] == 255 && r[c] < 0))
                r[c] = 0;
        }
        for (int u = 0; u < 3; u++)
            canonical[u] = to_byte(plate[u] + light->inverse[u][0] * r[0] +
                                   light->inverse[u][1] * r[1] + light->inverse[u][2] * r[2]);
    }
}

double ifl_light_clipped(const struct ifl_light *light, const uint8_t *plate, int pixels)
{
    int count = 0;
    for (int p = 0; p < pixels; p++) {
        double out[3];
        predict(light, plate + 3 * p, out);
        double luma = .299 * out[0] + .587 * out[1] + .114 * out[2];
        count += luma <= light->tone[2] || luma >= light->tone[253];
    }
    return (double)count / pixels;
}
