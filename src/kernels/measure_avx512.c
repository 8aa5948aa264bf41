// SPDX-License-Identifier: Apache-2.0
// measure_c.c, 64 columns at a time. Even and odd columns go into separate vectors of 16-bit lanes,
// which spares the unpacking; sums do not mind the order. The histogram, which is bound by stores,
// stands in the same loop, so that it and the arithmetic overlap.
#include <immintrin.h>
#include <string.h>

#include "kernels/measure.h"

enum { WIDE = 64 };

// Columns x - 1, x, x + 1, x + 2 of one row, for x = 0, 2, 4, ...
struct columns {
    __m512i left, even, odd, right;
};

static inline __m512i load(const uint8_t *from, __mmask64 mask)
{
    return _mm512_maskz_loadu_epi8(mask, from);
}

static inline __m512i low(__m512i bytes)
{
    return _mm512_and_si512(bytes, _mm512_set1_epi16(255));
}

static inline __m512i high(__m512i bytes)
{
    return _mm512_srli_epi16(bytes, 8);
}

static inline struct columns split(__m512i before, __m512i here, __m512i after)
{
    return (struct columns){low(before), low(here), high(here), high(after)};
}

// A column of three pixels: smoothed, first and second difference.
struct vertical {
    __m512i middle, smooth, first, second;
};

static inline struct vertical combine(__m512i above, __m512i middle, __m512i below)
{
    __m512i outer = _mm512_add_epi16(above, below), twice = _mm512_add_epi16(middle, middle);
    return (struct vertical){
        .middle = middle,
        .smooth = _mm512_add_epi16(outer, twice),
        .first = _mm512_sub_epi16(below, above),
        .second = _mm512_sub_epi16(outer, twice),
    };
}

// 32-bit lanes: a row of 16384 columns adds at most 2^31 to each.
struct sums {
    __m512i laplacian_squares, noise, gradient_squares, edges;
    __m512i across, across_border, down; // 64-bit lanes
};

static inline __m512i second_difference(__m512i left, __m512i middle, __m512i right)
{
    return _mm512_sub_epi16(_mm512_add_epi16(left, right), _mm512_add_epi16(middle, middle));
}

static inline void add_gradient(struct sums *sums, __m512i pairs)
{
    const __m512i limit = _mm512_set1_epi32(IFL_EDGE_MAGNITUDE * IFL_EDGE_MAGNITUDE);
    __m512i squares = _mm512_madd_epi16(pairs, pairs);
    __mmask16 edges = _mm512_cmpgt_epi32_mask(squares, limit);
    sums->gradient_squares = _mm512_add_epi32(sums->gradient_squares, squares);
    sums->edges = _mm512_mask_sub_epi32(sums->edges, edges, sums->edges, _mm512_set1_epi32(-1));
}

// The 3x3 operators where `mask` is set.
static inline void add_operators(struct sums *sums, __mmask32 mask, const struct vertical *left,
                                 const struct vertical *middle, const struct vertical *right)
{
    __m512i gx = _mm512_maskz_sub_epi16(mask, right->smooth, left->smooth);
    __m512i gy = _mm512_add_epi16(_mm512_add_epi16(left->first, right->first),
                                  _mm512_add_epi16(middle->first, middle->first));
    __m512i noise = second_difference(left->second, middle->second, right->second);
    __m512i laplacian = _mm512_maskz_add_epi16(
        mask, middle->second, second_difference(left->middle, middle->middle, right->middle));
    gy = _mm512_maskz_mov_epi16(mask, gy);
    noise = _mm512_maskz_abs_epi16(mask, noise);
    sums->laplacian_squares =
        _mm512_add_epi32(sums->laplacian_squares, _mm512_madd_epi16(laplacian, laplacian));
    sums->noise = _mm512_add_epi32(sums->noise, _mm512_madd_epi16(noise, _mm512_set1_epi16(1)));
    add_gradient(sums, _mm512_unpacklo_epi16(gx, gy));
    add_gradient(sums, _mm512_unpackhi_epi16(gx, gy));
}

// Differences to the next column and to the row below.
static inline void add_steps(struct sums *sums, __m512i here, __m512i next, __m512i below,
                             __mmask64 pairs)
{
    const __mmask64 borders = UINT64_C(0x8080808080808080);
    __m512i same = _mm512_mask_mov_epi8(here, pairs, next);
    __m512i border = _mm512_mask_mov_epi8(here, pairs & borders, next);
    sums->across = _mm512_add_epi64(sums->across, _mm512_sad_epu8(here, same));
    sums->across_border = _mm512_add_epi64(sums->across_border, _mm512_sad_epu8(here, border));
    sums->down = _mm512_add_epi64(sums->down, _mm512_sad_epu8(here, below));
}

// Which of the 64 columns there are, have a next one, have both neighbours.
struct there {
    __mmask64 column, next, inner;
};

// Eight pixels into the histogram, two at a time.
static inline void count_eight(const uint8_t *row, struct ifl_row_sums *sums)
{
    for (int i = 0; i < 8; i += 2) {
        uint16_t two;
        memcpy(&two, row + i, sizeof two);
        sums->pairs[two]++;
    }
}

// `counted` holds the 64 pixels of the middle row for the histogram; counting stands between the
// steps so that stores and arithmetic are spread evenly. Inline, or the sums go through memory at
// each block (gcc thinks it too long; that costs a sixth).
__attribute__((always_inline)) static inline void
add_block(struct sums *sums, const uint8_t *a, const uint8_t *b, const uint8_t *c,
          struct there there, const uint8_t *counted, struct ifl_row_sums *to)
{
    const uint64_t every_second = UINT64_C(0x5555555555555555);
    __mmask64 before = there.inner, after = there.next;
    __m512i here = load(b, there.column), next = load(b + 1, after), below = load(c, there.column);
    struct columns top = split(load(a - 1, before), load(a, there.column), load(a + 1, after));
    count_eight(counted, to);
    struct columns middle = split(load(b - 1, before), here, next);
    count_eight(counted + 8, to);
    struct columns bottom = split(load(c - 1, before), below, load(c + 1, after));
    count_eight(counted + 16, to);
    struct vertical left = combine(top.left, middle.left, bottom.left);
    struct vertical even = combine(top.even, middle.even, bottom.even);
    count_eight(counted + 24, to);
    struct vertical odd = combine(top.odd, middle.odd, bottom.odd);
    struct vertical right = combine(top.right, middle.right, bottom.right);
    count_eight(counted + 32, to);
    add_operators(sums, (__mmask32)_pext_u64(there.inner, every_second), &left, &even, &odd);
    count_eight(counted + 40, to);
    add_operators(sums, (__mmask32)_pext_u64(there.inner, ~every_second), &even, &odd, &right);
    count_eight(counted + 48, to);
    add_steps(sums, here, next, below, there.next);
    count_eight(counted + 56, to);
}

static uint64_t reduce32(__m512i lanes)
{
    __m512i low_half = _mm512_and_si512(lanes, _mm512_set1_epi64(UINT32_MAX));
    return (uint64_t)_mm512_reduce_add_epi64(
        _mm512_add_epi64(low_half, _mm512_srli_epi64(lanes, 32)));
}

static void take(const struct sums *from, struct ifl_row_sums *sums)
{
    sums->operators.laplacian_squares += reduce32(from->laplacian_squares);
    sums->operators.noise += reduce32(from->noise);
    sums->operators.gradient_squares += reduce32(from->gradient_squares);
    sums->operators.edges += reduce32(from->edges);
    sums->across += (uint64_t)_mm512_reduce_add_epi64(from->across);
    sums->across_border += (uint64_t)_mm512_reduce_add_epi64(from->across_border);
    sums->down += (uint64_t)_mm512_reduce_add_epi64(from->down);
}

static inline __mmask64 first_bits(int count)
{
    return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

// The first and the last block, where columns or neighbours are missing. Pixels are counted where
// they lie if there are enough: out of a copy gcc takes them one by one.
static void add_end_block(struct sums *sums, const uint8_t *a, const uint8_t *b, const uint8_t *c,
                          bool first, int left, struct ifl_row_sums *to)
{
    uint8_t filled[WIDE];
    const uint8_t *counted = b;
    struct there there = {.column = first_bits(left), .next = first_bits(left - 1)};
    there.inner = first ? there.next & ~UINT64_C(1) : there.next;
    if (left < WIDE) {
        _mm512_storeu_si512(filled, load(b, there.column));
        counted = filled;
        to->single[0] -= (uint32_t)(WIDE - left); // what fills it up
    }
    add_block(sums, a, b, c, there, counted, to);
}

static void measure_row(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                        struct ifl_row_sums *to)
{
    const struct there all = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
    struct sums sums = {0};
    add_end_block(&sums, above, row, below, true, width, to);
    int x = WIDE;
    for (; x + WIDE < width; x += WIDE)
        add_block(&sums, above + x, row + x, below + x, all, row + x, to);
    if (x < width)
        add_end_block(&sums, above + x, row + x, below + x, false, width - x, to);
    take(&sums, to);
}

static uint64_t sum(const uint8_t *row, int count)
{
    __m512i total = _mm512_setzero_si512();
    for (int x = 0; x < count; x += WIDE)
        total = _mm512_add_epi64(
            total, _mm512_sad_epu8(load(row + x, first_bits(count - x)), _mm512_setzero_si512()));
    return (uint64_t)_mm512_reduce_add_epi64(total);
}

// Chroma minus 128 in 16-bit lanes.
static inline __m512i odd_lanes(__m512i centred)
{
    return _mm512_srai_epi16(centred, 8);
}

static inline __m512i even_lanes(__m512i centred)
{
    return _mm512_srai_epi16(_mm512_slli_epi16(centred, 8), 8);
}

static inline __m512i multiply(__m512i sum, __m512i a_even, __m512i a_odd, __m512i b_even,
                               __m512i b_odd)
{
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(a_even, b_even));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a_odd, b_odd));
}

static void chroma(const uint8_t *cb, const uint8_t *cr, int count, struct ifl_chroma_sums *sums)
{
    const __m512i middle = _mm512_set1_epi8(-128), zero = _mm512_setzero_si512();
    __m512i blue = zero, red = zero, blue_blue = zero, red_red = zero, blue_red = zero;
    for (int x = 0; x < count; x += WIDE) {
        __mmask64 mask = first_bits(count - x);
        __m512i b = _mm512_mask_loadu_epi8(middle, mask, cb + x);
        __m512i r = _mm512_mask_loadu_epi8(middle, mask, cr + x);
        blue = _mm512_add_epi64(blue, _mm512_sad_epu8(b, zero));
        red = _mm512_add_epi64(red, _mm512_sad_epu8(r, zero));
        b = _mm512_xor_si512(b, middle);
        r = _mm512_xor_si512(r, middle);
        __m512i b0 = even_lanes(b), b1 = odd_lanes(b), r0 = even_lanes(r), r1 = odd_lanes(r);
        blue_blue = multiply(blue_blue, b0, b1, b0, b1);
        red_red = multiply(red_red, r0, r1, r0, r1);
        blue_red = multiply(blue_red, b0, b1, r0, r1);
    }
    int64_t offset = (int64_t)((count + WIDE - 1) / WIDE) * WIDE * 128;
    sums->cb += _mm512_reduce_add_epi64(blue) - offset;
    sums->cr += _mm512_reduce_add_epi64(red) - offset;
    sums->cb_cb += reduce32(blue_blue);
    sums->cr_cr += reduce32(red_red);
    sums->cb_cr += _mm512_reduce_add_epi32(blue_red);
}

static inline __m512i wide(const uint8_t *from, __mmask32 mask)
{
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, from));
}

// From 6 bits behind the point to 0..255.
static inline __m512i whole(__m512i value)
{
    value = _mm512_srai_epi16(value, 6);
    return _mm512_min_epi16(_mm512_max_epi16(value, _mm512_setzero_si512()),
                            _mm512_set1_epi16(255));
}

static inline __m512i times(__m512i centred, int factor)
{
    return _mm512_mulhrs_epi16(centred, _mm512_set1_epi16((short)factor));
}

// floor(65536 spread / greatest): exact, since the quotient of floats is nearer to its true value
// than that is to the next whole number.
static inline __m512i ratio(__m256i spread, __m256i greatest)
{
    __m512i top = _mm512_slli_epi32(_mm512_cvtepu16_epi32(spread), 16);
    __m512i below = _mm512_cvtepu16_epi32(greatest);
    __mmask16 some = _mm512_test_epi32_mask(below, below);
    return _mm512_cvttps_epi32(
        _mm512_maskz_div_ps(some, _mm512_cvtepi32_ps(top), _mm512_cvtepi32_ps(below)));
}

static uint64_t saturation(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int count)
{
    const __m512i middle = _mm512_set1_epi16(128), half = _mm512_set1_epi16(32);
    __m512i total = _mm512_setzero_si512();
    for (int x = 0; x < count; x += WIDE / 2) {
        __mmask32 mask = (__mmask32)first_bits(count - x);
        __m512i luma = _mm512_add_epi16(_mm512_slli_epi16(wide(y + x, mask), 6), half);
        __m512i b = _mm512_slli_epi16(_mm512_sub_epi16(wide(cb + x, mask), middle), 7);
        __m512i r = _mm512_slli_epi16(_mm512_sub_epi16(wide(cr + x, mask), middle), 7);
        __m512i red = whole(_mm512_add_epi16(luma, times(r, 22970)));
        __m512i green =
            whole(_mm512_sub_epi16(_mm512_sub_epi16(luma, times(b, 5638)), times(r, 11700)));
        __m512i blue = whole(_mm512_add_epi16(luma, times(b, 29032)));
        __m512i most = _mm512_max_epi16(_mm512_max_epi16(red, green), blue);
        __m512i least = _mm512_min_epi16(_mm512_min_epi16(red, green), blue);
        __m512i spread = _mm512_maskz_sub_epi16(mask, most, least);
        total = _mm512_add_epi32(
            total, ratio(_mm512_castsi512_si256(spread), _mm512_castsi512_si256(most)));
        total = _mm512_add_epi32(
            total, ratio(_mm512_extracti64x4_epi64(spread, 1), _mm512_extracti64x4_epi64(most, 1)));
    }
    return reduce32(total);
}

const struct ifl_measure_kernels ifl_measure_kernels_avx512 = {
    .row = measure_row,
    .sum = sum,
    .chroma = chroma,
    .saturation = saturation,
};
