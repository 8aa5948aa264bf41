// SPDX-License-Identifier: Apache-2.0
#include "fake_pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "core/journal.h"
#include "core/options.h"

static const char *const names[] = {"cam", "gate"};

static int64_t now_ns(void)
{
    return ifl_now_ns(ifl_clock_real());
}

// Under the lock: waits until something changes or the moment.
static void wait_until(struct ifl_pipeline *fake, int64_t until_ns)
{
    struct timespec until = {until_ns / IFL_SECOND_NS, until_ns % IFL_SECOND_NS};
    pthread_cond_timedwait(&fake->changed, &fake->lock, &until);
}

struct ifl_pipeline *fake_create(void)
{
    struct ifl_pipeline *fake = calloc(1, sizeof *fake);
    pthread_mutex_init(&fake->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&fake->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    fake->sources = 2;
    fake->width = 320;
    fake->height = 180;
    fake->profiled = true;
    fake->config = ifl_config_create();
    fake->journal = ifl_journal_create(ifl_clock_real());
    fake->frames_from_ns = now_ns() - IFL_SECOND_NS;
    return fake;
}

void fake_destroy(struct ifl_pipeline *fake)
{
    for (int i = 0; i < fake->images; i++)
        ifl_delivered_unref(fake->image[i]);
    ifl_config_destroy(fake->config);
    ifl_journal_destroy(fake->journal);
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

void fake_stop(struct ifl_pipeline *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->stopped = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void fake_hold(struct ifl_pipeline *fake, bool hold)
{
    pthread_mutex_lock(&fake->lock);
    fake->hold_generate = hold;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

int fake_images(struct ifl_pipeline *fake)
{
    pthread_mutex_lock(&fake->lock);
    int images = fake->images;
    pthread_mutex_unlock(&fake->lock);
    return images;
}

int fake_generating(struct ifl_pipeline *fake)
{
    pthread_mutex_lock(&fake->lock);
    int generating = fake->generating;
    pthread_mutex_unlock(&fake->lock);
    return generating;
}

// ---- sources ----

const char *ifl_source_state_name(enum ifl_source_state state)
{
    return state == IFL_SOURCE_LIVE ? "live" : "connecting";
}

int ifl_pipeline_sources(struct ifl_pipeline *fake, struct ifl_source_status *rows, int most)
{
    for (int i = 0; i < fake->sources && i < most; i++) {
        rows[i] = (struct ifl_source_status){.state = IFL_SOURCE_LIVE,
                                             .last_frame_age_seconds = i ? NAN : 0.04,
                                             .rate = 10,
                                             .frames = 1234,
                                             .loops = 1,
                                             .width = fake->width,
                                             .height = fake->height,
                                             .audit = {.images = 3, .verdict = {2, 0, 0, 1}}};
        rows[i].audit.median[IFL_AUDIT_support_2] = 0.75;
        rows[i].audit.worst[IFL_AUDIT_nearest_rms] = NAN;
        snprintf(rows[i].name, sizeof rows[i].name, "%s", names[i]);
        snprintf(rows[i].uri, sizeof rows[i].uri, "rtsp://camera.example/%d", i);
        snprintf(rows[i].reason, sizeof rows[i].reason, "%s", i ? "no frame yet" : "");
    }
    return fake->sources;
}

// A texture that JPEG can't make small; the serial moves it.
static struct ifl_frame *make_frame(const struct ifl_pipeline *fake, const char *source,
                                    uint64_t serial)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, fake->width, fake->height);
    for (int p = 0; frame && p < 3; p++) {
        int width, height;
        ifl_plane_size(frame->format, frame->width, frame->height, p, &width, &height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                uint8_t *sample = (uint8_t *)(size_t)frame->plane[p] + y * frame->stride[p] + x;
                *sample = p ? 128 : (uint8_t)((x * 7 ^ y * 13) + (x * y >> 3) + (int)serial);
            }
    }
    if (!frame)
        return NULL;
    frame->range = IFL_RANGE_FULL;
    frame->sequence = serial;
    frame->capture_wall_ns = (int64_t)serial * IFL_MILLISECOND_NS;
    snprintf(frame->source, sizeof frame->source, "%s", source);
    return frame;
}

// One every FAKE_FRAME_MS.
struct ifl_frame *ifl_pipeline_frame(struct ifl_pipeline *fake, const char *source,
                                     uint64_t *serial, int64_t wait_ns)
{
    int64_t until_ns = now_ns() + wait_ns;
    struct ifl_frame *frame = NULL;
    pthread_mutex_lock(&fake->lock);
    for (;;) {
        int64_t now = now_ns();
        uint64_t newest = 0;
        if (fake->frames_from_ns)
            newest =
                (uint64_t)((now - fake->frames_from_ns) / (FAKE_FRAME_MS * IFL_MILLISECOND_NS));
        if (!fake->stopped && newest > *serial) {
            *serial = newest;
            frame = make_frame(fake, source ? source : names[0], newest);
            break;
        }
        if (fake->stopped || now >= until_ns)
            break;
        int64_t soon_ns = now + 5 * IFL_MILLISECOND_NS;
        wait_until(fake, soon_ns < until_ns ? soon_ns : until_ns);
    }
    pthread_mutex_unlock(&fake->lock);
    return frame;
}

// ---- the rest of what it shows ----

void ifl_pipeline_summary(struct ifl_pipeline *fake, struct ifl_summary *summary)
{
    (void)fake;
    *summary = (struct ifl_summary){.edges = 1, .requested = 9, .delivered = 7, .rejected = 1};
    summary->failed = 0;
    summary->in_flight = 1;
    summary->rejected_by[0].reason = "sharpness";
    summary->rejected_by[0].count = 3;
    summary->reasons = 1;
    summary->likeness = NAN;
    struct ifl_flow_row *row = &summary->edge[0];
    snprintf(row->source, sizeof row->source, "cam");
    row->from = "ingest";
    row->to = "profile";
    row->received = 100;
    row->passed = 95;
    row->busy = 1;
    row->dropped_total = 4;
    row->dropped[0].reason = "queue_full";
    row->dropped[0].count = 4;
    row->reasons = 1;
}

struct ifl_profile *ifl_pipeline_profile(struct ifl_pipeline *fake, const char *source, bool fresh,
                                         int64_t wait_ns)
{
    (void)fresh, (void)wait_ns;
    if (!fake->profiled)
        return NULL;
    struct ifl_profile *profile = calloc(1, sizeof *profile);
    if (profile) {
        profile->refs = 1;
        snprintf(profile->source, sizeof profile->source, "%s", source ? source : names[0]);
    }
    return profile;
}

const char *ifl_history_name(enum ifl_history_series series)
{
    static const char *const series_names[] = {
        "brightness_mean", "contrast_mean", "color_temperature", "laplacian_variance", "objects"};
    return series_names[series];
}

// As many points as profiles were published, a second apart.
int ifl_pipeline_history(struct ifl_pipeline *fake, const char *source,
                         struct ifl_history_point *points, int most)
{
    (void)source;
    pthread_mutex_lock(&fake->lock);
    int all = fake->profiles;
    pthread_mutex_unlock(&fake->lock);
    int count = all < most ? all : most;
    for (int i = 0; i < count; i++) {
        int number = all - count + i + 1;
        points[i] = (struct ifl_history_point){
            .wall_ns = number * IFL_SECOND_NS, .frames = (uint64_t)number, .occupancy_rate = 0.5};
        points[i].value[IFL_HISTORY_BRIGHTNESS] = (struct ifl_history_value){0.5, 0.25, 0.75};
    }
    return count;
}

// ---- incidents ----

int ifl_pipeline_incidents(struct ifl_pipeline *fake, const char *source, int kind, bool lasting,
                           uint64_t changed_after, struct ifl_incident *incidents, int most)
{
    struct ifl_journal_filter filter = {
        .source = source, .kind = kind, .lasting = lasting, .changed_after = changed_after};
    return ifl_journal_read(fake->journal, &filter, incidents, most);
}

bool ifl_pipeline_incident(struct ifl_pipeline *fake, uint64_t id, struct ifl_incident *incident)
{
    return ifl_journal_find(fake->journal, id, incident);
}

uint64_t ifl_pipeline_incident_serial(struct ifl_pipeline *fake)
{
    return ifl_journal_serial(fake->journal);
}

void fake_publish(struct ifl_pipeline *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->profiles++;
    pthread_mutex_unlock(&fake->lock);
}

char *ifl_profile_json(const struct ifl_profile *profile)
{
    char text[128];
    snprintf(text, sizeof text, "{\"schema\": \"inferloop.profile/1\", \"source\": \"%s\"}",
             profile->source);
    return strdup(text);
}

void ifl_pipeline_ready(struct ifl_pipeline *fake, char reason[160])
{
    memcpy(reason, fake->not_ready, 160);
}

char *ifl_pipeline_metrics(struct ifl_pipeline *fake)
{
    (void)fake;
    return strdup("# HELP inferloop_processing_latency_seconds x\n"
                  "# TYPE inferloop_processing_latency_seconds gauge\n"
                  "inferloop_processing_latency_seconds 0.5\n");
}

// ---- images ----

void ifl_delivered_unref(struct ifl_delivered *delivered)
{
    if (!delivered || __atomic_sub_fetch(&delivered->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ifl_synthetic_fini(&delivered->synthetic);
    free(delivered);
}

static struct ifl_delivered *ref(struct ifl_delivered *delivered)
{
    __atomic_add_fetch(&delivered->refs, 1, __ATOMIC_RELAXED);
    return delivered;
}

static struct ifl_delivered *make_image(const char *source, const char *name,
                                        const struct ifl_request *request)
{
    struct ifl_delivered *made = calloc(1, sizeof *made);
    struct ifl_synthetic *synthetic = &made->synthetic;
    made->refs = 1;
    snprintf(made->name, sizeof made->name, "%s", name);
    synthetic->request = *request;
    synthetic->image = ifl_image_create(request->width ? request->width : 64,
                                        request->height ? request->height : 36);
    for (int i = 0; i < synthetic->image->width * synthetic->image->height; i++)
        memcpy(synthetic->image->rgb + 3 * i, (uint8_t[]){200, (uint8_t)(i & 63), 40}, 3);
    snprintf(synthetic->engine, sizeof synthetic->engine, "analytic");
    snprintf(synthetic->source, sizeof synthetic->source, "%s", source);
    snprintf(synthetic->profile_id, sizeof synthetic->profile_id, "0123456789abcdef");
    synthetic->attempt = 1;
    synthetic->likeness = NAN;
    return made;
}

// Takes the reference.
static void add_image(struct ifl_pipeline *fake, struct ifl_delivered *made)
{
    pthread_mutex_lock(&fake->lock);
    made->serial = (uint64_t)fake->images + 1;
    fake->image[fake->images++] = made;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

void fake_deliver(struct ifl_pipeline *fake, const char *source, const char *name,
                  const struct ifl_request *request)
{
    add_image(fake, make_image(source, name, request));
}

int ifl_pipeline_images(struct ifl_pipeline *fake, const char *source, int skip,
                        struct ifl_delivered **images, int most)
{
    int count = 0;
    pthread_mutex_lock(&fake->lock);
    for (int i = fake->images - 1; i >= 0 && count < most; i--)
        if ((!source || strcmp(fake->image[i]->synthetic.source, source) == 0) && skip-- <= 0)
            images[count++] = ref(fake->image[i]);
    pthread_mutex_unlock(&fake->lock);
    return count;
}

struct ifl_delivered *ifl_pipeline_image(struct ifl_pipeline *fake, const char *name)
{
    struct ifl_delivered *found = NULL;
    pthread_mutex_lock(&fake->lock);
    for (int i = 0; i < fake->images && !found; i++)
        if (strcmp(fake->image[i]->name, name) == 0)
            found = ref(fake->image[i]);
    pthread_mutex_unlock(&fake->lock);
    return found;
}

struct ifl_delivered *ifl_pipeline_newest(struct ifl_pipeline *fake, const char *source,
                                          uint64_t *serial, int64_t wait_ns)
{
    (void)source;
    int64_t until_ns = now_ns() + wait_ns;
    struct ifl_delivered *found = NULL;
    pthread_mutex_lock(&fake->lock);
    while (!fake->stopped && now_ns() < until_ns && (uint64_t)fake->images <= *serial)
        wait_until(fake, until_ns);
    if (!fake->stopped && (uint64_t)fake->images > *serial) {
        *serial = (uint64_t)fake->images;
        found = ref(fake->image[fake->images - 1]);
    }
    pthread_mutex_unlock(&fake->lock);
    return found;
}

void ifl_pipeline_request_init(struct ifl_pipeline *fake, struct ifl_request *request)
{
    (void)fake;
    ifl_request_init(request);
}

static enum ifl_result fail_as_told(struct ifl_pipeline *fake, struct ifl_error *error)
{
    if (fake->images == FAKE_IMAGES_MAX)
        return ifl_fail(error, IFL_ERR_BUSY, "generate", "the gallery of the test is full");
    if (fake->stopped)
        return ifl_fail(error, IFL_ERR_CANCELLED, "generate", "the pipeline has stopped");
    if (fake->hold_generate)
        return ifl_fail(error, IFL_ERR_TIMEOUT, "generate", "no image came in time");
    return ifl_fail(error, fake->generate_result, "generate", "as the test wants it");
}

enum ifl_result ifl_pipeline_generate(struct ifl_pipeline *fake, const char *source,
                                      const struct ifl_request *request, int64_t wait_ns,
                                      struct ifl_delivered **delivered, struct ifl_error *error)
{
    int64_t until_ns = now_ns() + wait_ns;
    pthread_mutex_lock(&fake->lock);
    fake->last_request = *request;
    snprintf(fake->last_source, sizeof fake->last_source, "%s", source ? source : names[0]);
    fake->generating++;
    while (fake->hold_generate && !fake->stopped && now_ns() < until_ns)
        wait_until(fake, until_ns);
    fake->generating--;
    bool fails = fake->stopped || fake->hold_generate || fake->generate_result != IFL_OK ||
                 fake->images == FAKE_IMAGES_MAX;
    enum ifl_result result = fails ? fail_as_told(fake, error) : IFL_OK;
    char name[64];
    snprintf(name, sizeof name, "made-%d.png", fake->images);
    pthread_mutex_unlock(&fake->lock);
    if (result != IFL_OK)
        return result;
    struct ifl_delivered *made = make_image(source ? source : names[0], name, request);
    *delivered = ref(made);
    add_image(fake, made);
    return IFL_OK;
}

// ---- changes ----

static enum ifl_result note_change(struct ifl_pipeline *fake, const char *what, const char *name,
                                   const char *uri, struct ifl_error *error)
{
    pthread_mutex_lock(&fake->lock);
    snprintf(fake->changed_source, sizeof fake->changed_source, "%s %.100s%s%.100s", what, name,
             uri[0] ? " " : "", uri);
    enum ifl_result result = fake->change_result;
    pthread_mutex_unlock(&fake->lock);
    return result == IFL_OK ? IFL_OK : ifl_fail(error, result, "pipeline", "as the test wants it");
}

enum ifl_result ifl_pipeline_add_source(struct ifl_pipeline *fake, const char *text,
                                        char name[IFL_SOURCE_NAME_MAX], struct ifl_error *error)
{
    enum ifl_result result = note_change(fake, "add", text, "", error);
    snprintf(name, IFL_SOURCE_NAME_MAX, "gate");
    return result;
}

enum ifl_result ifl_pipeline_remove_source(struct ifl_pipeline *fake, const char *name,
                                           struct ifl_error *error)
{
    return note_change(fake, "remove", name, "", error);
}

enum ifl_result ifl_pipeline_change_source(struct ifl_pipeline *fake, const char *name,
                                           const char *uri, struct ifl_error *error)
{
    return note_change(fake, "change", name, uri, error);
}

enum ifl_result ifl_pipeline_accept_drift(struct ifl_pipeline *fake, const char *name,
                                          struct ifl_error *error)
{
    return note_change(fake, "accept", name, "", error);
}

enum ifl_result ifl_pipeline_reset_profile(struct ifl_pipeline *fake, const char *name,
                                           struct ifl_error *error)
{
    return note_change(fake, "reset", name, "", error);
}

enum ifl_result ifl_pipeline_drift(struct ifl_pipeline *fake, const char *name,
                                   struct ifl_drift_status *status, struct ifl_error *error)
{
    (void)fake;
    if (strcmp(name, "gate") != 0)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "pipeline", "there is no source \"%.60s\"", name);
    *status =
        (struct ifl_drift_status){.state = IFL_DRIFT_WATCHING, .learned = 1, .evidence = 0.25};
    return IFL_OK;
}

const char *ifl_drift_state_name(enum ifl_drift_state state)
{
    return state == IFL_DRIFT_WATCHING ? "watching" : "learning";
}

enum ifl_result ifl_pipeline_configure(struct ifl_pipeline *fake, const char *const *options,
                                       const char *const *values, int count,
                                       struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < count && result == IFL_OK; i++)
        result = ifl_option_set(fake->config, ifl_option_find(options[i], strlen(options[i])),
                                values[i], IFL_FROM_HTTP, error);
    return result;
}

struct ifl_config *ifl_pipeline_config(struct ifl_pipeline *fake)
{
    struct ifl_config *copy = ifl_config_create();
    char text[8192];
    for (int i = 0; copy && i < IFL_OPTION_COUNT; i++)
        if (ifl_option_text(fake->config, i, 0, text, sizeof text) &&
            ifl_option_set(copy, i, text, fake->config->origin[i], NULL) != IFL_OK)
            abort();
    return copy;
}

enum ifl_result ifl_profile_save(const struct ifl_profile *profile, const char *path,
                                 struct ifl_error *error)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return ifl_fail(error, IFL_ERR_IO, "profile", "no file");
    fprintf(file, "a profile of %s", profile->source);
    fclose(file);
    return IFL_OK;
}
