// SPDX-License-Identifier: Apache-2.0
// What a set of vectors looks like in all its dimensions at once: mean, spread, principal axes of
// the correlation matrix. Says of a vector how far it lies from them: Mahalanobis' distance with
// the correlations shrunk towards none (Ledoit and Wolf 2004), and the part of it that the main
// axes cannot explain. Plain storage of at most IFL_MODEL_DIMS; any thread once fitted.
#ifndef IFL_PROFILE_MODEL_H
#define IFL_PROFILE_MODEL_H

#include "inferloop/features.h"

enum { IFL_MODEL_DIMS = IFL_FEATURE_COUNT + 2 };

// Sums to fit from; merges by adding.
struct ifl_model_sums {
    int dims;
    double count;
    double origin[IFL_MODEL_DIMS], unit[IFL_MODEL_DIMS]; // set by the first vector's owner
    double sum[IFL_MODEL_DIMS];
    double product[IFL_MODEL_DIMS][IFL_MODEL_DIMS]; // upper half
};
// `unit` is the least deviation that counts, > 0; sums are kept about `origin`.
void ifl_model_begin(struct ifl_model_sums *sums, int dims, const double *origin,
                     const double *unit);
void ifl_model_add(struct ifl_model_sums *sums, const float *x);

struct ifl_model {
    int dims, kept; // kept: axes that hold 65 % of the variance
    float mean[IFL_MODEL_DIMS], deviation[IFL_MODEL_DIMS];
    float weight[IFL_MODEL_DIMS];               // of each axis in the distance: 1 / shrunk variance
    float axis[IFL_MODEL_DIMS][IFL_MODEL_DIMS]; // rows, greatest variance first
    float shrinkage;                            // 0..1
    // Of each dimension the other one that goes with it most, and their correlation.
    int partner[IFL_MODEL_DIMS];
    float together[IFL_MODEL_DIMS];
};
// `shrinkage` < 0: by Ledoit and Wolf. Needs two vectors.
void ifl_model_fit(const struct ifl_model_sums *sums, double shrinkage, struct ifl_model *model);

struct ifl_model_view {
    double distance2; // Mahalanobis, squared
    double error2;    // squared reconstruction error, in standard deviations
    double pair;      // the most that one differs from what its partner lets expect, likewise
};
void ifl_model_look(const struct ifl_model *model, const float *x, struct ifl_model_view *view);

#endif
