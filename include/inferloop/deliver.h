/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: accepted images leave the house. In: validated images. Out: files, bytes.
 *
 * Sinks are called by one thread at a time. */
#ifndef INFERLOOP_DELIVER_H
#define INFERLOOP_DELIVER_H

#include "inferloop/generate.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ifl_image_format { IFL_IMAGE_PNG, IFL_IMAGE_JPEG, IFL_IMAGE_WEBP };
IFL_API const char *ifl_image_format_name(enum ifl_image_format format);      /* "png" */
IFL_API const char *ifl_image_format_mime_type(enum ifl_image_format format); /* "image/png" */

/* Encodes with the mark of synthetic media inside (IPTC digital source type in XMP, and for PNG
 * also text chunks). `description` goes into the mark, may be NULL. `quality` 1..100 for JPEG and
 * WebP (100: lossless WebP). *bytes is the caller's, free() it. */
IFL_API enum ifl_result ifl_image_encode(const struct ifl_image *image,
                                         enum ifl_image_format format, int quality,
                                         const char *description, uint8_t **bytes, size_t *count,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
/* Reads a PNG, JPEG or WebP back (for validate DIR). Sides up to IFL_FRAME_SIDE_MAX. */
IFL_API enum ifl_result ifl_image_decode_file(const char *path, struct ifl_image **image,
                                              struct ifl_error *error) IFL_CHECK_RESULT;

/* The record of an image as one line of JSON without newline ("schema": "inferloop.image/1"), less
 * than 4096 bytes (a long prompt is cut, and says so). All keys are in every record, each always of
 * one type: -1 stands for a number that is not known or not asked for, and the seed is a string, as
 * it has 64 bits. `file_name` may be NULL. free() it; NULL when memory is short. */
IFL_API char *ifl_synthetic_json(const struct ifl_synthetic *synthetic, const char *file_name);

struct ifl_sink_config {
    const char *target; /* for `dataset`: the folder */
    enum ifl_image_format format;
    int quality; /* 1..100 */
};
struct ifl_sink_plugin {
    struct ifl_plugin head; /* kind IFL_PLUGIN_SINK */
    enum ifl_result (*open)(const struct ifl_sink_config *config, void **self,
                            struct ifl_error *error);
    /* IFL_OK only when the image is safe with its record. `name` (IFL_PATH_MAX bytes) receives what
     * the sink calls the image, e.g. its file name. */
    enum ifl_result (*deliver)(void *self, const struct ifl_synthetic *synthetic, char *name,
                               struct ifl_error *error);
    void (*close)(void *self); /* takes NULL */
};
enum { IFL_PATH_MAX = 4096 };

#ifdef __cplusplus
}
#endif
#endif
