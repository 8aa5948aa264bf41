// SPDX-License-Identifier: Apache-2.0
// AVX2 and AVX-512 versions: a lane a patch in the filter. Nothing outside the patches is read.
#include "kernels/patch_search.h"

#include <immintrin.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2,bmi2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,bmi2")))

enum { PAIRS = IFL_SEARCH_FEATURES / 2, ROW = 3 * IFL_SEARCH_PIXELS };

static inline int32_t pair_of(const int16_t *feature, int pair)
{
    int32_t both;
    memcpy(&both, feature + 2 * pair, sizeof both);
    return both;
}

AVX2 int ifl_search_near_avx2(const struct ifl_search_table *table, uint32_t first, int count,
                              const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit,
                              uint32_t *hit)
{
    __m256i own[PAIRS];
    const __m256i most = _mm256_set1_epi32(limit);
    int hits = 0, i = 0;
    for (int p = 0; p < PAIRS; p++)
        own[p] = _mm256_set1_epi32(pair_of(feature, p));
    for (; i + 8 <= count; i += 8) {
        __m256i sum = _mm256_setzero_si256();
        for (int p = 0; p < PAIRS; p++) {
            const void *at = table->pair[p] + first + i;
            __m256i d = _mm256_sub_epi16(own[p], _mm256_loadu_si256(at));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(d, d));
        }
        unsigned near =
            (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(most, sum)));
        for (; near; near &= near - 1)
            hit[hits++] = first + (uint32_t)i + (uint32_t)__builtin_ctz(near);
    }
    return hits +
           ifl_search_near_c(table, first + (uint32_t)i, count - i, feature, limit, hit + hits);
}

// A row of 21 bytes as 16 + 8 samples; the last three of the eight are no pixels and set to 0.
AVX2 static inline __m128i row_end(const uint8_t *at)
{
    // 5 bytes that end where the row does, by a load of 8 that begins inside of it.
    __m128i eight = _mm_loadl_epi64((const __m128i *)(at + ROW - 8));
    return _mm_cvtepu8_epi16(_mm_srli_epi64(eight, 24));
}

AVX2 static inline int32_t sum_lanes(__m256i low, __m128i high)
{
    high = _mm_add_epi32(
        high, _mm_add_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
    high = _mm_add_epi32(high, _mm_shuffle_epi32(high, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(high, _mm_shuffle_epi32(high, 0xb1)));
}

AVX2 static inline __m256i widen16(const uint8_t *at)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)at));
}

AVX2 static inline __m128i widen8(const uint8_t *at)
{
    return _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)at));
}

AVX2 int32_t ifl_search_squares_avx2(const uint8_t *a, const uint8_t *b, int stride)
{
    __m256i low = _mm256_setzero_si256();
    __m128i high = _mm_setzero_si128();
    for (int y = 0; y < IFL_SEARCH_PIXELS; y++, a += stride, b += stride) {
        __m256i d = _mm256_sub_epi16(widen16(a), widen16(b));
        __m128i e = _mm_sub_epi16(row_end(a), row_end(b));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(d, d));
        high = _mm_add_epi32(high, _mm_madd_epi16(e, e));
    }
    return sum_lanes(low, high);
}

AVX2 void ifl_search_compare_avx2(const uint8_t *own, const uint8_t *const *patch, int count,
                                  int stride, int rows, int32_t *squares)
{
    for (int i = 0; i < count; i++) {
        const uint8_t *a = own, *b = patch[i];
        __m256i low = _mm256_setzero_si256();
        __m128i high = _mm_setzero_si128();
        for (int y = 0; y < rows; y++, a += stride, b += stride) {
            __m256i d = _mm256_sub_epi16(widen16(a), widen16(b));
            __m128i e = _mm_sub_epi16(widen8(a + 16), widen8(b + 16));
            low = _mm256_add_epi32(low, _mm256_madd_epi16(d, d));
            high = _mm_add_epi32(high, _mm_madd_epi16(e, e));
        }
        squares[i] = sum_lanes(low, high);
    }
}

AVX512 int ifl_search_near_avx512(const struct ifl_search_table *table, uint32_t first, int count,
                                  const int16_t feature[IFL_SEARCH_FEATURES], int32_t limit,
                                  uint32_t *hit)
{
    __m512i own[PAIRS];
    const __m512i most = _mm512_set1_epi32(limit);
    int hits = 0;
    for (int p = 0; p < PAIRS; p++)
        own[p] = _mm512_set1_epi32(pair_of(feature, p));
    for (int i = 0; i < count; i += 16) {
        __mmask16 here = count - i >= 16 ? (__mmask16)0xffff : (__mmask16)((1U << (count - i)) - 1);
        __m512i sum = _mm512_setzero_si512();
        for (int p = 0; p < PAIRS; p++) {
            __m512i other = _mm512_maskz_loadu_epi32(here, table->pair[p] + first + i);
            __m512i d = _mm512_sub_epi16(own[p], other);
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(d, d));
        }
        unsigned near = _mm512_mask_cmplt_epi32_mask(here, sum, most);
        for (; near; near &= near - 1)
            hit[hits++] = first + (uint32_t)i + (uint32_t)__builtin_ctz(near);
    }
    return hits;
}

AVX512 static inline __m512i difference(__mmask32 row, const uint8_t *a, const uint8_t *b)
{
    return _mm512_sub_epi16(_mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(row, a)),
                            _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(row, b)));
}

AVX512 int32_t ifl_search_squares_avx512(const uint8_t *a, const uint8_t *b, int stride)
{
    const __mmask32 row = (1U << ROW) - 1;
    __m512i sum = _mm512_setzero_si512();
    for (int y = 0; y < IFL_SEARCH_PIXELS; y++) {
        __m512i d = difference(row, a + y * stride, b + y * stride);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(d, d));
    }
    return _mm512_reduce_add_epi32(sum);
}

// With a constant number of rows the own patch stays in registers.
AVX512 static inline __attribute__((always_inline)) void compare512(const uint8_t *own,
                                                                    const uint8_t *const *patch,
                                                                    int count, int stride, int rows,
                                                                    int32_t *squares)
{
    const __mmask32 row = (1U << IFL_SEARCH_BYTES) - 1;
    __m512i kept[8];
    for (int y = 0; y < rows; y++)
        kept[y] = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(row, own + y * stride));
    for (int i = 0; i < count; i++) {
        __m512i sum = _mm512_setzero_si512();
        for (int y = 0; y < rows; y++) {
            __m512i d = _mm512_sub_epi16(
                kept[y], _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(row, patch[i] + y * stride)));
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(d, d));
        }
        squares[i] = _mm512_reduce_add_epi32(sum);
    }
}

AVX512 void ifl_search_compare_avx512(const uint8_t *own, const uint8_t *const *patch, int count,
                                      int stride, int rows, int32_t *squares)
{
    if (rows == 8)
        compare512(own, patch, count, stride, 8, squares);
    else if (rows == 2)
        compare512(own, patch, count, stride, 2, squares);
    else
        compare512(own, patch, count, stride, rows, squares);
}
