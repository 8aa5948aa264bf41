// SPDX-License-Identifier: Apache-2.0
#include "validate/likeness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/local_light.h"
#include "kernels/scale.h"

enum { CLASS_PIXELS = 128 * 72 * 3 / 2 };

// The finest level of the 128x72 class.
static int class_level(const struct ifl_profile *profile)
{
    int level = 0;
    while (level + 1 < profile->levels &&
           profile->level_width[level + 1] * profile->level_height[level + 1] <= CLASS_PIXELS)
        level++;
    return level;
}

// The frame as it was recorded: its illumination put back.
static void put_light_back(const struct ifl_memory_frame *frame, const uint8_t *canonical,
                           int width, int height, uint8_t *out)
{
    uint8_t table[3][256];
    ifl_local_light_put(&frame->local, canonical, width, height, out);
    for (int c = 0; c < 3; c++) {
        for (int v = 0; v < 256; v++) {
            double raw = (double)frame->gain[c] * v + (double)frame->offset[c];
            table[c][v] = (uint8_t)(raw >= 255 ? 255 : raw > 0 ? raw + .5 : 0);
        }
    }
    for (int p = 0; p < width * height; p++)
        for (int c = 0; c < 3; c++)
            out[3 * p + c] = table[c][out[3 * p + c]];
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The value at rank q * (count - 1), rounded up. Sorts.
static double quantile(double *values, int count, double q)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[(int)ceil(q * (count - 1))];
}

static double combine(const double distance[IFL_SLICED_LEVELS],
                      const double median[IFL_SLICED_LEVELS])
{
    double sum = 0;
    int levels = 0;
    for (int l = 0; l < IFL_SLICED_LEVELS; l++) {
        if (median[l] <= 0)
            continue;
        sum += distance[l] / median[l];
        levels++;
    }
    return levels ? sum / levels : 0;
}

// Which blocks are held out, a bit each: all ways to take `size` of them, or, where there are more
// than are wanted, so many drawn from these.
static int list_splits(int size, unsigned splits[IFL_LIKENESS_SPLITS])
{
    unsigned all[1 << IFL_LIKENESS_BLOCKS];
    int count = 0;
    for (unsigned bits = 0; bits < 1 << IFL_LIKENESS_BLOCKS; bits++)
        if (__builtin_popcount(bits) == size)
            all[count++] = bits;
    struct ifl_rng rng;
    ifl_rng_init(&rng, (uint64_t)size);
    int wanted = count < IFL_LIKENESS_SPLITS ? count : IFL_LIKENESS_SPLITS;
    for (int i = 0; i < wanted; i++) {
        int at = i + (int)ifl_rng_below(&rng, (uint32_t)(count - i));
        splits[i] = all[at];
        all[at] = all[i];
    }
    return wanted;
}

// `pair` is working memory: the blocks that are held out, and the others.
static void set_null(struct ifl_likeness_null *null, int size, const struct ifl_sliced_set *block,
                     struct ifl_sliced_set pair[2])
{
    unsigned splits[IFL_LIKENESS_SPLITS];
    int count = list_splits(size, splits);
    double distance[IFL_LIKENESS_SPLITS][IFL_SLICED_LEVELS], value[IFL_LIKENESS_SPLITS];
    for (int i = 0; i < count; i++) {
        memset(&pair[0], 0, sizeof *pair);
        for (int b = 0; b < IFL_LIKENESS_BLOCKS; b++)
            if (splits[i] >> b & 1)
                ifl_sliced_merge(&pair[0], &block[b]);
        ifl_sliced_without(&null->all, &pair[0], &pair[1]);
        ifl_sliced_distance(&pair[0], &pair[1], distance[i]);
    }
    for (int l = 0; l < IFL_SLICED_LEVELS; l++) {
        for (int i = 0; i < count; i++)
            value[i] = distance[i][l];
        null->median[size - 1][l] = quantile(value, count, .5);
    }
    for (int i = 0; i < count; i++)
        value[i] = combine(distance[i], null->median[size - 1]);
    null->limit[size - 1] = quantile(value, count, .95);
}

static void build(struct ifl_likeness_null *null, const struct ifl_profile *profile,
                  struct ifl_sliced_set *block, uint8_t *scratch)
{
    int level = class_level(profile), n = profile->memory_frames;
    int width = null->sliced.width, height = null->sliced.height, pixels = width * height;
    uint8_t *raw = scratch;
    for (int t = 0; t < n; t++) {
        const struct ifl_memory_frame *frame = profile->memory[t];
        int of = (int)((int64_t)t * IFL_LIKENESS_BLOCKS / n);
        put_light_back(frame, frame->level[level], width, height, raw);
        ifl_sliced_add(&null->sliced, raw, &block[of], scratch + (3 * pixels + 63) / 64 * 64);
    }
    for (int b = 0; b < IFL_LIKENESS_BLOCKS; b++)
        ifl_sliced_merge(&null->all, &block[b]);
    if (n < 2 * IFL_LIKENESS_BLOCKS)
        return;
    null->block_frames = n / IFL_LIKENESS_BLOCKS;
    for (int size = 1; size <= IFL_LIKENESS_SIZES; size++)
        set_null(null, size, block, block + IFL_LIKENESS_BLOCKS);
}

static size_t scratch_bytes(const struct ifl_sliced *sliced)
{
    return 3 * (size_t)sliced->width * (size_t)sliced->height + 64 +
           ifl_sliced_scratch_bytes(sliced);
}

enum ifl_result ifl_likeness_null_create(const struct ifl_profile *profile,
                                         struct ifl_likeness_null **null, struct ifl_error *error)
{
    int level = class_level(profile);
    struct ifl_likeness_null *made = calloc(1, sizeof *made);
    struct ifl_sliced_set *block = calloc(IFL_LIKENESS_BLOCKS + 2, sizeof *block);
    uint8_t *scratch = NULL;
    if (made && block) {
        ifl_sliced_init(&made->sliced, profile->level_width[level], profile->level_height[level]);
        scratch = malloc(scratch_bytes(&made->sliced));
    }
    enum ifl_result result = IFL_OK;
    if (scratch) {
        build(made, profile, block, scratch);
    } else {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory for the likeness null");
        free(made);
        made = NULL;
    }
    free(scratch);
    free(block);
    *null = made;
    return result;
}

void ifl_likeness_null_destroy(struct ifl_likeness_null *null)
{
    free(null);
}

static void add_images(const struct ifl_likeness_null *null, struct ifl_image *const *images,
                       int count, struct ifl_sliced_set *set, uint8_t *scratch)
{
    int width = null->sliced.width, height = null->sliced.height;
    uint8_t *scaled = scratch;
    for (int i = 0; i < count; i++) {
        ifl_scale_area(images[i]->rgb, images[i]->width, images[i]->height, 3 * images[i]->width,
                       scaled, width, height, 3 * width, 3);
        ifl_sliced_add(&null->sliced, scaled, set, scratch + (3 * width * height + 63) / 64 * 64);
    }
}

enum ifl_result ifl_likeness_ratio(const struct ifl_likeness_null *null,
                                   struct ifl_image *const *images, int count, double *ratio,
                                   char note[160], struct ifl_error *error)
{
    *ratio = NAN;
    note[0] = 0;
    if (null->block_frames == 0) {
        snprintf(note, 160, "no likeness: the memory has fewer than %d time blocks of two frames",
                 IFL_LIKENESS_BLOCKS);
        return IFL_OK;
    }
    if (count < null->block_frames) {
        snprintf(note, 160, "no likeness yet: %d images, a time block has %d frames", count,
                 null->block_frames);
        return IFL_OK;
    }
    int size = (count + null->block_frames / 2) / null->block_frames;
    size = size < IFL_LIKENESS_SIZES ? size : IFL_LIKENESS_SIZES;
    if (null->limit[size - 1] <= 0) {
        snprintf(note, 160, "no likeness: the memory's frames do not differ from each other");
        return IFL_OK;
    }
    struct ifl_sliced_set *set = calloc(1, sizeof *set);
    uint8_t *scratch = malloc(scratch_bytes(&null->sliced));
    enum ifl_result result = IFL_OK;
    if (set && scratch) {
        double distance[IFL_SLICED_LEVELS];
        add_images(null, images, count, set, scratch);
        ifl_sliced_distance(set, &null->all, distance);
        *ratio = combine(distance, null->median[size - 1]) / null->limit[size - 1];
    } else {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory for %d images", count);
    }
    free(set);
    free(scratch);
    return result;
}
