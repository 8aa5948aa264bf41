// SPDX-License-Identifier: Apache-2.0
// An ingest, its edges, and somebody who takes from them.
#include "inferloop/capture.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/ingest.h"
#include "pipeline/builtins.h"
#include "pipeline/status.h"

enum { POLL_MS = 50 };

static const char room[] = "capture";

struct ifl_capture {
    char name[IFL_SOURCE_NAME_MAX];
    char uri[256]; // redacted
    bool paced;    // frames come by the clock: of a live source, or of a file played like one
    struct ifl_edge *in, *frames;
    struct ifl_ingest *ingest;
    struct ifl_registry *registry;
    atomic_bool cancelled;

    pthread_mutex_t lock; // over starting and stopping
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    struct ifl_capture_callbacks callbacks;
};

// ---- life ----

void ifl_capture_config_init(struct ifl_capture_config *config)
{
    *config = (struct ifl_capture_config){
        .buffer = 4, .realtime = true, .open_seconds = 5, .read_seconds = 5, .first_seconds = 10};
}

static enum ifl_result check(const struct ifl_capture_config *config, struct ifl_error *error)
{
    const double seconds[] = {config->open_seconds, config->read_seconds, config->first_seconds};
    if (!config->source || !config->source[0])
        return ifl_fail(error, IFL_ERR_INVALID, room, "a capture needs the URI of a source");
    if (config->buffer < 1 || config->buffer > IFL_CAPTURE_BUFFER_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, room, "the buffer holds 1 to %d frames, not %d",
                        IFL_CAPTURE_BUFFER_MAX, config->buffer);
    for (int i = 0; i < 3; i++)
        if (!(seconds[i] > 0 && seconds[i] <= 86400))
            return ifl_fail(error, IFL_ERR_INVALID, room,
                            "a deadline is more than 0 and at most 86400 seconds");
    return IFL_OK;
}

static void release_frame(void *packet)
{
    ifl_frame_unref(packet);
}

static int64_t to_ns(double seconds)
{
    return (int64_t)(seconds * (double)IFL_SECOND_NS);
}

static enum ifl_result make_edges(struct ifl_capture *capture, int depth, struct ifl_error *error)
{
    struct ifl_edge_config in = {.from = "source", .to = "ingest", .source = capture->name};
    struct ifl_edge_config frames = {.from = "ingest",
                                     .to = "capture",
                                     .source = capture->name,
                                     .depth = depth,
                                     .policy =
                                         capture->paced ? IFL_POLICY_DROP_OLDEST : IFL_POLICY_BLOCK,
                                     .release = release_frame};
    capture->in = ifl_edge_create(&in);
    capture->frames = ifl_edge_create(&frames);
    if (capture->in && capture->frames)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for a capture");
}

static enum ifl_result make_ingest(struct ifl_capture *capture,
                                   const struct ifl_capture_config *config,
                                   const struct ifl_source_spec *spec, struct ifl_error *error)
{
    struct ifl_ingest_config ingest = {
        .plugin = spec->plugin,
        .source = {.name = capture->name,
                   .uri = spec->uri,
                   .width = config->width,
                   .height = config->height,
                   .loop = config->loop,
                   .open_deadline_ns = to_ns(config->open_seconds),
                   .read_deadline_ns = to_ns(config->read_seconds),
                   .first_deadline_ns = to_ns(config->first_seconds)},
        .realtime = config->realtime,
        .rate_max = config->rate,
        .width = config->width,
        .height = config->height,
        .in = capture->in,
        .out = capture->frames};
    enum ifl_result result = ifl_ingest_create(&ingest, &capture->ingest, error);
    return result == IFL_OK ? ifl_ingest_start(capture->ingest, error) : result;
}

static enum ifl_result open_source(struct ifl_capture *capture,
                                   const struct ifl_capture_config *config, struct ifl_error *error)
{
    struct ifl_source_spec spec;
    enum ifl_result result =
        ifl_source_spec_parse(config->source, 0, 0, capture->registry, &spec, error);
    if (result != IFL_OK)
        return result;
    memcpy(capture->name, spec.name, sizeof capture->name);
    ifl_uri_redact(spec.uri, capture->uri, sizeof capture->uri);
    capture->paced = config->realtime || (spec.plugin->live && spec.plugin->live(spec.uri));
    result = make_edges(capture, config->buffer, error);
    return result == IFL_OK ? make_ingest(capture, config, &spec, error) : result;
}

enum ifl_result ifl_capture_open(const struct ifl_capture_config *config, struct ifl_capture **out,
                                 struct ifl_error *error)
{
    enum ifl_result result = check(config, error);
    if (result != IFL_OK)
        return result;
    struct ifl_capture *capture = calloc(1, sizeof *capture);
    if (!capture)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for a capture");
    pthread_mutex_init(&capture->lock, NULL);
    capture->registry = ifl_registry_create(ifl_builtins);
    result = capture->registry
                 ? open_source(capture, config, error)
                 : ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for a capture");
    if (result == IFL_OK)
        *out = capture;
    else
        ifl_capture_release(capture);
    return result;
}

void ifl_capture_release(struct ifl_capture *capture)
{
    if (!capture)
        return;
    ifl_capture_stop(capture);
    if (capture->ingest)
        ifl_ingest_stop(capture->ingest);
    ifl_ingest_destroy(capture->ingest);
    ifl_edge_destroy(capture->in);
    ifl_edge_destroy(capture->frames);
    ifl_registry_destroy(capture->registry);
    pthread_mutex_destroy(&capture->lock);
    free(capture);
}

void ifl_capture_cancel(struct ifl_capture *capture)
{
    capture->cancelled = true;
}

void ifl_capture_status(struct ifl_capture *capture, struct ifl_source_status *status)
{
    ifl_status_of_ingest(capture->ingest, ifl_clock_real(), status);
    memcpy(status->name, capture->name, sizeof status->name);
    memcpy(status->uri, capture->uri, sizeof status->uri);
}

// ---- taking frames ----

static enum ifl_result ended(struct ifl_capture *capture, struct ifl_error *error)
{
    struct ifl_source_status status;
    ifl_capture_status(capture, &status);
    if (status.error >= 0)
        return ifl_fail(error, IFL_END, room, "%s has ended", capture->uri);
    return ifl_fail(error, status.error, room, "%s", status.reason);
}

static enum ifl_result too_late(struct ifl_capture *capture, struct ifl_error *error)
{
    struct ifl_source_status status;
    ifl_capture_status(capture, &status);
    return ifl_fail(error, IFL_ERR_TIMEOUT, room, "no frame of %s in time; it is %s%s%s",
                    capture->uri, ifl_source_state_name(status.state), status.reason[0] ? ": " : "",
                    status.reason);
}

// In slices, so that it can be called off.
static enum ifl_result pop(struct ifl_capture *capture, int64_t until_ns, struct ifl_frame **frame,
                           struct ifl_error *error)
{
    for (;;) {
        void *packet;
        int64_t now_ns = ifl_now_ns(ifl_clock_real());
        int64_t slice_ns = now_ns + POLL_MS * IFL_MILLISECOND_NS;
        if (capture->cancelled)
            return ifl_fail(error, IFL_ERR_CANCELLED, room, "the capture was called off");
        enum ifl_result result =
            ifl_edge_pop(capture->frames, &packet, slice_ns < until_ns ? slice_ns : until_ns);
        if (result == IFL_OK) {
            ifl_edge_pass(capture->frames);
            *frame = packet;
            return IFL_OK;
        }
        if (result == IFL_END)
            return ended(capture, error);
        if (now_ns >= until_ns)
            return too_late(capture, error);
    }
}

static enum ifl_result refuse_started(struct ifl_capture *capture, struct ifl_error *error)
{
    pthread_mutex_lock(&capture->lock);
    bool started = capture->started;
    pthread_mutex_unlock(&capture->lock);
    if (!started)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_IN_USE, room,
                    "this capture calls back; stop it, or open another one");
}

static int64_t until(double wait_seconds)
{
    return ifl_now_ns(ifl_clock_real()) + to_ns(wait_seconds > 0 ? fmin(wait_seconds, 1e8) : 0);
}

enum ifl_result ifl_capture_next(struct ifl_capture *capture, double wait_seconds,
                                 struct ifl_frame **frame, struct ifl_error *error)
{
    enum ifl_result result = refuse_started(capture, error);
    return result == IFL_OK ? pop(capture, until(wait_seconds), frame, error) : result;
}

// When it is from: by the clock, or by its own time where it is read as fast as it goes.
static int64_t time_of(const struct ifl_capture *capture, const struct ifl_frame *frame)
{
    return capture->paced || frame->pts_ns < 0 ? frame->capture_ns : frame->pts_ns;
}

// The first frame that is not older than `from_ns`.
static enum ifl_result pop_from(struct ifl_capture *capture, int64_t from_ns, int64_t until_ns,
                                struct ifl_frame **frame, struct ifl_error *error)
{
    enum ifl_result result;
    while ((result = pop(capture, until_ns, frame, error)) == IFL_OK) {
        if (time_of(capture, *frame) >= from_ns)
            return IFL_OK;
        ifl_frame_unref(*frame);
    }
    return result;
}

enum ifl_result ifl_capture_one(struct ifl_capture *capture, double wait_seconds,
                                struct ifl_frame **frame, struct ifl_error *error)
{
    enum ifl_result result = refuse_started(capture, error);
    int64_t from_ns = capture->paced ? ifl_now_ns(ifl_clock_real()) : INT64_MIN;
    return result == IFL_OK ? pop_from(capture, from_ns, until(wait_seconds), frame, error)
                            : result;
}

enum ifl_result ifl_capture_batch(struct ifl_capture *capture, int count, double interval_seconds,
                                  double wait_seconds, struct ifl_frame **frames, int *got,
                                  struct ifl_error *error)
{
    *got = 0;
    if (count < 1 || count > IFL_CAPTURE_BATCH_MAX || !(interval_seconds >= 0) ||
        interval_seconds > 86400)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "a batch is 1 to %d frames, 0 to 86400 seconds apart",
                        IFL_CAPTURE_BATCH_MAX);
    double wait = fmax(0, wait_seconds);
    enum ifl_result result = ifl_capture_one(capture, wait, &frames[0], error);
    while (result == IFL_OK && ++*got < count) {
        int64_t from_ns = time_of(capture, frames[*got - 1]) + to_ns(interval_seconds);
        result = pop_from(capture, from_ns, until(interval_seconds + wait), &frames[*got], error);
    }
    return result;
}

// ---- callbacks ----

static void tell(struct ifl_capture *capture, const struct ifl_error *error)
{
    if (capture->callbacks.on_error && !capture->stopping)
        capture->callbacks.on_error(error, capture->callbacks.context);
}

// Tells each time the source enters a state in which it does not deliver.
static void tell_state(struct ifl_capture *capture, int64_t *told_ns)
{
    struct ifl_ingest_status status;
    ifl_ingest_status(capture->ingest, &status);
    bool bad = status.state == IFL_SOURCE_STALLED || status.state == IFL_SOURCE_UNAUTHORIZED ||
               status.state == IFL_SOURCE_BROKEN;
    if (!bad || status.finished || status.state_since_ns == *told_ns)
        return;
    *told_ns = status.state_since_ns;
    tell(capture, &status.last_error);
}

static void *call_back(void *context)
{
    struct ifl_capture *capture = context;
    int64_t told_ns = -1;
    enum ifl_result result = IFL_OK;
    while (!capture->stopping && result != IFL_END) {
        void *packet;
        int64_t slice_ns = ifl_now_ns(ifl_clock_real()) + POLL_MS * IFL_MILLISECOND_NS;
        result = ifl_edge_pop(capture->frames, &packet, slice_ns);
        if (result == IFL_OK) {
            ifl_edge_pass(capture->frames);
            if (!capture->stopping)
                capture->callbacks.on_frame(packet, capture->callbacks.context);
            ifl_frame_unref(packet);
        }
        tell_state(capture, &told_ns);
    }
    struct ifl_error error = {0};
    if (result == IFL_END) {
        (void)!ended(capture, &error);
        tell(capture, &error);
    }
    return NULL;
}

enum ifl_result ifl_capture_start(struct ifl_capture *capture,
                                  const struct ifl_capture_callbacks *callbacks,
                                  struct ifl_error *error)
{
    if (!callbacks->on_frame)
        return ifl_fail(error, IFL_ERR_INVALID, room, "on_frame can't be NULL");
    enum ifl_result result = refuse_started(capture, error);
    if (result != IFL_OK)
        return result;
    pthread_mutex_lock(&capture->lock);
    capture->callbacks = *callbacks;
    capture->stopping = false;
    int failed = pthread_create(&capture->thread, NULL, call_back, capture);
    capture->started = !failed;
    pthread_mutex_unlock(&capture->lock);
    return failed ? ifl_fail_errno(error, failed, room, "no thread for callbacks") : IFL_OK;
}

void ifl_capture_stop(struct ifl_capture *capture)
{
    pthread_mutex_lock(&capture->lock);
    capture->stopping = true;
    bool itself = capture->started && pthread_equal(pthread_self(), capture->thread);
    bool joins = capture->started && !itself;
    if (joins)
        capture->started = false;
    pthread_t thread = capture->thread;
    pthread_mutex_unlock(&capture->lock);
    if (joins)
        pthread_join(thread, NULL);
}
