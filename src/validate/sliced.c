// SPDX-License-Identifier: Apache-2.0
#include "validate/sliced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "kernels/pixels.h"
#include "kernels/scale.h"

enum { PATCH = IFL_SLICED_PATCH, STRATA = 8, SEED = 7007 };

// Half the range that the bins cover; projections beyond it count at its ends. Bands are centred
// and small, the coarsest level is a picture (less 128).
static const float band_range = 160, picture_range = 640;

static void draw_direction(struct ifl_rng *rng, int dimensions, float *direction, int stride)
{
    double squares = 0;
    for (int d = 0; d < dimensions; d++) {
        double value = ifl_rng_normal(rng);
        direction[d * stride] = (float)value;
        squares += value * value;
    }
    for (int d = 0; d < dimensions; d++)
        direction[d * stride] /= (float)sqrt(squares);
}

void ifl_sliced_init(struct ifl_sliced *sliced, int width, int height)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, SEED);
    sliced->width = width;
    sliced->height = height;
    for (int j = 0; j < IFL_SLICED_PROJECTIONS; j++)
        draw_direction(&rng, IFL_SLICED_DIMENSIONS, &sliced->direction[0][j],
                       IFL_SLICED_PROJECTIONS);
}

static void level_size(const struct ifl_sliced *sliced, int level, int *width, int *height)
{
    *width = sliced->width >> level;
    *height = sliced->height >> level;
    *width = *width ? *width : 1;
    *height = *height ? *height : 1;
}

// One axis of a bilinear enlargement, pixel centres aligned.
static void place(int at, int size, int from_size, int *low, int *high, float *weight)
{
    float position = ((float)at + .5f) * (float)from_size / (float)size - .5f;
    position = position < 0 ? 0 : position;
    *low = (int)position;
    *low = *low < from_size - 1 ? *low : from_size - 1;
    *high = *low + 1 < from_size ? *low + 1 : *low;
    *weight = position - (float)*low;
}

// band = picture - enlarged coarser picture
static void take_coarser(const uint8_t *picture, int width, int height, const uint8_t *coarser,
                         int coarse_width, int coarse_height, float *band)
{
    for (int y = 0; y < height; y++) {
        int top, bottom, left, right;
        float down, across;
        place(y, height, coarse_height, &top, &bottom, &down);
        for (int x = 0; x < width; x++) {
            place(x, width, coarse_width, &left, &right, &across);
            for (int c = 0; c < 3; c++) {
                float a = coarser[3 * (top * coarse_width + left) + c];
                float b = coarser[3 * (top * coarse_width + right) + c];
                float d = coarser[3 * (bottom * coarse_width + left) + c];
                float e = coarser[3 * (bottom * coarse_width + right) + c];
                float upper = a + (b - a) * across, lower = d + (e - d) * across;
                *band++ = (float)*picture++ - (upper + (lower - upper) * down);
            }
        }
    }
}

static int bin_of(float value, float range)
{
    float bin = (value + range) * (IFL_SLICED_BINS / (2 * range));
    return bin < 0 ? 0 : bin >= IFL_SLICED_BINS ? IFL_SLICED_BINS - 1 : (int)bin;
}

// One patch in each of 8x8 parts of the picture, at a place that its content decides, so that equal
// pictures give equal patches and the order of pictures does not matter.
static void add_patches(const struct ifl_sliced *sliced, const float *band, int width, int height,
                        int level, uint64_t seed, struct ifl_sliced_set *set)
{
    int columns = width - PATCH + 1, rows = height - PATCH + 1;
    float range = level == IFL_SLICED_LEVELS - 1 ? picture_range : band_range;
    struct ifl_rng rng;
    if (columns < 1 || rows < 1)
        return;
    ifl_rng_split(&rng, seed, (uint64_t)level);
    for (int i = 0; i < IFL_SLICED_PATCHES; i++) {
        double u = (i % STRATA + ifl_rng_uniform(&rng)) / STRATA;
        double v = (i / STRATA + ifl_rng_uniform(&rng)) / STRATA;
        int x = (int)(u * columns), y = (int)(v * rows);
        float out[IFL_SLICED_PROJECTIONS];
        ifl_pixel_kernels()->project(band + 3 * (y * width + x), 3 * PATCH, PATCH, 3 * width,
                                     sliced->direction, out);
        for (int j = 0; j < IFL_SLICED_PROJECTIONS; j++)
            set->count[level][j][bin_of(out[j], range)]++;
    }
    set->patches[level] += IFL_SLICED_PATCHES;
}

size_t ifl_sliced_scratch_bytes(const struct ifl_sliced *sliced)
{
    size_t samples = 3 * (size_t)sliced->width * (size_t)sliced->height;
    return samples * (sizeof(float) + 2) + 64;
}

void ifl_sliced_add(const struct ifl_sliced *sliced, const uint8_t *rgb, struct ifl_sliced_set *set,
                    void *scratch)
{
    size_t samples = 3 * (size_t)sliced->width * (size_t)sliced->height;
    float *band = scratch;
    uint8_t *buffer[2] = {(uint8_t *)(band + samples), (uint8_t *)(band + samples) + samples};
    uint64_t seed = ifl_hash_bytes(rgb, samples, SEED);
    const uint8_t *picture = rgb;
    for (int level = 0; level < IFL_SLICED_LEVELS; level++) {
        int width, height, coarse_width, coarse_height;
        level_size(sliced, level, &width, &height);
        level_size(sliced, level + 1, &coarse_width, &coarse_height);
        uint8_t *coarser = buffer[level % 2];
        if (level < IFL_SLICED_LEVELS - 1) {
            ifl_scale_area(picture, width, height, 3 * width, coarser, coarse_width, coarse_height,
                           3 * coarse_width, 3);
            take_coarser(picture, width, height, coarser, coarse_width, coarse_height, band);
        } else {
            for (int i = 0; i < 3 * width * height; i++)
                band[i] = (float)(picture[i] - 128);
        }
        add_patches(sliced, band, width, height, level, seed, set);
        picture = coarser;
    }
}

void ifl_sliced_merge(struct ifl_sliced_set *a, const struct ifl_sliced_set *b)
{
    uint32_t *to = &a->count[0][0][0];
    const uint32_t *from = &b->count[0][0][0];
    for (size_t i = 0; i < sizeof a->count / sizeof *to; i++)
        to[i] += from[i];
    for (int l = 0; l < IFL_SLICED_LEVELS; l++)
        a->patches[l] += b->patches[l];
}

void ifl_sliced_without(const struct ifl_sliced_set *whole, const struct ifl_sliced_set *part,
                        struct ifl_sliced_set *rest)
{
    const uint32_t *all = &whole->count[0][0][0], *taken = &part->count[0][0][0];
    uint32_t *left = &rest->count[0][0][0];
    for (size_t i = 0; i < sizeof rest->count / sizeof *left; i++)
        left[i] = all[i] - taken[i];
    for (int l = 0; l < IFL_SLICED_LEVELS; l++)
        rest->patches[l] = whole->patches[l] - part->patches[l];
}

// The area between two distribution functions, in bins: exact integers until the division.
static double area_between(const uint32_t *a, uint32_t total_a, const uint32_t *b, uint32_t total_b)
{
    int64_t difference = 0, area = 0;
    for (int i = 0; i < IFL_SLICED_BINS; i++) {
        difference += (int64_t)a[i] * total_b - (int64_t)b[i] * total_a;
        area += difference < 0 ? -difference : difference;
    }
    return (double)area / ((double)total_a * (double)total_b);
}

void ifl_sliced_distance(const struct ifl_sliced_set *a, const struct ifl_sliced_set *b,
                         double distance[IFL_SLICED_LEVELS])
{
    for (int l = 0; l < IFL_SLICED_LEVELS; l++) {
        double sum = 0, range = (double)(l == IFL_SLICED_LEVELS - 1 ? picture_range : band_range);
        for (int j = 0; j < IFL_SLICED_PROJECTIONS && a->patches[l] && b->patches[l]; j++)
            sum += area_between(a->count[l][j], a->patches[l], b->count[l][j], b->patches[l]);
        distance[l] = sum / IFL_SLICED_PROJECTIONS * (2 * range / IFL_SLICED_BINS);
    }
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void project_all(const float *points, int count, int dimensions, const float *direction,
                        float *out)
{
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int d = 0; d < dimensions; d++)
            sum +=
                (double)points[(size_t)i * (size_t)dimensions + (size_t)d] * (double)direction[d];
        out[i] = (float)sum;
    }
    qsort(out, (size_t)count, sizeof *out, compare_floats);
}

double ifl_sliced_plain(const float *a, const float *b, int count, int dimensions, int projections,
                        int power)
{
    float *x = malloc(sizeof *x * (2 * (size_t)count + (size_t)dimensions));
    if (!x)
        return NAN;
    float *y = x + count, *direction = y + count;
    double total = 0;
    struct ifl_rng rng;
    ifl_rng_init(&rng, SEED);
    for (int j = 0; j < projections; j++) {
        draw_direction(&rng, dimensions, direction, 1);
        project_all(a, count, dimensions, direction, x);
        project_all(b, count, dimensions, direction, y);
        for (int i = 0; i < count; i++)
            total += pow(fabs((double)x[i] - (double)y[i]), power);
    }
    free(x);
    return total / ((double)projections * count);
}
