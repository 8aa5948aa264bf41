/* SPDX-License-Identifier: Apache-2.0 */
/* The features of one picture and their statistics over many.
 *
 * The table is the one list of features: names in C, JSON, metrics and docs come from it.
 * Definitions and sources: docs/features.md (generated from the table). */
#ifndef INFERLOOP_FEATURES_H
#define INFERLOOP_FEATURES_H

#include <stdint.h>

#include "inferloop/error.h"
#include "inferloop/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Y is luma in 0..255 (full range). name, unit, least, greatest, definition. */
#define IFL_FEATURES(X)                                                                            \
    X(brightness_mean, "1", 0, 1, "mean Y / 255")                                                  \
    X(contrast_mean, "1", 0, 1, "standard deviation of Y / 127.5")                                 \
    X(saturation_mean, "1", 0, 1, "mean HSV saturation, on the 480x270 plane")                     \
    X(color_temperature, "K", 1000, 25000,                                                         \
      "correlated colour temperature of the mean colour "                                          \
      "(McCamy 1992), clamped to its range")                                                       \
    X(dynamic_range, "1", 0, 1, "(P99 - P1) / 255 of Y")                                           \
    X(luma_skew, "1", -16, 16, "skewness of Y, 0 where Y is constant; clamped")                    \
    X(luma_kurtosis, "1", 0, 256, "kurtosis of Y (3 for a normal), 0 where constant; clamped")     \
    X(entropy, "bit", 0, 8, "Shannon entropy of the histogram of Y")                               \
    X(laplacian_variance, "grey^2", 0, 65025, "variance of Y * [0 1 0; 1 -4 1; 0 1 0]; clamped")   \
    X(noise_sigma, "grey", 0, 255, "noise by Immerkaer 1996")                                      \
    X(gradient_energy, "grey^2", 0, 2080800, "mean of gx^2 + gy^2, Sobel")                         \
    X(edge_density, "1", 0, 1, "share of pixels with Sobel magnitude above 100")                   \
    X(clipped_low, "1", 0, 1, "share of pixels with Y <= 2")                                       \
    X(clipped_high, "1", 0, 1, "share of pixels with Y >= 253")                                    \
    X(blockiness, "1", 0, 16, "mean gradient at 8-pixel boundaries / inside; 1 where flat")        \
    X(colorfulness, "grey", 0, 512, "Hasler and Suesstrunk 2003")                                  \
    X(red_mean, "1", 0, 1, "mean red / 255")                                                       \
    X(green_mean, "1", 0, 1, "mean green / 255")                                                   \
    X(blue_mean, "1", 0, 1, "mean blue / 255")

enum ifl_feature {
#define IFL_FEATURE_ENUM(name, unit, least, greatest, definition) IFL_FEATURE_##name,
    IFL_FEATURES(IFL_FEATURE_ENUM)
#undef IFL_FEATURE_ENUM
        IFL_FEATURE_COUNT
};

struct ifl_feature_row {
    const char *name, *unit;
    double least, greatest; /* values are clamped to this range; never NaN */
    const char *definition;
};
IFL_API const struct ifl_feature_row *ifl_feature_row(enum ifl_feature feature);

enum { IFL_TILES = 8, IFL_HISTOGRAM_BINS = 64, IFL_QUANTILES = 33 };

/* What one picture measures. */
struct ifl_features {
    double value[IFL_FEATURE_COUNT];
    float tile_mean[IFL_TILES][IFL_TILES]; /* mean Y of the 8x8 tiles, rows first, 0..255 */
    uint32_t luma_histogram[256];
};

/* Statistics of one feature over a window of pictures. */
struct ifl_feature_stats {
    uint64_t count;
    double mean, variance, skew, kurtosis, min, max; /* variance: population; 0 where count < 2 */
    uint32_t histogram[IFL_HISTOGRAM_BINS];          /* over [least, greatest] of the row */
    double quantile[IFL_QUANTILES];                  /* at i / 32; from a KLL sketch, k = 200 */
};

/* Measures a canonical frame (see frame.h). Allocates nothing that it keeps. */
IFL_API enum ifl_result ifl_extract_statistics(const struct ifl_frame *frame,
                                               struct ifl_features *features,
                                               struct ifl_error *error) IFL_CHECK_RESULT;

#ifdef __cplusplus
}
#endif
#endif
