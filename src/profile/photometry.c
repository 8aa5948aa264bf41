// SPDX-License-Identifier: Apache-2.0
#include "profile/photometry.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

enum { ROUNDS = 6, PAIRS = 40, PART = 64 };
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
    float *residual; // scratch of as many
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

// 1.48 times the median of |residual|, by a histogram of quarter levels.
static double scale_of(const float *residual, int pixels)
{
    int histogram[1024] = {0}, half = pixels / 2, below = 0, bin = 0;
    for (int first = 0; first < pixels; first += PART) { // in parts, which compilers make wide
        int part = pixels - first < PART ? pixels - first : PART, at[PART];
        for (int i = 0; i < part; i++) {
            int quarters = (int)(fabsf(residual[first + i]) * 4);
            at[i] = quarters < 1023 ? quarters : 1023;
        }
        for (int i = 0; i < part; i++)
            histogram[at[i]]++;
    }
    while (bin < 1023 && below + histogram[bin] <= half)
        below += histogram[bin++];
    return 1.48 * (bin + 0.5) / 4;
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
    return scale_of(channel->residual, count);
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
        double reach = 4.7 * fmax(scale_of(channel->residual, channel->pixels), 1.0);
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
    uint8_t *bytes = (uint8_t *)(scratch + pixels); // two planes
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < pixels; i++) {
            bytes[i] = raw[3 * i + c];
            bytes[pixels + i] = plate[3 * i + c];
        }
        const struct channel channel = {bytes, bytes + pixels, pixels, scratch};
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
