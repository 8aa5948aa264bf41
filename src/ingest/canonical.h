// SPDX-License-Identifier: Apache-2.0
// Makes canonical frames: cropped, scaled, full-range BT.601 YUV 4:2:0, masked.
//
// In: a frame of any format of inferloop/frame.h. Out: one from a pool, with the same metadata. One
// thread at a time. Pictures in 4:2:0 that are only cropped take one pass; all others go through
// swscale first, which changes sizes and layouts while range and matrix stay for that one pass.
#ifndef IFL_INGEST_CANONICAL_H
#define IFL_INGEST_CANONICAL_H

#include "core/pool.h"
#include "ingest/ingest.h"

struct ifl_canonical_config {
    int width, height; // of what goes out; one 0: after the aspect; both 0: as what comes in
    struct ifl_rectangle crop;
    struct ifl_rectangle mask[IFL_MASKS_MAX]; // in the whole picture, also where it is cropped
    int masks;
};

struct ifl_canonical;
enum ifl_result ifl_canonical_create(const struct ifl_canonical_config *config,
                                     struct ifl_canonical **canonical,
                                     struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_canonical_destroy(struct ifl_canonical *canonical); // takes NULL; frames stay valid
enum ifl_result ifl_canonical_make(struct ifl_canonical *canonical, const struct ifl_frame *raw,
                                   struct ifl_frame **out,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_canonical_count(struct ifl_canonical *canonical, struct ifl_pool_counts *counts);

#endif
