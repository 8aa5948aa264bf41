// SPDX-License-Identifier: Apache-2.0
// Light and colour of a finished picture: the illumination of a memory frame put back, and targets
// of brightness, contrast, saturation and colour temperature met by closed-form maps, measured on
// the very pixels that are delivered. In: RGB24. Out: the same buffer. Any thread.
#ifndef IFL_GENERATE_PHOTOMETRY_H
#define IFL_GENERATE_PHOTOMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "inferloop/error.h"

enum ifl_attribute {
    IFL_BRIGHTNESS,
    IFL_CONTRAST,
    IFL_SATURATION,
    IFL_COLOR_TEMPERATURE,
    IFL_ATTRIBUTES
};

struct ifl_look {
    double value[IFL_ATTRIBUTES]; // in the units of features.h
};
const char *ifl_attribute_name(enum ifl_attribute attribute);

// As features.h defines them, for the picture as a canonical frame.
void ifl_look_measure(const uint8_t *rgb, int width, int height, struct ifl_look *look);

// raw = gain * canonical + offset, a channel at a time; values that make no sense are ignored.
void ifl_illuminate(const float gain[3], const float offset[3], uint8_t *rgb, size_t pixels);

// Meets the targets (NAN: none) within 1 %, or comes as near as clipping lets it; says in `note`
// (appended, cut to note_bytes) which ones were out of reach. IFL_ERR_NO_MEMORY.
enum ifl_result ifl_look_apply(const struct ifl_look *target, uint8_t *rgb, int width, int height,
                               char *note, size_t note_bytes,
                               struct ifl_error *error) IFL_CHECK_RESULT;

#endif
