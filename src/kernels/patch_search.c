// SPDX-License-Identifier: Apache-2.0
// Picks the version for this machine.
#include "kernels/patch_search.h"

#include "kernels/cpu.h"

struct search_kernels {
    int (*near)(const struct ifl_search_table *, uint32_t, int, const int16_t *, int32_t,
                uint32_t *);
    int32_t (*squares)(const uint8_t *, const uint8_t *, int);
    void (*compare)(const uint8_t *, const uint8_t *const *, int, int, int, int32_t *);
};

#define ROW(level)                                                                                 \
    {                                                                                              \
        ifl_search_near_##level, ifl_search_squares_##level, ifl_search_compare_##level            \
    }
static const struct search_kernels kernels[IFL_CPU_LEVELS] = {
    [IFL_CPU_C] = ROW(c),
    [IFL_CPU_AVX2] = ROW(avx2),
    [IFL_CPU_AVX512] = ROW(avx512),
    [IFL_CPU_VNNI] = ROW(avx512),
};

int ifl_search_near(const struct ifl_search_table *table, uint32_t first, int count,
                    const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit, uint32_t *hit)
{
    return kernels[ifl_cpu_level()].near(table, first, count, feature, limit, hit);
}

int32_t ifl_search_squares(const uint8_t *a, const uint8_t *b, int stride)
{
    return kernels[ifl_cpu_level()].squares(a, b, stride);
}

void ifl_search_compare(const uint8_t *own, const uint8_t *const *patch, int count, int stride,
                        int rows, int32_t *squares)
{
    kernels[ifl_cpu_level()].compare(own, patch, count, stride, rows, squares);
}
