// SPDX-License-Identifier: Apache-2.0
#include "kernels/measure.h"

#include <stdlib.h>
#include <string.h>

static void histogram(const uint8_t *row, int count, struct ifl_row_sums *sums)
{
    int i = 0;
    for (; i + 2 <= count; i += 2) {
        uint16_t two;
        memcpy(&two, row + i, sizeof two);
        sums->pairs[two]++;
    }
    if (i < count)
        sums->single[row[i]]++;
}

static uint64_t sum(const uint8_t *row, int count)
{
    uint32_t total = 0;
    for (int i = 0; i < count; i++)
        total += row[i];
    return total;
}

static void operators(const uint8_t *above, const uint8_t *row, const uint8_t *below, int begin,
                      int end, struct ifl_operator_sums *sums)
{
    uint64_t laplacian_squares = 0, gradient_squares = 0;
    uint32_t noise = 0, edges = 0;
    for (int x = begin; x < end; x++) {
        const uint8_t *a = above + x, *b = row + x, *c = below + x;
        int laplacian = a[0] + c[0] + b[-1] + b[1] - 4 * b[0];
        int second =
            a[-1] - 2 * a[0] + a[1] - 2 * (b[-1] - 2 * b[0] + b[1]) + c[-1] - 2 * c[0] + c[1];
        int gx = a[1] + 2 * b[1] + c[1] - a[-1] - 2 * b[-1] - c[-1];
        int gy = c[-1] + 2 * c[0] + c[1] - a[-1] - 2 * a[0] - a[1];
        int squares = gx * gx + gy * gy;
        laplacian_squares += (uint64_t)(laplacian * laplacian);
        noise += (uint32_t)abs(second);
        gradient_squares += (uint64_t)squares;
        edges += squares > IFL_EDGE_MAGNITUDE * IFL_EDGE_MAGNITUDE;
    }
    sums->laplacian_squares += laplacian_squares;
    sums->noise += noise;
    sums->gradient_squares += gradient_squares;
    sums->edges += edges;
}

static uint64_t difference(const uint8_t *a, const uint8_t *b, int count)
{
    uint32_t total = 0;
    for (int i = 0; i < count; i++)
        total += (uint32_t)abs(a[i] - b[i]);
    return total;
}

void ifl_measure_columns(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                         int begin, int end, struct ifl_row_sums *sums)
{
    const int side = IFL_BLOCK_SIDE;
    int inner_begin = begin > 1 ? begin : 1, inner_end = end < width - 1 ? end : width - 1;
    histogram(row + begin, end - begin, sums);
    sums->across += difference(row + begin, row + begin + 1, inner_end - begin);
    for (int x = begin / side * side + side - 1; x < inner_end; x += side)
        sums->across_border += (uint64_t)abs(row[x] - row[x + 1]);
    if (below)
        sums->down += difference(row + begin, below + begin, end - begin);
    if (below && above)
        operators(above, row, below, inner_begin, inner_end, &sums->operators);
}

static void measure_row(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                        struct ifl_row_sums *sums)
{
    ifl_measure_columns(above, row, below, width, 0, width, sums);
}

static void chroma(const uint8_t *cb, const uint8_t *cr, int count, struct ifl_chroma_sums *sums)
{
    int32_t blue = 0, red = 0, blue_blue = 0, red_red = 0, blue_red = 0; // 2^28 at most
    for (int i = 0; i < count; i++) {
        int b = cb[i] - 128, r = cr[i] - 128;
        blue += b;
        red += r;
        blue_blue += b * b;
        red_red += r * r;
        blue_red += b * r;
    }
    sums->cb += blue;
    sums->cr += red;
    sums->cb_cb += (uint64_t)blue_blue;
    sums->cr_cr += (uint64_t)red_red;
    sums->cb_cr += blue_red;
}

// Chroma times a factor of 2^14, to 6 bits behind the point; see rows_c.c.
static inline int times(int chroma_value, int factor)
{
    return ((chroma_value - 128) * 128 * factor + (1 << 14)) >> 15;
}

static inline int min(int a, int b)
{
    return a < b ? a : b;
}

static inline int max(int a, int b)
{
    return a > b ? a : b;
}

// From 6 bits behind the point to 0..255.
static inline int whole(int value)
{
    return max(0, min(255, value >> 6));
}

// Without branches and integer division, so that compilers make wide code of it. The quotient of
// floats is nearer to its true value than that is to the next whole number, so this is the floor.
static uint64_t saturation(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int count)
{
    uint32_t total = 0;
    for (int i = 0; i < count; i++) {
        int luma = y[i] * 64 + 32;
        int r = whole(luma + times(cr[i], 22970));
        int g = whole(luma - times(cb[i], 5638) - times(cr[i], 11700));
        int b = whole(luma + times(cb[i], 29032));
        int most = max(max(r, g), b), least = min(min(r, g), b);
        total += (uint32_t)(int)((float)((most - least) * 65536) / (float)max(most, 1));
    }
    return total;
}

const struct ifl_measure_kernels ifl_measure_kernels_c = {
    .row = measure_row,
    .sum = sum,
    .chroma = chroma,
    .saturation = saturation,
};
