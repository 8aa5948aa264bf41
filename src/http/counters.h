// SPDX-License-Identifier: Apache-2.0
// What the HTTP interface counts, and its metrics. Any thread.
#ifndef IFL_HTTP_COUNTERS_H
#define IFL_HTTP_COUNTERS_H

#include <stdint.h>

#include "core/metrics.h"

enum { IFL_STATUS_MAX = 600 };

struct ifl_http_counters {
    uint64_t answers[IFL_STATUS_MAX]; // by status
    uint64_t stream_clients;          // now
    uint64_t event_clients;           // now
    uint64_t streams_refused;
    uint64_t stream_pictures[2]; // encoded, by enum ifl_stream_kind
};

static inline void ifl_count(uint64_t *counter)
{
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}
void ifl_count_answer(struct ifl_http_counters *counters, unsigned status);
// Prometheus text; free() it, NULL when memory is short.
char *ifl_http_metrics_text(struct ifl_http_counters *counters);
// The rows, for docs/metrics.md.
const struct ifl_metric *ifl_http_metrics(int *count);

#endif
