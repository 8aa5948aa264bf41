// SPDX-License-Identifier: Apache-2.0
#include "profile/photometry.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

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

// One channel of a picture and its plate.
struct channel {
    const uint8_t *raw, *plate;
    int pixels;
    float *residual;    // scratch of as many,
    uint16_t *quarters; // and this
};

// Weighted least squares of raw on plate, drawn to gain 1 as if by a plate of deviation 2.
static struct line refit(const struct channel *channel, double reach)
{
    double sums[5];
    ifl_pixel_kernels()->light_sums(channel->raw, channel->plate, channel->residual,
                                    channel->pixels, reach, sums);
    double w = sums[0];
    if (w < 1e-9)
        return (struct line){1, 0};
    double p = sums[1] / w, r = sums[2] / w;
    double variance = sums[3] / w - p * p, covariance = sums[4] / w - p * r;
    double gain = (covariance + 4) / (variance + 4);
    gain = fmin(fmax(gain, 0.25), 4);
    return (struct line){gain, r - gain * p};
}

// 1.48 times the median of |residual|, by quarter levels.
static double scale_of(const struct channel *channel, int pixels)
{
    int quarters =
        ifl_pixel_kernels()->median_quarters(channel->residual, pixels, channel->quarters);
    return 1.48 * (quarters + 0.5) / 4;
}

static int is_clipped(uint8_t raw)
{
    return raw <= 2 || raw >= 253;
}

static double typical_residual(const struct channel *channel, int step, struct line line)
{
    int count = 0;
    for (int i = 0; i < channel->pixels; i += step)
        channel->residual[count++] =
            (float)(channel->raw[i] - line.gain * channel->plate[i] - line.offset);
    return scale_of(channel, count);
}

// The line through two pixels that are far enough apart in the plate to tell a gain.
static int line_through(const struct channel *channel, int a, int b, struct line *line)
{
    const uint8_t *raw = channel->raw, *plate = channel->plate;
    int apart = plate[a] - plate[b];
    if (abs(apart) < 24 || is_clipped(raw[a]) || is_clipped(raw[b]))
        return 0;
    line->gain = (double)(raw[a] - raw[b]) / apart;
    line->offset = raw[a] - line->gain * plate[a];
    return line->gain >= 0.25 && line->gain <= 4;
}

// Where to begin, so that objects cannot pull: of the least-squares line and lines through pairs of
// pixels, the one whose median residual on a part of the pixels is least.
static struct line first_line(const struct channel *channel)
{
    int pixels = channel->pixels, step = pixels / 500 + 1;
    memset(channel->residual, 0, (size_t)pixels * sizeof *channel->residual); // all weigh the same
    struct line best = refit(channel, 1);
    double least = typical_residual(channel, step, best);
    for (int k = 0; k < PAIRS && least > GOOD_RESIDUAL; k++) {
        struct line line;
        int a = (int)((uint64_t)k * 2654435761u % (unsigned)pixels);
        int b = (int)((uint64_t)(k + PAIRS) * 2246822519u % (unsigned)pixels);
        if (!line_through(channel, a, b, &line))
            continue;
        double typical = typical_residual(channel, step, line);
        if (typical >= least)
            continue;
        least = typical;
        best = line;
    }
    return best;
}

static struct line fit_channel(const struct channel *channel)
{
    struct line line = first_line(channel);
    for (int round = 0; round < ROUNDS; round++) {
        ifl_pixel_kernels()->light_residuals(channel->raw, channel->plate, channel->pixels,
                                             line.gain, line.offset, channel->residual);
        double reach = 4.7 * fmax(scale_of(channel, channel->pixels), 1.0);
        struct line next = refit(channel, reach);
        double moved = fabs(255 * (next.gain - line.gain)) + fabs(next.offset - line.offset);
        line = next;
        if (moved < SETTLED)
            break;
    }
    return line;
}

void ifl_photometry_fit(const uint8_t *raw, const uint8_t *plate, int pixels, float *scratch,
                        struct ifl_photometry *photometry)
{
    uint8_t *raws = (uint8_t *)(scratch + pixels), *plates = raws + 3 * (ptrdiff_t)pixels;
    uint16_t *quarters = (uint16_t *)(void *)(plates + 3 * (ptrdiff_t)pixels);
    ifl_pixel_kernels()->split(raw, pixels, raws);
    ifl_pixel_kernels()->split(plate, pixels, plates);
    for (int c = 0; c < 3; c++) {
        const struct channel channel = {raws + (ptrdiff_t)c * pixels,
                                        plates + (ptrdiff_t)c * pixels, pixels, scratch, quarters};
        struct line line = fit_channel(&channel);
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
    value = value > 0 ? value : 0;
    return (uint8_t)((value < 255 ? value : 255) + 0.5f);
}

// The same without a division, of all values in turn, where that gives what the table holds.
static bool is_line(const uint8_t table[256][3], const float gain[3], const float offset[3])
{
    uint8_t raw[256][3], made[256][3];
    for (int v = 0; v < 256; v++)
        memset(raw[v], v, 3);
    ifl_pixel_kernels()->apply_lines(raw[0], gain, offset, 256, made[0]);
    return memcmp(made, table, sizeof made) == 0;
}

static bool is_identity(const struct ifl_photometry *photometry)
{
    bool same = true;
    for (int c = 0; c < 3; c++)
        same = same && photometry->gain[c] == 1 && photometry->offset[c] == 0;
    return same;
}

void ifl_photometry_remove(const struct ifl_photometry *photometry, const uint8_t *raw, int pixels,
                           uint8_t *canonical)
{
    uint8_t table[256][3];
    float gain[3], offset[3];
    if (is_identity(photometry)) { // most of the time
        memcpy(canonical, raw, 3 * (size_t)pixels);
        return;
    }
    for (int c = 0; c < 3; c++) {
        gain[c] = 1 / photometry->gain[c];
        offset[c] = 0.5f - photometry->offset[c] / photometry->gain[c];
        for (int v = 0; v < 256; v++)
            table[v][c] = canonical_of(photometry, c, v);
    }
    if (is_line((const uint8_t(*)[3])table, gain, offset)) { // all but always
        ifl_pixel_kernels()->apply_lines(raw, gain, offset, pixels, canonical);
        return;
    }
    for (int i = 0; i < pixels * 3; i += 3)
        for (int c = 0; c < 3; c++)
            canonical[i + c] = table[raw[i + c]][c];
}

void ifl_photometry_ends(const struct ifl_photometry *photometry, uint8_t low[3], uint8_t high[3])
{
    for (int c = 0; c < 3; c++) {
        low[c] = canonical_of(photometry, c, 0);
        high[c] = canonical_of(photometry, c, 255);
    }
}
