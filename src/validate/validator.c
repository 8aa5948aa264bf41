// SPDX-License-Identifier: Apache-2.0
// The gate: measures an image against its profile and gives the verdict.
#include "inferloop/validate.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernels/local_light.h"
#include "kernels/scale.h"
#include "validate/artefact.h"
#include "validate/enlarge.h"
#include "validate/light.h"
#include "validate/likeness.h"
#include "validate/reference.h"

enum {
    ARTEFACT_LEVEL = 1,      // the 64x36 class
    COPY_PIXELS_MAX = 65536, // copies are searched at the finest level of the 256x144 class
    COPY_CAP = 24 * 24,      // pixels of that level
    LIGHT_ROUNDS = 3,
};

static const double clipped_margin = .05; // share of pixels beyond what the stream itself clips
static const double support_needed = .9;  // of foreground patches, in mode k-anonymous
static const double copy_rmse = 2;
static const double light_limit = 160; // in 1/4096, mean over the picture: of two lights mixed

struct ifl_validator {
    struct ifl_profile *profile;
    struct ifl_roster roster;
    int levels, artefact_level, copy_level;
    double clipped_limit;
    int lights; // frames that have a local light
    const struct ifl_local_light *light[IFL_MEMORY_MAX];
    struct made *made;
};

// What is made when it is first needed: images of one size need few of the references, and no
// image needs the likeness.
struct made {
    pthread_mutex_t lock; // held while something is made
    struct ifl_reference reference[IFL_LEVELS_MAX];
    struct ifl_likeness_null *likeness;
};

static enum ifl_result check_profile(const struct ifl_profile *profile, struct ifl_error *error)
{
    if (profile->levels < 1 || profile->levels > IFL_LEVELS_MAX || profile->memory_frames < 1)
        return ifl_fail(error, IFL_ERR_NOT_READY, "validate",
                        "the profile holds no pictures to compare with; profile the stream first");
    if (profile->memory_frames > IFL_MEMORY_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, "validate",
                        "the profile holds %d frames; at most %d are used", profile->memory_frames,
                        IFL_MEMORY_MAX);
    for (int l = 0; l < profile->levels; l++) {
        int width = profile->level_width[l], height = profile->level_height[l];
        if (width < 1 || height < 1 || width > 2047 || height > 2047)
            return ifl_fail(error, IFL_ERR_CORRUPT, "validate",
                            "level %d of the profile is %dx%d; sides are 1 to 2047", l, width,
                            height);
        bool whole = profile->plate[l] != NULL;
        for (int t = 0; t < profile->memory_frames; t++)
            whole = whole && profile->memory[t] && profile->memory[t]->level[l];
        if (!whole)
            return ifl_fail(
                error, IFL_ERR_NOT_READY, "validate",
                "the profile lacks the plate or a frame at level %d; profile the stream "
                "for longer",
                l);
    }
    return IFL_OK;
}

static void choose_levels(struct ifl_validator *validator)
{
    const struct ifl_profile *profile = validator->profile;
    validator->levels = profile->levels;
    validator->artefact_level =
        profile->levels > ARTEFACT_LEVEL ? ARTEFACT_LEVEL : profile->levels - 1;
    validator->copy_level = profile->levels - 1;
    while (validator->copy_level > 0 && profile->level_width[validator->copy_level] *
                                                profile->level_height[validator->copy_level] >
                                            COPY_PIXELS_MAX)
        validator->copy_level--;
}

static void list_lights(struct ifl_validator *validator)
{
    const struct ifl_profile *profile = validator->profile;
    for (int t = 0; t < profile->memory_frames; t++)
        if (!ifl_local_light_is_uniform(&profile->memory[t]->local))
            validator->light[validator->lights++] = &profile->memory[t]->local;
}

static const struct ifl_reference *reference_at(const struct ifl_validator *validator, int level)
{
    return &validator->made->reference[level];
}

static enum ifl_result need(const struct ifl_validator *validator, int level, unsigned parts,
                            struct ifl_error *error)
{
    struct ifl_reference *reference = &validator->made->reference[level];
    int cap = COPY_CAP >> 2 * (validator->copy_level - level);
    if ((__atomic_load_n(&reference->parts, __ATOMIC_ACQUIRE) & parts) == parts)
        return IFL_OK;
    pthread_mutex_lock(&validator->made->lock);
    enum ifl_result result = IFL_OK;
    if (!reference->view.roster)
        result = ifl_reference_init(reference, &validator->roster, level, error);
    if (result == IFL_OK)
        result = ifl_reference_make(reference, parts, cap, error);
    pthread_mutex_unlock(&validator->made->lock);
    return result;
}

// What images of the base size need.
static enum ifl_result build(struct ifl_validator *validator, struct ifl_error *error)
{
    validator->made = calloc(1, sizeof *validator->made);
    if (!validator->made || pthread_mutex_init(&validator->made->lock, NULL) != 0) {
        free(validator->made);
        validator->made = NULL;
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory for a validator");
    }
    validator->clipped_limit = ifl_clipped_of_memory(validator->profile) + clipped_margin;
    enum ifl_result result = ifl_roster_init(&validator->roster, validator->profile, error);
    if (result == IFL_OK)
        result = need(validator, validator->levels - 1, IFL_REFERENCE_LOOK, error);
    if (result == IFL_OK)
        result = need(validator, validator->artefact_level, IFL_REFERENCE_ARTEFACT, error);
    if (result == IFL_OK)
        result = need(validator, validator->copy_level, IFL_REFERENCE_COPY, error);
    return result;
}

enum ifl_result ifl_validator_create(const struct ifl_profile *profile,
                                     struct ifl_validator **validator, struct ifl_error *error)
{
    *validator = NULL;
    enum ifl_result result = check_profile(profile, error);
    if (result != IFL_OK)
        return result;
    struct ifl_validator *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory for a validator");
    made->profile = ifl_profile_ref(profile);
    choose_levels(made);
    list_lights(made);
    result = build(made, error);
    if (result != IFL_OK) {
        ifl_validator_destroy(made);
        return result;
    }
    *validator = made;
    return IFL_OK;
}

static void drop_made(struct made *made)
{
    if (!made)
        return;
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        ifl_reference_fini(&made->reference[l]);
    ifl_likeness_null_destroy(made->likeness);
    pthread_mutex_destroy(&made->lock);
    free(made);
}

void ifl_validator_destroy(struct ifl_validator *validator)
{
    if (!validator)
        return;
    drop_made(validator->made);
    ifl_roster_fini(&validator->roster);
    ifl_profile_unref(validator->profile);
    free(validator);
}

// The pictures and the working memory of one check, all in one allocation.
struct work {
    const struct ifl_image *image;
    const struct ifl_reference *at, *artefact, *copy; // at the level it is compared at
    struct ifl_light light;
    int mixed;            // how far its local light is from any recorded one, in 1/4096
    const uint8_t *plate; // at `at`, under the image's local light
    uint8_t *scaled, *canonical, *lit; // at `at`
    uint8_t *artefact_picture, *copy_picture, *mask;
    float *energy;
    int *counts;
    void *scratch;
};

// The finest level that is no finer than the image.
static int level_of(const struct ifl_validator *validator, const struct ifl_image *image)
{
    int level = validator->levels - 1;
    const struct ifl_profile *profile = validator->profile;
    while (level > 0 && (profile->level_width[level] > image->width ||
                         profile->level_height[level] > image->height))
        level--;
    return level;
}

// Whether light was changed by more than the stream does itself.
static bool conditioned(const struct ifl_request *request)
{
    bool asked = request->prompt[0] && request->guidance_scale > 0;
    for (int t = 0; t < IFL_LOOK_COUNT; t++)
        asked |= !isnan(request->target[t]);
    return asked;
}

static size_t padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t scratch_bytes(const struct work *work)
{
    size_t bytes = larger(ifl_copy_scratch_bytes(&work->copy->view),
                          ifl_artefact_scratch_bytes(&work->artefact->view));
    const struct ifl_view *view = &work->at->view;
    bytes = larger(bytes, 5 * (size_t)work->copy->view.pixels);
    bytes = larger(bytes, ifl_local_light_scratch_bytes(work->artefact->view.pixels));
    bytes = larger(bytes, ifl_light_scratch_bytes(view->pixels));
    bytes = larger(bytes, ifl_enlarge_scratch_bytes(view->width, view->height, work->image->width,
                                                    work->image->height) +
                              4 * (size_t)view->pixels + 256);
    return larger(bytes, 4 * (size_t)view->pixels + 8 * (size_t)view->width);
}

// Lays the parts out in `memory`, or, with NULL, only counts the bytes.
static size_t lay_out(struct work *work, const struct ifl_validator *validator, uint8_t *memory)
{
    size_t at = padded(3 * (size_t)work->at->view.pixels);
    size_t artefact = padded(3 * (size_t)work->artefact->view.pixels);
    size_t copy = padded(3 * (size_t)work->copy->view.pixels);
    size_t energy = padded(sizeof *work->energy * (size_t)work->at->grid.windows);
    size_t counts = padded(sizeof *work->counts * ((size_t)validator->roster.events + 1));
    size_t lit = validator->lights ? at : 0;
    size_t scratch = padded(scratch_bytes(work));
    if (memory) {
        work->scaled = memory;
        work->canonical = work->scaled + at;
        work->artefact_picture = work->canonical + at;
        work->copy_picture = work->artefact_picture + artefact;
        work->mask = work->copy_picture + copy;
        work->energy = (float *)(work->mask + copy);
        work->counts = (int *)((uint8_t *)work->energy + energy);
        work->lit = (uint8_t *)work->counts + counts;
        work->scratch = work->lit + lit;
    }
    return 2 * at + lit + artefact + 2 * copy + energy + counts + scratch;
}

static void scale(const uint8_t *from, const struct ifl_view *a, uint8_t *to,
                  const struct ifl_view *b)
{
    ifl_scale_area(from, a->width, a->height, 3 * a->width, to, b->width, b->height, 3 * b->width,
                   3);
}

// An image of another size may have been enlarged from the level or be true to its size: whichever
// is nearer to the plate, once its light is known, is compared.
static void restore(struct work *work, bool full)
{
    const struct ifl_image *image = work->image;
    const struct ifl_view *view = &work->at->view;
    struct ifl_light light;
    if (image->width == view->width && image->height == view->height)
        return;
    ifl_enlarge_undo(work->scaled, view->width, view->height, image->width, image->height,
                     work->canonical, work->scratch);
    ifl_light_fit(work->canonical, view->plate, view->pixels, full, work->scratch, &light);
    if (!light.usable || light.residual >= work->light.residual)
        return;
    work->light = light;
    memcpy(work->scaled, work->canonical, 3 * (size_t)view->pixels);
}

static const struct ifl_local_light uniform_light;

// An image has the local light of one frame or none: the one that is nearest to what the background
// of the artefact picture shows.
static const struct ifl_local_light *find_local_light(const struct ifl_validator *validator,
                                                      struct work *work)
{
    const struct ifl_view *view = &work->artefact->view;
    const struct ifl_local_light *nearest = &uniform_light;
    struct ifl_light_evidence evidence;
    ifl_local_light_look(work->artefact_picture, view->plate, view->width, view->height,
                         work->scratch, &evidence);
    work->mixed = ifl_local_light_distance(&evidence, nearest);
    for (int i = 0; i < validator->lights; i++) {
        int distance = ifl_local_light_distance(&evidence, validator->light[i]);
        if (distance < work->mixed) {
            work->mixed = distance;
            nearest = validator->light[i];
        }
    }
    return nearest;
}

// Compares with the plate under the image's local light, and takes that out. Which one it is shows
// best once the light of the whole is known, and that against the plate as it is lit: in turns. An
// image that mixes lights is near to none of them.
static void take_local_light(const struct ifl_validator *validator, struct work *work, bool full)
{
    static const uint8_t high[3] = {255, 255, 255};
    const struct ifl_view *view = &work->at->view;
    const struct ifl_local_light *light = NULL, *found;
    scale(full ? work->canonical : work->scaled, view, work->artefact_picture,
          &work->artefact->view);
    found = find_local_light(validator, work);
    for (int round = 0; round < LIGHT_ROUNDS && found != light; round++) {
        light = found;
        ifl_local_light_put(light, view->plate, view->width, view->height, work->lit);
        ifl_light_fit(work->scaled, work->lit, view->pixels, full, work->scratch, &work->light);
        ifl_light_undo(&work->light, work->scaled, work->lit, view->pixels, work->canonical);
        scale(work->canonical, view, work->artefact_picture, &work->artefact->view);
        found = find_local_light(validator, work);
    }
    if (full) // what was asked for bends the light; how much is known only roughly
        work->mixed = 0;
    work->plate = work->lit;
    ifl_local_light_take(light, view->plate, high, view->width, view->height, work->canonical);
    scale(work->canonical, view, work->artefact_picture, &work->artefact->view);
}

// Scales to the level, takes light and conditioning out, and makes the smaller pictures.
static void prepare(const struct ifl_validator *validator, struct work *work, bool full)
{
    const struct ifl_image *image = work->image;
    const struct ifl_view *view = &work->at->view;
    ifl_scale_area(image->rgb, image->width, image->height, 3 * image->width, work->scaled,
                   view->width, view->height, 3 * view->width, 3);
    ifl_light_fit(work->scaled, view->plate, view->pixels, full, work->scratch, &work->light);
    restore(work, full);
    ifl_light_undo(&work->light, work->scaled, view->plate, view->pixels, work->canonical);
    scale(work->canonical, view, work->artefact_picture, &work->artefact->view);
    work->plate = view->plate;
    if (validator->lights)
        take_local_light(validator, work, full);
    scale(work->canonical, view, work->copy_picture, &work->copy->view);
}

// How much of the plate's Laplacian variance is left after the way that an image below the base
// size takes: to its own size, then to the level. 1 at a level's own size, and above the base.
static double softening(const struct ifl_validator *validator, const struct work *work)
{
    const struct ifl_view *view = &work->at->view;
    const struct ifl_profile *profile = validator->profile;
    int base = validator->levels - 1;
    int width = work->image->width, height = work->image->height;
    if (work->at == reference_at(validator, base) ||
        (width == view->width && height == view->height))
        return 1;
    uint8_t *level = work->scratch, *small = level + padded(3 * (size_t)view->pixels);
    void *spare = small + padded(3 * (size_t)width * (size_t)height);
    ifl_scale_area(profile->plate[base], profile->level_width[base], profile->level_height[base],
                   3 * profile->level_width[base], small, width, height, 3 * width, 3);
    ifl_scale_area(small, width, height, 3 * width, level, view->width, view->height,
                   3 * view->width, 3);
    double sharp = ifl_detail_measure(view->plate, view->width, view->height, work->energy, spare);
    double soft = ifl_detail_measure(level, view->width, view->height, work->energy, spare);
    return sharp > 0 && soft < sharp ? soft / sharp : 1;
}

static void score(const struct ifl_validator *validator, struct work *work,
                  struct ifl_synthetic *synthetic)
{
    struct ifl_scores *scores = &synthetic->scores;
    const struct ifl_view *view = &work->at->view;
    int nearest;
    double expected = work->at->sharpness * softening(validator, work);
    double variance =
        ifl_detail_measure(work->canonical, view->width, view->height, work->energy, work->scratch);
    scores->sharpness = expected > 0 ? variance / expected : 1;
    scores->clipped = ifl_clipped_share(synthetic->image->rgb,
                                        synthetic->image->width * synthetic->image->height);
    scores->texture = ifl_detail_excess(&work->at->grid, work->energy, work->at->texture_most);
    scores->texture_limit = work->at->texture_limit;
    struct ifl_seam seam = ifl_seam_measure(view, work->canonical, work->scratch);
    scores->seam =
        fmax(seam.across / work->at->seam_limit.across, seam.down / work->at->seam_limit.down);
    scores->light = (double)work->mixed / light_limit;
    scores->artefact = ifl_artefact_score(&work->artefact->view, work->artefact_picture,
                                          work->scratch, &synthetic->audit.nearest_rms, &nearest);
    scores->artefact_limit = work->artefact->artefact_limit;
    synthetic->audit.nearest_sequence = validator->profile->memory[nearest]->sequence;
}

// A weak gain amplifies the rounding of the image: its variance, 1/12 before, joins the limit, as
// does that of noise that was asked for.
static double copy_tolerance(const struct ifl_light *light, double noise)
{
    double gain = light->gain;
    double rounding = gain > 0 && gain < 1 ? fmin((1 / (gain * gain) - 1) / 12, 8) : 0;
    return sqrt(copy_rmse * copy_rmse + rounding + noise * noise);
}

// Sharpness or noise were changed, and there is nothing but the outcome: it tells little of what
// was made.
static bool detail_changed(const struct ifl_synthetic *synthetic)
{
    const double *target = synthetic->request.target;
    return !synthetic->plain &&
           (!isnan(target[IFL_TARGET_sharpness]) || !isnan(target[IFL_TARGET_noise]));
}

// Returns the share of foreground patches that at least k events support, or -1.
static double audit(struct work *work, struct ifl_synthetic *synthetic)
{
    struct ifl_audit *audit = &synthetic->audit;
    const struct ifl_view *view = &work->copy->view;
    struct ifl_seen_shares shares;
    int pixels = ifl_view_foreground(view, work->copy_picture, work->mask, work->scratch);
    ifl_seen_audit(&work->copy->support, work->copy_picture, work->mask, synthetic->request.k,
                   work->counts, &shares);
    audit->foreground_share = (double)pixels / view->pixels;
    synthetic->attained[IFL_TARGET_occupancy] = ifl_attained_occupancy(
        synthetic->request.target[IFL_TARGET_occupancy], audit->foreground_share);
    audit->support_1 = shares.at_least[0];
    audit->support_2 = shares.at_least[1];
    audit->support_4 = shares.at_least[2];
    audit->largest_event_share = shares.largest_event;
    double noise = detail_changed(synthetic) ? synthetic->request.target[IFL_TARGET_noise] : NAN;
    struct ifl_copy_request request = {.rmse =
                                           copy_tolerance(&work->light, isnan(noise) ? 0 : noise),
                                       .common = IFL_COPY_COMMON,
                                       .without = -1};
    if (synthetic->request.privacy == IFL_PRIVACY_K_ANONYMOUS)
        request.common = synthetic->request.k; // what k events show is what the mode permits
    audit->verbatim_pixels =
        ifl_copy_region(&work->copy->copy, work->copy_picture, work->mask, request, work->scratch);
    audit->verbatim_limit = work->copy->copy_limit;
    audit->verbatim_gate = synthetic->request.privacy != IFL_PRIVACY_VERBATIM;
    return shares.at_least_k;
}

// Conditioning may clip what it pushes out of range: so much as it does to the plate is asked for.
static double clipped_limit(const struct ifl_validator *validator, const struct work *work,
                            bool full)
{
    const struct ifl_view *view = &work->at->view;
    double asked =
        full && work->light.usable ? ifl_light_clipped(&work->light, work->plate, view->pixels) : 0;
    return fmax(validator->clipped_limit, asked + clipped_margin);
}

// Privacy first, for what must not leave the house outweighs what looks bad; then the light, for
// it explains the rest; then sharpness; then artefacts.
static enum ifl_rejection judge(const struct work *work, const struct ifl_synthetic *synthetic,
                                double support, double most_clipped)
{
    const struct ifl_scores *scores = &synthetic->scores;
    const struct ifl_audit *audit = &synthetic->audit;
    if (audit->verbatim_gate && audit->verbatim_pixels > audit->verbatim_limit)
        return IFL_REJECT_VERBATIM;
    if (synthetic->request.privacy == IFL_PRIVACY_K_ANONYMOUS && support >= 0 &&
        support < support_needed)
        return IFL_REJECT_FOREGROUND;
    if (scores->clipped > most_clipped)
        return IFL_REJECT_EXPOSURE;
    if (detail_changed(synthetic))
        return IFL_REJECT_NONE;
    if (scores->sharpness < work->at->sharpness_limit)
        return IFL_REJECT_SHARPNESS;
    if (scores->artefact > scores->artefact_limit || scores->texture > scores->texture_limit ||
        scores->seam > 1 || scores->light > 1)
        return IFL_REJECT_ARTEFACT;
    return IFL_REJECT_NONE;
}

// The light of what is delivered, where another picture was looked at: it decides what is clipped.
static void fit_delivered(struct work *work, const struct ifl_image *image)
{
    const struct ifl_view *view = &work->at->view;
    ifl_scale_area(image->rgb, image->width, image->height, 3 * image->width, work->scaled,
                   view->width, view->height, 3 * view->width, 3);
    ifl_light_fit(work->scaled, work->plate, view->pixels, true, work->scratch, &work->light);
}

static enum ifl_result choose_references(const struct ifl_validator *validator,
                                         const struct ifl_image *image, struct work *work,
                                         struct ifl_error *error)
{
    int level = level_of(validator, image);
    int artefact = level < validator->artefact_level ? level : validator->artefact_level;
    int copy = level < validator->copy_level ? level : validator->copy_level;
    *work = (struct work){.image = image,
                          .at = reference_at(validator, level),
                          .artefact = reference_at(validator, artefact),
                          .copy = reference_at(validator, copy)};
    enum ifl_result result = need(validator, level, IFL_REFERENCE_LOOK, error);
    if (result == IFL_OK)
        result = need(validator, artefact, IFL_REFERENCE_ARTEFACT, error);
    return result == IFL_OK ? need(validator, copy, IFL_REFERENCE_COPY, error) : result;
}

enum ifl_result ifl_validator_check(const struct ifl_validator *validator,
                                    struct ifl_synthetic *synthetic, struct ifl_error *error)
{
    const struct ifl_image *image = synthetic->image, *plain = synthetic->plain;
    const struct ifl_clock *clock = ifl_clock_real();
    int64_t begin_ns = ifl_now_ns(clock);
    if (!image || !image->rgb || image->width < 1 || image->height < 1 ||
        (plain && (plain->width != image->width || plain->height != image->height)))
        return ifl_fail(error, IFL_ERR_INVALID, "validate", "there is no image to check");
    struct work work;
    enum ifl_result result = choose_references(validator, plain ? plain : image, &work, error);
    if (result != IFL_OK)
        return result;
    uint8_t *memory = malloc(lay_out(&work, validator, NULL));
    if (!memory)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory to check an image");
    lay_out(&work, validator, memory);
    bool full = conditioned(&synthetic->request);
    prepare(validator, &work, full && !plain);
    score(validator, &work, synthetic);
    double support = audit(&work, synthetic);
    if (plain)
        fit_delivered(&work, image);
    synthetic->rejection = judge(&work, synthetic, support, clipped_limit(validator, &work, full));
    free(memory);
    synthetic->validate_seconds = (double)(ifl_now_ns(clock) - begin_ns) * 1e-9;
    return IFL_OK;
}

static enum ifl_result need_likeness(const struct ifl_validator *validator, struct ifl_error *error)
{
    struct made *made = validator->made;
    pthread_mutex_lock(&made->lock);
    enum ifl_result result = IFL_OK;
    if (!made->likeness)
        result = ifl_likeness_null_create(validator->profile, &made->likeness, error);
    pthread_mutex_unlock(&made->lock);
    return result;
}

enum ifl_result ifl_likeness(const struct ifl_validator *validator, struct ifl_image *const *images,
                             int count, double *ratio, char note[160], struct ifl_error *error)
{
    for (int i = 0; i < count; i++)
        if (!images[i] || !images[i]->rgb || images[i]->width < 1 || images[i]->height < 1)
            return ifl_fail(error, IFL_ERR_INVALID, "validate", "image %d of the set is missing",
                            i);
    enum ifl_result result = need_likeness(validator, error);
    if (result != IFL_OK)
        return result;
    return ifl_likeness_ratio(validator->made->likeness, images, count, ratio, note, error);
}
