// SPDX-License-Identifier: Apache-2.0
// Fine detail: sharpness of the whole, and texture that nothing real has at its place.
//
// In: pictures in canonical light. Out: numbers. Any thread. Sharpness is the variance of the
// Laplacian of luma, Y * [0 1 0; 1 -4 1; 0 1 0]. Texture is the root mean square, over R, G and B
// and a window, of * [1 -2 1; -2 4 -2; 1 -2 1] (Immerkaer's noise filter): it is blind to straight
// edges, so people with sharp outlines score far below noise.
#ifndef IFL_VALIDATE_DETAIL_H
#define IFL_VALIDATE_DETAIL_H

#include "validate/view.h"

enum { IFL_DETAIL_WINDOW = 8, IFL_DETAIL_STRIDE = 4 };

struct ifl_detail {
    int columns, rows, windows; // of the grid of windows; 0 where the picture is too small
};

struct ifl_detail ifl_detail_grid(int width, int height);

// Returns the Laplacian's variance over the picture; energy[windows] gets the texture of each
// window. `scratch` holds width * height * 4 bytes.
double ifl_detail_measure(const uint8_t *rgb, int width, int height, float *energy, void *scratch);

// The largest excess of a window's texture over `most`, the most that real frames have there.
double ifl_detail_excess(const struct ifl_detail *grid, const float *energy, const float *most);

// most[i] = the largest of the 3x3 windows around i in `energy`.
void ifl_detail_dilate(const struct ifl_detail *grid, const float *energy, float *most);

#endif
