// SPDX-License-Identifier: Apache-2.0
// The engine `analytic`: diffusion with the exact denoiser of the stream's own recent patches. No
// weights, no training. In: a profile with frame memory, requests. Out: images. One engine serves
// any number of threads; an image is made on one of them.
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/builtin.h"
#include "generate/denoise.h"
#include "generate/layout.h"
#include "generate/memory.h"
#include "generate/objects.h"
#include "generate/photometry.h"
#include "generate/resample.h"
#include "generate/support.h"

#define STAGE "generate"

enum { LAYOUT_STREAM, LIGHT_STREAM, OBJECT_STREAM };

struct analytic {
    struct ifl_memory *memory;
    pthread_mutex_t lock;        // guards the two below, made when a mode first needs them
    struct ifl_support *support; // k-anonymous
    struct ifl_objects *objects; // deidentify
};

static void destroy(void *self)
{
    struct analytic *engine = self;
    if (!engine)
        return;
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
    struct ifl_audit *audit;
    int level;        // that is rendered
    uint8_t *picture; // of that level
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
    struct ifl_denoise_config denoise = {
        .seed = job->request->seed, .level = job->level, .support = support, .k = job->request->k};
    struct ifl_layout layout;
    struct ifl_rng rng;
    enum ifl_result result = ifl_layout_init(&layout, memory, error);
    if (result != IFL_OK)
        return result;
    ifl_rng_split(&rng, job->request->seed, LAYOUT_STREAM);
    ifl_layout_make(memory, &config, &rng, &layout);
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
    struct ifl_rng rng;
    ifl_rng_split(&rng, job->request->seed, OBJECT_STREAM);
    result =
        ifl_objects_paint(job->engine->objects, job->request->k, job->conditioning.occupancy_weight,
                          &rng, job->picture, job->audit, error);
    if (result == IFL_OK)
        add_grain(job);
    return result;
}

typedef enum ifl_result (*render_fn)(struct job *job, struct ifl_error *error);
static const render_fn renderers[] = {
    [IFL_PRIVACY_VERBATIM] = render_verbatim,
    [IFL_PRIVACY_DEIDENTIFY] = render_deidentified,
    [IFL_PRIVACY_K_ANONYMOUS] = render_anonymous,
};

static bool asks_for_light(const struct ifl_conditioning *asked)
{
    return asked->brightness_offset != 0 || asked->contrast_factor != 1 ||
           asked->saturation_factor != 1 || asked->color_temperature_factor != 1;
}

// What is left of the contrast when words change the brightness: a darker or brighter picture has
// less room, and the old contrast would crush it.
static double natural_contrast(double now, double target)
{
    if (isnan(target) || now <= 0 || now >= 1)
        return 1;
    return target < now ? target / now : (1 - target) / (1 - now);
}

// The request's own targets win over what the prompt asks.
static struct ifl_look find_targets(const struct job *job, const struct ifl_image *image)
{
    const struct ifl_request *request = job->request;
    const struct ifl_conditioning *asked = &job->conditioning;
    struct ifl_look target = {
        {request->brightness, request->contrast, request->saturation, request->color_temperature}};
    if (!asks_for_light(asked))
        return target;
    struct ifl_look now;
    ifl_look_measure(image->rgb, image->width, image->height, &now);
    if (isnan(request->brightness) && asked->brightness_offset != 0)
        target.value[IFL_BRIGHTNESS] =
            fmin(fmax(now.value[IFL_BRIGHTNESS] + asked->brightness_offset, 0.03), 0.97);
    if (isnan(request->contrast) && asked->contrast_factor != 1)
        target.value[IFL_CONTRAST] =
            fmin(now.value[IFL_CONTRAST] * asked->contrast_factor *
                     natural_contrast(now.value[IFL_BRIGHTNESS], target.value[IFL_BRIGHTNESS]),
                 1);
    if (isnan(request->saturation) && asked->saturation_factor != 1)
        target.value[IFL_SATURATION] =
            fmin(now.value[IFL_SATURATION] * asked->saturation_factor, 1);
    if (isnan(request->color_temperature) && asked->color_temperature_factor != 1)
        target.value[IFL_COLOR_TEMPERATURE] = fmin(
            fmax(now.value[IFL_COLOR_TEMPERATURE] * asked->color_temperature_factor, 1500), 20000);
    return target;
}

static enum ifl_result put_light(struct job *job, struct ifl_image *image, struct ifl_error *error)
{
    const struct ifl_memory *memory = job->engine->memory;
    struct ifl_rng rng;
    ifl_rng_split(&rng, job->request->seed, LIGHT_STREAM);
    const struct ifl_memory_frame *frame =
        memory->profile->memory[ifl_rng_below(&rng, (uint32_t)memory->frames)];
    ifl_illuminate(frame->gain, frame->offset, image->rgb,
                   (size_t)image->width * (size_t)image->height);
    struct ifl_look target = find_targets(job, image);
    return ifl_look_apply(&target, image->rgb, image->width, image->height, job->audit->note,
                          sizeof job->audit->note, error);
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
    struct job job = {.engine = self, .request = request, .audit = &synthetic->audit};
    ifl_prompt_parse(request->prompt, request->guidance_scale, &job.conditioning);
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
        return result;
    }
    synthetic->image = image;
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
