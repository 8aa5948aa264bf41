// SPDX-License-Identifier: Apache-2.0
#include "validate/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "generate/resample.h"
#include "kernels/scale.h"

enum { STAY = 24, PACE = 3 }; // frames that a person is seen, pixels a frame

static uint64_t scatter(const struct world *world, uint64_t a, uint64_t b)
{
    return ifl_hash_mix(ifl_hash_mix(world->seed * 1000003 + a) + b);
}

static uint8_t to_byte(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + .5);
}

void person_paint(const struct world *world, uint32_t event,
                  uint8_t rgb[3 * PERSON_WIDTH * PERSON_HEIGHT],
                  uint8_t mask[PERSON_WIDTH * PERSON_HEIGHT])
{
    uint8_t part[3][3];
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 3; c++)
            part[i][c] = (uint8_t)(20 + scatter(world, event, (uint64_t)(3 * i + c)) % 210);
    for (int y = 0; y < PERSON_HEIGHT; y++) {
        int of = y < 8 ? 0 : y < 22 ? 1 : 2;
        double from_middle = y < 8 ? (y + .5 - 4) / 4 : (y + .5 - 23) / 15;
        double half = (y < 8 ? 3.5 : 6.8) * sqrt(fmax(0, 1 - from_middle * from_middle));
        for (int x = 0; x < PERSON_WIDTH; x++) {
            int at = y * PERSON_WIDTH + x;
            mask[at] = fabs(x + .5 - PERSON_WIDTH / 2.0) <= half;
            double weave = (double)(scatter(world, event, (uint64_t)(100 + at)) % 31) - 15;
            for (int c = 0; c < 3; c++)
                rgb[3 * at + c] = to_byte(part[of][c] + weave);
        }
    }
}

void person_put(const struct world *world, uint32_t event, int x, int y, int from, int to,
                uint8_t *rgb, uint8_t *label, int value)
{
    uint8_t person[3 * PERSON_WIDTH * PERSON_HEIGHT], mask[PERSON_WIDTH * PERSON_HEIGHT];
    person_paint(world, event, person, mask);
    for (int v = from; v < to; v++) {
        for (int u = 0; u < PERSON_WIDTH; u++) {
            int at = v * PERSON_WIDTH + u, px = x + u, py = y + v;
            if (!mask[at] || px < 0 || py < 0 || px >= WORLD_SIDE_X || py >= WORLD_SIDE_Y)
                continue;
            memcpy(rgb + 3 * (py * WORLD_SIDE_X + px), person + 3 * at, 3);
            if (label)
                label[py * WORLD_SIDE_X + px] = (uint8_t)value;
        }
    }
}

// Paving of several scales, in colours.
void world_plate(const struct world *world, uint8_t *rgb)
{
    for (int y = 0; y < WORLD_SIDE_Y; y++) {
        for (int x = 0; x < WORLD_SIDE_X; x++) {
            uint64_t slab = scatter(world, 7000, (uint64_t)(y / 12 * 100 + x / 16));
            uint64_t grain = scatter(world, 7001, (uint64_t)(y * WORLD_SIDE_X + x));
            for (int c = 0; c < 3; c++) {
                double value = 110 + 40 * sin(.02 * x + .5 * c) + .2 * y +
                               (double)(slab >> (8 * c) & 31) - 16 + (double)(grain & 15) - 8;
                *rgb++ = to_byte(value);
            }
        }
    }
}

static void add_noise(const struct world *world, int t, uint8_t *rgb)
{
    struct ifl_rng rng;
    ifl_rng_split(&rng, world->seed, (uint64_t)t);
    for (int i = 0; i < 3 * WORLD_PIXELS && world->noise > 0; i++)
        rgb[i] = to_byte(rgb[i] + world->noise * ifl_rng_normal(&rng));
}

int world_frame(const struct world *world, int t, uint8_t *rgb, uint8_t *label,
                struct ifl_component *component)
{
    world_plate(world, rgb);
    if (label)
        memset(label, 0, WORLD_PIXELS);
    for (int i = 0; i < world->people; i++) {
        int shifted = t + STAY + i * STAY / 3, phase = shifted % STAY;
        uint32_t event = (uint32_t)(1 + shifted / STAY * world->people + i);
        uint64_t start = scatter(world, 8000, event);
        int x = 20 + (int)(start % 120) + PACE * phase * (start >> 20 & 1 ? 1 : -1);
        int y = 30 + (int)((start >> 8) % 80);
        x = x < 0 ? 0 : x > WORLD_SIDE_X - PERSON_WIDTH ? WORLD_SIDE_X - PERSON_WIDTH : x;
        person_put(world, event, x, y, 0, PERSON_HEIGHT, rgb, label, i + 1);
        if (component)
            component[i] = (struct ifl_component){.x = x,
                                                  .y = y,
                                                  .width = PERSON_WIDTH,
                                                  .height = PERSON_HEIGHT,
                                                  .area = 350,
                                                  .event = event};
    }
    add_noise(world, t, rgb);
    return world->people;
}

static void scale_levels(struct ifl_profile *profile, const uint8_t *rgb, const uint8_t **level)
{
    for (int l = 0; l < profile->levels; l++) {
        int width = profile->level_width[l], height = profile->level_height[l];
        uint8_t *to = malloc(3 * (size_t)(width * height));
        ifl_scale_area(rgb, WORLD_SIDE_X, WORLD_SIDE_Y, 3 * WORLD_SIDE_X, to, width, height,
                       3 * width, 3);
        level[l] = to;
    }
}

static struct ifl_memory_frame *make_frame(const struct world *world, struct ifl_profile *profile,
                                           int t, bool lit)
{
    struct ifl_memory_frame *frame = calloc(1, sizeof *frame);
    uint8_t *label = malloc(WORLD_PIXELS), *rgb = malloc(3 * WORLD_PIXELS);
    struct ifl_component *component = calloc(WORLD_PEOPLE + 1, sizeof *component);
    frame->refs = 1;
    frame->sequence = 1000 + (uint64_t)t;
    frame->media_index = (uint64_t)t;
    for (int c = 0; c < 3; c++) {
        frame->gain[c] = lit ? 1 + .1f * sinf(.05f * (float)t) : 1;
        frame->offset[c] = lit ? 4 * cosf(.07f * (float)t) : 0;
    }
    frame->components = world_frame(world, t, rgb, label, component);
    scale_levels(profile, rgb, frame->level);
    frame->label = label;
    frame->component = component;
    free(rgb);
    return frame;
}

static void list_events(struct ifl_profile *profile)
{
    uint32_t last = 0;
    for (int t = 0; t < profile->memory_frames; t++)
        for (int i = 0; i < profile->memory[t]->components; i++)
            last = profile->memory[t]->component[i].event > last
                       ? profile->memory[t]->component[i].event
                       : last;
    struct ifl_event *event = calloc(last + 1, sizeof *event);
    for (uint32_t id = 1; id <= last; id++)
        event[id - 1] = (struct ifl_event){.id = id, .identity = id, .frames = 1};
    profile->event = event;
    profile->events = (int)last;
    profile->identities = (int)last;
}

struct ifl_profile *world_profile(const struct world *world, int frames, int first, int step,
                                  bool lit)
{
    struct ifl_profile *profile = calloc(1, sizeof *profile);
    struct ifl_memory_frame **memory = calloc((size_t)frames + 1, sizeof *memory);
    uint8_t *plate = malloc(3 * WORLD_PIXELS);
    profile->refs = 1;
    profile->levels = ifl_pyramid_sizes(WORLD_SIDE_X, WORLD_SIDE_Y, 256 * 144, profile->level_width,
                                        profile->level_height);
    world_plate(world, plate);
    scale_levels(profile, plate, profile->plate);
    free(plate);
    profile->memory = memory;
    profile->memory_frames = frames;
    for (int i = 0; i < frames; i++)
        memory[i] = make_frame(world, profile, first + i * step, lit);
    list_events(profile);
    return profile;
}

struct ifl_image *image_scaled(const uint8_t *rgb, int width, int height)
{
    struct ifl_image *image = ifl_image_create(width, height);
    if (ifl_resample(rgb, WORLD_SIDE_X, WORLD_SIDE_Y, image->rgb, width, height, NULL) != IFL_OK)
        abort();
    return image;
}

struct ifl_image *image_of(const uint8_t *rgb)
{
    return image_scaled(rgb, WORLD_SIDE_X, WORLD_SIDE_Y);
}
