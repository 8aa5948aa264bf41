// SPDX-License-Identifier: Apache-2.0
// The profiler joins the parts of this room: one frame goes through statistics, scene, tracker and
// memory; then the plate learns some rows and one frame of the memory is labelled anew.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "core/profile.h"
#include "profile/identify.h"
#include "profile/modeler.h"
#include "profile/pyramid.h"
#include "profile/refine.h"
#include "profile/track.h"

static const char stage[] = "profile";

enum { BASE_AREA_MIN = 32 * 18, BASE_AREA_MAX = 1024 * 1024, SAMPLES_LEAST = 12 };

struct ifl_profiler {
    struct ifl_profiler_config config;
    char source[IFL_SOURCE_NAME_MAX];
    char licence[96];
    uint64_t frames_seen, frames_profiled;
    int64_t first_wall_ns, last_wall_ns;
    uint32_t loop; // of the newest frame
    uint64_t media_index;
    struct ifl_extractor *extractor; // NULL until a frame comes without its features
    struct ifl_modeler *modeler;
    struct ifl_scene *scene; // NULL before the first frame
    struct ifl_tracker *tracker;
    struct ifl_events events;
    struct ifl_visits visits;
    struct ifl_memory memory;
    struct ifl_refiner refiner;
};

void ifl_profiler_config_init(struct ifl_profiler_config *config)
{
    *config = (struct ifl_profiler_config){
        .source = "", .base_area = 256 * 144, .memory_frames = 128, .window_frames = 3000};
}

static enum ifl_result check_range(struct ifl_error *error, const char *name, int value, int least,
                                   int greatest)
{
    if (value >= least && value <= greatest)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, stage, "%s is %d; give a number from %d to %d", name,
                    value, least, greatest);
}

static enum ifl_result check_config(const struct ifl_profiler_config *config,
                                    struct ifl_error *error)
{
    enum ifl_result result = check_range(error, "the class (pixels of the finest level)",
                                         config->base_area, BASE_AREA_MIN, BASE_AREA_MAX);
    if (result == IFL_OK)
        result = check_range(error, "the number of memory frames", config->memory_frames,
                             IFL_MEMORY_MIN, IFL_MEMORY_MAX);
    if (result == IFL_OK)
        result =
            check_range(error, "the window in frames", config->window_frames, 1, IFL_WINDOW_MAX);
    return result;
}

// Cut to the field; what JSON could not carry is replaced.
static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = from ? strlen(from) : 0;
    if (length >= size)
        length = size - 1;
    if (length)
        memcpy(to, from, length);
    to[length] = 0;
    json_t *text = json_string(to);
    if (!text)
        for (char *at = to; *at; at++)
            if (*at & 0x80)
                *at = '?';
    json_decref(text);
}

enum ifl_result ifl_profiler_create(const struct ifl_profiler_config *config,
                                    struct ifl_profiler **profiler, struct ifl_error *error)
{
    *profiler = NULL;
    enum ifl_result result = check_config(config, error);
    if (result != IFL_OK)
        return result;
    struct ifl_profiler *p = calloc(1, sizeof *p);
    if (!p)
        goto no_memory;
    p->config = *config;
    copy_text(p->source, sizeof p->source, config->source);
    copy_text(p->licence, sizeof p->licence, config->licence);
    p->config.source = p->config.licence = NULL;
    struct ifl_modeler_config modeler = {.window_frames = config->window_frames,
                                         .half_life_frames = fmax(config->window_frames / 10.0, 1),
                                         .seed = config->seed};
    if (ifl_modeler_create(&modeler, &p->modeler, error) != IFL_OK)
        goto no_memory;
    p->tracker = ifl_tracker_create();
    if (!p->tracker || ifl_events_init(&p->events) != 0 || ifl_visits_init(&p->visits) != 0 ||
        ifl_memory_init(&p->memory, config->memory_frames, config->window_frames) != 0)
        goto no_memory;
    *profiler = p;
    return IFL_OK;
no_memory:
    ifl_profiler_destroy(p);
    return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a profiler");
}

static void free_parts(struct ifl_profiler *p)
{
    ifl_extractor_destroy(p->extractor);
    ifl_modeler_destroy(p->modeler);
    ifl_scene_destroy(p->scene);
    ifl_tracker_destroy(p->tracker);
    ifl_events_fini(&p->events);
    ifl_visits_fini(&p->visits);
    ifl_memory_fini(&p->memory);
    free(p->refiner.label);
}

void ifl_profiler_destroy(struct ifl_profiler *profiler)
{
    if (!profiler)
        return;
    free_parts(profiler);
    free(profiler);
}

enum ifl_result ifl_profiler_reset(struct ifl_profiler *p, struct ifl_error *error)
{
    struct ifl_profiler *fresh;
    struct ifl_profiler_config config = p->config;
    config.source = p->source;
    config.licence = p->licence;
    enum ifl_result result = ifl_profiler_create(&config, &fresh, error);
    if (result != IFL_OK)
        return result;
    free_parts(p);
    *p = *fresh;
    free(fresh);
    return IFL_OK;
}

static enum ifl_result check_frame(const struct ifl_frame *frame, struct ifl_error *error)
{
    if (frame->format != IFL_PIXEL_YUV420P || frame->range != IFL_RANGE_FULL ||
        frame->matrix != IFL_MATRIX_BT601)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, stage,
                        "the frame is %s, not canonical (full-range BT.601 yuv420p); pass it "
                        "through ingest first",
                        ifl_pixel_format_name(frame->format));
    int least = frame->width < frame->height ? frame->width : frame->height;
    int most = frame->width > frame->height ? frame->width : frame->height;
    if (least < IFL_FRAME_SIDE_MIN || most > IFL_FRAME_SIDE_MAX)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, stage,
                        "the frame is %dx%d; each side must be %d to %d", frame->width,
                        frame->height, IFL_FRAME_SIDE_MIN, IFL_FRAME_SIDE_MAX);
    return IFL_OK;
}

// Another scene: nothing of the old one fits to it. Statistics go on.
static void begin_scene(struct ifl_profiler *p)
{
    ifl_scene_reset(p->scene);
    ifl_tracker_clear(p->tracker);
    ifl_memory_reset(&p->memory, &p->events, p->scene->levels, p->scene->level_width,
                     p->scene->level_height);
    for (int i = 0; i < p->events.count; i++)
        p->events.row[i].alive = 0;
    p->memory.next_recent = (int64_t)p->frames_seen;
    p->refiner.last = 0;
}

static enum ifl_result fit_scene(struct ifl_profiler *p, const struct ifl_frame *frame,
                                 struct ifl_error *error)
{
    if (p->scene && p->scene->source_width == frame->width &&
        p->scene->source_height == frame->height)
        return IFL_OK;
    struct ifl_scene *scene = ifl_scene_create(frame->width, frame->height, p->config.base_area);
    uint8_t *label = scene ? malloc((size_t)scene->width * (size_t)scene->height) : NULL;
    if (!label) {
        ifl_scene_destroy(scene);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to profile %dx%d frames",
                        frame->width, frame->height);
    }
    ifl_scene_destroy(p->scene);
    free(p->refiner.label);
    p->scene = scene;
    p->refiner.label = label;
    begin_scene(p);
    return IFL_OK;
}

static void track(struct ifl_profiler *p, const struct ifl_frame *frame)
{
    struct ifl_scene *scene = p->scene;
    int cut =
        frame->loop != p->loop || (p->frames_profiled > 0 && frame->media_index < p->media_index);
    struct ifl_track_input input = {.rgb = scene->canonical,
                                    .label = scene->label,
                                    .width = scene->width,
                                    .height = scene->height,
                                    .media_index = frame->media_index,
                                    .frame = (int64_t)p->frames_seen,
                                    .looped = frame->loop > 0,
                                    .new_medium = cut};
    ifl_tracker_update(p->tracker, &p->events, &p->visits, &input, scene->component,
                       scene->components);
    p->loop = frame->loop;
    p->media_index = frame->media_index;
}

static enum ifl_result remember(struct ifl_profiler *p, const struct ifl_frame *frame,
                                struct ifl_error *error)
{
    struct ifl_scene *scene = p->scene;
    struct ifl_memory_input input = {.frame = frame,
                                     .number = (int64_t)p->frames_seen,
                                     .rgb = scene->canonical,
                                     .label = scene->label,
                                     .component = scene->component,
                                     .components = scene->components,
                                     .gain = scene->photometry.gain,
                                     .offset = scene->photometry.offset,
                                     .local = &scene->local};
    enum ifl_result result = ifl_memory_offer(&p->memory, &p->events, &input, error);
    if (ifl_scene_is_warm(scene))
        ifl_memory_count(&p->memory, &p->events, &input);
    return result;
}

// What a sample's pixels weigh. The recent frames are spread evenly over the time: what they show
// as foreground may still be the new ground, if it is nearly all that they show. The others were
// chosen for their objects, and say nothing by showing one.
static struct ifl_plate_sample sample_of(const struct ifl_slot *slot, int base, int with_labels)
{
    return (struct ifl_plate_sample){.rgb = slot->frame->level[base],
                                     .label = with_labels ? slot->frame->label : NULL,
                                     .ground_votes = slot->recent ? 3 : 1,
                                     .foreground_votes = slot->recent ? 1 : 0};
}

// Samples for the plate: the recent frames; the others too while those are few.
static int choose_samples(const struct ifl_memory *memory, struct ifl_plate_sample *sample,
                          int with_labels)
{
    int count = 0, recent = 0, base = memory->levels - 1;
    for (int i = 0; i < memory->count; i++)
        recent += memory->slot[i].recent;
    int all = recent < SAMPLES_LEAST, step = (recent - 1) / IFL_PLATE_SAMPLES + 1;
    for (int i = 0, seen = 0; i < memory->count && count < IFL_PLATE_SAMPLES; i++)
        if (all || (memory->slot[i].recent && seen++ % step == 0))
            sample[count++] = sample_of(&memory->slot[i], base, with_labels);
    return count;
}

static void learn(struct ifl_profiler *p)
{
    struct ifl_plate_sample sample[IFL_PLATE_SAMPLES] = {0};
    uint64_t frames = p->scene->frames;
    int count = choose_samples(&p->memory, sample, frames > IFL_SCENE_WARM_FRAMES);
    ifl_scene_learn(p->scene, sample, count);
    if (frames < IFL_SCENE_WARM_FRAMES)
        return;
    // The first plate worth the name: label all that was taken in without one.
    int slots = frames == IFL_SCENE_WARM_FRAMES ? p->memory.count : 1;
    for (int i = 0; i < slots; i++)
        ifl_refine(&p->refiner, p->scene, &p->memory, &p->events, &p->visits);
}

// Here and not in the snapshot, which shall be quick: one or two have changed.
static void hash_slots(struct ifl_profiler *p)
{
    size_t pixels = (size_t)p->scene->width * (size_t)p->scene->height;
    for (int i = 0; i < p->memory.count; i++) {
        struct ifl_slot *slot = &p->memory.slot[i];
        if (!slot->picture)
            slot->picture = ifl_identify_picture(slot->frame, p->scene->levels - 1, pixels);
        if (!slot->hash)
            slot->hash = ifl_identify_frame(slot->frame, slot->picture, pixels);
    }
}

enum ifl_result ifl_profiler_update(struct ifl_profiler *p, const struct ifl_frame *frame,
                                    struct ifl_error *error)
{
    struct ifl_features features;
    enum ifl_result result = check_frame(frame, error);
    if (result != IFL_OK)
        return result;
    if (!p->extractor && !(p->extractor = ifl_extractor_create()))
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to measure a frame");
    result = ifl_extractor_take(p->extractor, frame, &features, error);
    return result == IFL_OK ? ifl_profiler_take(p, frame, &features, IFL_VERDICT_GOOD, error)
                            : result;
}

static void count_frame(struct ifl_profiler *p, const struct ifl_frame *frame)
{
    if (p->frames_profiled++ == 0)
        p->first_wall_ns = frame->capture_wall_ns;
    p->last_wall_ns = frame->capture_wall_ns;
    p->frames_seen++;
}

enum ifl_result ifl_profiler_take(struct ifl_profiler *p, const struct ifl_frame *frame,
                                  const struct ifl_features *features, enum ifl_verdict verdict,
                                  struct ifl_error *error)
{
    enum ifl_result result = check_frame(frame, error);
    if (result == IFL_OK && verdict == IFL_VERDICT_HELD) {
        p->frames_seen++;
        return IFL_OK;
    }
    if (result == IFL_OK)
        result = fit_scene(p, frame, error);
    if (result != IFL_OK)
        return result;
    ifl_modeler_update(p->modeler, features);
    if (verdict == IFL_VERDICT_LIGHT) {
        count_frame(p, frame);
        return IFL_OK;
    }
    ifl_scene_look(p->scene, frame);
    if (p->scene->is_new) {
        begin_scene(p);
        ifl_scene_look(p->scene, frame);
    }
    track(p, frame);
    if (ifl_scene_is_warm(p->scene))
        ifl_modeler_add_foreground(p->modeler, p->scene->components, p->scene->foreground_share);
    result = remember(p, frame, error);
    learn(p);
    hash_slots(p);
    count_frame(p, frame);
    return result;
}

enum ifl_result ifl_profiler_keep(const struct ifl_profiler *profiler, const char *path,
                                  struct ifl_error *error)
{
    return ifl_modeler_save(profiler->modeler, path, error);
}

enum ifl_result ifl_profiler_resume(struct ifl_profiler *profiler, const char *path,
                                    struct ifl_error *error)
{
    return ifl_modeler_load(profiler->modeler, path, error);
}

bool ifl_profiler_detect_distribution_shift(struct ifl_profiler *profiler,
                                            struct ifl_distribution_shift *shift)
{
    return ifl_modeler_detect_distribution_shift(profiler->modeler, shift);
}

void ifl_profiler_foreground(const struct ifl_profiler *profiler, int *components, double *share)
{
    const struct ifl_scene *scene = profiler->scene;
    bool known = scene && ifl_scene_is_warm(scene);
    *components = known ? scene->components : 0;
    *share = known ? scene->foreground_share : 0;
}

// ---- snapshots ----

static int compare_slots(const void *left, const void *right)
{
    const struct ifl_slot *a = left, *b = right;
    if (a->frame->media_index != b->frame->media_index)
        return a->frame->media_index < b->frame->media_index ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int copy_plate(const struct ifl_scene *scene, struct ifl_profile *profile)
{
    profile->levels = scene->levels;
    memcpy(profile->level_width, scene->level_width, sizeof profile->level_width);
    memcpy(profile->level_height, scene->level_height, sizeof profile->level_height);
    for (int l = scene->levels - 1; l >= 0; l--) {
        size_t bytes = 3 * (size_t)scene->level_width[l] * (size_t)scene->level_height[l];
        uint8_t *to = malloc(bytes);
        if (!to)
            return -1;
        profile->plate[l] = to;
        if (l == scene->levels - 1)
            memcpy(to, scene->plate, bytes);
        else
            ifl_pyramid_halve(profile->plate[l + 1], scene->level_width[l + 1],
                              scene->level_height[l + 1], to);
    }
    return 0;
}

void ifl_profiler_forget(struct ifl_profiler *profiler, int64_t before_wall_ns)
{
    ifl_memory_forget(&profiler->memory, &profiler->events, before_wall_ns);
}

static int copy_memory(struct ifl_profiler *p, struct ifl_profile *profile, uint64_t *hash)
{
    struct ifl_slot sorted[IFL_MEMORY_MAX];
    double weight[IFL_MEMORY_MAX];
    struct ifl_memory_frame **frames = calloc((size_t)p->memory.count + 1, sizeof *frames);
    profile->memory = frames;
    profile->memory_weight = calloc((size_t)p->memory.count + 1, sizeof *profile->memory_weight);
    if (!frames || !profile->memory_weight)
        return -1;
    ifl_memory_weigh(&p->memory, weight);
    for (int i = 0; i < p->memory.count; i++) {
        sorted[i] = p->memory.slot[i];
        sorted[i].time = weight[i];
    }
    qsort(sorted, (size_t)p->memory.count, sizeof *sorted, compare_slots);
    for (int i = 0; i < p->memory.count; i++) {
        frames[i] = ifl_memory_frame_ref(sorted[i].frame);
        hash[i] = sorted[i].hash;
        profile->memory_weight[i] = (float)sorted[i].time;
    }
    profile->memory_frames = p->memory.count;
    return 0;
}

static int copy_events(struct ifl_profiler *p, struct ifl_profile *profile)
{
    struct ifl_event *event = calloc((size_t)p->events.count + 1, sizeof *event);
    if (!event)
        return -1;
    profile->identities = ifl_events_identify(&p->events);
    for (int i = 0; i < p->events.count; i++)
        if (p->events.row[i].memory_frames > 0)
            event[profile->events++] = p->events.row[i].event;
    profile->event = event;
    return 0;
}

enum ifl_result ifl_profiler_snapshot(struct ifl_profiler *p, struct ifl_profile **profile,
                                      struct ifl_error *error)
{
    uint64_t hash[IFL_MEMORY_MAX];
    *profile = NULL;
    if (p->frames_profiled == 0)
        return ifl_fail(error, IFL_ERR_NOT_READY, stage,
                        "no frame has been profiled yet; wait for the source's first one");
    struct ifl_profile *out = calloc(1, sizeof *out);
    if (!out)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a profile");
    out->refs = 1;
    memcpy(out->source, p->source, sizeof out->source);
    memcpy(out->licence, p->licence, sizeof out->licence);
    out->created_wall_ns = ifl_wall_ns(ifl_clock_real());
    out->first_wall_ns = p->first_wall_ns;
    out->last_wall_ns = p->last_wall_ns;
    out->frames_seen = p->frames_seen;
    out->frames_profiled = p->frames_profiled;
    out->source_width = p->scene->source_width;
    out->source_height = p->scene->source_height;
    out->analysed_share = out->complete_share = 1;
    ifl_modeler_read(p->modeler, out);
    if (copy_plate(p->scene, out) != 0 || copy_memory(p, out, hash) != 0 ||
        copy_events(p, out) != 0) {
        ifl_profile_unref(out);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a profile");
    }
    ifl_identify_profile(out, hash);
    *profile = out;
    return IFL_OK;
}
