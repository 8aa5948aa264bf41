// SPDX-License-Identifier: Apache-2.0
#include "pipeline/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double since(int64_t then_ns, int64_t now_ns)
{
    return then_ns < 0 ? NAN : (double)(now_ns - then_ns) / (double)IFL_SECOND_NS;
}

void ifl_status_of_ingest(struct ifl_ingest *ingest, const struct ifl_clock *clock,
                          struct ifl_source_status *status)
{
    struct ifl_ingest_status from;
    ifl_ingest_status(ingest, &from);
    int64_t now_ns = ifl_now_ns(clock);
    memset(status, 0, sizeof *status);
    status->state = from.state;
    if (from.state != IFL_SOURCE_LIVE) {
        status->error = from.last_error.result;
        snprintf(status->reason, sizeof status->reason, "%.*s", (int)sizeof status->reason - 1,
                 from.last_error.text);
    }
    status->state_age_seconds = since(from.state_since_ns, now_ns);
    status->last_frame_age_seconds = since(from.last_frame_ns, now_ns);
    status->next_attempt_seconds =
        from.next_attempt_ns < 0 ? NAN : fmax(0, -since(from.next_attempt_ns, now_ns));
    status->breaker_open = from.breaker_open;
    status->failures = from.reconnects;
    status->rate = from.rate;
    status->lag_seconds = from.lag_seconds;
    status->busy_share = from.busy_share;
    status->frames = from.frames;
    status->loops = from.loops;
    status->width = from.info.width;
    status->height = from.info.height;
    status->nominal_rate = from.info.rate;
    snprintf(status->format, sizeof status->format, "%s", from.info.format);
    snprintf(status->codec, sizeof status->codec, "%s", from.info.codec);
}
