// SPDX-License-Identifier: Apache-2.0
// The three image formats behind one pair of functions. In: an RGB image and its mark, or the bytes
// of a file. Out: bytes, or an RGB image (alpha is dropped, grey and palettes are expanded). Any
// thread. Decoding is bounded: sides up to IFL_FRAME_SIDE_MAX, IFL_CODEC_PIXELS_MAX in all.
#ifndef IFL_DELIVER_CODEC_H
#define IFL_DELIVER_CODEC_H

#include "inferloop/deliver.h"

#include "deliver/mark.h"

#define IFL_CODEC_PIXELS_MAX INT64_C(64000000)
#define IFL_CODEC_FILE_MAX   ((size_t)256 << 20)

struct ifl_codec {
    const char *name, *mime_type, *extension;
    // True if the bytes begin like this format.
    bool (*matches)(const uint8_t *bytes, size_t count);
    // *bytes is the caller's.
    enum ifl_result (*encode)(const struct ifl_image *image, const struct ifl_mark *mark,
                              int quality, uint8_t **bytes, size_t *count, struct ifl_error *error);
    enum ifl_result (*decode)(const uint8_t *bytes, size_t count, const char *name,
                              struct ifl_image **image, struct ifl_error *error);
};
extern const struct ifl_codec ifl_codec_png, ifl_codec_jpeg, ifl_codec_webp;

// NULL if there is no such format.
const struct ifl_codec *ifl_codec_get(enum ifl_image_format format);

// An image from the bytes of its file; `name` is what errors call it.
enum ifl_result ifl_image_decode(const uint8_t *bytes, size_t count, const char *name,
                                 struct ifl_image **image,
                                 struct ifl_error *error) IFL_CHECK_RESULT;

// The image that a decoder fills, after the size was found to be within the limits.
enum ifl_result ifl_codec_image(const char *name, int64_t width, int64_t height,
                                struct ifl_image **image, struct ifl_error *error);

#endif
