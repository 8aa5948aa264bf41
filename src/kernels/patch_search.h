// SPDX-License-Identifier: Apache-2.0
// The inner loops of the search for seen and copied patches: a filter over the features of many
// patches, and the exact comparison of patches. Integer arithmetic: every level of instructions
// finds the same. Any thread.
#ifndef IFL_KERNELS_PATCH_SEARCH_H
#define IFL_KERNELS_PATCH_SEARCH_H

#include <stdint.h>

enum {
    IFL_SEARCH_FEATURES = 8, // of a patch, |value| < 16384
    IFL_SEARCH_PIXELS = 7,   // side of a patch, RGB24
    IFL_SEARCH_BLOCK = 512,  // patches that one call looks at, at most
    IFL_SEARCH_BYTES = 24,   // a row of the patches that are compared with many others
};

// Features of patches in four arrays, each with two features a patch.
struct ifl_search_table {
    const int16_t (*pair[IFL_SEARCH_FEATURES / 2])[2];
};

// Those of the patches [first, first + count) whose features lie within the sum of squares `limit`
// of `feature`: their numbers in `hit`, rising; returns how many. The sums must fit into 32 bits.
int ifl_search_near(const struct ifl_search_table *table, uint32_t first, int count,
                    const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit, uint32_t *hit);

// Squared distance of two 7x7 patches, rows `stride` bytes apart.
int32_t ifl_search_squares(const uint8_t *a, const uint8_t *b, int stride);

// squares[i] = squared distance of the patch `own` to patch[i], i < count; 24 bytes wide, 1 to 8
// rows, `stride` bytes from row to row of all of them.
void ifl_search_compare(const uint8_t *own, const uint8_t *const *patch, int count, int stride,
                        int rows, int32_t *squares);

// The same by one level of instructions; the dispatch above picks among them.
#define IFL_SEARCH_KERNELS(level)                                                                  \
    int ifl_search_near_##level(const struct ifl_search_table *table, uint32_t first, int count,   \
                                const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit,         \
                                uint32_t *hit);                                                    \
    int32_t ifl_search_squares_##level(const uint8_t *a, const uint8_t *b, int stride);            \
    void ifl_search_compare_##level(const uint8_t *own, const uint8_t *const *patch, int count,    \
                                    int stride, int rows, int32_t *squares)
IFL_SEARCH_KERNELS(c);
IFL_SEARCH_KERNELS(avx2);
IFL_SEARCH_KERNELS(avx512);

#endif
