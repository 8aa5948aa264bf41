// SPDX-License-Identifier: Apache-2.0
// How full images are, as validation measures it, by the weight of crowded frames. Frames record
// more foreground than images show: shadows and gaps that are no difference to the plate, objects
// that are cut or in each other's way. How much more is measured on pilot pictures, once for a
// profile and a mode. In: the memory and who makes pilots. Out: a table of numbers. Any thread.
#ifndef IFL_GENERATE_OCCUPANCY_H
#define IFL_GENERATE_OCCUPANCY_H

#include "generate/memory.h"

enum { IFL_OCCUPANCY_NODES = 5 };

struct ifl_occupancy_curve {
    double shown[IFL_OCCUPANCY_NODES]; // of what is recorded, at weights 0, 1, 2, 4 and 8
    double alone;                      // of what is recorded, where next to nothing is in the way
};

extern const struct ifl_occupancy_curve ifl_occupancy_recorded; // nothing is lost

// Makes a picture of the base level, canonical photometry; `recorded`: the share of a picture that
// the frames it was made of have as foreground.
typedef enum ifl_result ifl_pilot_fn(void *context, double weight, uint64_t seed, uint8_t *picture,
                                     double *recorded, struct ifl_error *error);

// `pilots`: at a weight; more are more exact.
enum ifl_result ifl_occupancy_measure(const struct ifl_memory *memory, ifl_pilot_fn *pilot,
                                      void *context, int pilots,
                                      struct ifl_occupancy_curve *occupancy,
                                      struct ifl_error *error) IFL_CHECK_RESULT;

// The weight, -8 to 8, at which images have the foreground share `target` on average, when frames
// are drawn with exp(weight crowd) and each object stays with probability exp(min(weight, 0));
// `got`: what they have at the nearest weight.
double ifl_occupancy_weight_for(const struct ifl_memory *memory,
                                const struct ifl_occupancy_curve *occupancy, double target,
                                double *got);

#endif
