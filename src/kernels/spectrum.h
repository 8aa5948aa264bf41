// SPDX-License-Identifier: Apache-2.0
// What frequencies say about a plane: how its power falls, and how far it has moved since the last
// one. In: planes of struct ifl_plane. Out: numbers. Float arithmetic in one order, so that every
// instruction set gives the same. One thread.
#ifndef IFL_KERNELS_SPECTRUM_H
#define IFL_KERNELS_SPECTRUM_H

#include "kernels/plane.h"

struct ifl_spectrum;
struct ifl_spectrum *ifl_spectrum_create(void); // NULL: out of memory
void ifl_spectrum_destroy(struct ifl_spectrum *spectrum);
void ifl_spectrum_reset(struct ifl_spectrum *spectrum); // there is no plane before the next one

// Least-squares slope of log power over log frequency, 4 to side / 4 cycles, of the mean
// periodogram of up to four squares, evenly spread, of 128, 64 or 32 pixels a side, under a Hann
// window. 0 where the plane is smaller or one colour.
double ifl_spectrum_slope(struct ifl_spectrum *spectrum, const struct ifl_plane *plane);

// By phase correlation with the picture before, of the same size.
struct ifl_shift {
    double x, y; // in widths and heights of the picture, right and down; 0 where there is nothing
    double peak; // 1: a pure shift, towards 0: nothing in common
};
void ifl_spectrum_shift(struct ifl_spectrum *spectrum, const struct ifl_small *small,
                        struct ifl_shift *shift);

#endif
