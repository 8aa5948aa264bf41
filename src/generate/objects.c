// SPDX-License-Identifier: Apache-2.0
// Life of the collection, and one painting: layout, participants, shape, texture, colours, drawing.
#include "generate/objects.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/exact.h"
#include "generate/objects_internal.h"

static bool has_memory(const struct ifl_profile *profile)
{
    return profile->levels > 0 && profile->memory_frames > 0 &&
           profile->plate[profile->levels - 1] && profile->level_width[profile->levels - 1] > 0 &&
           profile->level_height[profile->levels - 1] > 0;
}

enum ifl_result ifl_objects_create(const struct ifl_profile *profile, struct ifl_objects **out,
                                   struct ifl_error *error)
{
    *out = NULL;
    if (!has_memory(profile))
        return ifl_fail(error, IFL_ERR_NOT_READY, "generate",
                        "the profile holds no frames; profile the source for longer");
    struct ifl_objects *objects = calloc(1, sizeof *objects);
    if (!objects)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for objects");
    objects->profile = profile;
    objects->width = profile->level_width[profile->levels - 1];
    objects->height = profile->level_height[profile->levels - 1];
    objects->area_z = malloc((size_t)profile->memory_frames * sizeof *objects->area_z);
    enum ifl_result result = IFL_OK;
    if (!objects->area_z)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for %d layouts",
                          profile->memory_frames);
    if (result == IFL_OK)
        result = ifl_objects_collect(objects, error);
    if (result == IFL_OK)
        result = ifl_front_prepare(objects, error);
    if (result == IFL_OK)
        result = ifl_shade_learn(objects, error);
    if (result != IFL_OK) {
        ifl_objects_destroy(objects);
        return result;
    }
    ifl_layout_weigh(objects);
    *out = objects;
    return IFL_OK;
}

void ifl_objects_destroy(struct ifl_objects *objects)
{
    if (!objects)
        return;
    free(objects->identity);
    free(objects->crop);
    free(objects->shade);
    free(objects->area_z);
    free(objects->front_foot);
    free(objects);
}

static int usable_identities(const struct ifl_objects *objects)
{
    int count = 0;
    for (int i = 0; i < KINDS; i++)
        count += objects->kind[i].identities;
    return count;
}

// Chooses everything for one object. False: fewer than k others support it.
static bool compose(const struct ifl_objects *objects, int k, struct ifl_rng *rng,
                    struct ifl_object_record *record, struct ifl_palette *palette,
                    struct ifl_pose *pose, float *stride, struct ifl_paint_scratch *scratch)
{
    struct ifl_placement *placement = &record->placement;
    if (record->slot_identity < 0 || placement->height > OBJECT_SIDE_MAX ||
        placement->height < OBJECT_SIDE_MIN)
        return false;
    if (!ifl_palette_choose(objects, placement->kind, scratch->excluded, k, rng, palette,
                            &record->palette))
        return false;
    return ifl_shape_choose(objects, placement, scratch->excluded, k, rng, pose, &record->body,
                            stride);
}

static bool record_keeps(const struct ifl_object_record *record, int k, const uint8_t *excluded)
{
    return ifl_blend_keeps(&record->body, k, excluded) &&
           ifl_blend_keeps(&record->palette, k, excluded);
}

// People differ in height: as much as the participants do, and on average as the stream's do.
static void vary_height(const struct ifl_objects *objects, const struct ifl_object_record *record,
                        const struct ifl_pose *pose, struct ifl_placement *placement)
{
    float relative = 0, larger = objects->kind[placement->kind].larger;
    for (int i = 0; i < record->body.count; i++)
        relative += (float)record->body.weight[i] * objects->crop[pose[i].crop].relative;
    if (placement->kind == KIND_UPRIGHT)
        placement->height = fminf(placement->height * relative * larger, OBJECT_SIDE_MAX);
}

static enum ifl_result paint_one(const struct ifl_objects *objects, int k, struct ifl_rng *rng,
                                 uint8_t *canvas, struct ifl_object_record *record,
                                 struct ifl_paint_scratch *scratch, struct ifl_error *error)
{
    struct ifl_palette palette;
    struct ifl_pose pose[IFL_K_MAX];
    float stride;
    if (!compose(objects, k, rng, record, &palette, pose, &stride, scratch))
        return IFL_DROPPED;
    if (!record_keeps(record, k, scratch->excluded))
        return ifl_fail(error, IFL_ERR_INTERNAL, "generate",
                        "an object would not have been a blend of %d others; report this", k);
    vary_height(objects, record, pose, &record->placement);
    ifl_shape_blend(objects, &record->placement, pose, &record->body, stride, &scratch->figure);
    ifl_texture_blend(objects, pose, &record->body, scratch);
    ifl_tone_apply(objects, pose, &record->body, k, &scratch->figure);
    ifl_palette_apply(&palette, &scratch->figure);
    bool shaded =
        ifl_shade_blend(objects, record->placement.kind, scratch->excluded, k, &scratch->shading);
    ifl_render(objects, &scratch->figure, shaded ? &scratch->shading : NULL, &record->placement,
               rng, canvas);
    return IFL_OK;
}

static void note_refused(struct ifl_audit *audit, int large, int unsupported, int k)
{
    if (large > 0 && unsupported > 0)
        snprintf(audit->note, sizeof audit->note,
                 "left out: %d objects above %d pixels, %d that fewer than %d others fit", large,
                 OBJECT_SIDE_MAX, unsupported, k);
    else if (large > 0)
        snprintf(audit->note, sizeof audit->note, "left out: %d objects above %d pixels", large,
                 OBJECT_SIDE_MAX);
    else if (unsupported > 0)
        snprintf(audit->note, sizeof audit->note,
                 "left out: %d objects that fewer than %d others fit", unsupported, k);
}

static enum ifl_result paint_frame(const struct ifl_objects *objects, int k, int frame,
                                   double stays, struct ifl_rng *rng, uint8_t *canvas,
                                   struct ifl_audit *audit, struct ifl_object_record *record,
                                   int records_max, struct ifl_paint_scratch *scratch,
                                   struct ifl_error *error)
{
    int count = ifl_layout_place(objects, frame, rng, scratch->placement, &audit->objects_refused);
    int large = audit->objects_refused;
    for (int i = 0; i < count; i++) {
        if (stays < 1 && ifl_rng_uniform(rng) >= stays)
            continue;
        struct ifl_object_record one = {.placement = scratch->placement[i]};
        one.slot_identity = ifl_layout_exclude(objects, frame, &one.placement, scratch->excluded);
        enum ifl_result result = paint_one(objects, k, rng, canvas, &one, scratch, error);
        if (result < 0)
            return result;
        if (result == IFL_DROPPED) {
            audit->objects_refused++;
            continue;
        }
        if (audit->objects < records_max)
            record[audit->objects] = one;
        audit->objects++;
    }
    note_refused(audit, large, audit->objects_refused - large, k);
    return IFL_OK;
}

enum ifl_result ifl_objects_paint_recorded(const struct ifl_objects *objects, int k,
                                           double occupancy_weight, struct ifl_rng *rng,
                                           uint8_t *canvas, struct ifl_audit *audit,
                                           struct ifl_object_record *record, int records_max,
                                           struct ifl_error *error)
{
    audit->objects = audit->objects_refused = 0;
    audit->note[0] = 0;
    if (k < IFL_K_MIN || k > IFL_K_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, "generate", "k is %d; it must be %d to %d", k,
                        IFL_K_MIN, IFL_K_MAX);
    int frame = ifl_layout_pick(objects, occupancy_weight, rng),
        usable = usable_identities(objects);
    if (usable < 3 * k) {
        audit->objects_refused = objects->profile->memory[frame]->components;
        snprintf(audit->note, sizeof audit->note, "plate only: %d recorded tracks, %d needed",
                 usable, 3 * k);
        return IFL_OK;
    }
    struct ifl_paint_scratch *scratch = malloc(sizeof *scratch);
    if (!scratch)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory to paint objects");
    double stays = ifl_exact_exp(fmin(occupancy_weight, 0)); // as in layouts of recorded content
    enum ifl_result result = paint_frame(objects, k, frame, stays, rng, canvas, audit, record,
                                         records_max, scratch, error);
    free(scratch);
    return result;
}

enum ifl_result ifl_objects_paint(const struct ifl_objects *objects, int k, double occupancy_weight,
                                  struct ifl_rng *rng, uint8_t *canvas, struct ifl_audit *audit,
                                  struct ifl_error *error)
{
    return ifl_objects_paint_recorded(objects, k, occupancy_weight, rng, canvas, audit, NULL, 0,
                                      error);
}

int ifl_objects_frame(const struct ifl_objects *objects, double occupancy_weight,
                      struct ifl_rng rng)
{
    return ifl_layout_pick(objects, occupancy_weight, &rng);
}
