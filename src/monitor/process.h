// SPDX-License-Identifier: Apache-2.0
// What the process itself uses: processor time, memory, threads, open descriptors.
//
// In: /proc/self. Out: numbers, and metrics by the names that Prometheus' client libraries use. Any
// thread; nothing is kept between calls.
#ifndef IFL_MONITOR_PROCESS_H
#define IFL_MONITOR_PROCESS_H

#include <stdint.h>

#include "core/metrics.h"

struct ifl_process_usage {
    double cpu_seconds;        // user and system, since the start
    double start_time_seconds; // since 1970
    double resident_memory_bytes, resident_memory_max_bytes, virtual_memory_bytes;
    double threads, open_fds, max_fds;
};

// What can't be read is NAN.
void ifl_process_usage(struct ifl_process_usage *usage);

// Adds the metrics below to the registry.
enum ifl_result ifl_monitor_process_register(struct ifl_metrics *metrics) IFL_CHECK_RESULT;

// The rows, for docs/metrics.md.
const struct ifl_metric *ifl_monitor_process_metrics(int *count);

#endif
