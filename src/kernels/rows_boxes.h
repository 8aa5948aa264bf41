// SPDX-License-Identifier: Apache-2.0
// Those row kernels that are plain loops, written once for compilers to make wide code of, and
// compiled once per instruction set: the last steps of scaling by area.
#ifndef IFL_KERNELS_ROWS_BOXES_H
#define IFL_KERNELS_ROWS_BOXES_H

#include "kernels/rows.h"

enum { BORDERS = 64 };

static inline void sum_up(const uint32_t *restrict sum, uint32_t *restrict before, int from,
                          int count, int channels, uint32_t all)
{
    uint32_t running[3] = {all};
    for (int i = from; i < count; i += channels) {
        for (int c = 0; c < channels; c++) {
            before[i + c] = running[c];
            running[c] += sum[i + c];
        }
    }
    for (int c = 0; c < channels; c++) // a border at the very end asks for the next column, too
        before[count + c] = before[count + channels + c] = running[c];
}

// From column `from`, before which the columns sum to `all`; with three channels from the first.
static inline void continue_sums(const uint32_t *sum, uint32_t *before, int from, int count,
                                 int channels, uint32_t all)
{
    if (channels == 1)
        sum_up(sum, before, from, count, 1, all);
    else
        sum_up(sum, before, 0, count, 3, 0);
}

// The sum up to each border; a box is the difference of two, exact although both are modulo 2^32.
static void add_boxes(const uint32_t *restrict before, const int32_t *restrict at,
                      const int32_t *restrict part, uint32_t sample, double *restrict box,
                      int count, int channels)
{
    for (int from = 0; from < count; from += BORDERS) {
        uint32_t up_to[BORDERS + 3];
        int boxes = count - from < BORDERS ? count - from : BORDERS;
        for (int i = 0; i < boxes + channels; i++) {
            uint32_t whole = before[at[from + i]], next = before[at[from + i] + channels];
            up_to[i] = whole * sample + (next - whole) * (uint32_t)part[from + i];
        }
        for (int i = 0; i < boxes; i++)
            box[from + i] += (int32_t)(up_to[i + channels] - up_to[i]);
    }
}

// The half added to the sum keeps the quotient at least 1 / (2 area) > 2^-30 from whole numbers,
// far more than floating point is off.
static void divide(const double *restrict box, int64_t area, uint8_t *restrict out, int count)
{
    const double half = (double)(area / 2) + 0.5, per_area = 1.0 / (double)area;
    for (int i = 0; i < count; i++)
        out[i] = (uint8_t)(int)((box[i] + half) * per_area);
}

// What a row weighs among those of a row of boxes.
static inline uint16_t row_weight(const struct ifl_row_boxes *boxes, int row)
{
    return row == 0 ? boxes->first : row + 1 < boxes->rows ? boxes->inner : boxes->last;
}

// The rows under the next boxes lie too far apart for the processor to foresee them. They may lie
// behind the picture: an address is only a hint.
static inline void foresee(const struct ifl_row_boxes *boxes, const uint8_t *from, ptrdiff_t stride)
{
    uintptr_t next = (uintptr_t)from + (uintptr_t)(boxes->rows * stride);
    for (int r = 0; r < boxes->rows; r++, next += (uintptr_t)stride)
        __builtin_prefetch((const void *)next);
}

// Boxes of at most IFL_ROW_AREA units: here floats are as far from going wrong as doubles above.
static inline void divide_few(const struct ifl_row_boxes *boxes, const uint32_t *restrict up_to,
                              uint8_t *restrict out)
{
    const float half = (float)(boxes->area / 2) + 0.5f, per_area = 1.0f / (float)boxes->area;
    for (int i = 0; i < boxes->boxes; i++)
        out[i] = (uint8_t)(int)(((float)(int32_t)(up_to[i + 1] - up_to[i]) + half) * per_area);
}

// From what the columns before each border sum to and the border's own column.
static inline void mean_between(const struct ifl_row_boxes *boxes, const uint32_t *restrict whole,
                                const uint32_t *restrict own, uint8_t *restrict out)
{
    uint32_t up_to[IFL_ROW_COLUMNS + 1];
    for (int i = 0; i <= boxes->boxes; i++)
        up_to[i] = whole[i] * boxes->sample + own[i] * (uint32_t)boxes->part[i];
    divide_few(boxes, up_to, out);
}

// The same where `before` holds the sums before every column.
static inline void mean_between_columns(const struct ifl_row_boxes *boxes,
                                        const uint32_t *restrict before, uint8_t *restrict out)
{
    uint32_t up_to[IFL_ROW_COLUMNS + 1];
    for (int i = 0; i <= boxes->boxes; i++) {
        uint32_t whole = before[boxes->at[i]], next = before[boxes->at[i] + 1];
        up_to[i] = whole * boxes->sample + (next - whole) * (uint32_t)boxes->part[i];
    }
    divide_few(boxes, up_to, out);
}

#endif
