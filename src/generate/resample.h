// SPDX-License-Identifier: Apache-2.0
// Resampling of RGB24 pictures to any size: Catmull-Rom cubic, widened when it reduces so that
// nothing aliases. Integer weights: the same bytes everywhere. Any thread.
#ifndef IFL_GENERATE_RESAMPLE_H
#define IFL_GENERATE_RESAMPLE_H

#include <stdint.h>

#include "inferloop/error.h"

// Rows are tight. Sizes >= 1. IFL_ERR_NO_MEMORY.
enum ifl_result ifl_resample(const uint8_t *from, int from_width, int from_height, uint8_t *to,
                             int to_width, int to_height, struct ifl_error *error) IFL_CHECK_RESULT;

#endif
