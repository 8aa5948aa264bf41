// SPDX-License-Identifier: Apache-2.0
#include "validate/detail.h"

#include <math.h>

#include "kernels/pixels.h"

_Static_assert(IFL_DETAIL_STRIDE == 4 && IFL_DETAIL_WINDOW == 8, "windows are made of four rows");

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

// The texture of each window of one row of them, out of the sums of its upper and its lower rows.
static void window_energies(const struct ifl_detail *grid, const uint32_t *upper,
                            const uint32_t *lower, float *energy)
{
    for (int c = 0; c < grid->columns; c++) {
        uint32_t sum = 0;
        for (int x = c * IFL_DETAIL_STRIDE; x < c * IFL_DETAIL_STRIDE + IFL_DETAIL_WINDOW; x++)
            sum += upper[x] + lower[x];
        energy[c] = sqrtf((float)sum / (IFL_DETAIL_WINDOW * IFL_DETAIL_WINDOW));
    }
}

// `scratch` holds two rows of sums, and squares of all inner pixels.
static void measure_texture(const uint8_t *rgb, int width, int height, float *energy, void *scratch)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    struct ifl_detail grid = ifl_detail_grid(width, height);
    int inner = width - 2;
    uint32_t *sum[2] = {scratch, (uint32_t *)scratch + inner};
    uint16_t *squares = (uint16_t *)(sum[1] + inner);
    if (grid.windows == 0)
        return;
    for (int y = 1; y < height - 1; y++)
        kernels->texture(rgb + 3 * y * width, width, squares + (y - 1) * inner);
    kernels->add_four(squares, inner, inner, sum[0]);
    for (int r = 0; r < grid.rows; r++) {
        kernels->add_four(squares + (r + 1) * IFL_DETAIL_STRIDE * inner, inner, inner,
                          sum[(r + 1) % 2]);
        window_energies(&grid, sum[r % 2], sum[(r + 1) % 2], energy + r * grid.columns);
    }
}

double ifl_detail_measure(const uint8_t *rgb, int width, int height, float *energy, void *scratch)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    int inner = width > 2 && height > 2 ? (width - 2) * (height - 2) : 0;
    int64_t sum, squares;
    if (inner == 0)
        return 0;
    kernels->luma(rgb, width * height, scratch);
    kernels->laplacian(scratch, width, height, &sum, &squares);
    measure_texture(rgb, width, height, energy, scratch);
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

// Of numbers: fmaxf minds NAN, and is a call.
static float larger(float a, float b)
{
    return a > b ? a : b;
}

void ifl_detail_dilate(const struct ifl_detail *grid, const float *energy, float *most)
{
    for (int r = 0; r < grid->rows; r++) {
        for (int c = 0; c < grid->columns; c++) {
            float best = 0;
            for (int v = r - 1; v <= r + 1; v++)
                for (int u = c - 1; u <= c + 1; u++)
                    if (v >= 0 && v < grid->rows && u >= 0 && u < grid->columns)
                        best = larger(best, energy[v * grid->columns + u]);
            most[r * grid->columns + c] = best;
        }
    }
}
