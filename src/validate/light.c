// SPDX-License-Identifier: Apache-2.0
#include "validate/light.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { ROUNDS = 8, RESIDUALS = 768, STARTS = 48, STARTS_FROM = 256 };
enum { TONE_FROM = 1500, TONE_STEPS = 24, SEED = 4711 };

// What a fit looks at: pixels of the image that are not clipped, with the plate's.
struct evidence {
    int pixels, step;     // of the picture, and from sample to sample
    int count, stride;    // samples; planes of R, G, B, `stride` values each
    uint8_t *byte;        // of the image
    double *tone, *plate; // the image's values with the tone curve taken out
    double *residual;     // one plane
    int starts;           // samples for the start
    uint8_t start_byte[3][STARTS_FROM];
    double start_tone[3][STARTS_FROM], start_plate[3][STARTS_FROM];
    int first[STARTS], second[STARTS]; // two of them each
};

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
        fit->map.matrix[c][c] = fit->inverse[c][c] = 1;
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

static void draw_starts(const uint8_t *image, const uint8_t *plate, struct evidence *evidence)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, SEED);
    int count = 0;
    for (int i = 0; i < STARTS_FROM; i++) {
        int at = 3 * (int)ifl_rng_below(&rng, (uint32_t)evidence->pixels);
        if (clipped(image + at))
            continue;
        for (int c = 0; c < 3; c++) {
            evidence->start_byte[c][count] = image[at + c];
            evidence->start_plate[c][count] = plate[at + c];
        }
        count++;
    }
    evidence->starts = count;
    ifl_rng_init(&rng, SEED + 1);
    for (int i = 0; i < STARTS && count > 1; i++) {
        evidence->first[i] = (int)ifl_rng_below(&rng, (uint32_t)count);
        evidence->second[i] = (int)ifl_rng_below(&rng, (uint32_t)count);
    }
}

static int samples_of(int pixels, int step)
{
    return (pixels + step - 1) / step;
}

static void gather(const uint8_t *image, const uint8_t *plate, int pixels, int step, void *scratch,
                   struct evidence *evidence)
{
    int stride = samples_of(pixels, step), count = 0;
    *evidence = (struct evidence){.pixels = pixels, .step = step, .stride = stride};
    evidence->tone = scratch;
    evidence->plate = evidence->tone + 3 * (ptrdiff_t)stride;
    evidence->residual = evidence->plate + 3 * (ptrdiff_t)stride;
    evidence->byte = (uint8_t *)(evidence->residual + stride);
    for (int p = 0; p < pixels; p += step) {
        if (clipped(image + 3 * p))
            continue;
        for (int c = 0; c < 3; c++) {
            evidence->byte[c * stride + count] = image[3 * p + c];
            evidence->plate[c * stride + count] = plate[3 * p + c];
        }
        count++;
    }
    evidence->count = count;
    draw_starts(image, plate, evidence);
}

// Takes the tone curve out.
static void take_tone(const double tone[256], struct evidence *evidence)
{
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < evidence->count; i++)
            evidence->tone[c * evidence->stride + i] =
                tone[evidence->byte[c * evidence->stride + i]];
        for (int i = 0; i < evidence->starts; i++)
            evidence->start_tone[c][i] = tone[evidence->start_byte[c][i]];
    }
}

// The line through two of the samples of one channel; false where it falls.
static bool line_through(const double *plate, const double *tone, int a, int b, double *gain,
                         double *offset)
{
    double run = plate[b] - plate[a];
    *gain = fabs(run) >= 8 ? (tone[b] - tone[a]) / run : 1;
    *offset = tone[a] - *gain * plate[a];
    return *gain > 0;
}

// Half grey levels that half of the samples stay within.
static double median_residual(const double *residual, int count)
{
    uint32_t histogram[256] = {0};
    for (int i = 0; i < count; i++)
        histogram[residual[i] < 255 ? (int)residual[i] : 255]++;
    return quantile(histogram, 256, (uint64_t)count, .5);
}

// Least median of squares: of the lines through two samples each, the one that half of the samples
// are nearest to. So a start is found with up to nearly half of the picture covered.
static void find_start(const struct evidence *evidence, int c, double *gain, double *offset)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    const double *plate = evidence->start_plate[c], *tone = evidence->start_tone[c];
    int count = evidence->starts, half = (int)(.5 * count);
    double residual[STARTS_FROM], line[2];
    *gain = 1;
    *offset = 0;
    kernels->line_residuals(tone, plate, count, *gain, *offset, residual);
    double least = median_residual(residual, count);
    for (int i = 0; i < STARTS && count > 1; i++) {
        if (!line_through(plate, tone, evidence->first[i], evidence->second[i], &line[0], &line[1]))
            continue;
        kernels->line_residuals(tone, plate, count, line[0], line[1], residual);
        if (kernels->count_below(residual, count, least) <= half)
            continue; // its median is no less
        least = median_residual(residual, count);
        *gain = line[0];
        *offset = line[1];
    }
}

// The median.
static double typical_residual(const struct evidence *evidence)
{
    uint32_t histogram[RESIDUALS] = {0};
    for (int i = 0; i < evidence->count; i++) {
        int r = (int)evidence->residual[i];
        histogram[r < RESIDUALS ? r : RESIDUALS - 1]++;
    }
    return quantile(histogram, RESIDUALS, (uint64_t)evidence->count, .5);
}

static void find_residuals(const struct ifl_light *fit, struct evidence *evidence)
{
    ifl_pixel_kernels()->residuals(&fit->map, evidence->tone, evidence->plate, evidence->stride,
                                   evidence->count, evidence->residual);
}

// Sums over the inliers: products of (R, G, B, 1) of the plate with each other and with the image.
struct sums {
    double self[4][4], cross[3][4];
    double count;
};

static void add_inliers(const struct evidence *evidence, double limit, struct sums *sums)
{
    const double *plate = evidence->plate, *tone = evidence->tone;
    int stride = evidence->stride;
    memset(sums, 0, sizeof *sums);
    for (int i = 0; i < evidence->count; i++) {
        if (evidence->residual[i] > limit)
            continue;
        const double row[4] = {plate[i], plate[i + stride], plate[i + 2 * stride], 1};
        for (int u = 0; u < 3; u++)
            for (int v = 0; v < 4; v++)
                sums->self[u][v] += row[u] * row[v];
        for (int c = 0; c < 3; c++)
            for (int v = 0; v < 4; v++)
                sums->cross[c][v] += tone[i + c * stride] * row[v];
        sums->count++;
    }
    for (int u = 0; u < 3; u++)
        sums->self[3][u] = sums->self[u][3];
    sums->self[3][3] = sums->count;
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
        memset(fit->map.matrix[c], 0, sizeof fit->map.matrix[c]);
        fit->map.matrix[c][c] = gain;
        fit->map.offset[c] = wanted - gain * mean;
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
            b[u] += ridge * (u < 3 ? fit->map.matrix[c][u] : fit->map.offset[c]);
        }
        solve(a, b, 4);
        memcpy(fit->map.matrix[c], b, 3 * sizeof *b);
        fit->map.offset[c] = b[3];
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
                normal[u][v] += fit->map.matrix[c][u] * fit->map.matrix[c][v];
        }
        trace += normal[u][u];
    }
    for (int c = 0; c < 3; c++) {
        double a[4][4] = {{0}}, b[4] = {0};
        for (int u = 0; u < 3; u++) {
            memcpy(a[u], normal[u], sizeof normal[u]);
            a[u][u] += 1e-4 * trace + 1e-9;
            b[u] = fit->map.matrix[c][u];
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
            gain += isfinite(fit->map.matrix[c][u]) ? fit->map.matrix[c][u] / 3 : NAN;
    return gain;
}

// Fits matrix and offset to the evidence, whose tone curve was taken out. False: there is no
// relation to the plate.
static bool fit_colours(struct evidence *evidence, bool full, struct ifl_light *light)
{
    memset(light->map.matrix, 0, sizeof light->map.matrix);
    for (int c = 0; c < 3; c++)
        find_start(evidence, c, &light->map.matrix[c][c], &light->map.offset[c]);
    for (int round = 0; round < ROUNDS; round++) {
        struct sums sums;
        struct ifl_color_map before = light->map;
        // Three robust standard deviations, at least 3 grey levels a channel.
        find_residuals(light, evidence);
        double limit = fmax(9, 3 * 1.4826 * (typical_residual(evidence) + 1));
        add_inliers(evidence, limit, &sums);
        if (sums.count * evidence->step < .02 * evidence->pixels)
            return false;
        if (full && round >= 2)
            solve_full(&sums, light);
        else
            solve_diagonal(&sums, light);
        // The same once more would give the same.
        if (round > 2 && memcmp(&before, &light->map, sizeof before) == 0)
            break;
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
static double misfit(struct evidence *evidence, double log_gamma, double base)
{
    struct ifl_light light;
    double sum = 0;
    set_tone(log_gamma, base, &light);
    take_tone(light.tone, evidence);
    if (!fit_colours(evidence, true, &light))
        return INFINITY;
    double gain = grey_gain(&light);
    find_residuals(&light, evidence);
    for (int i = 0; i < evidence->count; i++)
        sum += fmin(evidence->residual[i] / gain, 45);
    return evidence->count ? sum / evidence->count : INFINITY;
}

// Walks to the best curve: the four neighbours at one distance, then at half of it. A curve that
// explains hardly more than none at all is noise.
static void find_tone(struct evidence *evidence, struct ifl_light *light)
{
    double none = misfit(evidence, 0, 0), least = none;
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
            double value = misfit(evidence, next[k][0], next[k][1]);
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

static int fine_step(int pixels)
{
    return pixels > 20000 ? pixels / 10000 : 1;
}

static int coarse_step(int pixels)
{
    return pixels > 2 * TONE_FROM ? pixels / TONE_FROM : 1;
}

enum { SAMPLE_BYTES = 7 * sizeof(double) + 3 };

size_t ifl_light_scratch_bytes(int pixels)
{
    int fine = samples_of(pixels, fine_step(pixels)),
        coarse = samples_of(pixels, coarse_step(pixels));
    return SAMPLE_BYTES * (size_t)(fine > coarse ? fine : coarse);
}

void ifl_light_fit(const uint8_t *image, const uint8_t *plate, int pixels, bool full, void *scratch,
                   struct ifl_light *light)
{
    struct evidence evidence;
    set_identity(light);
    if (full) {
        gather(image, plate, pixels, coarse_step(pixels), scratch, &evidence);
        find_tone(&evidence, light);
    }
    int step = fine_step(pixels);
    gather(image, plate, pixels, step, scratch, &evidence);
    take_tone(light->tone, &evidence);
    if (!fit_colours(&evidence, full, light)) {
        set_identity(light);
        return;
    }
    invert(light);
    find_residuals(light, &evidence);
    light->residual = typical_residual(&evidence) / grey_gain(light);
    light->gain = weakest_gain(light) / fmax(tone_slope(light, image, pixels, step), .01);
    light->usable = true;
}

void ifl_light_undo(const struct ifl_light *light, const uint8_t *image, const uint8_t *plate,
                    int pixels, uint8_t *canonical)
{
    enum { PART = 256 };
    uint8_t byte[3 * PART];
    double tone[3 * PART], own[3 * PART];
    for (int first = 0; first < pixels; first += PART) {
        int count = pixels - first < PART ? pixels - first : PART;
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < count; i++) {
                int at = 3 * (first + i) + c;
                byte[c * PART + i] = image[at];
                tone[c * PART + i] = light->tone[image[at]];
                own[c * PART + i] = plate[at];
            }
        ifl_pixel_kernels()->restore(&light->map, light->inverse, byte, tone, own, PART, count,
                                     canonical + 3 * first);
    }
}

static void predict(const struct ifl_light *fit, const uint8_t *plate, double out[3])
{
    for (int c = 0; c < 3; c++) {
        const double *row = fit->map.matrix[c];
        out[c] = row[0] * plate[0] + row[1] * plate[1] + row[2] * plate[2] + fit->map.offset[c];
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
