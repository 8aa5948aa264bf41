// SPDX-License-Identifier: Apache-2.0
// The id of a profile: a hash of its content. In it: source, licence, counts, statistics, plate,
// memory (base level, labels, components, light, indices) and events. Not in it: wall times, so
// that the same frames give the same id whenever they were seen. Any thread.
#ifndef IFL_PROFILE_IDENTIFY_H
#define IFL_PROFILE_IDENTIFY_H

#include "inferloop/profile.h"

// Of what never changes: when it was seen, its light and its finest level, which is `base`.
uint64_t ifl_identify_picture(const struct ifl_memory_frame *frame, int base, size_t base_pixels);
// The whole frame, labels included. Never 0.
uint64_t ifl_identify_frame(const struct ifl_memory_frame *frame, uint64_t picture,
                            size_t base_pixels);

// Fills profile->id. `frame_hash` has one entry a memory frame, or is NULL (then they are
// computed).
void ifl_identify_profile(struct ifl_profile *profile, const uint64_t *frame_hash);

#endif
