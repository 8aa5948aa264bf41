// SPDX-License-Identifier: Apache-2.0
#include "profile/photometry.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 6, PAIRS = 40 };
#define GOOD_RESIDUAL 3.0  // grey levels: no need to look for a better first line
#define SETTLED       0.02 // grey levels: further rounds would move it by less than this

void ifl_photometry_identity(struct ifl_photometry *photometry)
{
    for (int c = 0; c < 3; c++) {
        photometry->gain[c] = 1;
        photometry->offset[c] = 0;
    }
}

struct line {
    double gain, offset;
};

// Weighted least squares of raw on plate, drawn to gain 1 as if by a plate of deviation 2.
struct sums {
    double w, p, r, pp, pr;
};

static struct line solve(const struct sums *s)
{
    if (s->w < 1e-9)
        return (struct line){1, 0};
    double p = s->p / s->w, r = s->r / s->w;
    double variance = s->pp / s->w - p * p, covariance = s->pr / s->w - p * r;
    double gain = (covariance + 4) / (variance + 4);
    gain = fmin(fmax(gain, 0.25), 4);
    return (struct line){gain, r - gain * p};
}

// 1.48 times the median of |residual|, by a histogram of quarter levels.
static double scale_of(const float *residual, int pixels)
{
    int histogram[1024] = {0}, half = pixels / 2, below = 0, bin = 0;
    for (int i = 0; i < pixels; i++) {
        int at = (int)(fabsf(residual[i]) * 4);
        histogram[at < 1023 ? at : 1023]++;
    }
    while (bin < 1023 && below + histogram[bin] <= half)
        below += histogram[bin++];
    return 1.48 * (bin + 0.5) / 4;
}

static int is_clipped(uint8_t raw)
{
    return raw <= 2 || raw >= 253;
}

static struct line refit(const uint8_t *raw, const uint8_t *plate, int pixels,
                         const float *residual, double reach)
{
    struct sums s = {0};
    for (int i = 0; i < pixels; i++) {
        double t = reach > 0 ? (double)residual[i] / reach : 0;
        if (is_clipped(raw[3 * i]) || t * t >= 1)
            continue;
        double w = (1 - t * t) * (1 - t * t), p = plate[3 * i], r = raw[3 * i];
        s.w += w;
        s.p += w * p;
        s.r += w * r;
        s.pp += w * p * p;
        s.pr += w * p * r;
    }
    return solve(&s);
}

static double typical_residual(const uint8_t *raw, const uint8_t *plate, int pixels, int step,
                               float *residual, struct line line)
{
    int count = 0;
    for (int i = 0; i < pixels; i += step)
        residual[count++] = (float)(raw[3 * i] - line.gain * plate[3 * i] - line.offset);
    return scale_of(residual, count);
}

// The line through two pixels that are far enough apart in the plate to tell a gain.
static int line_through(const uint8_t *raw, const uint8_t *plate, int a, int b, struct line *line)
{
    int apart = plate[3 * a] - plate[3 * b];
    if (abs(apart) < 24 || is_clipped(raw[3 * a]) || is_clipped(raw[3 * b]))
        return 0;
    line->gain = (double)(raw[3 * a] - raw[3 * b]) / apart;
    line->offset = raw[3 * a] - line->gain * plate[3 * a];
    return line->gain >= 0.25 && line->gain <= 4;
}

// Where to begin, so that objects cannot pull: of the least-squares line and lines through pairs of
// pixels, the one whose median residual on a part of the pixels is least.
static struct line first_line(const uint8_t *raw, const uint8_t *plate, int pixels, float *residual)
{
    struct line best = refit(raw, plate, pixels, residual, 0);
    int step = pixels / 500 + 1;
    double least = typical_residual(raw, plate, pixels, step, residual, best);
    for (int k = 0; k < PAIRS && least > GOOD_RESIDUAL; k++) {
        struct line line;
        int a = (int)((uint64_t)k * 2654435761u % (unsigned)pixels);
        int b = (int)((uint64_t)(k + PAIRS) * 2246822519u % (unsigned)pixels);
        if (!line_through(raw, plate, a, b, &line))
            continue;
        double typical = typical_residual(raw, plate, pixels, step, residual, line);
        if (typical >= least)
            continue;
        least = typical;
        best = line;
    }
    return best;
}

static struct line fit_channel(const uint8_t *raw, const uint8_t *plate, int pixels,
                               float *residual)
{
    struct line line = first_line(raw, plate, pixels, residual);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < pixels; i++)
            residual[i] = (float)(raw[3 * i] - line.gain * plate[3 * i] - line.offset);
        double reach = 4.7 * fmax(scale_of(residual, pixels), 1.0);
        struct line next = refit(raw, plate, pixels, residual, reach);
        double moved = fabs(255 * (next.gain - line.gain)) + fabs(next.offset - line.offset);
        line = next;
        if (moved < SETTLED)
            break;
    }
    return line;
}

void ifl_photometry_fit(const uint8_t *raw, const uint8_t *plate, int pixels, float *residual,
                        struct ifl_photometry *photometry)
{
    for (int c = 0; c < 3; c++) {
        struct line line = fit_channel(raw + c, plate + c, pixels, residual);
        // Below half a level anywhere, a change would only add rounding.
        if (fabs(line.offset) < 0.5 && fabs(255 * (line.gain - 1) + line.offset) < 0.5)
            line = (struct line){1, 0};
        photometry->gain[c] = (float)line.gain;
        photometry->offset[c] = (float)line.offset;
    }
}

static uint8_t canonical_of(const struct ifl_photometry *photometry, int channel, int raw)
{
    float value = ((float)raw - photometry->offset[channel]) / photometry->gain[channel];
    return (uint8_t)(fminf(fmaxf(value, 0), 255) + 0.5f);
}

void ifl_photometry_remove(const struct ifl_photometry *photometry, const uint8_t *raw, int pixels,
                           uint8_t *canonical)
{
    uint8_t table[3][256];
    bool same = true;
    for (int c = 0; c < 3; c++)
        same = same && photometry->gain[c] == 1 && photometry->offset[c] == 0;
    if (same) { // most of the time
        memcpy(canonical, raw, 3 * (size_t)pixels);
        return;
    }
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = canonical_of(photometry, c, v);
    for (int i = 0; i < pixels * 3; i += 3)
        for (int c = 0; c < 3; c++)
            canonical[i + c] = table[c][raw[i + c]];
}

void ifl_photometry_ends(const struct ifl_photometry *photometry, uint8_t low[3], uint8_t high[3])
{
    for (int c = 0; c < 3; c++) {
        low[c] = canonical_of(photometry, c, 0);
        high[c] = canonical_of(photometry, c, 255);
    }
}
