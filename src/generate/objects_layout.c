// SPDX-License-Identifier: Apache-2.0
// Where new objects stand: the foot positions of one memory frame's components. A component that is
// cut by the border gets a whole object that is partly outside; a merged one several, which cover
// it; a fragment a whole one, as often as its area is part of a whole one's, so that the occupancy
// stays the stream's.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/profile.h"
#include "generate/exact.h"
#include "generate/objects_internal.h"

bool ifl_component_valid(const struct ifl_objects *objects, const struct ifl_component *c)
{
    return c->area > 0 && c->width > 0 && c->height > 0 && c->x >= 0 && c->y >= 0 &&
           c->width <= objects->width && c->height <= objects->height &&
           c->x <= objects->width - c->width && c->y <= objects->height - c->height &&
           c->area <= c->width * c->height;
}

static float span(float value, float least, float most)
{
    return fminf(fmaxf(value, least), most);
}

static double weight_of(const struct ifl_objects *objects, int frame, double weight)
{
    return objects->weight[frame] *
           ifl_exact_exp(weight * (double)span(objects->area_z[frame], -10, 10));
}

int ifl_layout_pick(const struct ifl_objects *objects, double weight, struct ifl_rng *rng)
{
    double sum = 0;
    weight = weight < -20 ? -20 : weight > 20 ? 20 : weight == weight ? weight : 0;
    for (int f = 0; f < objects->profile->memory_frames; f++)
        sum += weight_of(objects, f, weight);
    double wanted = ifl_rng_uniform(rng) * sum;
    for (int f = 0; f < objects->profile->memory_frames; f++) {
        wanted -= weight_of(objects, f, weight);
        if (wanted < 0)
            return f;
    }
    return objects->profile->memory_frames - 1;
}

// The foot line at which an object that begins at row `top` ends.
static float foot_below(const struct ifl_kind *kind, float top)
{
    float foot = top;
    for (int i = 0; i < 12; i++)
        foot = top + ifl_kind_height(kind, foot);
    return foot;
}

// A whole object for a component of ordinary size, also where the border cuts it.
static struct ifl_placement place_one(const struct ifl_objects *objects,
                                      const struct ifl_component *c, enum ifl_kind_index index)
{
    const struct ifl_kind *kind = &objects->kind[index];
    struct ifl_placement placement = {.kind = index};
    placement.foot_x = (float)c->x + (float)c->width / 2;
    placement.foot_y = (float)(c->y + c->height);
    if (c->edges & IFL_EDGE_BOTTOM)
        placement.foot_y = fmaxf(placement.foot_y, foot_below(kind, (float)c->y));
    placement.height = ifl_kind_height(kind, placement.foot_y);
    float width = kind->aspect * placement.height;
    if ((c->edges & IFL_EDGE_LEFT) && (float)c->width < width)
        placement.foot_x = (float)c->width - width / 2;
    else if ((c->edges & IFL_EDGE_RIGHT) && (float)c->width < width)
        placement.foot_x = (float)c->x + width / 2;
    return placement;
}

// Which kind replaces a component; KIND_NONE: none can.
static enum ifl_kind_index kind_for(const struct ifl_objects *objects,
                                    const struct ifl_component *c, int identity)
{
    enum ifl_kind_index own = identity >= 0 ? objects->identity[identity].kind : KIND_NONE;
    enum ifl_kind_index most =
        objects->kind[KIND_WIDE].identities > objects->kind[KIND_UPRIGHT].identities ? KIND_WIDE
                                                                                     : KIND_UPRIGHT;
    if (own == most || own == KIND_NONE)
        return most;
    // Pairs that walk together all the time look like a wide kind: they are not as filled as a
    // vehicle and as tall as one person.
    float fill = (float)c->area / (float)(c->width * c->height);
    float relative =
        (float)c->height / ifl_kind_height(&objects->kind[KIND_UPRIGHT], (float)(c->y + c->height));
    if (own == KIND_WIDE && fill < 0.7f && relative > 0.6f && relative < 1.8f)
        return KIND_UPRIGHT;
    return own;
}

// What a component shows, by its size.
struct reading {
    enum ifl_kind_index kind;
    struct ifl_placement one; // a whole object in its place
    float share;              // of a whole one's area
    bool one_or_less, gaps;
};

static struct reading read_component(const struct ifl_objects *objects,
                                     const struct ifl_component *c)
{
    struct reading reading;
    reading.kind = kind_for(objects, c, ifl_objects_find_identity(objects, c->event));
    const struct ifl_kind *kind = &objects->kind[reading.kind];
    reading.one = place_one(objects, c, reading.kind);
    // The foot line's height is a rough guide: a single object may be a third taller.
    float height = span((float)c->height, reading.one.height, 1.35f * reading.one.height);
    reading.share = (float)c->area / (height * height * kind->aspect * kind->fill);
    float tall = (float)c->height / reading.one.height;
    float wide = (float)c->width / (kind->aspect * height);
    reading.one_or_less = reading.share <= 1.6f && wide <= 1.9f && tall <= 1.45f;
    // Groups have gaps; what fills its box is one large thing.
    reading.gaps = (float)c->area < 0.75f * (float)(c->width * c->height);
    bool whole = c->edges == 0 && reading.share > 0.5f && reading.share <= 1.6f;
    reading.one.shows = whole ? SHOWS_ONE : reading.one_or_less ? SHOWS_PART : SHOWS_SEVERAL;
    return reading;
}

static int place_component(const struct ifl_objects *objects, int frame, int component,
                           struct ifl_rng *rng, struct ifl_placement *placement, int room)
{
    const struct ifl_component *c = &objects->profile->memory[frame]->component[component];
    struct reading reading = read_component(objects, c);
    if (reading.kind == KIND_UPRIGHT && reading.gaps && !reading.one_or_less) {
        int count = ifl_cover_component(objects, frame, component, reading.kind, placement, room);
        if (count > 0)
            return count;
    }
    double chance = ifl_rng_uniform(rng);
    if (c->edges == 0 && reading.share < 0.5f && chance >= (double)reading.share)
        return 0;
    placement[0] = reading.one;
    placement[0].component = component;
    if (reading.kind == KIND_WIDE && c->edges == 0)
        placement[0].height = (float)c->height;
    return 1;
}

// Of crops, by their kind's line.
static double mean_relative(const struct ifl_objects *objects, enum ifl_kind_index kind)
{
    double sum = 0, count = 0;
    for (int i = 0; i < objects->crops; i++) {
        if (objects->identity[objects->crop[i].identity].kind != kind)
            continue;
        sum += (double)objects->crop[i].relative;
        count++;
    }
    return count > 0 ? sum / count : 1;
}

// The line of a kind goes through the middle of its heights; how much of the picture objects take
// goes by squares, and by how often each is there.
static float measure_larger(const struct ifl_objects *objects, enum ifl_kind_index kind)
{
    const struct ifl_profile *profile = objects->profile;
    double seen = 0, line = 0;
    for (int f = 0; f < profile->memory_frames; f++) {
        for (int i = 0; i < profile->memory[f]->components; i++) {
            const struct ifl_component *c = &profile->memory[f]->component[i];
            if (!ifl_component_valid(objects, c))
                continue;
            struct reading reading = read_component(objects, c);
            if (reading.kind != kind || reading.one.shows != SHOWS_ONE || !reading.one_or_less)
                continue;
            double high = c->height, usual = (double)reading.one.height;
            seen += objects->weight[f] * high * high;
            line += objects->weight[f] * usual * usual;
        }
    }
    return line > 0 ? (float)(sqrt(seen / line) / mean_relative(objects, kind)) : 1;
}

void ifl_layout_weigh(struct ifl_objects *objects)
{
    const struct ifl_profile *profile = objects->profile;
    double mean = 0, square = 0;
    ifl_profile_weights(profile, objects->weight);
    for (int f = 0; f < profile->memory_frames; f++) {
        double area = 0;
        for (int i = 0; i < profile->memory[f]->components; i++) {
            const struct ifl_component *c = &profile->memory[f]->component[i];
            area += ifl_component_valid(objects, c) ? c->area : 0;
        }
        objects->area_z[f] = (float)area;
        mean += objects->weight[f] * area;
        square += objects->weight[f] * area * area;
    }
    double deviation = sqrt(fmax(square - mean * mean, 0));
    for (int f = 0; f < profile->memory_frames; f++)
        objects->area_z[f] =
            deviation > 0 ? (float)(((double)objects->area_z[f] - mean) / deviation) : 0;
    for (int k = 0; k < KINDS; k++)
        objects->kind[k].larger = measure_larger(objects, (enum ifl_kind_index)k);
}

static int by_foot(const void *a, const void *b)
{
    const struct ifl_placement *x = a, *y = b;
    if (x->foot_y != y->foot_y)
        return (x->foot_y > y->foot_y) - (x->foot_y < y->foot_y);
    return (x->foot_x > y->foot_x) - (x->foot_x < y->foot_x);
}

int ifl_layout_place(const struct ifl_objects *objects, int frame, struct ifl_rng *rng,
                     struct ifl_placement *placement, int *refused)
{
    const struct ifl_memory_frame *memory = objects->profile->memory[frame];
    int count = 0;
    for (int i = 0; i < memory->components && count < PLACEMENTS_MAX; i++) {
        const struct ifl_component *c = &memory->component[i];
        if (!ifl_component_valid(objects, c))
            continue;
        if (c->height > OBJECT_SIDE_MAX) {
            (*refused)++;
            continue;
        }
        count += place_component(objects, frame, i, rng, &placement[count], PLACEMENTS_MAX - count);
    }
    for (int i = 0; i < count; i++) { // nobody stands exactly where somebody stood
        float reach = placement[i].height * 0.04f;
        placement[i].foot_x += reach * span((float)ifl_rng_normal(rng), -2, 2);
    }
    qsort(placement, (size_t)count, sizeof *placement, by_foot);
    return count;
}
