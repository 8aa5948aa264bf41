// SPDX-License-Identifier: Apache-2.0
// What real frames measure, at one level of the pyramid: the limits that images are held to.
//
// In: a view. Out: read-only limits. Every limit comes from the memory's own frames, each measured
// against the memory without that frame's time neighbourhood, so that real frames pass; how each is
// set stands in docs/validation.md. Its parts are made when they are first needed, by one thread at
// a time; what is made is read by any.
#ifndef IFL_VALIDATE_REFERENCE_H
#define IFL_VALIDATE_REFERENCE_H

#include "validate/copy.h"
#include "validate/detail.h"
#include "validate/seam.h"
#include "validate/seen.h"
#include "validate/view.h"

enum ifl_reference_parts {
    IFL_REFERENCE_LOOK = 1,     // sharpness, texture, cuts
    IFL_REFERENCE_ARTEFACT = 2, // distance to what was really there
    IFL_REFERENCE_COPY = 4,     // what was seen, and what would be copied
};

struct ifl_reference {
    unsigned parts; // made so far
    struct ifl_view view;

    double sharpness;       // median Laplacian variance of the frames
    double sharpness_limit; // ratio to it below which an image is rejected
    double texture_limit;   // excess of texture above which an image is rejected
    float *texture_most;    // [windows]: the most that real frames have there
    struct ifl_detail grid;
    struct { // pixels; an image with a longer cut is rejected
        double across, down;
    } seam_limit;

    double artefact_limit;

    struct ifl_seen support;
    struct ifl_copy_index copy;
    int copy_limit; // pixels
};

// The view, and no part yet.
enum ifl_result ifl_reference_init(struct ifl_reference *reference, const struct ifl_roster *roster,
                                   int level, struct ifl_error *error) IFL_CHECK_RESULT;
// Makes those of `parts` that are missing. `copy_cap`: pixels that the copy limit stays within.
enum ifl_result ifl_reference_make(struct ifl_reference *reference, unsigned parts, int copy_cap,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_reference_fini(struct ifl_reference *reference); // of zeros as well

// The largest clipped share that the memory's frames have as they were recorded.
double ifl_clipped_of_memory(const struct ifl_profile *profile);

// Share of pixels with luma <= 2 or >= 253.
double ifl_clipped_share(const uint8_t *rgb, int pixels);

#endif
