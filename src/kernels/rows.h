// SPDX-License-Identifier: Apache-2.0
// The inner loops that exist once in C and once per instruction set, and the table that chooses.
// Every set gives the same bytes. Rows need no alignment; nothing is read or written beyond
// `count`.
#ifndef IFL_KERNELS_ROWS_H
#define IFL_KERNELS_ROWS_H

#include <stddef.h>
#include <stdint.h>

// A linear map of Y, Cb, Cr, factors times 2^14; see normalise.c for the arithmetic.
struct ifl_ycc_map {
    int16_t y_offset, y_y, y_cb, y_cr; // Y' = y_y (Y - y_offset) + y_cb Cb + y_cr Cr
    int16_t cb_cb, cb_cr, cr_cb, cr_cr;
};

// Boxes side by side that become a row of samples each. Units as in scale.c: a column is `sample`
// of them wide, a row of the source is weighed by how many of its units lie in the boxes.
struct ifl_row_boxes {
    int boxes, columns;         // at most IFL_ROW_COLUMNS
    const int32_t *at, *part;   // boxes + 1 borders: the column each lies in, units before it
    const uint16_t *has_border; // bit i % 16 of [i / 16]: in column i, one at most; columns + 64
    const uint16_t *column;     // the same as `at`; 32 more can be read
    uint32_t sample;
    int area;                    // units of a box, at most IFL_ROW_AREA
    int rows;                    // from first to last; a single one weighs `first`
    uint16_t first, inner, last; // all rows together at most IFL_ROWS_WEIGHT
};

enum { IFL_ROW_COLUMNS = 1920, IFL_ROW_AREA = 1 << 13, IFL_ROWS_WEIGHT = 257 };

struct ifl_row_kernels {
    // sum[i] += weight * (column i of the `rows` rows). rows <= 256; the result fits 32 bits.
    void (*add_rows)(const uint8_t *from, ptrdiff_t stride, int rows, uint32_t weight,
                     uint32_t *sum, int count);
    // out[i] = mean of the box of side 2^shift (1 to 3) at column i << shift, halves up.
    void (*shrink)(const uint8_t *from, ptrdiff_t stride, int shift, uint8_t *out, int count);
    void (*map_luma)(const struct ifl_ycc_map *map, const uint8_t *y, uint8_t *out, int count);
    // In place is allowed. `mixed`, unless NULL, takes what the chroma adds to luma, with 6 bits
    // behind the point.
    void (*map_chroma)(const struct ifl_ycc_map *map, const uint8_t *cb, const uint8_t *cr,
                       uint8_t *out_cb, uint8_t *out_cr, int16_t *mixed, int count);
    // Sample i takes mixed[i / 2].
    void (*map_luma_mixed)(const struct ifl_ycc_map *map, const uint8_t *y, const int16_t *mixed,
                           uint8_t *out, int count);
    // before[i] = the sum of the columns before i, modulo 2^32: `count` of them and then all; of
    // each of `channels` (1 or 3) that alternate.
    void (*running_sums)(const uint32_t *sum, uint32_t *before, int count, int channels);
    // box[i] += what lies between borders i and i + channels, each `part` of the column `at`; a
    // whole column has `sample` parts. Less than 2^31 at a time.
    void (*add_boxes)(const uint32_t *before, const int32_t *at, const int32_t *part,
                      uint32_t sample, double *box, int count, int channels);
    // out[i] = box[i] / area, area < 2^29, to nearest, halves up.
    void (*divide)(const double *box, int64_t area, uint8_t *out, int count);
    // out[i] = mean of box i, halves up. `from` is the first column of the first row.
    void (*box_means)(const struct ifl_row_boxes *boxes, const uint8_t *from, ptrdiff_t stride,
                      uint8_t *out);
    void (*split_pairs)(const uint8_t *pairs, uint8_t *even, uint8_t *odd, int count);
};

extern const struct ifl_row_kernels ifl_row_kernels_c, ifl_row_kernels_avx2, ifl_row_kernels_avx512;
const struct ifl_row_kernels *ifl_row_kernels(void); // the ones in force

#endif
