// SPDX-License-Identifier: Apache-2.0
// Everything is exact: an axis of n samples that becomes one of m is cut into n * m / gcd units, so
// that both samples and boxes begin at whole units. Down first (weighted sums of rows), then
// across.
#include "kernels/scale.h"

#include <string.h>

#include "kernels/rows.h"

enum { CHUNK = 1920, ROWS_MAX = 256 }; // columns * channels at a time: fits the first cache

// One axis. A source sample is `sample` units wide, a box (what becomes one target sample) `box`.
struct axis {
    int sample, box;
};

static struct axis make_axis(int source, int target)
{
    int a = source, b = target;
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return (struct axis){.sample = target / a, .box = source / a};
}

// The boxes of one target row, filled from left to right as column sums come in.
struct boxes {
    uint8_t *out;
    uint64_t sum[3], area;
    double per_area;
    struct axis across;
    int whole;   // samples that fit into a box
    int missing; // units until the current box is full
};

// sum / area to nearest, halves up. The half added to the sum keeps the quotient at least
// 1 / (2 area) > 2^-30 from whole numbers, far more than floating point is off.
static inline uint8_t divide(uint64_t sum, uint64_t area, double per_area)
{
    return (uint8_t)(int)(((double)(int64_t)(sum + area / 2) + 0.5) * per_area);
}

static inline void finish_box(struct boxes *boxes, int channels)
{
    for (int c = 0; c < channels; c++) {
        *boxes->out++ = divide(boxes->sum[c], boxes->area, boxes->per_area);
        boxes->sum[c] = 0;
    }
    boxes->missing = boxes->across.box;
}

// Adds `units` of each of `columns` columns. `before` holds running sums: what is left of a column.
static inline void add_columns(struct boxes *boxes, const uint64_t *before, int columns, int units,
                               int channels)
{
    for (int c = 0; c < channels; c++)
        boxes->sum[c] += (before[columns * channels + c] - before[c]) * (uint64_t)units;
    boxes->missing -= columns * units;
}

// How many whole columns the box still takes, at most `count`.
static inline int whole_columns(const struct boxes *boxes, int count)
{
    int fit = boxes->whole < count ? boxes->whole : count;
    while (fit * boxes->across.sample > boxes->missing)
        fit--;
    return fit;
}

static inline void take_columns(struct boxes *boxes, const uint64_t *before, int count,
                                int channels)
{
    const int sample = boxes->across.sample;
    int left = sample; // units of column i that no box has taken yet
    for (int i = 0; i < count;) {
        if (left == sample) {
            int fit = whole_columns(boxes, count - i);
            add_columns(boxes, before + i * channels, fit, sample, channels);
            i += fit;
        }
        if (boxes->missing > 0 && i < count) {
            int units = left < boxes->missing ? left : boxes->missing;
            add_columns(boxes, before + i * channels, 1, units, channels);
            left -= units;
        }
        if (boxes->missing == 0)
            finish_box(boxes, channels);
        if (left == 0) {
            left = sample;
            i++;
        }
    }
}

// Running sums of `count` columns, so that a box costs two look-ups however wide it is.
static inline void accumulate(uint64_t *before, const uint32_t *sum, int count, int channels)
{
    uint64_t running[3] = {0};
    for (int i = 0; i < count; i++) {
        for (int c = 0; c < channels; c++) {
            *before++ = running[c];
            running[c] += *sum++;
        }
    }
    memcpy(before, running, (size_t)channels * sizeof *before);
}

// `samples` of column sums into their boxes.
static void take_samples(struct boxes *boxes, const uint32_t *sum, int samples, int channels)
{
    uint64_t before[CHUNK + 3];
    if (channels == 1) {
        accumulate(before, sum, samples, 1);
        take_columns(boxes, before, samples, 1);
    } else {
        accumulate(before, sum, samples / 3, 3);
        take_columns(boxes, before, samples / 3, 3);
    }
}

struct plane {
    const uint8_t *at;
    ptrdiff_t stride;
};

// Sums of the columns under units [begin, end) of the vertical axis.
static void sum_rows(struct plane source, int sample, int begin, int end, uint32_t *sum, int count)
{
    const struct ifl_row_kernels *kernels = ifl_row_kernels();
    memset(sum, 0, (size_t)count * sizeof *sum);
    while (begin < end) {
        int row = begin / sample, part = begin % sample, rows = (end - begin) / sample;
        int units = sample;
        if (part != 0 || rows == 0) {
            units = sample - part < end - begin ? sample - part : end - begin;
            rows = 1;
        }
        if (rows > ROWS_MAX)
            rows = ROWS_MAX;
        kernels->add_rows(source.at + row * source.stride, source.stride, rows, (uint32_t)units,
                          sum, count);
        begin += rows * units;
    }
}

// The shift of a kernel that does this whole scale at once, or 0.
static int shrink_shift(struct axis across, struct axis down, int channels)
{
    if (channels != 1 || across.sample != 1 || down.sample != 1 || across.box != down.box)
        return 0;
    return down.box == 2 ? 1 : down.box == 4 ? 2 : down.box == 8 ? 3 : 0;
}

void ifl_scale_area_row(const uint8_t *source, int source_width, int source_height,
                        int source_stride, uint8_t *target, int target_width, int target_height,
                        int row, int channels)
{
    int samples = source_width * channels;
    if (source_width == target_width && source_height == target_height) {
        memcpy(target, source + (ptrdiff_t)row * source_stride, (size_t)samples);
        return;
    }
    struct axis across = make_axis(source_width, target_width);
    struct axis down = make_axis(source_height, target_height);
    int shift = shrink_shift(across, down, channels);
    if (shift) {
        ifl_row_kernels()->shrink(source + (ptrdiff_t)row * down.box * source_stride, source_stride,
                                  shift, target, target_width);
        return;
    }
    struct boxes boxes = {.out = target, .across = across, .missing = across.box};
    boxes.area = (uint64_t)across.box * (uint64_t)down.box;
    boxes.whole = across.box / across.sample;
    boxes.per_area = 1.0 / (double)boxes.area;
    uint32_t sum[CHUNK];
    for (int at = 0; at < samples; at += CHUNK) {
        int count = samples - at < CHUNK ? samples - at : CHUNK;
        struct plane chunk = {source + at, source_stride};
        sum_rows(chunk, down.sample, row * down.box, (row + 1) * down.box, sum, count);
        take_samples(&boxes, sum, count, channels);
    }
}

void ifl_scale_area(const uint8_t *source, int source_width, int source_height, int source_stride,
                    uint8_t *target, int target_width, int target_height, int target_stride,
                    int channels)
{
    for (int y = 0; y < target_height; y++)
        ifl_scale_area_row(source, source_width, source_height, source_stride,
                           target + (ptrdiff_t)y * target_stride, target_width, target_height, y,
                           channels);
}
