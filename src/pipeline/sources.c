// SPDX-License-Identifier: Apache-2.0
// What may change while a pipeline runs: its sources and some options.
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pipeline/internal.h"
#include "pipeline/watch.h"

static const char room[] = "pipeline";

// ---- channels ----

static enum ifl_result make_channel(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                    const struct ifl_source_spec *spec, bool load,
                                    struct ifl_channel **channel, struct ifl_error *error)
{
    const char *state_dir = pipeline->state_dir[0] ? pipeline->state_dir : NULL;
    enum ifl_result result =
        ifl_channel_create(spec, config, pipeline->journal, state_dir, load, channel, error);
    if (result == IFL_OK)
        ifl_channel_plan(*channel)->number = pipeline->numbers++;
    return result;
}

// A camera has one connection, and as many readers inside as one likes.
static enum ifl_result refuse_second(struct ifl_pipeline *pipeline,
                                     const struct ifl_source_spec *spec, struct ifl_error *error)
{
    struct ifl_roll roll;
    enum ifl_result result = IFL_OK;
    ifl_roster_call(pipeline->roster, &roll);
    for (int i = 0; i < roll.count && result == IFL_OK; i++) {
        const char *name = ifl_channel_name(roll.channel[i]);
        if (strcmp(name, spec->name) != 0 && ifl_channel_reads(roll.channel[i], spec))
            result = ifl_fail(error, IFL_ERR_IN_USE, room,
                              "the source \"%s\" reads this camera already, and any number of "
                              "readers may share it; give another stream of the camera, or use "
                              "that source",
                              name);
    }
    ifl_roll_drop(&roll);
    return result;
}

enum ifl_result ifl_pipeline_open_source(struct ifl_pipeline *pipeline,
                                         const struct ifl_config *config, const char *text,
                                         struct ifl_error *error)
{
    struct ifl_source_spec spec;
    struct ifl_channel *channel = NULL;
    enum ifl_result result = ifl_source_spec_parse(
        text, config->source_type, (int)pipeline->numbers, pipeline->registry, &spec, error);
    if (result == IFL_OK && (result = refuse_second(pipeline, &spec, error)) != IFL_OK)
        return result;
    if (result == IFL_OK)
        result = make_channel(pipeline, config, &spec, true, &channel, error);
    if (result == IFL_OK)
        result = ifl_roster_add(pipeline->roster, channel, error);
    if (result == IFL_OK)
        return IFL_OK;
    ifl_channel_unref(channel);
    if (result == IFL_ERR_IN_USE)
        result = ifl_fail(error, IFL_ERR_INVALID, "config",
                          "two sources are named %s; give names as NAME=URI", spec.name);
    return result;
}

// Under the change lock. Starts what was put on the list.
static enum ifl_result start(struct ifl_pipeline *pipeline, struct ifl_channel *channel,
                             struct ifl_error *error)
{
    if (!pipeline->started)
        return IFL_OK;
    enum ifl_result result = ifl_channel_start(channel, error);
    if (result == IFL_OK)
        return IFL_OK;
    ifl_channel_retire(channel);
    ifl_channel_unref(ifl_roster_replace(pipeline->roster, ifl_channel_name(channel), NULL));
    ifl_channel_stop(channel);
    return result;
}

// Ends a channel that has left the list, and drops the list's reference.
static void end(struct ifl_pipeline *pipeline, struct ifl_channel *channel, bool forget)
{
    ifl_channel_retire(channel);
    ifl_studio_forget(pipeline->studio);
    ifl_channel_stop(channel);
    ifl_journal_leave(pipeline->journal, ifl_channel_name(channel));
    if (forget)
        ifl_channel_forget(channel);
    ifl_channel_unref(channel);
}

// Under the change lock.
static enum ifl_result refuse_stopped(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    if (!pipeline->stopped)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_CANCELLED, room, "the pipeline is stopping");
}

static enum ifl_result not_there(const char *name, struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_NOT_FOUND, room, "there is no source \"%.60s\"", name);
}

// ---- drift ----

static enum ifl_result command(struct ifl_pipeline *pipeline, const char *name,
                               void (*tell)(struct ifl_watch *), struct ifl_error *error)
{
    struct ifl_channel *channel = ifl_roster_find(pipeline->roster, name);
    if (!channel)
        return not_there(name, error);
    tell(ifl_channel_watch(channel));
    ifl_channel_unref(channel);
    return IFL_OK;
}

enum ifl_result ifl_pipeline_accept_drift(struct ifl_pipeline *pipeline, const char *name,
                                          struct ifl_error *error)
{
    return command(pipeline, name, ifl_watch_accept, error);
}

enum ifl_result ifl_pipeline_reset_profile(struct ifl_pipeline *pipeline, const char *name,
                                           struct ifl_error *error)
{
    return command(pipeline, name, ifl_watch_reset, error);
}

enum ifl_result ifl_pipeline_drift(struct ifl_pipeline *pipeline, const char *name,
                                   struct ifl_drift_status *status, struct ifl_error *error)
{
    struct ifl_channel *channel = ifl_roster_find(pipeline->roster, name);
    if (!channel)
        return not_there(name, error);
    bool on = ifl_watch_status(ifl_channel_watch(channel), status);
    ifl_channel_unref(channel);
    return on ? IFL_OK
              : ifl_fail(error, IFL_ERR_UNSUPPORTED, room,
                         "drift is not watched; set drift-false-alarms to a number of days");
}

// ---- adding ----

// The name that the text gives, or one made of the URI that is not taken yet.
static enum ifl_result parse(struct ifl_pipeline *pipeline, const char *text,
                             struct ifl_source_spec *spec, struct ifl_error *error)
{
    enum { TYPE_AUTO = 0 }; // what was started as one type of source may get others
    for (int index = 0;; index++) {
        char first[IFL_SOURCE_NAME_MAX] = "";
        memcpy(first, spec->name, sizeof first);
        enum ifl_result result =
            ifl_source_spec_parse(text, TYPE_AUTO, index, pipeline->registry, spec, error);
        if (result != IFL_OK)
            return result;
        struct ifl_channel *taken = ifl_roster_find(pipeline->roster, spec->name);
        ifl_channel_unref(taken);
        bool given = index > 0 && !strcmp(first, spec->name);
        if (!taken || given || index > IFL_LIST_MAX)
            return IFL_OK; // the roster refuses what is taken
    }
}

static enum ifl_result add(struct ifl_pipeline *pipeline, const struct ifl_source_spec *spec,
                           struct ifl_error *error)
{
    struct ifl_config *config = ifl_settings_copy(pipeline->settings);
    if (!config)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for a source");
    struct ifl_channel *channel = NULL;
    enum ifl_result result = make_channel(pipeline, config, spec, false, &channel, error);
    ifl_config_destroy(config);
    if (result != IFL_OK)
        return result;
    result = ifl_roster_add(pipeline->roster, ifl_channel_ref(channel), error);
    if (result == IFL_OK)
        result = start(pipeline, channel, error);
    else
        ifl_channel_unref(channel); // which the list did not take
    ifl_channel_unref(channel);
    return result;
}

enum ifl_result ifl_pipeline_add_source(struct ifl_pipeline *pipeline, const char *text,
                                        char name[IFL_SOURCE_NAME_MAX], struct ifl_error *error)
{
    struct ifl_source_spec spec = {0};
    pthread_mutex_lock(&pipeline->change_lock);
    enum ifl_result result = refuse_stopped(pipeline, error);
    if (result == IFL_OK)
        result = parse(pipeline, text, &spec, error);
    if (result == IFL_OK)
        result = refuse_second(pipeline, &spec, error);
    if (result == IFL_OK)
        result = add(pipeline, &spec, error);
    pthread_mutex_unlock(&pipeline->change_lock);
    if (result != IFL_OK)
        return result;
    if (name)
        memcpy(name, spec.name, IFL_SOURCE_NAME_MAX);
    ifl_log(IFL_LOG_INFO, "source.added", spec.name, "added while running");
    return IFL_OK;
}

enum ifl_result ifl_pipeline_remove_source(struct ifl_pipeline *pipeline, const char *name,
                                           struct ifl_error *error)
{
    pthread_mutex_lock(&pipeline->change_lock);
    enum ifl_result result = refuse_stopped(pipeline, error);
    if (result == IFL_OK) {
        struct ifl_channel *channel = ifl_roster_replace(pipeline->roster, name, NULL);
        if (channel)
            end(pipeline, channel, false);
        else
            result = not_there(name, error);
    }
    pthread_mutex_unlock(&pipeline->change_lock);
    if (result == IFL_OK)
        ifl_log(IFL_LOG_INFO, "source.removed", name, "removed while running");
    return result;
}

// Puts a new channel in the place of the old, then ends the old, then starts the new: a camera
// often serves one reader only.
static enum ifl_result exchange(struct ifl_pipeline *pipeline, const struct ifl_source_spec *spec,
                                struct ifl_error *error)
{
    struct ifl_config *config = ifl_settings_copy(pipeline->settings);
    if (!config)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for a source");
    struct ifl_channel *fresh = NULL;
    enum ifl_result result = make_channel(pipeline, config, spec, false, &fresh, error);
    ifl_config_destroy(config);
    if (result != IFL_OK)
        return result;
    struct ifl_channel *old =
        ifl_roster_replace(pipeline->roster, spec->name, ifl_channel_ref(fresh));
    if (old) {
        end(pipeline, old, true);
        result = start(pipeline, fresh, error);
    } else {
        ifl_channel_unref(fresh); // the list's
        result = not_there(spec->name, error);
    }
    ifl_channel_unref(fresh);
    return result;
}

enum ifl_result ifl_pipeline_change_source(struct ifl_pipeline *pipeline, const char *name,
                                           const char *uri, struct ifl_error *error)
{
    struct ifl_source_spec spec;
    char text[IFL_SOURCE_NAME_MAX + sizeof spec.uri];
    int length = snprintf(text, sizeof text, "%s=%s", name, uri);
    if (length < 0 || (size_t)length >= sizeof text)
        return ifl_fail(error, IFL_ERR_INVALID, "config", "a source's URI has 1 to %zu bytes",
                        sizeof spec.uri - 1);
    pthread_mutex_lock(&pipeline->change_lock);
    struct ifl_channel *there = ifl_roster_find(pipeline->roster, name);
    enum ifl_result result = refuse_stopped(pipeline, error);
    if (result == IFL_OK && !there)
        result = not_there(name, error);
    if (result == IFL_OK)
        result = ifl_source_spec_parse(text, 0, 0, pipeline->registry, &spec, error);
    ifl_channel_unref(there);
    if (result == IFL_OK)
        result = refuse_second(pipeline, &spec, error);
    if (result == IFL_OK)
        result = exchange(pipeline, &spec, error);
    pthread_mutex_unlock(&pipeline->change_lock);
    if (result == IFL_OK)
        ifl_log(IFL_LOG_INFO, "source.changed", name, "changed while running");
    return result;
}

// ---- options ----

enum ifl_result ifl_pipeline_configure(struct ifl_pipeline *pipeline, const char *const *names,
                                       const char *const *values, int count,
                                       struct ifl_error *error)
{
    pthread_mutex_lock(
        &pipeline->change_lock); // sources that are added see the new ones or are told
    enum ifl_result result = ifl_settings_set(pipeline->settings, names, values, count, error);
    if (result == IFL_OK) {
        double interval = ifl_settings_begin(pipeline->settings)->profile_interval;
        ifl_settings_end(pipeline->settings);
        struct ifl_roll roll;
        ifl_roster_call(pipeline->roster, &roll);
        for (int i = 0; i < roll.count; i++)
            ifl_channel_set_interval(roll.channel[i], interval);
        ifl_roll_drop(&roll);
    }
    pthread_mutex_unlock(&pipeline->change_lock);
    return result;
}

struct ifl_config *ifl_pipeline_config(struct ifl_pipeline *pipeline)
{
    return ifl_settings_copy(pipeline->settings);
}
