// SPDX-License-Identifier: Apache-2.0
// How full images are, as validation measures it, by the weight of crowded frames. Frames record
// more foreground than images show: shadows and gaps that are no difference to the plate, objects
// that are cut or in each other's way. How much more is measured on pilot pictures, once for a
// profile and a mode; of the layouts that an image might have, the nearest is then taken, measured
// likewise. In: the memory and who makes pilots. Out: a table of numbers, shares. Any thread.
#ifndef IFL_GENERATE_OCCUPANCY_H
#define IFL_GENERATE_OCCUPANCY_H

#include "generate/memory.h"

enum { IFL_OCCUPANCY_NODES = 5, IFL_OCCUPANCY_SCENES = 12 };

struct ifl_occupancy_curve {
    double shown[IFL_OCCUPANCY_NODES]; // of what is recorded, at weights 0, 1, 2, 4 and 8
    double alone;                      // of what is recorded, where next to nothing is in the way
};

// Measures base-level pictures, canonical photometry, as validation does. Immutable; the memory
// must outlive it. NULL: out of memory.
struct ifl_gauge;
struct ifl_gauge *ifl_gauge_create(const struct ifl_memory *memory);
void ifl_gauge_destroy(struct ifl_gauge *gauge);               // takes NULL
size_t ifl_gauge_scratch_bytes(const struct ifl_gauge *gauge); // that `share` needs, aligned to 4
double ifl_gauge_share(const struct ifl_gauge *gauge, const uint8_t *picture, void *scratch);

// Makes a picture of the base level, canonical photometry; `recorded`: the share of a picture that
// the frames it was made of have as foreground.
typedef enum ifl_result ifl_pilot_fn(void *context, double weight, uint64_t seed, uint8_t *picture,
                                     double *recorded, struct ifl_error *error);

// `pilots`: at a weight; more are more exact.
enum ifl_result ifl_occupancy_measure(const struct ifl_memory *memory, ifl_pilot_fn *pilot,
                                      void *context, int pilots, const struct ifl_gauge *gauge,
                                      struct ifl_occupancy_curve *occupancy,
                                      struct ifl_error *error) IFL_CHECK_RESULT;

// The weight, -8 to 8, at which images have the foreground share `target` on average, or come
// nearest to it, when frames are drawn with exp(weight crowd) and each object stays with
// probability exp(min(weight, 0)).
double ifl_occupancy_weight_for(const struct ifl_memory *memory,
                                const struct ifl_occupancy_curve *occupancy, double target);

struct ifl_scene {
    uint64_t seed; // to be given to the pilot
    double share;  // of its picture that is foreground
};

// Draws scenes with this weight until one has a foreground within 5 % of `target`. Of
// IFL_OCCUPANCY_SCENES others the nearest with less or that with more, so that sets have it on
// average.
enum ifl_result ifl_occupancy_choose(const struct ifl_gauge *gauge, ifl_pilot_fn *pilot,
                                     void *context, double weight, double target, uint64_t seed,
                                     struct ifl_scene *scene,
                                     struct ifl_error *error) IFL_CHECK_RESULT;

#endif
