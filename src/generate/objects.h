// SPDX-License-Identifier: Apache-2.0
// De-identified objects: blends of at least k other recorded tracks, in object coordinates.
//
// In: the foreground components of a profile's memory. Out: new objects painted on a background.
// Immutable once made; `paint` may run on several threads at once.
#ifndef IFL_GENERATE_OBJECTS_H
#define IFL_GENERATE_OBJECTS_H

#include "base/rng.h"
#include "inferloop/generate.h"

struct ifl_objects;

// Collects the crops of all identities. `profile` must outlive the result.
enum ifl_result ifl_objects_create(const struct ifl_profile *profile, struct ifl_objects **objects,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_objects_destroy(struct ifl_objects *objects); // takes NULL

// Paints objects on `canvas` (RGB24 tight, base level, canonical photometry, holding the
// background): as many and where a memory frame has them, each made of at least `k` identities,
// none of them the one that stood there. `occupancy_weight`: > 0 prefers crowded layouts, < 0 empty
// ones. Fills audit->objects, objects_refused and note ("plate only: 5 recorded tracks, 9 needed").
enum ifl_result ifl_objects_paint(const struct ifl_objects *objects, int k, double occupancy_weight,
                                  struct ifl_rng *rng, uint8_t *canvas, struct ifl_audit *audit,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

// The memory frame whose layout `paint` takes with this weight and random stream.
int ifl_objects_frame(const struct ifl_objects *objects, double occupancy_weight,
                      struct ifl_rng rng);

#endif
