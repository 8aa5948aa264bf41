// SPDX-License-Identifier: Apache-2.0
#include "generate/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/exact.h"
#include "kernels/patch_search.h"

enum { RADIUS_RMS = 7, MARGIN = 2, LIMIT_MAX = 255 };

struct ifl_support {
    const struct ifl_memory *memory;
    int events;
    uint32_t *event_id;                             // sorted, distinct
    struct ifl_support_cell *cell[IFL_LEVELS_MAX];  // [place * frames + frame]
    uint8_t (*component_limit)[IFL_COMPONENTS_MAX]; // [frame][component]
};

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool number_events(struct ifl_support *support)
{
    const struct ifl_memory *memory = support->memory;
    int count = 0, total = 0;
    for (int f = 0; f < memory->frames; f++)
        total += memory->profile->memory[f]->components;
    uint32_t *id = malloc((size_t)(total + 1) * sizeof *id);
    if (!id)
        return false;
    for (int f = 0; f < memory->frames; f++)
        for (int i = 0; i < memory->profile->memory[f]->components; i++)
            id[count++] = memory->profile->memory[f]->component[i].event;
    qsort(id, (size_t)count, sizeof *id, compare_ids);
    for (int i = 0; i < count; i++)
        if (i == 0 || id[i] != id[i - 1])
            id[support->events++] = id[i];
    support->event_id = id;
    return true;
}

static uint16_t event_number(const struct ifl_support *support, uint32_t id)
{
    const uint32_t *at =
        bsearch(&id, support->event_id, (size_t)support->events, sizeof id, compare_ids);
    // Event 0 is nobody's: such a component supports nothing and is never used.
    return id == 0 || !at ? IFL_EVENT_NOBODY : (uint16_t)(at - support->event_id + 1);
}

// A component of one frame, seen at one level.
struct touching {
    const struct ifl_memory *memory;
    const struct ifl_grid *grid;
    const uint8_t *label;
    struct ifl_component box;
    int frame, index, shift; // shift: base pixels a pixel of the level, as a power of two
};

static bool start_touching(struct touching *t, const struct ifl_memory *memory, int level,
                           int frame, int index)
{
    t->memory = memory;
    t->grid = &memory->grid[level];
    t->label = memory->profile->memory[frame]->label;
    t->frame = frame;
    t->index = index;
    t->shift = ifl_base_level(memory) - level;
    return ifl_memory_component(memory, frame, index, &t->box);
}

// The part of [first, first + size) of the level, with its margin, that lies in the component's box
// along one axis of the base level; false where there is none.
static bool meet(const struct touching *t, int first, int size, int box_first, int box_size,
                 int *from, int *to)
{
    *from = (first << t->shift) - MARGIN;
    *to = ((first + size) << t->shift) + MARGIN;
    *from = *from > box_first ? *from : box_first;
    *to = *to < box_first + box_size ? *to : box_first + box_size;
    return *from < *to;
}

static bool holds_component(const struct touching *t, int left, int right, int top, int bottom)
{
    int width = t->memory->grid[ifl_base_level(t->memory)].width;
    for (int y = top; y < bottom; y++)
        if (memchr(t->label + (ptrdiff_t)y * width + left, t->index + 1, (size_t)(right - left)))
            return true;
    return false;
}

typedef void (*touch_fn)(struct ifl_support *support, struct ifl_support_cell *cell,
                         const struct touching *t, void *context);

// Calls for every place whose patch touches the component.
static void each_touched(struct ifl_support *support, const struct touching *t, int level,
                         touch_fn call, void *context)
{
    const struct ifl_component *box = &t->box;
    for (int down = 0; down < t->grid->down; down++) {
        int left, right, top, bottom;
        if (!meet(t, t->grid->y[down], t->grid->rows, box->y, box->height, &top, &bottom))
            continue;
        for (int across = 0; across < t->grid->across; across++) {
            ptrdiff_t place = (ptrdiff_t)down * t->grid->across + across;
            if (meet(t, t->grid->x[across], IFL_PATCH_PIXELS, box->x, box->width, &left, &right) &&
                holds_component(t, left, right, top, bottom))
                call(support, &support->cell[level][place * t->memory->frames + t->frame], t,
                     context);
        }
    }
}

static void each_component(struct ifl_support *support, int level, touch_fn call, void *context)
{
    struct touching t;
    for (int f = 0; f < support->memory->frames; f++)
        for (int i = 0; i < support->memory->profile->memory[f]->components; i++)
            if (start_touching(&t, support->memory, level, f, i))
                each_touched(support, &t, level, call, context);
}

// Two events that one patch of this place touches.
struct pair {
    ptrdiff_t place;
    uint16_t a, b;
};

// The frames that show events at one place, with their patches there.
struct busy {
    int count, frame[IFL_MEMORY_MAX];
    const uint8_t *patch[IFL_MEMORY_MAX];
    bool alike[IFL_MEMORY_MAX][IFL_MEMORY_MAX];
};

// What counting one level needs.
struct census {
    const struct ifl_support_cell *first; // of the level
    struct pair *pair;
    size_t pairs, room;
    bool failed;       // out of memory
    uint16_t *cluster; // of each event, at the place at hand
    uint8_t *seen;     // by cluster
    struct busy *busy;
};

static void note_pair(struct census *census, ptrdiff_t place, uint16_t a, uint16_t b)
{
    if (census->pairs == census->room) {
        size_t room = census->room ? 2 * census->room : 1024;
        struct pair *pair = realloc(census->pair, room * sizeof *pair);
        census->failed |= !pair;
        if (!pair)
            return;
        census->pair = pair;
        census->room = room;
    }
    census->pair[census->pairs++] = (struct pair){place, a, b};
}

static void mark_event(struct ifl_support *support, struct ifl_support_cell *cell,
                       const struct touching *t, void *context)
{
    struct census *census = context;
    uint16_t event = event_number(support, t->box.event);
    if (cell->event == IFL_EVENT_NONE || event == IFL_EVENT_NOBODY)
        cell->event = event;
    else if (cell->event != event && cell->event != IFL_EVENT_NOBODY)
        note_pair(census, (cell - census->first) / support->memory->frames, cell->event, event);
}

static void apply_component(struct ifl_support *support, struct ifl_support_cell *cell,
                            const struct touching *t, void *context)
{
    (void)context;
    uint8_t limit = support->component_limit[t->frame][t->index];
    if (cell->limit > limit)
        cell->limit = limit;
}

static void count_limit(struct ifl_support *support, struct ifl_support_cell *cell,
                        const struct touching *t, void *context)
{
    (void)support;
    (void)t;
    int *histogram = context;
    histogram[cell->limit]++;
}

static int compare_pairs(const void *a, const void *b)
{
    ptrdiff_t x = ((const struct pair *)a)->place, y = ((const struct pair *)b)->place;
    return (x > y) - (x < y);
}

static uint16_t find_cluster(const uint16_t *cluster, uint16_t event)
{
    while (cluster[event] != event)
        event = cluster[event];
    return event;
}

// Events that share a patch here count as one: `pair` to `end` are those of the place.
static void join_events(const struct pair *pair, const struct pair *end, uint16_t *cluster,
                        struct ifl_support_cell *cell, int frames)
{
    for (const struct pair *p = pair; p < end; p++) {
        uint16_t a = find_cluster(cluster, p->a), b = find_cluster(cluster, p->b);
        cluster[a > b ? a : b] = a < b ? a : b;
    }
    for (int f = 0; f < frames && pair < end; f++)
        cell[f].event = find_cluster(cluster, cell[f].event);
    for (const struct pair *p = pair; p < end; p++) {
        cluster[p->a] = p->a;
        cluster[p->b] = p->b;
    }
}

static void find_busy(const struct ifl_memory *memory, int level, ptrdiff_t at,
                      const struct ifl_support_cell *cell, struct busy *busy)
{
    busy->count = 0;
    for (int f = 0; f < memory->frames; f++)
        if (cell[f].event != IFL_EVENT_NONE && cell[f].event != IFL_EVENT_NOBODY) {
            busy->patch[busy->count] = memory->profile->memory[f]->level[level] + at;
            busy->frame[busy->count++] = f;
        }
}

// Squares of 8 rows at most at a time; of higher patches in two parts.
static void compare_busy(const struct ifl_grid *grid, struct busy *busy)
{
    const int limit = RADIUS_RMS * RADIUS_RMS * grid->rows * IFL_PATCH_SAMPLES;
    int upper = grid->rows < 8 ? grid->rows : 8, lower = grid->rows - upper;
    int32_t squares[IFL_MEMORY_MAX], more[IFL_MEMORY_MAX] = {0};
    const uint8_t *below[IFL_MEMORY_MAX];
    for (int i = 0; i < busy->count; i++)
        below[i] = busy->patch[i] + (ptrdiff_t)upper * grid->stride_samples;
    for (int i = 0; i < busy->count; i++) {
        int others = busy->count - i;
        ifl_search_compare(busy->patch[i], busy->patch + i, others, grid->stride_samples, upper,
                           squares);
        if (lower > 0)
            ifl_search_compare(below[i], below + i, others, grid->stride_samples, lower, more);
        for (int j = 0; j < others; j++)
            busy->alike[i][i + j] = busy->alike[i + j][i] = squares[j] + more[j] <= limit;
    }
}

// For each frame with foreground at the place: in how many clusters of events was this patch seen?
static void count_place(struct ifl_support *support, int level, int place, struct busy *busy,
                        uint8_t *seen)
{
    const struct ifl_memory *memory = support->memory;
    const struct ifl_grid *grid = &memory->grid[level];
    struct ifl_support_cell *cell = support->cell[level] + (ptrdiff_t)place * memory->frames;
    ptrdiff_t at = (ptrdiff_t)grid->y[place / grid->across] * grid->stride_samples +
                   grid->x[place % grid->across] * 3;
    find_busy(memory, level, at, cell, busy);
    compare_busy(grid, busy);
    for (int i = 0; i < busy->count; i++) {
        int distinct = 0;
        for (int j = 0; j < busy->count; j++) {
            uint16_t event = cell[busy->frame[j]].event;
            distinct += busy->alike[i][j] && !seen[event];
            seen[event] |= busy->alike[i][j];
        }
        cell[busy->frame[i]].limit = (uint8_t)(distinct < LIMIT_MAX ? distinct : LIMIT_MAX);
        for (int j = 0; j < busy->count; j++)
            seen[cell[busy->frame[j]].event] = 0;
    }
}

static void count_places(struct ifl_support *support, int level, struct census *census)
{
    const struct ifl_grid *grid = &support->memory->grid[level];
    int frames = support->memory->frames;
    if (census->pairs > 0)
        qsort(census->pair, census->pairs, sizeof *census->pair, compare_pairs);
    for (int i = 0; i <= UINT16_MAX; i++)
        census->cluster[i] = (uint16_t)i;
    size_t from = 0, to = 0;
    for (int place = 0; place < grid->across * grid->down; place++, from = to) {
        while (to < census->pairs && census->pair[to].place == place)
            to++;
        join_events(census->pair + from, census->pair + to, census->cluster,
                    support->cell[level] + (ptrdiff_t)place * frames, frames);
        count_place(support, level, place, census->busy, census->seen);
    }
}

static bool count_level(struct ifl_support *support, int level)
{
    const struct ifl_grid *grid = &support->memory->grid[level];
    size_t cells = (size_t)(grid->across * grid->down) * (size_t)support->memory->frames;
    support->cell[level] = calloc(cells, sizeof *support->cell[level]);
    struct census census = {.first = support->cell[level],
                            .pair = malloc(sizeof *census.pair),
                            .room = 1,
                            .cluster = malloc(65536 * sizeof *census.cluster),
                            .seen = calloc(1, 65536),
                            .busy = malloc(sizeof *census.busy)};
    bool done = support->cell[level] && census.pair && census.cluster && census.seen && census.busy;
    if (done) {
        each_component(support, level, mark_event, &census);
        done = !census.failed;
    }
    if (done)
        count_places(support, level, &census);
    free(census.pair);
    free(census.cluster);
    free(census.seen);
    free(census.busy);
    return done;
}

// The largest k at which at least 90 % of the component's patches are supported.
static int component_limit(const int histogram[LIMIT_MAX + 1])
{
    int total = 0, above = 0;
    for (int k = 0; k <= LIMIT_MAX; k++)
        total += histogram[k];
    for (int k = LIMIT_MAX; k > 0; k--) {
        above += histogram[k];
        if (total > 0 && 10 * above >= 9 * total)
            return k;
    }
    return 0;
}

static void limit_components(struct ifl_support *support)
{
    struct touching t;
    int base = ifl_base_level(support->memory);
    for (int f = 0; f < support->memory->frames; f++)
        for (int i = 0; i < support->memory->profile->memory[f]->components; i++) {
            int histogram[LIMIT_MAX + 1] = {0};
            if (!start_touching(&t, support->memory, base, f, i))
                continue;
            each_touched(support, &t, base, count_limit, histogram);
            support->component_limit[f][i] = (uint8_t)component_limit(histogram);
        }
}

struct ifl_support *ifl_support_create(const struct ifl_memory *memory)
{
    struct ifl_support *support = calloc(1, sizeof *support);
    if (!support)
        return NULL;
    support->memory = memory;
    support->component_limit = calloc((size_t)memory->frames, sizeof *support->component_limit);
    bool done = support->component_limit && number_events(support);
    for (int l = 0; done && l < memory->levels; l++)
        done = count_level(support, l);
    if (!done) {
        ifl_support_destroy(support);
        return NULL;
    }
    limit_components(support);
    for (int l = 0; l < memory->levels; l++)
        each_component(support, l, apply_component, NULL);
    return support;
}

void ifl_support_destroy(struct ifl_support *support)
{
    if (!support)
        return;
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        free(support->cell[l]);
    free(support->component_limit);
    free(support->event_id);
    free(support);
}

const struct ifl_support_cell *ifl_support_cells(const struct ifl_support *support, int level,
                                                 int place)
{
    return support->cell[level] + (ptrdiff_t)place * support->memory->frames;
}

int ifl_support_component(const struct ifl_support *support, int frame, int index)
{
    return support->component_limit[frame][index];
}

// Positions in falling order of mass.
static void sort_falling(const double *log_mass, int count, int *order)
{
    for (int i = 0; i < count; i++) {
        int at = i;
        for (; at > 0 && log_mass[order[at - 1]] < log_mass[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

void ifl_water_fill(const double *log_mass, int count, int k, double *share)
{
    int order[IFL_MEMORY_MAX];
    const double cap = 1.0 / k;
    sort_falling(log_mass, count, order);
    for (int capped = 0; capped < count; capped++) {
        // Relative to the largest that is left, so that nothing that matters underflows; from the
        // smallest up, so that nothing is lost beside a large one.
        double largest = log_mass[order[capped]], sum = 0;
        for (int i = count - 1; i >= capped; i--)
            sum += ifl_exact_exp(log_mass[order[i]] - largest);
        double left = (double)(k - capped) / k;
        if (left / sum <= cap || capped == k - 1) {
            for (int i = capped; i < count; i++)
                share[order[i]] =
                    fmin(left * ifl_exact_exp(log_mass[order[i]] - largest) / sum, cap);
            return;
        }
        share[order[capped]] = cap;
    }
}
