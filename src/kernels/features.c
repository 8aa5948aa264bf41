// SPDX-License-Identifier: Apache-2.0
// Features of one frame after the other: what joins the parts, and what users call.
#include "inferloop/features.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/features_parts.h"

struct ifl_extractor {
    struct ifl_workplace at;
    uint8_t planes[4][IFL_PLANE_AREA];
};

void ifl_feature_set(struct ifl_features *features, enum ifl_feature feature, double value)
{
    const struct ifl_feature_row *row = ifl_feature_row(feature);
    if (!(value >= row->least)) // catches NaN
        value = row->least;
    features->value[feature] = value > row->greatest ? row->greatest : value;
}

struct ifl_extractor *ifl_extractor_create(void)
{
    struct ifl_extractor *extractor = calloc(1, sizeof *extractor);
    struct ifl_spectrum *spectrum = ifl_spectrum_create();
    if (!extractor || !spectrum) {
        free(extractor);
        ifl_spectrum_destroy(spectrum);
        return NULL;
    }
    extractor->at.spectrum = spectrum;
    extractor->at.plane.y = extractor->planes[0];
    extractor->at.plane.cb = extractor->planes[1];
    extractor->at.plane.cr = extractor->planes[2];
    extractor->at.before = extractor->planes[3];
    return extractor;
}

void ifl_extractor_destroy(struct ifl_extractor *extractor)
{
    if (!extractor)
        return;
    ifl_spectrum_destroy(extractor->at.spectrum);
    free(extractor);
}

void ifl_extractor_plane(const struct ifl_extractor *extractor, struct ifl_plane *plane)
{
    *plane = extractor->at.plane;
    plane->y = extractor->at.before; // where the next one will look for it
}

static enum ifl_result check_frame(const struct ifl_frame *frame, struct ifl_error *error)
{
    bool grey = frame->format == IFL_PIXEL_GRAY8;
    if (!grey && (frame->format != IFL_PIXEL_YUV420P || frame->matrix != IFL_MATRIX_BT601))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "profile",
                        "features are measured on yuv420p of BT.601; make the frame "
                        "canonical (ifl_frame_canonical)");
    if (frame->range != IFL_RANGE_FULL)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "profile",
                        "features are measured on full range; make the frame canonical "
                        "(ifl_frame_canonical)");
    if (frame->width < 1 || frame->height < 1 || frame->width > IFL_FRAME_SIDE_MAX ||
        frame->height > IFL_FRAME_SIDE_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, "profile",
                        "the frame is %dx%d; its sides must be 1 to %d", frame->width,
                        frame->height, IFL_FRAME_SIDE_MAX);
    for (int i = 0; i < (grey ? 1 : 3); i++) {
        if (!frame->plane[i] || frame->stride[i] < (i ? (frame->width + 1) / 2 : frame->width))
            return ifl_fail(error, IFL_ERR_INVALID, "profile",
                            "plane %d of the frame is missing or its stride too short", i);
    }
    return IFL_OK;
}

enum ifl_result ifl_extractor_take(struct ifl_extractor *extractor, const struct ifl_frame *frame,
                                   struct ifl_features *features, struct ifl_error *error)
{
    enum ifl_result result = check_frame(frame, error);
    if (result != IFL_OK)
        return result;
    struct ifl_workplace *at = &extractor->at;
    ifl_plane_fit(&at->plane, frame->width, frame->height);
    ifl_features_luma(at, frame, features);
    ifl_features_color(at, frame, features);
    ifl_features_composition(at, features);
    ifl_features_texture(at, features);
    ifl_features_shrink(at);
    ifl_features_hash(at, features);
    ifl_features_motion(at, features);
    return IFL_OK;
}

enum ifl_result ifl_extract_statistics(const struct ifl_frame *frame, struct ifl_features *features,
                                       struct ifl_error *error)
{
    struct ifl_extractor *extractor = ifl_extractor_create();
    if (!extractor)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "profile", "no memory to measure a frame");
    enum ifl_result result = ifl_extractor_take(extractor, frame, features, error);
    ifl_extractor_destroy(extractor);
    return result;
}

enum ifl_result ifl_extract_color_statistics(const struct ifl_frame *frame,
                                             struct ifl_color_statistics *statistics,
                                             struct ifl_error *error)
{
    struct ifl_features features;
    enum ifl_result result = ifl_extract_statistics(frame, &features, error);
    if (result != IFL_OK)
        return result;
    memcpy(statistics->channel, features.channel, sizeof statistics->channel);
    memcpy(statistics->dominant, features.dominant, sizeof statistics->dominant);
    statistics->saturation_mean = features.value[IFL_FEATURE_saturation_mean];
    statistics->color_temperature = features.value[IFL_FEATURE_color_temperature];
    statistics->colorfulness = features.value[IFL_FEATURE_colorfulness];
    return IFL_OK;
}

enum ifl_result ifl_extract_composition_features(const struct ifl_frame *frame,
                                                 struct ifl_composition_features *composition,
                                                 struct ifl_error *error)
{
    struct ifl_features features;
    enum ifl_result result = ifl_extract_statistics(frame, &features, error);
    if (result != IFL_OK)
        return result;
    memcpy(composition->tile_mean, features.tile_mean, sizeof composition->tile_mean);
    composition->symmetry = features.value[IFL_FEATURE_symmetry];
    composition->centroid_x = features.value[IFL_FEATURE_centroid_x];
    composition->centroid_y = features.value[IFL_FEATURE_centroid_y];
    composition->thirds_ratio = features.value[IFL_FEATURE_thirds_ratio];
    composition->complexity = features.value[IFL_FEATURE_complexity];
    composition->edge_density = features.value[IFL_FEATURE_edge_density];
    return IFL_OK;
}
