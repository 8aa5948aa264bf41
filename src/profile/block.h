// SPDX-License-Identifier: Apache-2.0
// Statistics of some pictures, which merge: a window is made of several. In: features one by one,
// or another block. Out: what a profile says of them. Plain storage, no allocation; one thread.
#ifndef IFL_PROFILE_BLOCK_H
#define IFL_PROFILE_BLOCK_H

#include "inferloop/profile.h"
#include "profile/kll.h"

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

struct ifl_block {
    uint64_t frames;
    struct ifl_feature_block feature[IFL_FEATURE_COUNT];
    double product[IFL_FEATURE_PAIRS]; // sums of products of deviations from the means
    double tile_sum[IFL_TILES][IFL_TILES];
    uint64_t foreground_frames, occupied_frames, objects;
    double area_sum;
};
void ifl_block_init(struct ifl_block *block, uint64_t seed);
void ifl_block_add(struct ifl_block *block, const struct ifl_features *features);
void ifl_block_merge(struct ifl_block *block, const struct ifl_block *other);
// Clamped as the blocks take it.
double ifl_block_value(const struct ifl_features *features, enum ifl_feature feature);

#endif
