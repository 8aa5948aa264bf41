// SPDX-License-Identifier: Apache-2.0
// Pools of frames with memory: in steady state a stage makes frames without allocating.
//
// A frame goes back to its pool when its last reference goes, on whichever thread. The pool keeps
// at most `idle_max` of them, all of one size and format (the last one asked for); the memory of
// others is freed. Frames may outlive the pool's owner. Any thread.
#ifndef IFL_CORE_POOL_H
#define IFL_CORE_POOL_H

#include "inferloop/frame.h"

struct ifl_pool;

struct ifl_pool_counts {
    uint64_t allocations; // frames ever allocated
    int idle, out;        // frames that wait, frames that somebody holds
};

struct ifl_pool *ifl_pool_create(int idle_max); // NULL: out of memory
void ifl_pool_destroy(struct ifl_pool *pool);   // takes NULL; frames that are out stay valid

// As ifl_frame_create; the content is whatever was there before.
struct ifl_frame *ifl_pool_get(struct ifl_pool *pool, enum ifl_pixel_format format, int width,
                               int height);
void ifl_pool_count(struct ifl_pool *pool, struct ifl_pool_counts *counts);

#endif
