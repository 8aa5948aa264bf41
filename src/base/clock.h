// SPDX-License-Identifier: Apache-2.0
// Time. Inside it is int64_t nanoseconds of the monotonic clock; wall time only goes into records.
// Whoever waits or measures takes a clock, so that tests can bring their own.
#ifndef IFL_BASE_CLOCK_H
#define IFL_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

#define IFL_SECOND_NS      INT64_C(1000000000)
#define IFL_MILLISECOND_NS INT64_C(1000000)

struct ifl_clock {
    int64_t (*now_ns)(const struct ifl_clock *clock);
    int64_t (*wall_ns)(const struct ifl_clock *clock);
    // Waits, holding `lock`, until `cond` (of CLOCK_MONOTONIC) is signalled or this clock shows
    // until_ns; may return early. Time that is made for a test passes here.
    void (*wait)(const struct ifl_clock *clock, pthread_cond_t *cond, pthread_mutex_t *lock,
                 int64_t until_ns);
};

// The machine's own; never destroyed.
const struct ifl_clock *ifl_clock_real(void);

static inline int64_t ifl_now_ns(const struct ifl_clock *clock)
{
    return clock->now_ns(clock);
}

static inline int64_t ifl_wall_ns(const struct ifl_clock *clock)
{
    return clock->wall_ns(clock);
}

static inline void ifl_wait_ns(const struct ifl_clock *clock, pthread_cond_t *cond,
                               pthread_mutex_t *lock, int64_t until_ns)
{
    clock->wait(clock, cond, lock, until_ns);
}

// "2026-11-23T16:26:00.123Z"; `out` holds at least 32 bytes.
void ifl_wall_format(int64_t wall_ns, char out[32]);

#endif
