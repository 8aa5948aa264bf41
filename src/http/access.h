// SPDX-License-Identifier: Apache-2.0
// Who may do what: two keys, and the sessions that a browser gets for one.
//
// In: the folder of the keys and what a request brought (Authorization, Cookie). Out: a role. The
// read key may look, the write key may also change things. Keys are 256 random bits from the
// kernel, made where the folder has none, in files of mode 0600; nothing here ever writes one
// anywhere else. Whatever a client sent is compared in constant time. A session lives in memory
// only, twelve hours, at most 64 of them; the oldest gives way. Any thread.
#ifndef IFL_HTTP_ACCESS_H
#define IFL_HTTP_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "inferloop/error.h"

enum {
    IFL_KEY_BYTES = 64, // a key as text: hexadecimal digits
    IFL_SESSION_SECONDS = 12 * 60 * 60,
};

enum ifl_role { IFL_ROLE_NONE, IFL_ROLE_READ, IFL_ROLE_WRITE };

struct ifl_access;
// Reads read.key and write.key of `folder`; makes what is missing, the folder too. IFL_ERR_CORRUPT
// for a file that holds no key.
enum ifl_result ifl_access_create(const char *folder, struct ifl_access **access,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_access_destroy(struct ifl_access *access); // takes NULL

// The role of a key; `length` bytes that need no end.
enum ifl_role ifl_access_key_role(const struct ifl_access *access, const char *key, size_t length);
// The role of a request. Both headers may be NULL. A key that is sent decides alone: a wrong one
// beside a good cookie is refused.
enum ifl_role ifl_access_role(struct ifl_access *access, const char *authorization,
                              const char *cookie);

// Begins a session; `token` goes into the cookie `ifl_access_cookie`. False: no random bits.
bool ifl_access_begin(struct ifl_access *access, enum ifl_role role, char token[IFL_KEY_BYTES + 1]);
void ifl_access_end(struct ifl_access *access, const char *cookie);
// The cookie's name: that of the port, since browsers keep one jar for all ports of a host.
void ifl_access_name(struct ifl_access *access, int port);
const char *ifl_access_cookie(const struct ifl_access *access);

// Whether a path is for everybody. A short list on purpose: what is new is closed.
bool ifl_access_is_open(const char *path);
// What a method needs.
enum ifl_role ifl_access_needs(const char *method);

// Compares `length` bytes with a key, in a time that does not depend on where they differ.
bool ifl_same_key(const char *given, size_t length, const char key[IFL_KEY_BYTES]);

#endif
