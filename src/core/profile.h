// SPDX-License-Identifier: Apache-2.0
// Who makes profiles needs these besides inferloop/profile.h. All arrays of a profile and of a
// memory frame come from malloc and are freed with it (level[] with the last frame that shares it);
// memory frames are shared between snapshots.
#ifndef IFL_CORE_PROFILE_H
#define IFL_CORE_PROFILE_H

#include "inferloop/profile.h"

struct ifl_memory_frame *ifl_memory_frame_ref(struct ifl_memory_frame *frame);
void ifl_memory_frame_unref(struct ifl_memory_frame *frame); // takes NULL
// `to`, which has none, gets the pixels of `from`, which has a count of them.
void ifl_memory_frame_share_levels(struct ifl_memory_frame *to,
                                   const struct ifl_memory_frame *from);

// memory_weight as it is to be drawn by, whatever it holds: each above 0, sum 1; `memory_frames` of
// them.
void ifl_profile_weights(const struct ifl_profile *profile, double *weight);

#endif
