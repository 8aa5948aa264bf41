// SPDX-License-Identifier: Apache-2.0
#include "generate/shadow.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLES = 16, // frames that noise is measured in
    NOISE_MOST = 12,
    WEAK = 10,    // eighths of a grey level that a shadow is darker than the plate, at least
    SLACK = 14,   // and that a channel may be off, and a quarter of the darkening
    LEAST = 3,    // blocks of a shadow that hangs on somebody
    CORE = 2,     // blocks twice as dark, at least
    LARGEST = 16, // a stranger's shadow: at most this part of the picture
    NOBODY = 0,
};

// One block of a frame. As large as one element of scratch.
struct block {
    uint8_t owner; // whose outline lies in it
    uint8_t dark;  // 0 no, 1 a little, 2 clearly
    uint8_t mine;  // who casts the shadow
    uint8_t away;  // blocks from the caster's outline
};
_Static_assert(sizeof(struct block) <= sizeof(int32_t), "a block fits an element of scratch");

struct shade {
    const struct ifl_memory *memory;
    const struct ifl_memory_frame *frame;
    struct ifl_outline *outline;
    const uint8_t *picture, *plate; // of the blocks' level
    int width, height, shift;       // blocks; log2 of a block's side in pixels
    int pixels_across;
    struct block *block;
    int32_t *queue;
};

// Blocks that hang together.
struct region {
    int area, core;
    bool border; // touches the picture's border
    bool touches[IFL_OUTLINE_NUMBERS + 1];
};

int ifl_shadow_level(const struct ifl_memory *memory)
{
    return memory->levels > 1 ? 1 : 0;
}

static int mean_difference(const uint8_t *picture, const uint8_t *plate, ptrdiff_t at)
{
    int sum = 0;
    for (int c = 0; c < 3; c++)
        sum += plate[at * 3 + c] - picture[at * 3 + c];
    return abs(sum) * 8 / 3;
}

void ifl_shadow_noise(const struct ifl_memory *memory, uint8_t *noise)
{
    int level = ifl_shadow_level(memory);
    int samples = memory->frames < SAMPLES ? memory->frames : SAMPLES;
    for (int at = 0; at < memory->grid[level].width * memory->grid[level].height; at++) {
        int sorted[SAMPLES];
        for (int s = 0; s < samples; s++) {
            const struct ifl_memory_frame *frame =
                memory->profile->memory[s * memory->frames / samples];
            int d = mean_difference(frame->level[level], memory->profile->plate[level], at), i = s;
            for (; i > 0 && sorted[i - 1] > d; i--)
                sorted[i] = sorted[i - 1];
            sorted[i] = d;
        }
        int usual = 2 * sorted[samples / 4]; // of what is normal, about the median
        noise[at] = (uint8_t)(usual < NOISE_MOST ? usual : NOISE_MOST);
    }
}

// Every row of a block's pixels: `at` is its first one.
#define EACH_ROW(s, b, at)                                                                         \
    for (int at = ((b) / (s)->width * (s)->pixels_across + (b) % (s)->width) << (s)->shift,        \
             end = at + ((s)->pixels_across << (s)->shift);                                        \
         at < end; at += (s)->pixels_across)

static uint8_t find_owner(const struct shade *s, int b)
{
    EACH_ROW(s, b, at)
    for (int x = 0; x < 1 << s->shift; x++)
        if (s->outline->map[at + x])
            return s->outline->map[at + x];
    return NOBODY;
}

// Calls for each of up to eight neighbours `n` of block `b`.
#define EACH_NEIGHBOUR(s, b, n)                                                                    \
    for (int y = (b) / (s)->width - 1, bottom = y + 2; y <= bottom; y++)                           \
        for (int x = (b) % (s)->width - 1, right = x + 2, n; x <= right; x++)                      \
            if (n = y * (s)->width + x,                                                            \
                n != (b) && x >= 0 && y >= 0 && x < (s)->width && y < (s)->height)

// Differences to the plate and the plate, summed over a block and its neighbours without objects.
struct mean {
    int weight, difference[3], plate[3];
};

static void add_block(const struct shade *s, int b, int weight, struct mean *mean)
{
    mean->weight += weight;
    for (int c = 0; c < 3; c++) {
        mean->difference[c] += weight * (s->plate[b * 3 + c] - s->picture[b * 3 + c]);
        mean->plate[c] += weight * s->plate[b * 3 + c];
    }
}

// Darker by one factor, 0.5 to 1, in all channels.
static uint8_t darkness(const struct mean *mean, int noise)
{
    int weak = WEAK + 2 * noise;
    int dark = mean->difference[0] + mean->difference[1] + mean->difference[2];
    int light = mean->plate[0] + mean->plate[1] + mean->plate[2];
    if (dark * 8 < weak * 3 * mean->weight || dark * 2 > light)
        return 0;
    int64_t slack = (int64_t)light * ((SLACK + noise) * mean->weight / 8 + dark / 12);
    for (int c = 0; c < 3; c++) {
        int64_t off = (int64_t)mean->difference[c] * light - (int64_t)dark * mean->plate[c];
        if (off > slack || off < -slack)
            return 0;
    }
    return dark * 8 < 2 * weak * 3 * mean->weight ? 1 : 2;
}

static void find_dark(const struct shade *s)
{
    for (int b = 0; b < s->width * s->height; b++) {
        struct mean mean = {0};
        add_block(s, b, 4, &mean);
        int dark = mean.difference[0] + mean.difference[1] + mean.difference[2];
        if (s->block[b].owner || dark * 8 < WEAK / 2 * 3 * mean.weight)
            continue; // most blocks
        EACH_NEIGHBOUR(s, b, n)
        if (!s->block[n].owner)
            add_block(s, n, x == b % s->width || y == b / s->width ? 2 : 1, &mean);
        s->block[b].dark = darkness(&mean, s->memory->shadow_noise[b]);
    }
}

// Lists the dark blocks that hang together with `start`, and no longer marks them as dark.
static void take_region(const struct shade *s, int start, struct region *region)
{
    *region = (struct region){0};
    s->queue[region->area++] = start;
    region->core += s->block[start].dark == 2;
    s->block[start].dark = 0;
    for (int i = 0; i < region->area; i++) {
        int b = s->queue[i];
        region->border |= b % s->width == 0 || b % s->width == s->width - 1 || b < s->width ||
                          b >= s->width * (s->height - 1);
        EACH_NEIGHBOUR(s, b, n)
        {
            region->touches[s->block[n].owner] = true;
            if (!s->block[n].dark)
                continue;
            region->core += s->block[n].dark == 2;
            s->block[n].dark = 0;
            s->queue[region->area++] = n;
        }
    }
}

// How far the shadow of an outline may reach, blocks. The border may hide most of who casts it.
static int reach_of(const struct shade *s, int number)
{
    int pixels = s->outline->box[number - 1].height;
    if (number <= s->frame->components) {
        const struct ifl_component *component = &s->frame->component[number - 1];
        const struct ifl_event *event = ifl_profile_event(s->memory->profile, component->event);
        if (event && component->edges && event->height_max > pixels)
            pixels = event->height_max;
    }
    int blocks = pixels >> s->shift, most = s->height < UINT8_MAX ? s->height : UINT8_MAX;
    return blocks < most - 2 ? blocks + 2 : most; // in 8 bits, as struct block has it
}

// Whether those that a region touches can cast so much.
static bool can_cast(const struct shade *s, const struct region *region)
{
    int64_t most = 0;
    for (int number = 1; number <= s->outline->numbers; number++)
        if (region->touches[number])
            most += (int64_t)reach_of(s, number) * reach_of(s, number);
    return region->area <= most;
}

// Gives each block of a region to the nearest outline, by the way through the region.
static void share_region(const struct shade *s, const struct region *region)
{
    int32_t *next = s->queue + region->area;
    int count = 0;
    for (int i = 0; i < region->area; i++) {
        struct block *block = &s->block[s->queue[i]];
        block->dark = 1; // those still to be given away
        EACH_NEIGHBOUR(s, s->queue[i], n)
        if (s->block[n].owner && !block->mine) {
            *block = (struct block){.mine = s->block[n].owner, .away = 1};
            next[count++] = s->queue[i];
        }
    }
    for (int i = 0; i < count; i++) {
        struct block from = s->block[next[i]];
        if (from.away >= reach_of(s, from.mine))
            continue;
        EACH_NEIGHBOUR(s, next[i], n)
        if (s->block[n].dark) {
            s->block[n] = (struct block){.mine = from.mine, .away = (uint8_t)(from.away + 1)};
            next[count++] = n;
        }
    }
    for (int i = 0; i < region->area; i++)
        s->block[s->queue[i]].dark = 0;
}

// Where shadows run into each other nobody can tell whose is whose.
static void join_casters(const struct shade *s, const struct region *region)
{
    int first = 0;
    for (int number = 1; number <= s->frame->components; number++) {
        if (!region->touches[number])
            continue;
        ifl_outline_join(s->outline, s->frame->components, first, number);
        first = first ? first : number;
    }
}

static void give_stranger(const struct shade *s, const struct region *region)
{
    int number =
        s->outline->numbers < IFL_OUTLINE_NUMBERS ? s->outline->numbers + 1 : IFL_OUTLINE_NUMBERS;
    if (number <= s->frame->components)
        return;
    s->outline->numbers = number;
    for (int i = 0; i < region->area; i++)
        s->block[s->queue[i]].mine = (uint8_t)number;
}

static void share_shadows(const struct shade *s)
{
    struct region region;
    for (int b = 0; b < s->width * s->height; b++) {
        if (!s->block[b].dark)
            continue;
        take_region(s, b, &region);
        region.touches[NOBODY] = false;
        bool alone = !memchr(region.touches, true, sizeof region.touches);
        if (!alone && region.area >= LEAST && can_cast(s, &region)) {
            share_region(s, &region);
            join_casters(s, &region);
        } else if (alone && region.border && region.core >= CORE &&
                   region.area * LARGEST <= s->width * s->height) {
            give_stranger(s, &region);
        }
    }
}

static void paint_block(const struct shade *s, int b, uint8_t number)
{
    EACH_ROW(s, b, at)
    for (int x = 0; x < 1 << s->shift; x++)
        if (!s->outline->map[at + x])
            s->outline->map[at + x] = number;
}

// A block of shadow, and what the caster's own outline leaves of the blocks beside it.
static void paint_shadows(const struct shade *s)
{
    for (int b = 0; b < s->width * s->height; b++) {
        uint8_t number = s->block[b].mine;
        if (!number)
            continue;
        paint_block(s, b, number);
        EACH_NEIGHBOUR(s, b, n)
        if (s->block[n].owner == number)
            paint_block(s, n, number);
    }
}

void ifl_shadow_add(const struct ifl_memory *memory, int frame, struct ifl_outline *outline,
                    int32_t *scratch)
{
    int level = ifl_shadow_level(memory), base = ifl_base_level(memory);
    const struct ifl_grid *grid = &memory->grid[level];
    struct shade s = {.memory = memory,
                      .frame = memory->profile->memory[frame],
                      .outline = outline,
                      .picture = memory->profile->memory[frame]->level[level],
                      .plate = memory->profile->plate[level],
                      .width = grid->width,
                      .height = grid->height,
                      .shift = base - level,
                      .pixels_across = memory->grid[base].width,
                      .block = (struct block *)scratch,
                      .queue = scratch + grid->width * grid->height};
    for (int b = 0; b < s.width * s.height; b++)
        s.block[b] = (struct block){.owner = find_owner(&s, b)};
    find_dark(&s);
    share_shadows(&s);
    paint_shadows(&s);
}
