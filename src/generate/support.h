// SPDX-License-Identifier: Apache-2.0
// Which foreground content was seen in how many distinct events: the base of k-anonymity. In: the
// memory. Out: for each place and frame the largest k at which the patch may be used. Immutable
// once made.
//
// A patch belongs to the event of the component that it touches (with a margin for soft edges).
// Events that one patch at a place touches together count as one there. A patch is supported by
// every distinct event of which a patch at the same place lies within 7 grey levels RMS, its own
// included. A component with fewer than 90 % of its patches supported is dropped whole, and with it
// every patch that it touches. Patches without foreground are the plate's.
#ifndef IFL_GENERATE_SUPPORT_H
#define IFL_GENERATE_SUPPORT_H

#include "generate/memory.h"

enum { IFL_EVENT_NONE = 0, IFL_EVENT_NOBODY = 0xffff };

struct ifl_support_cell {
    uint16_t event; // dense number of the event from 1 (the least one of those that
                    // count as one), or one of the above
    uint8_t limit;  // the largest k at which the patch may be used; 0: never
};

struct ifl_support;

struct ifl_support *ifl_support_create(const struct ifl_memory *memory); // NULL: out of memory
void ifl_support_destroy(struct ifl_support *support);                   // takes NULL

// The cells of all frames at one place, places in rows.
const struct ifl_support_cell *ifl_support_cells(const struct ifl_support *support, int level,
                                                 int place);
// The largest k at which the component stays.
int ifl_support_component(const struct ifl_support *support, int frame, int index);

// Shares of `count` >= k events from the logarithms of their masses: proportional, but none above
// 1/k. They sum to one. log_mass must be finite.
void ifl_water_fill(const double *log_mass, int count, int k, double *share);

#endif
