// SPDX-License-Identifier: Apache-2.0
#include "http/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// The name in "name:port", "[address]:port"; false where it is neither.
static bool host_name(const char *host, char name[256])
{
    size_t length = strcspn(host, ":");
    const char *rest = host + length;
    bool brackets = host[0] == '[';
    if (brackets) {
        rest = strchr(host, ']');
        if (!rest)
            return false;
        length = (size_t)(rest - host - 1);
        rest++;
    }
    if (length == 0 || length >= 256 || (rest[0] != 0 && rest[0] != ':') ||
        (rest[0] == ':' && strspn(rest + 1, "0123456789") != strlen(rest + 1)))
        return false;
    snprintf(name, 256, "%.*s", (int)length, host + brackets);
    if (length > 1 && name[length - 1] == '.')
        name[length - 1] = 0;
    return true;
}

static bool is_address(const char *name, bool *loopback)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, name, &v4) == 1) {
        *loopback = ntohl(v4.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, name, &v6) == 1) {
        *loopback = IN6_IS_ADDR_LOOPBACK(&v6);
        return true;
    }
    return *loopback = false;
}

static bool is_allowed(const char *const *hosts, const char *name)
{
    for (; hosts && *hosts; hosts++)
        if (strcasecmp(*hosts, name) == 0)
            return true;
    return false;
}

bool ifl_guard_host(const struct ifl_guard *guard, const char *host)
{
    char name[256];
    bool loopback;
    if (!host_name(host, name))
        return false;
    if (is_address(name, &loopback))
        return loopback || !guard->loopback || strcasecmp(name, guard->address) == 0;
    if (strcasecmp(name, "localhost") == 0 || is_allowed(guard->hosts, name))
        return true;
    return !guard->loopback && !strchr(name, '.') && !strchr(name, ':');
}

bool ifl_guard_origin(const char *origin, const char *host)
{
    const char *rest = NULL;
    if (strncasecmp(origin, "http://", 7) == 0)
        rest = origin + 7;
    else if (strncasecmp(origin, "https://", 8) == 0)
        rest = origin + 8;
    return rest && strcasecmp(rest, host) == 0;
}
