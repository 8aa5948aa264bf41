// SPDX-License-Identifier: Apache-2.0
// Statistics over a sliding window. In: the features of one picture after the other, and what its
// foreground was. Out: ifl_feature_stats, mean tiles and occupancy of the newest pictures.
//
// A sketch cannot forget, so the window is a ring of IFL_WINDOW_BLOCKS blocks; the oldest is
// emptied when a new one begins, and the window holds between 7/8 and all of its length. The memory
// is allocated once. One thread.
#ifndef IFL_PROFILE_WINDOW_H
#define IFL_PROFILE_WINDOW_H

#include "inferloop/profile.h"
#include "profile/kll.h"

enum { IFL_WINDOW_BLOCKS = 8 };

// Central moments as sums of powers of the deviation from the mean.
struct ifl_moments {
    uint64_t count;
    double mean, m2, m3, m4;
    double min, max;
};
void ifl_moments_add(struct ifl_moments *moments, double value);
void ifl_moments_merge(struct ifl_moments *moments, const struct ifl_moments *other); // Chan

struct ifl_feature_block {
    struct ifl_moments moments;
    uint32_t histogram[IFL_HISTOGRAM_BINS];
    struct ifl_kll sketch;
};
void ifl_feature_block_init(struct ifl_feature_block *block, uint64_t seed);
// Values are clamped to the feature's range; NaN counts as its least value.
void ifl_feature_block_add(struct ifl_feature_block *block, enum ifl_feature feature, double value);
void ifl_feature_block_merge(struct ifl_feature_block *block,
                             const struct ifl_feature_block *other);
void ifl_feature_block_read(const struct ifl_feature_block *block, struct ifl_feature_stats *stats);

struct ifl_window;
struct ifl_window *ifl_window_create(int frames, uint64_t seed); // NULL: out of memory
void ifl_window_destroy(struct ifl_window *window);              // takes NULL
void ifl_window_add(struct ifl_window *window, const struct ifl_features *features);
// `components` and `area_share` of the same picture; not called while there is no plate yet.
void ifl_window_add_foreground(struct ifl_window *window, int components, double area_share);
// Fills feature, tile_mean, occupancy and window_frames.
void ifl_window_read(const struct ifl_window *window, struct ifl_profile *profile);

#endif
