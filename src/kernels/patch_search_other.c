// SPDX-License-Identifier: Apache-2.0
// Machines without AVX: the names of patch_search_x86.c, by the plain versions.
#include "kernels/patch_search.h"

#define STUBS(level)                                                                               \
    int ifl_search_near_##level(const struct ifl_search_table *table, uint32_t first, int count,   \
                                const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit,         \
                                uint32_t *hit)                                                     \
    {                                                                                              \
        return ifl_search_near_c(table, first, count, feature, limit, hit);                        \
    }                                                                                              \
    int32_t ifl_search_squares_##level(const uint8_t *a, const uint8_t *b, int stride)             \
    {                                                                                              \
        return ifl_search_squares_c(a, b, stride);                                                 \
    }                                                                                              \
    void ifl_search_compare_##level(const uint8_t *own, const uint8_t *const *patch, int count,    \
                                    int stride, int rows, int32_t *squares)                        \
    {                                                                                              \
        ifl_search_compare_c(own, patch, count, stride, rows, squares);                            \
    }
STUBS(avx2)
STUBS(avx512)
