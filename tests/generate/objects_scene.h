// SPDX-License-Identifier: Apache-2.0
// A profile made by hand for the tests of objects: a grey place with people of unique colours, and
// a painting of it. In: how many. Out: what the caller frees with close_painting.
#ifndef IFL_TESTS_OBJECTS_SCENE_H
#define IFL_TESTS_OBJECTS_SCENE_H

#include "support.h"

#include "core/profile.h"
#include "generate/objects_internal.h"

enum { WIDTH = 160, HEIGHT = 120, AREA = WIDTH * HEIGHT, RECORDS = 64 };

static inline uint32_t mix(uint32_t a, uint32_t b)
{
    uint32_t h = a * 2654435761u ^ (b + 0x9e3779b9u) * 2246822519u;
    h ^= h >> 15;
    h *= 2654435761u;
    return h ^ h >> 13;
}

static inline uint8_t plate_at(int x, int y, int channel)
{
    return (uint8_t)(150 + channel * 4 + mix((uint32_t)x, (uint32_t)y) % 5);
}

static inline void fill_plate(uint8_t *rgb)
{
    for (int i = 0; i < AREA * 3; i++)
        rgb[i] = plate_at(i / 3 % WIDTH, i / 3 / WIDTH, i % 3);
}

static inline struct ifl_profile *make_profile(int frames, int events)
{
    struct ifl_profile *profile = calloc(1, sizeof *profile);
    profile->refs = 1;
    profile->levels = 1;
    profile->level_width[0] = WIDTH;
    profile->level_height[0] = HEIGHT;
    uint8_t *plate = malloc(AREA * 3);
    fill_plate(plate);
    profile->plate[0] = plate;
    struct ifl_memory_frame **memory = calloc((size_t)frames + 1, sizeof *memory);
    for (int f = 0; f < frames; f++) {
        memory[f] = calloc(1, sizeof **memory);
        memory[f]->refs = 1;
        memory[f]->media_index = (uint64_t)f * 100;
        uint8_t *rgb = malloc(AREA * 3);
        fill_plate(rgb);
        memory[f]->level[0] = rgb;
        memory[f]->label = calloc(AREA, 1);
        memory[f]->component = calloc(16, sizeof(struct ifl_component));
    }
    profile->memory = memory;
    profile->memory_frames = frames;
    struct ifl_event *event = calloc((size_t)events + 1, sizeof *event);
    for (int e = 0; e < events; e++)
        event[e] = (struct ifl_event){.id = (uint32_t)e + 1, .identity = (uint32_t)e + 1};
    profile->event = event;
    profile->events = events;
    return profile;
}

// The shape of a person at (x, y) of a box `height` high: head, torso, two legs.
static inline int part_at(int x, int y, int height, int stride)
{
    double u = (x + 0.5) / height, v = (y + 0.5) / height;
    if (v < 0.17)
        return fabs(u) < 0.08 ? 1 : 0;
    if (v < 0.52)
        return fabs(u) < 0.15 ? 2 : 0;
    double spread = 0.03 + 0.02 * stride + 0.1 * (v - 0.52);
    return v < 1 && fabs(fabs(u) - spread) < 0.055 ? 3 : 0;
}

static inline struct ifl_component *open_component(struct ifl_memory_frame *frame, uint32_t event)
{
    struct ifl_component *c = (struct ifl_component *)&frame->component[frame->components++];
    *c = (struct ifl_component){.x = WIDTH, .y = HEIGHT, .event = event};
    return c;
}

static inline void add_pixel(struct ifl_memory_frame *frame, struct ifl_component *c, int x, int y,
                             uint32_t seed)
{
    if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT)
        return;
    int right = c->x + c->width, bottom = c->y + c->height;
    right = c->area == 0 || x + 1 > right ? x + 1 : right;
    bottom = c->area == 0 || y + 1 > bottom ? y + 1 : bottom;
    c->x = x < c->x ? x : c->x;
    c->y = y < c->y ? y : c->y;
    c->width = right - c->x;
    c->height = bottom - c->y;
    c->area++;
    c->edges |= (x == 0 ? IFL_EDGE_LEFT : 0u) | (x == WIDTH - 1 ? IFL_EDGE_RIGHT : 0u) |
                (y == 0 ? IFL_EDGE_TOP : 0u) | (y == HEIGHT - 1 ? IFL_EDGE_BOTTOM : 0u);
    ((uint8_t *)frame->label)[y * WIDTH + x] = (uint8_t)frame->components;
    uint8_t *rgb = (uint8_t *)frame->level[0] + (y * WIDTH + x) * 3;
    for (int channel = 0; channel < 3; channel++)
        rgb[channel] = (uint8_t)(mix(seed, (uint32_t)channel) % 90 +
                                 mix(seed ^ (uint32_t)(y * 997 + x), (uint32_t)channel) % 24);
}

static inline void draw(struct ifl_memory_frame *frame, struct ifl_component *c, int foot_x,
                        int foot_y, int height, uint32_t look)
{
    for (int y = 0; y < height; y++) {
        for (int x = -height / 2; x < height / 2; x++) {
            int part = part_at(x, y, height, (int)(look % 3));
            if (part)
                add_pixel(frame, c, foot_x + x, foot_y - height + y, look * 8 + (uint32_t)part);
        }
    }
}

static inline void add_person(struct ifl_profile *profile, int frame, uint32_t event, int foot_x,
                              int foot_y)
{
    struct ifl_memory_frame *memory = profile->memory[frame];
    draw(memory, open_component(memory, event), foot_x, foot_y, foot_y / 4 + 6, event);
}

// `people` identities, two in a frame, each in several frames.
static inline struct ifl_profile *make_plaza(int frames, int people)
{
    struct ifl_profile *profile = make_profile(frames, people);
    for (int f = 0; f < frames; f++) {
        add_person(profile, f, (uint32_t)(f % people) + 1, 30 + f % 5 * 6, 60 + f % 7 * 7);
        add_person(profile, f, (uint32_t)((f * 5 + 3) % people) + 1, 110 + f % 4 * 6,
                   70 + f % 6 * 7);
    }
    return profile;
}

struct painting {
    struct ifl_objects *objects;
    struct ifl_error error;
    struct ifl_audit audit;
    uint8_t canvas[AREA * 3];
    struct ifl_object_record record[RECORDS];
};

static inline struct painting *open_painting(struct ifl_profile *profile)
{
    struct painting *painting = calloc(1, sizeof *painting);
    check_ok(ifl_objects_create(profile, &painting->objects, &painting->error), painting->error);
    return painting;
}

static inline void paint(struct painting *painting, int k, double weight, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    memcpy(painting->canvas, painting->objects->profile->plate[0], AREA * 3);
    check_ok(ifl_objects_paint_recorded(painting->objects, k, weight, &rng, painting->canvas,
                                        &painting->audit, painting->record, RECORDS,
                                        &painting->error),
             painting->error);
}

static inline void close_painting(struct painting *painting, struct ifl_profile *profile)
{
    ifl_objects_destroy(painting->objects);
    ifl_profile_unref(profile);
    free(painting);
}

static inline int changed_pixels(const uint8_t *canvas)
{
    int count = 0;
    for (int i = 0; i < AREA; i++)
        count += abs(canvas[i * 3 + 1] - plate_at(i % WIDTH, i / WIDTH, 1)) > 20;
    return count;
}

#endif
