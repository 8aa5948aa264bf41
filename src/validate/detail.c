// SPDX-License-Identifier: Apache-2.0
#include "validate/detail.h"

#include <math.h>

struct ifl_detail ifl_detail_grid(int width, int height)
{
    struct ifl_detail grid = {0};
    if (width < IFL_DETAIL_WINDOW + 2 || height < IFL_DETAIL_WINDOW + 2)
        return grid;
    grid.columns = (width - 2 - IFL_DETAIL_WINDOW) / IFL_DETAIL_STRIDE + 1;
    grid.rows = (height - 2 - IFL_DETAIL_WINDOW) / IFL_DETAIL_STRIDE + 1;
    grid.windows = grid.columns * grid.rows;
    return grid;
}

static void to_luma(const uint8_t *rgb, int pixels, int16_t *luma)
{
    for (int p = 0; p < pixels; p++)
        luma[p] =
            (int16_t)((77 * rgb[3 * p] + 150 * rgb[3 * p + 1] + 29 * rgb[3 * p + 2] + 128) >> 8);
}

// laplacian[(y - 1) * (width - 2) + x - 1] for the inner pixels.
static void to_laplacian(const int16_t *luma, int width, int height, int16_t *laplacian)
{
    for (int y = 1; y < height - 1; y++) {
        const int16_t *row = luma + y * width + 1;
        for (int x = 0; x < width - 2; x++)
            laplacian[x] =
                (int16_t)(row[x - width] + row[x + width] + row[x - 1] + row[x + 1] - 4 * row[x]);
        laplacian += width - 2;
    }
}

static int second_difference(const uint8_t *p, int step)
{
    return p[-step] - 2 * p[0] + p[step];
}

// squares[p] = the square of what the texture filter gives, mean over R, G and B, of the inner
// pixels; luma would miss the noise of one channel.
static void to_squares(const uint8_t *rgb, int width, int height, uint16_t *squares)
{
    int stride = 3 * width;
    for (int y = 1; y < height - 1; y++) {
        const uint8_t *row = rgb + y * stride + 3;
        for (int x = 0; x < width - 2; x++, row += 3) {
            int sum = 0;
            for (int c = 0; c < 3; c++) {
                const uint8_t *p = row + c;
                int v = second_difference(p - stride, 3) - 2 * second_difference(p, 3) +
                        second_difference(p + stride, 3);
                sum += v * v;
            }
            sum /= 3;
            *squares++ = (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
        }
    }
}

static float window_energy(const uint16_t *squares, int stride)
{
    uint32_t sum = 0;
    for (int y = 0; y < IFL_DETAIL_WINDOW; y++)
        for (int x = 0; x < IFL_DETAIL_WINDOW; x++)
            sum += squares[y * stride + x];
    return sqrtf((float)sum / (IFL_DETAIL_WINDOW * IFL_DETAIL_WINDOW));
}

double ifl_detail_measure(const uint8_t *rgb, int width, int height, float *energy, void *scratch)
{
    struct ifl_detail grid = ifl_detail_grid(width, height);
    int16_t *luma = scratch, *laplacian = luma + width * height;
    int inner = width > 2 && height > 2 ? (width - 2) * (height - 2) : 0;
    if (inner == 0)
        return 0;
    to_luma(rgb, width * height, luma);
    to_laplacian(luma, width, height, laplacian);
    int64_t sum = 0, squares = 0;
    for (int p = 0; p < inner; p++) {
        sum += laplacian[p];
        squares += laplacian[p] * laplacian[p];
    }
    uint16_t *colour = scratch;
    to_squares(rgb, width, height, colour);
    for (int r = 0; r < grid.rows; r++)
        for (int c = 0; c < grid.columns; c++)
            *energy++ =
                window_energy(colour + IFL_DETAIL_STRIDE * (r * (width - 2) + c), width - 2);
    double mean = (double)sum / inner;
    return (double)squares / inner - mean * mean;
}

double ifl_detail_excess(const struct ifl_detail *grid, const float *energy, const float *most)
{
    float excess = 0;
    for (int i = 0; i < grid->windows; i++)
        excess = energy[i] - most[i] > excess ? energy[i] - most[i] : excess;
    return (double)excess;
}

void ifl_detail_dilate(const struct ifl_detail *grid, const float *energy, float *most)
{
    for (int r = 0; r < grid->rows; r++) {
        for (int c = 0; c < grid->columns; c++) {
            float best = 0;
            for (int v = r - 1; v <= r + 1; v++)
                for (int u = c - 1; u <= c + 1; u++)
                    if (v >= 0 && v < grid->rows && u >= 0 && u < grid->columns)
                        best = fmaxf(best, energy[v * grid->columns + u]);
            most[r * grid->columns + c] = best;
        }
    }
}
