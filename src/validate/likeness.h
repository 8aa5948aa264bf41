// SPDX-License-Identifier: Apache-2.0
// The null of the likeness ratio: how far blocks of real frames are from the rest of them.
//
// In: a profile's memory, its illumination put back. Out: for sets of images, a ratio to that null.
// Built on one thread, then safe on any.
#ifndef IFL_VALIDATE_LIKENESS_H
#define IFL_VALIDATE_LIKENESS_H

#include "inferloop/generate.h"
#include "validate/sliced.h"

enum {
    IFL_LIKENESS_BLOCKS = 8,
    IFL_LIKENESS_SIZES = IFL_LIKENESS_BLOCKS / 2, // nulls for sets of 1..4 blocks
    IFL_LIKENESS_SPLITS = 20,                     // at most, of each
};

struct ifl_likeness_null {
    struct ifl_sliced sliced;
    struct ifl_sliced_set all;
    int block_frames; // 0: too few frames for a null
    // Each level is divided by its own median over the splits, so that no level outweighs the
    // others; then the mean over levels is taken, and of these the 95 % value over the splits.
    double median[IFL_LIKENESS_SIZES][IFL_SLICED_LEVELS];
    double limit[IFL_LIKENESS_SIZES]; // 0: real frames do not vary
};

enum ifl_result ifl_likeness_null_create(const struct ifl_profile *profile,
                                         struct ifl_likeness_null **null,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_likeness_null_destroy(struct ifl_likeness_null *null); // takes NULL

enum ifl_result ifl_likeness_ratio(const struct ifl_likeness_null *null,
                                   struct ifl_image *const *images, int count, double *ratio,
                                   char note[160], struct ifl_error *error) IFL_CHECK_RESULT;

#endif
