// SPDX-License-Identifier: Apache-2.0
// The engine `analytic`: diffusion with the exact denoiser of the stream's own recent patches. No
// weights, no training. In: a profile with frame memory, requests. Out: images. One engine serves
// any number of threads; an image is made on one of them.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "generate/builtin.h"
#include "generate/denoise.h"
#include "generate/ground.h"
#include "generate/layout.h"
#include "generate/lights.h"
#include "generate/memory.h"
#include "generate/objects.h"
#include "generate/occupancy.h"
#include "generate/photometry.h"
#include "generate/resample.h"
#include "generate/support.h"
#include "kernels/local_light.h"

#define STAGE "generate"

enum { LAYOUT_STREAM, LIGHT_STREAM, OBJECT_STREAM, NOISE_STREAM, PILOT_STREAM };
enum { MODES = IFL_PRIVACY_K_ANONYMOUS + 1 };

static const double UNCERTAIN_MOST = 0.03; // of the background, before images say so

struct analytic {
    struct ifl_memory *memory;
    struct ifl_lights lights;
    double ground;               // known share of it
    pthread_mutex_t lock;        // guards what is below, made when it is first needed
    struct ifl_support *support; // k-anonymous
    struct ifl_objects *objects; // deidentify
    struct ifl_gauge *gauge;     // of occupancy
    struct {
        int k; // that it was measured with; 0: not yet
        struct ifl_occupancy_curve shown;
    } occupancy[MODES];
};

static void destroy(void *self)
{
    struct analytic *engine = self;
    if (!engine)
        return;
    ifl_gauge_destroy(engine->gauge);
    ifl_support_destroy(engine->support);
    ifl_objects_destroy(engine->objects);
    ifl_memory_destroy(engine->memory);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

static enum ifl_result create(const struct ifl_profile *profile, void **self,
                              struct ifl_error *error)
{
    struct ifl_memory *memory;
    enum ifl_result result = ifl_memory_create(profile, &memory, error);
    if (result != IFL_OK)
        return result;
    struct analytic *engine = calloc(1, sizeof *engine);
    if (!engine || pthread_mutex_init(&engine->lock, NULL) != 0) {
        free(engine);
        ifl_memory_destroy(memory);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory for the engine");
    }
    engine->memory = memory;
    ifl_lights_find(profile, &engine->lights);
    engine->ground = ifl_ground_known(profile);
    *self = engine;
    return IFL_OK;
}

static enum ifl_result need_support(struct analytic *engine, struct ifl_error *error)
{
    pthread_mutex_lock(&engine->lock);
    if (!engine->support)
        engine->support = ifl_support_create(engine->memory);
    bool done = engine->support != NULL;
    pthread_mutex_unlock(&engine->lock);
    return done ? IFL_OK : ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory to count events");
}

static enum ifl_result need_objects(struct analytic *engine, struct ifl_error *error)
{
    pthread_mutex_lock(&engine->lock);
    enum ifl_result result = IFL_OK;
    if (!engine->objects)
        result = ifl_objects_create(engine->memory->profile, &engine->objects, error);
    pthread_mutex_unlock(&engine->lock);
    return result;
}

// One image on its way.
struct job {
    struct analytic *engine;
    const struct ifl_request *request;
    struct ifl_conditioning conditioning;
    struct ifl_synthetic *synthetic; // to be filled
    struct ifl_audit *audit;         // its
    struct ifl_rng scene;            // decides what stands where
    int level;                       // that is rendered
    uint8_t *picture;                // of that level
};

static const struct ifl_grid *job_grid(const struct job *job)
{
    return &job->engine->memory->grid[job->level];
}

// The level whose area is nearest to the wanted one, as a ratio.
static int choose_level(const struct ifl_memory *memory, const struct ifl_request *request)
{
    int best = ifl_base_level(memory);
    if (request->width == 0)
        return best;
    double wanted = (double)request->width * request->height, least = INFINITY;
    for (int l = 0; l < memory->levels; l++) {
        double area = (double)memory->grid[l].width * memory->grid[l].height;
        double ratio = area > wanted ? area / wanted : wanted / area;
        if (ratio <= least) {
            least = ratio;
            best = l;
        }
    }
    return best;
}

static enum ifl_result render_patches(struct job *job, const struct ifl_support *support,
                                      struct ifl_error *error)
{
    const struct ifl_memory *memory = job->engine->memory;
    struct ifl_layout_config config = {.occupancy_weight = job->conditioning.occupancy_weight,
                                       .support = support,
                                       .k = job->request->k};
    struct ifl_denoise_config denoise = {.seed = job->request->seed,
                                         .level = job->level,
                                         .support = support,
                                         .k = job->request->k,
                                         .steps = job->request->steps};
    struct ifl_layout layout;
    enum ifl_result result = ifl_layout_init(&layout, memory, error);
    if (result != IFL_OK)
        return result;
    ifl_layout_make(memory, &config, &job->scene, &layout);
    job->audit->objects = layout.objects;
    job->audit->objects_refused = layout.refused;
    result = ifl_denoise(memory, &denoise, &layout, job->picture, error);
    ifl_layout_fini(&layout);
    return result;
}

// Plates are means: without the stream's grain they would look painted.
static void add_grain(struct job *job)
{
    const struct ifl_memory *memory = job->engine->memory;
    double sigma = ldexp(memory->grain_sigma, job->level - ifl_base_level(memory));
    ifl_add_grain(memory, sigma, job->request->seed, job->picture,
                  job_grid(job)->width * job_grid(job)->height);
}

static enum ifl_result render_verbatim(struct job *job, struct ifl_error *error)
{
    return render_patches(job, NULL, error);
}

static enum ifl_result render_anonymous(struct job *job, struct ifl_error *error)
{
    enum ifl_result result = need_support(job->engine, error);
    if (result == IFL_OK)
        result = render_patches(job, job->engine->support, error);
    if (result != IFL_OK)
        return result;
    add_grain(job);
    if (job->audit->objects == 0 && job->audit->objects_refused > 0)
        snprintf(job->audit->note, sizeof job->audit->note,
                 "plate only: %d objects left out, none of them looks like what %d events showed "
                 "at its place",
                 job->audit->objects_refused, job->request->k);
    return IFL_OK;
}

static enum ifl_result render_deidentified(struct job *job, struct ifl_error *error)
{
    enum ifl_result result = need_objects(job->engine, error);
    if (result != IFL_OK)
        return result;
    const struct ifl_grid *grid = job_grid(job);
    memcpy(job->picture, job->engine->memory->profile->plate[job->level],
           (size_t)grid->stride_samples * (size_t)grid->height);
    result =
        ifl_objects_paint(job->engine->objects, job->request->k, job->conditioning.occupancy_weight,
                          &job->scene, job->picture, job->audit, error);
    if (result == IFL_OK)
        add_grain(job);
    return result;
}

// Who makes pilots: what an image of the mode shows before it is rendered, or all but its grain.
struct pilot {
    const struct analytic *engine;
    enum ifl_privacy privacy;
    int k;
    struct ifl_layout layout; // where real content is recombined
};

static enum ifl_result pilot_layout(void *context, double weight, uint64_t seed, uint8_t *picture,
                                    double *recorded, struct ifl_error *error)
{
    struct pilot *pilot = context;
    const struct ifl_memory *memory = pilot->engine->memory;
    const struct ifl_grid *grid = &memory->grid[ifl_base_level(memory)];
    struct ifl_layout_config config = {.occupancy_weight = weight, .k = pilot->k};
    struct ifl_rng rng;
    (void)error;
    if (pilot->privacy == IFL_PRIVACY_K_ANONYMOUS)
        config.support = pilot->engine->support;
    ifl_rng_split(&rng, seed, PILOT_STREAM);
    ifl_layout_make(memory, &config, &rng, &pilot->layout);
    memcpy(picture, pilot->layout.picture, (size_t)grid->width * (size_t)grid->height * 3);
    *recorded = (double)pilot->layout.recorded / ((double)grid->width * grid->height);
    return IFL_OK;
}

static enum ifl_result pilot_objects(void *context, double weight, uint64_t seed, uint8_t *picture,
                                     double *recorded, struct ifl_error *error)
{
    struct pilot *pilot = context;
    const struct ifl_memory *memory = pilot->engine->memory;
    int base = ifl_base_level(memory);
    const struct ifl_grid *grid = &memory->grid[base];
    struct ifl_audit audit;
    struct ifl_rng rng;
    ifl_rng_split(&rng, seed, PILOT_STREAM);
    int frame = ifl_objects_frame(pilot->engine->objects, weight, rng);
    *recorded = memory->crowd_mean + memory->crowd_deviation * memory->crowd[frame];
    memcpy(picture, memory->profile->plate[base], (size_t)grid->width * (size_t)grid->height * 3);
    return ifl_objects_paint(pilot->engine->objects, pilot->k, weight, &rng, picture, &audit,
                             error);
}

static const struct {
    ifl_pilot_fn *make;
    int count; // at each weight: they vary more where a layout is of two or three frames
} pilots[MODES] = {
    [IFL_PRIVACY_VERBATIM] = {pilot_layout, 48},
    [IFL_PRIVACY_DEIDENTIFY] = {pilot_objects, 16},
    [IFL_PRIVACY_K_ANONYMOUS] = {pilot_layout, 48},
};

static enum ifl_result open_pilot(const struct job *job, struct pilot *pilot,
                                  struct ifl_error *error)
{
    *pilot =
        (struct pilot){.engine = job->engine,
                       .privacy = job->request->privacy,
                       .k = job->request->privacy == IFL_PRIVACY_VERBATIM ? 1 : job->request->k};
    return pilots[pilot->privacy].make == pilot_layout
               ? ifl_layout_init(&pilot->layout, job->engine->memory, error)
               : IFL_OK;
}

static void close_pilot(struct pilot *pilot)
{
    if (pilots[pilot->privacy].make == pilot_layout)
        ifl_layout_fini(&pilot->layout);
}

static enum ifl_result measure_occupancy(struct analytic *engine, struct pilot *pilot,
                                         struct ifl_occupancy_curve *shown, struct ifl_error *error)
{
    if (!engine->gauge)
        engine->gauge = ifl_gauge_create(engine->memory);
    if (!engine->gauge)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory to measure occupancy");
    enum ifl_result result =
        ifl_occupancy_measure(engine->memory, pilots[pilot->privacy].make, pilot,
                              pilots[pilot->privacy].count, engine->gauge, shown, error);
    if (pilot->privacy == IFL_PRIVACY_DEIDENTIFY)
        shown->alone = shown->shown[0]; // objects are as large, whoever else is there
    return result;
}

static enum ifl_result need_occupancy(struct analytic *engine, struct pilot *pilot,
                                      struct ifl_occupancy_curve *shown, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    pthread_mutex_lock(&engine->lock);
    if (engine->occupancy[pilot->privacy].k != pilot->k) {
        result = measure_occupancy(engine, pilot, &engine->occupancy[pilot->privacy].shown, error);
        engine->occupancy[pilot->privacy].k = result == IFL_OK ? pilot->k : 0;
    }
    *shown = engine->occupancy[pilot->privacy].shown;
    pthread_mutex_unlock(&engine->lock);
    return result;
}

// The weight of crowded frames at which a set of images has the asked occupancy on average, and of
// some scenes drawn with it the nearest.
static enum ifl_result choose_scene(struct job *job, struct pilot *pilot, struct ifl_error *error)
{
    double target = job->request->target[IFL_TARGET_occupancy];
    struct ifl_occupancy_curve shown;
    struct ifl_scene scene = {0};
    enum ifl_result result = need_occupancy(job->engine, pilot, &shown, error);
    if (result != IFL_OK)
        return result;
    double weight = ifl_occupancy_weight_for(job->engine->memory, &shown, target);
    result = ifl_occupancy_choose(job->engine->gauge, pilots[pilot->privacy].make, pilot, weight,
                                  target, job->request->seed, &scene, error);
    if (result != IFL_OK)
        return result;
    job->conditioning.occupancy_weight = weight;
    ifl_rng_split(&job->scene, scene.seed, PILOT_STREAM);
    job->synthetic->attained[IFL_TARGET_occupancy] = ifl_attained_occupancy(target, scene.share);
    return IFL_OK;
}

static enum ifl_result aim_occupancy(struct job *job, struct ifl_error *error)
{
    struct pilot pilot;
    enum ifl_result result = IFL_OK;
    if (job->request->privacy == IFL_PRIVACY_DEIDENTIFY)
        result = need_objects(job->engine, error);
    else if (job->request->privacy == IFL_PRIVACY_K_ANONYMOUS)
        result = need_support(job->engine, error);
    if (result == IFL_OK)
        result = open_pilot(job, &pilot, error);
    if (result != IFL_OK)
        return result;
    result = choose_scene(job, &pilot, error);
    close_pilot(&pilot);
    return result;
}

typedef enum ifl_result (*render_fn)(struct job *job, struct ifl_error *error);
static const render_fn renderers[] = {
    [IFL_PRIVACY_VERBATIM] = render_verbatim,
    [IFL_PRIVACY_DEIDENTIFY] = render_deidentified,
    [IFL_PRIVACY_K_ANONYMOUS] = render_anonymous,
};

static bool asks_for_look(const struct ifl_conditioning *asked)
{
    return asked->brightness_offset != 0 || asked->contrast_factor != 1 ||
           asked->saturation_factor != 1 || asked->color_temperature_factor != 1 ||
           asked->sharpness_factor != 1 || asked->haze_offset != 0 || asked->noise_offset != 0;
}

// What is left of the contrast when words change the brightness: a darker or brighter picture has
// less room, and the old contrast would crush it.
static double natural_contrast(double now, double target)
{
    if (isnan(target) || now <= 0 || now >= 1)
        return 1;
    return target < now ? target / now : (1 - target) / (1 - now);
}

static double within(double value, double least, double greatest)
{
    return fmin(fmax(value, least), greatest);
}

// What words ask of a picture that looks like `now`; NAN where they say nothing. They go at most
// half of the way to black or white: beyond that eight bits hold too little of the picture.
static void translate(const struct ifl_conditioning *asked, const struct ifl_look *now,
                      struct ifl_look *target)
{
    const double *is = now->value;
    double *wanted = target->value, bright = is[IFL_TARGET_brightness];
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        wanted[a] = NAN;
    if (asked->brightness_offset != 0)
        wanted[IFL_TARGET_brightness] =
            within(bright + asked->brightness_offset, bright / 2, (1 + bright) / 2);
    if (asked->contrast_factor != 1)
        wanted[IFL_TARGET_contrast] =
            fmin(is[IFL_TARGET_contrast] * asked->contrast_factor *
                     natural_contrast(is[IFL_TARGET_brightness], wanted[IFL_TARGET_brightness]),
                 1);
    if (asked->saturation_factor != 1)
        wanted[IFL_TARGET_saturation] =
            fmin(is[IFL_TARGET_saturation] * asked->saturation_factor, 1);
    if (asked->color_temperature_factor != 1)
        wanted[IFL_TARGET_color_temperature] =
            within(is[IFL_TARGET_color_temperature] * asked->color_temperature_factor, 1500, 20000);
    if (asked->sharpness_factor != 1)
        wanted[IFL_TARGET_sharpness] =
            fmin(is[IFL_TARGET_sharpness] * asked->sharpness_factor, 65025);
    if (asked->haze_offset != 0)
        wanted[IFL_TARGET_haze] = within(is[IFL_TARGET_haze] + asked->haze_offset, 0, 0.9);
    if (asked->noise_offset != 0)
        wanted[IFL_TARGET_noise] = within(is[IFL_TARGET_noise] + asked->noise_offset, 0, 100);
}

// The request's own targets win over what the prompt asks.
static void find_targets(const struct job *job, struct ifl_meter *meter,
                         const struct ifl_image *image, struct ifl_look *target)
{
    struct ifl_look now;
    ifl_look_measure(meter, image->rgb, &now);
    translate(&job->conditioning, &now, target);
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        if (!isnan(job->request->target[a]))
            target->value[a] = job->request->target[a];
}

static bool asks(const struct job *job)
{
    bool asked = asks_for_look(&job->conditioning);
    for (int a = 0; a < IFL_LOOK_COUNT; a++)
        asked |= !isnan(job->request->target[a]);
    return asked;
}

static enum ifl_result keep_plain(struct ifl_synthetic *synthetic, const struct ifl_image *image,
                                  struct ifl_error *error)
{
    synthetic->plain = ifl_image_create(image->width, image->height);
    if (!synthetic->plain)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory for an image");
    memcpy(synthetic->plain->rgb, image->rgb, (size_t)image->width * (size_t)image->height * 3);
    return IFL_OK;
}

static enum ifl_result condition(struct job *job, struct ifl_image *image, struct ifl_error *error)
{
    struct ifl_meter *meter = ifl_meter_create(image->width, image->height);
    if (!meter)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory to measure an image");
    struct ifl_look target;
    find_targets(job, meter, image, &target);
    enum ifl_result result = keep_plain(job->synthetic, image, error);
    if (result == IFL_OK)
        result = ifl_look_apply(&target, ifl_hash_mix(job->request->seed ^ NOISE_STREAM), meter,
                                image->rgb, image->width, image->height, job->synthetic->attained,
                                error);
    ifl_meter_destroy(meter);
    return result;
}

// Says in the note which targets were out of reach.
static void note_missed(struct ifl_synthetic *synthetic)
{
    char *note = synthetic->audit.note;
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const struct ifl_attained *target = &synthetic->attained[t];
        size_t used = strlen(note);
        if (isnan(target->asked) || target->met)
            continue;
        if (t == IFL_TARGET_occupancy)
            snprintf(note + used, sizeof synthetic->audit.note - used,
                     "%soccupancy %.4g is in none of %d scenes, here %.4g", used ? "; " : "",
                     target->asked, IFL_OCCUPANCY_SCENES, target->got);
        else
            snprintf(note + used, sizeof synthetic->audit.note - used,
                     "%s%s %.4g is out of reach, nearest %.4g", used ? "; " : "",
                     ifl_target_row((enum ifl_target)t)->name, target->asked, target->got);
    }
}

// A frame, as often as its light is the stream's.
static int draw_light(const struct ifl_memory *memory, struct ifl_rng *rng)
{
    double at = ifl_rng_uniform(rng);
    int frame = 0;
    while (frame < memory->frames - 1 && (at -= memory->weight[frame]) >= 0)
        frame++;
    return frame;
}

// The light of one frame, all of it. Where no local light was seen often enough, only the light of
// the whole picture is put back.
static enum ifl_result put_light(struct job *job, struct ifl_image *image, struct ifl_error *error)
{
    const struct ifl_memory *memory = job->engine->memory;
    struct ifl_rng rng;
    ifl_rng_split(&rng, job->request->seed, LIGHT_STREAM);
    int k = job->request->privacy == IFL_PRIVACY_VERBATIM ? 1 : job->request->k;
    int drawn = ifl_lights_draw(&job->engine->lights, k, &rng);
    const struct ifl_memory_frame *frame =
        memory->profile->memory[drawn < 0 ? draw_light(memory, &rng) : drawn];
    if (drawn >= 0 && !ifl_local_light_is_uniform(&frame->local))
        ifl_local_light_put(&frame->local, image->rgb, image->width, image->height, image->rgb);
    ifl_illuminate(frame->gain, frame->offset, image->rgb,
                   (size_t)image->width * (size_t)image->height);
    return asks(job) ? condition(job, image, error) : IFL_OK;
}

// The picture at the wanted size.
static enum ifl_result deliver(const struct job *job, struct ifl_image **image,
                               struct ifl_error *error)
{
    const struct ifl_grid *grid = job_grid(job);
    int width = job->request->width ? job->request->width : grid->width;
    int height = job->request->height ? job->request->height : grid->height;
    *image = ifl_image_create(width, height);
    if (!*image)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory for an image of %dx%d", width,
                        height);
    if (width != grid->width || height != grid->height)
        return ifl_resample(job->picture, grid->width, grid->height, (*image)->rgb, width, height,
                            error);
    memcpy((*image)->rgb, job->picture, (size_t)width * (size_t)height * 3);
    return IFL_OK;
}

// What is to show nobody who was there shows the plate.
static void note_ground(const struct job *job)
{
    char *note = job->audit->note;
    size_t used = strlen(note);
    double unknown = 1 - job->engine->ground;
    if (job->request->privacy != IFL_PRIVACY_VERBATIM && unknown > UNCERTAIN_MOST)
        snprintf(note + used, sizeof job->audit->note - used,
                 "%sbackground uncertain in %.0f %% of the picture: what stood there most of the "
                 "time may show",
                 used ? "; " : "", 100 * unknown);
}

static enum ifl_result run(struct job *job, struct ifl_image **image, struct ifl_error *error)
{
    enum ifl_result result = renderers[job->request->privacy](job, error);
    if (result == IFL_OK)
        result = deliver(job, image, error);
    if (result == IFL_OK)
        result = put_light(job, *image, error);
    return result;
}

static enum ifl_result generate(void *self, const struct ifl_request *request,
                                struct ifl_synthetic *synthetic, struct ifl_error *error)
{
    struct job job = {
        .engine = self, .request = request, .synthetic = synthetic, .audit = &synthetic->audit};
    ifl_prompt_parse(request->prompt, request->guidance_scale, &job.conditioning);
    for (int t = 0; t < IFL_TARGET_COUNT; t++)
        synthetic->attained[t] = (struct ifl_attained){NAN, NAN, true};
    ifl_rng_split(&job.scene, request->seed,
                  request->privacy == IFL_PRIVACY_DEIDENTIFY ? OBJECT_STREAM : LAYOUT_STREAM);
    if (!isnan(request->target[IFL_TARGET_occupancy])) {
        enum ifl_result result = aim_occupancy(&job, error);
        if (result != IFL_OK)
            return result;
    }
    // Objects are painted at the base level only.
    job.level = request->privacy == IFL_PRIVACY_DEIDENTIFY
                    ? ifl_base_level(job.engine->memory)
                    : choose_level(job.engine->memory, request);
    const struct ifl_grid *grid = job_grid(&job);
    job.picture = malloc((size_t)grid->stride_samples * (size_t)grid->height);
    if (!job.picture)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory for an image");
    job.audit->objects = job.audit->objects_refused = 0;
    job.audit->note[0] = 0;
    struct ifl_image *image = NULL;
    enum ifl_result result = run(&job, &image, error);
    free(job.picture);
    if (result != IFL_OK) {
        ifl_image_unref(image);
        ifl_image_unref(synthetic->plain);
        synthetic->plain = NULL;
        return result;
    }
    synthetic->image = image;
    note_ground(&job);
    note_missed(synthetic);
    snprintf(synthetic->engine, sizeof synthetic->engine, "%s", ifl_engine_analytic.head.name);
    memcpy(synthetic->unknown_words, job.conditioning.unknown_words,
           sizeof synthetic->unknown_words);
    return IFL_OK;
}

const struct ifl_engine_plugin ifl_engine_analytic = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_engine_plugin), IFL_PLUGIN_ENGINE, "analytic",
             "recombines the stream's own recent patches; no training, no weights"},
    .create = create,
    .generate = generate,
    .destroy = destroy,
};
