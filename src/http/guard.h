// SPDX-License-Identifier: Apache-2.0
// Who may ask: a page of another site must not reach this server through the visitor's browser.
//
// The Host header must name this server (a foreign name that was made to point here, "DNS
// rebinding", does not), and the Origin of what changes something must be the page of this server.
// Pure functions, any thread.
#ifndef IFL_HTTP_GUARD_H
#define IFL_HTTP_GUARD_H

#include <stdbool.h>

struct ifl_guard {
    bool loopback;            // listens on loopback only
    char address[64];         // it listens on
    const char *const *hosts; // NULL-terminated names that were allowed, or NULL
};

// Loopback names, the address, and `hosts`. A server for other machines too is also called by any
// IP address and by names without a dot, which public name service can't resolve.
bool ifl_guard_host(const struct ifl_guard *guard, const char *host);
// Is the origin "http(s)://" + host?
bool ifl_guard_origin(const char *origin, const char *host);

#endif
