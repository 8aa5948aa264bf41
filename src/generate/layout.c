// SPDX-License-Identifier: Apache-2.0
#include "generate/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/exact.h"
#include "generate/outline.h"
#include "kernels/pixels.h"

enum { TRIES = 16 };

struct region {
    int frame;
    double x, y; // centre of its Voronoi cell
    const struct ifl_outline *outline;
    bool keep[IFL_COMPONENTS_MAX]; // components that stay, whole
};

struct composer {
    const struct ifl_memory *memory;
    const struct ifl_layout_config *config;
    struct ifl_rng *rng;
    struct ifl_layout *layout;
    int width, height, regions;
    struct region region[IFL_REGIONS_MAX];
    int decided; // events that nothing makes up for: thinned out, or their turn has come
    uint32_t event[IFL_REGIONS_MAX * IFL_COMPONENTS_MAX];
};

// Draws a frame that is not yet in use.
static int draw_frame(const struct composer *c, int used)
{
    double weight[IFL_MEMORY_MAX], sum = 0;
    for (int f = 0; f < c->memory->frames; f++) {
        weight[f] =
            c->memory->weight[f] * ifl_exact_exp(c->config->occupancy_weight * c->memory->crowd[f]);
        for (int r = 0; r < used; r++)
            if (c->region[r].frame == f)
                weight[f] = 0;
        sum += weight[f];
    }
    double at = ifl_rng_uniform(c->rng) * sum;
    int last = 0;
    for (int f = 0; f < c->memory->frames; f++) {
        if (weight[f] <= 0)
            continue;
        last = f;
        at -= weight[f];
        if (at < 0)
            break;
    }
    return last;
}

// Each pixel is the nearest region's.
static void fill_cells(struct composer *c)
{
    double x[IFL_REGIONS_MAX], y[IFL_REGIONS_MAX];
    uint16_t frame[IFL_REGIONS_MAX];
    for (int r = 0; r < c->regions; r++) {
        x[r] = c->region[r].x;
        y[r] = c->region[r].y;
        frame[r] = (uint16_t)c->region[r].frame;
    }
    for (int row = 0; row < c->height; row++)
        ifl_pixel_kernels()->nearest(x, y, frame, c->regions, row, c->width,
                                     c->layout->frame + row * c->width);
}

static void draw_regions(struct composer *c)
{
    c->regions = 2 + (int)ifl_rng_below(c->rng, IFL_REGIONS_MAX - 1);
    for (int r = 0; r < c->regions; r++) {
        c->region[r].frame = draw_frame(c, r);
        c->region[r].x = ifl_rng_uniform(c->rng) * c->width;
        c->region[r].y = ifl_rng_uniform(c->rng) * c->height;
        memset(c->region[r].keep, 0, sizeof c->region[r].keep);
        c->region[r].outline = ifl_outline_find(c->memory, c->region[r].frame,
                                                c->layout->outline[r], c->layout->scratch);
    }
    fill_cells(c);
}

// Every pixel of a box.
#define EACH_PIXEL(box, x, y)                                                                      \
    for (int y = (box)->y; y < (box)->y + (box)->height; y++)                                      \
        for (int x = (box)->x; x < (box)->x + (box)->width; x++)

static const uint8_t *labels(const struct composer *c, int frame)
{
    return c->memory->profile->memory[frame]->label;
}

// How a group lies in the picture.
struct stand {
    int area, inside; // pixels; of which in its own cell
    bool blocked;     // something stands there, the same one does elsewhere, or it is thinned out
};

static void measure_stand(const struct composer *c, int frame, int index,
                          const struct ifl_component *box, struct stand *stand)
{
    const uint8_t *label = labels(c, frame);
    EACH_PIXEL(box, x, y)
    {
        int at = y * c->width + x;
        if (label[at] != index + 1)
            continue;
        stand->area++;
        stand->inside += c->layout->frame[at] == frame;
        stand->blocked |= c->layout->taken[at] != 0;
    }
}

static void take(struct composer *c, int number, int index)
{
    const struct ifl_outline *outline = c->region[number].outline;
    EACH_PIXEL(&outline->box[index], x, y)
    {
        int at = y * c->width + x;
        if (outline->map[at] == index + 1 && !c->layout->taken[at])
            c->layout->taken[at] = (uint8_t)(number + 1);
    }
}

// Whether two events may be the same person: they look alike, and he did not have both at the same
// time. Looks alone are not enough, many look alike; an event that the profile does not list is
// somebody else.
static bool is_same(const struct composer *c, uint32_t one, uint32_t other)
{
    if (one == other)
        return true;
    const struct ifl_event *a = ifl_profile_event(c->memory->profile, one);
    const struct ifl_event *b = ifl_profile_event(c->memory->profile, other);
    return a && b && a->identity == b->identity &&
           (a->last_index < b->first_index || b->last_index < a->first_index);
}

// Whether somebody is among some events.
static bool is_among(const struct composer *c, const uint32_t *events, int count, uint32_t event)
{
    for (int i = 0; i < count; i++)
        if (is_same(c, events[i], event))
            return true;
    return false;
}

static bool is_supported(const struct composer *c, int frame, int index)
{
    return !c->config->support ||
           ifl_support_component(c->config->support, frame, index) >= c->config->k;
}

// How the groups of a region lie in the picture, each at its least member, and whether somebody of
// them stands there already.
static void measure_groups(const struct composer *c, int number, const uint32_t *shown,
                           struct stand *stand)
{
    const struct region *region = &c->region[number];
    struct ifl_component box;
    for (int i = 0; i < c->memory->profile->memory[region->frame]->components; i++) {
        struct stand *group = &stand[region->outline->group[i]];
        if (!ifl_memory_component(c->memory, region->frame, i, &box))
            continue;
        measure_stand(c, region->frame, i, &box, group);
        group->blocked |= is_among(c, shown, c->layout->objects, box.event);
    }
}

static void keep(struct composer *c, int number, int index, uint32_t *shown)
{
    struct region *region = &c->region[number];
    struct ifl_component box;
    if (!ifl_memory_component(c->memory, region->frame, index, &box))
        return;
    region->keep[index] = is_supported(c, region->frame, index);
    if (region->keep[index])
        shown[c->layout->objects++] = box.event;
    else
        c->layout->refused++;
}

static void take_kept(struct composer *c, int number)
{
    struct region *region = &c->region[number];
    struct ifl_component box;
    for (int i = 0; i < c->memory->profile->memory[region->frame]->components; i++)
        if (region->keep[i] && ifl_memory_component(c->memory, region->frame, i, &box))
            take(c, number, i);
}

static double thinned(const struct composer *c)
{
    return ifl_exact_exp(fmin(c->config->occupancy_weight, 0));
}

// Whom an occupancy below the stream's leaves out of his own cell is not to come in otherwise.
static void thin_out(struct composer *c, int number, struct stand *stand)
{
    const struct region *region = &c->region[number];
    int count = c->memory->profile->memory[region->frame]->components;
    bool out[IFL_COMPONENTS_MAX];
    struct ifl_component box;
    for (int i = 0; i < count; i++)
        out[i] = ifl_rng_uniform(c->rng) >= thinned(c);
    for (int i = 0; i < count; i++) {
        struct stand *group = &stand[region->outline->group[i]];
        if (!out[region->outline->group[i]])
            continue;
        group->blocked = true;
        if (2 * group->inside >= group->area &&
            ifl_memory_component(c->memory, region->frame, i, &box))
            c->event[c->decided++] = box.event;
    }
}

// Decides for each component of a region whether it stays: its group does when at least half of it
// lies in its own cell, and nothing is in its way. Nobody stands in the picture twice: that is a
// flaw that everybody sees.
static void keep_components(struct composer *c, int number, uint32_t *shown)
{
    const struct region *region = &c->region[number];
    int count = c->memory->profile->memory[region->frame]->components;
    struct stand stand[IFL_COMPONENTS_MAX] = {{0}};
    measure_groups(c, number, shown, stand);
    thin_out(c, number, stand);
    for (int i = 0; i < count; i++)
        c->layout->recorded += stand[i].inside;
    for (int i = 0; i < count; i++) {
        const struct stand *s = &stand[region->outline->group[i]];
        if (!s->blocked && s->area > 0 && 2 * s->inside >= s->area)
            keep(c, number, i, shown);
    }
    take_kept(c, number);
}

// A component of a region that shows somebody; -1: there is none.
static int find_person(const struct composer *c, int number, uint32_t event)
{
    int frame = c->region[number].frame;
    struct ifl_component box;
    for (int i = 0; i < c->memory->profile->memory[frame]->components; i++)
        if (ifl_memory_component(c->memory, frame, i, &box) && is_same(c, box.event, event))
            return i;
    return -1;
}

// Takes a whole group from outside of its cell, if nothing is in its way.
static bool take_group(struct composer *c, int number, int index, uint32_t *shown)
{
    const struct region *region = &c->region[number];
    const uint8_t *group = region->outline->group;
    struct stand stand[IFL_COMPONENTS_MAX] = {{0}};
    measure_groups(c, number, shown, stand);
    if (stand[group[index]].blocked || stand[group[index]].area == 0 ||
        !is_supported(c, region->frame, index))
        return false;
    for (int i = 0; i < c->memory->profile->memory[region->frame]->components; i++)
        if (group[i] == group[index])
            keep(c, number, i, shown);
    take_kept(c, number);
    return true;
}

// How often somebody who is in so many of the frames and in none of their cells is taken, so that
// each is shown as often as he is in the frames. Who is in all of them is to be shown once. Who is
// in two of three, in two cases of three: once he is by chance in both cells, in four he is in one,
// in four in none; so one of these four.
static double chance_of(const struct composer *c, int frames)
{
    if (frames == c->regions)
        return 1;
    return frames == 2 ? 0.25 : 0;
}

static void make_up_for(struct composer *c, uint32_t event, uint32_t *shown)
{
    int at[IFL_REGIONS_MAX], frames = 0;
    for (int r = 0; r < c->regions; r++) {
        at[r] = find_person(c, r, event);
        frames += at[r] >= 0;
    }
    if (ifl_rng_uniform(c->rng) >= chance_of(c, frames) * thinned(c))
        return;
    int first = (int)ifl_rng_below(c->rng, (uint32_t)c->regions);
    for (int i = 0; i < c->regions; i++) {
        int r = (first + i) % c->regions;
        if (at[r] >= 0 && take_group(c, r, at[r], shown))
            return;
    }
}

// Who is in the cells of several frames stands in one of them only; so he is missing, on average,
// unless he is also shown when he is in several frames and in the cell of none.
static void make_up(struct composer *c, uint32_t *shown)
{
    struct ifl_component box;
    for (int r = 0; r < c->regions; r++)
        for (int i = 0; i < c->memory->profile->memory[c->region[r].frame]->components; i++) {
            if (!ifl_memory_component(c->memory, c->region[r].frame, i, &box))
                continue;
            if (is_among(c, shown, c->layout->objects, box.event) ||
                is_among(c, c->event, c->decided, box.event))
                continue;
            c->event[c->decided++] = box.event;
            make_up_for(c, box.event, shown);
        }
}

static bool nothing_there(const struct composer *c, const uint8_t *map,
                          const struct ifl_component *box)
{
    EACH_PIXEL(box, x, y)
    if (map[y * c->width + x])
        return false;
    return true;
}

// The nearest to ground of what was tried: better a frame with a shadow there than the plate, which
// may show a ghost of who stood there for long.
static bool is_ground(const struct composer *c, int frame, const struct ifl_outline *outline,
                      const struct ifl_component *box, int *second)
{
    if (nothing_there(c, outline->map, box))
        return true;
    if (*second == IFL_LAYOUT_PLATE && nothing_there(c, labels(c, frame), box))
        *second = frame;
    return false;
}

// A frame that shows the ground where the box is; the plate if none is found.
static int find_ground(struct composer *c, const struct ifl_component *box)
{
    int second = IFL_LAYOUT_PLATE;
    for (int r = 0; r < c->regions; r++)
        if (is_ground(c, c->region[r].frame, c->region[r].outline, box, &second))
            return c->region[r].frame;
    for (int i = 0; i < TRIES; i++) {
        int frame = (int)ifl_rng_below(c->rng, (uint32_t)c->memory->frames);
        const struct ifl_outline *outline = ifl_outline_find(
            c->memory, frame, c->layout->outline[IFL_REGIONS_MAX], c->layout->scratch);
        if (is_ground(c, frame, outline, box, &second))
            return frame;
    }
    return second;
}

static void remove_object(struct composer *c, const struct region *region, int index)
{
    const struct ifl_outline *outline = region->outline;
    bool shown = false;
    EACH_PIXEL(&outline->box[index], x, y)
    {
        int at = y * c->width + x;
        shown |= c->layout->frame[at] == region->frame && outline->map[at] == index + 1;
    }
    if (!shown)
        return;
    int ground = find_ground(c, &outline->box[index]);
    EACH_PIXEL(&outline->box[index], x, y)
    {
        int at = y * c->width + x;
        if (c->layout->frame[at] == region->frame && outline->map[at] == index + 1)
            c->layout->frame[at] = (uint16_t)ground;
    }
}

static void paste_object(struct composer *c, int number, int index)
{
    const struct region *region = &c->region[number];
    EACH_PIXEL(&region->outline->box[index], x, y)
    {
        int at = y * c->width + x;
        if (region->outline->map[at] == index + 1 && c->layout->taken[at] == number + 1)
            c->layout->frame[at] = (uint16_t)region->frame;
    }
}

static bool is_kept(const struct composer *c, const struct region *region, int index)
{
    return index < c->memory->profile->memory[region->frame]->components && region->keep[index];
}

// Components that do not stay are removed, and all strangers.
static void place_objects(struct composer *c, bool kept)
{
    for (int r = 0; r < c->regions; r++) {
        const struct region *region = &c->region[r];
        for (int i = 0; i < region->outline->numbers; i++) {
            if (region->outline->box[i].area == 0 || is_kept(c, region, i) != kept)
                continue;
            if (kept)
                paste_object(c, r, i);
            else
                remove_object(c, region, i);
        }
    }
}

static void copy_pixels(const struct composer *c)
{
    int base = ifl_base_level(c->memory);
    const struct ifl_profile *profile = c->memory->profile;
    const uint8_t *pictures[IFL_LAYOUT_PLATE + 1];
    for (int f = 0; f < c->memory->frames; f++)
        pictures[f] = profile->memory[f]->level[base];
    pictures[IFL_LAYOUT_PLATE] = profile->plate[base];
    int pixels = c->width * c->height;
    for (int i = 0, end; i < pixels; i = end) { // by runs of one frame
        uint16_t frame = c->layout->frame[i];
        for (end = i + 1; end < pixels && c->layout->frame[end] == frame; end++)
            ;
        memcpy(c->layout->picture + (ptrdiff_t)i * 3, pictures[frame] + (ptrdiff_t)i * 3,
               (size_t)(end - i) * 3);
    }
}

enum ifl_result ifl_layout_init(struct ifl_layout *layout, const struct ifl_memory *memory,
                                struct ifl_error *error)
{
    const struct ifl_grid *grid = &memory->grid[ifl_base_level(memory)];
    size_t pixels = (size_t)grid->width * (size_t)grid->height;
    *layout = (struct ifl_layout){.picture = malloc(pixels * 3),
                                  .frame = malloc(pixels * sizeof *layout->frame),
                                  .taken = malloc(pixels),
                                  .scratch = malloc(3 * pixels * sizeof *layout->scratch)};
    bool done = layout->picture && layout->frame && layout->taken && layout->scratch;
    for (int r = 0; r <= IFL_REGIONS_MAX; r++) {
        layout->outline[r] = malloc(ifl_outline_bytes(memory));
        done = done && layout->outline[r];
    }
    if (done)
        return IFL_OK;
    ifl_layout_fini(layout);
    return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for an image");
}

void ifl_layout_fini(struct ifl_layout *layout)
{
    for (int r = 0; r <= IFL_REGIONS_MAX; r++)
        free(layout->outline[r]);
    free(layout->picture);
    free(layout->frame);
    free(layout->taken);
    free(layout->scratch);
}

void ifl_layout_make(const struct ifl_memory *memory, const struct ifl_layout_config *config,
                     struct ifl_rng *rng, struct ifl_layout *layout)
{
    const struct ifl_grid *grid = &memory->grid[ifl_base_level(memory)];
    struct composer c = {.memory = memory,
                         .config = config,
                         .rng = rng,
                         .layout = layout,
                         .width = grid->width,
                         .height = grid->height};
    memset(layout->taken, 0, (size_t)(c.width * c.height));
    layout->objects = layout->refused = layout->recorded = 0;
    draw_regions(&c);
    uint32_t shown[IFL_REGIONS_MAX * IFL_COMPONENTS_MAX];
    for (int r = 0; r < c.regions; r++)
        keep_components(&c, r, shown);
    make_up(&c, shown);
    place_objects(&c, false);
    place_objects(&c, true);
    copy_pixels(&c);
}
