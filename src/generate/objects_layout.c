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

enum { COVER_MAX = 8, COVER_PIXELS_MAX = 1 << 16 };

bool ifl_component_valid(const struct ifl_objects *objects, const struct ifl_component *c)
{
    return c->area > 0 && c->width > 0 && c->height > 0 && c->x >= 0 && c->y >= 0 &&
           c->width <= objects->width && c->height <= objects->height &&
           c->x <= objects->width - c->width && c->y <= objects->height - c->height &&
           c->area <= c->width * c->height;
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

static float whole_area(const struct ifl_kind *kind, float foot_y)
{
    float height = ifl_kind_height(kind, foot_y);
    return height * height * kind->aspect * kind->fill;
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

// The component's mask, from which covered pixels go.
struct mask {
    int width, height, left;
    uint8_t pixel[COVER_PIXELS_MAX];
    int sum[COVER_PIXELS_MAX]; // of the rectangle from the top left corner
};

static bool copy_mask(const struct ifl_objects *objects, int frame, int component,
                      struct mask *mask)
{
    const struct ifl_memory_frame *memory = objects->profile->memory[frame];
    const struct ifl_component *c = &memory->component[component];
    if ((long)c->width * c->height > COVER_PIXELS_MAX)
        return false;
    mask->width = c->width;
    mask->height = c->height;
    mask->left = 0;
    for (int i = 0; i < c->width * c->height; i++) {
        int x = c->x + i % c->width, y = c->y + i / c->width;
        mask->pixel[i] =
            memory->label[(size_t)y * (size_t)objects->width + (size_t)x] == component + 1;
        mask->left += mask->pixel[i];
    }
    return true;
}

static void sum_mask(struct mask *mask)
{
    for (int y = 0; y < mask->height; y++) {
        int row = 0;
        for (int x = 0; x < mask->width; x++) {
            int at = y * mask->width + x;
            row += mask->pixel[at];
            mask->sum[at] = row + (y > 0 ? mask->sum[at - mask->width] : 0);
        }
    }
}

static int sum_at(const struct mask *mask, int x, int y) // exclusive corner
{
    if (x <= 0 || y <= 0)
        return 0;
    x = x > mask->width ? mask->width : x;
    y = y > mask->height ? mask->height : y;
    return mask->sum[(y - 1) * mask->width + x - 1];
}

static int covered(const struct mask *mask, int x0, int y0, int x1, int y1)
{
    return sum_at(mask, x1, y1) - sum_at(mask, x0, y1) - sum_at(mask, x1, y0) +
           sum_at(mask, x0, y0);
}

// The object that covers most of what is left, its foot inside the component's box.
static int cover_best(const struct ifl_kind *kind, const struct ifl_component *c,
                      const struct mask *mask, struct ifl_placement *best)
{
    int best_cover = 0;
    for (int foot = mask->height; foot > 0; foot--) {
        float height = ifl_kind_height(kind, (float)(c->y + foot)), width = kind->aspect * height;
        int rows = (int)height, cols = (int)fmaxf(width, 2);
        for (int x = -cols / 4; x <= mask->width - cols * 3 / 4; x++) {
            int cover = covered(mask, x, foot - rows, x + cols, foot);
            if (cover <= best_cover) // the lowest foot line of equals: nothing hangs in the air
                continue;
            best_cover = cover;
            best->foot_x = (float)(c->x + x) + (float)cols / 2;
            best->foot_y = (float)(c->y + foot);
            best->height = height;
        }
    }
    return best_cover;
}

static void clear_mask(struct mask *mask, int x0, int y0, int x1, int y1)
{
    for (int y = y0 > 0 ? y0 : 0; y < y1 && y < mask->height; y++) {
        for (int x = x0 > 0 ? x0 : 0; x < x1 && x < mask->width; x++) {
            mask->left -= mask->pixel[y * mask->width + x];
            mask->pixel[y * mask->width + x] = 0;
        }
    }
}

// Several objects for a merged component: each next one covers most of the rest.
static int place_several(const struct ifl_objects *objects, int frame, int component,
                         enum ifl_kind_index index, struct ifl_placement *placement, int room)
{
    const struct ifl_kind *kind = &objects->kind[index];
    const struct ifl_component *c = &objects->profile->memory[frame]->component[component];
    struct mask *mask = malloc(sizeof *mask);
    int count = 0;
    if (!mask || !copy_mask(objects, frame, component, mask))
        room = 0;
    while (count < room && count < COVER_MAX) {
        struct ifl_placement *one = &placement[count];
        *one = (struct ifl_placement){.kind = index};
        sum_mask(mask);
        int cover = cover_best(kind, c, mask, one);
        if ((float)cover < 0.5f * whole_area(kind, one->foot_y))
            break;
        float half = kind->aspect * one->height * 0.55f;
        clear_mask(mask, (int)lrintf(one->foot_x - half) - c->x,
                   (int)lrintf(one->foot_y - one->height) - c->y,
                   (int)lrintf(one->foot_x + half) - c->x, (int)lrintf(one->foot_y) - c->y);
        count++;
    }
    free(mask);
    return count;
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

static int place_component(const struct ifl_objects *objects, int frame, int component,
                           struct ifl_rng *rng, struct ifl_placement *placement, int room)
{
    const struct ifl_component *c = &objects->profile->memory[frame]->component[component];
    int identity = ifl_objects_find_identity(objects, c->event);
    enum ifl_kind_index index = kind_for(objects, c, identity);
    const struct ifl_kind *kind = &objects->kind[index];
    struct ifl_placement one = place_one(objects, c, index);
    // The foot line's height is a rough guide: a single object may be a third taller.
    float height = span((float)c->height, one.height, 1.35f * one.height);
    float share = (float)c->area / (height * height * kind->aspect * kind->fill);
    float tall = (float)c->height / one.height;
    float wide = (float)c->width / (kind->aspect * height);
    // Groups have gaps; what fills its box is one large thing.
    bool gaps = (float)c->area < 0.75f * (float)(c->width * c->height);
    bool several = share > 1.6f || wide > 1.9f || tall > 1.45f;
    if (index == KIND_UPRIGHT && gaps && several) {
        int count = place_several(objects, frame, component, index, placement, room);
        for (int i = 0; i < count; i++) {
            placement[i].component = component;
            placement[i].shows = SHOWS_SEVERAL;
        }
        if (count > 0)
            return count;
    }
    double chance = ifl_rng_uniform(rng);
    if (c->edges == 0 && share < 0.5f && chance >= (double)share)
        return 0;
    one.component = component;
    bool whole = c->edges == 0 && share > 0.5f && share <= 1.6f;
    one.shows = whole ? SHOWS_ONE : several ? SHOWS_SEVERAL : SHOWS_PART;
    if (index == KIND_WIDE && c->edges == 0)
        one.height = (float)c->height;
    placement[0] = one;
    return 1;
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
