// SPDX-License-Identifier: Apache-2.0
// The one source of all levels: pixels_avx2.c and pixels_avx512.c include it and are compiled with
// their own flags.
#include "kernels/pixels.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifndef IFL_PIXEL_KERNELS
#define IFL_PIXEL_KERNELS ifl_pixel_kernels_c
#endif

#ifndef IFL_PIXEL_SPLIT
#define IFL_PIXEL_SPLIT split
static void split(const uint8_t *restrict rgb, int pixels, uint8_t *restrict planes)
{
    uint8_t *restrict red = planes, *restrict green = planes + pixels;
    uint8_t *restrict blue = planes + 2 * (ptrdiff_t)pixels;
    for (int i = 0; i < pixels; i++) {
        red[i] = rgb[3 * i];
        green[i] = rgb[3 * i + 1];
        blue[i] = rgb[3 * i + 2];
    }
}
#endif

static inline uint8_t to_byte(int value)
{
    value = value < 0 ? 0 : value;
    return (uint8_t)(value > 255 ? 255 : value);
}

// Factors with 16 fractional bits.
static void ycc_to_rgb(const uint8_t *restrict y, const uint8_t *restrict cb,
                       const uint8_t *restrict cr, int count, uint8_t *restrict rgb)
{
    enum { HALF = 1 << 15, MIDDLE = 128 };
    for (int first = 0; first < count; first += IFL_PIXEL_RUN) {
        uint8_t part[3][IFL_PIXEL_RUN];
        int run = count - first < IFL_PIXEL_RUN ? count - first : IFL_PIXEL_RUN;
        for (int i = 0; i < run; i++) {
            int luma = (y[first + i] << 16) + HALF;
            int blue = cb[first + i] - MIDDLE, red = cr[first + i] - MIDDLE;
            part[0][i] = to_byte((luma + 91881 * red) >> 16);
            part[1][i] = to_byte((luma - 22554 * blue - 46802 * red) >> 16);
            part[2][i] = to_byte((luma + 116130 * blue) >> 16);
        }
        for (int i = 0; i < run; i++)
            for (int c = 0; c < 3; c++)
                rgb[3 * (first + i) + c] = part[c][i];
    }
}

static void differences(const uint8_t *restrict a, const uint8_t *restrict b, int pixels,
                        uint16_t *restrict sum)
{
    for (int i = 0; i < pixels; i++)
        sum[i] = (uint16_t)(abs(a[3 * i] - b[3 * i]) + abs(a[3 * i + 1] - b[3 * i + 1]) +
                            abs(a[3 * i + 2] - b[3 * i + 2]));
}

// A row of squares comes into the columns' running sums, the row that it replaces goes.
static void move_down(const int32_t *restrict square, int width, int leaves, int32_t *restrict row,
                      int32_t *restrict column)
{
    const int32_t keep = leaves ? -1 : 0;
    for (int x = 0; x < width; x++) {
        column[x] += square[x] - (row[x] & keep);
        row[x] = square[x];
    }
}

// The squares of three planes.
static void square_row(const uint8_t *restrict a, const uint8_t *restrict b, ptrdiff_t pixels,
                       int width, int32_t *restrict square)
{
    const uint8_t *restrict a1 = a + pixels, *restrict b1 = b + pixels;
    const uint8_t *restrict a2 = a1 + pixels, *restrict b2 = b1 + pixels;
    for (int x = 0; x < width; x++) {
        int16_t r = (int16_t)(a[x] - b[x]), g = (int16_t)(a1[x] - b1[x]);
        int16_t l = (int16_t)(a2[x] - b2[x]);
        square[x] = r * r + g * g + l * l;
    }
}

static void add_shifted(const int32_t *a, const int32_t *b, int shift, int count, int32_t *sum)
{
    for (int i = 0; i < count; i++)
        sum[i] = a[i] + b[i + shift];
}

// Sums of `side` neighbours out of sums of 1, 2, 4, 8: `spare` holds four rows.
static void add_across(const int32_t *column, int width, int side, int32_t *spare,
                       int32_t *restrict sum)
{
    const int32_t *power = column;
    int done = 0, count = width - side + 1;
    for (int bit = 1; bit <= side; bit *= 2) {
        if (side & bit) {
            if (done == 0)
                memcpy(sum, power, (size_t)count * sizeof *sum);
            for (int i = 0; done > 0 && i < count; i++)
                sum[i] += power[i + done];
            done += bit;
        }
        if (2 * bit <= side) {
            add_shifted(power, power, bit, width - 2 * bit + 1, spare);
            power = spare;
            spare += width;
        }
    }
}

// Boxes over a picture whose rows of squares come one after the other.
struct boxes {
    int width, side, rows, taken; // taken: rows so far
    int32_t *square, *column, *row, *spare, *difference;
};

static struct boxes begin_boxes(int width, int side, int rows, int32_t *scratch,
                                int32_t *difference)
{
    struct boxes boxes = {width, side, rows, 0, scratch, NULL, NULL, NULL, difference};
    boxes.column = boxes.square + width;
    boxes.row = boxes.column + width;
    boxes.spare = boxes.row + (ptrdiff_t)rows * width;
    memset(boxes.column, 0, (size_t)width * sizeof *boxes.column);
    return boxes;
}

static void take_row(struct boxes *b)
{
    int32_t *row = b->row + (ptrdiff_t)(b->taken % b->rows) * b->width;
    move_down(b->square, b->width, b->taken >= b->rows, row, b->column);
    if (++b->taken < b->rows)
        return;
    add_across(b->column, b->width, b->side, b->spare, b->difference);
    b->difference += b->width - b->side + 1;
}

static void boxes(const uint8_t *a, const uint8_t *b, int width, int height, int side, int rows,
                  int32_t *scratch, int32_t *difference)
{
    struct boxes boxes = begin_boxes(width, side, rows, scratch, difference);
    for (int y = 0; y < height; y++, a += width, b += width) {
        square_row(a, b, (ptrdiff_t)width * height, width, boxes.square);
        take_row(&boxes);
    }
}

static void least(int32_t *restrict least_so_far, const int32_t *restrict other, int count)
{
    for (int i = 0; i < count; i++)
        least_so_far[i] = other[i] < least_so_far[i] ? other[i] : least_so_far[i];
}

static int64_t squares(const uint8_t *restrict a, const uint8_t *restrict b, int count)
{
    int64_t total = 0;
    while (count > 0) {
        int32_t sum = 0; // 4096 squares of 255 stay far below its limit
        int part = count < 4096 ? count : 4096;
        for (int i = 0; i < part; i++) {
            int16_t d = (int16_t)(a[i] - b[i]);
            sum += d * d;
        }
        total += sum;
        a += part;
        b += part;
        count -= part;
    }
    return total;
}

static void luma(const uint8_t *restrict rgb, int pixels, int16_t *restrict to)
{
    for (int p = 0; p < pixels; p++)
        to[p] =
            (int16_t)((77 * rgb[3 * p] + 150 * rgb[3 * p + 1] + 29 * rgb[3 * p + 2] + 128) >> 8);
}

static void laplacian(const int16_t *y, int width, int height, int64_t *sum, int64_t *square)
{
    *sum = *square = 0;
    for (int i = 1; i < height - 1; i++) {
        const int16_t *restrict row = y + (ptrdiff_t)i * width + 1;
        for (int first = 0; first < width - 2; first += 1024) {
            int32_t part = 0, squared = 0; // 1024 squares of 1020 fit
            int last = first + 1024 < width - 2 ? first + 1024 : width - 2;
            for (int x = first; x < last; x++) {
                int16_t v = (int16_t)(row[x - width] + row[x + width] + row[x - 1] + row[x + 1] -
                                      4 * row[x]);
                part += v;
                squared += v * v;
            }
            *sum += part;
            *square += squared;
        }
    }
}

static inline int second_difference(const uint8_t *p)
{
    return p[-3] - 2 * p[0] + p[3];
}

static void texture(const uint8_t *restrict row, int width, uint16_t *restrict squared)
{
    const ptrdiff_t stride = 3 * (ptrdiff_t)width;
    enum { PART = 64 };
    for (int first = 1; first < width - 1; first += PART) {
        int32_t square[3 * PART];
        int count = width - 1 - first < PART ? width - 1 - first : PART;
        const uint8_t *at = row + 3 * (ptrdiff_t)first;
        for (int i = 0; i < 3 * count; i++) {
            int v = second_difference(at + i - stride) - 2 * second_difference(at + i) +
                    second_difference(at + i + stride);
            square[i] = v * v;
        }
        for (int i = 0; i < count; i++) {
            int mean = (square[3 * i] + square[3 * i + 1] + square[3 * i + 2]) / 3;
            squared[first - 1 + i] = (uint16_t)(mean < UINT16_MAX ? mean : UINT16_MAX);
        }
    }
}

static void add_four(const uint16_t *restrict rows, int stride, int count, uint32_t *restrict sum)
{
    for (int i = 0; i < count; i++)
        sum[i] = (uint32_t)rows[i] + rows[i + stride] + rows[i + 2 * stride] + rows[i + 3 * stride];
}

static void majority(const uint8_t *restrict row, int stride, int width, uint8_t *restrict mask)
{
    const uint8_t *restrict up = row - stride, *restrict down = row + stride;
    for (int x = 1; x < width - 1; x++) {
        uint8_t count = (uint8_t)(up[x - 1] + up[x] + up[x + 1] + row[x - 1] + row[x] + row[x + 1] +
                                  down[x - 1] + down[x] + down[x + 1]);
        mask[x] = count >= 5;
    }
}

static void subtract(const uint8_t *restrict rgb, const uint8_t *restrict plate,
                     const uint8_t low[3], const uint8_t high[3], int count,
                     int16_t *restrict difference)
{
    enum { PART = 96 };
    uint8_t least[PART], most[PART];
    for (int i = 0; i < PART; i++) {
        least[i] = low[i % 3];
        most[i] = high[i % 3];
    }
    for (int first = 0; first < count; first += PART) {
        int part = count - first < PART ? count - first : PART;
        for (int i = 0; i < part; i++) { // in bytes as long as possible
            uint8_t x = rgb[first + i], p = plate[first + i], darker = p < x ? p : x;
            p = x >= most[i] ? darker : p;
            uint8_t lighter = p > x ? p : x;
            p = x <= least[i] ? lighter : p;
            difference[first + i] = (int16_t)(x - p);
        }
    }
}

static void smooth_across(const int16_t *restrict row, int width, int16_t *restrict to)
{
    int count = 3 * width;
    for (int i = 3; i < count - 3; i++)
        to[i] = (int16_t)(row[i - 3] + 2 * row[i] + row[i + 3]);
    for (int c = 0; c < 3; c++) {
        int last = count - 3 + c;
        to[c] = (int16_t)(3 * row[c] + (width > 1 ? row[c + 3] : row[c]));
        to[last] = width > 1 ? (int16_t)(row[last - 3] + 3 * row[last]) : to[last];
    }
}

static void smooth_down(const int16_t *restrict up, const int16_t *restrict row,
                        const int16_t *restrict down, int count, int16_t *restrict to)
{
    for (int i = 0; i < count; i++) {
        int16_t sum = (int16_t)(up[i] + 2 * row[i] + down[i] + 8); // fits, and halves the steps
        to[i] = (int16_t)(sum >> 4);
    }
}

static inline uint16_t absolute(int16_t value)
{
    return (uint16_t)(value < 0 ? -value : value);
}

static void strengths(const int16_t *restrict difference, int pixels, uint16_t *restrict strength)
{
    for (int i = 0; i < pixels; i++) {
        int16_t r = difference[3 * i], g = difference[3 * i + 1], b = difference[3 * i + 2];
        uint16_t light = absolute((int16_t)(r + 2 * g + b));
        uint16_t colour = (uint16_t)(absolute((int16_t)(r - g)) + absolute((int16_t)(b - g)));
        strength[i] = (uint16_t)(light / 4 + colour / 2);
    }
}

static void strong(const uint16_t *restrict strength, const uint8_t *restrict noise, int least,
                   int count, uint8_t *restrict flag)
{
    const uint16_t from = (uint16_t)least;
    for (int i = 0; i < count; i++)
        flag[i] = strength[i] >= (uint16_t)(from + noise[i] / 2);
}

static void bridge(const uint8_t *restrict old, int stride, int count, uint8_t *restrict mask)
{
    const uint8_t *restrict up = old - stride, *restrict up2 = up - stride;
    const uint8_t *restrict up3 = up2 - stride, *restrict down = old + stride;
    const uint8_t *restrict down2 = down + stride, *restrict down3 = down2 + stride;
    for (int i = 0; i < count; i++) {
        uint8_t two = down[i] | down2[i];
        uint8_t column = (up[i] & (two | down3[i])) | (up2[i] & two) | (up3[i] & down[i]);
        uint8_t row = (old[i - 1] & (old[i + 1] | old[i + 2])) | (old[i - 2] & old[i + 1]);
        mask[i] = old[i] | column | row;
    }
}

static void grow(const uint8_t *restrict old, int stride, const uint8_t *restrict open, int count,
                 uint8_t *restrict mask)
{
    const uint8_t *restrict up = old - stride, *restrict down = old + stride;
    for (int i = 0; i < count; i++)
        mask[i] = (uint8_t)(old[i] | (open[i] & (old[i - 1] | old[i + 1] | up[i] | down[i])));
}

// What seven rows of pixels add up to, a column each.
struct columns {
    int32_t value[IFL_PIXEL_RUN + 6], ramp[IFL_PIXEL_RUN + 6], bump[IFL_PIXEL_RUN + 6];
    int32_t color[IFL_PIXEL_RUN + 6], green[IFL_PIXEL_RUN + 6];
};

static void add_row(const uint8_t *restrict rgb, int width, int ramp, int bump,
                    struct columns *restrict columns)
{
    for (int x = 0; x < width; x++) {
        int value = rgb[3 * x] + rgb[3 * x + 1] + rgb[3 * x + 2];
        columns->value[x] += value;
        columns->ramp[x] += ramp * value;
        columns->bump[x] += bump * value;
        columns->color[x] += rgb[3 * x] - rgb[3 * x + 2];
        columns->green[x] += rgb[3 * x + 1];
    }
}

static void add_seven(const int32_t *restrict row, int count, int32_t *restrict sum)
{
    for (int x = 0; x < count; x++)
        sum[x] =
            row[x] + row[x + 1] + row[x + 2] + row[x + 3] + row[x + 4] + row[x + 5] + row[x + 6];
}

static void ramp_seven(const int32_t *restrict row, int count, int32_t *restrict sum)
{
    for (int x = 0; x < count; x++)
        sum[x] = row[x + 4] + row[x + 5] + row[x + 6] - row[x] - row[x + 1] - row[x + 2];
}

static void bump_seven(const int32_t *restrict row, int count, int32_t *restrict sum)
{
    for (int x = 0; x < count; x++)
        sum[x] = 3 * (row[x] + row[x + 1] + row[x + 5] + row[x + 6]) -
                 4 * (row[x + 2] + row[x + 3] + row[x + 4]);
}

static void patch_sums(const uint8_t *rgb, int stride, int count, int32_t *sum)
{
    static const int ramp[7] = {-1, -1, -1, 0, 1, 1, 1}, bump[7] = {3, 3, -4, -4, -4, 3, 3};
    struct columns columns;
    memset(&columns, 0, sizeof columns);
    for (int y = 0; y < 7; y++)
        add_row(rgb + (ptrdiff_t)y * stride, count + 6, ramp[y], bump[y], &columns);
    add_seven(columns.value, count, sum);
    ramp_seven(columns.value, count, sum + IFL_PIXEL_RUN);
    add_seven(columns.ramp, count, sum + 2 * IFL_PIXEL_RUN);
    add_seven(columns.color, count, sum + 3 * IFL_PIXEL_RUN);
    ramp_seven(columns.ramp, count, sum + 4 * IFL_PIXEL_RUN);
    bump_seven(columns.value, count, sum + 5 * IFL_PIXEL_RUN);
    add_seven(columns.bump, count, sum + 6 * IFL_PIXEL_RUN);
    add_seven(columns.green, count, sum + 7 * IFL_PIXEL_RUN);
}

static void same(const uint8_t (*restrict a)[IFL_PIXEL_RUN],
                 const uint8_t (*restrict b)[IFL_PIXEL_RUN], uint8_t radius, uint8_t *restrict flag)
{
    for (int i = 0; i < IFL_PIXEL_RUN; i++) {
        uint8_t most = 0;
        for (int c = 0; c < 3; c++) {
            uint8_t high = a[c][i] > b[c][i] ? a[c][i] : b[c][i];
            uint8_t low = a[c][i] > b[c][i] ? b[c][i] : a[c][i], d = (uint8_t)(high - low);
            most = most > d ? most : d;
        }
        flag[i] = most <= radius ? 0xff : 0;
    }
}

// The same ground as a sample is what lies from `low` to `span` above. Bytes all along: of wider
// numbers compilers make many more steps.
static inline void reach_out(const uint8_t *restrict sample, uint8_t *restrict low,
                             uint8_t *restrict span)
{
    for (int i = 0; i < IFL_PIXEL_RUN; i++) {
        uint8_t from = sample[i] > IFL_GROUND_RADIUS ? sample[i] : IFL_GROUND_RADIUS;
        uint8_t to = sample[i] < 255 - IFL_GROUND_RADIUS ? sample[i] : 255 - IFL_GROUND_RADIUS;
        low[i] = (uint8_t)(from - IFL_GROUND_RADIUS);
        span[i] = (uint8_t)(to + IFL_GROUND_RADIUS - low[i]);
    }
}

// Samples that are the same ground vote for each other: b's vote for the one that reaches from
// `low` on, and that one's vote, which weighs `weight`, for b.
static inline void vote(const uint8_t (*restrict low)[IFL_PIXEL_RUN],
                        const uint8_t (*restrict span)[IFL_PIXEL_RUN],
                        const uint8_t *restrict weight, uint8_t *restrict votes,
                        const uint8_t (*restrict b)[IFL_PIXEL_RUN],
                        const uint8_t *restrict b_weight, uint8_t *restrict b_votes)
{
    for (int i = 0; i < IFL_PIXEL_RUN; i++) {
        uint8_t red = (uint8_t)(b[0][i] - low[0][i]), green = (uint8_t)(b[1][i] - low[1][i]);
        uint8_t blue = (uint8_t)(b[2][i] - low[2][i]);
        bool is_same = (red <= span[0][i]) & (green <= span[1][i]) & (blue <= span[2][i]);
        uint8_t flag = is_same ? 0xff : 0;
        votes[i] = (uint8_t)(votes[i] + (flag & b_weight[i]));
        b_votes[i] = (uint8_t)(b_votes[i] + (flag & weight[i]));
    }
}

// Sample `a` and all before it.
static void vote_before(struct ifl_ground *run, int a)
{
    enum { RUN = IFL_PIXEL_RUN };
    uint8_t low[3][RUN], span[3][RUN], votes[RUN], weight[RUN];
    memcpy(votes, run->votes[a], sizeof votes);
    memcpy(weight, run->weight[a], sizeof weight);
    for (int c = 0; c < 3; c++)
        reach_out(run->value[a][c], low[c], span[c]);
    for (int b = 0; b < a; b++)
        vote((const uint8_t(*)[RUN])low, (const uint8_t(*)[RUN])span, weight, votes,
             (const uint8_t(*)[RUN])run->value[b], run->weight[b], run->votes[b]);
    memcpy(run->votes[a], votes, sizeof votes);
}

static inline void prefer(const uint8_t (*restrict value)[IFL_PIXEL_RUN],
                          const uint8_t *restrict votes, uint8_t *restrict most,
                          uint8_t (*restrict best)[IFL_PIXEL_RUN])
{
    for (int i = 0; i < IFL_PIXEL_RUN; i++) {
        uint8_t better = votes[i] >= most[i] ? 0xff : 0;
        most[i] = votes[i] > most[i] ? votes[i] : most[i];
        for (int c = 0; c < 3; c++)
            best[c][i] ^= (uint8_t)((best[c][i] ^ value[c][i]) & better);
    }
}

// The sample with most votes; a tie goes to the later one.
static void find_best(struct ifl_ground *run, int count)
{
    uint8_t most[IFL_PIXEL_RUN] = {0};
    for (int s = 0; s < count; s++)
        prefer((const uint8_t(*)[IFL_PIXEL_RUN])run->value[s], run->votes[s], most, run->best);
}

// The mean of all samples that agree with it.
static void average(struct ifl_ground *run, int count)
{
    uint16_t sum[3][IFL_PIXEL_RUN] = {0}, members[IFL_PIXEL_RUN] = {0};
    for (int s = 0; s < count; s++) {
        uint8_t flag[IFL_PIXEL_RUN];
        same((const uint8_t(*)[IFL_PIXEL_RUN])run->value[s],
             (const uint8_t(*)[IFL_PIXEL_RUN])run->best, IFL_GROUND_RADIUS, flag);
        for (int i = 0; i < IFL_PIXEL_RUN; i++)
            members[i] = (uint16_t)(members[i] + (flag[i] & 1));
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < IFL_PIXEL_RUN; i++)
                sum[c][i] = (uint16_t)(sum[c][i] + (flag[i] & run->value[s][c][i]));
    }
    // It is one itself. Quotients of so small numbers are whole or far enough from it for floats.
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < IFL_PIXEL_RUN; i++)
            run->best[c][i] =
                (uint8_t)(int)((float)(2 * sum[c][i] + members[i]) / (float)(2 * members[i]));
}

static inline uint8_t apart(uint8_t a, uint8_t b)
{
    uint8_t high = a > b ? a : b, low = a > b ? b : a;
    return (uint8_t)(high - low);
}

static inline uint8_t add_saturated(uint8_t a, uint8_t b)
{
    uint8_t room = (uint8_t)(255 - a);
    return (uint8_t)(a + (b < room ? b : room));
}

// How far a sample is off the best; foreground is as far as can be, and not counted.
static inline void deviate(const uint8_t (*restrict value)[IFL_PIXEL_RUN],
                           const uint8_t (*restrict best)[IFL_PIXEL_RUN],
                           const uint8_t *restrict known, uint8_t *restrict off,
                           uint8_t *restrict ground)
{
    for (int i = 0; i < IFL_PIXEL_RUN; i++) {
        uint8_t sum = apart(value[0][i], best[0][i]);
        sum = add_saturated(sum, apart(value[1][i], best[1][i]));
        sum = add_saturated(sum, apart(value[2][i], best[2][i]));
        off[i] = sum | known[i];
        ground[i] = (uint8_t)(ground[i] + 1 + known[i]);
    }
}

// Noise by the 75 % quantile of the deviation among samples that are not foreground: somebody who
// passes is beyond it, leaves that always move are not. Found bit by bit, from the highest.
static void measure_noise(struct ifl_ground *run, int count)
{
    uint8_t ground[IFL_PIXEL_RUN] = {0}, quantile[IFL_PIXEL_RUN] = {0};
    for (int s = 0; s < count; s++)
        deviate((const uint8_t(*)[IFL_PIXEL_RUN])run->value[s],
                (const uint8_t(*)[IFL_PIXEL_RUN])run->best, run->known[s], run->votes[s], ground);
    for (int bit = 128; bit > 0; bit /= 2) {
        uint8_t below[IFL_PIXEL_RUN] = {0}, limit[IFL_PIXEL_RUN];
        for (int i = 0; i < IFL_PIXEL_RUN; i++)
            limit[i] = (uint8_t)(quantile[i] + bit);
        for (int s = 0; s < count; s++)
            for (int i = 0; i < IFL_PIXEL_RUN; i++)
                below[i] = (uint8_t)(below[i] + (run->votes[s][i] < limit[i] ? 1 : 0));
        for (int i = 0; i < IFL_PIXEL_RUN; i++) {
            uint8_t more = 4 * below[i] < 3 * ground[i] ? 0xff : 0;
            quantile[i] = (uint8_t)(quantile[i] + (bit & more));
        }
    }
    for (int i = 0; i < IFL_PIXEL_RUN; i++) {
        // Three channels, and 1.15 sigma; few samples show too little of it.
        int eighths = quantile[i] * IFL_GROUND_NOISE_ONE * 20 / (3 * 23);
        eighths += (int)(2.0f * IFL_GROUND_NOISE_ONE / (float)(ground[i] + 1));
        run->noise[i] = (uint8_t)(eighths < 255 ? eighths : 255);
    }
}

// Whether all samples are the same ground at all of the pixels.
static bool all_same(const struct ifl_ground *run, int count)
{
    uint8_t apart_most = 0;
    for (int c = 0; c < 3; c++) {
        uint8_t low[IFL_PIXEL_RUN], high[IFL_PIXEL_RUN];
        memcpy(low, run->value[0][c], sizeof low);
        memcpy(high, run->value[0][c], sizeof high);
        for (int s = 1; s < count; s++)
            for (int i = 0; i < IFL_PIXEL_RUN; i++) {
                uint8_t value = run->value[s][c][i];
                low[i] = low[i] < value ? low[i] : value;
                high[i] = high[i] > value ? high[i] : value;
            }
        for (int i = 0; i < IFL_PIXEL_RUN; i++) {
            uint8_t far = (uint8_t)(high[i] - low[i]);
            apart_most = apart_most > far ? apart_most : far;
        }
    }
    return apart_most <= IFL_GROUND_RADIUS;
}

static void ground(struct ifl_ground *run, int count)
{
    for (int s = 0; s < count; s++)
        memcpy(run->votes[s], run->weight[s], sizeof run->votes[s]);
    if (all_same(run, count)) { // then each has all votes, and the last one is the best
        memcpy(run->best, run->value[count - 1], sizeof run->best);
    } else {
        for (int a = 1; a < count; a++)
            vote_before(run, a);
        find_best(run, count);
    }
    average(run, count);
    measure_noise(run, count);
}

static void light_residuals(const uint8_t *restrict raw, const uint8_t *restrict plate, int count,
                            double gain, double offset, float *restrict residual)
{
    for (int i = 0; i < count; i++)
        residual[i] = (float)(raw[i] - gain * plate[i] - offset);
}

// Some pixels, one a lane.
static void add_light(const uint8_t *restrict raw, const uint8_t *restrict plate,
                      const float *restrict residual, int count, double per_reach,
                      double (*restrict sum)[IFL_LIGHT_LANES])
{
    double w[IFL_LIGHT_LANES];
    for (int i = 0; i < count; i++) {
        double t = (double)residual[i] * per_reach, rest = 1 - t * t;
        uint8_t above = (uint8_t)(raw[i] - 3); // wraps around
        double known = above <= 252 - 3;
        rest = rest > 0 ? rest : 0;
        w[i] = rest * rest * known;
    }
    for (int i = 0; i < count; i++) {
        double p = plate[i], wp = w[i] * p, r = raw[i];
        sum[0][i] += w[i];
        sum[1][i] += wp;
        sum[2][i] += w[i] * r;
        sum[3][i] += wp * p;
        sum[4][i] += wp * r;
    }
}

#ifndef IFL_PIXEL_LIGHT
#define IFL_PIXEL_LIGHT add_light_blocks
static void add_light_blocks(const uint8_t *raw, const uint8_t *plate, const float *residual,
                             int count, double per_reach, double (*sum)[IFL_LIGHT_LANES])
{
    for (int i = 0; i < count; i += IFL_LIGHT_LANES)
        add_light(raw + i, plate + i, residual + i, IFL_LIGHT_LANES, per_reach, sum);
}
#endif

static void light_sums(const uint8_t *raw, const uint8_t *plate, const float *residual, int count,
                       double reach, double sums[5])
{
    double sum[5][IFL_LIGHT_LANES] = {{0}};
    int rest = count % IFL_LIGHT_LANES, whole = count - rest;
    IFL_PIXEL_LIGHT(raw, plate, residual, whole, 1 / reach, sum);
    add_light(raw + whole, plate + whole, residual + whole, rest, 1 / reach, sum);
    for (int s = 0; s < 5; s++) {
        sums[s] = 0;
        for (int lane = 0; lane < IFL_LIGHT_LANES; lane++)
            sums[s] += sum[s][lane];
    }
}

// The least number of quarters that more than half of the residuals are within, by its bits.
static int median_quarters(const float *restrict residual, int count, uint16_t *restrict quarters)
{
    enum { PART = 4096 };
    for (int i = 0; i < count; i++) {
        float four = fabsf(residual[i]) * 4;
        quarters[i] = (uint16_t)(int)(four < 1023 ? four : 1023);
    }
    int median = 0;
    for (int bit = 512; bit > 0; bit /= 2) {
        const uint16_t limit = (uint16_t)(median + bit);
        int below = 0;
        for (int first = 0; first < count; first += PART) {
            uint16_t part = 0;
            int last = count - first < PART ? count : first + PART;
            for (int i = first; i < last; i++)
                part = (uint16_t)(part + (quarters[i] < limit ? 1 : 0));
            below += part;
        }
        median += below <= count / 2 ? bit : 0;
    }
    return median;
}

static void apply_lines(const uint8_t *rgb, const float gain[3], const float offset[3], int pixels,
                        uint8_t *to)
{
    enum { PART = 96 };
    float gains[PART], offsets[PART];
    int16_t grey[PART];
    for (int i = 0; i < PART; i++) {
        gains[i] = gain[i % 3];
        offsets[i] = offset[i % 3];
    }
    for (int first = 0; first < 3 * pixels; first += PART) {
        int part = 3 * pixels - first < PART ? 3 * pixels - first : PART;
        for (int i = 0; i < part; i++)
            grey[i] = (int16_t)(int)(rgb[first + i] * gains[i] + offsets[i]);
        for (int i = 0; i < part; i++) {
            int16_t value = grey[i] > 0 ? grey[i] : 0;
            to[first + i] = (uint8_t)(value < 255 ? value : 255);
        }
    }
}

static void residuals(const struct ifl_color_map *map, const double *restrict image,
                      const double *restrict plate, int stride, int count,
                      double *restrict residual)
{
    const double *restrict r = plate, *restrict g = plate + stride;
    const double *restrict b = plate + 2 * (ptrdiff_t)stride;
    const struct ifl_color_map m = *map;
    for (int i = 0; i < count; i++) {
        double p0 = m.matrix[0][0] * r[i] + m.matrix[0][1] * g[i] + m.matrix[0][2] * b[i];
        double p1 = m.matrix[1][0] * r[i] + m.matrix[1][1] * g[i] + m.matrix[1][2] * b[i];
        double p2 = m.matrix[2][0] * r[i] + m.matrix[2][1] * g[i] + m.matrix[2][2] * b[i];
        residual[i] = fabs(image[i] - (p0 + m.offset[0])) +
                      fabs(image[i + stride] - (p1 + m.offset[1])) +
                      fabs(image[i + 2 * (ptrdiff_t)stride] - (p2 + m.offset[2]));
    }
}

static void line_residuals(const double *restrict image, const double *restrict plate, int count,
                           double gain, double offset, double *restrict residual)
{
    for (int i = 0; i < count; i++)
        residual[i] = 2 * fabs(image[i] - gain * plate[i] - offset);
}

static int count_below(const double *restrict values, int count, double limit)
{
    int64_t below = 0;
    for (int i = 0; i < count; i++)
        below += values[i] < limit;
    return (int)below;
}

static void restore(const struct ifl_color_map *map, const double inverse[3][3],
                    const uint8_t *restrict image, const double *restrict tone,
                    const double *restrict plate, int stride, int count, uint8_t *restrict back)
{
    enum { PART = 64 };
    double r[3][PART];
    for (int first = 0; first < count; first += PART) {
        int part = count - first < PART ? count - first : PART;
        const double *p0 = plate + first, *p1 = p0 + stride, *p2 = p1 + stride;
        for (int c = 0; c < 3; c++) {
            const uint8_t *restrict byte = image + (ptrdiff_t)c * stride + first;
            const double *restrict value = tone + (ptrdiff_t)c * stride + first;
            const double *m = map->matrix[c];
            for (int i = 0; i < part; i++) {
                double d = value[i] - (m[0] * p0[i] + m[1] * p1[i] + m[2] * p2[i] + map->offset[c]);
                d = byte[i] == 0 && d > 0 ? 0 : d;
                r[c][i] = byte[i] == 255 && d < 0 ? 0 : d;
            }
        }
        for (int c = 0; c < 3; c++) {
            const double *p = plate + (ptrdiff_t)c * stride + first, *v = inverse[c];
            for (int i = 0; i < part; i++) {
                double to = p[i] + v[0] * r[0][i] + v[1] * r[1][i] + v[2] * r[2][i];
                to = to <= 0 ? 0 : to;
                back[3 * (first + i) + c] = (uint8_t)(int)(to >= 255 ? 255 : to + .5);
            }
        }
    }
}

static void enlarge(const int16_t *restrict near, const int16_t *restrict far, int width,
                    int32_t *restrict sum, int16_t *restrict to)
{
    int count = 3 * width;
    for (int i = 0; i < count; i++)
        sum[3 + i] = 3 * near[i] + far[i];
    for (int c = 0; c < 3; c++) { // edges repeat
        sum[c] = sum[3 + c];
        sum[3 + count + c] = sum[count + c];
    }
    for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++) {
            const int32_t *at = sum + 3 + 3 * x + c;
            to[6 * x + c] = (int16_t)((3 * at[0] + at[-3] + 8) >> 4);
            to[6 * x + 3 + c] = (int16_t)((3 * at[0] + at[3] + 8) >> 4);
        }
}

static void add_picture(const uint8_t *restrict picture, int sign, int count, int16_t *restrict x)
{
    const int16_t factor = (int16_t)(16 * sign);
    for (int i = 0; i < count; i++)
        x[i] = (int16_t)(x[i] + picture[i] * factor);
}

static void round_grey(const int16_t *restrict x, int count, int16_t *restrict grey)
{
    for (int i = 0; i < count; i++)
        grey[i] = (int16_t)((x[i] + 8) >> 4);
}

static void clamp(const int16_t *restrict grey, int count, uint8_t *restrict bytes)
{
    for (int i = 0; i < count; i++) {
        int16_t value = grey[i] < 0 ? 0 : grey[i];
        bytes[i] = (uint8_t)(value > 255 ? 255 : value);
    }
}

static void halve(const uint8_t *restrict upper, const uint8_t *restrict lower, int width,
                  uint8_t *restrict to)
{
    enum { PART = 64 };
    for (int first = 0; first < width; first += PART) {
        uint16_t sum[6 * PART];
        int part = width - first < PART ? width - first : PART;
        const uint8_t *u = upper + 6 * (ptrdiff_t)first, *l = lower + 6 * (ptrdiff_t)first;
        for (int i = 0; i < 6 * part; i++)
            sum[i] = (uint16_t)(u[i] + l[i] + 1);
        for (int x = 0; x < part; x++)
            for (int c = 0; c < 3; c++)
                to[3 * (first + x) + c] = (uint8_t)((sum[6 * x + c] + sum[6 * x + 3 + c]) >> 2);
    }
}

static void nearest(const double *px, const double *py, const uint16_t *owners, int points, int row,
                    int width, uint16_t *restrict owner)
{
    enum { PART = 64 };
    for (int first = 0; first < width; first += PART) {
        double best[PART];
        int64_t who[PART];
        for (int p = 0; p < points; p++) {
            double dy = row - py[p];
            for (int i = 0; i < PART; i++) {
                double dx = first + i - px[p], squared = dx * dx + dy * dy;
                int nearer = p == 0 || squared < best[i];
                best[i] = nearer ? squared : best[i];
                who[i] = nearer ? owners[p] : who[i];
            }
        }
        int part = width - first < PART ? width - first : PART;
        for (int i = 0; i < part; i++)
            owner[first + i] = (uint16_t)who[i];
    }
}

static int gain_at(int upper, int lower, int share)
{
    return 4096 + ((upper * (256 - share) + lower * share) >> 8);
}

static void put_light(const uint8_t *restrict rgb, const int16_t *restrict upper,
                      const int16_t *restrict lower, int share, int count, uint8_t *restrict to)
{
    for (int i = 0; i < count; i++) {
        int value = (rgb[i] * gain_at(upper[i], lower[i], share) + 2048) >> 12;
        to[i] = (uint8_t)(value < 255 ? value : 255);
    }
}

// One division and one addition in floating point: the same everywhere.
static void take_light(const uint8_t *restrict rgb, const int16_t *restrict upper,
                       const int16_t *restrict lower, int share, int count, uint8_t *restrict to)
{
    for (int i = 0; i < count; i++) {
        float gain = (float)gain_at(upper[i], lower[i], share);
        float value = (float)(rgb[i] * 4096) / gain + .5f;
        to[i] = (uint8_t)(value < 255 ? value : 255);
    }
}

static void roots(const float *restrict a, const float *restrict b, int count, float *restrict root)
{
    for (int i = 0; i < count; i++)
        root[i] = sqrtf(a[i] * b[i]);
}

static void project(const float *restrict patch, int row_samples, int rows, int stride,
                    const float (*restrict direction)[64], float out[64])
{
    float sum[64] = {0};
    for (int y = 0; y < rows; y++)
        for (int i = 0; i < row_samples; i++, direction++)
            for (int j = 0; j < 64; j++)
                sum[j] += patch[(ptrdiff_t)y * stride + i] * (*direction)[j];
    memcpy(out, sum, sizeof sum);
}

const struct ifl_pixel_kernels IFL_PIXEL_KERNELS = {
    .split = IFL_PIXEL_SPLIT,
    .ycc_to_rgb = ycc_to_rgb,
    .differences = differences,
    .boxes = boxes,
    .least = least,
    .squares = squares,
    .laplacian = laplacian,
    .luma = luma,
    .texture = texture,
    .add_four = add_four,
    .majority = majority,
    .subtract = subtract,
    .smooth_across = smooth_across,
    .smooth_down = smooth_down,
    .strengths = strengths,
    .strong = strong,
    .bridge = bridge,
    .grow = grow,
    .patch_sums = patch_sums,
    .light_residuals = light_residuals,
    .light_sums = light_sums,
    .median_quarters = median_quarters,
    .apply_lines = apply_lines,
    .ground = ground,
    .residuals = residuals,
    .line_residuals = line_residuals,
    .count_below = count_below,
    .restore = restore,
    .enlarge = enlarge,
    .add_picture = add_picture,
    .round = round_grey,
    .clamp = clamp,
    .halve = halve,
    .put_light = put_light,
    .take_light = take_light,
    .nearest = nearest,
    .roots = roots,
    .project = project,
};
