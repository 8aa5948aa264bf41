// SPDX-License-Identifier: Apache-2.0
// What real frames measure, at one level of the pyramid: the limits that images are held to.
//
// In: a view. Out: read-only limits. Every limit comes from the memory's own frames, each measured
// against the memory without that frame's time neighbourhood, so that real frames pass; how each is
// set stands in docs/validation.md. Built on one thread, then safe on any.
#ifndef IFL_VALIDATE_REFERENCE_H
#define IFL_VALIDATE_REFERENCE_H

#include "validate/copy.h"
#include "validate/detail.h"
#include "validate/seam.h"
#include "validate/seen.h"
#include "validate/view.h"

struct ifl_reference {
    struct ifl_view view;
    struct ifl_seen support;
    struct ifl_copy_index copy;
    double sharpness;       // median Laplacian variance of the frames
    double sharpness_limit; // ratio to it below which an image is rejected
    double texture_limit;   // excess of texture above which an image is rejected
    float *texture_most;    // [windows]: the most that real frames have there
    struct ifl_detail grid;
    struct { // pixels; an image with a longer cut is rejected
        double across, down;
    } seam_limit;
    double artefact_limit; // only where `artefacts` was asked for
    int copy_limit;        // pixels; only where `copies` was asked for
};

struct ifl_reference_request {
    int level;
    bool artefacts, copies;
    int copy_cap; // pixels
};

enum ifl_result ifl_reference_init(struct ifl_reference *reference, const struct ifl_roster *roster,
                                   struct ifl_reference_request request,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_reference_fini(struct ifl_reference *reference);

// The largest clipped share that the memory's frames have as they were recorded.
double ifl_clipped_of_memory(const struct ifl_profile *profile);

// Share of pixels with luma <= 2 or >= 253.
double ifl_clipped_share(const uint8_t *rgb, int pixels);

#endif
