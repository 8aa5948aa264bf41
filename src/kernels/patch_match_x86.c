// SPDX-License-Identifier: Apache-2.0
// AVX2, AVX-512 and VNNI versions. A row of a patch is 24 samples: 16 + 8 in AVX2, 24 of 32 lanes
// in AVX-512; nothing outside the patch is read.
#include "kernels/patch_match.h"

#include <immintrin.h>

#define AVX2   __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#define VNNI   __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

struct row16 {
    __m256i low;  // samples 0..15
    __m128i high; // samples 16..23
};

AVX2 static inline struct row16 widen(const uint8_t *bytes)
{
    return (struct row16){
        _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)bytes)),
        _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(bytes + 16))),
    };
}

AVX2 static inline struct row16 load(const int16_t *samples)
{
    return (struct row16){
        _mm256_loadu_si256((const __m256i *)samples),
        _mm_loadu_si128((const __m128i *)(samples + 16)),
    };
}

AVX2 static inline uint32_t sum_lanes(__m256i low, __m128i high)
{
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    four = _mm_add_epi32(four, high);
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(four);
}

AVX2 void ifl_patch_distances_avx2(const int16_t *x, const uint8_t *const *patch, int count,
                                   int stride, int rows, uint32_t *d2)
{
    for (int f = 0; f < count; f++) {
        __m256i low = _mm256_setzero_si256();
        __m128i high = _mm_setzero_si128();
        for (int y = 0; y < rows; y++) {
            struct row16 a = load(x + y * stride), b = widen(patch[f] + y * stride);
            __m256i d = _mm256_sub_epi16(a.low, b.low);
            __m128i e = _mm_sub_epi16(a.high, b.high);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(d, d));
            high = _mm_add_epi32(high, _mm_madd_epi16(e, e));
        }
        d2[f] = sum_lanes(low, high);
    }
}

AVX2 void ifl_patch_blend_avx2(const uint8_t *const *patch, const int16_t *weight, int count,
                               const int16_t *window_x, const int16_t *window_y, int stride,
                               int rows, int16_t *sum)
{
    struct row16 window = load(window_x);
    for (int y = 0; y < rows; y++) {
        __m256i low = _mm256_setzero_si256();
        __m128i high = _mm_setzero_si128();
        for (int f = 0; f < count; f++) {
            struct row16 a = widen(patch[f] + y * stride);
            __m256i w = _mm256_set1_epi16(weight[f]);
            low = _mm256_add_epi16(low, _mm256_mulhrs_epi16(_mm256_slli_epi16(a.low, 7), w));
            high = _mm_add_epi16(
                high, _mm_mulhrs_epi16(_mm_slli_epi16(a.high, 7), _mm256_castsi256_si128(w)));
        }
        __m256i down = _mm256_set1_epi16(window_y[y]);
        __m256i w_low = _mm256_mulhrs_epi16(window.low, down);
        __m128i w_high = _mm_mulhrs_epi16(window.high, _mm256_castsi256_si128(down));
        struct row16 old = load(sum + y * stride);
        low = _mm256_add_epi16(old.low, _mm256_mulhrs_epi16(low, w_low));
        high = _mm_add_epi16(old.high, _mm_mulhrs_epi16(high, w_high));
        _mm256_storeu_si256((__m256i *)(sum + y * stride), low);
        _mm_storeu_si128((__m128i *)(sum + y * stride + 16), high);
    }
}

AVX2 void ifl_patch_step_avx2(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded,
                              int count)
{
    const __m256i four = _mm256_set1_epi16(4), eight = _mm256_set1_epi16(8);
    const __m256i factor = _mm256_set1_epi16(keep);
    int i = 0;
    for (; i + 16 <= count; i += 16) {
        __m256i target = _mm256_loadu_si256((const __m256i *)(sum + i));
        target = _mm256_srai_epi16(_mm256_add_epi16(target, four), 3);
        __m256i next = _mm256_loadu_si256((const __m256i *)(x + i));
        next = _mm256_mulhrs_epi16(_mm256_sub_epi16(next, target), factor);
        next = _mm256_add_epi16(target, next);
        _mm256_storeu_si256((__m256i *)(x + i), next);
        next = _mm256_srai_epi16(_mm256_add_epi16(next, eight), 4);
        _mm256_storeu_si256((__m256i *)(rounded + i), next);
    }
    ifl_patch_step_c(sum + i, keep, x + i, rounded + i, count - i);
}

static const __mmask32 row_mask = 0xffffff;

AVX512 static inline __m512i widen512(const uint8_t *bytes)
{
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(row_mask, bytes));
}

// The sums of eight vectors, at once.
AVX512 static inline void reduce_eight(const __m512i sum[8], uint32_t *d2)
{
    __m256i half[8];
    for (int i = 0; i < 8; i++)
        half[i] =
            _mm256_add_epi32(_mm512_castsi512_si256(sum[i]), _mm512_extracti64x4_epi64(sum[i], 1));
    for (int i = 0; i < 4; i++)
        half[i] = _mm256_hadd_epi32(half[2 * i], half[2 * i + 1]);
    half[0] = _mm256_hadd_epi32(half[0], half[1]);
    half[1] = _mm256_hadd_epi32(half[2], half[3]);
    __m256i all = _mm256_add_epi32(_mm256_permute2x128_si256(half[0], half[1], 0x20),
                                   _mm256_permute2x128_si256(half[0], half[1], 0x31));
    _mm256_storeu_si256((__m256i *)d2, all);
}

AVX512 static inline __m512i add_squares_avx512(__m512i sum, __m512i d)
{
    return _mm512_add_epi32(sum, _mm512_madd_epi16(d, d));
}

VNNI static inline __m512i add_squares_vnni(__m512i sum, __m512i d)
{
    return _mm512_dpwssd_epi32(sum, d, d);
}

// With a constant number of rows the noisy patch stays in registers.
#define DISTANCES(level, LEVEL)                                                                    \
    LEVEL static inline __attribute__((always_inline)) void distances_##level(                     \
        const int16_t *x, const uint8_t *const *patch, int count, int stride, int rows,            \
        uint32_t *d2)                                                                              \
    {                                                                                              \
        __m512i noisy[IFL_PATCH_ROWS_MAX], sum[8];                                                 \
        for (int y = 0; y < rows; y++)                                                             \
            noisy[y] = _mm512_maskz_loadu_epi16(row_mask, x + y * stride);                         \
        int f = 0;                                                                                 \
        for (; f + 8 <= count; f += 8) {                                                           \
            for (int i = 0; i < 8; i++) {                                                          \
                sum[i] = _mm512_setzero_si512();                                                   \
                for (int y = 0; y < rows; y++)                                                     \
                    sum[i] = add_squares_##level(                                                  \
                        sum[i], _mm512_sub_epi16(noisy[y], widen512(patch[f + i] + y * stride)));  \
            }                                                                                      \
            reduce_eight(sum, d2 + f);                                                             \
        }                                                                                          \
        for (; f < count; f++) {                                                                   \
            sum[0] = _mm512_setzero_si512();                                                       \
            for (int y = 0; y < rows; y++)                                                         \
                sum[0] = add_squares_##level(                                                      \
                    sum[0], _mm512_sub_epi16(noisy[y], widen512(patch[f] + y * stride)));          \
            d2[f] = (uint32_t)_mm512_reduce_add_epi32(sum[0]);                                     \
        }                                                                                          \
    }                                                                                              \
    LEVEL void ifl_patch_distances_##level(const int16_t *x, const uint8_t *const *patch,          \
                                           int count, int stride, int rows, uint32_t *d2)          \
    {                                                                                              \
        if (rows == 8)                                                                             \
            distances_##level(x, patch, count, stride, 8, d2);                                     \
        else if (rows == 12)                                                                       \
            distances_##level(x, patch, count, stride, 12, d2);                                    \
        else                                                                                       \
            distances_##level(x, patch, count, stride, rows, d2);                                  \
    }
DISTANCES(avx512, AVX512)
DISTANCES(vnni, VNNI)

AVX512 void ifl_patch_blend_avx512(const uint8_t *const *patch, const int16_t *weight, int count,
                                   const int16_t *window_x, const int16_t *window_y, int stride,
                                   int rows, int16_t *sum)
{
    __m512i window = _mm512_maskz_loadu_epi16(row_mask, window_x);
    for (int y = 0; y < rows; y++) {
        __m512i mean = _mm512_setzero_si512();
        for (int f = 0; f < count; f++) {
            __m512i a = _mm512_slli_epi16(widen512(patch[f] + y * stride), 7);
            mean = _mm512_add_epi16(mean, _mm512_mulhrs_epi16(a, _mm512_set1_epi16(weight[f])));
        }
        __m512i w = _mm512_mulhrs_epi16(window, _mm512_set1_epi16(window_y[y]));
        __m512i old = _mm512_maskz_loadu_epi16(row_mask, sum + y * stride);
        old = _mm512_add_epi16(old, _mm512_mulhrs_epi16(mean, w));
        _mm512_mask_storeu_epi16(sum + y * stride, row_mask, old);
    }
}

void ifl_patch_step_avx512(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded,
                           int count)
{
    ifl_patch_step_avx2(sum, keep, x, rounded, count); // bound by memory: wider gains nothing
}
