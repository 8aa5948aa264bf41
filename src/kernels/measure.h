// SPDX-License-Identifier: Apache-2.0
// Measuring a picture: in go planes, out come integer sums, from which features.c derives what a
// user reads. Exact: every instruction set gives the same sums. Any thread, no memory of its own
// beyond 700 KiB of stack. Planes up to IFL_FRAME_SIDE_MAX on a side, at least 1.
//
// 3x3 operators are taken where all nine pixels exist, the interior: columns 1 to width - 2, rows
// 1 to height - 2; a picture of less than three columns or rows has none.
#ifndef IFL_KERNELS_MEASURE_H
#define IFL_KERNELS_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "inferloop/features.h"
#include "kernels/plane.h"

enum {
    IFL_EDGE_MAGNITUDE = 100, // Sobel magnitude above which a pixel is an edge
    IFL_BLOCK_SIDE = 8,       // of codecs
};

// Over the interior.
struct ifl_operator_sums {
    uint64_t laplacian_squares; // [0 1 0; 1 -4 1; 0 1 0]
    uint64_t noise;             // |[1 -2 1; -2 4 -2; 1 -2 1]|
    uint64_t gradient_squares;  // gx^2 + gy^2, Sobel
    uint64_t edges;             // pixels with gx^2 + gy^2 > IFL_EDGE_MAGNITUDE^2
};

// |difference| of neighbours: all, and those across the border of two blocks of a codec.
struct ifl_step_sums {
    uint64_t all, border;
};

struct ifl_luma_sums {
    uint32_t histogram[256];
    int64_t laplacian;
    struct ifl_operator_sums operators;
    struct ifl_step_sums across, down; // horizontal and vertical neighbours
    uint64_t tile[IFL_TILES][IFL_TILES];
    uint32_t tile_pixels[IFL_TILES][IFL_TILES]; // at least 1: tiles of a tiny picture share pixels
};

// Chroma minus 128.
struct ifl_chroma_sums {
    int64_t cb, cr, cb_cr;
    uint64_t cb_cb, cr_cr;
};

void ifl_measure_luma(const uint8_t *y, int width, int height, int stride,
                      struct ifl_luma_sums *sums);
// Luma of a frame, and the plane's luma while its rows are near.
void ifl_measure_and_reduce(const struct ifl_frame *frame, const struct ifl_plane *plane,
                            struct ifl_luma_sums *sums);
void ifl_measure_chroma(const uint8_t *cb, int cb_stride, const uint8_t *cr, int cr_stride,
                        int width, int height, struct ifl_chroma_sums *sums);

// The tiles of a side: each begins where the one before ends, but has a pixel at least.
struct ifl_tile_bounds {
    int begin[IFL_TILES], end[IFL_TILES];
};
void ifl_tile_bounds(int side, struct ifl_tile_bounds *bounds);

// What the rows of a picture add up to.
struct ifl_row_sums {
    // Pixels two at a time, as one number of 16 bits, and those that were left over, modulo 2^32.
    uint32_t pairs[1 << 16], single[256];
    struct ifl_operator_sums operators;
    uint64_t across, across_border, down; // steps; `down` to the row below
};

// The same loops for one row; sums are added to. Nothing is read beyond the row.
struct ifl_measure_kernels {
    // Everything about a row between two others.
    void (*row)(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                struct ifl_row_sums *sums);
    uint64_t (*sum)(const uint8_t *row, int count);
    void (*chroma)(const uint8_t *cb, const uint8_t *cr, int count, struct ifl_chroma_sums *sums);
    // Sum of floor(65536 (max - min) / max) of R, G, B (0 where max is 0); colour as in color.h but
    // with 6 bits behind the point, clamped.
    uint64_t (*saturation)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int count);
};

extern const struct ifl_measure_kernels ifl_measure_kernels_c, ifl_measure_kernels_avx2,
    ifl_measure_kernels_avx512;
const struct ifl_measure_kernels *ifl_measure_kernels(void); // the ones in force

// Columns [begin, end) of a row; what the wide versions leave over. Without `above` (the first row)
// the operators are left out, without `below` (the last) the steps down as well.
void ifl_measure_columns(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                         int begin, int end, struct ifl_row_sums *sums);

#endif
