// SPDX-License-Identifier: Apache-2.0
#include "generate/denoise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/exact.h"
#include "generate/outline.h"
#include "generate/settle.h"
#include "kernels/pixels.h"

enum {
    EXP_STEPS = 64, // entries of the table per unit of the exponent
    EXP_ENTRIES = 12 * EXP_STEPS,
    NOISE_STREAM = 0x100, // streams of the seed: layout takes the first ones
    GRAIN_STREAM = 0x200,
    POOL = 15, // frames that compete at the coarsest level; with the layout two times eight
};

// log of how much likelier the layout's own content is than all other candidates together.
static const double LAYOUT_PRIOR = 2;

// Grey levels (RMS) within which a frame's patch is preferred to the layout's own picture.
static const double LAYOUT_REACH = 12;

// One picture on its way through the levels.
struct denoiser {
    const struct ifl_memory *memory;
    const struct ifl_denoise_config *config;
    const struct ifl_grid *grid; // of the level at hand
    int level;
    double sigma, prior;  // prior: log of the layout's odds against one other frame
    bool last_step;       // of the level
    int16_t *x, *rounded; // noisy picture, and it in grey levels
    int16_t *sum, *still; // what the patches add up to; the part of it that never changes
    int16_t *change;      // what the coarser level made of the layout
    int16_t *wide;        // a row of it, enlarged
    int32_t *scratch;
    uint8_t *pool; // POOL frames for each place of the coarsest level, those most like the layout
    uint8_t *best; // IFL_CANDIDATES of them
    const struct ifl_layout *layout;
    struct ifl_settle settle;
    uint8_t *sketch[IFL_LEVELS_MAX];    // the layout's picture at each level
    int32_t exp_table[EXP_ENTRIES + 1]; // 0 at its end
};

// What the patches of one place are weighed by.
struct mix {
    int count;
    const uint8_t *patch[IFL_MEMORY_MAX + 1];
    int16_t weight[IFL_MEMORY_MAX + 1];
};

static void fill_exp_table(struct denoiser *d)
{
    for (int i = 0; i < EXP_ENTRIES; i++)
        d->exp_table[i] = (int32_t)(65536 * ifl_exact_exp(-(double)i / EXP_STEPS) + 0.5);
}

static const uint8_t *frame_patch(const struct denoiser *d, int frame, ptrdiff_t at)
{
    return d->memory->profile->memory[frame]->level[d->level] + at;
}

// Softmax over the candidates; those without weight are left out. Which ones take part: `chosen`.
static void weigh_softmax(const struct denoiser *d, const uint32_t *d2, int count, struct mix *mix,
                          int *chosen)
{
    uint32_t least = UINT32_MAX;
    int32_t mass[IFL_MEMORY_MAX + 1], total = 0;
    for (int i = 0; i < count; i++)
        least = d2[i] < least ? d2[i] : least;
    double scale = EXP_STEPS / (2 * d->sigma * d->sigma);
    int held = 0;
    for (int i = 0; i < count; i++) { // no branches: nobody can guess them
        double at = (d2[i] - least) * scale;
        int32_t own = d->exp_table[(int)(at < EXP_ENTRIES ? at : EXP_ENTRIES)];
        total += own;
        mass[held] = own;
        chosen[held] = i;
        held += own != 0;
    }
    mix->count = held;
    for (int i = 0; i < mix->count; i++)
        mix->weight[i] = (int16_t)((uint32_t)mass[i] * (IFL_PATCH_ONE - 1U) / (uint32_t)total);
}

// Puts a frame into a list of the nearest ones, `held` so far; returns how many there are then.
static int insert(uint32_t d2, uint8_t frame, int held, int most, uint32_t *nearest, uint8_t *list)
{
    if (held == most && d2 >= nearest[held - 1])
        return held;
    int at = held < most ? held++ : held - 1;
    for (; at > 0 && nearest[at - 1] > d2; at--) {
        nearest[at] = nearest[at - 1];
        list[at] = list[at - 1];
    }
    nearest[at] = d2;
    list[at] = frame;
    return held;
}

// What the layout shows here is worth `prior` more than any other frame: without it small objects
// drown in the noise of the coarsest level, or come out in parts.
static void favour(const struct denoiser *d, uint32_t *d2)
{
    uint32_t bonus = (uint32_t)(d->prior * 2 * d->sigma * d->sigma);
    *d2 = *d2 > bonus ? *d2 - bonus : 0;
}

// The frames that look most like the layout at each place of the coarsest level. Places lie close
// there: squares of pixels are shared.
static void rank_frames(struct denoiser *d)
{
    const struct ifl_grid *grid = d->grid;
    int pixels = grid->width * grid->height, columns = grid->width - IFL_PATCH_PIXELS + 1;
    int places = grid->across * grid->down;
    int32_t *box = d->scratch, *spare = box + pixels;
    uint32_t *nearest = (uint32_t *)spare + (grid->rows + 6) * grid->width;
    uint8_t *layout = (uint8_t *)(nearest + (ptrdiff_t)places * POOL);
    ifl_pixel_kernels()->split(d->sketch[0], pixels, layout);
    for (int f = 0; f < d->memory->frames; f++) {
        ifl_pixel_kernels()->boxes(d->memory->planes + (ptrdiff_t)f * 3 * pixels, layout,
                                   grid->width, grid->height, IFL_PATCH_PIXELS, grid->rows, spare,
                                   box);
        for (int place = 0; place < places; place++) {
            int at = grid->y[place / grid->across] * columns + grid->x[place % grid->across];
            insert((uint32_t)box[at], (uint8_t)f, f < POOL ? f : POOL, POOL, nearest + place * POOL,
                   d->pool + place * POOL);
        }
    }
}

// Coarsest level: the pool, and the layout itself.
static void mix_pool(const struct denoiser *d, int place, ptrdiff_t at, struct mix *mix)
{
    const uint8_t *patch[POOL + 1];
    uint32_t d2[POOL + 1], nearest[IFL_CANDIDATES];
    int chosen[POOL + 1];
    const uint8_t *pool = d->pool + (ptrdiff_t)place * POOL;
    for (int i = 0; i < POOL; i++)
        patch[i] = frame_patch(d, pool[i], at);
    patch[POOL] = d->sketch[0] + at;
    ifl_patch_distances(d->rounded + at, patch, POOL + 1, d->grid->stride_samples, d->grid->rows,
                        d2);
    if (d->last_step)
        for (int i = 0, held = 0; i < POOL; i++)
            held = insert(d2[i], pool[i], held, IFL_CANDIDATES, nearest,
                          d->best + (ptrdiff_t)place * IFL_CANDIDATES);
    favour(d, &d2[POOL]);
    weigh_softmax(d, d2, POOL + 1, mix, chosen);
    for (int i = 0; i < mix->count; i++)
        mix->patch[i] = patch[chosen[i]];
}

static int clamp(int value, int least, int greatest)
{
    return value < least ? least : value > greatest ? greatest : value;
}

// The part of the base level under a patch.
struct area {
    int x, y, right, bottom;
};

static struct area area_under(const struct denoiser *d, const struct ifl_spot *spot)
{
    const struct ifl_grid *grid = d->grid;
    int shift = ifl_base_level(d->memory) - d->level;
    int x = grid->x[spot->across], y = grid->y[spot->down];
    return (struct area){x << shift, y << shift, (x + IFL_PATCH_PIXELS) << shift,
                         (y + grid->rows) << shift};
}

// Whether a frame shows somebody in the area, or a shadow, whom the layout does not show there.
static bool shows_others(const struct denoiser *d, const struct area *area, int f)
{
    const struct ifl_outline *outline =
        ifl_outline_find(d->memory, f, d->layout->outline[IFL_REGIONS_MAX], d->layout->scratch);
    int width = d->memory->grid[ifl_base_level(d->memory)].width;
    int most = (area->right - area->x) * (area->bottom - area->y) / 64, count = 0;
    for (int y = area->y; y < area->bottom && count <= most; y++)
        for (int x = area->x; x < area->right; x++)
            count += outline->map[y * width + x] && d->layout->frame[y * width + x] != f;
    return count > most;
}

// The frames that compete at a place of a finer level: those of the coarsest level's place, with
// the one that the layout shows.
static void list_candidates(const struct denoiser *d, struct ifl_spot *spot)
{
    const struct ifl_grid *grid = d->grid;
    struct area area = area_under(d, spot);
    uint8_t frame[IFL_CANDIDATES];
    int root = grid->root_y[spot->down] * d->memory->grid[0].across + grid->root_x[spot->across];
    memcpy(frame, d->best + (ptrdiff_t)root * IFL_CANDIDATES, IFL_CANDIDATES);
    if (spot->home != IFL_LAYOUT_PLATE && !memchr(frame, spot->home, IFL_CANDIDATES))
        frame[IFL_CANDIDATES - 1] = (uint8_t)spot->home;
    for (int i = 0; i < IFL_CANDIDATES; i++)
        if (!shows_others(d, &area, frame[i]))
            spot->frame[spot->frames++] = frame[i];
}

static void mix_candidates(const struct denoiser *d, const struct ifl_spot *spot, ptrdiff_t at,
                           struct mix *mix)
{
    const uint8_t *patch[IFL_CANDIDATES + 1];
    uint32_t d2[IFL_CANDIDATES + 1];
    int chosen[IFL_CANDIDATES + 1], count = spot->frames;
    for (int i = 0; i < count; i++)
        patch[i] = frame_patch(d, spot->frame[i], at);
    patch[count] = d->sketch[d->level] + at;
    ifl_patch_distances(d->rounded + at, patch, count + 1, d->grid->stride_samples, d->grid->rows,
                        d2);
    for (int i = 0; i < count; i++)
        if (spot->frame[i] == spot->home)
            favour(d, &d2[i]);
    d2[count] +=
        (uint32_t)(LAYOUT_REACH * LAYOUT_REACH) * IFL_PATCH_SAMPLES * (uint32_t)d->grid->rows;
    weigh_softmax(d, d2, count + 1, mix, chosen);
    for (int i = 0; i < mix->count; i++)
        mix->patch[i] = patch[chosen[i]];
}

static void mix_one(const uint8_t *patch, struct mix *mix)
{
    mix->patch[0] = patch;
    mix->weight[0] = IFL_PATCH_ONE - 1;
    mix->count = 1;
}

// Patches of one place that may be used at this k, grouped by event.
struct group {
    uint16_t event;
    double log_mass; // of all its patches
    int first, count;
};

static void mix_plate(const struct denoiser *d, ptrdiff_t at, struct mix *mix)
{
    mix_one(d->memory->profile->plate[d->level] + at, mix);
}

struct allowed {
    int count, groups;
    uint16_t event[IFL_MEMORY_MAX];
    int frame[IFL_MEMORY_MAX];
    int empty; // frames that show nothing here
};

// The frames whose patch may be used here, sorted by event.
static void list_allowed(const struct denoiser *d, int place, struct allowed *list)
{
    const struct ifl_support_cell *cell = ifl_support_cells(d->config->support, d->level, place);
    list->count = list->groups = list->empty = 0;
    for (int f = 0; f < d->memory->frames; f++) {
        list->empty += cell[f].event == IFL_EVENT_NONE;
        if (cell[f].limit < d->config->k)
            continue;
        int at = list->count++;
        for (; at > 0 && list->event[at - 1] > cell[f].event; at--) {
            list->event[at] = list->event[at - 1];
            list->frame[at] = list->frame[at - 1];
        }
        list->event[at] = cell[f].event;
        list->frame[at] = f;
    }
    for (int i = 0; i < list->count; i++)
        list->groups += i == 0 || list->event[i] != list->event[i - 1];
}

// log(sum of exp) of `count` values, relative to the largest so that nothing underflows.
static double log_sum(const double *value, int count)
{
    double largest = value[0], sum = 0;
    for (int i = 1; i < count; i++)
        largest = fmax(largest, value[i]);
    for (int i = 0; i < count; i++)
        sum += ifl_exact_exp(value[i] - largest);
    return largest + ifl_exact_log(sum);
}

// Weights of the patches of each event inside the event's share; what rounding leaves over goes to
// the plate, which is last in the mix.
static void spread_shares(const struct group *group, int groups, const double *share,
                          double foreground, const double *log_mass, int plate, struct mix *mix)
{
    int left = IFL_PATCH_ONE - 1;
    for (int g = 0; g < groups; g++)
        for (int i = group[g].first; i < group[g].first + group[g].count; i++) {
            double part = ifl_exact_exp(log_mass[i] - group[g].log_mass);
            int weight = (int)(IFL_PATCH_ONE * foreground * share[g] * fmin(part, 1));
            weight = weight < left ? weight : left;
            mix->weight[i] = (int16_t)weight;
            left -= weight;
        }
    mix->weight[plate] = (int16_t)left;
    mix->count = plate + 1;
}

static bool cap_holds(const struct group *group, int groups, int k, const struct mix *mix)
{
    for (int g = 0; g < groups; g++) {
        int sum = 0;
        for (int i = group[g].first; i < group[g].first + group[g].count; i++)
            sum += mix->weight[i];
        if (sum * k > IFL_PATCH_ONE)
            return false;
    }
    return true;
}

// Plate and foreground compete by their masses (the plate stands for all frames that show nothing
// here); within the foreground no event weighs more than 1/k.
static void mix_supported(const struct denoiser *d, int place, ptrdiff_t at, struct mix *mix)
{
    struct allowed list;
    list_allowed(d, place, &list);
    if (list.groups < d->config->k) {
        mix_plate(d, at, mix);
        return;
    }
    uint32_t d2[IFL_MEMORY_MAX + 1];
    double log_mass[IFL_MEMORY_MAX + 1], log_event[IFL_MEMORY_MAX], share[IFL_MEMORY_MAX];
    struct group group[IFL_MEMORY_MAX];
    for (int i = 0; i < list.count; i++)
        mix->patch[i] = frame_patch(d, list.frame[i], at);
    mix->patch[list.count] = d->memory->profile->plate[d->level] + at;
    ifl_patch_distances(d->rounded + at, mix->patch, list.count + 1, d->grid->stride_samples,
                        d->grid->rows, d2);
    for (int i = 0; i <= list.count; i++)
        log_mass[i] = -(double)d2[i] / (2 * d->sigma * d->sigma);
    int groups = 0;
    for (int i = 0; i < list.count; groups++) {
        struct group *g = &group[groups];
        *g = (struct group){.event = list.event[i], .first = i};
        while (i < list.count && list.event[i] == g->event)
            i++;
        g->count = i - g->first;
        g->log_mass = log_event[groups] = log_sum(log_mass + g->first, g->count);
    }
    ifl_water_fill(log_event, groups, d->config->k, share);
    double odds = log_mass[list.count] + ifl_exact_log(list.empty > 0 ? list.empty : 1) -
                  log_sum(log_event, groups);
    double foreground = 1 / (1 + ifl_exact_exp(fmin(odds, 600)));
    spread_shares(group, groups, share, foreground, log_mass, list.count, mix);
    if (!cap_holds(group, groups, d->config->k, mix))
        mix_plate(d, at, mix);
}

static ptrdiff_t sample_at(const struct ifl_grid *grid, const struct ifl_spot *spot)
{
    return (ptrdiff_t)grid->y[spot->down] * grid->stride_samples + grid->x[spot->across] * 3;
}

static void blend(const struct denoiser *d, const struct ifl_spot *spot, const struct mix *mix,
                  int16_t *sum)
{
    const struct ifl_grid *grid = d->grid;
    ifl_patch_blend(mix->patch, mix->weight, mix->count,
                    grid->window_x + spot->across * IFL_PATCH_SAMPLES,
                    grid->window_y + spot->down * grid->rows, grid->stride_samples, grid->rows,
                    sum + sample_at(grid, spot));
}

// Where one patch is all that is left, falling noise finds no other.
static void denoise_spot(struct denoiser *d, struct ifl_spot *spot)
{
    ptrdiff_t at = sample_at(d->grid, spot);
    struct mix mix;
    int place = spot->down * d->grid->across + spot->across;
    if (spot->decided)
        mix_one(spot->decided, &mix);
    else if (d->config->support)
        mix_supported(d, place, at, &mix);
    else if (d->level == 0)
        mix_pool(d, place, at, &mix);
    else
        mix_candidates(d, spot, at, &mix);
    if (d->level > 0 && mix.count == 1)
        spot->decided = mix.patch[0];
    blend(d, spot, &mix, d->sum);
}

// What the settled places beside the rendered ones add.
static void blend_settled(struct denoiser *d)
{
    struct mix mix;
    for (int i = d->settle.rendered; i < d->settle.spots; i++) {
        const struct ifl_spot *spot = &d->settle.spot[i];
        mix_one(d->sketch[d->level] + sample_at(d->grid, spot), &mix);
        blend(d, spot, &mix, d->still);
    }
}

// Every row of the spans: `at` is its first sample, `count` how many.
#define EACH_ROW(d, at, count)                                                                     \
    for (const struct ifl_span *span = (d)->settle.span, *end = span + (d)->settle.spans;          \
         span < end; span++)                                                                       \
        for (ptrdiff_t row = 0, count = 3 * span->width,                                           \
                       at = (ptrdiff_t)span->y * (d)->grid->stride_samples + 3 * span->x;          \
             row < span->height; row++, at += (d)->grid->stride_samples)

// Of fewer steps than the level's own, the first is the first.
static double sigma_at(const struct ifl_grid *grid, int step, int steps)
{
    return grid->sigma[steps > 1 ? step * (grid->steps - 1) / (steps - 1) : 0];
}

static void denoise_level(struct denoiser *d)
{
    const struct ifl_grid *grid = d->grid;
    int candidates = d->level == 0 ? POOL : IFL_CANDIDATES;
    d->prior = LAYOUT_PRIOR + ifl_exact_log(candidates);
    EACH_ROW(d, at, count)
    memset(d->still + at, 0, (size_t)count * sizeof *d->still);
    blend_settled(d);
    int steps =
        d->config->steps > 0 && d->config->steps < grid->steps ? d->config->steps : grid->steps;
    for (int s = 0; s < steps; s++) {
        d->sigma = sigma_at(grid, s, steps);
        d->last_step = s + 1 == steps;
        EACH_ROW(d, at, count)
        memcpy(d->sum + at, d->still + at, (size_t)count * sizeof *d->sum);
        for (int i = 0; i < d->settle.rendered; i++)
            denoise_spot(d, &d->settle.spot[i]);
        double keep = s + 1 < steps ? sigma_at(grid, s + 1, steps) / d->sigma : 0;
        EACH_ROW(d, at, count)
        ifl_patch_step(d->sum + at, (int16_t)(keep * IFL_PATCH_ONE), d->x + at, d->rounded + at,
                       (int)count);
    }
}

static void add_noise(const struct denoiser *d, struct ifl_rng *rng, int16_t *x, int count)
{
    int sigma = (int)lround(d->grid->sigma[0] * (1 << IFL_PATCH_FRACTION));
    for (int i = 0; i < count; i += 5) {
        uint64_t bits = ifl_rng_next(rng);
        for (int j = i; j < i + 5 && j < count; j++, bits >>= 12)
            x[j] =
                (int16_t)(x[j] + ((d->memory->noise[bits & (IFL_NOISE_DRAWS - 1)] * sigma) >> 12));
    }
}

// The layout's picture at all levels, by means of 2x2 pixels.
static void reduce_layout(struct denoiser *d)
{
    int base = ifl_base_level(d->memory);
    const struct ifl_grid *grid = &d->memory->grid[base];
    memcpy(d->sketch[base], d->layout->picture, (size_t)(grid->stride_samples * grid->height));
    for (int l = base - 1; l >= 0; l--) {
        int samples = d->memory->grid[l].stride_samples;
        for (int y = 0; y < d->memory->grid[l].height; y++) {
            const uint8_t *upper = d->sketch[l + 1] + (ptrdiff_t)4 * y * samples;
            ifl_pixel_kernels()->halve(upper, upper + 2 * samples, samples / 3,
                                       d->sketch[l] + y * samples);
        }
    }
}

// x = the coarser level's change, enlarged, for a row of pixels.
static void enlarge_change(struct denoiser *d, int x, int y, int width, int16_t *to)
{
    const struct ifl_grid *coarse = d->grid - 1;
    int a = y / 2, b = clamp(y % 2 ? a + 1 : a - 1, 0, coarse->height - 1);
    int left = clamp(x / 2 - 1, 0, coarse->width); // one more on both sides
    int right = clamp((x + width + 1) / 2 + 1, 0, coarse->width);
    ifl_pixel_kernels()->enlarge(d->change + a * coarse->stride_samples + 3 * left,
                                 d->change + b * coarse->stride_samples + 3 * left, right - left,
                                 d->scratch, d->wide);
    memcpy(to, d->wide + 3 * (x - 2 * left), (size_t)width * 3 * sizeof *to);
}

// x = layout + enlarged change + noise: the layout's own detail comes back where the coarser level
// kept the layout, and only what that level changed is enlarged.
static void begin_level(struct denoiser *d, bool changed)
{
    struct ifl_rng rng;
    ifl_rng_split(&rng, d->config->seed, NOISE_STREAM + (uint64_t)d->level);
    EACH_ROW(d, at, count)
    {
        if (changed)
            enlarge_change(d, span->x, span->y + (int)row, span->width, d->x + at);
        else
            memset(d->x + at, 0, (size_t)count * sizeof *d->x);
        ifl_pixel_kernels()->add_picture(d->sketch[d->level] + at, 1, (int)count, d->x + at);
        add_noise(d, &rng, d->x + at, (int)count);
        ifl_pixel_kernels()->round(d->x + at, (int)count, d->rounded + at);
    }
}

// The frame that the layout shows in most of a patch; pixels of placed objects count four times.
static uint16_t find_home(const struct denoiser *d, int across, int down)
{
    enum { HELD = 8 };
    uint16_t frame[HELD];
    int votes[HELD], held = 0, best = 0;
    int shift = ifl_base_level(d->memory) - d->level;
    int width = d->memory->grid[ifl_base_level(d->memory)].width;
    for (int y = 0; y < d->grid->rows; y += 2) // every second pixel is enough to count
        for (int x = 0; x < IFL_PATCH_PIXELS; x += 2) {
            int at = ((((d->grid->y[down] + y) * 2 + 1) << shift) >> 1) * width +
                     ((((d->grid->x[across] + x) * 2 + 1) << shift) >> 1);
            int i = 0;
            while (i < held && frame[i] != d->layout->frame[at])
                i++;
            if (i == HELD)
                continue;
            if (i == held) {
                frame[held] = d->layout->frame[at];
                votes[held++] = 0;
            }
            votes[i] += d->layout->taken[at] ? 4 : 1;
            best = votes[i] > votes[best] ? i : best;
        }
    return frame[best];
}

static void next_level(struct denoiser *d)
{
    memset(d->change, 0, (size_t)(d->grid->stride_samples * d->grid->height) * sizeof *d->change);
    EACH_ROW(d, at, count)
    {
        memcpy(d->change + at, d->x + at, (size_t)count * sizeof *d->change);
        ifl_pixel_kernels()->add_picture(d->sketch[d->level] + at, -1, (int)count, d->change + at);
    }
    d->level++;
    d->grid++;
    ifl_settle_level(&d->settle, d->memory, d->level, d->change);
    for (int i = 0; i < d->settle.rendered; i++) {
        struct ifl_spot *spot = &d->settle.spot[i];
        spot->home = find_home(d, spot->across, spot->down);
        list_candidates(d, spot);
    }
}

// What ranking frames or enlarging a row takes, in values.
static size_t scratch_values(const struct denoiser *d)
{
    const struct ifl_grid *least = &d->memory->grid[0];
    size_t pixels = (size_t)(least->width * least->height);
    size_t places = (size_t)(least->across * least->down);
    size_t rank = 2 * pixels + (size_t)((least->rows + 6) * least->width) + places * POOL;
    size_t row = (size_t)d->memory->grid[d->config->level].stride_samples + 6;
    return rank > row ? rank : row;
}

static bool allocate(struct denoiser *d)
{
    const struct ifl_grid *least = &d->memory->grid[0], *most = &d->memory->grid[d->config->level];
    size_t samples = (size_t)(most->stride_samples * most->height);
    size_t places = (size_t)(least->across * least->down);
    d->x = malloc(samples * sizeof *d->x);
    d->change = malloc(samples * sizeof *d->change);
    d->rounded = malloc(samples * sizeof *d->rounded);
    d->sum = malloc(samples * sizeof *d->sum);
    d->still = calloc(samples, sizeof *d->still);
    d->wide = malloc((size_t)(most->stride_samples + 12) * sizeof *d->wide);
    d->pool = malloc(places * POOL);
    d->best = malloc(places * IFL_CANDIDATES);
    d->scratch = malloc(scratch_values(d) * sizeof *d->scratch);
    bool sketched = true;
    for (int l = 0; l < d->memory->levels; l++) {
        const struct ifl_grid *grid = &d->memory->grid[l];
        d->sketch[l] = malloc((size_t)(grid->stride_samples * grid->height));
        sketched = sketched && d->sketch[l];
    }
    return ifl_settle_init(&d->settle, d->memory) && sketched && d->scratch && d->x && d->change &&
           d->rounded && d->sum && d->still && d->wide && d->pool && d->best;
}

static void release(struct denoiser *d)
{
    free(d->x);
    free(d->change);
    free(d->rounded);
    free(d->sum);
    free(d->still);
    free(d->wide);
    free(d->pool);
    free(d->best);
    free(d->scratch);
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        free(d->sketch[l]);
    ifl_settle_fini(&d->settle);
}

enum ifl_result ifl_denoise(const struct ifl_memory *memory,
                            const struct ifl_denoise_config *config,
                            const struct ifl_layout *layout, uint8_t *picture,
                            struct ifl_error *error)
{
    struct denoiser d = {.memory = memory, .config = config, .layout = layout};
    if (!allocate(&d)) {
        release(&d);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for an image");
    }
    fill_exp_table(&d);
    // What the coarser levels choose counts for nothing where only the last level may say what is
    // shown: with support the layout is rendered at once.
    d.level = config->support ? config->level : 0;
    d.grid = &memory->grid[d.level];
    reduce_layout(&d);
    ifl_settle_layout(&d.settle, memory, layout);
    ifl_settle_nothing(&d.settle, d.grid);
    if (!config->support)
        rank_frames(&d);
    begin_level(&d, false);
    denoise_level(&d);
    while (d.level < config->level) {
        next_level(&d);
        begin_level(&d, true);
        denoise_level(&d);
    }
    memcpy(picture, d.sketch[d.level], (size_t)(d.grid->stride_samples * d.grid->height));
    EACH_ROW(&d, at, count)
    ifl_pixel_kernels()->clamp(d.rounded + at, (int)count, picture + at);
    release(&d);
    return IFL_OK;
}

void ifl_add_grain(const struct ifl_memory *memory, double sigma, uint64_t seed, uint8_t *rgb,
                   int count)
{
    struct ifl_rng rng;
    ifl_rng_split(&rng, seed, GRAIN_STREAM);
    int factor = (int)lround(sigma * 256);
    for (int i = 0; i < count; i += 5) {
        uint64_t bits = ifl_rng_next(&rng);
        for (int j = i; j < i + 5 && j < count; j++, bits >>= 12) {
            int noise = memory->noise[bits & (IFL_NOISE_DRAWS - 1)] * factor;
            noise = (noise + (1 << 19)) >> 20;
            for (int c = 0; c < 3; c++)
                rgb[j * 3 + c] = (uint8_t)clamp(rgb[j * 3 + c] + noise, 0, 255);
        }
    }
}
