// SPDX-License-Identifier: Apache-2.0
// A profile from the bytes of its file. In: bytes that anybody may have written; nothing is
// allocated for a length before it was checked. Out: a profile with one reference, or what is wrong
// with the bytes. Any thread.
#ifndef IFL_PROFILE_FILE_H
#define IFL_PROFILE_FILE_H

#include "inferloop/profile.h"

// `path` is what errors call it.
enum ifl_result ifl_profile_parse(const char *path, const uint8_t *bytes, size_t count,
                                  struct ifl_profile **profile,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

#endif
