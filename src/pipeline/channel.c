// SPDX-License-Identifier: Apache-2.0
#include "pipeline/channel.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ingest/health.h"
#include "pipeline/history.h"
#include "pipeline/ladder.h"
#include "pipeline/status.h"
#include "pipeline/watch.h"
#include "profile/erase.h"

enum {
    QUEUE_DEPTH = 4,                   // frames that wait for the profile thread
    SCENES_EARLY = 4 * IFL_MEMORY_MIN, // frames that are searched for objects whatever the rate
    POLL_MS = 100,                     // how often the profile thread looks up from an empty queue
    KEEP_S = 60,                       // least time between two savings of the profile
    KEEP_MODEL_S = 5,                  // and of the statistics, which are saved with every interval
};

#define SCENE_NS (95 * IFL_MILLISECOND_NS) // least time between two searches for objects

struct ifl_channel {
    int refs;             // atomic
    bool retired;         // atomic: has left the pipeline
    struct ifl_plan plan; // the studio's
    char name[IFL_SOURCE_NAME_MAX];
    char uri[256];               // redacted
    char state_path[PATH_MAX];   // of the profile
    char model_path[PATH_MAX];   // of the statistics' state
    char view_path[PATH_MAX];    // of what the camera usually shows
    char drift_path[PATH_MAX];   // of drift's
    int64_t profile_interval_ns; // atomic
    int64_t retention_ns;        // 0: pictures stay until others take their place
    const struct ifl_clock *clock;
    struct ifl_journal *journal; // the pipeline's, or NULL

    struct ifl_edge *in, *frames;
    struct ifl_ingest *ingest;
    struct ifl_extractor *extractor; // the profile thread's own, as are the next two
    struct ifl_health *health;
    struct ifl_profiler *profiler,
        *former; // of the view that was left and may come back; NULL: none
    struct ifl_profiler_config profiler_config;
    struct ifl_health_views views; // they are of
    int64_t scene_ns; // time of the stream of the last frame that was searched for objects
    uint64_t scenes;  // how many were; both the profile thread's own
    struct ifl_watch *watch;
    struct ifl_ladder ladder;
    bool adaptive; // the ladder is used
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; // over what follows
    pthread_cond_t changed;
    struct ifl_profile *profile;
    struct ifl_suitability suitability; // of that profile
    uint64_t profiles;                  // published so far
    struct ifl_history history;
    bool fresh_wanted; // somebody waits for one made now
    bool ended;
    double latency_seconds;
    struct ifl_metric_histogram latencies;
    enum ifl_rung rung; // the ladder's, as are the next two
    double analysed_share, complete_share;

    pthread_mutex_t workshop_lock; // held while one is made, so that it is made once
    struct ifl_workshop *workshop;
};

static int64_t seconds_ns(double seconds)
{
    return (int64_t)(seconds * (double)IFL_SECOND_NS);
}

// ---- the profile thread ----

static void report_suitability(struct ifl_channel *channel, const struct ifl_suitability *is)
{
    if (is->suited)
        ifl_journal_clear(channel->journal, channel->name, IFL_INCIDENT_UNSUITED);
    else
        ifl_journal_note(channel->journal, channel->name, IFL_INCIDENT_UNSUITED, "", "%s",
                         is->text);
}

static void publish(struct ifl_channel *channel, struct ifl_profile *profile)
{
    struct ifl_suitability suitability;
    ifl_suitability_measure(profile, &suitability);
    pthread_mutex_lock(&channel->lock);
    // A kept profile that can generate is better than a young one that cannot yet.
    bool better = !channel->profile || profile->memory_frames >= IFL_MEMORY_MIN ||
                  profile->memory_frames >= channel->profile->memory_frames;
    struct ifl_profile *old = better ? channel->profile : profile;
    if (better) {
        channel->profile = profile;
        channel->suitability = suitability;
    }
    channel->profiles++;
    channel->fresh_wanted = false;
    pthread_cond_broadcast(&channel->changed);
    pthread_mutex_unlock(&channel->lock);
    if (better)
        report_suitability(channel, &suitability);
    ifl_profile_unref(old);
}

// A kept profile is of another run and no part of this one's history.
static void publish_new(struct ifl_channel *channel, struct ifl_profile *profile)
{
    struct ifl_history_point point;
    ifl_history_point(profile, &point);
    pthread_mutex_lock(&channel->lock);
    ifl_history_add(&channel->history, &point);
    pthread_mutex_unlock(&channel->lock);
    publish(channel, profile);
}

struct analyst {
    struct ifl_channel *channel;
    int64_t published_ns, kept_ns, model_kept_ns;
    uint64_t profiled, next_early; // early publications: each time the frames have doubled
};

static bool due(struct analyst *analyst, int64_t now_ns)
{
    struct ifl_channel *channel = analyst->channel;
    pthread_mutex_lock(&channel->lock);
    bool wanted = channel->fresh_wanted;
    pthread_mutex_unlock(&channel->lock);
    int64_t interval_ns = __atomic_load_n(&channel->profile_interval_ns, __ATOMIC_RELAXED);
    if (wanted || now_ns - analyst->published_ns >= interval_ns)
        return true;
    if (analyst->profiled < analyst->next_early)
        return false;
    analyst->next_early *= 2;
    return true;
}

// Takes the pictures that are too old out of what is published.
static void drop_old(struct ifl_channel *channel, int64_t before_ns)
{
    struct ifl_profile *published = ifl_channel_profile(channel, false, 0), *rest = NULL;
    struct ifl_error error = {0};
    if (published && ifl_profile_count_span(published, INT64_MIN, before_ns) > 0 &&
        ifl_profile_without(published, INT64_MIN, before_ns, &rest, &error) != IFL_OK)
        ifl_log(IFL_LOG_ERROR, "profile.retention-failed", channel->name, "%s", error.text);
    pthread_mutex_lock(&channel->lock);
    if (rest && channel->profile == published) {
        channel->profile = rest;
        rest = published;
    }
    pthread_mutex_unlock(&channel->lock);
    ifl_profile_unref(rest);
    ifl_profile_unref(published);
}

static int64_t oldest_wall_ns(const struct ifl_channel *channel)
{
    return ifl_wall_ns(channel->clock) - channel->retention_ns;
}

// While the usual view may come back, its profile is the one to go on with after a restart.
static struct ifl_profile *profile_to_keep(struct ifl_channel *channel)
{
    struct ifl_profile *profile = NULL;
    struct ifl_error unready;
    if (!channel->former)
        return ifl_channel_profile(channel, false, 0);
    return ifl_profiler_snapshot(channel->former, &profile, &unready) == IFL_OK ? profile : NULL;
}

static void keep(struct analyst *analyst, int64_t now_ns, bool last)
{
    struct ifl_channel *channel = analyst->channel;
    if (!channel->state_path[0] || (!last && now_ns - analyst->kept_ns < KEEP_S * IFL_SECOND_NS))
        return;
    analyst->kept_ns = now_ns;
    ifl_watch_keep(channel->watch, channel->drift_path);
    struct ifl_error unkept = {0};
    if (ifl_health_save(channel->health, channel->view_path, &unkept) != IFL_OK)
        ifl_log(IFL_LOG_ERROR, "camera.keep-failed", channel->name, "%s", unkept.text);
    struct ifl_profile *profile = profile_to_keep(channel);
    struct ifl_error error = {0};
    if (profile && profile->memory_frames >= IFL_MEMORY_MIN &&
        ifl_profile_save(profile, channel->state_path, &error) != IFL_OK)
        ifl_log(IFL_LOG_ERROR, "profile.keep-failed", channel->name, "%s", error.text);
    if (channel->retention_ns && profile && profile->memory_frames < IFL_MEMORY_MIN)
        unlink(channel->state_path); // what it holds has become too old
    ifl_profile_unref(profile);
}

static void keep_model(struct analyst *analyst, int64_t now_ns, bool last)
{
    struct ifl_channel *channel = analyst->channel;
    struct ifl_error error = {0};
    int64_t interval_ns = __atomic_load_n(&channel->profile_interval_ns, __ATOMIC_RELAXED);
    if (interval_ns < KEEP_MODEL_S * IFL_SECOND_NS)
        interval_ns = KEEP_MODEL_S * IFL_SECOND_NS;
    if (!channel->model_path[0] || analyst->profiled == 0 ||
        (!last && now_ns - analyst->model_kept_ns < interval_ns))
        return;
    analyst->model_kept_ns = now_ns;
    struct ifl_profiler *usual = channel->former ? channel->former : channel->profiler;
    if (ifl_profiler_keep(usual, channel->model_path, &error) != IFL_OK)
        ifl_log(IFL_LOG_ERROR, "profile.keep-failed", channel->name, "%s", error.text);
}

static void take_snapshot(struct analyst *analyst, bool last)
{
    struct ifl_channel *channel = analyst->channel;
    int64_t now_ns = ifl_now_ns(channel->clock);
    struct ifl_profile *profile;
    struct ifl_error error = {0};
    analyst->published_ns = now_ns;
    if (channel->retention_ns)
        ifl_profiler_forget(channel->profiler, oldest_wall_ns(channel));
    if (channel->retention_ns && channel->former)
        ifl_profiler_forget(channel->former, oldest_wall_ns(channel));
    if (channel->retention_ns)
        ifl_health_forget(channel->health, oldest_wall_ns(channel));
    if (channel->retention_ns)
        ifl_watch_forget(channel->watch, oldest_wall_ns(channel));
    if (channel->retention_ns)
        ifl_journal_forget(channel->journal, channel->name, INT64_MIN, oldest_wall_ns(channel));
    enum ifl_result result = ifl_profiler_snapshot(channel->profiler, &profile, &error);
    if (result == IFL_OK) {
        if (channel->ladder.seconds > 0) {
            profile->analysed_share = channel->ladder.analysed;
            profile->complete_share = channel->ladder.complete;
        }
        publish_new(channel, profile);
    } else if (result != IFL_ERR_NOT_READY)
        ifl_log(IFL_LOG_ERROR, "profile.snapshot-failed", channel->name, "%s", error.text);
    if (channel->retention_ns)
        drop_old(channel, oldest_wall_ns(channel));
    keep(analyst, now_ns, last);
    keep_model(analyst, now_ns, last);
}

// In a tenth of a second objects hardly move: once the plate stands, faster streams are not
// searched for them in every frame.
static bool scene_due(struct ifl_channel *channel, const struct ifl_frame *frame)
{
    int64_t now_ns = frame->pts_ns >= 0 ? frame->pts_ns : frame->capture_ns;
    int64_t since_ns = now_ns - channel->scene_ns;
    if (channel->scenes >= SCENES_EARLY && since_ns >= 0 && since_ns < SCENE_NS)
        return false;
    channel->scene_ns = now_ns;
    channel->scenes++;
    return true;
}

// ---- views ----

// Another view has a profile of its own; that of the usual one is kept, since it may come back.
static enum ifl_result leave_view(struct ifl_channel *channel, struct ifl_error *error)
{
    struct ifl_profiler *fresh;
    enum ifl_result result = ifl_profiler_create(&channel->profiler_config, &fresh, error);
    if (result == IFL_OK)
        result = ifl_watch_leave(channel->watch, error);
    if (result != IFL_OK) {
        ifl_profiler_destroy(fresh);
        return result;
    }
    if (channel->former)
        ifl_profiler_destroy(channel->profiler);
    else
        channel->former = channel->profiler;
    channel->profiler = fresh;
    channel->scenes = 0;
    ifl_log(
        IFL_LOG_INFO, "profile.reset", channel->name,
        "the camera looks elsewhere; the profile begins anew, and that of before is kept for 10 "
        "minutes");
    return IFL_OK;
}

static void return_to_view(struct ifl_channel *channel)
{
    ifl_profiler_destroy(channel->profiler);
    channel->profiler = channel->former;
    channel->former = NULL;
    ifl_watch_return(channel->watch);
    pthread_mutex_lock(&channel->lock);
    channel->fresh_wanted = true;
    pthread_mutex_unlock(&channel->lock);
    ifl_log(IFL_LOG_INFO, "profile.resumed", channel->name,
            "the camera looks as before; the profile of before goes on");
}

static void drop_view(struct ifl_channel *channel)
{
    ifl_profiler_destroy(channel->former);
    channel->former = NULL;
    ifl_watch_drop(channel->watch);
}

static enum ifl_result follow_view(struct ifl_channel *channel, struct ifl_error *error)
{
    struct ifl_health_views views, *was = &channel->views;
    enum ifl_result result = IFL_OK;
    ifl_health_views(channel->health, &views);
    if (views.now == was->former)
        return_to_view(channel);
    else if (views.now != was->now)
        result = leave_view(channel, error);
    else if (views.former != was->former)
        drop_view(channel);
    if (result == IFL_OK)
        channel->views = views;
    return result;
}

// What is held for the camera's sake goes no further than here; for the world's, see the profile.
static enum ifl_result study(struct ifl_channel *channel, const struct ifl_frame *frame,
                             enum ifl_depth depth, enum ifl_verdict *camera,
                             struct ifl_error *error)
{
    struct ifl_features features;
    enum ifl_result result = ifl_extractor_take(channel->extractor, frame, &features, error);
    if (result != IFL_OK)
        return result;
    *camera = ifl_health_take(channel->health, frame, &features, channel->extractor);
    result = follow_view(channel, error);
    if (result != IFL_OK)
        return result;
    enum ifl_verdict verdict =
        ifl_watch_take(channel->watch, frame, &features, channel->profiler, *camera);
    if (verdict == IFL_VERDICT_GOOD && (depth == IFL_DEPTH_LIGHT || !scene_due(channel, frame)))
        verdict = IFL_VERDICT_LIGHT;
    return ifl_profiler_take(channel->profiler, frame, &features, verdict, error);
}

static void report_slow(struct ifl_channel *channel)
{
    const struct ifl_ladder *ladder = &channel->ladder;
    if (ladder->fell_behind_s > 0)
        ifl_journal_note(
            channel->journal, channel->name, IFL_INCIDENT_SLOW, "decode",
            "decoding is slow: pictures fell up to %.1f s behind the camera; lower its rate "
            "or size, take its sub stream, or give it more processor",
            ladder->fell_behind_s);
    else
        ifl_journal_note(channel->journal, channel->name, IFL_INCIDENT_SLOW, "profile",
                         "profile is slow: a whole frame takes %.0f ms, one comes every %.0f ms; "
                         "lower --rate-max or the camera's rate or size, or give it more processor",
                         1e3 * ladder->full_s, ladder->arrival > 0 ? 1e3 / ladder->arrival : 0);
}

// Once a second: what others see of the ladder, and incidents where it is not at its top.
static void report_load(struct ifl_channel *channel)
{
    const struct ifl_ladder *ladder = &channel->ladder;
    struct ifl_journal *journal = channel->journal;
    pthread_mutex_lock(&channel->lock);
    enum ifl_rung before = channel->rung;
    channel->rung = ladder->rung;
    channel->analysed_share = ladder->analysed;
    channel->complete_share = ladder->complete;
    pthread_mutex_unlock(&channel->lock);
    const char *name = ifl_rung_name(ladder->rung);
    if (ladder->rung != before)
        ifl_ingest_keys_only(channel->ingest, ladder->rung >= IFL_RUNG_KEY);
    if (ladder->rung == IFL_RUNG_FULL && before == IFL_RUNG_FULL)
        return;
    if (ladder->rung == IFL_RUNG_FULL) {
        ifl_journal_clear(journal, channel->name, IFL_INCIDENT_SLOW);
        ifl_journal_clear(journal, channel->name, IFL_INCIDENT_DEGRADED);
        return;
    }
    report_slow(channel);
    ifl_journal_note(journal, channel->name, IFL_INCIDENT_DEGRADED, name,
                     "analysed now: %s; %.0f %% of its frames at all, %.0f %% in full; it climbs "
                     "back when there is time",
                     ifl_rung_sentence(ladder->rung), 100 * ladder->analysed,
                     100 * ladder->complete);
    if (ladder->rung != before)
        ifl_log(IFL_LOG_INFO, "profile.rung", channel->name, "%s: %s", name,
                ifl_rung_sentence(ladder->rung));
}

static void note_done(struct ifl_channel *channel, const struct ifl_frame *frame,
                      enum ifl_depth depth, int64_t begun_ns)
{
    struct ifl_edge_counts counts, raw;
    int64_t now_ns = ifl_now_ns(channel->clock);
    double latency = (double)(now_ns - frame->capture_ns) / (double)IFL_SECOND_NS;
    if (depth != IFL_DEPTH_NONE) {
        pthread_mutex_lock(&channel->lock);
        channel->latency_seconds = latency;
        ifl_histogram_add(&channel->latencies, latency);
        pthread_mutex_unlock(&channel->lock);
    }
    ifl_edge_count(channel->frames, &counts);
    ifl_edge_count(channel->in, &raw); // what isn't decoded has come, too
    uint64_t came = counts.received + raw.dropped[IFL_DROP_LOAD];
    struct ifl_lag lag;
    ifl_ingest_lag(channel->ingest, &lag);
    ifl_ladder_decoder(&channel->ladder, ifl_lag_behind(&lag), lag.busy);
    if (channel->adaptive &&
        ifl_ladder_note(&channel->ladder, depth, came, frame->capture_ns, begun_ns, now_ns))
        report_load(channel);
}

static void take_frame(struct analyst *analyst, struct ifl_frame *frame)
{
    struct ifl_channel *channel = analyst->channel;
    struct ifl_error error = {0};
    enum ifl_verdict camera = IFL_VERDICT_GOOD;
    enum ifl_depth depth = ifl_ladder_depth(&channel->ladder, frame->capture_ns);
    enum ifl_result result = IFL_OK;
    int64_t begun_ns = ifl_now_ns(channel->clock);
    if (depth != IFL_DEPTH_NONE)
        result = study(channel, frame, depth, &camera, &error);
    note_done(channel, frame, depth, begun_ns);
    if (result != IFL_OK) {
        ifl_log(IFL_LOG_WARNING, "profile.frame-failed", channel->name, "%s", error.text);
        ifl_edge_drop(channel->frames, IFL_DROP_ERROR);
    } else if (depth == IFL_DEPTH_NONE) {
        ifl_edge_drop(channel->frames, IFL_DROP_LOAD);
    } else if (camera == IFL_VERDICT_HELD) {
        ifl_edge_drop(channel->frames, IFL_DROP_CAMERA);
    } else {
        analyst->profiled++;
        ifl_edge_pass(channel->frames);
    }
    ifl_frame_unref(frame);
}

// Somebody has asked to begin anew: what is published and kept goes too.
static void forget_profile(struct ifl_channel *channel)
{
    struct ifl_error error = {0};
    ifl_health_reset(channel->health);
    if (follow_view(channel, &error) != IFL_OK ||
        ifl_profiler_reset(channel->profiler, &error) != IFL_OK) {
        ifl_log(IFL_LOG_ERROR, "profile.reset-failed", channel->name, "%s", error.text);
        return;
    }
    ifl_channel_forget(channel);
    ifl_journal_forget(channel->journal, channel->name, INT64_MIN, INT64_MAX);
    pthread_mutex_lock(&channel->lock);
    struct ifl_profile *old = channel->profile;
    channel->profile = NULL;
    pthread_mutex_unlock(&channel->lock);
    ifl_profile_unref(old);
    ifl_log(IFL_LOG_INFO, "profile.reset", channel->name, "the profile begins anew");
}

static void *analyse(void *context)
{
    struct ifl_channel *channel = context;
    struct analyst analyst = {.channel = channel,
                              .published_ns = ifl_now_ns(channel->clock),
                              .kept_ns = ifl_now_ns(channel->clock),
                              .model_kept_ns = ifl_now_ns(channel->clock),
                              .next_early = IFL_MEMORY_MIN};
    for (;;) {
        void *packet;
        int64_t deadline_ns = ifl_now_ns(ifl_clock_real()) + POLL_MS * IFL_MILLISECOND_NS;
        enum ifl_result result = ifl_edge_pop(channel->frames, &packet, deadline_ns);
        ifl_ingest_look(channel->ingest);
        if (ifl_watch_obey(channel->watch))
            forget_profile(channel);
        if (result == IFL_END)
            break;
        if (result == IFL_OK)
            take_frame(&analyst, packet);
        if (due(&analyst, ifl_now_ns(channel->clock)))
            take_snapshot(&analyst, false);
    }
    take_snapshot(&analyst, true);
    pthread_mutex_lock(&channel->lock);
    channel->ended = true;
    pthread_cond_broadcast(&channel->changed);
    pthread_mutex_unlock(&channel->lock);
    return NULL;
}

// ---- life ----

static void release_frame(void *packet)
{
    ifl_frame_unref(packet);
}

static enum ifl_result make_edges(struct ifl_channel *channel, bool lossless,
                                  struct ifl_error *error)
{
    struct ifl_edge_config in = {.from = "source", .to = "ingest", .source = channel->name};
    struct ifl_edge_config frames = {.from = "ingest",
                                     .to = "profile",
                                     .source = channel->name,
                                     .depth = QUEUE_DEPTH,
                                     .policy = lossless ? IFL_POLICY_BLOCK : IFL_POLICY_DROP_OLDEST,
                                     .release = release_frame};
    channel->in = ifl_edge_create(&in);
    channel->frames = ifl_edge_create(&frames);
    if (!channel->in || !channel->frames)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory for the edges of %s",
                        channel->name);
    return IFL_OK;
}

static enum ifl_result set_regions(struct ifl_ingest_config *ingest,
                                   const struct ifl_config *config, struct ifl_error *error)
{
    double region[4];
    enum ifl_result result = IFL_OK;
    if (config->crop[0] && (result = ifl_parse_rectangle(config->crop, region, error)) == IFL_OK)
        ingest->crop = (struct ifl_rectangle){region[0], region[1], region[2], region[3]};
    if (config->mask.count > IFL_MASKS_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, "config", "at most %d masks can be given",
                        IFL_MASKS_MAX);
    for (int i = 0; i < config->mask.count && result == IFL_OK; i++) {
        result = ifl_parse_rectangle(config->mask.item[i], region, error);
        ingest->mask[ingest->masks++] =
            (struct ifl_rectangle){region[0], region[1], region[2], region[3]};
    }
    return result;
}

static enum ifl_result make_ingest(struct ifl_channel *channel, const struct ifl_source_spec *spec,
                                   const struct ifl_config *config, struct ifl_error *error)
{
    struct ifl_ingest_config ingest = {
        .plugin = spec->plugin,
        .source = {.name = channel->name,
                   .uri = spec->uri,
                   .loop = config->loop,
                   .seed = config->seed,
                   .open_deadline_ns = seconds_ns(config->open_timeout),
                   .read_deadline_ns = seconds_ns(config->read_timeout),
                   .first_deadline_ns = seconds_ns(config->first_frame_timeout)},
        .realtime = config->realtime,
        .rate_max = config->rate_max,
        .in = channel->in,
        .out = channel->frames,
        .clock = channel->clock,
        .journal = channel->journal,
    };
    enum ifl_result result = set_regions(&ingest, config, error);
    if (result == IFL_OK)
        result = ifl_ingest_create(&ingest, &channel->ingest, error);
    return result;
}

static enum ifl_result make_profiler(struct ifl_channel *channel, const struct ifl_config *config,
                                     struct ifl_error *error)
{
    struct ifl_profiler_config *profiler = &channel->profiler_config;
    ifl_profiler_config_init(profiler);
    profiler->source = channel->name;
    profiler->memory_frames = config->memory_frames;
    profiler->window_frames = config->window_frames;
    profiler->seed = config->seed;
    if (config->size.width)
        profiler->base_area = config->size.width * config->size.height;
    channel->extractor = ifl_extractor_create();
    channel->health = ifl_health_create(channel->name, channel->journal);
    if (!channel->extractor || !channel->health)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory to measure %s",
                        channel->name);
    ifl_health_views(channel->health, &channel->views);
    return ifl_profiler_create(profiler, &channel->profiler, error);
}

static void load_kept(struct ifl_channel *channel)
{
    ifl_watch_load(channel->watch, channel->drift_path);
    struct ifl_profile *profile;
    struct ifl_error error = {0}, unknown = {0};
    enum ifl_result known = ifl_health_load(channel->health, channel->view_path, &unknown);
    if (known != IFL_OK && known != IFL_ERR_NOT_FOUND)
        ifl_log(IFL_LOG_WARNING, "camera.kept-unusable", channel->name, "%s; learning it anew",
                unknown.text);
    enum ifl_result result = ifl_profile_load(channel->state_path, &profile, &error);
    if (result == IFL_OK)
        publish(channel, profile);
    if (result == IFL_OK && channel->retention_ns)
        drop_old(channel, oldest_wall_ns(channel));
    if (result != IFL_OK && result != IFL_ERR_NOT_FOUND)
        ifl_log(IFL_LOG_WARNING, "profile.kept-unusable", channel->name, "%s; starting without it",
                error.text);
    result = ifl_profiler_resume(channel->profiler, channel->model_path, &error);
    if (result != IFL_OK && result != IFL_ERR_NOT_FOUND)
        ifl_log(IFL_LOG_WARNING, "profile.kept-unusable", channel->name,
                "%s; statistics begin anew", error.text);
}

enum ifl_result ifl_channel_create(const struct ifl_source_spec *spec,
                                   const struct ifl_config *config, struct ifl_journal *journal,
                                   const char *state_dir, bool load, struct ifl_channel **channel,
                                   struct ifl_error *error)
{
    struct ifl_channel *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "pipeline", "no memory for a source");
    made->refs = 1;
    snprintf(made->name, sizeof made->name, "%s", spec->name);
    ifl_uri_redact(spec->uri, made->uri, sizeof made->uri);
    made->profile_interval_ns = seconds_ns(config->profile_interval);
    made->retention_ns = seconds_ns(config->retention * 3600);
    made->clock = ifl_clock_real();
    made->journal = journal;
    made->latency_seconds = NAN;
    pthread_mutex_init(&made->lock, NULL);
    pthread_mutex_init(&made->workshop_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);

    bool live = spec->plugin->live && spec->plugin->live(spec->uri);
    bool lossless = !config->realtime && !live;
    made->adaptive = config->adaptive && !lossless; // what waits for us is never late
    made->analysed_share = made->complete_share = 1;
    enum ifl_result result = make_edges(made, lossless, error);
    if (result == IFL_OK)
        result = make_profiler(made, config, error);
    if (result == IFL_OK)
        result = ifl_watch_create(made->name, config, journal, &made->watch, error);
    if (result == IFL_OK)
        result = make_ingest(made, spec, config, error);
    if (result != IFL_OK) {
        ifl_channel_unref(made);
        return result;
    }
    if (state_dir) {
        snprintf(made->state_path, sizeof made->state_path, "%s/%s.iflprof", state_dir, made->name);
        snprintf(made->model_path, sizeof made->model_path, "%s/%s.iflmodel", state_dir,
                 made->name);
        snprintf(made->view_path, sizeof made->view_path, "%s/%s.iflview", state_dir, made->name);
        snprintf(made->drift_path, sizeof made->drift_path, "%s/%s.ifldrift", state_dir,
                 made->name);
    }
    if (state_dir && load)
        load_kept(made);
    *channel = made;
    return IFL_OK;
}

enum ifl_result ifl_channel_start(struct ifl_channel *channel, struct ifl_error *error)
{
    int failed = pthread_create(&channel->thread, NULL, analyse, channel);
    if (failed)
        return ifl_fail_errno(error, failed, "pipeline", "cannot start the profile thread of %s",
                              channel->name);
    channel->started = true;
    return ifl_ingest_start(channel->ingest, error);
}

void ifl_channel_stop(struct ifl_channel *channel)
{
    ifl_ingest_stop(channel->ingest);
    ifl_edge_close(channel->frames, true); // a no-op where ingest has ended by itself
    if (channel->started)
        pthread_join(channel->thread, NULL);
    channel->started = false;
}

struct ifl_channel *ifl_channel_ref(struct ifl_channel *channel)
{
    __atomic_add_fetch(&channel->refs, 1, __ATOMIC_RELAXED);
    return channel;
}

void ifl_channel_unref(struct ifl_channel *channel)
{
    if (!channel || __atomic_sub_fetch(&channel->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ifl_workshop_unref(channel->workshop);
    ifl_profile_unref(channel->profile);
    ifl_ingest_destroy(channel->ingest);
    ifl_extractor_destroy(channel->extractor);
    ifl_health_destroy(channel->health);
    ifl_profiler_destroy(channel->profiler);
    ifl_profiler_destroy(channel->former);
    ifl_watch_destroy(channel->watch);
    ifl_edge_destroy(channel->in);
    ifl_edge_destroy(channel->frames);
    pthread_cond_destroy(&channel->changed);
    pthread_mutex_destroy(&channel->lock);
    pthread_mutex_destroy(&channel->workshop_lock);
    free(channel);
}

void ifl_channel_retire(struct ifl_channel *channel)
{
    __atomic_store_n(&channel->retired, true, __ATOMIC_RELEASE);
}

bool ifl_channel_retired(const struct ifl_channel *channel)
{
    return __atomic_load_n(&channel->retired, __ATOMIC_ACQUIRE);
}

void ifl_channel_forget(struct ifl_channel *channel)
{
    if (channel->state_path[0])
        unlink(channel->state_path);
    if (channel->model_path[0])
        unlink(channel->model_path);
    if (channel->view_path[0])
        unlink(channel->view_path);
    if (channel->drift_path[0])
        unlink(channel->drift_path);
}

struct ifl_watch *ifl_channel_watch(struct ifl_channel *channel)
{
    return channel->watch;
}

void ifl_channel_set_interval(struct ifl_channel *channel, double profile_interval)
{
    __atomic_store_n(&channel->profile_interval_ns, seconds_ns(profile_interval), __ATOMIC_RELAXED);
}

struct ifl_plan *ifl_channel_plan(struct ifl_channel *channel)
{
    return &channel->plan;
}

bool ifl_channel_reads(const struct ifl_channel *channel, const struct ifl_source_spec *spec)
{
    return ifl_ingest_live(channel->ingest) && !strcmp(ifl_ingest_uri(channel->ingest), spec->uri);
}

void ifl_channel_retry(struct ifl_channel *channel)
{
    ifl_ingest_retry(channel->ingest);
}

// ---- readers ----

const char *ifl_channel_name(const struct ifl_channel *channel)
{
    return channel->name;
}

void ifl_channel_status(struct ifl_channel *channel, struct ifl_source_status *status)
{
    ifl_status_of_ingest(channel->ingest, channel->clock, status);
    snprintf(status->name, sizeof status->name, "%s", channel->name);
    snprintf(status->uri, sizeof status->uri, "%s", channel->uri);
    struct ifl_health_status health;
    ifl_health_status(channel->health, &health);
    status->held = health.held;
    for (int i = 0; i < IFL_INCIDENT_COUNT; i++)
        if (health.lasts[i])
            snprintf(status->camera, sizeof status->camera, "%s",
                     ifl_incident_row((enum ifl_incident_kind)i)->name);
    pthread_mutex_lock(&channel->lock);
    status->rung = ifl_rung_name(channel->rung);
    status->analysed_share = channel->analysed_share;
    status->complete_share = channel->complete_share;
    pthread_mutex_unlock(&channel->lock);
}

void ifl_channel_latencies(struct ifl_channel *channel, struct ifl_metric_histogram *histogram)
{
    pthread_mutex_lock(&channel->lock);
    *histogram = channel->latencies;
    pthread_mutex_unlock(&channel->lock);
}

struct ifl_frame *ifl_channel_frame(struct ifl_channel *channel, uint64_t *serial, int64_t wait_ns)
{
    return ifl_ingest_newest(channel->ingest, serial, wait_ns);
}

struct ifl_edge *ifl_channel_edge(struct ifl_channel *channel, int index)
{
    if (index == 0)
        return channel->in;
    return index == 1 ? channel->frames : NULL;
}

struct ifl_profile *ifl_channel_profile(struct ifl_channel *channel, bool fresh, int64_t wait_ns)
{
    int64_t until_ns = ifl_now_ns(ifl_clock_real()) + wait_ns;
    struct timespec until = {.tv_sec = until_ns / IFL_SECOND_NS,
                             .tv_nsec = until_ns % IFL_SECOND_NS};
    pthread_mutex_lock(&channel->lock);
    uint64_t before = channel->profiles;
    channel->fresh_wanted |= fresh;
    while (fresh && channel->profiles == before && !channel->ended &&
           pthread_cond_timedwait(&channel->changed, &channel->lock, &until) == 0)
        ;
    struct ifl_profile *profile = channel->profile ? ifl_profile_ref(channel->profile) : NULL;
    pthread_mutex_unlock(&channel->lock);
    return profile;
}

int ifl_channel_history(struct ifl_channel *channel, struct ifl_history_point *points, int most)
{
    pthread_mutex_lock(&channel->lock);
    int count = ifl_history_read(&channel->history, points, most);
    pthread_mutex_unlock(&channel->lock);
    return count;
}

bool ifl_channel_ready(struct ifl_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    bool ready = channel->profile && channel->profile->memory_frames >= IFL_MEMORY_MIN;
    pthread_mutex_unlock(&channel->lock);
    return ready;
}

bool ifl_channel_ended(struct ifl_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    bool ended = channel->ended;
    pthread_mutex_unlock(&channel->lock);
    return ended;
}

void ifl_channel_suitability(struct ifl_channel *channel, struct ifl_suitability *suitability)
{
    pthread_mutex_lock(&channel->lock);
    *suitability = channel->suitability;
    suitability->suited |= !channel->profile;
    pthread_mutex_unlock(&channel->lock);
}

uint64_t ifl_channel_frames_expected(struct ifl_channel *channel)
{
    struct ifl_ingest_status status;
    ifl_ingest_status(channel->ingest, &status);
    return status.info.frames;
}

uint64_t ifl_channel_profiles(struct ifl_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    uint64_t profiles = channel->profiles;
    pthread_mutex_unlock(&channel->lock);
    return profiles;
}

double ifl_channel_profile_latency(struct ifl_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    double latency = channel->latency_seconds;
    pthread_mutex_unlock(&channel->lock);
    return latency;
}

enum ifl_result ifl_channel_workshop(struct ifl_channel *channel,
                                     const struct ifl_engine_plugin *engine,
                                     struct ifl_workshop **workshop, struct ifl_error *error)
{
    struct ifl_profile *profile = ifl_channel_profile(channel, false, 0);
    if (!profile)
        return ifl_fail(error, IFL_ERR_NOT_READY, "generate",
                        "%s has delivered no frames yet; wait until it is live", channel->name);
    enum ifl_result result = IFL_OK;
    pthread_mutex_lock(&channel->workshop_lock);
    if (!channel->workshop || ifl_workshop_profile(channel->workshop) != profile) {
        struct ifl_workshop *made;
        result = ifl_workshop_create(profile, engine, &made, error);
        if (result == IFL_OK) {
            ifl_workshop_unref(channel->workshop);
            channel->workshop = made;
        }
    }
    if (result == IFL_OK)
        *workshop = ifl_workshop_ref(channel->workshop);
    pthread_mutex_unlock(&channel->workshop_lock);
    ifl_profile_unref(profile);
    return result;
}
