// SPDX-License-Identifier: Apache-2.0
// Whole blocks of `light_sums` of pixels.h by hand: compilers keep neither its sums in registers
// nor its weights out of branches. Included by the files of instruction sets with registers of four
// doubles, before pixels_c.c.
#ifndef IFL_KERNELS_PIXELS_LIGHT_H
#define IFL_KERNELS_PIXELS_LIGHT_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels/pixels.h"

#define IFL_PIXEL_LIGHT add_light_wide

static inline __m256d four_bytes(const uint8_t *from)
{
    int32_t bytes;
    memcpy(&bytes, from, sizeof bytes);
    return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)));
}

// 0 beyond reach, and where raw is clipped.
static inline __m256d weigh_four(__m256d raw, const float *residual, __m256d per_reach)
{
    __m256d t = _mm256_mul_pd(_mm256_cvtps_pd(_mm_loadu_ps(residual)), per_reach);
    __m256d rest = _mm256_sub_pd(_mm256_set1_pd(1), _mm256_mul_pd(t, t));
    rest = _mm256_max_pd(rest, _mm256_setzero_pd());
    __m256d known = _mm256_and_pd(_mm256_cmp_pd(raw, _mm256_set1_pd(3), _CMP_GE_OQ),
                                  _mm256_cmp_pd(raw, _mm256_set1_pd(252), _CMP_LE_OQ));
    return _mm256_and_pd(_mm256_mul_pd(rest, rest), known);
}

// Four lanes of all blocks: their sums stay in registers.
static inline void add_four_lanes(const uint8_t *raw, const uint8_t *plate, const float *residual,
                                  int count, double per_reach, __m256d sum[5])
{
    for (int i = 0; i < count; i += IFL_LIGHT_LANES) {
        __m256d r = four_bytes(raw + i), p = four_bytes(plate + i);
        __m256d w = weigh_four(r, residual + i, _mm256_set1_pd(per_reach));
        __m256d wp = _mm256_mul_pd(w, p);
        sum[0] = _mm256_add_pd(sum[0], w);
        sum[1] = _mm256_add_pd(sum[1], wp);
        sum[2] = _mm256_add_pd(sum[2], _mm256_mul_pd(w, r));
        sum[3] = _mm256_add_pd(sum[3], _mm256_mul_pd(wp, p));
        sum[4] = _mm256_add_pd(sum[4], _mm256_mul_pd(wp, r));
    }
}

// `count`: of whole blocks.
static void add_light_wide(const uint8_t *raw, const uint8_t *plate, const float *residual,
                           int count, double per_reach, double (*sum)[IFL_LIGHT_LANES])
{
    for (int lane = 0; lane < IFL_LIGHT_LANES; lane += 4) {
        __m256d four[5];
        for (int s = 0; s < 5; s++)
            four[s] = _mm256_loadu_pd(sum[s] + lane);
        add_four_lanes(raw + lane, plate + lane, residual + lane, count, per_reach, four);
        for (int s = 0; s < 5; s++)
            _mm256_storeu_pd(sum[s] + lane, four[s]);
    }
}

#endif
