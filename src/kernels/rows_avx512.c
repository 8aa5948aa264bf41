// SPDX-License-Identifier: Apache-2.0
// rows_c.c, 32 or 64 columns at a time; the last ones under a mask.
#include <immintrin.h>
#include <string.h>

#include "kernels/rows_boxes.h"

static inline __mmask64 first_bits(int count)
{
    return count >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1;
}

static inline __m512i load_wide(const uint8_t *from, __mmask32 mask)
{
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, from));
}

static inline void store_narrow(uint8_t *to, __mmask32 mask, __m512i words)
{
    _mm256_mask_storeu_epi8(to, mask, _mm512_cvtepi16_epi8(words));
}

static inline void add_weighted(uint32_t *sum, __mmask16 mask, __m256i words, __m512i weight)
{
    __m512i product = _mm512_mullo_epi32(_mm512_cvtepu16_epi32(words), weight);
    __m512i old = _mm512_maskz_loadu_epi32(mask, sum);
    _mm512_mask_storeu_epi32(sum, mask, _mm512_add_epi32(old, product));
}

static void add_rows(const uint8_t *from, ptrdiff_t stride, int rows, uint32_t weight,
                     uint32_t *sum, int count)
{
    const __m512i factor = _mm512_set1_epi32((int)weight);
    for (int x = 0; x < count; x += 32) {
        __mmask32 mask = (__mmask32)first_bits(count - x);
        __m512i words = _mm512_setzero_si512();
        for (int r = 0; r < rows; r++)
            words = _mm512_add_epi16(words, load_wide(from + r * stride + x, mask));
        add_weighted(sum + x, (__mmask16)mask, _mm512_castsi512_si256(words), factor);
        add_weighted(sum + x + 16, (__mmask16)(mask >> 16), _mm512_extracti64x4_epi64(words, 1),
                     factor);
    }
}

static inline __m512i pair_sums(__m512i bytes)
{
    return _mm512_maddubs_epi16(bytes, _mm512_set1_epi8(1));
}

static void shrink2(const uint8_t *from, ptrdiff_t stride, uint8_t *out, int count)
{
    for (int i = 0; i < count; i += 32, from += 64) {
        __mmask64 mask = first_bits(2 * (count - i));
        __m512i sum = _mm512_add_epi16(pair_sums(_mm512_maskz_loadu_epi8(mask, from)),
                                       pair_sums(_mm512_maskz_loadu_epi8(mask, from + stride)));
        sum = _mm512_srli_epi16(_mm512_add_epi16(sum, _mm512_set1_epi16(2)), 2);
        store_narrow(out + i, (__mmask32)first_bits(count - i), sum);
    }
}

static void shrink4(const uint8_t *from, ptrdiff_t stride, uint8_t *out, int count)
{
    for (int i = 0; i < count; i += 16, from += 64) {
        __mmask64 mask = first_bits(4 * (count - i));
        __m512i sum = _mm512_setzero_si512();
        for (int r = 0; r < 4; r++)
            sum =
                _mm512_add_epi16(sum, pair_sums(_mm512_maskz_loadu_epi8(mask, from + r * stride)));
        sum = _mm512_madd_epi16(sum, _mm512_set1_epi16(1));
        sum = _mm512_srli_epi32(_mm512_add_epi32(sum, _mm512_set1_epi32(8)), 4);
        _mm_mask_storeu_epi8(out + i, (__mmask16)first_bits(count - i), _mm512_cvtepi32_epi8(sum));
    }
}

static void shrink8(const uint8_t *from, ptrdiff_t stride, uint8_t *out, int count)
{
    const __m512i zero = _mm512_setzero_si512();
    for (int i = 0; i < count; i += 8, from += 64) {
        __mmask64 mask = first_bits(8 * (count - i));
        __m512i sum = _mm512_set1_epi64(32);
        for (int r = 0; r < 8; r++)
            sum = _mm512_add_epi64(
                sum, _mm512_sad_epu8(_mm512_maskz_loadu_epi8(mask, from + r * stride), zero));
        _mm_mask_storeu_epi8(out + i, (__mmask16)(first_bits(count - i) & 255),
                             _mm512_cvtepi64_epi8(_mm512_srli_epi64(sum, 6)));
    }
}

static void shrink(const uint8_t *from, ptrdiff_t stride, int shift, uint8_t *out, int count)
{
    if (shift == 1)
        shrink2(from, stride, out, count);
    else if (shift == 2)
        shrink4(from, stride, out, count);
    else
        shrink8(from, stride, out, count);
}

// A sample minus `offset` times a factor of 2^14, to 6 bits behind the point.
static inline __m512i times(__m512i words, int offset, int factor)
{
    words = _mm512_sub_epi16(words, _mm512_set1_epi16((short)offset));
    return _mm512_mulhrs_epi16(_mm512_slli_epi16(words, 7), _mm512_set1_epi16((short)factor));
}

static inline void store_q6(uint8_t *to, __mmask32 mask, __m512i value)
{
    value = _mm512_srai_epi16(_mm512_add_epi16(value, _mm512_set1_epi16(32)), 6);
    value = _mm512_max_epi16(value, _mm512_setzero_si512());
    _mm256_mask_storeu_epi8(to, mask, _mm512_cvtusepi16_epi8(value));
}

// Words of the low or high eight of each 16 samples.
static inline __m512i luma_q6(const struct ifl_ycc_map *map, __m512i words)
{
    return times(words, map->y_offset, map->y_y);
}

// Back from words of the low and the high halves.
static inline __m512i join_q6(__m512i low, __m512i high)
{
    const __m512i half = _mm512_set1_epi16(32);
    return _mm512_packus_epi16(_mm512_srai_epi16(_mm512_add_epi16(low, half), 6),
                               _mm512_srai_epi16(_mm512_add_epi16(high, half), 6));
}

static void map_luma(const struct ifl_ycc_map *map, const uint8_t *y, uint8_t *out, int count)
{
    const __m512i zero = _mm512_setzero_si512();
    for (int x = 0; x < count; x += 64) {
        __mmask64 mask = first_bits(count - x);
        __m512i luma = _mm512_maskz_loadu_epi8(mask, y + x);
        __m512i low = luma_q6(map, _mm512_unpacklo_epi8(luma, zero));
        __m512i high = luma_q6(map, _mm512_unpackhi_epi8(luma, zero));
        _mm512_mask_storeu_epi8(out + x, mask, join_q6(low, high));
    }
}

static void map_luma_mixed(const struct ifl_ycc_map *map, const uint8_t *y, const int16_t *mixed,
                           uint8_t *out, int count)
{
    const __m512i zero = _mm512_setzero_si512();
    for (int x = 0; x < count; x += 64) {
        __mmask64 mask = first_bits(count - x);
        __mmask32 half = (__mmask32)first_bits((count - x + 1) / 2);
        __m512i luma = _mm512_maskz_loadu_epi8(mask, y + x);
        __m512i chroma = _mm512_maskz_loadu_epi16(half, mixed + x / 2);
        __m512i low = luma_q6(map, _mm512_unpacklo_epi8(luma, zero));
        __m512i high = luma_q6(map, _mm512_unpackhi_epi8(luma, zero));
        low = _mm512_add_epi16(low, _mm512_unpacklo_epi16(chroma, chroma));
        high = _mm512_add_epi16(high, _mm512_unpackhi_epi16(chroma, chroma));
        _mm512_mask_storeu_epi8(out + x, mask, join_q6(low, high));
    }
}

static void map_chroma(const struct ifl_ycc_map *map, const uint8_t *cb, const uint8_t *cr,
                       uint8_t *out_cb, uint8_t *out_cr, int16_t *mixed, int count)
{
    const __m512i middle = _mm512_set1_epi16(128 * 64);
    for (int x = 0; x < count; x += 32) {
        __mmask32 mask = (__mmask32)first_bits(count - x);
        __m512i blue = load_wide(cb + x, mask), red = load_wide(cr + x, mask);
        __m512i b = _mm512_add_epi16(times(blue, 128, map->cb_cb), times(red, 128, map->cb_cr));
        __m512i r = _mm512_add_epi16(times(blue, 128, map->cr_cb), times(red, 128, map->cr_cr));
        __m512i y = _mm512_add_epi16(times(blue, 128, map->y_cb), times(red, 128, map->y_cr));
        store_q6(out_cb + x, mask, _mm512_add_epi16(b, middle));
        store_q6(out_cr + x, mask, _mm512_add_epi16(r, middle));
        if (mixed)
            _mm512_mask_storeu_epi16(mixed + x, mask, y);
    }
}

// What is before each of 16 columns, all that was before them included; `all` then holds them too.
// Within the lanes by four steps.
static inline __m512i sums_before(__m512i own, __m512i *all)
{
    const __m512i none = _mm512_setzero_si512();
    __m512i part = own;
    part = _mm512_add_epi32(part, _mm512_alignr_epi32(part, none, 15));
    part = _mm512_add_epi32(part, _mm512_alignr_epi32(part, none, 14));
    part = _mm512_add_epi32(part, _mm512_alignr_epi32(part, none, 12));
    part = _mm512_add_epi32(part, _mm512_alignr_epi32(part, none, 8));
    __m512i before = _mm512_add_epi32(_mm512_sub_epi32(part, own), *all);
    *all = _mm512_add_epi32(*all, _mm512_permutexvar_epi32(_mm512_set1_epi32(15), part));
    return before;
}

static void running_sums(const uint32_t *sum, uint32_t *before, int count, int channels)
{
    __m512i all = _mm512_setzero_si512();
    int i = 0;
    for (; channels == 1 && i + 16 <= count; i += 16)
        _mm512_storeu_si512(before + i, sums_before(_mm512_loadu_si512(sum + i), &all));
    continue_sums(sum, before, i, count, channels,
                  (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(all)));
}

// 32 columns of all rows, weighed.
static inline __m512i weigh_rows(const struct ifl_row_boxes *boxes, const uint8_t *from,
                                 ptrdiff_t stride, __mmask32 mask)
{
    __m512i inner = _mm512_setzero_si512();
    __m512i first = _mm512_set1_epi16((short)boxes->first);
    __m512i sum = _mm512_mullo_epi16(load_wide(from, mask), first);
    if (boxes->rows == 1)
        return sum;
    for (int r = 1; r < boxes->rows - 1; r++)
        inner = _mm512_add_epi16(inner, load_wide(from + r * stride, mask));
    __m512i last = load_wide(from + (boxes->rows - 1) * stride, mask);
    sum = _mm512_add_epi16(sum, _mm512_mullo_epi16(last, _mm512_set1_epi16((short)boxes->last)));
    inner = _mm512_mullo_epi16(inner, _mm512_set1_epi16((short)boxes->inner));
    return _mm512_add_epi16(sum, inner);
}

// Borders found so far: the sums before their columns, and those columns.
struct borders {
    uint32_t whole[IFL_ROW_COLUMNS + 16], own[IFL_ROW_COLUMNS + 16];
};

static inline int take_borders(struct borders *borders, int count, __mmask16 has_border,
                               __m512i before, __m512i own, int in_columns)
{
    _mm512_storeu_si512(borders->whole + count, _mm512_maskz_compress_epi32(has_border, before));
    if (in_columns)
        _mm512_storeu_si512(borders->own + count, _mm512_maskz_compress_epi32(has_border, own));
    return count + __builtin_popcount(has_border);
}

static inline void find_borders(const struct ifl_row_boxes *boxes, const uint8_t *from,
                                ptrdiff_t stride, int in_columns, struct borders *borders)
{
    __m512i all = _mm512_setzero_si512();
    int count = 0;
    for (int x = 0; x <= boxes->columns; x += 32) { // a border may lie behind the last column
        __mmask32 mask = (__mmask32)first_bits(boxes->columns - x);
        if (x % 64 == 0)
            foresee(boxes, from + x, stride);
        __m512i sum = weigh_rows(boxes, from + x, stride, mask);
        __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(sum));
        __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(sum, 1));
        const uint16_t *has_border = boxes->has_border + x / 16;
        count =
            take_borders(borders, count, has_border[0], sums_before(low, &all), low, in_columns);
        count =
            take_borders(borders, count, has_border[1], sums_before(high, &all), high, in_columns);
    }
}

// Boxes so small that their sums fit 16 bits: twice as many columns at a time. Within each 16
// columns the first eight and the last eight lie in two registers, as unpacking leaves them.
struct halves {
    __m512i low, high;
};

static inline __m512i weigh_pair(__m512i pairs, uint32_t weights)
{
    return _mm512_maddubs_epi16(pairs, _mm512_set1_epi32((int)weights));
}

// 64 columns of all rows, two rows at a time; a row that is not there weighs nothing.
static inline struct halves weigh_row_pairs(const uint8_t *from, ptrdiff_t stride, int rows,
                                            const uint32_t *weights, __mmask64 mask)
{
    struct halves sum = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int r = 0; r < rows; r += 2, from += 2 * stride) {
        __m512i a = _mm512_maskz_loadu_epi8(mask, from);
        __m512i b = r + 1 < rows ? _mm512_maskz_loadu_epi8(mask, from + stride) : a;
        __m512i low = weigh_pair(_mm512_unpacklo_epi8(a, b), weights[r / 2]);
        __m512i high = weigh_pair(_mm512_unpackhi_epi8(a, b), weights[r / 2]);
        sum.low = _mm512_add_epi16(sum.low, low);
        sum.high = _mm512_add_epi16(sum.high, high);
    }
    return sum;
}

// Sums of eight columns up to each, and the last one of those in all places.
static inline __m512i sums_in_lane(__m512i own, __m512i *last)
{
    __m512i sum = _mm512_add_epi16(own, _mm512_bslli_epi128(own, 2));
    sum = _mm512_add_epi16(sum, _mm512_bslli_epi128(sum, 4));
    sum = _mm512_add_epi16(sum, _mm512_bslli_epi128(sum, 8));
    *last = _mm512_shuffle_epi8(sum, _mm512_set1_epi16(0x0f0e));
    return sum;
}

// sums_before for 64 columns.
static inline struct halves sums_before_halves(struct halves own, __m512i *all)
{
    __m512i low_all, high_all;
    __m512i low = sums_in_lane(own.low, &low_all), high = sums_in_lane(own.high, &high_all);
    __m512i both = _mm512_add_epi16(low_all, high_all), lanes = both;
    lanes = _mm512_add_epi16(lanes, _mm512_maskz_shuffle_i64x2(0xfc, lanes, lanes, 0x90));
    lanes = _mm512_add_epi16(lanes, _mm512_maskz_shuffle_i64x2(0xf0, lanes, lanes, 0x40));
    __m512i before = _mm512_add_epi16(_mm512_sub_epi16(lanes, both), *all);
    *all = _mm512_add_epi16(*all, _mm512_shuffle_i64x2(lanes, lanes, 0xff));
    low = _mm512_add_epi16(_mm512_sub_epi16(low, own.low), before);
    before = _mm512_add_epi16(before, low_all);
    return (struct halves){low, _mm512_add_epi16(_mm512_sub_epi16(high, own.high), before)};
}

// 32 columns' values of 64 that lie in halves.
static inline __m512i pick(struct halves from, const uint16_t *column)
{
    __m512i at = _mm512_loadu_si512(column); // bits h w w w of a column in its lane, l l above
    __m512i lane = _mm512_srli_epi16(at, 1), half = _mm512_slli_epi16(at, 2);
    __m512i place = _mm512_ternarylogic_epi64(_mm512_set1_epi16(7), at, lane, 0xca);
    place = _mm512_ternarylogic_epi64(_mm512_set1_epi16(32), half, place, 0xca);
    return _mm512_permutex2var_epi16(from.low, place, from.high);
}

struct small_borders {
    uint16_t whole[IFL_ROW_COLUMNS + 64], own[IFL_ROW_COLUMNS + 64];
};

// What every two rows weigh, as bytes in turn. Returns what all of them weigh.
static inline int pair_weights(const struct ifl_row_boxes *boxes, uint32_t *weights)
{
    int all = 0;
    for (int r = 0; r < boxes->rows; r += 2) {
        uint32_t a = row_weight(boxes, r), b = r + 1 < boxes->rows ? row_weight(boxes, r + 1) : 0;
        weights[r / 2] = (a | b << 8) * 0x10001u;
        all += (int)(a + b);
    }
    return all;
}

static inline void find_small_borders(const struct ifl_row_boxes *boxes, const uint8_t *from,
                                      ptrdiff_t stride, const uint32_t *weights, int in_columns,
                                      struct small_borders *borders)
{
    __m512i all = _mm512_setzero_si512();
    for (int x = 0, count = 0; x <= boxes->columns; x += 64) {
        uint64_t has_border;
        memcpy(&has_border, boxes->has_border + x / 16, sizeof has_border);
        foresee(boxes, from + x, stride);
        struct halves own =
            weigh_row_pairs(from + x, stride, boxes->rows, weights, first_bits(boxes->columns - x));
        struct halves before = sums_before_halves(own, &all);
        int behind = count + __builtin_popcountll(has_border);
        for (int i = count; i < behind; i += 32) {
            _mm512_storeu_si512(borders->whole + i, pick(before, boxes->column + i));
            if (in_columns)
                _mm512_storeu_si512(borders->own + i, pick(own, boxes->column + i));
        }
        count = behind;
    }
}

static inline void divide_small(const struct ifl_row_boxes *boxes, const uint16_t *restrict up_to,
                                uint8_t *restrict out)
{
    const float half = (float)(boxes->area / 2) + 0.5f, per_area = 1.0f / (float)boxes->area;
    for (int i = 0; i < boxes->boxes; i++)
        out[i] = (uint8_t)(int)(((float)(uint16_t)(up_to[i + 1] - up_to[i]) + half) * per_area);
}

static void small_box_means(const struct ifl_row_boxes *boxes, const uint8_t *from,
                            ptrdiff_t stride, const uint32_t *weights, uint8_t *out)
{
    struct small_borders borders;
    uint16_t up_to[IFL_ROW_COLUMNS + 1];
    if (boxes->sample == 1) {
        find_small_borders(boxes, from, stride, weights, 0, &borders);
        divide_small(boxes, borders.whole, out);
        return;
    }
    find_small_borders(boxes, from, stride, weights, 1, &borders);
    for (int i = 0; i <= boxes->boxes; i++)
        up_to[i] = (uint16_t)(borders.whole[i] * boxes->sample +
                              borders.own[i] * (uint32_t)boxes->part[i]);
    divide_small(boxes, up_to, out);
}

static void box_means(const struct ifl_row_boxes *boxes, const uint8_t *from, ptrdiff_t stride,
                      uint8_t *out)
{
    struct borders borders;
    uint32_t weights[IFL_ROWS_WEIGHT / 2 + 1];
    // Two rows at a time add up to 15 bits.
    if (pair_weights(boxes, weights) <= 128 && boxes->area <= UINT16_MAX / 255) {
        small_box_means(boxes, from, stride, weights, out);
    } else if (boxes->sample == 1) {
        find_borders(boxes, from, stride, 0, &borders);
        divide_few(boxes, borders.whole, out);
    } else {
        find_borders(boxes, from, stride, 1, &borders);
        mean_between(boxes, borders.whole, borders.own, out);
    }
}

static void split_pairs(const uint8_t *pairs, uint8_t *even, uint8_t *odd, int count)
{
    for (int i = 0; i < count; i += 32) {
        __mmask32 mask = (__mmask32)first_bits(count - i);
        __m512i both = _mm512_maskz_loadu_epi8(first_bits(2 * (count - i)), pairs + 2 * i);
        store_narrow(even + i, mask, both);
        store_narrow(odd + i, mask, _mm512_srli_epi16(both, 8));
    }
}

const struct ifl_row_kernels ifl_row_kernels_avx512 = {
    .add_rows = add_rows,
    .shrink = shrink,
    .map_luma = map_luma,
    .map_luma_mixed = map_luma_mixed,
    .map_chroma = map_chroma,
    .running_sums = running_sums,
    .add_boxes = add_boxes,
    .divide = divide,
    .box_means = box_means,
    .split_pairs = split_pairs,
};
