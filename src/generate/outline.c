// SPDX-License-Identifier: Apache-2.0
#include "generate/outline.h"

#include <stdlib.h>
#include <string.h>

#include "generate/shadow.h"

enum {
    TOUCH = 2,         // components so near occlude each other
    FAINT = 36,        // |dR| + |dG| + |dB| to the plate, above most noise
    CLEAR = 90,        // and what is no noise at all,
    UNREST = 3,        // beside what the ground differs by itself, that many times,
    UNREST_MOST = 150, // and no more: who stands somewhere for long is no unrest
    PIECE_LEAST = 4,   // pixels
    PIECE_MOST = 400,  // and of the picture this part; what is larger is no piece, but light
    BESIDE = 3,        // pixels between a piece and its object, at most
    AROUND = 4,        // pixels around a piece that tell whether it stands alone
    SAMPLES = 8,       // frames that unrest is measured in
    HIGHEST = 3,
    FOOT_ROWS = 24, // parts of the picture's height within which all stand equally far away
    FOOTS_LEAST = 8,
};

static uint8_t find_group(uint8_t *group, uint8_t i)
{
    while (group[i] != i)
        i = group[i] = group[group[i]];
    return i;
}

void ifl_outline_join(struct ifl_outline *outline, int components, int a, int b)
{
    if (a == 0 || b == 0 || a == b || a > components || b > components)
        return;
    uint8_t *group = outline->group, first, other;
    first = find_group(group, (uint8_t)(a - 1));
    other = find_group(group, (uint8_t)(b - 1));
    group[first > other ? first : other] = first < other ? first : other;
}

static void join_touching(struct ifl_outline *outline, const uint8_t *label, int components,
                          int width, int pixels)
{
    for (int at = 0; at < pixels; at++) {
        uint64_t eight;
        if (at + 8 <= pixels && (memcpy(&eight, label + at, 8), eight == 0)) {
            at += 7; // most of a picture is ground
            continue;
        }
        for (int d = 1; d <= TOUCH && label[at]; d++) {
            if (at % width + d < width)
                ifl_outline_join(outline, components, label[at], label[at + d]);
            if (at + d * width < pixels)
                ifl_outline_join(outline, components, label[at], label[at + d * width]);
        }
    }
}

struct growth {
    const struct ifl_memory *memory;
    int frame;
    const uint8_t *picture, *plate;
    struct ifl_outline *outline;
    uint8_t *map;
    uint8_t *dropped; // by pixel: of a piece that is ground
    int32_t *queue;
    int width, pixels, count, components;
};

static int difference(const struct growth *g, int at)
{
    const uint8_t *p = g->picture + (ptrdiff_t)at * 3, *q = g->plate + (ptrdiff_t)at * 3;
    return abs(p[0] - q[0]) + abs(p[1] - q[1]) + abs(p[2] - q[2]);
}

// Outlines that meet over what differs from the ground are two people in one shadow.
static void visit(struct growth *g, int from, int at, bool anything)
{
    if (!anything && g->map[at] && g->map[at] != g->map[from])
        ifl_outline_join(g->outline, g->components, g->map[at], g->map[from]);
    if (g->map[at] || !(anything || difference(g, at) > FAINT))
        return;
    g->map[at] = g->map[from];
    g->queue[g->count++] = at;
}

// One pixel further from all pixels of the queue from `first` on; returns where the new ones begin.
static int grow_once(struct growth *g, int first, bool anything)
{
    int last = g->count;
    for (int i = first; i < last; i++) {
        int at = g->queue[i], x = at % g->width;
        if (x > 0)
            visit(g, at, at - 1, anything);
        if (x + 1 < g->width)
            visit(g, at, at + 1, anything);
        if (at >= g->width)
            visit(g, at, at - g->width, anything);
        if (at + g->width < g->pixels)
            visit(g, at, at + g->width, anything);
    }
    return last;
}

// Some pixels further; returns where the next ones begin.
static int grow(struct growth *g, int first, int times, bool anything)
{
    for (int i = 0; i < times; i++)
        first = grow_once(g, first, anything);
    return first;
}

static void list_labels(struct growth *g)
{
    for (int i = 0; i < g->pixels; i++) {
        uint64_t eight;
        if (i + 8 <= g->pixels && (memcpy(&eight, g->map + i, 8), eight == 0))
            i += 7; // most of a picture is ground
        else if (g->map[i])
            g->queue[g->count++] = i;
    }
}

// Pixels that hang together, all clearly unlike the ground, and their box.
struct piece {
    int first, count; // in the queue
    struct ifl_component box;
};

static bool is_clear(const struct growth *g, int at)
{
    int unrest = UNREST * g->memory->unrest[at];
    return !g->map[at] && !g->dropped[at] &&
           difference(g, at) > CLEAR + (unrest < UNREST_MOST ? unrest : UNREST_MOST);
}

// Whether nothing in eight pixels from `at` on is clear, by its channels alone.
static bool are_quiet(const struct growth *g, int at)
{
    const uint8_t *p = g->picture + (ptrdiff_t)at * 3, *q = g->plate + (ptrdiff_t)at * 3;
    uint8_t most = 0;
    for (int i = 0; i < 24; i++) {
        uint8_t d = (uint8_t)(p[i] > q[i] ? p[i] - q[i] : q[i] - p[i]);
        most = d > most ? d : most;
    }
    return most <= CLEAR / 3;
}

static void add_pixel(struct growth *g, int at)
{
    g->map[at] = IFL_OUTLINE_NUMBERS;
    g->queue[g->count++] = at;
}

// Lists the piece around `start` at the end of the queue.
static struct piece take_piece(struct growth *g, int start)
{
    struct piece piece = {.first = g->count};
    int left = g->width, right = 0, top = g->pixels, bottom = 0;
    add_pixel(g, start);
    for (int i = piece.first; i < g->count; i++) {
        int x = g->queue[i] % g->width, y = g->queue[i] / g->width;
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
        for (int n = 0; n < 9; n++) {
            int nx = x + n % 3 - 1, ny = y + n / 3 - 1, at = ny * g->width + nx;
            if (nx >= 0 && ny >= 0 && nx < g->width && at < g->pixels && is_clear(g, at))
                add_pixel(g, at);
        }
    }
    piece.count = g->count - piece.first;
    piece.box = (struct ifl_component){
        .x = left, .y = top, .width = right - left + 1, .height = bottom - top + 1};
    return piece;
}

// Pixels between two spans; below 0 they overlap.
static int gap(int from, int length, int other, int other_length)
{
    int above = other - from - length, below = from - other - other_length;
    return above > below ? above : below;
}

// Whether a piece right above or below a component may be the rest of it: together they are as tall
// as the component's object was seen, or as others are there.
static bool completes(const struct growth *g, const struct ifl_component *c,
                      const struct ifl_component *piece)
{
    const struct ifl_event *event = ifl_profile_event(g->memory->profile, c->event);
    int top = c->y < piece->y ? c->y : piece->y, foot = piece->y + piece->height;
    foot = c->y + c->height > foot ? c->y + c->height : foot;
    int whole = g->memory->usual_height[foot];
    if (event && event->height_max > whole)
        whole = event->height_max;
    return 4 * (foot - top) <= 5 * (int64_t)whole;
}

// The component that a piece is of: one that it lies beside, or right above or below, where
// something may stand in front. NUMBERS: none.
static int owner_of(const struct growth *g, const struct ifl_component *piece)
{
    int best = IFL_OUTLINE_NUMBERS, least = g->pixels;
    struct ifl_component c;
    for (int i = 0; i < g->memory->profile->memory[g->frame]->components; i++) {
        if (!ifl_memory_component(g->memory, g->frame, i, &c))
            continue;
        int side = gap(piece->x, piece->width, c.x, c.width);
        int up = gap(piece->y, piece->height, c.y, c.height), away = side > up ? side : up;
        bool rest = away > BESIDE && -2 * side >= piece->width && completes(g, &c, piece);
        if ((away <= BESIDE || rest) && away < least) {
            least = away;
            best = i + 1;
        }
    }
    return best;
}

static int next_stranger(const struct growth *g)
{
    if (g->outline->numbers < IFL_OUTLINE_NUMBERS)
        g->outline->numbers++;
    return g->outline->numbers;
}

// Whether the ground around a piece is as the plate has it. Where it is not, the plate is wrong, or
// the light, and the piece is no stranger.
static bool stands_alone(const struct growth *g, const struct ifl_component *piece)
{
    int quiet = 0, around = 0, height = g->pixels / g->width;
    for (int y = piece->y - AROUND; y < piece->y + piece->height + AROUND; y++)
        for (int x = piece->x - AROUND; x < piece->x + piece->width + AROUND; x++) {
            int at = y * g->width + x;
            if (x < 0 || y < 0 || x >= g->width || y >= height || g->map[at])
                continue;
            around++;
            quiet += difference(g, at) <= CLEAR;
        }
    return 4 * quiet >= 3 * around;
}

// Pieces of objects, and those of nobody that the segmentation knows. Those that are too small or
// too large are ground, and marked, so that each is found once.
static void add_pieces(struct growth *g)
{
    int kept = g->count;
    memset(g->dropped, 0, (size_t)g->pixels);
    for (int at = 0; at < g->pixels; at++) {
        while (at % 8 == 0 && at + 8 <= g->pixels && are_quiet(g, at))
            at += 8;
        if (at >= g->pixels || !is_clear(g, at))
            continue;
        struct piece piece = take_piece(g, at);
        int owner = owner_of(g, &piece.box);
        if (piece.count < PIECE_LEAST || piece.count * PIECE_MOST > g->pixels)
            owner = 0;
        else if (owner == IFL_OUTLINE_NUMBERS)
            owner = stands_alone(g, &piece.box) ? next_stranger(g) : 0;
        for (int i = piece.first; i < g->count; i++) {
            g->map[g->queue[i]] = (uint8_t)owner;
            g->dropped[g->queue[i]] = !owner;
        }
        for (int i = piece.first; i < g->count && owner; i++)
            g->queue[kept++] = g->queue[i];
        g->count = kept;
    }
}

static void measure_boxes(struct ifl_outline *outline, int width, int pixels)
{
    memset(outline->box, 0, sizeof outline->box);
    for (int at = 0; at < pixels; at++) {
        uint64_t eight;
        if (at + 8 <= pixels && (memcpy(&eight, outline->map + at, 8), eight == 0)) {
            at += 7;
            continue;
        }
        if (!outline->map[at])
            continue;
        struct ifl_component *box = &outline->box[outline->map[at] - 1];
        int x = at % width, y = at / width;
        if (box->area++ == 0)
            *box = (struct ifl_component){.x = x, .y = y, .width = 1, .height = 1, .area = 1};
        if (x < box->x) {
            box->width += box->x - x;
            box->x = x;
        }
        box->width = x - box->x < box->width ? box->width : x - box->x + 1;
        box->height = y - box->y + 1;
    }
}

static void make_outline(const struct ifl_memory *memory, int frame, struct ifl_outline *outline,
                         int32_t *scratch)
{
    int base = ifl_base_level(memory);
    const struct ifl_memory_frame *source = memory->profile->memory[frame];
    struct growth g = {.memory = memory,
                       .frame = frame,
                       .picture = source->level[base],
                       .plate = memory->profile->plate[base],
                       .outline = outline,
                       .map = outline->map,
                       .queue = scratch, // each pixel once
                       .components = source->components,
                       .width = memory->grid[base].width,
                       .pixels = memory->grid[base].width * memory->grid[base].height};
    g.dropped = (uint8_t *)(scratch + 2 * (ptrdiff_t)g.pixels);
    memcpy(g.map, source->label, (size_t)g.pixels);
    outline->numbers = source->components;
    for (int i = 0; i < IFL_COMPONENTS_MAX; i++)
        outline->group[i] = (uint8_t)i;
    join_touching(outline, source->label, source->components, g.width, g.pixels);
    list_labels(&g);
    int first = grow(&g, 0, BESIDE, false);
    add_pieces(&g);
    grow(&g, first, IFL_OUTLINE_GROWTH - BESIDE, false);
    // The halo grows from all pixels: those that stopped growing early have an edge as well.
    grow(&g, 0, IFL_OUTLINE_HALO, true);
    measure_boxes(outline, g.width, g.pixels);
    ifl_shadow_add(memory, frame, outline, scratch);
    measure_boxes(outline, g.width, g.pixels);
    for (int i = 0; i < source->components; i++)
        outline->group[i] = find_group(outline->group, (uint8_t)i);
}

size_t ifl_outline_bytes(const struct ifl_memory *memory)
{
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    return sizeof(struct ifl_outline) + (size_t)base->width * (size_t)base->height;
}

const struct ifl_outline *ifl_outline_find(const struct ifl_memory *memory, int frame,
                                           struct ifl_outline *spare, int32_t *scratch)
{
    struct ifl_outline *known = __atomic_load_n(&memory->outline[frame], __ATOMIC_ACQUIRE);
    if (known)
        return known;
    struct ifl_outline *made = malloc(ifl_outline_bytes(memory));
    make_outline(memory, frame, made ? made : spare, scratch);
    if (!made)
        return spare;
    // Another thread may have made the same.
    if (__atomic_compare_exchange_n(&memory->outline[frame], &known, made, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        return made;
    free(made);
    return known;
}

int *ifl_outline_usual_heights(const struct ifl_memory *memory)
{
    int rows = memory->grid[ifl_base_level(memory)].height, near = rows / FOOT_ROWS;
    int *usual = calloc((size_t)rows + 1, sizeof *usual);
    int *count = calloc((size_t)rows + 1, sizeof *count);
    struct ifl_component c;
    for (int f = 0; usual && count && f < memory->frames; f++)
        for (int i = 0; i < memory->profile->memory[f]->components; i++) {
            if (!ifl_memory_component(memory, f, i, &c) || c.edges)
                continue;
            int foot = c.y + c.height, last = foot + near < rows ? foot + near : rows;
            for (int row = foot > near ? foot - near : 0; row <= last; row++) {
                usual[row] += c.height;
                count[row]++;
            }
        }
    for (int row = 0; usual && count && row <= rows; row++)
        usual[row] = count[row] >= FOOTS_LEAST ? usual[row] / count[row] : 0;
    if (!count) {
        free(usual);
        usual = NULL;
    }
    free(count);
    return usual;
}

// The HIGHEST greatest of some values, falling.
static void remember_high(uint16_t *high, int value)
{
    int i = HIGHEST;
    for (; i > 0 && high[i - 1] < value; i--)
        if (i < HIGHEST)
            high[i] = high[i - 1];
    if (i < HIGHEST)
        high[i] = (uint16_t)value;
}

void ifl_outline_unrest(const struct ifl_memory *memory, uint8_t *unrest)
{
    int base = ifl_base_level(memory), frames = memory->frames < SAMPLES ? memory->frames : SAMPLES;
    const uint8_t *plate = memory->profile->plate[base];
    for (int at = 0; at < memory->grid[base].width * memory->grid[base].height; at++) {
        uint16_t high[HIGHEST] = {0};
        for (int f = 0; f < frames; f++) {
            const struct ifl_memory_frame *frame =
                memory->profile->memory[f * memory->frames / frames];
            int sum = 0;
            for (int c = 0; c < 3; c++)
                sum += abs(frame->level[base][at * 3 + c] - plate[at * 3 + c]);
            if (!frame->label[at])
                remember_high(high, sum);
        }
        unrest[at] = (uint8_t)(high[HIGHEST - 1] < UINT8_MAX ? high[HIGHEST - 1] : UINT8_MAX);
    }
}
