// SPDX-License-Identifier: Apache-2.0
// What of a picture is foreground: how validation measures images, and so what the generator aims
// at when it is asked for an occupancy. In: pictures in canonical photometry, RGB24, rows tight, of
// one size, and their plate. Out: masks. Nothing global: any thread.
#ifndef IFL_KERNELS_FOREGROUND_H
#define IFL_KERNELS_FOREGROUND_H

#include <stdbool.h>
#include <stdint.h>

// A pixel is foreground where it differs from the plate by more than 45 (15 of 255 a channel) plus
// three times what the plate pixels (label 0) of the frames do there: leaves and flicker.
// `threshold` [pixels]. False: out of memory.
bool ifl_foreground_threshold(const uint8_t *const *frame, const uint8_t *const *label, int frames,
                              const uint8_t *plate, int pixels, uint8_t *threshold);

// Pixels beyond the threshold of which most neighbours are too, in 8-connected regions of at least
// 0.04 % of the picture. `mask` [pixels]: 1 or 0. `scratch` holds 5 * pixels bytes, 4-byte aligned.
// Returns the pixels found.
int ifl_foreground_find(const uint8_t *picture, const uint8_t *plate, const uint8_t *threshold,
                        int width, int height, uint8_t *mask, void *scratch);

#endif
