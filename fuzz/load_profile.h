// SPDX-License-Identifier: Apache-2.0
// A profile from any bytes. Check sums and the id are made to fit, or no change of the bytes would
// get past them: link with --wrap=ifl_identify_profile.
#ifndef IFL_FUZZ_LOAD_PROFILE_H
#define IFL_FUZZ_LOAD_PROFILE_H

#include "inferloop/profile.h"
#include "support.h"

// NULL: they are no profile.
struct ifl_profile *fuzz_load_profile(const uint8_t *bytes, size_t count);

#endif
