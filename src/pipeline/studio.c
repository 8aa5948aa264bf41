// SPDX-License-Identifier: Apache-2.0
#include "pipeline/studio.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "core/adapt.h"
#include "core/journal.h"

enum {
    QUEUE_DEPTH = 16,
    THREADS_MAX = 64,
    ROLLING = 32,        // images of the rolling set
    LIKENESS_EVERY = 16, // images between two measurements of it
    POLL_MS = 20,        // the scheduler's step
    SIDE_LEAST = 32,     // pixels that images are eased to
};

// One request on its way. Shared by the queue and, where somebody waits, by the waiter.
struct job {
    int refs;
    struct ifl_studio *studio;
    struct ifl_channel *channel; // a reference
    struct ifl_request request;
    bool adapts;      // the interval's: adaptation rules apply
    bool begun, done; // under the studio's lock, with what follows
    enum ifl_result result;
    struct ifl_error error;
    struct ifl_delivered *delivered;
};

struct ifl_studio {
    struct ifl_studio_config config;
    struct ifl_edge *jobs, *made, *accepted;
    struct ifl_ledger *ledger;
    struct ifl_gallery *gallery;
    pthread_t worker[THREADS_MAX], scheduler;
    int workers;
    bool scheduling;
    unsigned turn;                     // the scheduler's own
    struct ifl_easing easing;          // the scheduler's own, too
    enum ifl_easing_step easing_shown; // atomic

    pthread_mutex_t sink_lock; // sinks are called by one thread at a time

    pthread_mutex_t lock; // over what follows
    pthread_cond_t changed;
    bool stopping;
    double likeness, latency_seconds;
};

// ---- jobs ----

static void unref_job(struct job *job)
{
    if (__atomic_sub_fetch(&job->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ifl_delivered_unref(job->delivered);
    ifl_channel_unref(job->channel);
    free(job);
}

static void finish_job(struct job *job, enum ifl_result result, struct ifl_delivered *delivered,
                       const struct ifl_error *error)
{
    struct ifl_studio *studio = job->studio;
    enum ifl_outcome outcome = result == IFL_OK             ? IFL_OUTCOME_DELIVERED
                               : result == IFL_ERR_REJECTED ? IFL_OUTCOME_REJECTED
                                                            : IFL_OUTCOME_FAILED;
    // Before whoever waits is told: what it then reads of the counts has its image in it.
    ifl_ledger_finish(studio->ledger, outcome);
    pthread_mutex_lock(&studio->lock);
    job->result = result;
    job->delivered = delivered;
    if (error)
        job->error = *error;
    job->done = true;
    pthread_cond_broadcast(&studio->changed);
    pthread_mutex_unlock(&studio->lock);
}

// A job that waited when the studio stopped.
static void release_job(void *packet)
{
    struct job *job = packet;
    struct ifl_error error = {0};
    enum ifl_result result = ifl_fail(&error, IFL_ERR_CANCELLED, "generate",
                                      "the pipeline was stopping; ask again when it is back");
    finish_job(job, result, NULL, &error);
    unref_job(job);
}

static enum ifl_result submit(struct ifl_studio *studio, struct ifl_channel *channel,
                              const struct ifl_request *request, struct job **waited,
                              struct ifl_error *error)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for a request");
    job->refs = waited ? 2 : 1;
    job->studio = studio;
    job->channel = ifl_channel_ref(channel);
    job->request = *request;
    job->adapts = !waited;
    enum ifl_result result = ifl_ledger_push(studio->ledger, studio->jobs, job);
    if (result == IFL_OK) {
        if (waited)
            *waited = job;
        return IFL_OK;
    }
    ifl_channel_unref(channel);
    free(job);
    if (result == IFL_END)
        return ifl_fail(error, IFL_ERR_CANCELLED, "generate", "the pipeline is stopping");
    return ifl_fail(error, IFL_ERR_BUSY, "generate",
                    "%d images are waiting already; ask again in a second", QUEUE_DEPTH);
}

// ---- workers ----

static enum ifl_result deliver(struct ifl_studio *studio, struct ifl_synthetic *synthetic,
                               struct ifl_delivered **delivered, struct ifl_error *error)
{
    char name[IFL_PATH_MAX];
    ifl_edge_enter(studio->accepted);
    struct ifl_delivered *shown = ifl_gallery_reserve();
    enum ifl_result result = IFL_ERR_NO_MEMORY;
    if (shown) {
        pthread_mutex_lock(&studio->sink_lock);
        result = studio->config.sink_plugin->deliver(studio->config.sink, synthetic, name, error);
        pthread_mutex_unlock(&studio->sink_lock);
    } else {
        result = ifl_fail(error, result, "deliver", "no memory to show the image");
    }
    if (result != IFL_OK) {
        ifl_edge_drop(studio->accepted, IFL_DROP_ERROR);
        ifl_delivered_unref(shown);
        return result;
    }
    ifl_edge_pass(studio->accepted);
    ifl_gallery_add(studio->gallery, shown, synthetic, name);
    *delivered = shown;
    return IFL_OK;
}

// The likeness of the newest images of this source that were made from this profile or an earlier
// one, against this profile.
static void measure_likeness(struct ifl_studio *studio, struct ifl_workshop *workshop)
{
    struct ifl_delivered *recent[ROLLING];
    struct ifl_image *images[ROLLING];
    const char *source = ifl_workshop_profile(workshop)->source;
    int found = ifl_gallery_list(studio->gallery, source, 0, recent, ROLLING), count = 0;
    for (int i = 0; i < found; i++)
        if (!ifl_request_is_conditioned(&recent[i]->synthetic.request))
            images[count++] = recent[i]->synthetic.image;
    double ratio = NAN;
    char note[160];
    struct ifl_error error = {0};
    if (ifl_likeness(ifl_workshop_validator(workshop), images, count, &ratio, note, &error) !=
        IFL_OK)
        ifl_log(IFL_LOG_WARNING, "validate.likeness-failed", source, "%s", error.text);
    if (ratio > 1.5)
        ifl_log(IFL_LOG_WARNING, "validate.unlike", source,
                "the last %d images have a likeness ratio of %.2f; above 1.5 they do not look like "
                "the stream",
                count, ratio);
    for (int i = 0; i < found; i++)
        ifl_delivered_unref(recent[i]);
    pthread_mutex_lock(&studio->lock);
    studio->likeness = ratio;
    pthread_mutex_unlock(&studio->lock);
}

static void note_latency(struct ifl_studio *studio, struct ifl_channel *channel, double seconds)
{
    double profile_seconds = ifl_channel_profile_latency(channel);
    pthread_mutex_lock(&studio->lock);
    studio->latency_seconds = seconds + (isnan(profile_seconds) ? 0 : profile_seconds);
    pthread_mutex_unlock(&studio->lock);
}

static void note_audit(struct ifl_studio *studio, struct ifl_channel *channel,
                       const struct ifl_synthetic *synthetic)
{
    pthread_mutex_lock(&studio->lock);
    ifl_audits_add(&ifl_channel_plan(channel)->audits, synthetic);
    pthread_mutex_unlock(&studio->lock);
}

// By the profile that the image is made from.
static void adapt(struct ifl_studio *studio, const struct ifl_workshop *workshop,
                  struct ifl_request *request, char adapted[IFL_ADAPTED_MAX])
{
    const struct ifl_list *rules = &ifl_settings_begin(studio->config.settings)->adapt;
    ifl_adapt(rules->item, rules->count, ifl_workshop_profile(workshop), request, adapted);
    ifl_settings_end(studio->config.settings);
}

static enum ifl_result serve(struct ifl_studio *studio, struct job *job,
                             struct ifl_delivered **delivered, struct ifl_error *error)
{
    struct ifl_workshop *workshop;
    enum ifl_result result =
        ifl_channel_workshop(job->channel, studio->config.engine, &workshop, error);
    if (result != IFL_OK)
        return result;
    int64_t start_ns = ifl_now_ns(ifl_clock_real());
    int attempts = ifl_settings_begin(studio->config.settings)->attempts;
    ifl_settings_end(studio->config.settings);
    struct ifl_making making = {.attempts = attempts,
                                .edge = studio->made,
                                .ledger = studio->ledger,
                                .clock = ifl_clock_real()};
    char adapted[IFL_ADAPTED_MAX] = "";
    if (job->adapts)
        adapt(studio, workshop, &job->request, adapted);
    struct ifl_synthetic synthetic;
    result = ifl_workshop_make(workshop, &job->request, &making, &synthetic, error);
    synthetic.likeness = ifl_studio_likeness(studio);
    memcpy(synthetic.adapted, adapted, sizeof adapted);
    if (result == IFL_OK)
        result = deliver(studio, &synthetic, delivered, error);
    if (result == IFL_OK || result == IFL_ERR_REJECTED)
        note_audit(studio, job->channel, &synthetic);
    ifl_synthetic_fini(&synthetic);
    if (result == IFL_OK) {
        int64_t spent_ns = ifl_now_ns(ifl_clock_real()) - start_ns;
        note_latency(studio, job->channel, (double)spent_ns / (double)IFL_SECOND_NS);
        if ((*delivered)->serial % LIKENESS_EVERY == 0)
            measure_likeness(studio, workshop);
    }
    ifl_workshop_unref(workshop);
    return result;
}

static enum ifl_result fail_removed(const struct ifl_channel *channel, struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_CANCELLED, "generate",
                    "the source \"%s\" was removed or changed before the image was begun",
                    ifl_channel_name(channel));
}

// Marks the job as begun; false: nobody wants it any more.
static bool begin_job(struct ifl_studio *studio, struct job *job)
{
    pthread_mutex_lock(&studio->lock);
    bool wanted = job->begun = !ifl_channel_retired(job->channel);
    pthread_mutex_unlock(&studio->lock);
    return wanted;
}

static void leave_edge(struct ifl_studio *studio, enum ifl_result result)
{
    if (result == IFL_OK)
        ifl_edge_pass(studio->jobs);
    else
        ifl_edge_drop(studio->jobs, result == IFL_ERR_REJECTED    ? IFL_DROP_REJECTED
                                    : result == IFL_ERR_CANCELLED ? IFL_DROP_STOPPING
                                                                  : IFL_DROP_ERROR);
}

// Images that were rejected are many while a stream is new; lines of one id are held back together,
// so a full disk has an id of its own.
static void log_failure(const struct job *job, enum ifl_result result,
                        const struct ifl_error *error)
{
    const char *id = result == IFL_ERR_REJECTED ? "generate.rejected" : "generate.not-delivered";
    if (result != IFL_OK && result != IFL_ERR_CANCELLED)
        ifl_log(IFL_LOG_WARNING, id, ifl_channel_name(job->channel), "%s", error->text);
}

static void *work(void *context)
{
    struct ifl_studio *studio = context;
    void *packet;
    while (ifl_edge_pop(studio->jobs, &packet, INT64_MAX) == IFL_OK) {
        struct job *job = packet;
        struct ifl_delivered *delivered = NULL;
        struct ifl_error error = {0};
        enum ifl_result result = begin_job(studio, job) ? serve(studio, job, &delivered, &error)
                                                        : fail_removed(job->channel, &error);
        log_failure(job, result, &error);
        leave_edge(studio, result);
        finish_job(job, result, delivered, &error);
        unref_job(job);
    }
    return NULL;
}

// ---- the scheduler ----

// The studio's own slowness is of no one source: their incidents are of the profile's.
static void report_pace(struct ifl_studio *studio)
{
    const struct ifl_easing_row *row = ifl_easing_row(studio->easing.step);
    struct ifl_journal *journal = studio->config.journal;
    ifl_journal_note(journal, "", IFL_INCIDENT_SLOW, "generate",
                     "generate is slow: images are not ready when the next are due; choose a "
                     "longer --generate-interval, a smaller --size or more --threads");
    if (studio->easing.step > IFL_EASING_NONE)
        ifl_journal_note(journal, "", IFL_INCIDENT_DEGRADED, row->name,
                         "images are asked for %s; it climbs back when there is time",
                         row->sentence);
}

// Says once that the interval can't be kept, and once that it can again.
static void note_pace(struct ifl_studio *studio, bool slow, bool adaptive)
{
    bool was = studio->easing.slow;
    if (ifl_easing_note(&studio->easing, slow, adaptive, ifl_now_ns(ifl_clock_real())))
        report_pace(studio);
    __atomic_store_n(&studio->easing_shown, studio->easing.step, __ATOMIC_RELAXED);
    if (studio->easing.slow && !was)
        ifl_log(IFL_LOG_WARNING, "generate.slow", NULL,
                "generate is slower than the interval asks; choose a longer --generate-interval, a "
                "smaller --size or more --threads");
    if (was && !studio->easing.slow) {
        ifl_log(IFL_LOG_INFO, "generate.in-time", NULL, "generate keeps the interval again");
        ifl_journal_clear(studio->config.journal, "", IFL_INCIDENT_SLOW);
        ifl_journal_clear(studio->config.journal, "", IFL_INCIDENT_DEGRADED);
    }
}

static void ease(const struct ifl_studio *studio, struct ifl_channel *channel,
                 struct ifl_request *request)
{
    const struct ifl_easing_row *row = ifl_easing_row(studio->easing.step);
    int halvings = row->halvings;
    request->steps = row->steps;
    struct ifl_profile *profile = halvings ? ifl_channel_profile(channel, false, 0) : NULL;
    if (profile && !request->width && profile->levels > 0) {
        request->width = profile->level_width[profile->levels - 1];
        request->height = profile->level_height[profile->levels - 1];
    }
    if (request->width >> halvings >= SIDE_LEAST && request->height >> halvings >= SIDE_LEAST) {
        request->width >>= halvings;
        request->height >>= halvings;
    }
    ifl_profile_unref(profile);
}

// The number of the next request of a channel, for its seed.
static uint64_t next_part(struct ifl_studio *studio, struct ifl_channel *channel)
{
    struct ifl_plan *plan = ifl_channel_plan(channel);
    pthread_mutex_lock(&studio->lock);
    uint64_t part = (plan->number << 48) + plan->ticks++;
    pthread_mutex_unlock(&studio->lock);
    return part;
}

// What the engine does not suit is not made, unless the options say so.
static enum ifl_result check_suited(struct ifl_studio *studio, struct ifl_channel *channel,
                                    struct ifl_error *error)
{
    struct ifl_suitability suitability;
    ifl_channel_suitability(channel, &suitability);
    bool make = ifl_settings_begin(studio->config.settings)->unsuited != 0;
    ifl_settings_end(studio->config.settings);
    if (make || suitability.suited)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_UNSUITED, "generate", "%s", suitability.text);
}

static void tick(struct ifl_studio *studio, struct ifl_channel *channel)
{
    struct ifl_request request;
    const struct ifl_config *options = ifl_settings_begin(studio->config.settings);
    ifl_config_request(options, &request);
    int count = options->count;
    bool adaptive = options->adaptive;
    uint64_t seed = options->seed;
    ifl_settings_end(studio->config.settings);
    ease(studio, channel, &request);
    for (int i = 0; i < count; i++) {
        request.seed = ifl_hash_mix(ifl_hash_mix(seed) + next_part(studio, channel)) >> 1;
        struct ifl_error error = {0};
        enum ifl_result result = submit(studio, channel, &request, NULL, &error);
        if (result == IFL_END || result == IFL_ERR_CANCELLED)
            return;
        struct ifl_edge_counts waiting;
        ifl_edge_count(studio->jobs, &waiting);
        bool slow = result == IFL_ERR_BUSY || waiting.waiting > QUEUE_DEPTH / 2;
        if (slow || waiting.waiting <= 1) // in between nothing is said
            note_pace(studio, slow, adaptive);
        if (result != IFL_OK)
            return;
    }
}

// A channel that is due gets its images, one that has ended its last.
static void look_at(struct ifl_studio *studio, struct ifl_channel *channel, int64_t now_ns,
                    int64_t interval_ns)
{
    bool ended = ifl_channel_ended(channel);
    bool ready = ifl_channel_ready(channel);
    struct ifl_plan *plan = ifl_channel_plan(channel);
    pthread_mutex_lock(&studio->lock);
    if (plan->next_ns - now_ns > interval_ns) // the interval was shortened
        plan->next_ns = now_ns + interval_ns;
    bool due = !plan->last && (ended || (ready && now_ns >= plan->next_ns));
    pthread_mutex_unlock(&studio->lock);
    if (!due)
        return;
    if (ready && check_suited(studio, channel, NULL) == IFL_OK) // its incident says why not
        tick(studio, channel);
    pthread_mutex_lock(&studio->lock);
    bool late = now_ns - plan->next_ns > interval_ns;
    plan->next_ns = (late ? now_ns : plan->next_ns) + interval_ns;
    plan->last = ended;
    pthread_mutex_unlock(&studio->lock);
}

static void look_at_channels(struct ifl_studio *studio, int64_t now_ns)
{
    double interval = ifl_settings_begin(studio->config.settings)->generate_interval;
    ifl_settings_end(studio->config.settings);
    struct ifl_roll roll;
    ifl_roster_call(studio->config.roster, &roll);
    studio->turn++; // who is first changes, so that a full queue starves nobody
    for (int i = 0; i < roll.count; i++)
        look_at(studio, roll.channel[(studio->turn + (unsigned)i) % (unsigned)roll.count], now_ns,
                (int64_t)(interval * ifl_easing_row(studio->easing.step)->intervals *
                          (double)IFL_SECOND_NS));
    ifl_roll_drop(&roll);
}

static void *schedule(void *context)
{
    struct ifl_studio *studio = context;
    pthread_mutex_lock(&studio->lock);
    while (!studio->stopping) {
        pthread_mutex_unlock(&studio->lock);
        int64_t now_ns = ifl_now_ns(ifl_clock_real());
        look_at_channels(studio, now_ns);
        int64_t until_ns = now_ns + POLL_MS * IFL_MILLISECOND_NS;
        struct timespec until = {.tv_sec = until_ns / IFL_SECOND_NS,
                                 .tv_nsec = until_ns % IFL_SECOND_NS};
        pthread_mutex_lock(&studio->lock);
        if (!studio->stopping)
            pthread_cond_timedwait(&studio->changed, &studio->lock, &until);
    }
    pthread_mutex_unlock(&studio->lock);
    return NULL;
}

// ---- life ----

enum ifl_result ifl_studio_create(const struct ifl_studio_config *config,
                                  struct ifl_studio **studio, struct ifl_error *error)
{
    struct ifl_studio *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for the studio");
    made->config = *config;
    made->likeness = made->latency_seconds = NAN;
    pthread_mutex_init(&made->lock, NULL);
    pthread_mutex_init(&made->sink_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    struct ifl_edge_config jobs = {.from = "request",
                                   .to = "generate",
                                   .source = "",
                                   .depth = QUEUE_DEPTH,
                                   .policy = IFL_POLICY_REJECT,
                                   .release = release_job};
    struct ifl_edge_config images = {.from = "generate", .to = "validate", .source = ""};
    struct ifl_edge_config accepted = {.from = "validate", .to = "deliver", .source = ""};
    made->jobs = ifl_edge_create(&jobs);
    made->made = ifl_edge_create(&images);
    made->accepted = ifl_edge_create(&accepted);
    made->ledger = ifl_ledger_create();
    made->gallery = ifl_gallery_create();
    if (!made->jobs || !made->made || !made->accepted || !made->ledger || !made->gallery) {
        ifl_studio_destroy(made);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for the studio");
    }
    *studio = made;
    return IFL_OK;
}

enum ifl_result ifl_studio_start(struct ifl_studio *studio, struct ifl_error *error)
{
    int failed = 0;
    int threads = ifl_settings_begin(studio->config.settings)->threads;
    ifl_settings_end(studio->config.settings);
    while (!failed && studio->workers < threads) {
        failed = pthread_create(&studio->worker[studio->workers], NULL, work, studio);
        studio->workers += !failed;
    }
    if (!failed)
        failed = pthread_create(&studio->scheduler, NULL, schedule, studio);
    studio->scheduling = !failed;
    if (failed)
        return ifl_fail_errno(error, failed, "generate", "cannot start the generating threads");
    return IFL_OK;
}

void ifl_studio_stop(struct ifl_studio *studio)
{
    pthread_mutex_lock(&studio->lock);
    studio->stopping = true;
    pthread_cond_broadcast(&studio->changed);
    pthread_mutex_unlock(&studio->lock);
    if (studio->scheduling)
        pthread_join(studio->scheduler, NULL);
    studio->scheduling = false;
    ifl_edge_close(studio->jobs, true);
    while (studio->workers)
        pthread_join(studio->worker[--studio->workers], NULL);
}

void ifl_studio_destroy(struct ifl_studio *studio)
{
    if (!studio)
        return;
    ifl_gallery_destroy(studio->gallery);
    ifl_ledger_destroy(studio->ledger);
    ifl_edge_destroy(studio->jobs);
    ifl_edge_destroy(studio->made);
    ifl_edge_destroy(studio->accepted);
    pthread_cond_destroy(&studio->changed);
    pthread_mutex_destroy(&studio->lock);
    pthread_mutex_destroy(&studio->sink_lock);
    free(studio);
}

// ---- asking and looking ----

enum ifl_result ifl_studio_generate(struct ifl_studio *studio, struct ifl_channel *channel,
                                    const struct ifl_request *request, int64_t wait_ns,
                                    struct ifl_delivered **delivered, struct ifl_error *error)
{
    enum ifl_result result = ifl_request_check(request, error);
    struct job *job = NULL;
    if (result == IFL_OK)
        result = check_suited(studio, channel, error);
    if (result == IFL_OK)
        result = submit(studio, channel, request, &job, error);
    if (result != IFL_OK)
        return result;
    int64_t until_ns = ifl_now_ns(ifl_clock_real()) + wait_ns;
    struct timespec until = {.tv_sec = until_ns / IFL_SECOND_NS,
                             .tv_nsec = until_ns % IFL_SECOND_NS};
    pthread_mutex_lock(&studio->lock);
    while (!job->done && (job->begun || !ifl_channel_retired(channel)) &&
           pthread_cond_timedwait(&studio->changed, &studio->lock, &until) == 0)
        ;
    bool done = job->done, begun = job->begun;
    if (done) {
        result = job->result;
        *delivered = job->delivered;
        job->delivered = NULL;
        if (error)
            *error = job->error;
    }
    pthread_mutex_unlock(&studio->lock);
    unref_job(job);
    if (done)
        return result;
    if (!begun && ifl_channel_retired(channel))
        return fail_removed(channel, error);
    return ifl_fail(error, IFL_ERR_TIMEOUT, "generate",
                    "the image was not ready in time; it will still be delivered to the dataset");
}

struct ifl_gallery *ifl_studio_gallery(struct ifl_studio *studio)
{
    return studio->gallery;
}

struct ifl_edge *ifl_studio_edge(struct ifl_studio *studio, int index)
{
    struct ifl_edge *const edges[] = {studio->jobs, studio->made, studio->accepted};
    return index < 3 ? edges[index] : NULL;
}

void ifl_studio_ledger(struct ifl_studio *studio, struct ifl_ledger_counts *counts)
{
    ifl_ledger_count(studio->ledger, counts);
}

void ifl_studio_forget(struct ifl_studio *studio)
{
    pthread_mutex_lock(&studio->lock);
    pthread_cond_broadcast(&studio->changed);
    pthread_mutex_unlock(&studio->lock);
}

bool ifl_studio_idle(struct ifl_studio *studio)
{
    struct ifl_roll roll;
    ifl_roster_call(studio->config.roster, &roll);
    bool idle = roll.count > 0;
    pthread_mutex_lock(&studio->lock);
    for (int i = 0; i < roll.count; i++)
        idle = idle && ifl_channel_plan(roll.channel[i])->last;
    pthread_mutex_unlock(&studio->lock);
    ifl_roll_drop(&roll);
    struct ifl_ledger_counts counts;
    ifl_ledger_count(studio->ledger, &counts);
    return idle && counts.in_flight == 0;
}

void ifl_studio_audit(struct ifl_studio *studio, struct ifl_channel *channel,
                      struct ifl_audit_summary *summary)
{
    pthread_mutex_lock(&studio->lock);
    ifl_audits_summary(&ifl_channel_plan(channel)->audits, summary);
    pthread_mutex_unlock(&studio->lock);
}

enum ifl_easing_step ifl_studio_easing(struct ifl_studio *studio)
{
    return __atomic_load_n(&studio->easing_shown, __ATOMIC_RELAXED);
}

double ifl_studio_likeness(struct ifl_studio *studio)
{
    pthread_mutex_lock(&studio->lock);
    double likeness = studio->likeness;
    pthread_mutex_unlock(&studio->lock);
    return likeness;
}

double ifl_studio_latency(struct ifl_studio *studio)
{
    pthread_mutex_lock(&studio->lock);
    double latency = studio->latency_seconds;
    pthread_mutex_unlock(&studio->lock);
    return latency;
}
