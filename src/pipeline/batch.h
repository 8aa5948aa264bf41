// SPDX-License-Identifier: Apache-2.0
// A batch: many images from one profile into one sink, without a running pipeline. Image i has seed
// request.seed + i and they are delivered in that order, on any number of threads.
#ifndef IFL_PIPELINE_BATCH_H
#define IFL_PIPELINE_BATCH_H

#include "core/options.h"
#include "inferloop/deliver.h"
#include "pipeline/workshop.h"

struct ifl_batch {
    struct ifl_workshop *workshop;
    const struct ifl_sink_plugin *sink_plugin;
    void *sink; // opened
    struct ifl_request request;
    int count, threads, attempts;
    bool (*progress)(int done,
                     void *context); // after each image; false ends the batch; may be NULL
    void *context;
};

// Rejected images are counted, not an error; the first other failure ends the batch.
enum ifl_result ifl_batch_run(const struct ifl_batch *batch, struct ifl_ledger_counts *counts,
                              struct ifl_error *error) IFL_CHECK_RESULT;

#endif
