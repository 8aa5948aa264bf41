// SPDX-License-Identifier: Apache-2.0
// A client of plain sockets that sends exactly what a test wants.
#ifndef IFL_TESTS_HTTP_CLIENT_H
#define IFL_TESTS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
    int status;   // 0: none came
    char *text;   // all of it, 0 behind
    char *body;   // in text
    size_t bytes; // of the body
};

int client_connect(int port); // a socket with a time-out of 5 s, or -1
bool client_send(int client, const void *bytes, size_t count);
// Sends `request` as it is ("HOST" stands for a correct Host header) and reads until the end of the
// answer. Free with answer_free.
struct answer client_ask(int port, const char *request);
struct answer client_read(int client, bool head);
struct answer client_get(int port, const char *path);
struct answer client_post(int port, const char *path, const char *body, size_t bytes);
void answer_free(struct answer *answer);
// The value of a header up to the end of its line; "" where there is none. Static memory.
const char *answer_header(const struct answer *answer, const char *name);

#endif
