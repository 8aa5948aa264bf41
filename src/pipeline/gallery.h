// SPDX-License-Identifier: Apache-2.0
// The newest delivered images, kept in memory for the page, the API and likeness. Any thread.
#ifndef IFL_PIPELINE_GALLERY_H
#define IFL_PIPELINE_GALLERY_H

#include "inferloop/pipeline.h"

enum { IFL_GALLERY_MAX = 64 };

struct ifl_gallery;
struct ifl_gallery *ifl_gallery_create(void); // NULL: out of memory
void ifl_gallery_destroy(struct ifl_gallery *gallery);
// Room for an image, to be had before it is delivered: what is in the dataset must not fail after.
// NULL: out of memory. Add it or unref it.
struct ifl_delivered *ifl_gallery_reserve(void);
// Takes the image out of *synthetic into what was reserved, which stays the caller's reference.
void ifl_gallery_add(struct ifl_gallery *gallery, struct ifl_delivered *reserved,
                     struct ifl_synthetic *synthetic, const char *name);
// See ifl_pipeline_images, _image and _newest.
int ifl_gallery_list(struct ifl_gallery *gallery, const char *source, int skip,
                     struct ifl_delivered **images, int most);
struct ifl_delivered *ifl_gallery_find(struct ifl_gallery *gallery, const char *name);
struct ifl_delivered *ifl_gallery_newest(struct ifl_gallery *gallery, const char *source,
                                         uint64_t *serial, int64_t wait_ns);

#endif
