// SPDX-License-Identifier: Apache-2.0
// The reduced picture on which texture, composition, colour and motion are measured, and its
// inner loops. Integers are exact and floats are computed in one order, so that every instruction
// set gives the same sums: the loops are written once, in plane_c.c, for compilers to make wide
// code of, and compiled once per instruction set.
#ifndef IFL_KERNELS_PLANE_H
#define IFL_KERNELS_PLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inferloop/features.h"

enum {
    IFL_PLANE_AREA = 480 * 270, // pixels at most
    IFL_PLANE_SIDE_MAX = (IFL_FRAME_SIDE_MAX + 1) / 2,
    IFL_ROW_STEP = 2,        // colours, patterns, steps and normalised pixels: of every second row
    IFL_CHANGE_LEVELS = 16,  // a pixel that differs by more has changed
    IFL_MSCN_RADIUS = 3,     // of the window of 7x7
    IFL_MSCN_SCALE = 1024,   // of the whole numbers that add up
    IFL_SPECTRUM_SIDE = 128, // greatest side of a square that is transformed
};

// The means of boxes of luma, and of chroma under them; rows tight. One allocation.
struct ifl_plane {
    int width, height;
    int box; // side of a box of luma: 2, 4, 8, ...
    uint8_t *y, *cb, *cr;
};

// And smaller still, to fit a square that is transformed.
struct ifl_small {
    int width, height; // 1 to IFL_SPECTRUM_SIDE
    uint8_t pixel[IFL_SPECTRUM_SIDE * IFL_SPECTRUM_SIDE];
};

// What a frame of this size is reduced to (memory stays as it is).
void ifl_plane_fit(struct ifl_plane *plane, int frame_width, int frame_height);
// Row `row` of one plane of the frame: 0 luma, 1 and 2 chroma.
void ifl_plane_reduce_row(const struct ifl_plane *plane, const struct ifl_frame *frame, int index,
                          int row);

// |x| and x^2 of locally normalised pixels, times IFL_MSCN_SCALE and its square.
struct ifl_mscn_sums {
    uint64_t absolute, squares, pixels;
};

// The loops for one row. Nothing is read beyond `count` or `width`.
struct ifl_plane_kernels {
    // Colour as in color.h but with 6 bits behind the point, clamped.
    void (*rgb)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *r, uint8_t *g,
                uint8_t *b, int count);
    // The pattern, 0 to 9, of each inner pixel; `pattern` gets width - 2.
    void (*patterns)(const uint8_t *above, const uint8_t *row, const uint8_t *below,
                     uint8_t *pattern, int width);
    // |dY/dx| + |dY/dy| of each inner pixel, added to its column; gives their sum.
    uint32_t (*gradient)(const uint8_t *above, const uint8_t *row, const uint8_t *below, int width,
                         uint32_t *column);
    // Sum of products with the row read backwards.
    uint64_t (*mirror)(const uint8_t *row, int width);
    uint64_t (*squares)(const uint8_t *row, int count);
    // row[x + 1] - row[x], modulo 256; count - 1 of them.
    void (*steps)(const uint8_t *row, uint8_t *step, int count);
    // |now - before|; gives how many are above IFL_CHANGE_LEVELS.
    uint32_t (*change)(const uint8_t *now, const uint8_t *before, uint8_t *difference, int count);
    // The inner pixels of the middle one of 2 * IFL_MSCN_RADIUS + 1 rows. `work`: 2 * width floats.
    void (*mscn)(const uint8_t *rows, ptrdiff_t stride, int width, float *work,
                 struct ifl_mscn_sums *sums);
    // Fourier transform of each column of a square of `side` (32, 64, 128); frequencies come out
    // with the bits of their number reversed.
    void (*transform)(float *re, float *im, int side, const float *cosine, const float *sine);
    void (*transpose)(float *square, int side);
    void (*add_power)(const float *re, const float *im, float *power, int count);
};

extern const struct ifl_plane_kernels ifl_plane_kernels_c, ifl_plane_kernels_avx2,
    ifl_plane_kernels_avx512;
const struct ifl_plane_kernels *ifl_plane_kernels(void); // the ones in force

#endif
