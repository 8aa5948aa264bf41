// SPDX-License-Identifier: Apache-2.0
// The parts of a picture's measurement, in the order in which they run. In: a canonical frame (or
// its planes) of any size. Out: their fields of ifl_features, each value in its range.
#ifndef IFL_KERNELS_FEATURES_PARTS_H
#define IFL_KERNELS_FEATURES_PARTS_H

#include "kernels/plane.h"
#include "kernels/spectrum.h"

// What a measurement works with; for planes of any size, allocated once.
struct ifl_workplace {
    struct ifl_plane plane;
    struct ifl_small small; // of the plane
    uint8_t *before;        // luma of the plane before
    int before_width, before_height;
    float work[2 * IFL_PLANE_SIDE_MAX];
    uint32_t column[IFL_PLANE_SIDE_MAX], row[IFL_PLANE_SIDE_MAX]; // of gradients
    uint8_t bytes[3][IFL_PLANE_SIDE_MAX];
    uint32_t cell[16 * 16 * 16]; // of colours
    struct ifl_spectrum *spectrum;
};

// The plane of the newest frame; valid until the next one is taken.
void ifl_extractor_plane(const struct ifl_extractor *extractor, struct ifl_plane *plane);

// Clamped to its range; NaN becomes the least value.
void ifl_feature_set(struct ifl_features *features, enum ifl_feature feature, double value);

struct ifl_shape { // of what a histogram of 256 levels counts
    double mean, std, skew, kurtosis;
};
void ifl_histogram_shape(const uint32_t histogram[256], double pixels, struct ifl_shape *shape);
double ifl_entropy_bits(const uint32_t *histogram, double pixels); // of 256 levels

// (E|x|)^2 / E x^2 of a generalised normal of shape alpha, which rises with it; and back, within
// the range of mscn_alpha.
double ifl_ratio_of_shape(double alpha);
double ifl_shape_of_ratio(double ratio);

void ifl_features_luma(struct ifl_workplace *at, const struct ifl_frame *frame,
                       struct ifl_features *features);
void ifl_features_color(struct ifl_workplace *at, const struct ifl_frame *frame,
                        struct ifl_features *features);
void ifl_features_composition(struct ifl_workplace *at, struct ifl_features *features);
void ifl_features_texture(struct ifl_workplace *at, struct ifl_features *features);
void ifl_features_shrink(struct ifl_workplace *at);
void ifl_features_hash(struct ifl_workplace *at, struct ifl_features *features);
void ifl_features_motion(struct ifl_workplace *at, struct ifl_features *features);

#endif
