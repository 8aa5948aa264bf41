/* SPDX-License-Identifier: Apache-2.0 */
/* The features of one picture and their statistics over many.
 *
 * The table is the one list of features: names in C, JSON, metrics and docs come from it.
 * Definitions and sources: docs/features.md (generated from the table). */
#ifndef INFERLOOP_FEATURES_H
#define INFERLOOP_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "inferloop/error.h"
#include "inferloop/frame.h"
#include "inferloop/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Y is luma in 0..255 (full range). The plane: the means of 2x2, or 4x4, 8x8, ... boxes of the
 * picture, until there are no more of them than in 480x270; colours, patterns and
 * steps are those of every second row of it. Motion is against the picture before,
 * 0 where there is none. name, unit, least, greatest, definition. */
#define IFL_FEATURES(X)                                                                            \
    X(brightness_mean, "1", 0, 1, "mean Y / 255")                                                  \
    X(contrast_mean, "1", 0, 1, "standard deviation of Y / 127.5")                                 \
    X(saturation_mean, "1", 0, 1, "mean HSV saturation, on the plane")                             \
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
    X(blue_mean, "1", 0, 1, "mean blue / 255")                                                     \
    X(red_std, "1", 0, 1, "standard deviation of red / 127.5, on the plane")                       \
    X(green_std, "1", 0, 1, "standard deviation of green / 127.5, on the plane")                   \
    X(blue_std, "1", 0, 1, "standard deviation of blue / 127.5, on the plane")                     \
    X(dominant_share, "1", 0, 1, "share of the most frequent colour, on the plane")                \
    X(dark_channel, "1", 0, 1,                                                                     \
      "mean over 8x8 boxes of the plane of the least red, green or blue / 255 (He 2009): haze")    \
    X(symmetry, "1", -1, 1,                                                                        \
      "correlation of the plane with its mirror image, left to right; 1 where constant")           \
    X(centroid_x, "1", 0, 1,                                                                       \
      "centre of |dY/dx| + |dY/dy| on the plane, from the left; 0.5 where flat")                   \
    X(centroid_y, "1", 0, 1, "the same, from the top")                                             \
    X(thirds_ratio, "1", 0, 16,                                                                    \
      "|dY/dx| + |dY/dy| near the four lines of thirds / mean of the plane; 1 where flat")         \
    X(complexity, "bit", 0, 8, "entropy of the step to the pixel on the right, on the plane")      \
    X(lbp_flat, "1", 0, 1,                                                                         \
      "share of pixels of the plane whose 8 neighbours are all at least as bright (LBP 8)")        \
    X(lbp_edge, "1", 0, 1, "share of pixels on straight edges (LBP 3 to 5)")                       \
    X(lbp_rough, "1", 0, 1, "share of pixels without uniform pattern (LBP 9)")                     \
    X(spectral_slope, "1", -8, 4,                                                                  \
      "slope of log power over log frequency, on the plane; 0 where flat or below 32 pixels")      \
    X(mscn_alpha, "1", 0.2, 10,                                                                    \
      "shape of the locally normalised plane (2 normal noise, less: sharper peak); 0.2 where "     \
      "flat")                                                                                      \
    X(mscn_sigma, "1", 0, 4, "standard deviation of the locally normalised plane")                 \
    X(frame_difference, "grey", 0, 255, "mean |Y - Y of the picture before|, on the plane")        \
    X(motion_share, "1", 0, 1, "share of pixels of the plane that changed by more than 16")        \
    X(motion_x, "1", -0.5, 0.5,                                                                    \
      "shift of the whole picture to the right / its width, by phase correlation")                 \
    X(motion_y, "1", -0.5, 0.5, "shift of the whole picture downwards / its height")               \
    X(motion_peak, "1", 0, 1, "how certain that shift is: height of the peak; 1 a pure shift")

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

enum {
    IFL_TILES = 8,
    IFL_HISTOGRAM_BINS = 64,
    IFL_QUANTILES = 33,
    IFL_DOMINANT_COLORS = 5,
    IFL_LBP_BINS = 10,
};

/* Red, green or blue, 0..255, on the plane. Skew and kurtosis: 0 where constant. */
struct ifl_channel_features {
    double mean, std, skew, kurtosis;
    uint32_t histogram[IFL_HISTOGRAM_BINS]; /* pixels; each bin is 4 levels wide */
};

struct ifl_dominant_color {
    uint8_t rgb[3]; /* to within 8 levels */
    float share;    /* of the plane's pixels; 0: there are no more */
};

/* What one picture measures. No pointers: copy it. */
struct ifl_features {
    double value[IFL_FEATURE_COUNT];
    float tile_mean[IFL_TILES][IFL_TILES];   /* mean Y of the 8x8 tiles, rows first, 0..255 */
    float tile_change[IFL_TILES][IFL_TILES]; /* of each tile of the plane: frame_difference */
    uint32_t luma_histogram[256];            /* pixels */
    struct ifl_channel_features channel[3];  /* red, green, blue */
    struct ifl_dominant_color dominant[IFL_DOMINANT_COLORS]; /* most frequent first */
    /* Shares of the plane's inner pixels; they add up to 1, or are all 0 below 3x3. Bin 0 to 8: as
     * many of 8 neighbours are at least as bright, and those lie side by side; 9: all others. */
    float lbp[IFL_LBP_BINS];
    /* Bits of likeness: of two pictures count the bits that differ, about 32 of 64 where they have
     * nothing in common. dhash: is each of 8x8 samples brighter than its left neighbour; phash:
     * signs of the lowest 8x8 frequencies. */
    uint64_t dhash, phash;
    bool has_previous; /* there was a picture of this size before: motion is measured */
};

/* Statistics of one feature over a window of pictures. */
struct ifl_feature_stats {
    uint64_t count;
    double mean, variance, skew, kurtosis, min, max; /* variance: population; 0 where count < 2 */
    uint32_t histogram[IFL_HISTOGRAM_BINS];          /* over [least, greatest] of the row */
    double quantile[IFL_QUANTILES];                  /* at i / 32; from a KLL sketch, k = 200 */
};

/* Measures one frame after the other, each against the one before. Frames: canonical (see frame.h)
 * or IFL_PIXEL_GRAY8, 1x1 to IFL_FRAME_SIDE_MAX a side. One thread at a time; allocates only when
 * the size changes. */
struct ifl_extractor;
IFL_API struct ifl_extractor *ifl_extractor_create(void); /* NULL: out of memory */
IFL_API enum ifl_result ifl_extractor_take(struct ifl_extractor *extractor,
                                           const struct ifl_frame *frame,
                                           struct ifl_features *features,
                                           struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API void ifl_extractor_destroy(struct ifl_extractor *extractor); /* takes NULL */

/* Measures a single frame; without a picture before, so that motion is 0. Any thread. */
IFL_API enum ifl_result ifl_extract_statistics(const struct ifl_frame *frame,
                                               struct ifl_features *features,
                                               struct ifl_error *error) IFL_CHECK_RESULT;

/* The same for a picture in memory: made canonical first (chroma is the mean of 2x2 pixels). */
IFL_API enum ifl_result ifl_extract_image_statistics(const struct ifl_image *image,
                                                     struct ifl_features *features,
                                                     struct ifl_error *error) IFL_CHECK_RESULT;

/* What an extraction says of colour: the seed's name for a part of ifl_features. */
struct ifl_color_statistics {
    struct ifl_channel_features channel[3];
    struct ifl_dominant_color dominant[IFL_DOMINANT_COLORS];
    double saturation_mean, color_temperature, colorfulness; /* as in the table */
};
IFL_API enum ifl_result ifl_extract_color_statistics(const struct ifl_frame *frame,
                                                     struct ifl_color_statistics *statistics,
                                                     struct ifl_error *error) IFL_CHECK_RESULT;

/* And of composition. */
struct ifl_composition_features {
    float tile_mean[IFL_TILES][IFL_TILES];
    double symmetry, centroid_x, centroid_y, thirds_ratio, complexity, edge_density;
};
IFL_API enum ifl_result ifl_extract_composition_features(const struct ifl_frame *frame,
                                                         struct ifl_composition_features *features,
                                                         struct ifl_error *error) IFL_CHECK_RESULT;

#ifdef __cplusplus
}
#endif
#endif
