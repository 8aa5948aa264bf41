// SPDX-License-Identifier: Apache-2.0
// rows_c.c, 16 or 32 columns at a time; what is left over at the end goes to the C version.
#include <immintrin.h>

#include "kernels/rows_boxes.h"

static inline __m256i load(const uint8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

static inline __m256i load_wide(const uint8_t *from)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)from));
}

static inline void add_weighted(uint32_t *sum, __m128i words, __m256i weight)
{
    __m256i product = _mm256_mullo_epi32(_mm256_cvtepu16_epi32(words), weight);
    __m256i *to = (__m256i *)sum;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), product));
}

static void add_rows(const uint8_t *from, ptrdiff_t stride, int rows, uint32_t weight,
                     uint32_t *sum, int count)
{
    const __m256i factor = _mm256_set1_epi32((int)weight);
    int x = 0;
    for (; x + 16 <= count; x += 16) {
        __m256i words = _mm256_setzero_si256();
        for (int r = 0; r < rows; r++)
            words = _mm256_add_epi16(words, load_wide(from + r * stride + x));
        add_weighted(sum + x, _mm256_castsi256_si128(words), factor);
        add_weighted(sum + x + 8, _mm256_extracti128_si256(words, 1), factor);
    }
    ifl_row_kernels_c.add_rows(from + x, stride, rows, weight, sum + x, count - x);
}

static inline __m256i pair_sums(__m256i bytes)
{
    return _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));
}

// 16 words to bytes, clamped.
static inline void store_narrow(uint8_t *to, __m256i words)
{
    __m128i bytes =
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128((__m128i *)to, bytes);
}

static int shrink2(const uint8_t *from, ptrdiff_t stride, uint8_t *out, int count)
{
    int i = 0;
    for (; i + 16 <= count; i += 16, from += 32) {
        __m256i sum = _mm256_add_epi16(pair_sums(load(from)), pair_sums(load(from + stride)));
        store_narrow(out + i, _mm256_srli_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2));
    }
    return i;
}

static int shrink4(const uint8_t *from, ptrdiff_t stride, uint8_t *out, int count)
{
    int i = 0;
    for (; i + 8 <= count; i += 8, from += 32) {
        __m256i sum = pair_sums(load(from));
        for (int r = 1; r < 4; r++)
            sum = _mm256_add_epi16(sum, pair_sums(load(from + r * stride)));
        sum = _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
        sum = _mm256_srli_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(8)), 4);
        __m128i words =
            _mm_packus_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        _mm_storel_epi64((__m128i *)(out + i), _mm_packus_epi16(words, words));
    }
    return i;
}

static int shrink8(const uint8_t *from, ptrdiff_t stride, uint8_t *out, int count)
{
    int i = 0;
    for (; i + 4 <= count; i += 4, from += 32) {
        __m256i sum = _mm256_set1_epi64x(32);
        for (int r = 0; r < 8; r++)
            sum = _mm256_add_epi64(
                sum, _mm256_sad_epu8(load(from + r * stride), _mm256_setzero_si256()));
        sum = _mm256_srli_epi64(sum, 6);
        __m128i low = _mm256_castsi256_si128(sum), high = _mm256_extracti128_si256(sum, 1);
        out[i] = (uint8_t)_mm_extract_epi8(low, 0);
        out[i + 1] = (uint8_t)_mm_extract_epi8(low, 8);
        out[i + 2] = (uint8_t)_mm_extract_epi8(high, 0);
        out[i + 3] = (uint8_t)_mm_extract_epi8(high, 8);
    }
    return i;
}

static void shrink(const uint8_t *from, ptrdiff_t stride, int shift, uint8_t *out, int count)
{
    int done = shift == 1   ? shrink2(from, stride, out, count)
               : shift == 2 ? shrink4(from, stride, out, count)
                            : shrink8(from, stride, out, count);
    ifl_row_kernels_c.shrink(from + ((ptrdiff_t)done << shift), stride, shift, out + done,
                             count - done);
}

// A sample minus `offset` times a factor of 2^14, to 6 bits behind the point.
static inline __m256i times(__m256i words, int offset, int factor)
{
    words = _mm256_sub_epi16(words, _mm256_set1_epi16((short)offset));
    return _mm256_mulhrs_epi16(_mm256_slli_epi16(words, 7), _mm256_set1_epi16((short)factor));
}

static inline void store_q6(uint8_t *to, __m256i value)
{
    store_narrow(to, _mm256_srai_epi16(_mm256_add_epi16(value, _mm256_set1_epi16(32)), 6));
}

// Words of the low or high eight of each 16 samples.
static inline __m256i luma_q6(const struct ifl_ycc_map *map, __m256i words)
{
    return times(words, map->y_offset, map->y_y);
}

// Back from words of the low and the high halves.
static inline void store_joined(uint8_t *to, __m256i low, __m256i high)
{
    const __m256i half = _mm256_set1_epi16(32);
    __m256i bytes = _mm256_packus_epi16(_mm256_srai_epi16(_mm256_add_epi16(low, half), 6),
                                        _mm256_srai_epi16(_mm256_add_epi16(high, half), 6));
    _mm256_storeu_si256((__m256i *)to, bytes);
}

static void map_luma(const struct ifl_ycc_map *map, const uint8_t *y, uint8_t *out, int count)
{
    const __m256i zero = _mm256_setzero_si256();
    int x = 0;
    for (; x + 32 <= count; x += 32) {
        __m256i luma = load(y + x);
        store_joined(out + x, luma_q6(map, _mm256_unpacklo_epi8(luma, zero)),
                     luma_q6(map, _mm256_unpackhi_epi8(luma, zero)));
    }
    ifl_row_kernels_c.map_luma(map, y + x, out + x, count - x);
}

static void map_luma_mixed(const struct ifl_ycc_map *map, const uint8_t *y, const int16_t *mixed,
                           uint8_t *out, int count)
{
    const __m256i zero = _mm256_setzero_si256();
    int x = 0;
    for (; x + 32 <= count; x += 32) {
        __m256i luma = load(y + x);
        __m256i chroma = _mm256_loadu_si256((const __m256i *)(mixed + x / 2));
        __m256i low = luma_q6(map, _mm256_unpacklo_epi8(luma, zero));
        __m256i high = luma_q6(map, _mm256_unpackhi_epi8(luma, zero));
        store_joined(out + x, _mm256_add_epi16(low, _mm256_unpacklo_epi16(chroma, chroma)),
                     _mm256_add_epi16(high, _mm256_unpackhi_epi16(chroma, chroma)));
    }
    ifl_row_kernels_c.map_luma_mixed(map, y + x, mixed + x / 2, out + x, count - x);
}

static void map_chroma(const struct ifl_ycc_map *map, const uint8_t *cb, const uint8_t *cr,
                       uint8_t *out_cb, uint8_t *out_cr, int16_t *mixed, int count)
{
    const __m256i middle = _mm256_set1_epi16(128 * 64);
    int x = 0;
    for (; x + 16 <= count; x += 16) {
        __m256i blue = load_wide(cb + x), red = load_wide(cr + x);
        __m256i b = _mm256_add_epi16(times(blue, 128, map->cb_cb), times(red, 128, map->cb_cr));
        __m256i r = _mm256_add_epi16(times(blue, 128, map->cr_cb), times(red, 128, map->cr_cr));
        __m256i y = _mm256_add_epi16(times(blue, 128, map->y_cb), times(red, 128, map->y_cr));
        store_q6(out_cb + x, _mm256_add_epi16(b, middle));
        store_q6(out_cr + x, _mm256_add_epi16(r, middle));
        if (mixed)
            _mm256_storeu_si256((__m256i *)(mixed + x), y);
    }
    ifl_row_kernels_c.map_chroma(map, cb + x, cr + x, out_cb + x, out_cr + x,
                                 mixed ? mixed + x : NULL, count - x);
}

// What is before each of 8 columns, all that was before them included; `all` then holds them too.
// Within the lanes by three steps.
static inline __m256i sums_before(__m256i own, __m256i *all)
{
    __m256i part = own;
    part = _mm256_add_epi32(part, _mm256_slli_si256(part, 4));
    part = _mm256_add_epi32(part, _mm256_slli_si256(part, 8));
    __m256i low = _mm256_permutevar8x32_epi32(part, _mm256_set1_epi32(3));
    part = _mm256_add_epi32(part, _mm256_blend_epi32(low, _mm256_setzero_si256(), 15));
    __m256i before = _mm256_add_epi32(_mm256_sub_epi32(part, own), *all);
    *all = _mm256_add_epi32(*all, _mm256_permutevar8x32_epi32(part, _mm256_set1_epi32(7)));
    return before;
}

static void running_sums(const uint32_t *sum, uint32_t *before, int count, int channels)
{
    __m256i all = _mm256_setzero_si256();
    int i = 0;
    for (; channels == 1 && i + 8 <= count; i += 8) {
        __m256i own = _mm256_loadu_si256((const __m256i *)(sum + i));
        _mm256_storeu_si256((__m256i *)(before + i), sums_before(own, &all));
    }
    continue_sums(sum, before, i, count, channels, (uint32_t)_mm256_extract_epi32(all, 0));
}

// 16 columns of all rows, weighed.
static inline __m256i weigh_rows(const struct ifl_row_boxes *boxes, const uint8_t *from,
                                 ptrdiff_t stride)
{
    __m256i inner = _mm256_setzero_si256();
    __m256i sum = _mm256_mullo_epi16(load_wide(from), _mm256_set1_epi16((short)boxes->first));
    for (int r = 1; r < boxes->rows - 1; r++)
        inner = _mm256_add_epi16(inner, load_wide(from + r * stride));
    inner = _mm256_mullo_epi16(inner, _mm256_set1_epi16((short)boxes->inner));
    if (boxes->rows == 1)
        return sum;
    __m256i last = load_wide(from + (boxes->rows - 1) * stride);
    sum = _mm256_add_epi16(sum, _mm256_mullo_epi16(last, _mm256_set1_epi16((short)boxes->last)));
    return _mm256_add_epi16(sum, inner);
}

static void box_means(const struct ifl_row_boxes *boxes, const uint8_t *from, ptrdiff_t stride,
                      uint8_t *out)
{
    uint32_t before[IFL_ROW_COLUMNS + 2], rest[16];
    __m256i all = _mm256_setzero_si256();
    int x = 0;
    for (; x + 16 <= boxes->columns; x += 16) {
        if (x % 64 == 0)
            foresee(boxes, from + x, stride);
        __m256i sum = weigh_rows(boxes, from + x, stride);
        __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(sum));
        __m256i high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(sum, 1));
        _mm256_storeu_si256((__m256i *)(before + x), sums_before(low, &all));
        _mm256_storeu_si256((__m256i *)(before + x + 8), sums_before(high, &all));
    }
    for (int i = x; i < boxes->columns; i++) {
        rest[i - x] = 0;
        for (int r = 0; r < boxes->rows; r++)
            rest[i - x] += (uint32_t)row_weight(boxes, r) * from[r * stride + i];
    }
    continue_sums(rest, before + x, 0, boxes->columns - x, 1,
                  (uint32_t)_mm256_extract_epi32(all, 0));
    mean_between_columns(boxes, before, out);
}

static void split_pairs(const uint8_t *pairs, uint8_t *even, uint8_t *odd, int count)
{
    int i = 0;
    for (; i + 16 <= count; i += 16) {
        __m256i both = load(pairs + 2 * i);
        store_narrow(even + i, _mm256_and_si256(both, _mm256_set1_epi16(255)));
        store_narrow(odd + i, _mm256_srli_epi16(both, 8));
    }
    ifl_row_kernels_c.split_pairs(pairs + 2 * i, even + i, odd + i, count - i);
}

const struct ifl_row_kernels ifl_row_kernels_avx2 = {
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
