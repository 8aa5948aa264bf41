// SPDX-License-Identifier: Apache-2.0
// The metrics registry. A room describes its numbers in a const table beside the code that owns
// them, and a collector that reads them; the registry makes the Prometheus text of all of them.
// Adding happens at start, reading on any thread.
#ifndef IFL_CORE_METRICS_H
#define IFL_CORE_METRICS_H

#include <stdint.h>

#include "inferloop/error.h"

enum ifl_metric_kind { IFL_METRIC_COUNTER, IFL_METRIC_GAUGE, IFL_METRIC_HISTOGRAM };
const char *ifl_metric_kind_name(enum ifl_metric_kind kind);

struct ifl_metric {
    const char *name; // with unit last: "inferloop_processing_latency_seconds"
    enum ifl_metric_kind kind;
    const char *labels; // "source,stage": the label names, comma-separated, or ""
    const char *help;
};

struct ifl_metrics;
struct ifl_metrics_writer;

// Emits every value of its metrics by ifl_metric_emit, all of one metric in sequence.
typedef void (*ifl_metrics_collect_fn)(struct ifl_metrics_writer *writer, void *context);

struct ifl_metrics *ifl_metrics_create(void);
void ifl_metrics_destroy(struct ifl_metrics *metrics);
enum ifl_result ifl_metrics_add(struct ifl_metrics *metrics, ifl_metrics_collect_fn collect,
                                void *context) IFL_CHECK_RESULT;

// `labels`: as many values as the metric has label names, in their order; may be NULL for none.
void ifl_metric_emit(struct ifl_metrics_writer *writer, const struct ifl_metric *metric,
                     const char *const *labels, double value);

// A histogram: `count[i]` values of at most bound[i], the last of them without bound.
enum { IFL_HISTOGRAM_BOUNDS = 12 };
struct ifl_metric_histogram {
    uint64_t count[IFL_HISTOGRAM_BOUNDS + 1];
    double sum;
};
extern const double ifl_histogram_bound[IFL_HISTOGRAM_BOUNDS]; // seconds, 1 ms to 10 s
void ifl_histogram_add(struct ifl_metric_histogram *histogram, double seconds);
void ifl_metric_emit_histogram(struct ifl_metrics_writer *writer, const struct ifl_metric *metric,
                               const char *const *labels,
                               const struct ifl_metric_histogram *histogram);

// The text exposition format, version 0.0.4. free() it; NULL when memory is short.
char *ifl_metrics_text(struct ifl_metrics *metrics);

#endif
