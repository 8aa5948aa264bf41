/* SPDX-License-Identifier: Apache-2.0 */
/* The distribution of features over a window of pictures. In: the features of one picture after the
 * other. Out: what they were like lately, and whether that differs from a reference.
 *
 * What merges and what does not: count, moments, least and greatest, histograms, covariance
 * (exactly, to rounding; Chan, Golub and LeVeque 1979) and quantile sketches (within their error;
 * Karnin, Lang and Liberty 2016) merge, in any order. The recent view and lag-1 correlations depend
 * on the order of pictures and are estimated anew by each modeler; principal components are
 * computed from the covariance, so they follow it.
 *
 * A modeler belongs to one thread; its memory, below 3 MB, is its own from the start. */
#ifndef INFERLOOP_DISTRIBUTION_H
#define INFERLOOP_DISTRIBUTION_H

#include "inferloop/features.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IFL_FEATURE_PAIRS = IFL_FEATURE_COUNT * (IFL_FEATURE_COUNT + 1) / 2,
    IFL_COMPONENTS = 8,
};

/* Features together, over the window. */
struct ifl_joint {
    /* Of features i >= j at i (i + 1) / 2 + j, in the product of their units; population. */
    double covariance[IFL_FEATURE_PAIRS];
    /* Principal components of the correlations, greatest first: what part of all variance each
     * holds, and its direction (length 1; 0 for features that did not vary). */
    double component_share[IFL_COMPONENTS];
    double component[IFL_COMPONENTS][IFL_FEATURE_COUNT];
};
IFL_API double ifl_joint_covariance(const struct ifl_joint *joint, enum ifl_feature a,
                                    enum ifl_feature b);
/* -1..1; 0 where one of them did not vary. */
IFL_API double ifl_joint_correlation(const struct ifl_joint *joint, enum ifl_feature a,
                                     enum ifl_feature b);

/* The newest pictures count most: the weight halves each half_life_frames. Not merged. */
struct ifl_recent {
    double mean[IFL_FEATURE_COUNT], std[IFL_FEATURE_COUNT];
    double lag1[IFL_FEATURE_COUNT]; /* correlation with the picture before, -1..1 */
};

struct ifl_distribution {
    uint64_t frames; /* that it is over */
    struct ifl_feature_stats feature[IFL_FEATURE_COUNT];
    struct ifl_joint joint;
    struct ifl_recent recent;
};

struct ifl_modeler_config {
    int window_frames;       /* 1 to 10,000,000; the window holds between 7/8 and all of it */
    double half_life_frames; /* >= 1 */
    uint64_t seed;           /* of the sketches' coins */
};
/* The defaults: a window of 3000, half-life 300. */
IFL_API void ifl_modeler_config_init(struct ifl_modeler_config *config);

struct ifl_modeler;
IFL_API enum ifl_result ifl_modeler_create(const struct ifl_modeler_config *config,
                                           struct ifl_modeler **modeler,
                                           struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API void ifl_modeler_destroy(struct ifl_modeler *modeler); /* takes NULL */
IFL_API void ifl_modeler_update(struct ifl_modeler *modeler, const struct ifl_features *features);
IFL_API void ifl_modeler_get_current_distribution(struct ifl_modeler *modeler,
                                                  struct ifl_distribution *distribution);

/* What the window is compared with: the first whole window, until the present one is set. */
IFL_API void ifl_modeler_set_reference(struct ifl_modeler *modeler);
/* All 0, with 0 frames, before there is one. */
IFL_API void ifl_modeler_get_reference(struct ifl_modeler *modeler, uint64_t *frames,
                                       struct ifl_feature_stats stats[IFL_FEATURE_COUNT]);

struct ifl_distribution_shift {
    int shifted;              /* features whose distance exceeds their limit */
    enum ifl_feature feature; /* the one that exceeds it most, or comes nearest */
    double distance, limit;   /* its; 0..1 */
};
/* True if the window differs from the reference: Kolmogorov and Smirnov's distance of a feature is
 * above its limit at 1 % over all features, with the number of pictures reduced by their lag-1
 * correlation, and the sketches' error added. A look at one moment: who looks often will see false
 * alarms. False before there is a reference. `shift` may be NULL. */
IFL_API bool ifl_modeler_detect_distribution_shift(struct ifl_modeler *modeler,
                                                   struct ifl_distribution_shift *shift);

/* Adds all of another one's window, as if its pictures had been seen just now. The other one's
 * reference and recent view are not looked at. */
IFL_API void ifl_modeler_merge(struct ifl_modeler *modeler, const struct ifl_modeler *other);

/* All of its state in one file, written like a profile's. Loading needs the window that it was
 * saved with, and the same features; the modeler stays as it was where it fails: IFL_ERR_NOT_FOUND,
 * IFL_ERR_VERSION (another version, window or list of features) or IFL_ERR_CORRUPT. */
IFL_API enum ifl_result ifl_modeler_save(const struct ifl_modeler *modeler, const char *path,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API enum ifl_result ifl_modeler_load(struct ifl_modeler *modeler, const char *path,
                                         struct ifl_error *error) IFL_CHECK_RESULT;

#ifdef __cplusplus
}
#endif
#endif
