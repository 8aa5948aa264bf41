// SPDX-License-Identifier: Apache-2.0
#include "kernels/rows_boxes.h"

enum { BLOCK = 64 };

// One block of columns at a time, so that the partial sums stay in registers.
static void sum_whole(const uint8_t *rows, ptrdiff_t stride, int count, uint16_t sum[BLOCK])
{
    for (int i = 0; i < BLOCK; i++)
        sum[i] = 0;
    for (int r = 0; r < count; r++, rows += stride) {
        for (int i = 0; i < BLOCK; i++)
            sum[i] = (uint16_t)(sum[i] + rows[i]);
    }
}

static void sum_columns(const uint8_t *rows, ptrdiff_t stride, int count, int columns,
                        uint16_t sum[BLOCK])
{
    for (int i = 0; i < columns; i++) {
        sum[i] = 0;
        for (int r = 0; r < count; r++)
            sum[i] = (uint16_t)(sum[i] + rows[r * stride + i]);
    }
}

static void add_rows(const uint8_t *from, ptrdiff_t stride, int rows, uint32_t weight,
                     uint32_t *sum, int count)
{
    for (int at = 0; at < count; at += BLOCK) {
        uint16_t block[BLOCK];
        int columns = count - at < BLOCK ? count - at : BLOCK;
        if (columns == BLOCK)
            sum_whole(from + at, stride, rows, block);
        else
            sum_columns(from + at, stride, rows, columns, block);
        for (int i = 0; i < columns; i++)
            sum[at + i] += block[i] * weight;
    }
}

static inline void shrink_by(const uint8_t *from, ptrdiff_t stride, int shift, uint8_t *out,
                             int count)
{
    int side = 1 << shift, half = side * side / 2;
    for (int i = 0; i < count; i++, from += side) {
        int sum = half;
        for (int r = 0; r < side; r++) {
            for (int c = 0; c < side; c++)
                sum += from[r * stride + c];
        }
        out[i] = (uint8_t)(sum >> (2 * shift));
    }
}

// A loop for each shift, with the sides known to the compiler.
static void shrink(const uint8_t *from, ptrdiff_t stride, int shift, uint8_t *out, int count)
{
    if (shift == 1)
        shrink_by(from, stride, 1, out, count);
    else if (shift == 2)
        shrink_by(from, stride, 2, out, count);
    else
        shrink_by(from, stride, 3, out, count);
}

// The product of two numbers with 15 bits behind the point, rounded: what pmulhrsw does.
static inline int multiply_q15(int a, int b)
{
    return (a * b + (1 << 14)) >> 15;
}

// Back from 6 bits behind the point.
static inline uint8_t from_q6(int value)
{
    value = (value + 32) >> 6;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void map_luma(const struct ifl_ycc_map *map, const uint8_t *y, uint8_t *out, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = from_q6(multiply_q15((y[i] - map->y_offset) * 128, map->y_y));
}

static void map_luma_mixed(const struct ifl_ycc_map *map, const uint8_t *y, const int16_t *mixed,
                           uint8_t *out, int count)
{
    for (int i = 0; i < count; i++)
        out[i] = from_q6(multiply_q15((y[i] - map->y_offset) * 128, map->y_y) + mixed[i / 2]);
}

static void map_chroma(const struct ifl_ycc_map *map, const uint8_t *cb, const uint8_t *cr,
                       uint8_t *out_cb, uint8_t *out_cr, int16_t *mixed, int count)
{
    for (int i = 0; i < count; i++) {
        int blue = (cb[i] - 128) * 128, red = (cr[i] - 128) * 128;
        out_cb[i] =
            from_q6(128 * 64 + multiply_q15(blue, map->cb_cb) + multiply_q15(red, map->cb_cr));
        out_cr[i] =
            from_q6(128 * 64 + multiply_q15(blue, map->cr_cb) + multiply_q15(red, map->cr_cr));
        if (mixed)
            mixed[i] = (int16_t)(multiply_q15(blue, map->y_cb) + multiply_q15(red, map->y_cr));
    }
}

static void running_sums(const uint32_t *sum, uint32_t *before, int count, int channels)
{
    continue_sums(sum, before, 0, count, channels, 0);
}

static void box_means(const struct ifl_row_boxes *boxes, const uint8_t *from, ptrdiff_t stride,
                      uint8_t *out)
{
    uint32_t sum[IFL_ROW_COLUMNS], before[IFL_ROW_COLUMNS + 2];
    for (int i = 0; i < boxes->columns; i++)
        sum[i] = (uint32_t)row_weight(boxes, 0) * from[i];
    for (int r = 1; r < boxes->rows; r++) {
        uint32_t weight = row_weight(boxes, r);
        for (int i = 0; i < boxes->columns; i++)
            sum[i] += weight * from[r * stride + i];
    }
    continue_sums(sum, before, 0, boxes->columns, 1, 0);
    mean_between_columns(boxes, before, out);
}

static void split_pairs(const uint8_t *pairs, uint8_t *even, uint8_t *odd, int count)
{
    for (int i = 0; i < count; i++) {
        even[i] = pairs[2 * i];
        odd[i] = pairs[2 * i + 1];
    }
}

const struct ifl_row_kernels ifl_row_kernels_c = {
    .add_rows = add_rows,
    .shrink = shrink,
    .map_luma = map_luma,
    .map_luma_mixed = map_luma_mixed,
    .map_chroma = map_chroma,
    .running_sums = running_sums,
    .add_boxes = add_boxes,
    .divide = divide,
    .box_means = box_means,
    .split_pairs = split_pairs,
};
