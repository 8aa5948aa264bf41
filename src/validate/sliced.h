// SPDX-License-Identifier: Apache-2.0
// Sliced Wasserstein distance between sets of pictures, on 7x7 patches of a Laplacian pyramid.
//
// In: RGB24 pictures of one size, about 128x72. Out: a distance per pyramid level. A set is kept as
// histograms of its patches' projections, so sets merge by adding, order does not matter, sizes
// may differ, and comparing costs no sorting: the area between two distribution functions is the
// mean difference of the sorted values. Any thread; a set belongs to one thread at a time.
#ifndef IFL_VALIDATE_SLICED_H
#define IFL_VALIDATE_SLICED_H

#include <stddef.h>
#include <stdint.h>

enum {
    IFL_SLICED_LEVELS = 4, // widths 16, 32, 64, 128 in the class
    IFL_SLICED_PATCH = 7,
    IFL_SLICED_DIMENSIONS = 3 * IFL_SLICED_PATCH * IFL_SLICED_PATCH,
    IFL_SLICED_PROJECTIONS = 64,
    IFL_SLICED_BINS = 256,
    IFL_SLICED_PATCHES = 64, // of one picture and level
};

// A set of pictures: how often each projection of their patches fell into each bin.
struct ifl_sliced_set {
    uint32_t patches[IFL_SLICED_LEVELS];
    uint32_t count[IFL_SLICED_LEVELS][IFL_SLICED_PROJECTIONS][IFL_SLICED_BINS];
};

// Unit vectors, seeded by a constant, the same on every machine.
struct ifl_sliced {
    int width, height;
    float direction[IFL_SLICED_DIMENSIONS][IFL_SLICED_PROJECTIONS];
};

void ifl_sliced_init(struct ifl_sliced *sliced, int width, int height);

// Adds a picture. `scratch` of ifl_sliced_scratch_bytes.
size_t ifl_sliced_scratch_bytes(const struct ifl_sliced *sliced);
void ifl_sliced_add(const struct ifl_sliced *sliced, const uint8_t *rgb, struct ifl_sliced_set *set,
                    void *scratch);

// a += b
void ifl_sliced_merge(struct ifl_sliced_set *a, const struct ifl_sliced_set *b);

// rest = whole less part, which must be in it.
void ifl_sliced_without(const struct ifl_sliced_set *whole, const struct ifl_sliced_set *part,
                        struct ifl_sliced_set *rest);

// The distance of each level in grey levels: mean over projections of the mean |sorted difference|.
void ifl_sliced_distance(const struct ifl_sliced_set *a, const struct ifl_sliced_set *b,
                         double distance[IFL_SLICED_LEVELS]);

// The plain definition for two sets of `count` points each, rows of `dimensions`: mean over
// projections of the mean |difference| (power 1) or its square (power 2) of the sorted values.
// Returns NAN when memory is short.
double ifl_sliced_plain(const float *a, const float *b, int count, int dimensions, int projections,
                        int power);

#endif
