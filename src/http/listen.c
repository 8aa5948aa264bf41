// SPDX-License-Identifier: Apache-2.0
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char room[] = "http";

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    socklen_t bytes;
};

// Splits "host:port", "[host]:port", ":port". False where it is none of them.
static bool split(const char *listen, char host[64], int *port)
{
    const char *colon = strrchr(listen, ':');
    if (!colon || strlen(colon + 1) < 1 || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    *port = atoi(colon + 1);
    size_t length = (size_t)(colon - listen);
    bool brackets = length >= 2 && listen[0] == '[' && colon[-1] == ']';
    if (length >= 64 || *port > 65535 || (!brackets && memchr(listen, ':', length)))
        return false;
    snprintf(host, 64, "%.*s", (int)(brackets ? length - 2 : length), listen + brackets);
    if (length == 0 || strcmp(host, "localhost") == 0)
        snprintf(host, 64, "127.0.0.1");
    return true;
}

static bool parse(const char *host, int port, struct address *address, bool *loopback)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &address->socket.v4.sin_addr) == 1) {
        address->socket.v4.sin_family = AF_INET;
        address->socket.v4.sin_port = htons((uint16_t)port);
        address->bytes = sizeof address->socket.v4;
        *loopback = ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, host, &address->socket.v6.sin6_addr) == 1) {
        address->socket.v6.sin6_family = AF_INET6;
        address->socket.v6.sin6_port = htons((uint16_t)port);
        address->bytes = sizeof address->socket.v6;
        *loopback = IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
        return true;
    }
    return false;
}

static enum ifl_result refuse(const char *listen, int os_errno, struct ifl_error *error)
{
    switch (os_errno) {
    case EADDRINUSE:
        return ifl_fail(error, IFL_ERR_IN_USE, room,
                        "another program listens on %s; choose another address with --listen",
                        listen);
    case EACCES:
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "listening on %s is not permitted (ports below 1024 need privileges); "
                        "choose another with --listen",
                        listen);
    case EADDRNOTAVAIL:
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "this machine has no address %s; choose another with --listen", listen);
    default:
        return ifl_fail_errno(error, os_errno, room, "listening on %s failed", listen);
    }
}

static int open_socket(const struct address *address)
{
    int handle = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        IPPROTO_TCP);
    if (handle < 0)
        return -1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(handle, &address->socket.any, address->bytes) == 0 && listen(handle, 128) == 0)
        return handle;
    int os_errno = errno;
    close(handle);
    errno = os_errno;
    return -1;
}

enum ifl_result ifl_listen(const char *listen, struct ifl_listener *listener,
                           struct ifl_error *error)
{
    struct address address;
    *listener = (struct ifl_listener){.socket = -1};
    if (!split(listen, listener->host, &listener->port) ||
        !parse(listener->host, listener->port, &address, &listener->loopback))
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "\"%.80s\" is no address to listen on; write ADDRESS:PORT as in "
                        "127.0.0.1:8000 or [::1]:8000",
                        listen);
    listener->socket = open_socket(&address);
    if (listener->socket < 0)
        return refuse(listen, errno, error);
    struct address bound = {.bytes = sizeof bound.socket};
    if (getsockname(listener->socket, &bound.socket.any, &bound.bytes) == 0)
        listener->port = ntohs(bound.socket.any.sa_family == AF_INET6 ? bound.socket.v6.sin6_port
                                                                      : bound.socket.v4.sin_port);
    return IFL_OK;
}
