// SPDX-License-Identifier: Apache-2.0
// Everything is exact: an axis of n samples that becomes one of m is cut into n * m / gcd units, so
// that both samples and boxes begin at whole units. Down first (weighted sums of rows), then
// across: the sum up to any unit is a running sum of columns and a part of one column, a box is the
// difference of two.
#include "kernels/scale.h"

#include <string.h>

#include "inferloop/frame.h"
#include "kernels/rows.h"

enum {
    COLUMNS = IFL_ROW_COLUMNS,            // samples under a block of boxes: fits the first cache
    COLUMNS_MAX = 3 * IFL_FRAME_SIDE_MAX, // where one box is wider than that
    BOXES = 512,                          // samples of a block
    ROWS_MAX = 256,
};

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

struct plane {
    const uint8_t *at;
    ptrdiff_t stride;
};

// Sums of the columns under units [begin, end) of the vertical axis.
static void sum_rows(const struct plane *source, int from, int sample, int begin, int end,
                     uint32_t *sum, int count)
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
        kernels->add_rows(source->at + row * source->stride + from, source->stride, rows,
                          (uint32_t)units, sum, count);
        begin += rows * units;
    }
}

// Boxes side by side whose columns are summed together, and where their borders lie.
struct block {
    int first, boxes;        // of the target's columns
    int from, columns;       // samples of the source under them
    int32_t at[BOXES + 6];   // the column, in samples behind `from`, in which a border lies,
    int32_t part[BOXES + 6]; // and how many of its units are before it
};

// Where box_means finds the borders of a block of one channel.
struct borders {
    uint16_t has_border[COLUMNS / 16 + 5];
    uint16_t column[BOXES + 33];
};

static void mark_borders(struct borders *borders, const struct block *block)
{
    memset(borders, 0, sizeof *borders);
    for (int i = 0; i <= block->boxes; i++) {
        borders->has_border[block->at[i] / 16] |= (uint16_t)(1 << block->at[i] % 16);
        borders->column[i] = (uint16_t)block->at[i];
    }
}

// As many boxes as fit, one at least.
static void make_block(struct block *block, struct axis across, int first, int boxes, int channels)
{
    int most = COLUMNS / channels, column = (int)((int64_t)first * across.box / across.sample);
    int part = (int)((int64_t)first * across.box % across.sample), end = column, count = 0;
    if (boxes > BOXES / channels)
        boxes = BOXES / channels;
    block->first = first;
    block->from = column * channels;
    for (int i = 0;; i++) {
        for (int c = 0; c < channels; c++) {
            block->at[i * channels + c] = end * channels + c - block->from;
            block->part[i * channels + c] = part;
        }
        count = i;
        int next = part + across.box, step = next / across.sample;
        if (i == boxes || (i > 0 && end + step + 1 - column > most))
            break;
        end += step;
        part = next % across.sample;
    }
    block->boxes = count;
    block->columns = (end - column + (part > 0)) * channels;
}

struct scale {
    struct plane source;
    struct axis across, down;
    int channels;
    uint8_t *target;
    ptrdiff_t target_stride;
};

// A box of more units than that is summed in parts, so that they fit 31 bits.
static int units_at_once(const struct scale *scale)
{
    int most = (int)((1u << 31) / 255 / (unsigned)scale->across.box);
    return most < scale->down.box ? most : scale->down.box;
}

static void scale_block(const struct scale *scale, const struct block *block, int row)
{
    const struct ifl_row_kernels *kernels = ifl_row_kernels();
    uint32_t sum[COLUMNS_MAX + 3], before[COLUMNS_MAX + 6];
    double box[BOXES];
    int channels = scale->channels, samples = block->boxes * channels;
    int begin = row * scale->down.box, end = begin + scale->down.box, step = units_at_once(scale);
    memset(box, 0, (size_t)samples * sizeof *box);
    for (int unit = begin; unit < end; unit += step) {
        sum_rows(&scale->source, block->from, scale->down.sample, unit,
                 unit + step < end ? unit + step : end, sum, block->columns);
        kernels->running_sums(sum, before, block->columns, channels);
        kernels->add_boxes(before, block->at, block->part, (uint32_t)scale->across.sample, box,
                           samples, channels);
    }
    kernels->divide(box, (int64_t)scale->across.box * scale->down.box,
                    scale->target + row * scale->target_stride + block->first * channels, samples);
}

// Whether box_means can do it: one channel, nothing enlarged, small sums.
static int is_simple(const struct scale *scale)
{
    struct axis across = scale->across, down = scale->down;
    return scale->channels == 1 && across.sample <= across.box && down.sample <= down.box &&
           down.box <= IFL_ROWS_WEIGHT && across.box <= IFL_ROW_AREA / down.box &&
           across.box / across.sample + 2 <= COLUMNS;
}

static void scale_simple_block(const struct scale *scale, const struct block *block, int row,
                               int end)
{
    struct borders borders;
    mark_borders(&borders, block);
    struct ifl_row_boxes boxes = {.boxes = block->boxes,
                                  .columns = block->columns,
                                  .at = block->at,
                                  .part = block->part,
                                  .has_border = borders.has_border,
                                  .column = borders.column,
                                  .sample = (uint32_t)scale->across.sample,
                                  .area = scale->across.box * scale->down.box,
                                  .inner = (uint16_t)scale->down.sample};
    for (int sample = scale->down.sample; row < end; row++) {
        int begin = row * scale->down.box, stop = begin + scale->down.box;
        int first = begin / sample, behind = (stop - 1) / sample;
        boxes.rows = behind - first + 1;
        boxes.first = (uint16_t)(boxes.rows == 1 ? stop - begin : (first + 1) * sample - begin);
        boxes.last = (uint16_t)(stop - behind * sample);
        ifl_row_kernels()->box_means(
            &boxes, scale->source.at + first * scale->source.stride + block->from,
            scale->source.stride, scale->target + row * scale->target_stride + block->first);
    }
}

// The shift of a kernel that does this whole scale at once, or 0.
static int shrink_shift(const struct scale *scale)
{
    struct axis across = scale->across, down = scale->down;
    if (scale->channels != 1 || across.sample != 1 || down.sample != 1 || across.box != down.box)
        return 0;
    return down.box == 2 ? 1 : down.box == 4 ? 2 : down.box == 8 ? 3 : 0;
}

// Rows [row, end) of the target, whose row 0 is at scale->target.
static void scale_rows(const struct scale *scale, int target_width, int row, int end)
{
    int shift = shrink_shift(scale), channels = scale->channels;
    const struct plane *source = &scale->source;
    if (scale->across.box == 1 && scale->across.sample == 1 && scale->down.box == 1 &&
        scale->down.sample == 1) {
        for (; row < end; row++)
            memcpy(scale->target + row * scale->target_stride, source->at + row * source->stride,
                   (size_t)(target_width * channels));
    } else if (shift) {
        for (; row < end; row++)
            ifl_row_kernels()->shrink(source->at + row * scale->down.box * source->stride,
                                      source->stride, shift,
                                      scale->target + row * scale->target_stride, target_width);
    } else {
        struct block block;
        for (int x = 0; x < target_width; x += block.boxes) {
            make_block(&block, scale->across, x, target_width - x, channels);
            if (is_simple(scale))
                scale_simple_block(scale, &block, row, end);
            for (int y = row; y < end && !is_simple(scale); y++)
                scale_block(scale, &block, y);
        }
    }
}

void ifl_scale_area(const uint8_t *source, int source_width, int source_height, int source_stride,
                    uint8_t *target, int target_width, int target_height, int target_stride,
                    int channels)
{
    struct scale scale = {.source = {source, source_stride},
                          .across = make_axis(source_width, target_width),
                          .down = make_axis(source_height, target_height),
                          .channels = channels,
                          .target = target,
                          .target_stride = target_stride};
    scale_rows(&scale, target_width, 0, target_height);
}

void ifl_scale_area_row(const uint8_t *source, int source_width, int source_height,
                        int source_stride, uint8_t *target, int target_width, int target_height,
                        int row, int channels)
{
    struct scale scale = {.source = {source, source_stride},
                          .across = make_axis(source_width, target_width),
                          .down = make_axis(source_height, target_height),
                          .channels = channels,
                          .target = target};
    scale_rows(&scale, target_width, row, row + 1);
}
