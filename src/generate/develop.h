// SPDX-License-Identifier: Apache-2.0
// From a picture to a picture of other light and detail, by one number for each attribute; each map
// is monotone in its own number, and 0 leaves the picture as it is. In their order:
//   noise < 0        what differs from the mean around by less than -n grey levels is taken out
//   sharpness n      n < 0: -n passes of a 3x3 binomial; n > 0: what one pass takes out, times e^n
//   temperature t    red * e^-t, blue * e^t, luma kept
//   saturation s     luma + e^s (colour - luma)
//   brightness b     255 (v / 255)^(e^-b)
//   haze h           air + e^-h (v - air): a veil of one brightness, as there is no depth
//   contrast c       pivot + e^c (v - pivot)
//   noise > 0        normal, n grey levels, the same in red, green and blue
// Integers decide every pixel: the same bytes everywhere. A developer belongs to one thread.
#ifndef IFL_GENERATE_DEVELOP_H
#define IFL_GENERATE_DEVELOP_H

#include <stdint.h>

#include "inferloop/generate.h"

// How far the numbers may go.
struct ifl_reach {
    double least, greatest;
};
extern const struct ifl_reach ifl_reach[IFL_LOOK_COUNT];

struct ifl_developer;
// `from` (RGB24, rows tight) is read until the end. NULL: out of memory.
struct ifl_developer *ifl_developer_create(const uint8_t *from, int width, int height,
                                           uint64_t seed);
void ifl_developer_destroy(struct ifl_developer *developer); // takes NULL

// `pivot` of contrast in grey levels. `to` is another picture than `from`.
void ifl_develop(struct ifl_developer *developer, const double number[IFL_LOOK_COUNT], double pivot,
                 uint8_t *to);

#endif
