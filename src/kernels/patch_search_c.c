// SPDX-License-Identifier: Apache-2.0
// The plain versions: the truth that the others are tested against.
#include "kernels/patch_search.h"

int ifl_search_near_c(const struct ifl_search_table *table, uint32_t first, int count,
                      const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit, uint32_t *hit)
{
    int hits = 0;
    for (uint32_t i = first; i < first + (uint32_t)count; i++) {
        int32_t sum = 0;
        for (int f = 0; f < IFL_SEARCH_FEATURES; f++) {
            int d = feature[f] - table->pair[f / 2][i][f % 2];
            sum += d * d;
        }
        if (sum < limit)
            hit[hits++] = i;
    }
    return hits;
}

int32_t ifl_search_squares_c(const uint8_t *a, const uint8_t *b, int stride)
{
    int32_t sum = 0;
    for (int y = 0; y < IFL_SEARCH_PIXELS; y++)
        for (int i = 0; i < 3 * IFL_SEARCH_PIXELS; i++) {
            int d = a[y * stride + i] - b[y * stride + i];
            sum += d * d;
        }
    return sum;
}

void ifl_search_compare_c(const uint8_t *own, const uint8_t *const *patch, int count, int stride,
                          int rows, int32_t *squares)
{
    for (int i = 0; i < count; i++) {
        squares[i] = 0;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < IFL_SEARCH_BYTES; x++) {
                int d = own[y * stride + x] - patch[i][y * stride + x];
                squares[i] += d * d;
            }
    }
}
