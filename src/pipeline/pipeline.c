// SPDX-License-Identifier: Apache-2.0
// Joins the rooms and answers for them. No work is done here.
#include "inferloop/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/process.h"
#include "pipeline/internal.h"
#include "pipeline/state.h"

// ---- life ----

static enum ifl_result open_sink(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                 struct ifl_error *error)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", config->output);
    if (!folder[0])
        snprintf(folder, sizeof folder, "%s/dataset", ifl_data_folder());
    pipeline->sink_plugin =
        (const void *)ifl_registry_find(pipeline->registry, IFL_PLUGIN_SINK, "dataset");
    struct ifl_sink_config sink = {.target = folder,
                                   .format = (enum ifl_image_format)config->format,
                                   .quality = config->quality};
    return pipeline->sink_plugin->open(&sink, &pipeline->sink, error);
}

static enum ifl_result add_channels(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                    struct ifl_error *error)
{
    ifl_state_folder(config, pipeline->state_dir, sizeof pipeline->state_dir);
    enum ifl_result result =
        pipeline->state_dir[0] ? ifl_state_make(pipeline->state_dir, error) : IFL_OK;
    const char *of_type = ifl_source_of_type(config->source_type);
    if (result == IFL_OK && !config->source.count)
        result = of_type ? ifl_pipeline_open_source(pipeline, config, of_type, error)
                         : ifl_fail(error, IFL_ERR_INVALID, "config",
                                    "there is no source; give --source URI, e.g. webcam, "
                                    "rtsp://camera/stream, a video file or pattern");
    for (int i = 0; i < config->source.count && result == IFL_OK; i++)
        result = ifl_pipeline_open_source(pipeline, config, config->source.item[i], error);
    return result;
}

static enum ifl_result open_studio(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                   struct ifl_error *error)
{
    const char *name = config->engine;
    struct ifl_studio_config studio = {
        .settings = pipeline->settings,
        .roster = pipeline->roster,
        .journal = pipeline->journal,
        .engine = (const void *)ifl_registry_find(pipeline->registry, IFL_PLUGIN_ENGINE, name),
        .sink_plugin = pipeline->sink_plugin,
        .sink = pipeline->sink,
    };
    if (!studio.engine)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "config",
                        "there is no engine \"%.40s\"; built in is: analytic", name);
    return ifl_studio_create(&studio, &pipeline->studio, error);
}

static enum ifl_result open_metrics(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    pipeline->metrics = ifl_metrics_create();
    if (!pipeline->metrics)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "monitor", "no memory for the metrics");
    enum ifl_result result = ifl_metrics_add(pipeline->metrics, ifl_pipeline_collect, pipeline);
    if (result == IFL_OK)
        result = ifl_monitor_process_register(pipeline->metrics);
    return result == IFL_OK ? IFL_OK
                            : ifl_fail(error, result, "monitor", "too many metrics tables");
}

enum ifl_result ifl_pipeline_create(const struct ifl_config *config, struct ifl_pipeline **pipeline,
                                    struct ifl_error *error)
{
    struct ifl_pipeline *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory for the pipeline");
    pthread_mutex_init(&made->change_lock, NULL);
    made->journal = ifl_journal_create(ifl_clock_real());
    made->roster = ifl_roster_create();
    made->settings = ifl_settings_create(config);
    if (!made->journal || !made->roster || !made->settings) {
        ifl_pipeline_destroy(made);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory for the pipeline");
    }
    struct ifl_request request;
    ifl_config_request(config, &request);
    enum ifl_result result = ifl_request_check(&request, error);
    if (result == IFL_OK)
        result = ifl_registry_open(config, &made->registry, error);
    if (result == IFL_OK)
        result = add_channels(made, config, error);
    if (result == IFL_OK && !(made->reload = ifl_reload_create(made, config)))
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory for the pipeline");
    if (result == IFL_OK)
        result = open_sink(made, config, error);
    if (result == IFL_OK)
        result = open_studio(made, config, error);
    if (result == IFL_OK)
        result = open_metrics(made, error);
    if (result != IFL_OK) {
        ifl_pipeline_destroy(made);
        return result;
    }
    *pipeline = made;
    return IFL_OK;
}

enum ifl_result ifl_pipeline_start(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    struct ifl_roll roll;
    enum ifl_result result = IFL_OK;
    pthread_mutex_lock(&pipeline->change_lock);
    pipeline->started = true;
    ifl_roster_call(pipeline->roster, &roll);
    for (int i = 0; i < roll.count && result == IFL_OK; i++)
        result = ifl_channel_start(roll.channel[i], error);
    ifl_roll_drop(&roll);
    if (result == IFL_OK)
        result = ifl_studio_start(pipeline->studio, error);
    pthread_mutex_unlock(&pipeline->change_lock);
    return result;
}

bool ifl_pipeline_finished(struct ifl_pipeline *pipeline)
{
    return ifl_studio_idle(pipeline->studio);
}

void ifl_pipeline_stop(struct ifl_pipeline *pipeline)
{
    struct ifl_roll roll;
    pthread_mutex_lock(&pipeline->change_lock); // nobody adds or removes sources from here on
    bool started = pipeline->started;
    pipeline->stopped = true;
    pipeline->started = false;
    pthread_mutex_unlock(&pipeline->change_lock);
    if (!started)
        return;
    ifl_studio_stop(pipeline->studio);
    ifl_roster_call(pipeline->roster, &roll);
    for (int i = 0; i < roll.count; i++)
        ifl_channel_stop(roll.channel[i]);
    ifl_roll_drop(&roll);
}

void ifl_pipeline_destroy(struct ifl_pipeline *pipeline)
{
    if (!pipeline)
        return;
    ifl_pipeline_stop(pipeline);
    ifl_studio_destroy(pipeline->studio);
    ifl_roster_destroy(pipeline->roster);
    if (pipeline->sink)
        pipeline->sink_plugin->close(pipeline->sink);
    ifl_metrics_destroy(pipeline->metrics);
    ifl_registry_destroy(pipeline->registry);
    ifl_settings_destroy(pipeline->settings);
    ifl_reload_destroy(pipeline->reload);
    ifl_journal_destroy(pipeline->journal);
    pthread_mutex_destroy(&pipeline->change_lock);
    free(pipeline);
}

// ---- looking ----

int ifl_pipeline_sources(struct ifl_pipeline *pipeline, struct ifl_source_status *rows, int most)
{
    struct ifl_roll roll;
    ifl_roster_call(pipeline->roster, &roll);
    int count = roll.count;
    for (int i = 0; i < count && i < most; i++) {
        ifl_channel_status(roll.channel[i], &rows[i]);
        ifl_studio_audit(pipeline->studio, roll.channel[i], &rows[i].audit);
    }
    ifl_roll_drop(&roll);
    return count;
}

static void add_edge(struct ifl_summary *summary, struct ifl_edge *edge)
{
    if (summary->edges == (int)(sizeof summary->edge / sizeof summary->edge[0]))
        return;
    struct ifl_flow_row *row = &summary->edge[summary->edges++];
    struct ifl_edge_counts counts;
    ifl_edge_count(edge, &counts);
    snprintf(row->source, sizeof row->source, "%s", ifl_edge_source(edge));
    row->from = ifl_edge_from(edge);
    row->to = ifl_edge_to(edge);
    row->received = counts.received;
    row->passed = counts.passed;
    row->waiting = counts.waiting;
    row->busy = counts.busy;
    for (int i = 0; i < IFL_DROP_COUNT; i++) {
        row->dropped_total += counts.dropped[i];
        if (counts.dropped[i]) {
            row->dropped[row->reasons].reason = ifl_drop_name((enum ifl_drop)i);
            row->dropped[row->reasons++].count = counts.dropped[i];
        }
    }
}

void ifl_pipeline_summary(struct ifl_pipeline *pipeline, struct ifl_summary *summary)
{
    memset(summary, 0, sizeof *summary);
    struct ifl_edge *edge;
    struct ifl_roll roll;
    ifl_roster_call(pipeline->roster, &roll);
    for (int i = 0; i < roll.count; i++)
        for (int k = 0; (edge = ifl_channel_edge(roll.channel[i], k)); k++)
            add_edge(summary, edge);
    ifl_roll_drop(&roll);
    for (int k = 0; (edge = ifl_studio_edge(pipeline->studio, k)); k++)
        add_edge(summary, edge);
    struct ifl_ledger_counts images;
    ifl_studio_ledger(pipeline->studio, &images);
    summary->requested = images.requested;
    summary->delivered = images.delivered;
    summary->rejected = images.rejected;
    summary->failed = images.failed;
    summary->in_flight = images.in_flight;
    for (int i = 1; i < IFL_REJECTION_COUNT; i++)
        if (images.rejected_by[i]) {
            summary->rejected_by[summary->reasons].reason =
                ifl_rejection_name((enum ifl_rejection)i);
            summary->rejected_by[summary->reasons++].count = images.rejected_by[i];
        }
    summary->likeness = ifl_studio_likeness(pipeline->studio);
}

struct ifl_frame *ifl_pipeline_frame(struct ifl_pipeline *pipeline, const char *source,
                                     uint64_t *serial, int64_t wait_ns)
{
    struct ifl_channel *channel = ifl_roster_find(pipeline->roster, source);
    struct ifl_frame *frame = channel ? ifl_channel_frame(channel, serial, wait_ns) : NULL;
    ifl_channel_unref(channel);
    return frame;
}

struct ifl_profile *ifl_pipeline_profile(struct ifl_pipeline *pipeline, const char *source,
                                         bool fresh, int64_t wait_ns)
{
    struct ifl_channel *channel = ifl_roster_find(pipeline->roster, source);
    struct ifl_profile *profile = channel ? ifl_channel_profile(channel, fresh, wait_ns) : NULL;
    ifl_channel_unref(channel);
    return profile;
}

int ifl_pipeline_history(struct ifl_pipeline *pipeline, const char *source,
                         struct ifl_history_point *points, int most)
{
    struct ifl_channel *channel = ifl_roster_find(pipeline->roster, source);
    int count = channel ? ifl_channel_history(channel, points, most) : 0;
    ifl_channel_unref(channel);
    return count;
}

int ifl_pipeline_incidents(struct ifl_pipeline *pipeline, const char *source, int kind,
                           bool lasting, uint64_t changed_after, struct ifl_incident *incidents,
                           int most)
{
    struct ifl_journal_filter filter = {
        .source = source, .kind = kind, .lasting = lasting, .changed_after = changed_after};
    return ifl_journal_read(pipeline->journal, &filter, incidents, most);
}

bool ifl_pipeline_incident(struct ifl_pipeline *pipeline, uint64_t id,
                           struct ifl_incident *incident)
{
    return ifl_journal_find(pipeline->journal, id, incident);
}

uint64_t ifl_pipeline_incident_serial(struct ifl_pipeline *pipeline)
{
    return ifl_journal_serial(pipeline->journal);
}

int ifl_pipeline_images(struct ifl_pipeline *pipeline, const char *source, int skip,
                        struct ifl_delivered **images, int most)
{
    return ifl_gallery_list(ifl_studio_gallery(pipeline->studio), source, skip, images, most);
}

struct ifl_delivered *ifl_pipeline_image(struct ifl_pipeline *pipeline, const char *name)
{
    return ifl_gallery_find(ifl_studio_gallery(pipeline->studio), name);
}

struct ifl_delivered *ifl_pipeline_newest(struct ifl_pipeline *pipeline, const char *source,
                                          uint64_t *serial, int64_t wait_ns)
{
    return ifl_gallery_newest(ifl_studio_gallery(pipeline->studio), source, serial, wait_ns);
}

enum ifl_result ifl_pipeline_generate(struct ifl_pipeline *pipeline, const char *source,
                                      const struct ifl_request *request, int64_t wait_ns,
                                      struct ifl_delivered **delivered, struct ifl_error *error)
{
    struct ifl_channel *channel = ifl_roster_find(pipeline->roster, source);
    if (!channel)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "generate", "there is no source \"%.60s\"",
                        source ? source : "");
    enum ifl_result result =
        ifl_studio_generate(pipeline->studio, channel, request, wait_ns, delivered, error);
    ifl_channel_unref(channel);
    return result;
}

void ifl_pipeline_request_init(struct ifl_pipeline *pipeline, struct ifl_request *request)
{
    ifl_config_request(ifl_settings_begin(pipeline->settings), request);
    ifl_settings_end(pipeline->settings);
}

void ifl_pipeline_ready(struct ifl_pipeline *pipeline, char reason[160])
{
    struct ifl_roll roll;
    ifl_roster_call(pipeline->roster, &roll);
    int count = roll.count;
    bool ready = false;
    struct ifl_suitability unsuited = {.suited = true};
    bool make = ifl_settings_begin(pipeline->settings)->unsuited != 0;
    ifl_settings_end(pipeline->settings);
    for (int i = 0; i < count; i++) {
        struct ifl_suitability one;
        ifl_channel_suitability(roll.channel[i], &one);
        ready = ready || (ifl_channel_ready(roll.channel[i]) && (make || one.suited));
        if (!one.suited)
            unsuited = one;
    }
    ifl_roll_drop(&roll);
    reason[0] = 0;
    if (ready)
        return;
    if (!unsuited.suited)
        snprintf(reason, 160, "unsuited: %.149s", unsuited.text);
    else if (count == 0)
        snprintf(reason, 160, "there is no source; add one by POST /api/v1/sources");
    else
        snprintf(reason, 160, "no source has delivered the %d frames a first image needs",
                 IFL_MEMORY_MIN);
}

char *ifl_pipeline_metrics(struct ifl_pipeline *pipeline)
{
    return ifl_metrics_text(pipeline->metrics);
}
