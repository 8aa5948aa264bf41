// SPDX-License-Identifier: Apache-2.0
// The parameters behind '?'. Each route names those it knows; others, doubled, empty and badly
// coded ones are refused by name, so that a slip never passes as a default.
#ifndef IFL_HTTP_QUERY_H
#define IFL_HTTP_QUERY_H

#include "http/exchange.h"

// Decodes %xx in place; returns the new length. What is no code stays as it is, and so does %00,
// behind which C would not see the rest.
size_t ifl_query_unescape(char *text);

// `known`: names, comma-separated. On an error fills `name` (for the details).
enum ifl_result ifl_query_check(const struct ifl_exchange *exchange, const char *known,
                                char name[64], struct ifl_error *error) IFL_CHECK_RESULT;
// NULL where it was not given.
const char *ifl_query_text(const struct ifl_exchange *exchange, const char *name);
// Leaves *value as it is where it was not given.
enum ifl_result ifl_query_integer(const struct ifl_exchange *exchange, const char *name, int least,
                                  int greatest, int *value,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

#endif
