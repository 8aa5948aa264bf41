// SPDX-License-Identifier: Apache-2.0
// Where to listen: from "127.0.0.1:8000" to a socket.
#ifndef IFL_HTTP_LISTEN_H
#define IFL_HTTP_LISTEN_H

#include <stdbool.h>

#include "inferloop/error.h"

struct ifl_listener {
    int socket;    // -1 when closed
    int port;      // chosen, where 0 was asked for
    char host[64]; // numeric address
    bool loopback;
};

enum ifl_result ifl_listen(const char *listen, struct ifl_listener *listener,
                           struct ifl_error *error) IFL_CHECK_RESULT;

#endif
