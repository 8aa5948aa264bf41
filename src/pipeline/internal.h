// SPDX-License-Identifier: Apache-2.0
// The pipeline's own parts, for pipeline.c, sources.c and metrics.c alone.
#ifndef IFL_PIPELINE_INTERNAL_H
#define IFL_PIPELINE_INTERNAL_H

#include <limits.h>
#include <pthread.h>

#include "core/journal.h"
#include "core/metrics.h"
#include "pipeline/roster.h"
#include "pipeline/settings.h"
#include "pipeline/studio.h"

struct ifl_pipeline {
    struct ifl_settings *settings;
    struct ifl_registry *registry;
    struct ifl_metrics *metrics;
    struct ifl_journal *journal;
    const struct ifl_sink_plugin *sink_plugin;
    void *sink;
    char state_dir[PATH_MAX]; // of kept profiles; "": none
    struct ifl_roster *roster;
    struct ifl_studio *studio;

    struct ifl_reload *reload; // what the configuration last was

    pthread_mutex_t change_lock; // one change of sources at a time; over what follows
    uint64_t numbers;            // channels there have been
    bool started, stopped;
};

// Adds a source of the configuration, before the start; see sources.c.
enum ifl_result ifl_pipeline_open_source(struct ifl_pipeline *pipeline,
                                         const struct ifl_config *config, const char *text,
                                         struct ifl_error *error) IFL_CHECK_RESULT;

// What the pipeline was configured with, to tell later what has changed; see reload.c.
struct ifl_reload *ifl_reload_create(struct ifl_pipeline *pipeline,
                                     const struct ifl_config *config); // NULL: out of memory
void ifl_reload_destroy(struct ifl_reload *reload);                    // takes NULL

// Emits the pipeline's metrics; see metrics.c.
void ifl_pipeline_collect(struct ifl_metrics_writer *writer, void *pipeline);

#endif
