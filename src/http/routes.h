// SPDX-License-Identifier: Apache-2.0
// The one table of routes: what a path does, which parameters it takes, and its line in the docs.
#ifndef IFL_HTTP_ROUTES_H
#define IFL_HTTP_ROUTES_H

#include "http/exchange.h"

typedef enum MHD_Result (*ifl_route_fn)(struct ifl_exchange *exchange);

struct ifl_route {
    const char *method;     // GET answers HEAD too
    const char *path;       // {name} stands for one segment
    const char *parameters; // behind '?', comma-separated
    ifl_route_fn handle;
    const char *help;
};

const struct ifl_route *ifl_routes(int *count);

// Checks the whole request (host, origin, path, method, parameters) and answers it.
struct ifl_guard;
enum MHD_Result ifl_route(struct ifl_exchange *exchange, const struct ifl_guard *guard,
                          const char *method, const char *path);

#endif
