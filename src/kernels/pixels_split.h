// SPDX-License-Identifier: Apache-2.0
// `split` of pixels.h by hand, 16 pixels at a time: compilers make six times as many steps of it.
// Included by the files of instruction sets that have byte shuffles, before pixels_c.c.
#ifndef IFL_KERNELS_PIXELS_SPLIT_H
#define IFL_KERNELS_PIXELS_SPLIT_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define IFL_PIXEL_SPLIT split_wide

// Which bytes of the three 16 of RGB go where in the 16 of one channel; -1: none.
#define IFL_SPLIT_ORDER(c, part)                                                                   \
    _mm_setr_epi8(                                                                                 \
        IFL_SPLIT_BYTE(0, c, part), IFL_SPLIT_BYTE(1, c, part), IFL_SPLIT_BYTE(2, c, part),        \
        IFL_SPLIT_BYTE(3, c, part), IFL_SPLIT_BYTE(4, c, part), IFL_SPLIT_BYTE(5, c, part),        \
        IFL_SPLIT_BYTE(6, c, part), IFL_SPLIT_BYTE(7, c, part), IFL_SPLIT_BYTE(8, c, part),        \
        IFL_SPLIT_BYTE(9, c, part), IFL_SPLIT_BYTE(10, c, part), IFL_SPLIT_BYTE(11, c, part),      \
        IFL_SPLIT_BYTE(12, c, part), IFL_SPLIT_BYTE(13, c, part), IFL_SPLIT_BYTE(14, c, part),     \
        IFL_SPLIT_BYTE(15, c, part))
#define IFL_SPLIT_BYTE(i, c, part)                                                                 \
    ((3 * (i) + (c)) / 16 == (part) ? (char)((3 * (i) + (c)) % 16) : (char)-1)

static inline __m128i channel_of(const __m128i rgb[3], __m128i first, __m128i second, __m128i third)
{
    __m128i both = _mm_or_si128(_mm_shuffle_epi8(rgb[0], first), _mm_shuffle_epi8(rgb[1], second));
    return _mm_or_si128(both, _mm_shuffle_epi8(rgb[2], third));
}

static void split_wide(const uint8_t *rgb, int pixels, uint8_t *planes)
{
    uint8_t *red = planes, *green = planes + pixels, *blue = planes + 2 * (ptrdiff_t)pixels;
    int i = 0;
    for (; i + 16 <= pixels; i += 16) {
        const __m128i *from = (const __m128i *)(rgb + 3 * (ptrdiff_t)i);
        const __m128i parts[3] = {_mm_loadu_si128(from), _mm_loadu_si128(from + 1),
                                  _mm_loadu_si128(from + 2)};
        _mm_storeu_si128(
            (__m128i *)(red + i),
            channel_of(parts, IFL_SPLIT_ORDER(0, 0), IFL_SPLIT_ORDER(0, 1), IFL_SPLIT_ORDER(0, 2)));
        _mm_storeu_si128(
            (__m128i *)(green + i),
            channel_of(parts, IFL_SPLIT_ORDER(1, 0), IFL_SPLIT_ORDER(1, 1), IFL_SPLIT_ORDER(1, 2)));
        _mm_storeu_si128(
            (__m128i *)(blue + i),
            channel_of(parts, IFL_SPLIT_ORDER(2, 0), IFL_SPLIT_ORDER(2, 1), IFL_SPLIT_ORDER(2, 2)));
    }
    for (; i < pixels; i++) {
        red[i] = rgb[3 * i];
        green[i] = rgb[3 * i + 1];
        blue[i] = rgb[3 * i + 2];
    }
}

#endif
