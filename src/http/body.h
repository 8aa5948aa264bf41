// SPDX-License-Identifier: Apache-2.0
// The JSON body of a request that changes something. On the event threads.
#ifndef IFL_HTTP_BODY_H
#define IFL_HTTP_BODY_H

#include "http/exchange.h"

// The body's object, for the caller to drop; NULL: *answer says what is wrong (no JSON, no object,
// another Content-Type). No body at all is an empty object where `may_be_empty`.
json_t *ifl_body_object(struct ifl_exchange *exchange, bool may_be_empty, enum MHD_Result *answer);
// False where a body is given that is not declared as application/json; *answer says so.
bool ifl_body_is_json(struct ifl_exchange *exchange, enum MHD_Result *answer);
// False where the object has a field that is not among `known` ("uri, name"); *answer says so.
bool ifl_body_knows(struct ifl_exchange *exchange, json_t *root, const char *known,
                    enum MHD_Result *answer);
// {"field": name} for the details of an error.
json_t *ifl_field_details(const char *name);

#endif
