// SPDX-License-Identifier: Apache-2.0
#include "http/counters.h"

#include <stdio.h>

enum row { ANSWERS, CLIENTS, LISTENERS, REFUSED, PICTURES, ROWS };

static const struct ifl_metric rows[ROWS] = {
    [ANSWERS] = {"inferloop_http_responses_total", IFL_METRIC_COUNTER, "code",
                 "Answers of the HTTP interface by status."},
    [CLIENTS] = {"inferloop_http_stream_clients", IFL_METRIC_GAUGE, "",
                 "Clients that watch a stream now."},
    [LISTENERS] = {"inferloop_http_event_clients", IFL_METRIC_GAUGE, "",
                   "Clients that listen to server-sent events now."},
    [REFUSED] = {"inferloop_http_streams_refused_total", IFL_METRIC_COUNTER, "",
                 "Clients of streams and events that were refused because there were too many."},
    [PICTURES] = {"inferloop_http_stream_pictures_total", IFL_METRIC_COUNTER, "stream",
                  "Pictures encoded for streams, once each for all who watch."},
};

const struct ifl_metric *ifl_http_metrics(int *count)
{
    *count = ROWS;
    return rows;
}

static double load(const uint64_t *counter)
{
    return (double)__atomic_load_n(counter, __ATOMIC_RELAXED);
}

void ifl_count_answer(struct ifl_http_counters *counters, unsigned status)
{
    if (status < IFL_STATUS_MAX)
        ifl_count(&counters->answers[status]);
}

static void collect(struct ifl_metrics_writer *writer, void *context)
{
    struct ifl_http_counters *counters = context;
    for (int status = 0; status < IFL_STATUS_MAX; status++) {
        char code[16];
        snprintf(code, sizeof code, "%d", status);
        if (load(&counters->answers[status]) > 0)
            ifl_metric_emit(writer, &rows[ANSWERS], (const char *const[]){code},
                            load(&counters->answers[status]));
    }
    ifl_metric_emit(writer, &rows[CLIENTS], NULL, load(&counters->stream_clients));
    ifl_metric_emit(writer, &rows[LISTENERS], NULL, load(&counters->event_clients));
    ifl_metric_emit(writer, &rows[REFUSED], NULL, load(&counters->streams_refused));
    static const char *const streams[] = {"source", "synthetic"};
    for (int i = 0; i < 2; i++)
        ifl_metric_emit(writer, &rows[PICTURES], &streams[i], load(&counters->stream_pictures[i]));
}

char *ifl_http_metrics_text(struct ifl_http_counters *counters)
{
    struct ifl_metrics *metrics = ifl_metrics_create();
    char *text = NULL;
    if (metrics && ifl_metrics_add(metrics, collect, counters) == IFL_OK)
        text = ifl_metrics_text(metrics);
    ifl_metrics_destroy(metrics);
    return text;
}
