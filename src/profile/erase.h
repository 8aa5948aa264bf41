// SPDX-License-Identifier: Apache-2.0
// A profile without the pictures of a span of time. In: a profile. Out: another one that shares the
// other pictures. Any thread.
#ifndef IFL_PROFILE_ERASE_H
#define IFL_PROFILE_ERASE_H

#include "inferloop/profile.h"

// How many memory frames were taken in [from_ns, to_ns) of the wall clock.
int ifl_profile_count_span(const struct ifl_profile *profile, int64_t from_ns, int64_t to_ns);

// Drops them, and the events that no other picture shows. Statistics and plate stay: they are over
// all that was seen. The id is that of the new content.
enum ifl_result ifl_profile_without(const struct ifl_profile *profile, int64_t from_ns,
                                    int64_t to_ns, struct ifl_profile **out,
                                    struct ifl_error *error) IFL_CHECK_RESULT;

#endif
