// SPDX-License-Identifier: Apache-2.0
#include "ingest/ingest.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "core/secrets.h"
#include "ingest/canonical.h"
#include "ingest/lag.h"
#include "ingest/link.h"
#include "ingest/pace.h"

enum {
    STALL_S = 2,       // least time without a picture that is called a stall
    STALL_PERIODS = 5, // and how many pictures must be missing
    TIME_JUMP_S = 10,  // timestamps further off than this from our clock are rebased
    LOOK_S = 1,        // how often a secret is looked at while a source refuses it
    DEADLINE_S = 10,   // where the configuration has none
};

struct ifl_ingest {
    struct ifl_ingest_config config;
    char name[IFL_SOURCE_NAME_MAX];
    char *uri;       // with places for secrets
    char *opened;    // the last one that was opened; IFL_URI_MAX bytes, the thread's own
    char shown[256]; // redacted
    bool live;

    pthread_mutex_t lock;
    pthread_cond_t wake;  // stopping, or trying again now
    pthread_cond_t fresh; // a new picture, or the end
    bool stopping, started, retry;
    pthread_t thread;
    void *self; // the open source
    bool keys_only;
    struct ifl_ingest_status status;
    struct ifl_meter meter;
    struct ifl_lag lag; // of this connection
    int64_t stall_ns;   // without a picture for so long it has stalled
    struct ifl_frame *newest;
    uint64_t serial;

    pthread_mutex_t making; // guards `canonical`
    struct ifl_canonical *canonical;

    // The thread's own:
    struct ifl_pace pace;
    struct ifl_thin thin;
    struct ifl_link link;
    uint64_t sequence_base, next_sequence; // numbers go on over reconnects
    int64_t pts_base_ns;
    int64_t last_pts_ns, last_taken_ns; // of the last picture: its time, and when it came
    int64_t last_good_ns;               // real time of the last progress
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
    ingest->config.source.uri = ingest->opened;
    ingest->config.source.cancelled = cancelled;
    ingest->config.source.cancelled_context = ingest;
    if (!ingest->config.clock)
        ingest->config.clock = ifl_clock_real();
    ingest->live = config->plugin->live && config->plugin->live(uri);
    ingest->status.last_frame_ns = -1;
    ingest->status.next_attempt_ns = -1;
    ingest->last_pts_ns = -1;
    uint64_t seed = ifl_hash_bytes(ingest->name, strlen(ingest->name), config->source.seed);
    ifl_link_init(&ingest->link, seed);
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
    ingest->opened = calloc(1, IFL_URI_MAX);
    if (result == IFL_OK && (!ingest->uri || !ingest->opened))
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
    free(ingest->opened);
    free(ingest);
}

// ---- states: entered under the lock, so that log and journal tell them in order ----

static const char *const state_names[] = {
#define NAME(name, text) text,
    IFL_SOURCE_STATES(NAME)
#undef NAME
};

const char *ifl_source_state_name(enum ifl_source_state state)
{
    return state_names[state];
}

static void report(struct ifl_ingest *ingest, enum ifl_source_state state, const char *text)
{
    struct ifl_journal *journal = ingest->config.journal;
    bool refused = state == IFL_SOURCE_UNAUTHORIZED;
    enum ifl_incident_kind kind = refused ? IFL_INCIDENT_UNAUTHORIZED : IFL_INCIDENT_OFFLINE;
    if (refused || state == IFL_SOURCE_LIVE || state == IFL_SOURCE_STOPPED)
        ifl_journal_clear(journal, ingest->name, IFL_INCIDENT_OFFLINE);
    if (state != IFL_SOURCE_UNAUTHORIZED && state != IFL_SOURCE_CONNECTING)
        ifl_journal_clear(journal, ingest->name, IFL_INCIDENT_UNAUTHORIZED);
    if (refused || state == IFL_SOURCE_BROKEN || state == IFL_SOURCE_STALLED)
        ifl_journal_note(journal, ingest->name, kind, ifl_source_state_name(state), "%s", text);
}

static void enter(struct ifl_ingest *ingest, enum ifl_source_state state,
                  const struct ifl_error *error)
{
    if (error) {
        ingest->status.last_error = *error;
        snprintf(ingest->status.last_error.source, sizeof error->source, "%s", ingest->name);
    } else if (state == IFL_SOURCE_LIVE || state == IFL_SOURCE_STOPPED) {
        ingest->status.last_error = (struct ifl_error){0};
    }
    if (state != ingest->status.state)
        ingest->status.state_since_ns = ifl_now_ns(ingest->config.clock);
    ingest->status.state = state;
    // Pictures that come and go while the breaker is open are no recovery yet.
    if (state != IFL_SOURCE_LIVE || !ingest->link.open)
        report(ingest, state, ingest->status.last_error.text);
}

static void set_state(struct ifl_ingest *ingest, enum ifl_source_state state,
                      const struct ifl_error *error)
{
    pthread_mutex_lock(&ingest->lock);
    enter(ingest, state, error);
    pthread_mutex_unlock(&ingest->lock);
}

// Under the lock, on any thread: the source's own may be waiting for a picture.
static void look(struct ifl_ingest *ingest)
{
    int64_t age_ns = ifl_now_ns(ingest->config.clock) - ingest->status.last_frame_ns;
    if (!ingest->live || ingest->status.state != IFL_SOURCE_LIVE || age_ns < ingest->stall_ns)
        return;
    struct ifl_error error = {0};
    (void)ifl_fail(&error, IFL_ERR_TIMEOUT, "ingest",
                   "%s is connected but has sent no good picture for %.1f s", ingest->shown,
                   (double)age_ns / 1e9);
    enter(ingest, IFL_SOURCE_STALLED, &error);
    ifl_log(IFL_LOG_WARNING, "ingest.stalled", ingest->name, "%s", error.text);
}

void ifl_ingest_look(struct ifl_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    look(ingest);
    pthread_mutex_unlock(&ingest->lock);
}

// ---- waiting ----

// Until the clock shows `due_ns`; false when it is time to stop.
static bool wait_until(struct ifl_ingest *ingest, int64_t due_ns)
{
    pthread_mutex_lock(&ingest->lock);
    while (!ingest->stopping && ifl_now_ns(ingest->config.clock) < due_ns)
        ifl_wait_ns(ingest->config.clock, &ingest->wake, &ingest->lock, due_ns);
    bool stopping = ingest->stopping;
    pthread_mutex_unlock(&ingest->lock);
    return !stopping;
}

// The URI of now differs from the one that was refused.
static bool secret_changed(struct ifl_ingest *ingest)
{
    char *now = malloc(IFL_URI_MAX);
    bool changed = now && ifl_secrets_expand(ingest->uri, now, IFL_URI_MAX, NULL) == IFL_OK &&
                   strcmp(now, ingest->opened) != 0;
    free(now);
    return changed;
}

// The same, but ends early where somebody asks for an attempt or a refused secret has changed.
static bool wait_to_connect(struct ifl_ingest *ingest, int64_t due_ns, bool refused)
{
    bool watches = refused && ifl_secrets_wanted(ingest->uri), changed = false;
    pthread_mutex_lock(&ingest->lock);
    int64_t now_ns;
    while (!ingest->stopping && !ingest->retry && !changed &&
           (now_ns = ifl_now_ns(ingest->config.clock)) < due_ns) {
        int64_t look_ns = now_ns + LOOK_S * IFL_SECOND_NS;
        ifl_wait_ns(ingest->config.clock, &ingest->wake, &ingest->lock,
                    watches && look_ns < due_ns ? look_ns : due_ns);
        if (!watches)
            continue;
        pthread_mutex_unlock(&ingest->lock); // a file may take its time
        changed = secret_changed(ingest);
        pthread_mutex_lock(&ingest->lock);
    }
    bool stopping = ingest->stopping;
    ingest->retry = false;
    ingest->status.next_attempt_ns = -1;
    pthread_mutex_unlock(&ingest->lock);
    if (changed)
        ifl_log(IFL_LOG_INFO, "ingest.secret-changed", ingest->name,
                "the secret of %s has changed; trying it at once", ingest->shown);
    return !stopping;
}

void ifl_ingest_retry(struct ifl_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    ingest->retry = ingest->status.next_attempt_ns >= 0;
    pthread_cond_broadcast(&ingest->wake);
    pthread_mutex_unlock(&ingest->lock);
}

// ---- one picture ----

static int64_t deadline(int64_t configured_ns)
{
    return configured_ns > 0 ? configured_ns : DEADLINE_S * IFL_SECOND_NS;
}

// The time of a picture that comes now, if the stream goes with our clock.
static int64_t arrival(const struct ifl_ingest *ingest, int64_t now_ns)
{
    return ingest->last_pts_ns < 0 ? 0 : ingest->last_pts_ns + (now_ns - ingest->last_taken_ns);
}

// A camera whose own clock jumps must not take our time along.
static void rebase(struct ifl_ingest *ingest, struct ifl_frame *raw, int64_t now_ns)
{
    int64_t expected_ns = arrival(ingest, now_ns);
    int64_t off_ns = expected_ns - raw->pts_ns;
    if (off_ns < TIME_JUMP_S * IFL_SECOND_NS && off_ns > -TIME_JUMP_S * IFL_SECOND_NS)
        return;
    ifl_log(IFL_LOG_INFO, "ingest.time-jump", ingest->name,
            "%s: its timestamps jumped by %.1f s; ours go on", ingest->shown,
            (double)-off_ns / 1e9);
    ingest->pts_base_ns += off_ns;
    raw->pts_ns = expected_ns;
}

// Live pictures without timestamps get the time of their arrival, so that all rooms after this see
// one time of the stream that grows.
static void renumber(struct ifl_ingest *ingest, struct ifl_frame *raw, int64_t now_ns)
{
    raw->sequence += ingest->sequence_base;
    ingest->next_sequence = raw->sequence + 1;
    if (ingest->live)
        raw->media_index = raw->sequence;
    bool stamped = raw->pts_ns >= 0;
    if (!stamped && !ingest->live)
        return;
    raw->pts_ns = stamped ? raw->pts_ns + ingest->pts_base_ns : arrival(ingest, now_ns);
    if (stamped && ingest->live && ingest->last_pts_ns >= 0)
        rebase(ingest, raw, now_ns);
    ingest->last_pts_ns = raw->pts_ns;
    ingest->last_taken_ns = now_ns;
}

static void note_picture(struct ifl_ingest *ingest, struct ifl_frame *frame)
{
    pthread_mutex_lock(&ingest->lock);
    struct ifl_frame *last = ingest->newest;
    ingest->newest = ifl_frame_ref(frame);
    ingest->serial++;
    ingest->status.frames++;
    ingest->status.loops = frame->loop;
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
    pthread_mutex_lock(&ingest->lock);
    ingest->live |= info.live;
    ingest->status.info = info;
    pthread_mutex_unlock(&ingest->lock);
}

// Every good picture counts for state, age and rate, also one that is thinned out after this.
static void note_good(struct ifl_ingest *ingest, int64_t now_ns)
{
    int64_t patience_ns = deadline(ingest->config.source.read_deadline_ns);
    ingest->last_good_ns = ifl_now_ns(ifl_clock_real());
    pthread_mutex_lock(&ingest->lock);
    bool was_open = ingest->link.open;
    int attempts = ifl_link_good(&ingest->link, now_ns);
    bool first = ingest->status.state != IFL_SOURCE_LIVE;
    ingest->status.last_frame_ns = now_ns;
    ingest->status.breaker_open = ingest->link.open;
    ifl_meter_add(&ingest->meter, now_ns);
    double rate = ifl_meter_rate(&ingest->meter, now_ns);
    int64_t missing_ns = rate > 0 ? (int64_t)(STALL_PERIODS * 1e9 / rate) : 0;
    int64_t least_ns = STALL_S * IFL_SECOND_NS;
    ingest->stall_ns = missing_ns > least_ns ? missing_ns : least_ns;
    if (ingest->stall_ns > patience_ns)
        ingest->stall_ns = patience_ns;
    if (first || attempts)
        enter(ingest, IFL_SOURCE_LIVE, NULL);
    pthread_mutex_unlock(&ingest->lock);
    if (first)
        ifl_log(IFL_LOG_INFO, "ingest.live", ingest->name, "%s delivers", ingest->shown);
    if (was_open && !ingest->link.open)
        ifl_log(IFL_LOG_INFO, "ingest.breaker-closed", ingest->name, "%s holds", ingest->shown);
    if (attempts)
        ifl_log(IFL_LOG_INFO, "ingest.recovered", ingest->name,
                "%s delivers again after %d attempts", ingest->shown, attempts);
}

// Whether decoding keeps up with the camera; `pts_ns` -1: the picture was not decoded, or
// came without a timestamp.
static void note_lag(struct ifl_ingest *ingest, int64_t pts_ns, int64_t now_ns)
{
    struct ifl_source_info info = {0};
    if (!ingest->live)
        return;
    bool due = ifl_lag_due(&ingest->lag, now_ns);
    if (due)
        ingest->config.plugin->info(ingest->self, &info);
    pthread_mutex_lock(&ingest->lock);
    if (pts_ns >= 0)
        ifl_lag_picture(&ingest->lag, pts_ns, now_ns);
    if (due)
        ifl_lag_look(&ingest->lag, info.waited_ns, now_ns);
    pthread_mutex_unlock(&ingest->lock);
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
    bool stamped = raw->pts_ns >= 0;
    renumber(ingest, raw, now);
    note_info(ingest, raw);
    note_lag(ingest, stamped ? raw->pts_ns : -1, now);
    bool wanted =
        ifl_thin_wants(&ingest->thin, config->rate_max, raw->pts_ns >= 0 ? raw->pts_ns : now);
    bool paced = wanted && config->realtime && !ingest->live && raw->pts_ns >= 0;
    if (paced && !wait_until(ingest, ifl_pace_due(&ingest->pace, raw->pts_ns, now))) {
        ifl_edge_drop(config->in, IFL_DROP_STOPPING);
        return IFL_ERR_CANCELLED;
    }
    note_good(ingest, ifl_now_ns(config->clock));
    if (!wanted) {
        ifl_edge_drop(config->in, IFL_DROP_RATE);
        return IFL_OK;
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
    bool lives =
        ingest->status.state == IFL_SOURCE_LIVE || ingest->status.state == IFL_SOURCE_STALLED;
    const struct ifl_source_config *source = &ingest->config.source;
    int64_t patience = deadline(lives ? source->read_deadline_ns : source->first_deadline_ns);
    if (!ingest->live || ifl_now_ns(ifl_clock_real()) - ingest->last_good_ns < patience)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_CORRUPT, "ingest",
                    "%s sends data but no picture that can be decoded", ingest->shown);
}

// It came, and the one after the next key frame will be whole: the stream lives.
static void skip_picture(struct ifl_ingest *ingest)
{
    ifl_edge_enter(ingest->config.in);
    ifl_edge_drop(ingest->config.in, IFL_DROP_LOAD);
    ingest->next_sequence++;
    note_lag(ingest, -1, ifl_now_ns(ingest->config.clock));
    note_good(ingest, ifl_now_ns(ingest->config.clock));
}

// Under the lock, since the thread closes what is asked here.
static void ask_for_keys(struct ifl_ingest *ingest)
{
    if (ingest->self && ingest->config.plugin->keys_only)
        ingest->config.plugin->keys_only(ingest->self, ingest->keys_only);
}

void ifl_ingest_keys_only(struct ifl_ingest *ingest, bool wanted)
{
    pthread_mutex_lock(&ingest->lock);
    ingest->keys_only = wanted;
    ask_for_keys(ingest);
    pthread_mutex_unlock(&ingest->lock);
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
    } else if (result == IFL_SKIPPED) {
        skip_picture(ingest);
        result = IFL_OK;
    } else if (result == IFL_AGAIN) {
        result = IFL_OK;
    }
    return result;
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
    enum ifl_result result = ifl_secrets_expand(ingest->uri, ingest->opened, IFL_URI_MAX, error);
    if (result == IFL_OK)
        result = ingest->config.plugin->open(&ingest->config.source, &self, error);
    if (result != IFL_OK)
        return result;
    pthread_mutex_lock(&ingest->lock);
    ingest->self = self;
    ask_for_keys(ingest);
    pthread_mutex_unlock(&ingest->lock);
    note_info(ingest, NULL);
    int64_t now = ifl_now_ns(ingest->config.clock);
    ingest->last_good_ns = ifl_now_ns(ifl_clock_real());
    bool again = ingest->next_sequence > 0;
    ingest->sequence_base = ingest->next_sequence + again; // the gap shows
    if (ingest->last_pts_ns >= 0)                          // time went on while it was away
        ingest->pts_base_ns = arrival(ingest, now);
    log_open(ingest);
    return IFL_OK;
}

static void close_source(struct ifl_ingest *ingest)
{
    pthread_mutex_lock(&ingest->lock);
    void *self = ingest->self;
    ingest->self = NULL; // from here on nobody interrupts it
    ingest->lag = (struct ifl_lag){0};
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
    bool refused = error->result == IFL_ERR_UNAUTHORIZED;
    int64_t now_ns = ifl_now_ns(ingest->config.clock);
    pthread_mutex_lock(&ingest->lock);
    bool was_open = ingest->link.open;
    int64_t wait_ns = ifl_link_failed(&ingest->link, error, now_ns);
    int attempts = ingest->link.attempts;
    enter(ingest, refused ? IFL_SOURCE_UNAUTHORIZED : IFL_SOURCE_BROKEN, error);
    ingest->status.reconnects++;
    ingest->status.breaker_open = ingest->link.open;
    ingest->status.next_attempt_ns = now_ns + wait_ns; // with the state: nobody sees half of it
    pthread_mutex_unlock(&ingest->lock);
    enum ifl_log_level level = attempts & (attempts - 1) ? IFL_LOG_DEBUG : IFL_LOG_WARNING;
    ifl_log(level, refused ? "ingest.unauthorized" : "ingest.broken", ingest->name,
            "%s; attempt %d, next in %.1f s%s", error->text, attempts, (double)wait_ns / 1e9,
            refused ? " or when its secret changes" : "");
    if (ingest->link.open && !was_open)
        ifl_log(IFL_LOG_WARNING, "ingest.breaker-open", ingest->name,
                "%s failed %d times in half a minute; each attempt is a probe until one holds",
                ingest->shown, IFL_BREAKER_FAILURES);
    return wait_to_connect(ingest, now_ns + wait_ns, refused);
}

static void finish(struct ifl_ingest *ingest, enum ifl_result result, const struct ifl_error *error)
{
    bool failed = result != IFL_END && result != IFL_ERR_CANCELLED;
    pthread_mutex_lock(&ingest->lock);
    enter(ingest, failed ? IFL_SOURCE_BROKEN : IFL_SOURCE_STOPPED, failed ? error : NULL);
    ingest->status.finished = true; // with the state: nobody waits for one that is over
    pthread_cond_broadcast(&ingest->fresh);
    pthread_mutex_unlock(&ingest->lock);
    if (failed)
        ifl_log(IFL_LOG_ERROR, "ingest.failed", ingest->name, "%s", error->text);
    else if (result == IFL_END)
        ifl_log(IFL_LOG_INFO, "ingest.end", ingest->name, "%s has ended", ingest->shown);
    ifl_edge_close(ingest->config.out, false);
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

const char *ifl_ingest_uri(const struct ifl_ingest *ingest)
{
    return ingest->uri;
}

bool ifl_ingest_live(const struct ifl_ingest *ingest)
{
    return ingest->config.plugin->live && ingest->config.plugin->live(ingest->uri);
}

void ifl_ingest_lag(struct ifl_ingest *ingest, struct ifl_lag *lag)
{
    pthread_mutex_lock(&ingest->lock);
    *lag = ingest->lag;
    pthread_mutex_unlock(&ingest->lock);
}

void ifl_ingest_status(struct ifl_ingest *ingest, struct ifl_ingest_status *status)
{
    int64_t now = ifl_now_ns(ingest->config.clock);
    pthread_mutex_lock(&ingest->lock);
    look(ingest);
    *status = ingest->status;
    status->rate = ifl_meter_rate(&ingest->meter, now);
    status->lag_seconds = ingest->lag.begun ? (double)ingest->lag.lag_ns / 1e9 : NAN;
    status->busy_share = ingest->lag.known ? ingest->lag.busy : NAN;
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
        ifl_wait_ns(ifl_clock_real(), &ingest->fresh, &ingest->lock, until);
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
