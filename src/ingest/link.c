// SPDX-License-Identifier: Apache-2.0
#include "ingest/link.h"

#include "base/clock.h"

enum {
    GOOD_S = 60,
    BREAKER_S = 30, // five failures within
    PROBE_S = 10,   // good seconds that close it
    RETRY_AFTER_MAX_S = 3600,
};

static const int64_t lost_least = IFL_SECOND_NS / 2, lost_most = 30 * IFL_SECOND_NS;
static const int64_t refused_least = 300 * IFL_SECOND_NS, refused_most = 3600 * IFL_SECOND_NS;

// ---- back-off ----

void ifl_backoff_init(struct ifl_backoff *backoff, uint64_t seed, int64_t least_ns, int64_t most_ns)
{
    backoff->least_ns = least_ns;
    backoff->most_ns = most_ns;
    ifl_rng_init(&backoff->rng, seed);
    ifl_backoff_reset(backoff);
}

int64_t ifl_backoff_next_ns(struct ifl_backoff *backoff)
{
    double span = (double)(3 * backoff->last_ns - backoff->least_ns);
    int64_t next = backoff->least_ns + (int64_t)(ifl_rng_uniform(&backoff->rng) * span);
    backoff->last_ns = next < backoff->most_ns ? next : backoff->most_ns;
    return backoff->last_ns;
}

void ifl_backoff_reset(struct ifl_backoff *backoff)
{
    backoff->last_ns = backoff->least_ns;
}

// ---- the link ----

void ifl_link_init(struct ifl_link *link, uint64_t seed)
{
    *link = (struct ifl_link){.good_since_ns = -1};
    ifl_backoff_init(&link->lost, seed, lost_least, lost_most);
    ifl_backoff_init(&link->refused, seed + 1, refused_least, refused_most);
}

int ifl_link_good(struct ifl_link *link, int64_t now_ns)
{
    if (link->good_since_ns < 0)
        link->good_since_ns = now_ns;
    int64_t good_ns = now_ns - link->good_since_ns;
    ifl_backoff_reset(&link->refused); // it let us in
    if (good_ns >= GOOD_S * IFL_SECOND_NS)
        ifl_backoff_reset(&link->lost);
    if (link->open && good_ns < PROBE_S * IFL_SECOND_NS)
        return 0;
    int attempts = link->attempts;
    link->open = false;
    link->attempts = 0;
    return attempts;
}

static void note_failure(struct ifl_link *link, int64_t now_ns)
{
    int64_t *oldest = &link->failed_ns[link->failures++ % IFL_BREAKER_FAILURES];
    *oldest = now_ns;
    int64_t first_ns = link->failed_ns[link->failures % IFL_BREAKER_FAILURES];
    if (link->failures >= IFL_BREAKER_FAILURES && now_ns - first_ns <= BREAKER_S * IFL_SECOND_NS)
        link->open = true;
}

int64_t ifl_link_failed(struct ifl_link *link, const struct ifl_error *error, int64_t now_ns)
{
    bool refused = error->result == IFL_ERR_UNAUTHORIZED;
    link->attempts++;
    link->good_since_ns = -1;
    note_failure(link, now_ns);
    int64_t wait_ns = ifl_backoff_next_ns(refused ? &link->refused : &link->lost);
    int after_s = error->retry_after_seconds < RETRY_AFTER_MAX_S ? error->retry_after_seconds
                                                                 : RETRY_AFTER_MAX_S;
    return wait_ns > after_s * IFL_SECOND_NS ? wait_ns : after_s * IFL_SECOND_NS;
}
