// SPDX-License-Identifier: Apache-2.0
#include "pipeline/watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

struct ifl_watch {
    char source[IFL_SOURCE_NAME_MAX];
    struct ifl_journal *journal;
    struct ifl_drift *drift;  // the profile thread's own; NULL: off
    struct ifl_drift *former; // of the scene that was left and may come back, or NULL
    struct ifl_drift_config config;

    // The stream's time: by the frames' own time stamps where they have them, so that a file that
    // is read faster than it plays is judged as it plays.
    bool begun;
    int64_t stream_ns, step_ns, pts_ns, capture_ns;

    pthread_mutex_t lock; // over what follows
    bool accept_wanted, reset_wanted;
    struct ifl_drift_status status;
};

static void report(void *context, const struct ifl_incident *incident)
{
    struct ifl_watch *watch = context;
    ifl_journal_report(watch->journal, incident);
}

static void clear(void *context, enum ifl_incident_kind kind)
{
    struct ifl_watch *watch = context;
    ifl_journal_clear(watch->journal, watch->source, kind);
}

enum ifl_result ifl_watch_create(const char *source, const struct ifl_config *config,
                                 struct ifl_journal *journal, struct ifl_watch **watch,
                                 struct ifl_error *error)
{
    *watch = NULL;
    struct ifl_watch *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory to watch %s", source);
    snprintf(made->source, sizeof made->source, "%s", source);
    made->journal = journal;
    pthread_mutex_init(&made->lock, NULL);
    struct ifl_drift_config *drift = &made->config;
    ifl_drift_config_init(drift);
    drift->source = made->source;
    drift->false_alarm_days = config->drift_false_alarms;
    drift->tolerance = config->drift_tolerance;
    drift->learn_seconds = config->drift_learn;
    drift->reference = (enum ifl_drift_reference)config->drift_reference;
    drift->seed = config->seed;
    drift->report = report;
    drift->clear = clear;
    drift->context = made;
    enum ifl_result result = IFL_OK;
    if (config->drift_false_alarms > 0)
        result = ifl_drift_create(drift, &made->drift, error);
    if (result != IFL_OK) {
        ifl_watch_destroy(made);
        return result;
    }
    if (made->drift)
        ifl_drift_status(made->drift, &made->status);
    *watch = made;
    return IFL_OK;
}

void ifl_watch_destroy(struct ifl_watch *watch)
{
    if (!watch)
        return;
    ifl_drift_destroy(watch->drift);
    ifl_drift_destroy(watch->former);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

// ---- the profile thread ----

// A file that begins anew, or stamps that jump back, go on with the step of before.
static int64_t stream_time(struct ifl_watch *watch, const struct ifl_frame *frame)
{
    int64_t by_stamp = frame->pts_ns - watch->pts_ns;
    int64_t by_clock = frame->capture_ns - watch->capture_ns;
    bool stamped = frame->pts_ns >= 0 && watch->pts_ns >= 0;
    if (watch->begun) {
        int64_t step = stamped ? by_stamp : by_clock;
        watch->stream_ns += step > 0 ? step : watch->step_ns;
        if (step > 0)
            watch->step_ns = step;
    }
    watch->begun = true;
    watch->pts_ns = frame->pts_ns;
    watch->capture_ns = frame->capture_ns;
    return watch->stream_ns;
}

static void publish_status(struct ifl_watch *watch)
{
    struct ifl_drift_status status;
    ifl_drift_status(watch->drift, &status);
    pthread_mutex_lock(&watch->lock);
    watch->status = status;
    pthread_mutex_unlock(&watch->lock);
}

enum ifl_verdict ifl_watch_take(struct ifl_watch *watch, const struct ifl_frame *frame,
                                const struct ifl_features *features,
                                const struct ifl_profiler *profiler, enum ifl_verdict verdict)
{
    if (!watch->drift)
        return verdict;
    struct ifl_drift_input input = {.features = features,
                                    .frame = frame,
                                    .stream_ns = stream_time(watch, frame),
                                    .wall_ns = frame->capture_wall_ns,
                                    .sequence = frame->sequence,
                                    .verdict = verdict};
    ifl_profiler_foreground(profiler, &input.components, &input.foreground_share);
    verdict = ifl_drift_take(watch->drift, &input);
    publish_status(watch);
    return verdict;
}

bool ifl_watch_obey(struct ifl_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool accept = watch->accept_wanted, reset = watch->reset_wanted;
    watch->accept_wanted = watch->reset_wanted = false;
    pthread_mutex_unlock(&watch->lock);
    if (accept && watch->drift) {
        ifl_drift_accept(watch->drift);
        ifl_log(IFL_LOG_INFO, "drift.accepted", watch->source,
                "the state of now is as it should be");
    }
    if (reset && watch->drift)
        ifl_drift_reset(watch->drift);
    if ((accept || reset) && watch->drift)
        publish_status(watch);
    return reset;
}

// What was held or strange was so to the scene of before.
static void clear_frames(struct ifl_watch *watch)
{
    clear(watch, IFL_INCIDENT_ANOMALY);
    clear(watch, IFL_INCIDENT_CONTAMINATED);
}

enum ifl_result ifl_watch_leave(struct ifl_watch *watch, struct ifl_error *error)
{
    struct ifl_drift *fresh;
    if (!watch->drift)
        return IFL_OK;
    enum ifl_result result = ifl_drift_create(&watch->config, &fresh, error);
    if (result != IFL_OK)
        return result;
    if (watch->former)
        ifl_drift_destroy(watch->drift);
    else
        watch->former = watch->drift;
    watch->drift = fresh;
    clear_frames(watch);
    publish_status(watch);
    return IFL_OK;
}

void ifl_watch_return(struct ifl_watch *watch)
{
    if (!watch->former)
        return;
    ifl_drift_destroy(watch->drift);
    watch->drift = watch->former;
    watch->former = NULL;
    clear_frames(watch);
    publish_status(watch);
}

void ifl_watch_drop(struct ifl_watch *watch)
{
    ifl_drift_destroy(watch->former);
    watch->former = NULL;
}

void ifl_watch_forget(struct ifl_watch *watch, int64_t before_wall_ns)
{
    if (watch->drift)
        ifl_drift_forget(watch->drift, before_wall_ns);
    if (watch->former)
        ifl_drift_forget(watch->former, before_wall_ns);
}

void ifl_watch_keep(struct ifl_watch *watch, const char *path)
{
    struct ifl_error error = {0};
    struct ifl_drift *usual = watch->former ? watch->former : watch->drift;
    struct ifl_drift_status status = {0};
    if (usual)
        ifl_drift_status(usual, &status);
    if (status.states > 0 && ifl_drift_save(usual, path, &error) != IFL_OK)
        ifl_log(IFL_LOG_ERROR, "drift.keep-failed", watch->source, "%s", error.text);
}

void ifl_watch_load(struct ifl_watch *watch, const char *path)
{
    struct ifl_error error = {0};
    enum ifl_result result = watch->drift ? ifl_drift_load(watch->drift, path, &error) : IFL_OK;
    if (result != IFL_OK && result != IFL_ERR_NOT_FOUND)
        ifl_log(IFL_LOG_WARNING, "drift.kept-unusable", watch->source, "%s", error.text);
    else if (watch->drift)
        publish_status(watch);
}

// ---- any thread ----

void ifl_watch_accept(struct ifl_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->accept_wanted = true;
    pthread_mutex_unlock(&watch->lock);
}

void ifl_watch_reset(struct ifl_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->reset_wanted = true;
    pthread_mutex_unlock(&watch->lock);
}

bool ifl_watch_status(struct ifl_watch *watch, struct ifl_drift_status *status)
{
    pthread_mutex_lock(&watch->lock);
    *status = watch->status;
    pthread_mutex_unlock(&watch->lock);
    return watch->drift != NULL;
}
