// SPDX-License-Identifier: Apache-2.0
#include "make_profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

struct maker {
    const struct made_config *config;
    struct ifl_profile *profile;
    int width, height; // base level
    struct ifl_rng rng;
};

static uint8_t clamp_byte(double v)
{
    return (uint8_t)(fmin(fmax(v, 0), 255) + 0.5);
}

void made_base_size(const struct made_config *config, int *width, int *height)
{
    int widths[IFL_LEVELS_MAX], heights[IFL_LEVELS_MAX];
    int levels =
        ifl_pyramid_sizes(config->width, config->height, config->base_area, widths, heights);
    *width = widths[levels - 1];
    *height = heights[levels - 1];
}

// Box means of the finest level down to the coarsest. `level` of the base is there.
static bool reduce(const struct ifl_profile *profile, const uint8_t **level)
{
    for (int l = profile->levels - 2; l >= 0; l--) {
        int width = profile->level_width[l], height = profile->level_height[l];
        const uint8_t *fine = level[l + 1];
        uint8_t *coarse = malloc((size_t)(width * height * 3));
        level[l] = coarse;
        if (!coarse)
            return false;
        for (int y = 0; y < height; y++)
            for (int i = 0; i < width * 3; i++) {
                const uint8_t *p = fine + (ptrdiff_t)2 * y * width * 6 + i / 3 * 6 + i % 3;
                coarse[y * width * 3 + i] =
                    (uint8_t)((p[0] + p[3] + p[width * 6] + p[width * 6 + 3] + 2) / 4);
            }
    }
    return true;
}

// Slabs of paving with soft blotches: enough texture that a wrong patch shows.
static bool make_plate(struct maker *m)
{
    uint8_t *plate = malloc((size_t)(m->width * m->height * 3));
    m->profile->plate[m->profile->levels - 1] = plate;
    if (!plate)
        return false;
    for (int y = 0; y < m->height; y++)
        for (int x = 0; x < m->width; x++) {
            double slab = ((x / 24 + y / 18) % 2) * 22 - (x % 24 == 0 || y % 18 == 0) * 30;
            double blotch = 14 * sin(x * 0.11) * cos(y * 0.13 + x * 0.02);
            double grey = 110 + 40.0 * y / m->height + slab + blotch;
            uint8_t *p = plate + (ptrdiff_t)(y * m->width + x) * 3;
            p[0] = clamp_byte(grey + 6);
            p[1] = clamp_byte(grey);
            p[2] = clamp_byte(grey - 8);
        }
    return reduce(m->profile, m->profile->plate);
}

// Which part of the body covers (u, v), both in 0..1 of its box: 0 none, 1 head, 2 body.
static int body_part(double u, double v)
{
    double head_u = (u - 0.5) / 0.28, head_v = (v - 0.14) / 0.14;
    double body_u = (u - 0.5) / 0.5, body_v = (v - 0.62) / 0.38;
    if (head_u * head_u + head_v * head_v <= 1)
        return 1;
    return body_u * body_u + body_v * body_v <= 1 ? 2 : 0;
}

static void draw_object(const struct maker *m, const struct made_object *object, int frame,
                        int number, uint8_t *picture, uint8_t *label)
{
    double left = object->x + object->step_x * (frame - object->first) - object->width / 2.0;
    double top = object->y + object->step_y * (frame - object->first) - object->height;
    for (int v = 0; v < object->height; v++)
        for (int u = 0; u < object->width; u++) {
            int x = (int)floor(left) + u, y = (int)floor(top) + v;
            int part = body_part((u + 0.5) / object->width, (v + 0.5) / object->height);
            if (!part || x < 0 || y < 0 || x >= m->width || y >= m->height)
                continue;
            uint8_t *p = picture + (ptrdiff_t)(y * m->width + x) * 3;
            for (int c = 0; c < 3; c++)
                p[c] = clamp_byte(object->rgb[c] *
                                  (part == 1 ? 0.8 : 1.0 - 0.25 * v / object->height));
            label[y * m->width + x] = (uint8_t)number;
        }
}

double made_shadow(const struct made_object *object, int frame, int x, int y)
{
    double foot_x = object->x + object->step_x * (frame - object->first);
    double foot_y = object->y + object->step_y * (frame - object->first);
    double u = (x + 0.5 - foot_x - 0.5 * object->height) / (0.55 * object->height);
    double v = (y + 0.5 - foot_y) / (0.2 * object->height);
    double inside = 1 - u * u - v * v;
    return inside > 0 ? object->shadow * (1 - (1 - inside) * (1 - inside)) : 0;
}

static void draw_shadows(const struct maker *m, int frame, uint8_t *picture)
{
    for (int i = 0; i < m->config->objects; i++) {
        const struct made_object *object = &m->config->object[i];
        if (object->shadow <= 0 || frame < object->first || frame > object->last)
            continue;
        for (int at = 0; at < m->width * m->height; at++)
            for (int c = 0; c < 3; c++)
                picture[at * 3 + c] =
                    clamp_byte(picture[at * 3 + c] *
                               (1 - made_shadow(object, frame, at % m->width, at / m->width)));
    }
}

static void add_noise(struct maker *m, uint8_t *picture)
{
    for (int i = 0; i < m->width * m->height && m->config->noise > 0; i++) {
        double noise = ifl_rng_normal(&m->rng) * m->config->noise;
        for (int c = 0; c < 3; c++)
            picture[i * 3 + c] = clamp_byte(picture[i * 3 + c] + noise);
    }
}

// Box, area and edges of a label; false where nothing of it is seen.
static bool measure_component(const struct maker *m, const uint8_t *label, int number,
                              struct ifl_component *component)
{
    int left = m->width, right = -1, top = m->height, bottom = -1, area = 0;
    for (int y = 0; y < m->height; y++)
        for (int x = 0; x < m->width; x++) {
            if (label[y * m->width + x] != number)
                continue;
            area++;
            left = x < left ? x : left;
            right = x > right ? x : right;
            top = y < top ? y : top;
            bottom = y;
        }
    *component = (struct ifl_component){
        .x = left,
        .y = top,
        .width = right - left + 1,
        .height = bottom - top + 1,
        .area = area,
        .edges = (left == 0 ? IFL_EDGE_LEFT : 0U) | (right == m->width - 1 ? IFL_EDGE_RIGHT : 0U) |
                 (top == 0 ? IFL_EDGE_TOP : 0U) | (bottom == m->height - 1 ? IFL_EDGE_BOTTOM : 0U)};
    return area > 0;
}

static int draw_objects(struct maker *m, int frame, uint8_t *picture, uint8_t *label,
                        struct ifl_component *component)
{
    int drawn[IFL_COMPONENTS_MAX], count = 0, kept = 0;
    for (int i = 0; i < m->config->objects && count < IFL_COMPONENTS_MAX; i++) {
        const struct made_object *object = &m->config->object[i];
        if (frame < object->first || frame > object->last)
            continue;
        drawn[count++] = i;
        draw_object(m, object, frame, count, picture, label);
    }
    uint8_t renumber[256] = {0};
    for (int i = 0; i < count; i++)
        if (measure_component(m, label, i + 1, &component[kept])) {
            component[kept++].event = m->config->object[drawn[i]].event;
            renumber[i + 1] = (uint8_t)kept;
        }
    for (int i = 0; i < m->width * m->height; i++)
        label[i] = renumber[label[i]];
    return kept;
}

static bool make_frame(struct maker *m, int index)
{
    struct ifl_memory_frame *frame = calloc(1, sizeof *frame);
    ((struct ifl_memory_frame **)m->profile->memory)[index] = frame;
    if (!frame)
        return false;
    int base = m->profile->levels - 1;
    size_t pixels = (size_t)(m->width * m->height);
    uint8_t *picture = malloc(pixels * 3), *label = calloc(pixels, 1);
    struct ifl_component *component = calloc(IFL_COMPONENTS_MAX, sizeof *component);
    frame->refs = 1;
    frame->sequence = frame->media_index = (uint64_t)index;
    frame->level[base] = picture;
    frame->label = label;
    frame->component = component;
    if (!picture || !label || !component)
        return false;
    memcpy(picture, m->profile->plate[base], pixels * 3);
    draw_shadows(m, index, picture);
    frame->components = draw_objects(m, index, picture, label, component);
    add_noise(m, picture);
    for (int c = 0; c < 3; c++) {
        double change = (2 * ifl_rng_uniform(&m->rng) - 1) * m->config->flicker;
        frame->gain[c] = (float)(1 + change);
        frame->offset[c] = (float)(-20 * change);
    }
    return reduce(m->profile, frame->level);
}

static int compare_events(const void *a, const void *b)
{
    uint32_t x = ((const struct ifl_event *)a)->id, y = ((const struct ifl_event *)b)->id;
    return (x > y) - (x < y);
}

static void merge_event(struct ifl_event *event, const struct ifl_event *other)
{
    event->first_index =
        other->first_index < event->first_index ? other->first_index : event->first_index;
    event->last_index =
        other->last_index > event->last_index ? other->last_index : event->last_index;
    event->frames += other->frames;
    event->height_max =
        other->height_max > event->height_max ? other->height_max : event->height_max;
}

static bool make_events(struct maker *m)
{
    int objects = m->config->objects;
    struct ifl_event *event = calloc((size_t)objects + 1, sizeof *event);
    m->profile->event = event;
    if (!event)
        return false;
    for (int i = 0; i < objects; i++) {
        const struct made_object *o = &m->config->object[i];
        event[i] = (struct ifl_event){.id = o->event,
                                      .identity = o->identity ? o->identity : o->event,
                                      .first_index = (uint64_t)o->first,
                                      .last_index = (uint64_t)o->last,
                                      .frames = (uint32_t)(o->last - o->first + 1),
                                      .height_max = o->height};
    }
    qsort(event, (size_t)objects, sizeof *event, compare_events);
    int kept = 0;
    for (int i = 0; i < objects; i++) {
        if (kept > 0 && event[kept - 1].id == event[i].id)
            merge_event(&event[kept - 1], &event[i]);
        else
            event[kept++] = event[i];
    }
    m->profile->events = m->profile->identities = kept;
    return true;
}

static bool fill(struct maker *m)
{
    struct ifl_profile *profile = m->profile;
    profile->refs = 1;
    snprintf(profile->id, sizeof profile->id, "%016llx", (unsigned long long)m->config->seed);
    snprintf(profile->source, sizeof profile->source, "made");
    profile->source_width = m->config->width;
    profile->source_height = m->config->height;
    profile->levels = ifl_pyramid_sizes(m->config->width, m->config->height, m->config->base_area,
                                        profile->level_width, profile->level_height);
    m->width = profile->level_width[profile->levels - 1];
    m->height = profile->level_height[profile->levels - 1];
    profile->memory = calloc((size_t)m->config->frames + 1, sizeof *profile->memory);
    if (!profile->memory || !make_plate(m) || !make_events(m))
        return false;
    for (int f = 0; f < m->config->frames; f++) {
        if (!make_frame(m, f))
            return false;
        profile->memory_frames = f + 1;
    }
    profile->frames_seen = profile->frames_profiled = profile->window_frames =
        (uint64_t)m->config->frames;
    return true;
}

struct ifl_profile *make_profile(const struct made_config *config)
{
    struct maker m = {.config = config, .profile = calloc(1, sizeof *m.profile)};
    ifl_rng_init(&m.rng, config->seed);
    if (!m.profile || fill(&m))
        return m.profile;
    ifl_profile_unref(m.profile);
    return NULL;
}

struct ifl_profile *make_walkers(int frames, int events, uint64_t seed)
{
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = frames,
                                 .objects = events,
                                 .noise = 2,
                                 .flicker = 0.03,
                                 .seed = seed};
    int width, height;
    made_base_size(&config, &width, &height);
    struct made_object *object = calloc((size_t)events + 1, sizeof *object);
    if (!object)
        return NULL;
    struct ifl_rng rng;
    ifl_rng_split(&rng, seed, 1);
    for (int i = 0; i < events; i++) {
        double y = height * (0.4 + 0.55 * ifl_rng_uniform(&rng));
        bool right = ifl_rng_below(&rng, 2);
        int first = (int)ifl_rng_below(&rng, (uint32_t)frames), life = frames / 3 + 1;
        object[i] = (struct made_object){
            .event = (uint32_t)i + 1,
            .first = first,
            .last = first + life < frames ? first + life : frames - 1,
            .x = right ? 0 : width,
            .y = y,
            .step_x = (right ? 1.5 : -1.5) * width / life,
            .width = (int)(4 + 10 * y / height),
            .height = (int)(10 + 26 * y / height),
            .rgb = {(uint8_t)ifl_rng_below(&rng, 256), (uint8_t)ifl_rng_below(&rng, 256),
                    (uint8_t)ifl_rng_below(&rng, 256)},
        };
    }
    config.object = object;
    struct ifl_profile *profile = make_profile(&config);
    free(object);
    return profile;
}
