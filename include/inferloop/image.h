/* SPDX-License-Identifier: Apache-2.0 */
/* Images: RGB pictures that are handed about by reference. Any thread. */
#ifndef INFERLOOP_IMAGE_H
#define INFERLOOP_IMAGE_H

#include <stdint.h>

#include "inferloop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An RGB24 picture, rows tight (width * 3 bytes), reference-counted, immutable once handed on. */
struct ifl_image {
    int width, height;
    uint8_t *rgb;
    int refs; /* atomic; 1 when made */
};
IFL_API struct ifl_image *ifl_image_create(int width, int height); /* black; NULL: size or memory */
IFL_API struct ifl_image *ifl_image_ref(struct ifl_image *image);
IFL_API void ifl_image_unref(struct ifl_image *image); /* takes NULL */

#ifdef __cplusplus
}
#endif
#endif
