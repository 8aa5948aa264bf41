// SPDX-License-Identifier: Apache-2.0
// The OpenAPI 3.1 document of the API: the table of routes joined with openapi.json, which holds
// what a table has no room for (schemas, bodies, answers). Pure function, any thread.
#ifndef IFL_HTTP_OPENAPI_H
#define IFL_HTTP_OPENAPI_H

#include <jansson.h>

#include "http/routes.h"

// NULL: out of memory. `strays` (may be NULL) receives what does not match: routes that
// openapi.json says nothing of, its operations and parameters that are no route's; "" is as it
// should be.
json_t *ifl_openapi(const struct ifl_route *routes, int count, char strays[512]);

#endif
