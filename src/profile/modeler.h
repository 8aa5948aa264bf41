// SPDX-License-Identifier: Apache-2.0
// The state of a modeler (inferloop/distribution.h), for those who read and write it.
//
// A sketch cannot forget, so the window is a ring of blocks; the oldest is emptied when a new one
// begins. What all but the newest one add up to is kept, so that reading costs one merge.
#ifndef IFL_PROFILE_MODELER_H
#define IFL_PROFILE_MODELER_H

#include "inferloop/profile.h"
#include "profile/block.h"

enum { IFL_WINDOW_BLOCKS = 8, IFL_WINDOW_MAX = 10000000 };

// Exponentially weighted, about the mean.
struct ifl_recent_sums {
    uint64_t frames;
    double mean[IFL_FEATURE_COUNT], square[IFL_FEATURE_COUNT], product[IFL_FEATURE_COUNT];
    double last[IFL_FEATURE_COUNT]; // of the picture before; product: with it
};

struct ifl_modeler {
    struct ifl_modeler_config config;
    uint64_t begun; // blocks begun since the start
    uint64_t block_frames;
    int current;
    struct ifl_block block[IFL_WINDOW_BLOCKS];
    struct ifl_recent_sums recent;
    struct ifl_block reference;
    double reference_lag1[IFL_FEATURE_COUNT];
    bool reference_is_old, sealed_is_old; // what follows is computed when it is needed
    struct ifl_feature_stats reference_stats[IFL_FEATURE_COUNT];
    struct ifl_block sealed, work;
};

// The foreground of the picture that was added last; not called while there is no plate yet.
void ifl_modeler_add_foreground(struct ifl_modeler *modeler, int objects, double area_share);
// Fills all statistics of a profile but the counts of frames seen.
void ifl_modeler_read(struct ifl_modeler *modeler, struct ifl_profile *profile);
void ifl_modeler_recent(const struct ifl_modeler *modeler, struct ifl_recent *recent);

// The bytes of a file, as anybody may have written them.
struct ifl_writer;
void ifl_modeler_write(const struct ifl_modeler *modeler, struct ifl_writer *out);
enum ifl_result ifl_modeler_parse(struct ifl_modeler *modeler, const char *path,
                                  const uint8_t *bytes, size_t count,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

#endif
