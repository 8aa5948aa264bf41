// SPDX-License-Identifier: Apache-2.0
// Secrets in URIs, kept elsewhere: ${NAME} stands for a variable of the environment and
// ${file:PATH} for the content of a file.
//
// In: a URI as the user wrote it. Out: the URI to connect with, made anew at each connection, so
// that a changed secret counts from the next one on. What is put in is percent-encoded and
// therefore can't leave its place. Any thread. Never for URIs that come over HTTP: they could send
// any file of this machine anywhere.
#ifndef IFL_CORE_SECRETS_H
#define IFL_CORE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "inferloop/error.h"

enum { IFL_SECRET_MAX = 1024, IFL_URI_MAX = 8192 }; // bytes of a secret; of a whole URI with the 0

// IFL_ERR_UNAUTHORIZED where a secret can't be had, IFL_ERR_INVALID where "${" is not ended or
// names nothing, IFL_ERR_TOO_LARGE. The text holds no secret.
enum ifl_result ifl_secrets_expand(const char *uri, char *out, size_t out_bytes,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
// Whether it holds such a place; without looking whether the secret is there.
bool ifl_secrets_wanted(const char *uri);
// Length of the place that begins at `text`, or 0.
size_t ifl_secrets_place(const char *text);

#endif
