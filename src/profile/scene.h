// SPDX-License-Identifier: Apache-2.0
// What the camera stands before: plate, light and foreground. In: canonical frames. Out: each at
// the base size without its illumination, with labels and components. One thread; no allocation
// after creation.
//
// Light is told from objects by a robust fit to the plate, first of the whole picture, then of its
// parts (kernels/local_light.h); the plate is learned from the memory's
// frames (ifl_scene_learn), a few rows at a time. A ghost (the plate shows somebody who has left)
// is found by its outline and cleared within a few frames. A new scene (most of the picture differs
// and stays as it is) is reported, and whoever owns the scene begins anew.
#ifndef IFL_PROFILE_SCENE_H
#define IFL_PROFILE_SCENE_H

#include "kernels/local_light.h"
#include "profile/photometry.h"
#include "profile/plate.h"
#include "profile/segment.h"

enum { IFL_SCENE_WARM_FRAMES = 16 }; // until then the plate is a guess and nothing is labelled

struct ifl_scene {
    int source_width, source_height;
    int levels, level_width[IFL_LEVELS_MAX], level_height[IFL_LEVELS_MAX];
    int width, height; // of the base level
    uint64_t frames;   // looked at

    uint8_t *plate, *noise; // base level
    uint8_t *coarse_plate;  // for the fit of the light

    // Of the newest frame:
    uint8_t *canonical, *label;
    struct ifl_photometry photometry;
    struct ifl_local_light local;
    int components;
    struct ifl_component component[IFL_COMPONENTS_MAX];
    double foreground_share;
    int is_new; // a new scene has settled

    // Inner state.
    int coarse_level, next_row;
    int stable_frames, strange_frames;
    uint8_t ghost[IFL_COMPONENTS_MAX];
    uint8_t *raw, *planes, *coarse, *coarse_before, *spare;
    uint8_t *coarse_canonical, *coarse_lit; // the latter: the plate under the local light
    void *light_scratch;
    uint8_t *ghost_frames, *hold; // per pixel
    uint8_t *stale;               // per row of coarse_plate
    float *fit;                   // scratch of the fit of the light
    struct ifl_segmenter *segmenter;
};

struct ifl_scene *ifl_scene_create(int source_width, int source_height,
                                   int base_area); // NULL: out of memory
void ifl_scene_destroy(struct ifl_scene *scene);   // takes NULL
void ifl_scene_reset(struct ifl_scene *scene);     // forgets the plate

void ifl_scene_look(struct ifl_scene *scene, const struct ifl_frame *frame);

static inline int ifl_scene_is_warm(const struct ifl_scene *scene)
{
    return scene->frames >= IFL_SCENE_WARM_FRAMES;
}

// Learns from samples: all of the plate while it is not warm, then some rows.
void ifl_scene_learn(struct ifl_scene *scene, const struct ifl_plate_sample *samples, int count);

// Labels an earlier canonical picture anew.
int ifl_scene_label(struct ifl_scene *scene, const uint8_t *canonical,
                    const struct ifl_photometry *photometry, uint8_t *label,
                    struct ifl_component *component);

#endif
