// SPDX-License-Identifier: Apache-2.0
// The verbatim region: how large a piece of one recorded frame is copied into an image, wherever
// it was put?
//
// In: an image in canonical photometry and its foreground. Out: pixels. An index over all
// foreground patches of the memory makes the search exact and fast: eight orthonormal features of
// a patch bound the distance of two patches from below, so no match can be missed. Built on one
// thread, then safe on any. Limit: IFL_COPY_ENTRIES_MAX patches; a memory with more foreground is
// indexed by every second (third, ...) frame.
#ifndef IFL_VALIDATE_COPY_H
#define IFL_VALIDATE_COPY_H

#include "kernels/patch_search.h"
#include "validate/seen.h"
#include "validate/view.h"

enum {
    IFL_COPY_PATCH = 7,
    IFL_COPY_FEATURES = IFL_SEARCH_FEATURES,
    IFL_COPY_ENTRIES_MAX = 1 << 21,
    IFL_COPY_MATCHES_MAX = 1 << 18, // of one image; what is beyond is left out
    IFL_COPY_COMMON = 4,
};

struct ifl_copy_entry {
    uint32_t position; // y * width + x of the patch's upper left corner
    uint16_t frame, identity;
};

struct ifl_copy_index {
    const struct ifl_view *view;    // borrowed
    const struct ifl_seen *support; // borrowed
    struct ifl_copy_entry *entry;   // by bucket
    int16_t (*feature)[2];          // of the entries, in four arrays: see `table`
    struct ifl_search_table table;
    uint32_t *start; // [buckets + 1]
    int count;
    int frame_step; // 1: all frames are indexed
};

enum ifl_result ifl_copy_init(struct ifl_copy_index *index, const struct ifl_view *view,
                              const struct ifl_seen *support,
                              struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_copy_fini(struct ifl_copy_index *index);

struct ifl_copy_request {
    double rmse; // below which two patches are the same: 2
    int common;  // events from which content is common, nobody's own: IFL_COPY_COMMON or less
    int least;   // pixels: no matter how much less is found, this is the answer; 0
    int enough;  // pixels from which on it does not matter how many more; 0: no end
    int without; // -1; or a held-out frame: its time neighbourhood and the identities that it shows
                 // are left out of the memory
};

// The union, in pixels, of the largest 4-connected group of 7x7 patches that match patches of one
// memory frame at one offset, in the foreground (patches whose centre is in `mask`). Left out:
// patches within 7 RMS of the plate at their place; content that is common, seen at its place in
// so many events or matched in so many identities. `scratch` of ifl_copy_scratch_bytes.
size_t ifl_copy_scratch_bytes(const struct ifl_view *view);
int ifl_copy_region(const struct ifl_copy_index *index, const uint8_t *canonical,
                    const uint8_t *mask, struct ifl_copy_request request, void *scratch);

// The features of the patch at `rgb`, rows `stride` bytes apart.
void ifl_copy_features(const uint8_t *rgb, int stride, float feature[IFL_COPY_FEATURES]);

#endif
