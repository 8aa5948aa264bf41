// SPDX-License-Identifier: Apache-2.0
// How often one client address may ask: a bucket of tokens each, filled at the rate, holding a
// quarter of a minute's worth.
//
// In: the address of each request. Out: yes, or the seconds to wait. A network of IPv6 addresses
// (/64) counts as one. 1024 addresses are known at a time; a new one takes the place of the one
// that has been silent longest, which by then has a full bucket in all but a flood. Any thread.
#ifndef IFL_HTTP_RATE_H
#define IFL_HTTP_RATE_H

#include <stdint.h>
#include <sys/socket.h>

struct ifl_rate;
struct ifl_rate *ifl_rate_create(int per_minute); // at least 1; NULL: out of memory
void ifl_rate_destroy(struct ifl_rate *rate);     // takes NULL

// 0: go on. Else the whole seconds after which asking again has a chance.
int ifl_rate_take(struct ifl_rate *rate, const struct sockaddr *address, int64_t now_ns);

#endif
