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

#endif
