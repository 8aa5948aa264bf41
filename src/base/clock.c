// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * IFL_SECOND_NS + now.tv_nsec;
}

static int64_t real_now(const struct ifl_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

static int64_t real_wall(const struct ifl_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static void real_wait(const struct ifl_clock *clock, pthread_cond_t *cond, pthread_mutex_t *lock,
                      int64_t until_ns)
{
    (void)clock;
    struct timespec until = {.tv_sec = until_ns / IFL_SECOND_NS,
                             .tv_nsec = until_ns % IFL_SECOND_NS};
    pthread_cond_timedwait(cond, lock, &until);
}

const struct ifl_clock *ifl_clock_real(void)
{
    static const struct ifl_clock real = {
        .now_ns = real_now, .wall_ns = real_wall, .wait = real_wait};
    return &real;
}

void ifl_wall_format(int64_t wall_ns, char out[32])
{
    time_t seconds = wall_ns / IFL_SECOND_NS;
    int millis = (int)(wall_ns % IFL_SECOND_NS / IFL_MILLISECOND_NS);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || utc.tm_year > 8099) {
        snprintf(out, 32, "unknown");
        return;
    }
    char head[24];
    strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 32, "%s.%03dZ", head, millis);
}
