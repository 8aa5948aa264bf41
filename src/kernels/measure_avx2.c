// SPDX-License-Identifier: Apache-2.0
// measure_c.c, 32 columns at a time; see measure_avx512.c for the idea. The columns at both ends,
// for which there is no mask here, are left to the C version.
#include <immintrin.h>
#include <string.h>

#include "kernels/measure.h"

enum { WIDE = 32 };

// Columns x - 1, x, x + 1, x + 2 of one row, for x = 0, 2, 4, ...
struct columns {
    __m256i left, even, odd, right;
};

static inline __m256i load(const uint8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

static inline __m256i low(__m256i bytes)
{
    return _mm256_and_si256(bytes, _mm256_set1_epi16(255));
}

static inline __m256i high(__m256i bytes)
{
    return _mm256_srli_epi16(bytes, 8);
}

static inline struct columns split(const uint8_t *row)
{
    __m256i here = load(row);
    return (struct columns){low(load(row - 1)), low(here), high(here), high(load(row + 1))};
}

// A column of three pixels: smoothed, first and second difference.
struct vertical {
    __m256i middle, smooth, first, second;
};

static inline struct vertical combine(__m256i above, __m256i middle, __m256i below)
{
    __m256i outer = _mm256_add_epi16(above, below), twice = _mm256_add_epi16(middle, middle);
    return (struct vertical){
        .middle = middle,
        .smooth = _mm256_add_epi16(outer, twice),
        .first = _mm256_sub_epi16(below, above),
        .second = _mm256_sub_epi16(outer, twice),
    };
}

// 32-bit lanes, unsigned: a row of 16384 columns adds less than 2^32 to each.
struct sums {
    __m256i laplacian_squares, noise, gradient_squares, edges;
    __m256i across, across_border, down; // 64-bit lanes
};

static inline __m256i second_difference(__m256i left, __m256i middle, __m256i right)
{
    return _mm256_sub_epi16(_mm256_add_epi16(left, right), _mm256_add_epi16(middle, middle));
}

static inline void add_gradient(struct sums *sums, __m256i pairs)
{
    const __m256i limit = _mm256_set1_epi32(IFL_EDGE_MAGNITUDE * IFL_EDGE_MAGNITUDE);
    __m256i squares = _mm256_madd_epi16(pairs, pairs);
    sums->gradient_squares = _mm256_add_epi32(sums->gradient_squares, squares);
    sums->edges = _mm256_sub_epi32(sums->edges, _mm256_cmpgt_epi32(squares, limit));
}

static inline void add_operators(struct sums *sums, const struct vertical *left,
                                 const struct vertical *middle, const struct vertical *right)
{
    __m256i gx = _mm256_sub_epi16(right->smooth, left->smooth);
    __m256i gy = _mm256_add_epi16(_mm256_add_epi16(left->first, right->first),
                                  _mm256_add_epi16(middle->first, middle->first));
    __m256i noise =
        _mm256_abs_epi16(second_difference(left->second, middle->second, right->second));
    __m256i laplacian = _mm256_add_epi16(
        middle->second, second_difference(left->middle, middle->middle, right->middle));
    sums->laplacian_squares =
        _mm256_add_epi32(sums->laplacian_squares, _mm256_madd_epi16(laplacian, laplacian));
    sums->noise = _mm256_add_epi32(sums->noise, _mm256_madd_epi16(noise, _mm256_set1_epi16(1)));
    add_gradient(sums, _mm256_unpacklo_epi16(gx, gy));
    add_gradient(sums, _mm256_unpackhi_epi16(gx, gy));
}

// Differences to the next column and to the row below.
static inline void add_steps(struct sums *sums, const uint8_t *row, const uint8_t *below)
{
    const __m256i last_of_block = _mm256_set1_epi64x((long long)UINT64_C(0xff00000000000000));
    __m256i here = load(row), next = load(row + 1);
    __m256i border = _mm256_sad_epu8(_mm256_and_si256(here, last_of_block),
                                     _mm256_and_si256(next, last_of_block));
    sums->across = _mm256_add_epi64(sums->across, _mm256_sad_epu8(here, next));
    sums->across_border = _mm256_add_epi64(sums->across_border, border);
    sums->down = _mm256_add_epi64(sums->down, _mm256_sad_epu8(here, load(below)));
}

// Eight pixels into the histogram, two at a time.
static inline void count_eight(const uint8_t *row, struct ifl_row_sums *sums)
{
    for (int i = 0; i < 8; i += 2) {
        uint16_t two;
        memcpy(&two, row + i, sizeof two);
        sums->pairs[two]++;
    }
}

static inline void add_block(struct sums *sums, const uint8_t *a, const uint8_t *b,
                             const uint8_t *c, struct ifl_row_sums *to)
{
    struct columns top = split(a), middle = split(b), bottom = split(c);
    count_eight(b, to);
    struct vertical left = combine(top.left, middle.left, bottom.left);
    struct vertical even = combine(top.even, middle.even, bottom.even);
    struct vertical odd = combine(top.odd, middle.odd, bottom.odd);
    struct vertical right = combine(top.right, middle.right, bottom.right);
    count_eight(b + 8, to);
    add_operators(sums, &left, &even, &odd);
    count_eight(b + 16, to);
    add_operators(sums, &even, &odd, &right);
    add_steps(sums, b, c);
    count_eight(b + 24, to);
}

static uint64_t reduce64(__m256i lanes)
{
    __m128i sum = _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    return (uint64_t)_mm_cvtsi128_si64(sum) + (uint64_t)_mm_extract_epi64(sum, 1);
}

static uint64_t reduce32(__m256i lanes)
{
    __m256i low_half = _mm256_and_si256(lanes, _mm256_set1_epi64x(UINT32_MAX));
    return reduce64(_mm256_add_epi64(low_half, _mm256_srli_epi64(lanes, 32)));
}

static void take(const struct sums *from, struct ifl_row_sums *sums)
{
    sums->operators.laplacian_squares += reduce32(from->laplacian_squares);
    sums->operators.noise += reduce32(from->noise);
    sums->operators.gradient_squares += reduce32(from->gradient_squares);
    sums->operators.edges += reduce32(from->edges);
    sums->across += reduce64(from->across);
    sums->across_border += reduce64(from->across_border);
    sums->down += reduce64(from->down);
}

static void measure_row(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                        struct ifl_row_sums *to)
{
    struct sums sums = {0};
    int x = IFL_BLOCK_SIDE; // a whole block of a codec, so that the borders lie where the mask is
    if (width < x + WIDE + 1) {
        ifl_measure_columns(above, row, below, width, 0, width, to);
        return;
    }
    for (; x + WIDE < width; x += WIDE)
        add_block(&sums, above + x, row + x, below + x, to);
    take(&sums, to);
    ifl_measure_columns(above, row, below, width, 0, IFL_BLOCK_SIDE, to);
    ifl_measure_columns(above, row, below, width, x, width, to);
}

static uint64_t sum(const uint8_t *row, int count)
{
    __m256i total = _mm256_setzero_si256();
    int x = 0;
    for (; x + WIDE <= count; x += WIDE)
        total = _mm256_add_epi64(total, _mm256_sad_epu8(load(row + x), _mm256_setzero_si256()));
    return reduce64(total) + ifl_measure_kernels_c.sum(row + x, count - x);
}

// Chroma minus 128 in 16-bit lanes.
static inline __m256i odd_lanes(__m256i centred)
{
    return _mm256_srai_epi16(centred, 8);
}

static inline __m256i even_lanes(__m256i centred)
{
    return _mm256_srai_epi16(_mm256_slli_epi16(centred, 8), 8);
}

static inline __m256i multiply(__m256i sum, __m256i a_even, __m256i a_odd, __m256i b_even,
                               __m256i b_odd)
{
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a_even, b_even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a_odd, b_odd));
}

// Signed 32-bit lanes.
static int64_t reduce_signed(__m256i lanes)
{
    __m256i low_half = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes));
    __m256i high_half = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1));
    return (int64_t)reduce64(_mm256_add_epi64(low_half, high_half));
}

static void chroma(const uint8_t *cb, const uint8_t *cr, int count, struct ifl_chroma_sums *sums)
{
    const __m256i middle = _mm256_set1_epi8(-128), zero = _mm256_setzero_si256();
    __m256i blue = zero, red = zero, blue_blue = zero, red_red = zero, blue_red = zero;
    int x = 0;
    for (; x + WIDE <= count; x += WIDE) {
        __m256i b = load(cb + x), r = load(cr + x);
        blue = _mm256_add_epi64(blue, _mm256_sad_epu8(b, zero));
        red = _mm256_add_epi64(red, _mm256_sad_epu8(r, zero));
        b = _mm256_xor_si256(b, middle);
        r = _mm256_xor_si256(r, middle);
        __m256i b0 = even_lanes(b), b1 = odd_lanes(b), r0 = even_lanes(r), r1 = odd_lanes(r);
        blue_blue = multiply(blue_blue, b0, b1, b0, b1);
        red_red = multiply(red_red, r0, r1, r0, r1);
        blue_red = multiply(blue_red, b0, b1, r0, r1);
    }
    sums->cb += (int64_t)reduce64(blue) - 128 * x;
    sums->cr += (int64_t)reduce64(red) - 128 * x;
    sums->cb_cb += reduce32(blue_blue);
    sums->cr_cr += reduce32(red_red);
    sums->cb_cr += reduce_signed(blue_red);
    ifl_measure_kernels_c.chroma(cb + x, cr + x, count - x, sums);
}

static inline __m256i wide(const uint8_t *from)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)from));
}

// From 6 bits behind the point to 0..255.
static inline __m256i whole(__m256i value)
{
    value = _mm256_srai_epi16(value, 6);
    return _mm256_min_epi16(_mm256_max_epi16(value, _mm256_setzero_si256()),
                            _mm256_set1_epi16(255));
}

static inline __m256i times(__m256i centred, int factor)
{
    return _mm256_mulhrs_epi16(centred, _mm256_set1_epi16((short)factor));
}

// floor(65536 spread / greatest): exact, since the quotient of floats is nearer to its true value
// than that is to the next whole number. Where greatest is 0 spread is too, and 1 divides instead.
static inline __m256i ratio(__m128i spread, __m128i greatest)
{
    __m256i top = _mm256_slli_epi32(_mm256_cvtepu16_epi32(spread), 16);
    __m256i below = _mm256_cvtepu16_epi32(_mm_max_epi16(greatest, _mm_set1_epi16(1)));
    return _mm256_cvttps_epi32(_mm256_div_ps(_mm256_cvtepi32_ps(top), _mm256_cvtepi32_ps(below)));
}

static uint64_t saturation(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int count)
{
    const __m256i middle = _mm256_set1_epi16(128), half = _mm256_set1_epi16(32);
    __m256i total = _mm256_setzero_si256();
    int x = 0;
    for (; x + WIDE / 2 <= count; x += WIDE / 2) {
        __m256i luma = _mm256_add_epi16(_mm256_slli_epi16(wide(y + x), 6), half);
        __m256i b = _mm256_slli_epi16(_mm256_sub_epi16(wide(cb + x), middle), 7);
        __m256i r = _mm256_slli_epi16(_mm256_sub_epi16(wide(cr + x), middle), 7);
        __m256i red = whole(_mm256_add_epi16(luma, times(r, 22970)));
        __m256i green =
            whole(_mm256_sub_epi16(_mm256_sub_epi16(luma, times(b, 5638)), times(r, 11700)));
        __m256i blue = whole(_mm256_add_epi16(luma, times(b, 29032)));
        __m256i most = _mm256_max_epi16(_mm256_max_epi16(red, green), blue);
        __m256i least = _mm256_min_epi16(_mm256_min_epi16(red, green), blue);
        __m256i spread = _mm256_sub_epi16(most, least);
        total = _mm256_add_epi32(
            total, ratio(_mm256_castsi256_si128(spread), _mm256_castsi256_si128(most)));
        total = _mm256_add_epi32(
            total, ratio(_mm256_extracti128_si256(spread, 1), _mm256_extracti128_si256(most, 1)));
    }
    return reduce32(total) + ifl_measure_kernels_c.saturation(y + x, cb + x, cr + x, count - x);
}

const struct ifl_measure_kernels ifl_measure_kernels_avx2 = {
    .row = measure_row,
    .sum = sum,
    .chroma = chroma,
    .saturation = saturation,
};
