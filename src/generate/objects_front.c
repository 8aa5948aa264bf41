// SPDX-License-Identifier: Apache-2.0
// What of the background stands in front of objects: a post, a sign. Seen from the memory: pixels
// that no object hides, or only nearer ones, while farther ones are seen on both sides of them.
// Upright things up to GAP pixels wide are found; hedges and walls are not. Also the stream's
// grain.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

enum {
    GAP = 11,      // pixels to either side where an object must have been seen
    WITNESSES = 3, // events
    APART = 5,     // rows between the foot lines of those behind and those in front
    NEVER = UINT16_MAX,
};

// The lowest foot lines of different events that hid a pixel, ascending.
struct seen {
    uint16_t foot[WITNESSES];
    uint32_t event[WITNESSES];
};

static int difference(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                      size_t at)
{
    int finest = objects->profile->levels - 1, most = 0;
    for (size_t c = at * 3; c < at * 3 + 3; c++) {
        int d = abs(frame->level[finest][c] - objects->profile->plate[finest][c]);
        most = d > most ? d : most;
    }
    return most;
}

static void remember(struct seen *seen, uint16_t foot, uint32_t event)
{
    int at = 0;
    while (at < WITNESSES - 1 && seen->event[at] != event)
        at++;
    if (foot >= seen->foot[at])
        return;
    for (; at > 0 && seen->foot[at - 1] > foot; at--) {
        seen->foot[at] = seen->foot[at - 1];
        seen->event[at] = seen->event[at - 1];
    }
    seen->foot[at] = foot;
    seen->event[at] = event;
}

static void see_component(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                          int component, struct seen *seen)
{
    const struct ifl_component *c = &frame->component[component];
    for (int y = c->y; y < c->y + c->height; y++) {
        for (int x = c->x; x < c->x + c->width; x++) {
            size_t at = (size_t)y * (size_t)objects->width + (size_t)x;
            if (frame->label[at] == component + 1 && difference(objects, frame, at) > 24)
                remember(&seen[at], (uint16_t)(c->y + c->height), c->event);
        }
    }
}

// The foot line that WITNESSES events had who hid one of `count` pixels from `from` on.
static uint16_t farthest(const struct seen *from, int count)
{
    uint16_t foot = NEVER;
    for (int i = 0; i < count; i++) {
        uint16_t last = from[i].foot[WITNESSES - 1];
        foot = last < foot ? last : foot;
    }
    return foot;
}

// Whether the plate here is of another colour than to the left and to the right.
static bool stands_out(const struct ifl_objects *objects, size_t at)
{
    const uint8_t *plate = objects->profile->plate[objects->profile->levels - 1];
    int left = 0, right = 0;
    for (size_t c = at * 3; c < at * 3 + 3; c++) {
        int l = abs(plate[c] - plate[c - (size_t)GAP * 3]);
        int r = abs(plate[c] - plate[c + (size_t)GAP * 3]);
        left = l > left ? l : left;
        right = r > right ? r : right;
    }
    return left > 24 && right > 24;
}

static void find_front(struct ifl_objects *objects, const struct seen *seen)
{
    for (int y = 0; y < objects->height; y++) {
        for (int x = GAP; x < objects->width - GAP; x++) {
            size_t at = (size_t)y * (size_t)objects->width + (size_t)x;
            uint16_t left = farthest(seen + at - GAP, GAP), right = farthest(seen + at + 1, GAP);
            uint16_t behind = left > right ? left : right, here = seen[at].foot[0];
            if (behind != NEVER && (here == NEVER || here > behind + APART) &&
                stands_out(objects, at))
                objects->front_foot[at] = here;
        }
    }
}

// Drops specks: what stands in front has some width and height.
static void drop_specks(struct ifl_objects *objects, uint16_t *copy)
{
    int width = objects->width, height = objects->height;
    memcpy(copy, objects->front_foot, (size_t)width * (size_t)height * sizeof *copy);
    memset(objects->front_foot, 0, (size_t)width * (size_t)height * sizeof *copy);
    for (int y = 2; y < height - 2; y++) {
        for (int x = 2; x < width - 2; x++) {
            int near = 0;
            for (int i = 0; i < 25; i++)
                near += copy[(y + i / 5 - 2) * width + x + i % 5 - 2] != 0;
            if (near >= 9)
                objects->front_foot[y * width + x] = copy[y * width + x];
        }
    }
}

// Median difference of neighbouring frames' plate pixels to the plate, as a standard deviation.
static float measure_grain(const struct ifl_objects *objects)
{
    const struct ifl_profile *profile = objects->profile;
    unsigned histogram[256] = {0}, count = 0, below = 0;
    const uint8_t *plate = profile->plate[profile->levels - 1];
    size_t pixels = (size_t)objects->width * (size_t)objects->height;
    int frames = profile->memory_frames < 8 ? profile->memory_frames : 8;
    for (int f = 0; f < frames; f++) {
        const struct ifl_memory_frame *frame = profile->memory[f * profile->memory_frames / frames];
        for (size_t at = 0; at < pixels; at += 3) {
            if (frame->label[at] == 0) {
                histogram[abs(frame->level[profile->levels - 1][at * 3 + 1] - plate[at * 3 + 1])]++;
                count++;
            }
        }
    }
    int median = 0;
    while (median < 255 && (below += histogram[median]) * 2 < count)
        median++;
    return fminf(1.4826f * (float)median, 4);
}

enum ifl_result ifl_front_prepare(struct ifl_objects *objects, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    size_t pixels = (size_t)objects->width * (size_t)objects->height;
    struct seen *seen = malloc(pixels * sizeof *seen);
    uint16_t *copy = malloc(pixels * sizeof *copy);
    objects->front_foot = calloc(pixels, sizeof *objects->front_foot);
    if (!seen || !copy || !objects->front_foot) {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for a map of %zu pixels",
                          pixels);
        goto done;
    }
    memset(seen, 0xff, pixels * sizeof *seen);
    for (int f = 0; f < objects->profile->memory_frames; f++) {
        const struct ifl_memory_frame *frame = objects->profile->memory[f];
        for (int i = 0; i < frame->components; i++) {
            if (ifl_component_valid(objects, &frame->component[i]))
                see_component(objects, frame, i, seen);
        }
    }
    find_front(objects, seen);
    drop_specks(objects, copy);
    objects->grain = measure_grain(objects);
done:
    free(seen);
    free(copy);
    return result;
}
