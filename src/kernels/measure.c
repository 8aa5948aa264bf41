// SPDX-License-Identifier: Apache-2.0
#include "kernels/measure.h"

// Tile `i` of a side begins here; the next one's begin ends it, but each has a pixel at least.
static int tile_begin(int side, int i)
{
    int begin = (int)((int64_t)side * i / IFL_TILES);
    return begin < side ? begin : side - 1;
}

static int tile_end(int side, int i)
{
    int begin = tile_begin(side, i), end = tile_begin(side, i + 1);
    if (i == IFL_TILES - 1)
        end = side;
    return end > begin ? end : begin + 1;
}

static void measure_tiles(const struct ifl_measure_kernels *kernels, const uint8_t *row, int y,
                          int width, int height, struct ifl_luma_sums *sums)
{
    int first = (int)((int64_t)y * IFL_TILES / height); // the row's tile, or the one before it
    for (int j = first; j < IFL_TILES && tile_begin(height, j) <= y; j++) {
        if (y >= tile_end(height, j))
            continue;
        for (int i = 0; i < IFL_TILES; i++) {
            int begin = tile_begin(width, i), end = tile_end(width, i);
            sums->tile[j][i] += kernels->sum(row + begin, end - begin);
            sums->tile_pixels[j][i] += (uint32_t)(end - begin);
        }
    }
}

// The Laplacian's sum over the interior telescopes: only the two outermost rows and columns stay.
static int64_t laplacian_sum(const struct ifl_measure_kernels *kernels, const uint8_t *y, int width,
                             int height, ptrdiff_t stride)
{
    if (width < 3 || height < 3)
        return 0;
    int64_t sum = 0;
    for (int row = 1; row < height - 1; row++) {
        const uint8_t *first = y + row * stride, *last = first + width - 1;
        sum += first[0] - first[1] - last[-1] + last[0];
    }
    const uint8_t *top = y + 1, *bottom = top + (height - 1) * stride;
    sum += (int64_t)kernels->sum(top, width - 2) - (int64_t)kernels->sum(top + stride, width - 2);
    sum += (int64_t)kernels->sum(bottom, width - 2);
    return sum - (int64_t)kernels->sum(bottom - stride, width - 2);
}

static void take_row_sums(const struct ifl_row_sums *rows, struct ifl_luma_sums *sums)
{
    for (int part = 0; part < IFL_HISTOGRAM_PARTS; part++) {
        for (int i = 0; i < 256; i++)
            sums->histogram[i] += rows->parts[part][i];
    }
    sums->operators = rows->operators;
    sums->across = (struct ifl_step_sums){rows->across, rows->across_border};
    sums->down.all = rows->down;
}

// Row by row, all measures of a row while it is in the first cache.
void ifl_measure_luma(const uint8_t *y, int width, int height, int stride,
                      struct ifl_luma_sums *sums)
{
    const struct ifl_measure_kernels *kernels = ifl_measure_kernels();
    struct ifl_row_sums rows = {0};
    *sums = (struct ifl_luma_sums){.laplacian = laplacian_sum(kernels, y, width, height, stride)};
    for (int i = 0; i < height; i++) {
        const uint8_t *row = y + (ptrdiff_t)i * stride, *below = row + stride;
        uint64_t down = rows.down;
        if (i > 0 && i + 1 < height)
            kernels->row(row - stride, row, below, width, &rows);
        else
            ifl_measure_columns(NULL, row, i + 1 < height ? below : NULL, width, 0, width, &rows);
        if (i % IFL_BLOCK_SIDE == IFL_BLOCK_SIDE - 1)
            sums->down.border += rows.down - down;
        measure_tiles(kernels, row, i, width, height, sums);
    }
    take_row_sums(&rows, sums);
}

void ifl_measure_chroma(const uint8_t *cb, int cb_stride, const uint8_t *cr, int cr_stride,
                        int width, int height, struct ifl_chroma_sums *sums)
{
    const struct ifl_measure_kernels *kernels = ifl_measure_kernels();
    *sums = (struct ifl_chroma_sums){0};
    for (ptrdiff_t i = 0; i < height; i++)
        kernels->chroma(cb + i * cb_stride, cr + i * cr_stride, width, sums);
}
