// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cli.h"
#include "http/server.h"
#include "pipeline/state.h"
#include "pipeline/summary.h"

enum { STEP_MS = 100, SWEEP_S = 3600 };

// SIGHUP reads the configuration again; a terminal that closes must not end a pipeline either.
static void block_signals(sigset_t *signals)
{
    ifl_block_signals(signals);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

// A bad file changes nothing; the next SIGHUP may bring a better one.
static void reload(struct ifl_pipeline *pipeline, const struct ifl_arguments *arguments)
{
    struct ifl_error error = {0};
    struct ifl_arguments again;
    enum ifl_result result = ifl_arguments_again(arguments, &again, &error);
    if (result == IFL_OK)
        result = ifl_pipeline_reload(pipeline, again.config, &error);
    ifl_arguments_fini(&again);
    if (result == IFL_OK)
        ifl_log(IFL_LOG_INFO, "reload.done", NULL, "SIGHUP: the configuration was read again");
    else
        ifl_log(IFL_LOG_ERROR, "reload.failed", NULL, "SIGHUP: %s", error.text);
}

// Waits for a step; true if a signal asks to end.
static bool told_to_end(struct ifl_pipeline *pipeline, const struct ifl_arguments *arguments,
                        const sigset_t *signals)
{
    const struct timespec step = {.tv_nsec = STEP_MS * IFL_MILLISECOND_NS};
    int got = sigtimedwait(signals, NULL, &step);
    if (got == SIGHUP)
        reload(pipeline, arguments);
    return got > 0 && got != SIGHUP;
}

// True if a signal ended it.
static bool wait_for_the_end(struct ifl_pipeline *pipeline, const struct ifl_arguments *arguments,
                             const char *state, sigset_t *signals)
{
    const struct ifl_config *config = arguments->config;
    const struct ifl_clock *clock = ifl_clock_real();
    int64_t end_ns = INT64_MAX;
    if (config->duration > 0)
        end_ns = ifl_now_ns(clock) + (int64_t)(config->duration * (double)IFL_SECOND_NS);
    bool interrupted = false;
    int64_t swept_ns = ifl_now_ns(clock);
    while (!interrupted && ifl_now_ns(clock) < end_ns && !ifl_pipeline_finished(pipeline)) {
        interrupted = told_to_end(pipeline, arguments, signals);
        if (ifl_now_ns(clock) - swept_ns < SWEEP_S * IFL_SECOND_NS)
            continue;
        ifl_state_expire(state, config->retention);
        swept_ns = ifl_now_ns(clock);
    }
    sigdelset(signals, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, signals, NULL); // a second Ctrl-C ends at once
    return interrupted;
}

// When every source failed before its first frame, that is the outcome.
static enum ifl_result outcome(struct ifl_pipeline *pipeline, struct ifl_error *error)
{
    struct ifl_source_status *rows = calloc(IFL_LIST_MAX, sizeof *rows);
    if (!rows)
        return IFL_OK;
    int count = ifl_pipeline_sources(pipeline, rows, IFL_LIST_MAX);
    enum ifl_result result = IFL_OK;
    int failed = 0;
    for (int i = 0; i < count; i++)
        if (rows[i].frames == 0 && rows[i].error < 0 && ++failed == count)
            result =
                ifl_fail(error, rows[i].error, "source", "%s: %s", rows[i].name, rows[i].reason);
    free(rows);
    return result;
}

static enum ifl_result say(struct ifl_pipeline *pipeline, bool json, struct ifl_error *error)
{
    struct ifl_summary *summary = malloc(sizeof *summary);
    if (!summary)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "cli", "no memory for the summary");
    ifl_pipeline_summary(pipeline, summary);
    enum ifl_result result = IFL_OK;
    if (json)
        result = ifl_print_json(ifl_summary_json(summary), error);
    else
        ifl_summary_print(summary, stdout);
    free(summary);
    return result;
}

static enum ifl_result start_http(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                  const char *key_folder, struct ifl_http **http,
                                  struct ifl_error *error)
{
    const char *hosts[IFL_LIST_MAX + 1] = {NULL};
    for (int i = 0; i < config->host.count; i++)
        hosts[i] = config->host.item[i];
    struct ifl_http_config options = {
        .listen = config->listen,
        .hosts = hosts,
        .require_key = config->require_key,
        .key_folder = key_folder,
        .tls_certificate = config->tls_cert,
        .tls_key = config->tls_key,
        .requests_per_minute = config->requests_per_minute,
        .connections_per_address = config->connections_per_address,
    };
    return ifl_http_start(pipeline, &options, http, error);
}

static enum ifl_result open_http(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                 const char *state, struct ifl_http **http, struct ifl_error *error)
{
    *http = NULL;
    if (!strcmp(config->listen, "none"))
        return IFL_OK;
    const char *keys = config->key_dir[0] ? config->key_dir : state;
    enum ifl_result result = start_http(pipeline, config, keys, http, error);
    if (result != IFL_OK)
        return result;
    int host = (int)(strrchr(config->listen, ':') - config->listen);
    fprintf(stderr, "inferloop: http%s://%.*s:%d shows the source beside its synthetic images\n",
            config->tls_cert[0] ? "s" : "", host ? host : 9, host ? config->listen : "127.0.0.1",
            ifl_http_port(*http));
    if (ifl_http_needs_key(*http))
        fprintf(stderr,
                "inferloop: it asks for a key; %s/read.key may look, %s/write.key may "
                "also change\n",
                keys, keys);
    return IFL_OK;
}

// What is too old goes, then nobody may erase until the end: memory would write it again.
static enum ifl_result open_state(const struct ifl_config *config, const char *state, int *hold,
                                  struct ifl_error *error)
{
    if (!state[0])
        return IFL_OK;
    enum ifl_result result = ifl_state_make(state, error);
    if (result == IFL_OK)
        result = ifl_state_hold(state, false, hold, error);
    if (result == IFL_OK)
        ifl_state_expire(state, config->retention);
    return result;
}

enum ifl_result ifl_command_run(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    sigset_t signals;
    block_signals(&signals);
    struct ifl_pipeline *pipeline = NULL;
    struct ifl_http *http = NULL;
    char state[4096];
    int hold = -1;
    ifl_state_folder(config, state, sizeof state);
    enum ifl_result result = open_state(config, state, &hold, error);
    if (result == IFL_OK)
        result = ifl_pipeline_create(config, &pipeline, error);
    if (result == IFL_OK)
        result =
            open_http(pipeline, config, state, &http, error); // the port first: nothing to undo yet
    if (result == IFL_OK)
        result = ifl_pipeline_start(pipeline, error);
    if (result == IFL_OK) {
        bool interrupted = wait_for_the_end(pipeline, arguments, state, &signals);
        ifl_pipeline_stop(pipeline);
        result = interrupted ? IFL_OK : outcome(pipeline, error);
        struct ifl_error ignored;
        if (result == IFL_OK)
            result = say(pipeline, config->json, error);
        else if (!config->json)
            (void)!say(pipeline, false, &ignored);
    }
    ifl_http_stop(http);
    ifl_pipeline_destroy(pipeline);
    ifl_state_let_go(hold);
    return result;
}
