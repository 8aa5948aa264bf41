// SPDX-License-Identifier: Apache-2.0
#include "source/pattern_plan.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

// What a random number is for; keys its hash.
enum { KEY_PERIOD = 1, KEY_PHASE, KEY_VISIT, KEY_ORDER, KEY_LOOK };

uint64_t ifl_pattern_hash(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t hash = ifl_hash_mix(seed + 0x9e3779b97f4a7c15u);
    hash = ifl_hash_mix(hash ^ (a + 0x632be59bd9b4e019u));
    hash = ifl_hash_mix(hash ^ (b + 0x8cb92ba72f3d8dd7u));
    return ifl_hash_mix(hash ^ (c + 0xd6e8feb86659fd93u));
}

double ifl_pattern_uniform(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
    return (double)(ifl_pattern_hash(seed, a, b, c) >> 11) * 0x1p-53;
}

// Slot k owns the identities k, k + objects, ...; its visits go through all of them in an order
// that is shuffled anew each round. So nobody is there twice, and everybody comes back.
static uint32_t identity_of_visit(const struct ifl_pattern_config *config, int slot, uint64_t visit)
{
    int own = (config->identities - slot + config->objects - 1) / config->objects;
    uint64_t round = visit / (uint64_t)own;
    int rank = (int)(visit % (uint64_t)own);
    uint64_t keys[IFL_PATTERN_IDENTITIES_MAX];
    for (int i = 0; i < own; i++)
        keys[i] =
            ifl_pattern_hash(config->seed, KEY_ORDER + 16 * (uint64_t)slot, round, (uint64_t)i);
    for (int i = 0; i < own; i++) {
        int before = 0;
        for (int j = 0; j < own; j++)
            before += keys[j] < keys[i];
        if (before == rank)
            return (uint32_t)(slot + i * config->objects + 1);
    }
    return (uint32_t)slot + 1;
}

struct visit {
    uint64_t number;
    double age, duration, pause, pause_at; // seconds; pause_at: share of the way
};

static double visit_uniform(const struct ifl_pattern_config *config, int slot, uint64_t visit,
                            int what)
{
    return ifl_pattern_uniform(config->seed, KEY_VISIT + 16 * (uint64_t)slot, visit,
                               (uint64_t)what);
}

// The visit that slot `slot` is in at `seconds`; false in the gap after one.
static bool find_visit(const struct ifl_pattern_config *config, int slot, double seconds,
                       struct visit *visit)
{
    double period = 11 + 9 * ifl_pattern_uniform(config->seed, KEY_PERIOD, (uint64_t)slot, 0);
    double clock =
        seconds + period * ifl_pattern_uniform(config->seed, KEY_PHASE, (uint64_t)slot, 0);
    visit->number = (uint64_t)(clock / period);
    visit->age = clock - (double)visit->number * period;
    visit->duration = period * (0.75 + 0.2 * visit_uniform(config, slot, visit->number, 0));
    bool stands = visit_uniform(config, slot, visit->number, 1) < 0.5;
    visit->pause =
        stands ? visit->duration * 0.4 * visit_uniform(config, slot, visit->number, 2) : 0;
    visit->pause_at = 0.3 + 0.4 * visit_uniform(config, slot, visit->number, 3);
    return visit->age < visit->duration;
}

// The share of the way done, 0..1.
static double way_done(const struct visit *visit, bool *standing)
{
    double walking = visit->duration - visit->pause;
    double pause_start = walking * visit->pause_at;
    *standing = visit->age >= pause_start && visit->age < pause_start + visit->pause;
    if (visit->age < pause_start)
        return visit->age / walking;
    return *standing ? visit->pause_at : (visit->age - visit->pause) / walking;
}

static void place_visit(const struct ifl_pattern_config *config, int slot,
                        const struct visit *visit, struct pattern_place *place)
{
    place->id = (uint32_t)(1 + (uint64_t)slot + visit->number * (uint64_t)config->objects);
    place->identity = identity_of_visit(config, slot, visit->number);
    place->cart = place->identity % 10 == 7;
    place->depth = visit_uniform(config, slot, visit->number, 4);
    place->leftwards = visit_uniform(config, slot, visit->number, 5) < 0.5;
    double scale = 0.88 + 0.24 * ifl_pattern_uniform(config->seed, KEY_LOOK, place->identity, 0);
    place->height = config->height * (0.16 + 0.34 * place->depth) * scale;
    place->foot = config->height * (0.5 + 0.47 * place->depth);
    if (place->cart)
        place->height *= 0.5;
    place->width = place->height * (place->cart ? 1.7 : 0.38);
    double way = config->width + place->width;
    double done = way * way_done(visit, &place->standing);
    place->stride = done / place->height * 4.5;
    place->center = (place->leftwards ? way - done : done) - place->width / 2;
}

int ifl_pattern_plan(const struct ifl_pattern_config *config, uint64_t index,
                     struct pattern_place places[IFL_PATTERN_OBJECTS_MAX])
{
    int count = 0;
    double seconds = (double)index / config->rate;
    for (int slot = 0; slot < config->objects; slot++) {
        struct visit visit;
        if (!find_visit(config, slot, seconds, &visit))
            continue;
        struct pattern_place place;
        place_visit(config, slot, &visit, &place);
        int at = count++;
        for (; at > 0 && places[at - 1].depth > place.depth; at--)
            places[at] = places[at - 1];
        places[at] = place;
    }
    return count;
}

static void of_hue(double hue, double saturation, double value, uint8_t rgb[3])
{
    for (int i = 0; i < 3; i++) {
        double k = fmod(5 - 2 * i + hue * 6, 6);
        double share = fmax(0, fmin(1, fmin(k, 4 - k)));
        rgb[i] = (uint8_t)(255 * value * (1 - saturation * share) + 0.5);
    }
}

void ifl_pattern_look(const struct ifl_pattern_config *config, uint32_t identity,
                      struct pattern_look *look)
{
    static const uint8_t skins[4][3] = {
        {236, 200, 172}, {205, 160, 122}, {150, 105, 75}, {92, 62, 45}};
    double random[6];
    for (int i = 0; i < 6; i++)
        random[i] = ifl_pattern_uniform(config->seed, KEY_LOOK, identity, (uint64_t)i + 1);
    // The golden angle keeps neighbours far apart.
    double hue = fmod(identity * 0.61803398875, 1);
    of_hue(hue, 0.45 + 0.5 * random[0], 0.35 + 0.6 * random[1], look->body);
    of_hue(fmod(hue + 0.3 + 0.4 * random[2], 1), 0.5 * random[3], 0.12 + 0.4 * random[4],
           look->legs);
    memcpy(look->skin, skins[identity % 4], 3);
    of_hue(0.07, 0.6, 0.08 + 0.5 * random[5] * random[5], look->hair);
    uint64_t texture = ifl_pattern_hash(config->seed, KEY_LOOK, identity, 99);
    look->texture = (int)(texture % 5);
    look->texture_size = 2 + (int)(texture / 5 % 4);
}
