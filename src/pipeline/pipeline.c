// SPDX-License-Identifier: Apache-2.0
// Joins the rooms and answers for them. No work is done here.
#include "inferloop/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "monitor/process.h"
#include "pipeline/internal.h"

static const char *const state_names[] = {
#define NAME(name, text) text,
    IFL_SOURCE_STATES(NAME)
#undef NAME
};

const char *ifl_source_state_name(enum ifl_source_state state)
{
    return state_names[state];
}

// ---- life ----

static struct ifl_config *copy_config(const struct ifl_config *config)
{
    struct ifl_config *copy = ifl_config_create();
    char text[IFL_PROMPT_MAX + 4096];
    for (int i = 0; copy && i < IFL_OPTION_COUNT; i++)
        for (int k = 0; ifl_option_text(config, i, k, text, sizeof text); k++)
            if (ifl_option_set(copy, i, text, config->origin[i], NULL) != IFL_OK) {
                ifl_config_destroy(copy);
                return NULL;
            }
    return copy;
}

// Where nothing is said: inside a container /app/data, else the folder data.
static const char *data_folder(void)
{
    struct stat info;
    return stat("/app/data", &info) == 0 && S_ISDIR(info.st_mode) ? "/app/data" : "data";
}

static enum ifl_result open_sink(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    char folder[4096];
    const struct ifl_config *config = pipeline->config;
    snprintf(folder, sizeof folder, "%s", config->output);
    if (!folder[0])
        snprintf(folder, sizeof folder, "%s/dataset", data_folder());
    pipeline->sink_plugin =
        (const void *)ifl_registry_find(pipeline->registry, IFL_PLUGIN_SINK, "dataset");
    struct ifl_sink_config sink = {.target = folder,
                                   .format = (enum ifl_image_format)config->format,
                                   .quality = config->quality};
    return pipeline->sink_plugin->open(&sink, &pipeline->sink, error);
}

// The folder of kept profiles, made if need be; "" when none shall be kept.
static enum ifl_result find_state_folder(const struct ifl_config *config, char *folder, size_t size,
                                         struct ifl_error *error)
{
    folder[0] = 0;
    if (!strcmp(config->state_dir, "none"))
        return IFL_OK;
    if (config->state_dir[0])
        snprintf(folder, size, "%s", config->state_dir);
    else if (config->output[0])
        snprintf(folder, size, "%.*s.state",
                 (int)strlen(config->output) - (config->output[strlen(config->output) - 1] == '/'),
                 config->output);
    else
        snprintf(folder, size, "%s/state", data_folder());
    enum ifl_result result = ifl_make_directories(folder, error);
    if (result == IFL_OK)
        chmod(folder, 0700); // it holds pictures of people
    return result;
}

static enum ifl_result add_channel(struct ifl_pipeline *pipeline, const char *text,
                                   const char *state_dir, struct ifl_error *error)
{
    const struct ifl_config *config = pipeline->config;
    struct ifl_source_spec spec;
    enum ifl_result result = ifl_source_spec_parse(text, config->source_type, pipeline->channels,
                                                   pipeline->registry, &spec, error);
    for (int i = 0; i < pipeline->channels && result == IFL_OK; i++)
        if (!strcmp(spec.name, ifl_channel_name(pipeline->channel[i])))
            result = ifl_fail(error, IFL_ERR_INVALID, "config",
                              "two sources are named %s; give names as NAME=URI", spec.name);
    if (result == IFL_OK)
        result = ifl_channel_create(&spec, config, state_dir[0] ? state_dir : NULL,
                                    &pipeline->channel[pipeline->channels], error);
    pipeline->channels += result == IFL_OK;
    return result;
}

static enum ifl_result add_channels(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    const struct ifl_config *config = pipeline->config;
    char state_dir[4096];
    enum ifl_result result = find_state_folder(config, state_dir, sizeof state_dir, error);
    const char *of_type = ifl_source_of_type(config->source_type);
    if (result == IFL_OK && !config->source.count)
        result = of_type ? add_channel(pipeline, of_type, state_dir, error)
                         : ifl_fail(error, IFL_ERR_INVALID, "config",
                                    "there is no source; give --source URI, e.g. webcam, "
                                    "rtsp://camera/stream, a video file or pattern");
    for (int i = 0; i < config->source.count && result == IFL_OK; i++)
        result = add_channel(pipeline, config->source.item[i], state_dir, error);
    return result;
}

static enum ifl_result open_studio(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    const char *name = pipeline->config->engine;
    struct ifl_studio_config studio = {
        .options = pipeline->config,
        .channel = pipeline->channel,
        .channels = pipeline->channels,
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
    if (!made || !(made->config = copy_config(config))) {
        free(made);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory for the pipeline");
    }
    struct ifl_request request;
    ifl_config_request(made->config, &request);
    enum ifl_result result = ifl_request_check(&request, error);
    if (result == IFL_OK)
        result = ifl_registry_open(made->config, &made->registry, error);
    if (result == IFL_OK)
        result = add_channels(made, error);
    if (result == IFL_OK)
        result = open_sink(made, error);
    if (result == IFL_OK)
        result = open_studio(made, error);
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
    pipeline->started = true;
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < pipeline->channels && result == IFL_OK; i++)
        result = ifl_channel_start(pipeline->channel[i], error);
    if (result == IFL_OK)
        result = ifl_studio_start(pipeline->studio, error);
    return result;
}

bool ifl_pipeline_finished(struct ifl_pipeline *pipeline)
{
    return ifl_studio_idle(pipeline->studio);
}

void ifl_pipeline_stop(struct ifl_pipeline *pipeline)
{
    if (!pipeline->started)
        return;
    pipeline->started = false;
    ifl_studio_stop(pipeline->studio);
    for (int i = 0; i < pipeline->channels; i++)
        ifl_channel_stop(pipeline->channel[i]);
}

void ifl_pipeline_destroy(struct ifl_pipeline *pipeline)
{
    if (!pipeline)
        return;
    ifl_pipeline_stop(pipeline);
    ifl_studio_destroy(pipeline->studio);
    for (int i = 0; i < pipeline->channels; i++)
        ifl_channel_destroy(pipeline->channel[i]);
    if (pipeline->sink)
        pipeline->sink_plugin->close(pipeline->sink);
    ifl_metrics_destroy(pipeline->metrics);
    ifl_registry_destroy(pipeline->registry);
    ifl_config_destroy(pipeline->config);
    free(pipeline);
}

// ---- looking ----

// NULL: the first.
static struct ifl_channel *find_channel(struct ifl_pipeline *pipeline, const char *source)
{
    for (int i = 0; i < pipeline->channels; i++)
        if (!source || !strcmp(source, ifl_channel_name(pipeline->channel[i])))
            return pipeline->channel[i];
    return NULL;
}

int ifl_pipeline_sources(struct ifl_pipeline *pipeline, struct ifl_source_status *rows, int most)
{
    for (int i = 0; i < pipeline->channels && i < most; i++)
        ifl_channel_status(pipeline->channel[i], &rows[i]);
    return pipeline->channels;
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
    for (int i = 0; i < pipeline->channels; i++)
        for (int k = 0; (edge = ifl_channel_edge(pipeline->channel[i], k)); k++)
            add_edge(summary, edge);
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
    struct ifl_channel *channel = find_channel(pipeline, source);
    return channel ? ifl_channel_frame(channel, serial, wait_ns) : NULL;
}

struct ifl_profile *ifl_pipeline_profile(struct ifl_pipeline *pipeline, const char *source,
                                         bool fresh, int64_t wait_ns)
{
    struct ifl_channel *channel = find_channel(pipeline, source);
    return channel ? ifl_channel_profile(channel, fresh, wait_ns) : NULL;
}

int ifl_pipeline_history(struct ifl_pipeline *pipeline, const char *source,
                         struct ifl_history_point *points, int most)
{
    struct ifl_channel *channel = find_channel(pipeline, source);
    return channel ? ifl_channel_history(channel, points, most) : 0;
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
    struct ifl_channel *channel = find_channel(pipeline, source);
    if (!channel)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "generate", "there is no source \"%.60s\"",
                        source ? source : "");
    return ifl_studio_generate(pipeline->studio, channel, request, wait_ns, delivered, error);
}

void ifl_pipeline_request_init(struct ifl_pipeline *pipeline, struct ifl_request *request)
{
    ifl_config_request(pipeline->config, request);
}

void ifl_pipeline_ready(struct ifl_pipeline *pipeline, char reason[160])
{
    reason[0] = 0;
    for (int i = 0; i < pipeline->channels; i++)
        if (ifl_channel_ready(pipeline->channel[i]))
            return;
    snprintf(reason, 160, "no source has delivered the %d frames a first image needs",
             IFL_MEMORY_MIN);
}

char *ifl_pipeline_metrics(struct ifl_pipeline *pipeline)
{
    return ifl_metrics_text(pipeline->metrics);
}
