// SPDX-License-Identifier: Apache-2.0
#include "kernels/measure.h"

static int tile_begin(int side, int i)
{
    int begin = (int)((int64_t)side * i / IFL_TILES);
    return begin < side ? begin : side - 1;
}

void ifl_tile_bounds(int side, struct ifl_tile_bounds *bounds)
{
    for (int i = 0; i < IFL_TILES; i++) {
        int begin = tile_begin(side, i), end = i + 1 < IFL_TILES ? tile_begin(side, i + 1) : side;
        bounds->begin[i] = begin;
        bounds->end[i] = end > begin ? end : begin + 1;
    }
}

struct tiles {
    struct ifl_tile_bounds across, down;
};

static void measure_tiles(const struct ifl_measure_kernels *kernels, const uint8_t *row, int y,
                          const struct tiles *tiles, struct ifl_luma_sums *sums)
{
    for (int j = 0; j < IFL_TILES; j++) {
        if (y < tiles->down.begin[j] || y >= tiles->down.end[j])
            continue;
        for (int i = 0; i < IFL_TILES; i++) {
            int begin = tiles->across.begin[i], pixels = tiles->across.end[i] - begin;
            sums->tile[j][i] += kernels->sum(row + begin, pixels);
            sums->tile_pixels[j][i] += (uint32_t)pixels;
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
    for (int i = 0; i < 256; i++)
        sums->histogram[i] += rows->single[i];
    for (int first = 0; first < 256; first++) {
        uint32_t pixels = 0;
        for (int second = 0; second < 256; second++) {
            uint32_t pairs = rows->pairs[first << 8 | second];
            sums->histogram[second] += pairs;
            pixels += pairs;
        }
        sums->histogram[first] += pixels;
    }
    sums->operators = rows->operators;
    sums->across = (struct ifl_step_sums){rows->across, rows->across_border};
    sums->down.all = rows->down;
}

static void measure_row(const struct ifl_measure_kernels *kernels, const uint8_t *row, int y,
                        int width, int height, ptrdiff_t stride, struct ifl_row_sums *rows)
{
    bool last = y + 1 == height;
    if (y > 0 && !last)
        kernels->row(row - stride, row, row + stride, width, rows);
    else
        ifl_measure_columns(NULL, row, last ? NULL : row + stride, width, 0, width, rows);
}

// Row by row, all measures of a row while it is in the first cache, and the plane's row as soon as
// its boxes are full.
static void measure(const uint8_t *y, int width, int height, int stride,
                    const struct ifl_frame *frame, const struct ifl_plane *plane,
                    struct ifl_luma_sums *sums)
{
    const struct ifl_measure_kernels *kernels = ifl_measure_kernels();
    struct ifl_row_sums rows = {0};
    struct tiles tiles;
    int reduced = 0;
    ifl_tile_bounds(width, &tiles.across);
    ifl_tile_bounds(height, &tiles.down);
    *sums = (struct ifl_luma_sums){.laplacian = laplacian_sum(kernels, y, width, height, stride)};
    for (int i = 0; i < height; i++) {
        const uint8_t *row = y + (ptrdiff_t)i * stride;
        uint64_t down = rows.down;
        measure_row(kernels, row, i, width, height, stride, &rows);
        if (i % IFL_BLOCK_SIDE == IFL_BLOCK_SIDE - 1)
            sums->down.border += rows.down - down;
        measure_tiles(kernels, row, i, &tiles, sums);
        bool full = plane && ((i + 1) % plane->box == 0 || i + 1 == height);
        if (full && reduced < plane->height)
            ifl_plane_reduce_row(plane, frame, 0, reduced++);
    }
    take_row_sums(&rows, sums);
}

void ifl_measure_luma(const uint8_t *y, int width, int height, int stride,
                      struct ifl_luma_sums *sums)
{
    measure(y, width, height, stride, NULL, NULL, sums);
}

void ifl_measure_and_reduce(const struct ifl_frame *frame, const struct ifl_plane *plane,
                            struct ifl_luma_sums *sums)
{
    measure(frame->plane[0], frame->width, frame->height, frame->stride[0], frame, plane, sums);
}

void ifl_measure_chroma(const uint8_t *cb, int cb_stride, const uint8_t *cr, int cr_stride,
                        int width, int height, struct ifl_chroma_sums *sums)
{
    const struct ifl_measure_kernels *kernels = ifl_measure_kernels();
    *sums = (struct ifl_chroma_sums){0};
    for (ptrdiff_t i = 0; i < height; i++)
        kernels->chroma(cb + i * cb_stride, cr + i * cr_stride, width, sums);
}
