// SPDX-License-Identifier: Apache-2.0
// Which sources may be added over HTTP: the network, cameras of this machine, and the pattern.
//
// Paths are not HTTP's business: files, folders, pipes and what plug-ins read would let whoever
// reaches the server look at files of this machine. Pure function, any thread.
#ifndef IFL_HTTP_SOURCE_URI_H
#define IFL_HTTP_SOURCE_URI_H

#include <stdbool.h>

#include "inferloop/error.h"

enum { IFL_SOURCE_URI_MAX = 2000 }; // bytes

// IFL_ERR_INVALID: no URI at all; IFL_ERR_UNAUTHORIZED: not over HTTP. The sentences do not repeat
// the URI, which may hold a password.
enum ifl_result ifl_source_uri_check(const char *uri, struct ifl_error *error) IFL_CHECK_RESULT;
// 1 to 63 letters, digits, '-' and '_'.
bool ifl_source_name_is_valid(const char *name);

#endif
