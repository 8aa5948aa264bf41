// SPDX-License-Identifier: Apache-2.0
// Looking up a host's name without waiting longer than one wants to: the system's resolver can't be
// interrupted, so it is asked on a thread of its own, which is left behind where it takes too long.
// At most IFL_LOOKUPS_MAX are under way in a process; further ones are refused.
#ifndef IFL_SOURCE_RESOLVE_H
#define IFL_SOURCE_RESOLVE_H

#include <sys/socket.h>

#include "source/av.h"

enum { IFL_LOOKUPS_MAX = 64 };

struct ifl_resolved {
    struct sockaddr_storage address; // its first one, without port
    socklen_t bytes;                 // 0: there is no host
};
// IFL_OK once the name has an address (or is one, or is ""). Waits as long as the guard allows.
enum ifl_result ifl_resolve(const char *host, const char *shown, struct ifl_av_guard *guard,
                            struct ifl_resolved *resolved,
                            struct ifl_error *error) IFL_CHECK_RESULT;
// What else is looked up on this thread waits for a name server at most as long as the guard
// allows, once; a second more, since the resolver counts in whole ones.
void ifl_resolve_bound(const struct ifl_av_guard *guard);

#endif
