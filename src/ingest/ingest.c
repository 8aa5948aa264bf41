// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "ingest/canonical.h"
#include "ingest/pace.h"

enum { GOOD_S = 60, SLICE_MS = 50 };

struct ifl_ingest {
    struct ifl_ingest_config config;
    char name[IFL_SOURCE_NAME_MAX];
    char *uri;
    char shown[256];
    bool live;

    pthread_mutex_t lock;
    pthread_cond_t wake;  // stopping
    pthread_cond_t fresh; // a new picture, or the end
    bool stopping, started;
    pthread_t thread;
    void *self; // the open source
    struct ifl_ingest_status status;
    struct ifl_meter meter;
    struct ifl_frame *newest;
    uint64_t serial;

    pthread_mutex_t making; // guards `canonical`
    struct ifl_canonical *canonical;

    // The thread's own:
    struct ifl_pace pace;
    struct ifl_thin thin;
    struct ifl_backoff backoff;
    uint64_t sequence_base, next_sequence; // numbers go on over reconnects
    int64_t pts_base_ns, last_pts_ns;
    int64_t connected_ns, last_good_ns; // this connection; last_good_ns: real progress
    int failures;                       // attempts since the last picture
    int raw_width, raw_height;
};

// ---- life ----

static bool cancelled(void *context)
{
    struct ifl_ingest *ingest = context;
    pthread_mutex_lock(&ingest->lock);
    bool stopping = ingest->stopping;
    pthread_mutex_unlock(&ingest->lock);
    return stopping;
}

static void init_locks(struct ifl_ingest *ingest)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&ingest->lock, NULL);
    pthread_mutex_init(&ingest->making, NULL);
    pthread_cond_init(&ingest->wake, &monotonic);
    pthread_cond_init(&ingest->fresh, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void copy_config(struct ifl_ingest *ingest, const struct ifl_ingest_config *config)
{
    const char *uri = config->source.uri;
    ingest->config = *config;
    snprintf(ingest->name, sizeof ingest->name, "%s", config->source.name);
    ifl_uri_redact(uri, ingest->shown, sizeof ingest->shown);
    ingest->config.source.name = ingest->name;
    ingest->config.source.uri = ingest->uri;
    ingest->config.source.cancelled = cancelled;
    ingest->config.source.cancelled_context = ingest;
    if (!ingest->config.clock)
        ingest->config.clock = ifl_clock_real();
    ingest->live = config->plugin->live && config->plugin->live(uri);
    ingest->status.last_frame_ns = -1;
    ingest->last_pts_ns = -1;
    uint64_t seed = ifl_hash_bytes(ingest->name, strlen(ingest->name), config->source.seed);
    ifl_backoff_init(&ingest->backoff, seed);
}

enum ifl_result ifl_ingest_create(const struct ifl_ingest_config *config, struct ifl_ingest **out,
                                  struct ifl_error *error)
{
    if (!(config->rate_max >= 0) || isinf(config->rate_max))
        return ifl_fail(error, IFL_ERR_INVALID, "ingest",
                        "the highest rate is a number of frames a second, or 0 for all");
    struct ifl_ingest *ingest = calloc(1, sizeof *ingest);
    if (!ingest)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "ingest", "no memory for a source");
    init_locks(ingest);
    struct ifl_canonical_config canonical = {.width = config->width,
                                             .height = config->height,
                                             .crop = config->crop,
                                             .masks = config->masks};
    memcpy(canonical.mask, config->mask, sizeof canonical.mask);
    enum ifl_result result = ifl_canonical_create(&canonical, &ingest->canonical, error);
    ingest->uri = strdup(config->source.uri);
    if (result == IFL_OK && !ingest->uri)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "ingest", "no memory for a source");
    if (result != IFL_OK) {
        ifl_ingest_destroy(ingest);
        return result;
    }
    copy_config(ingest, config);
    *out = ingest;
    return IFL_OK;
}

void ifl_ingest_destroy(struct ifl_ingest *ingest)
{
    if (!ingest)
        return;
    ifl_frame_unref(ingest->newest);
    ifl_canonical_destroy(ingest->canonical);
    pthread_cond_destroy(&ingest->fresh);
    pthread_cond_destroy(&ingest->wake);
    pthread_mutex_destroy(&ingest->making);
    pthread_mutex_destroy(&ingest->lock);
    free(ingest->uri);
    free(ingest);
}

// ---- waiting ----

static void wait_on(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns)
{
    struct timespec until = {.tv_sec = until_ns / IFL_SECOND_NS,
                             .tv_nsec = until_ns % IFL_SECOND_NS};
    pthread_cond_timedwait(cond, lock, &until);
}

// Until the configured clock shows `due_ns`; false when it is time to stop. In slices, since that
// clock need not be the one that the system waits by.
static bool wait_until(struct ifl_ingest *ingest, int64_t due_ns)
{
    pthread_mutex_lock(&ingest->lock);
    int64_t left;
    while (!ingest->stopping && (left = due_ns - ifl_now_ns(ingest->config.clock)) > 0) {
        int64_t slice = SLICE_MS * IFL_MILLISECOND_NS;
        wait_on(&ingest->wake, &ingest->lock,
                ifl_now_ns(ifl_clock_real()) + (left < slice ? left : slice));
    }
    bool stopping = ingest->stopping;
    pthread_mutex_unlock(&ingest->lock);
    return !stopping;
}

// ---- one picture ----

static void renumber(struct ifl_ingest *ingest, struct ifl_frame *raw)
{
    raw->sequence += ingest->sequence_base;
    ingest->next_sequence = raw->sequence + 1;
    if (ingest->live)
        raw->media_index = raw->sequence;
    if (raw->pts_ns >= 0)
        raw->pts_ns += ingest->pts_base_ns;
}

static void note_picture(struct ifl_ingest *ingest, struct ifl_frame *frame)
{
    pthread_mutex_lock(&ingest->lock);
    struct ifl_frame *last = ingest->newest;
    ingest->newest = ifl_frame_ref(frame);
    ingest->serial++;
    ingest->status.state = IFL_SOURCE_LIVE;
    ingest->status.last_error = (struct ifl_error){0};
    ingest->status.last_frame_ns = frame->capture_ns;
    ingest->status.frames++;
    ingest->status.loops = frame->loop;
    ifl_meter_add(&ingest->meter, frame->capture_ns);
    pthread_cond_broadcast(&ingest->fresh);
    pthread_mutex_unlock(&ingest->lock);
    ifl_frame_unref(last);
}

static void note_info(struct ifl_ingest *ingest, const struct ifl_frame *raw)
{
    struct ifl_source_info info = {0};
    if (raw && raw->width == ingest->raw_width && raw->height == ingest->raw_height)
        return;
    ingest->config.plugin->info(ingest->self, &info);
    if (raw) {
        info.width = ingest->raw_width = raw->width;
        info.height = ingest->raw_height = raw->height;
    }
    ingest->live |= info.live;
    pthread_mutex_lock(&ingest->lock);
    ingest->status.info = info;
    pthread_mutex_unlock(&ingest->lock);
}

static void note_good(struct ifl_ingest *ingest, int64_t now_ns)
{
    if (ingest->failures)
        ifl_log(IFL_LOG_INFO, "ingest.recovered", ingest->name,
                "%s delivers again after %d attempts", ingest->shown, ingest->failures);
    ingest->failures = 0;
    ingest->last_good_ns = ifl_now_ns(ifl_clock_real());
    if (now_ns - ingest->connected_ns > GOOD_S * IFL_SECOND_NS)
        ifl_backoff_reset(&ingest->backoff);
}

// Makes the picture canonical and hands it on. The edge `in` has it as busy.
static enum ifl_result hand_on(struct ifl_ingest *ingest, struct ifl_frame *raw)
{
    struct ifl_error error = {0};
    struct ifl_frame *frame;
    enum ifl_result result = ifl_ingest_canonical(ingest, raw, &frame, &error);
    if (result != IFL_OK) {
        ifl_log(IFL_LOG_WARNING, "ingest.picture", ingest->name, "%s", error.text);
        ifl_edge_drop(ingest->config.in,
                      result == IFL_ERR_NO_MEMORY ? IFL_DROP_ERROR : IFL_DROP_FORMAT);
        return IFL_OK;
    }
    note_picture(ingest, frame);
    if (ifl_edge_push(ingest->config.out, frame) == IFL_OK) {
        ifl_edge_pass(ingest->config.in);
        return IFL_OK;
    }
    ifl_frame_unref(frame);
    ifl_edge_drop(ingest->config.in, IFL_DROP_STOPPING);
    return IFL_ERR_CANCELLED;
}

static enum ifl_result take_picture(struct ifl_ingest *ingest, struct ifl_frame *raw)
{
    const struct ifl_ingest_config *config = &ingest->config;
    int64_t now = ifl_now_ns(config->clock);
    ifl_edge_enter(config->in);
    renumber(ingest, raw);
    note_info(ingest, raw);
    note_good(ingest, now);
    ingest->last_pts_ns = raw->pts_ns;
    if (!ifl_thin_wants(&ingest->thin, config->rate_max, raw->pts_ns >= 0 ? raw->pts_ns : now)) {
        ifl_edge_drop(config->in, IFL_DROP_RATE);
        return IFL_OK;
    }
    if (config->realtime && !ingest->live && raw->pts_ns >= 0 &&
        !wait_until(ingest, ifl_pace_due(&ingest->pace, raw->pts_ns, now))) {
        ifl_edge_drop(config->in, IFL_DROP_STOPPING);
        return IFL_ERR_CANCELLED;
    }
    raw->capture_ns = ifl_now_ns(config->clock); // a paced file is a camera: it captures now
    raw->capture_wall_ns = ifl_wall_ns(config->clock);
    return hand_on(ingest, raw);
}

// A live source that sends only what can't be decoded is as good as gone.
static enum ifl_result lose_packet(struct ifl_ingest *ingest, struct ifl_error *error)
{
    ifl_edge_enter(ingest->config.in);
    ifl_edge_drop(ingest->config.in, IFL_DROP_DECODE);
    ingest->next_sequence++;
    ifl_log(IFL_LOG_DEBUG, "ingest.decode", ingest->name, "a packet could not be decoded");
    int64_t patience =
        3 * (ingest->config.source.read_deadline_ns > 0 ? ingest->config.source.read_deadline_ns
                                                        : 10 * IFL_SECOND_NS);
    if (!ingest->live || ifl_now_ns(ifl_clock_real()) - ingest->last_good_ns < patience)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_CORRUPT, "ingest",
                    "%s sends data but no picture that can be decoded", ingest->shown);
}

// ---- one connection ----

static enum ifl_result read_one(struct ifl_ingest *ingest, struct ifl_error *error)
{
    struct ifl_frame *raw = NULL;
    enum ifl_result result = ingest->config.plugin->read(ingest->self, &raw, error);
    if (result == IFL_OK) {
        result = take_picture(ingest, raw);
        ifl_frame_unref(raw);
    } else if (result == IFL_DROPPED) {
        result = lose_packet(ingest, error);
    } else if (result == IFL_AGAIN) {
        result = IFL_OK;
    }
    return result;
}

static void set_state(struct ifl_ingest *ingest, enum ifl_source_state state,
                      const struct ifl_error *error)
{
    pthread_mutex_lock(&ingest->lock);
    ingest->status.state = state;
    if (error) {
        ingest->status.last_error = *error;
        snprintf(ingest->status.last_error.source, sizeof error->source, "%s", ingest->name);
    }
    pthread_mutex_unlock(&ingest->lock);
}

// Says as much as is known before the first picture.
static void log_open(const struct ifl_ingest *ingest)
{
    const struct ifl_source_info *info = &ingest->status.info;
    char size[32] = "", rate[48] = "";
    if (info->width && info->height)
        snprintf(size, sizeof size, ", %d x %d", info->width, info->height);
    if (info->rate > 0)
        snprintf(rate, sizeof rate, ", %.4g frames/s", info->rate);
    ifl_log(IFL_LOG_INFO, "ingest.open", ingest->name, "%s is open%s%s%s%s%s%s", ingest->shown,
            info->codec[0] ? ", " : "", info->codec, info->format[0] ? ", " : "", info->format,
            size, rate);
}

static enum ifl_result open_source(struct ifl_ingest *ingest, struct ifl_error *error)
{
    void *self = NULL;
    set_state(ingest, IFL_SOURCE_CONNECTING, NULL);
    enum ifl_result result = ingest->config.plugin->open(&ingest->config.source, &self, error);
    if (result != IFL_OK)
        return result;
    pthread_mutex_lock(&ingest->lock);
    ingest->self = self;
    pthread_mutex_unlock(&ingest->lock);
    note_info(ingest, NULL);
    int64_t now = ifl_now_ns(ingest->config.clock);
    ingest->connected_ns = now;
    ingest->last_good_ns = ifl_now_ns(ifl_clock_real());
    ingest->sequence_base = ingest->next_sequence;
    if (ingest->last_pts_ns >= 0) // time went on while it was away
        ingest->pts_base_ns = ingest->last_pts_ns + (now - ingest->status.last_frame_ns);
    log_open(ingest);
    return IFL_OK;
}

static void close_source(struct ifl_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    void *self = ingest->self;
    ingest->self = NULL; // from here on nobody interrupts it
    pthread_mutex_unlock(&ingest->lock);
    if (self)
        ingest->config.plugin->close(self);
}

// Opens and reads until it ends, fails or is stopped.
static enum ifl_result connection(struct ifl_ingest *ingest, struct ifl_error *error)
{
    enum ifl_result result = open_source(ingest, error);
    while (result == IFL_OK && !cancelled(ingest))
        result = read_one(ingest, error);
    close_source(ingest);
    return cancelled(ingest) ? IFL_ERR_CANCELLED : result;
}

// ---- the thread ----

// Says why and when again: the first times and then ever more rarely.
static bool wait_to_retry(struct ifl_ingest *ingest, const struct ifl_error *error)
{
    int64_t wait_ns = ifl_backoff_next_ns(&ingest->backoff);
    int failures = ++ingest->failures;
    set_state(ingest, IFL_SOURCE_BROKEN, error);
    enum ifl_log_level level = failures & (failures - 1) ? IFL_LOG_DEBUG : IFL_LOG_WARNING;
    ifl_log(level, "ingest.broken", ingest->name, "%s; attempt %d, next in %.1f s", error->text,
            failures, (double)wait_ns / 1e9);
    pthread_mutex_lock(&ingest->lock);
    ingest->status.reconnects++;
    pthread_mutex_unlock(&ingest->lock);
    return wait_until(ingest, ifl_now_ns(ingest->config.clock) + wait_ns);
}

static void finish(struct ifl_ingest *ingest, enum ifl_result result, const struct ifl_error *error)
{
    bool failed = result != IFL_END && result != IFL_ERR_CANCELLED;
    set_state(ingest, failed ? IFL_SOURCE_BROKEN : IFL_SOURCE_STOPPED, failed ? error : NULL);
    if (failed)
        ifl_log(IFL_LOG_ERROR, "ingest.failed", ingest->name, "%s", error->text);
    else if (result == IFL_END)
        ifl_log(IFL_LOG_INFO, "ingest.end", ingest->name, "%s has ended", ingest->shown);
    ifl_edge_close(ingest->config.out, false);
    pthread_mutex_lock(&ingest->lock);
    ingest->status.finished = true;
    pthread_cond_broadcast(&ingest->fresh);
    pthread_mutex_unlock(&ingest->lock);
}

static void *run(void *context)
{
    struct ifl_ingest *ingest = context;
    for (;;) {
        struct ifl_error error = {0};
        enum ifl_result result = connection(ingest, &error);
        bool again = ingest->live && result != IFL_ERR_CANCELLED;
        if (again && result == IFL_END)
            (void)ifl_fail(&error, IFL_ERR_IO, "ingest", "%s ended the stream", ingest->shown);
        if (again && wait_to_retry(ingest, &error))
            continue;
        finish(ingest, again ? IFL_ERR_CANCELLED : result, &error);
        return NULL;
    }
}

enum ifl_result ifl_ingest_start(struct ifl_ingest *ingest, struct ifl_error *error)
{
    int code = pthread_create(&ingest->thread, NULL, run, ingest);
    if (code)
        return ifl_fail_errno(error, code, "ingest", "no thread for the source \"%s\"",
                              ingest->name);
    ingest->started = true;
    return IFL_OK;
}

void ifl_ingest_stop(struct ifl_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    ingest->stopping = true;
    // Under the lock, since the thread closes what is interrupted here; interrupting never waits.
    if (ingest->self && ingest->config.plugin->interrupt)
        ingest->config.plugin->interrupt(ingest->self);
    pthread_cond_broadcast(&ingest->wake);
    pthread_mutex_unlock(&ingest->lock);
    ifl_edge_close(ingest->config.out, false);
    if (ingest->started)
        pthread_join(ingest->thread, NULL);
    ingest->started = false;
}

// ---- what others see ----

void ifl_ingest_status(struct ifl_ingest *ingest, struct ifl_ingest_status *status)
{
    int64_t now = ifl_now_ns(ingest->config.clock);
    pthread_mutex_lock(&ingest->lock);
    *status = ingest->status;
    status->rate = ifl_meter_rate(&ingest->meter, now);
    pthread_mutex_unlock(&ingest->lock);
}

struct ifl_frame *ifl_ingest_newest(struct ifl_ingest *ingest, uint64_t *serial, int64_t wait_ns)
{
    struct ifl_frame *frame = NULL;
    int64_t until = ifl_now_ns(ifl_clock_real()) + wait_ns;
    pthread_mutex_lock(&ingest->lock);
    // Another one, not a later one: the caller may have seen a source that this one has replaced.
    while ((!ingest->serial || ingest->serial == *serial) && !ingest->stopping &&
           !ingest->status.finished && ifl_now_ns(ifl_clock_real()) < until)
        wait_on(&ingest->fresh, &ingest->lock, until);
    if (ingest->serial && ingest->serial != *serial) {
        frame = ifl_frame_ref(ingest->newest);
        *serial = ingest->serial;
    }
    pthread_mutex_unlock(&ingest->lock);
    return frame;
}

enum ifl_result ifl_ingest_canonical(struct ifl_ingest *ingest, struct ifl_frame *raw,
                                     struct ifl_frame **out, struct ifl_error *error)
{
    pthread_mutex_lock(&ingest->making);
    enum ifl_result result = ifl_canonical_make(ingest->canonical, raw, out, error);
    pthread_mutex_unlock(&ingest->making);
    return result;
}
