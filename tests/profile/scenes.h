// SPDX-License-Identifier: Apache-2.0
// Scenes with a known truth: a textured ground, rectangles that stand and walk, light, sensor
// noise.
#ifndef IFL_TESTS_PROFILE_SCENES_H
#define IFL_TESTS_PROFILE_SCENES_H

#include "inferloop/profile.h"

struct object {
    int x, y, width, height; // pixels of the frame; may lie outside
    uint8_t colour[3];       // Y, Cb, Cr
};

// Light of a part of the picture: `gain` left of `from`, none right of `to` (shares of the width),
// falling evenly in between.
struct part_light {
    double gain, from, to; // gain 0: there is none
};

struct scene_view {
    int width, height; // at most 1700
    const struct object *object;
    int objects;
    double gain; // of the light; 0 means 1
    struct part_light part;
    int noise;       // +- grey levels of the sensor
    uint64_t seed;   // of the noise
    int ground;      // which ground: 0, 1, ...; -1: constant grey
    uint64_t number; // sequence and media index
    uint32_t loop;
};

double scene_part_gain(const struct part_light *part, double share);

// A canonical frame; unref it.
struct ifl_frame *scene_frame(const struct scene_view *view);

// Draws the view, gives it to the profiler, and fails the test if that fails.
void scene_feed(struct ifl_profiler *profiler, const struct scene_view *view);

// A profiler and its snapshot; they fail the test on errors.
struct ifl_profiler *scene_profiler(int base_area, int memory_frames, int window_frames);
struct ifl_profile *scene_snapshot(struct ifl_profiler *profiler);

// Mean and greatest |plate - truth| over the base level's RGB; the truth is the view without its
// objects.
void scene_plate_error(const struct ifl_profile *profile, struct scene_view view, double *mean,
                       int *most);

// The memory frame of this media index, or NULL.
const struct ifl_memory_frame *scene_memory(const struct ifl_profile *profile, uint64_t number);

#endif
