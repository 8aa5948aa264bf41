// SPDX-License-Identifier: Apache-2.0
// The door before the routes: how often an address asks, and whether it brought a key.
//
// In: an exchange whose headers are read. Out: true, or false and the answer is given: 429 with
// Retry-After, 401, 403, or for a browser that asks for the page the form that takes a key. On the
// event threads.
#ifndef IFL_HTTP_ADMIT_H
#define IFL_HTTP_ADMIT_H

#include "http/exchange.h"

bool ifl_admit(struct ifl_exchange *exchange, const char *method, const char *path,
               enum MHD_Result *answer);

// The form; `refused` says above it that the last key was wrong.
enum MHD_Result ifl_reply_login(struct ifl_exchange *exchange, unsigned status, bool refused);
// A wrong key was sent: who sent it, not what.
void ifl_log_key_refused(const struct ifl_exchange *exchange);

#endif
