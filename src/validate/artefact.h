// SPDX-License-Identifier: Apache-2.0
// The artefact score: how far an image's patches are from anything that was really there.
//
// In: pictures in canonical photometry at about 64x36. Out: grey levels of 255. Any thread.
#ifndef IFL_VALIDATE_ARTEFACT_H
#define IFL_VALIDATE_ARTEFACT_H

#include "validate/view.h"

enum { IFL_ARTEFACT_PATCH = 12 }; // pixels; less where the picture is smaller

// Bytes of scratch that the functions below need for this view.
size_t ifl_artefact_scratch_bytes(const struct ifl_view *view);

// For each 12x12 patch (every position) the RMS distance to the nearest memory patch at the same
// place; of these the 99th percentile. `nearest_rms` and `nearest_frame`: the memory frame with the
// least RMS distance over the whole picture; may be NULL.
double ifl_artefact_score(const struct ifl_view *view, const uint8_t *canonical, void *scratch,
                          double *nearest_rms, int *nearest_frame);

// The same of each memory frame against the memory without its time neighbourhood: score[frames],
// NAN where nothing is left. Only the `wanted` largest are measured to the end; the others get a
// number that is no smaller than their own and no larger than those. `memory` is of
// ifl_artefact_held_out_bytes.
size_t ifl_artefact_held_out_bytes(const struct ifl_view *view);
void ifl_artefact_held_out(const struct ifl_view *view, int wanted, void *memory, double *score);

#endif
