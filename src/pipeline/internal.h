// SPDX-License-Identifier: Apache-2.0
// The pipeline's own parts, for pipeline.c and metrics.c alone.
#ifndef IFL_PIPELINE_INTERNAL_H
#define IFL_PIPELINE_INTERNAL_H

#include "core/metrics.h"
#include "pipeline/channel.h"
#include "pipeline/studio.h"

struct ifl_pipeline {
    struct ifl_config *config; // its own copy
    struct ifl_registry *registry;
    struct ifl_metrics *metrics;
    const struct ifl_sink_plugin *sink_plugin;
    void *sink;
    struct ifl_channel *channel[IFL_LIST_MAX];
    int channels;
    struct ifl_studio *studio;
    bool started;
};

// Emits the pipeline's metrics; see metrics.c.
void ifl_pipeline_collect(struct ifl_metrics_writer *writer, void *pipeline);

#endif
