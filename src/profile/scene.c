// SPDX-License-Identifier: Apache-2.0
#include "profile/scene.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/picture.h"
#include "profile/pyramid.h"

#define STRANGE_SHARE 0.6 // of the picture that differs from the plate

enum {
    STABLE_FRAMES = 16,  // a scene that was understood for so long can be replaced by a new one
    STRANGE_FRAMES = 24, // that has stood for so long
    STILL_LEVELS = 6,    // mean change from frame to frame of a scene that stands
    GHOST_FRAMES = 4,    // until a ghost is cleared
    HOLD_UPDATES = 255,  // until the memory has been labelled anew and may estimate there again
    PAIRS_A_ROUND = 48,  // pairs of samples compared per pixel column and update, on average
};

static int allocate(struct ifl_scene *scene)
{
    size_t pixels = (size_t)scene->width * (size_t)scene->height;
    size_t coarse = (size_t)scene->level_width[scene->coarse_level] *
                    (size_t)scene->level_height[scene->coarse_level];
    scene->plate = malloc(3 * pixels);
    scene->noise = malloc(pixels);
    scene->coarse_plate = malloc(3 * coarse);
    scene->canonical = malloc(3 * pixels);
    scene->label = malloc(pixels);
    scene->raw = malloc(3 * pixels);
    scene->planes = malloc(3 * pixels);
    scene->coarse = malloc(3 * coarse);
    scene->coarse_before = malloc(3 * coarse);
    scene->spare = malloc(3 * pixels);
    scene->ghost_frames = malloc(pixels);
    scene->hold = malloc(pixels);
    scene->fit = malloc(3 * coarse * sizeof *scene->fit);
    scene->stale = malloc((size_t)scene->level_height[scene->coarse_level]);
    scene->segmenter = ifl_segmenter_create(scene->width, scene->height);
    scene->coarse_canonical = malloc(3 * coarse);
    scene->coarse_lit = malloc(3 * coarse);
    scene->light_scratch = malloc(ifl_local_light_scratch_bytes((int)coarse));
    return scene->coarse_canonical && scene->coarse_lit && scene->light_scratch && scene->plate &&
                   scene->noise && scene->coarse_plate && scene->canonical && scene->label &&
                   scene->raw && scene->planes && scene->coarse && scene->coarse_before &&
                   scene->spare && scene->ghost_frames && scene->hold && scene->fit &&
                   scene->stale && scene->segmenter
               ? 0
               : -1;
}

struct ifl_scene *ifl_scene_create(int source_width, int source_height, int base_area)
{
    struct ifl_scene *scene = calloc(1, sizeof *scene);
    if (!scene)
        return NULL;
    scene->source_width = source_width;
    scene->source_height = source_height;
    scene->levels = ifl_pyramid_sizes(source_width, source_height, base_area, scene->level_width,
                                      scene->level_height);
    scene->width = scene->level_width[scene->levels - 1];
    scene->height = scene->level_height[scene->levels - 1];
    // A quarter of the sides, but of the 64x36 class where there is one: less says little of parts.
    scene->coarse_level = scene->levels > 3 ? scene->levels - 3 : scene->levels > 1 ? 1 : 0;
    if (allocate(scene) == 0) {
        ifl_scene_reset(scene);
        return scene;
    }
    ifl_scene_destroy(scene);
    return NULL;
}

void ifl_scene_destroy(struct ifl_scene *scene)
{
    if (!scene)
        return;
    uint8_t *const all[] = {scene->plate,
                            scene->noise,
                            scene->coarse_plate,
                            scene->canonical,
                            scene->label,
                            scene->raw,
                            scene->planes,
                            scene->coarse,
                            scene->coarse_before,
                            scene->spare,
                            scene->hold,
                            scene->ghost_frames,
                            scene->coarse_canonical,
                            scene->coarse_lit,
                            scene->stale};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    free(scene->fit);
    free(scene->light_scratch);
    ifl_segmenter_destroy(scene->segmenter);
    free(scene);
}

void ifl_scene_reset(struct ifl_scene *scene)
{
    size_t pixels = (size_t)scene->width * (size_t)scene->height;
    scene->frames = 0;
    scene->next_row = scene->stable_frames = scene->strange_frames = 0;
    scene->is_new = scene->components = 0;
    memset(scene->noise, 2 * IFL_PLATE_NOISE_ONE, pixels);
    memset(scene->label, 0, pixels);
    memset(scene->hold, 0, pixels);
    memset(scene->ghost_frames, 0, pixels);
    memset(scene->stale, 0, (size_t)scene->level_height[scene->coarse_level]);
}

// Rows of the base level under one of the coarse level.
static int coarse_rows(const struct ifl_scene *scene)
{
    return 1 << (scene->levels - 1 - scene->coarse_level);
}

// One row of a base-level picture at the coarse level.
static void coarsen_row(struct ifl_scene *scene, const uint8_t *base, uint8_t *coarse, int y)
{
    uint8_t *half[2] = {scene->planes, scene->spare};
    int rows = coarse_rows(scene);
    const uint8_t *from = base + 3 * (ptrdiff_t)y * rows * scene->width;
    uint8_t *row = coarse + 3 * (ptrdiff_t)y * scene->level_width[scene->coarse_level];
    if (rows == 1)
        memcpy(row, from, 3 * (size_t)scene->width);
    for (int l = scene->levels - 1, i = 0; rows > 1; l--, i ^= 1, rows /= 2) {
        uint8_t *to = rows == 2 ? row : half[i];
        ifl_pyramid_halve(from, scene->level_width[l], rows, to);
        from = to;
    }
}

static void coarsen(struct ifl_scene *scene, const uint8_t *base, uint8_t *coarse)
{
    for (int y = 0; y < scene->level_height[scene->coarse_level]; y++)
        coarsen_row(scene, base, coarse, y);
}

// The plate, where its rows have changed.
static void coarsen_plate(struct ifl_scene *scene)
{
    for (int y = 0; y < scene->level_height[scene->coarse_level]; y++)
        if (scene->stale[y]) {
            coarsen_row(scene, scene->plate, scene->coarse_plate, y);
            scene->stale[y] = 0;
        }
}

static int coarse_pixels(const struct ifl_scene *scene)
{
    return scene->level_width[scene->coarse_level] * scene->level_height[scene->coarse_level];
}

static int label_picture(struct ifl_scene *scene, const uint8_t *canonical,
                         const struct ifl_photometry *photometry, uint8_t *label,
                         struct ifl_component *component, uint8_t *ghost)
{
    struct ifl_segment_input input = {
        .rgb = canonical, .plate = scene->plate, .noise = scene->noise};
    ifl_photometry_ends(photometry, input.low, input.high);
    return ifl_segment(scene->segmenter, &input, label, component, ghost);
}

int ifl_scene_label(struct ifl_scene *scene, const uint8_t *canonical,
                    const struct ifl_photometry *photometry, uint8_t *label,
                    struct ifl_component *component)
{
    return label_picture(scene, canonical, photometry, label, component, NULL);
}

// Takes ghosts out of the components; where one has stood for some frames, the picture is the
// plate.
static void clear_ghosts(struct ifl_scene *scene)
{
    uint8_t becomes[IFL_COMPONENTS_MAX + 1] = {0};
    int kept = 0;
    for (int c = 0; c < scene->components; c++) {
        if (scene->ghost[c])
            continue;
        scene->component[kept++] = scene->component[c];
        becomes[c + 1] = (uint8_t)kept;
    }
    scene->components = kept;
    for (int i = 0; i < scene->width * scene->height; i++) {
        uint64_t labels, frames;
        if (i + 8 <= scene->width * scene->height) { // most of a picture is ground
            memcpy(&labels, scene->label + i, 8);
            memcpy(&frames, scene->ghost_frames + i, 8);
            if (!(labels | frames)) {
                i += 7;
                continue;
            }
        }
        int label = scene->label[i];
        scene->label[i] = becomes[label];
        if (!label || becomes[label]) {
            scene->ghost_frames[i] = 0;
        } else if (++scene->ghost_frames[i] >= GHOST_FRAMES) {
            memcpy(scene->plate + 3 * i, scene->canonical + 3 * i, 3);
            scene->stale[i / scene->width / coarse_rows(scene)] = 1;
            scene->hold[i] = HOLD_UPDATES;
            scene->ghost_frames[i] = 0;
        }
    }
}

static int is_still(const struct ifl_scene *scene)
{
    int64_t change = 0;
    int values = 3 * coarse_pixels(scene);
    for (int i = 0; i < values; i++)
        change += abs(scene->coarse[i] - scene->coarse_before[i]);
    return change < (int64_t)STILL_LEVELS * values;
}

static void judge(struct ifl_scene *scene)
{
    int area = 0;
    for (int c = 0; c < scene->components; c++)
        area += scene->component[c].area;
    scene->foreground_share = (double)area / (scene->width * scene->height);
    int strange = scene->foreground_share > STRANGE_SHARE;
    scene->strange_frames = strange && is_still(scene) ? scene->strange_frames + 1 : 0;
    if (!strange)
        scene->stable_frames++;
    scene->is_new =
        scene->stable_frames >= STABLE_FRAMES && scene->strange_frames >= STRANGE_FRAMES;
}

static void fit_whole(struct ifl_scene *scene, const uint8_t *plate)
{
    ifl_photometry_fit(scene->coarse, plate, coarse_pixels(scene), scene->fit, &scene->photometry);
    ifl_photometry_remove(&scene->photometry, scene->coarse, coarse_pixels(scene),
                          scene->coarse_canonical);
}

// Mostly the light of the whole picture leaves nothing. Where it does, a gain and an offset went
// for a part of what is local, and it is fitted anew the other way round: to the plate as the parts
// are lit.
static void find_light(struct ifl_scene *scene)
{
    int width = scene->level_width[scene->coarse_level];
    int height = scene->level_height[scene->coarse_level];
    const uint8_t *plate = scene->coarse_plate;
    struct ifl_light_evidence evidence;
    fit_whole(scene, plate);
    ifl_local_light_look(scene->coarse_canonical, plate, width, height, scene->light_scratch,
                         &evidence);
    if (evidence.is_uniform)
        return;
    struct ifl_photometry before = scene->photometry;
    if (ifl_local_light_fit(scene->coarse, plate, width, height, scene->light_scratch,
                            &scene->local)) {
        ifl_local_light_put(&scene->local, plate, width, height, scene->coarse_lit);
        fit_whole(scene, scene->coarse_lit);
        if (ifl_local_light_fit(scene->coarse_canonical, plate, width, height, scene->light_scratch,
                                &scene->local))
            return;
    }
    scene->photometry = before;
}

static void remove_light(struct ifl_scene *scene)
{
    uint8_t low[3], high[3];
    ifl_photometry_remove(&scene->photometry, scene->raw, scene->width * scene->height,
                          scene->canonical);
    if (ifl_local_light_is_uniform(&scene->local))
        return; // most of the time
    ifl_photometry_ends(&scene->photometry, low, high);
    ifl_local_light_take(&scene->local, scene->plate, high, scene->width, scene->height,
                         scene->canonical);
}

void ifl_scene_look(struct ifl_scene *scene, const struct ifl_frame *frame)
{
    int pixels = scene->width * scene->height;
    ifl_picture_scale(frame, scene->width, scene->height, scene->planes, scene->raw);
    coarsen(scene, scene->raw, scene->coarse);
    ifl_photometry_identity(&scene->photometry);
    scene->components = 0;
    scene->foreground_share = 0;
    memset(scene->label, 0, (size_t)pixels);
    memset(&scene->local, 0, sizeof scene->local);
    if (scene->frames > 0)
        find_light(scene);
    remove_light(scene);
    if (scene->frames == 0) {
        memcpy(scene->plate, scene->canonical, 3 * (size_t)pixels);
        coarsen(scene, scene->plate, scene->coarse_plate);
    }
    scene->frames++;
    if (ifl_scene_is_warm(scene)) {
        scene->components = label_picture(scene, scene->canonical, &scene->photometry, scene->label,
                                          scene->component, scene->ghost);
        judge(scene);
        clear_ghosts(scene);
    }
    memcpy(scene->coarse_before, scene->coarse, 3 * (size_t)coarse_pixels(scene));
}

static void age_holds(const struct ifl_scene *scene)
{
    uint8_t *hold = scene->hold;
    int pixels = scene->width * scene->height;
    for (int i = 0; i < pixels; i++)
        hold[i] = (uint8_t)(hold[i] - (hold[i] > 0));
}

void ifl_scene_learn(struct ifl_scene *scene, const struct ifl_plate_sample *samples, int count)
{
    if (count == 0)
        return;
    int pairs = count * (count - 1) / 2 + 1;
    int rows = scene->height * PAIRS_A_ROUND / pairs;
    rows = rows < 1                                                         ? 1
           : rows > scene->height || scene->frames <= IFL_SCENE_WARM_FRAMES ? scene->height
                                                                            : rows;
    for (int r = 0; r < rows; r++) {
        ifl_plate_estimate_row(samples, count, scene->width, scene->next_row, scene->hold,
                               scene->plate, scene->noise);
        scene->stale[scene->next_row / coarse_rows(scene)] = 1;
        scene->next_row = (scene->next_row + 1) % scene->height;
    }
    age_holds(scene);
    coarsen_plate(scene);
}
