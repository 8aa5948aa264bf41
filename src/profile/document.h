// SPDX-License-Identifier: Apache-2.0
// The statistics of a profile as JSON, schema "inferloop.profile/1". In: a profile, or the text.
// Out: the text, or the profile's statistics. What is written and read again is bit for bit the
// same. Any thread.
#ifndef IFL_PROFILE_DOCUMENT_H
#define IFL_PROFILE_DOCUMENT_H

#include "inferloop/profile.h"

// Fills what the document holds of a profile whose fields are all 0. Texts that are not such a
// document give IFL_ERR_CORRUPT, newer schemas IFL_ERR_VERSION.
enum ifl_result ifl_document_read(const char *text, size_t length, struct ifl_profile *profile,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

#endif
