// SPDX-License-Identifier: Apache-2.0
// When a lost connection is tried again: pure arithmetic on times, so that ten thousand outages are
// tested without waiting for one. In: what happened and when. Out: how long to wait. One thread's.
//
// A wait is min(30 s, U(0.5 s, 3 x the last)) (decorrelated jitter) and begins anew after 60 good
// seconds. Refused credentials wait 5 minutes to an hour by the same rule, since cameras lock
// accounts after five to seven tries. Five failures in 30 s open the breaker: a state of the same
// back-off in which an attempt is a probe, closed by ten good seconds of one; until then pictures
// that come and go are not called a recovery. A camera that says how long to leave it alone
// (Retry-After) is left alone so long, at most an hour.
#ifndef IFL_INGEST_LINK_H
#define IFL_INGEST_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "inferloop/error.h"

// Decorrelated jitter between two bounds.
struct ifl_backoff {
    struct ifl_rng rng;
    int64_t least_ns, most_ns, last_ns;
};
void ifl_backoff_init(struct ifl_backoff *backoff, uint64_t seed, int64_t least_ns,
                      int64_t most_ns);
int64_t ifl_backoff_next_ns(struct ifl_backoff *backoff);
void ifl_backoff_reset(struct ifl_backoff *backoff);

enum { IFL_BREAKER_FAILURES = 5 };

struct ifl_link {
    struct ifl_backoff lost, refused;
    int64_t good_since_ns;                   // of this connection; -1 before its first picture
    int64_t failed_ns[IFL_BREAKER_FAILURES]; // the last ones, as a ring
    uint64_t failures;                       // since the start
    int attempts;                            // since the last recovery
    bool open;                               // the breaker
};
void ifl_link_init(struct ifl_link *link, uint64_t seed);
// A good picture came. Returns how many attempts the recovery took that this completes, else 0.
int ifl_link_good(struct ifl_link *link, int64_t now_ns);
// The connection failed, or could not be made; `error` says why. Returns how long to wait.
int64_t ifl_link_failed(struct ifl_link *link, const struct ifl_error *error, int64_t now_ns);

#endif
