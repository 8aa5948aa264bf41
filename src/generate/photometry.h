// SPDX-License-Identifier: Apache-2.0
// Light and detail of a finished picture: the illumination of a memory frame put back, and the
// targets of generate.h met by closed-form maps (see develop.h), measured on the very pixels that
// are delivered and as features are. In: RGB24. Out: the same buffer. Any thread.
#ifndef IFL_GENERATE_PHOTOMETRY_H
#define IFL_GENERATE_PHOTOMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "inferloop/generate.h"
#include "kernels/meter.h"

struct ifl_look {
    double value[IFL_LOOK_COUNT]; // in the units of the targets
};

// What ifl_extract_image_statistics would say.
void ifl_look_measure(struct ifl_meter *meter, const uint8_t *rgb, struct ifl_look *look);

// raw = gain * canonical + offset, a channel at a time; values that make no sense are ignored.
void ifl_illuminate(const float gain[3], const float offset[3], uint8_t *rgb, size_t pixels);

// Meets the targets (NAN: none) within 1 %, or comes as near as the maps can; of targets of light
// that contradict each other each goes a part of its way. `attained` says what became of each.
// `seed` is that of the noise. IFL_ERR_NO_MEMORY.
enum ifl_result ifl_look_apply(const struct ifl_look *target, uint64_t seed,
                               struct ifl_meter *meter, uint8_t *rgb, int width, int height,
                               struct ifl_attained attained[IFL_LOOK_COUNT],
                               struct ifl_error *error) IFL_CHECK_RESULT;

#endif
