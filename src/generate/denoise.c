// SPDX-License-Identifier: Apache-2.0
#include "generate/denoise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/exact.h"
#include "kernels/pixels.h"

enum {
    EXP_STEPS = 64, // entries of the table per unit of the exponent
    EXP_ENTRIES = 12 * EXP_STEPS,
    NOISE_STREAM = 0x100, // streams of the seed: layout takes the first ones
    GRAIN_STREAM = 0x200,
};

// log of how much likelier the layout's own content is than all other candidates together.
static const double LAYOUT_PRIOR = 2;

// One picture on its way through the levels.
struct denoiser {
    const struct ifl_memory *memory;
    const struct ifl_denoise_config *config;
    const struct ifl_grid *grid; // of the level at hand
    int level;
    double sigma, prior;    // prior: log of the layout's odds against one other frame
    int16_t *x, *coarse;    // noisy picture, and that of the coarser level
    int16_t *rounded, *sum; // x in grey levels; what the patches add up to
    int32_t *scratch;
    uint32_t *all_d2;            // coarsest level: of each place to each frame and to the layout
    bool last_step;              // of the level
    uint8_t *best, *coarse_best; // IFL_CANDIDATES frames a place, nearest first
    uint16_t *home;              // the layout's frame at each place; IFL_LAYOUT_PLATE: none
    const struct ifl_layout *layout;
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

// The nearest frames of a place, by insertion.
static void keep_best(const uint32_t *d2, int count, uint8_t *best)
{
    uint32_t nearest[IFL_CANDIDATES];
    int held = 0;
    for (int f = 0; f < count; f++) {
        if (held == IFL_CANDIDATES && d2[f] >= nearest[held - 1])
            continue;
        int at = held < IFL_CANDIDATES ? held++ : held - 1;
        for (; at > 0 && nearest[at - 1] > d2[f]; at--) {
            nearest[at] = nearest[at - 1];
            best[at] = best[at - 1];
        }
        nearest[at] = d2[f];
        best[at] = (uint8_t)f;
    }
}

// What the layout shows here is worth `prior` more than any other frame: without it small objects
// drown in the noise of the coarsest level, or come out in parts.
static void favour(const struct denoiser *d, uint32_t *d2)
{
    uint32_t bonus = (uint32_t)(d->prior * 2 * d->sigma * d->sigma);
    *d2 = *d2 > bonus ? *d2 - bonus : 0;
}

// Places lie close at the coarsest level and all frames take part: squares of pixels are shared.
static void measure_all(struct denoiser *d)
{
    const struct ifl_grid *grid = d->grid;
    int frames = d->memory->frames, pixels = grid->width * grid->height;
    int columns = grid->width - IFL_PATCH_PIXELS + 1;
    int16_t *noisy = (int16_t *)d->scratch;
    uint8_t *layout = (uint8_t *)(noisy + 3 * pixels);
    int32_t *box = d->scratch + 3 * pixels, *spare = box + pixels;
    for (int i = 0; i < 3 * pixels; i++)
        noisy[i % 3 * pixels + i / 3] = d->rounded[i];
    ifl_pixel_kernels()->split(d->sketch[0], pixels, layout);
    for (int f = 0; f <= frames; f++) {
        const uint8_t *planes = f < frames ? d->memory->planes + (ptrdiff_t)f * 3 * pixels : layout;
        ifl_pixel_kernels()->noisy_boxes(noisy, planes, grid->width, grid->height, IFL_PATCH_PIXELS,
                                         grid->rows, spare, box);
        uint32_t *to = d->all_d2 + f;
        for (int down = 0; down < grid->down; down++)
            for (int across = 0; across < grid->across; across++, to += frames + 1)
                *to = (uint32_t)box[grid->y[down] * columns + grid->x[across]];
    }
}

// Coarsest level: all frames, and the layout itself.
static void mix_all(const struct denoiser *d, int place, ptrdiff_t at, struct mix *mix)
{
    int frames = d->memory->frames, chosen[IFL_MEMORY_MAX + 1];
    uint32_t *d2 = d->all_d2 + (ptrdiff_t)place * (frames + 1);
    if (d->last_step)
        keep_best(d2, frames, d->best + (ptrdiff_t)place * IFL_CANDIDATES);
    favour(d, &d2[frames]);
    weigh_softmax(d, d2, frames + 1, mix, chosen);
    for (int i = 0; i < mix->count; i++)
        mix->patch[i] = chosen[i] < frames ? frame_patch(d, chosen[i], at) : d->sketch[0] + at;
}

static void mix_candidates(const struct denoiser *d, int place, ptrdiff_t at, struct mix *mix)
{
    const uint8_t *patch[IFL_CANDIDATES];
    uint32_t d2[IFL_CANDIDATES];
    int chosen[IFL_CANDIDATES];
    const uint8_t *best = d->best + (ptrdiff_t)place * IFL_CANDIDATES;
    for (int i = 0; i < IFL_CANDIDATES; i++)
        patch[i] = frame_patch(d, best[i], at);
    ifl_patch_distances(d->rounded + at, patch, IFL_CANDIDATES, d->grid->stride_samples,
                        d->grid->rows, d2);
    for (int i = 0; i < IFL_CANDIDATES; i++)
        if (best[i] == d->home[place])
            favour(d, &d2[i]);
    weigh_softmax(d, d2, IFL_CANDIDATES, mix, chosen);
    for (int i = 0; i < mix->count; i++)
        mix->patch[i] = patch[chosen[i]];
}

// Patches of one place that may be used at this k, grouped by event.
struct group {
    uint16_t event;
    double log_mass; // of all its patches
    int first, count;
};

static void mix_plate(const struct denoiser *d, ptrdiff_t at, struct mix *mix)
{
    mix->patch[0] = d->memory->profile->plate[d->level] + at;
    mix->weight[0] = IFL_PATCH_ONE - 1;
    mix->count = 1;
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

static void denoise_place(struct denoiser *d, int across, int down)
{
    const struct ifl_grid *grid = d->grid;
    ptrdiff_t at = (ptrdiff_t)grid->y[down] * grid->stride_samples + grid->x[across] * 3;
    struct mix mix;
    int place = down * grid->across + across;
    if (d->config->support)
        mix_supported(d, place, at, &mix);
    else if (d->level == 0)
        mix_all(d, place, at, &mix);
    else
        mix_candidates(d, place, at, &mix);
    ifl_patch_blend(mix.patch, mix.weight, mix.count, grid->window_x + across * IFL_PATCH_SAMPLES,
                    grid->window_y + down * grid->rows, grid->stride_samples, grid->rows,
                    d->sum + at);
}

static void denoise_level(struct denoiser *d)
{
    const struct ifl_grid *grid = d->grid;
    int samples = grid->stride_samples * grid->height;
    int candidates = d->level == 0 ? d->memory->frames : IFL_CANDIDATES;
    d->prior = LAYOUT_PRIOR + ifl_exact_log(candidates);
    ifl_pixel_kernels()->round(d->x, samples, d->rounded);
    for (int s = 0; s < grid->steps; s++) {
        d->sigma = grid->sigma[s];
        d->last_step = s + 1 == grid->steps;
        if (d->level == 0 && !d->config->support)
            measure_all(d);
        memset(d->sum, 0, (size_t)samples * sizeof *d->sum);
        for (int down = 0; down < grid->down; down++)
            for (int across = 0; across < grid->across; across++)
                denoise_place(d, across, down);
        double keep = s + 1 < grid->steps ? grid->sigma[s + 1] / grid->sigma[s] : 0;
        ifl_patch_step(d->sum, (int16_t)(keep * IFL_PATCH_ONE), d->x, d->rounded, samples);
    }
}

static void add_noise(struct denoiser *d)
{
    struct ifl_rng rng;
    ifl_rng_split(&rng, d->config->seed, NOISE_STREAM + (uint64_t)d->level);
    int sigma = (int)lround(d->grid->sigma[0] * (1 << IFL_PATCH_FRACTION));
    int samples = d->grid->stride_samples * d->grid->height;
    for (int i = 0; i < samples; i += 5) {
        uint64_t bits = ifl_rng_next(&rng);
        for (int j = i; j < i + 5 && j < samples; j++, bits >>= 12)
            d->x[j] = (int16_t)(d->x[j] +
                                ((d->memory->noise[bits & (IFL_NOISE_DRAWS - 1)] * sigma) >> 12));
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

// x += sign * the layout at the level at hand.
static void add_layout(struct denoiser *d, int sign)
{
    ifl_pixel_kernels()->add_picture(d->sketch[d->level], sign,
                                     d->grid->stride_samples * d->grid->height, d->x);
}

static int clamp(int value, int least, int greatest)
{
    return value < least ? least : value > greatest ? greatest : value;
}

static void enlarge_picture(struct denoiser *d, const struct ifl_grid *coarse)
{
    for (int y = 0; y < d->grid->height; y++) {
        int a = y / 2, b = clamp(y % 2 ? a + 1 : a - 1, 0, coarse->height - 1);
        ifl_pixel_kernels()->enlarge(d->coarse + a * coarse->stride_samples,
                                     d->coarse + b * coarse->stride_samples, coarse->width,
                                     d->scratch, d->x + y * d->grid->stride_samples);
    }
}

// The place of the coarser grid whose patch has its centre nearest to `centre` (of the fine one).
static int nearest_place(const int *position, int count, int patch, int centre)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (abs(2 * position[i] + patch - centre) < abs(2 * position[best] + patch - centre))
            best = i;
    return best;
}

static void inherit_candidates(struct denoiser *d, const struct ifl_grid *coarse)
{
    int from_across[IFL_FRAME_SIDE_MAX / 8];
    for (int across = 0; across < d->grid->across; across++)
        from_across[across] = nearest_place(coarse->x, coarse->across, IFL_PATCH_PIXELS,
                                            d->grid->x[across] + IFL_PATCH_PIXELS / 2);
    for (int down = 0; down < d->grid->down; down++) {
        int from_down = nearest_place(coarse->y, coarse->down, coarse->rows,
                                      d->grid->y[down] + d->grid->rows / 2);
        uint8_t *to = d->best + (ptrdiff_t)down * d->grid->across * IFL_CANDIDATES;
        const uint8_t *from =
            d->coarse_best + (ptrdiff_t)from_down * coarse->across * IFL_CANDIDATES;
        for (int across = 0; across < d->grid->across; across++)
            memcpy(to + (ptrdiff_t)across * IFL_CANDIDATES,
                   from + (ptrdiff_t)from_across[across] * IFL_CANDIDATES, IFL_CANDIDATES);
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

// Finds the homes, and makes sure that they are among the candidates.
static void add_homes(struct denoiser *d)
{
    for (int down = 0; down < d->grid->down; down++)
        for (int across = 0; across < d->grid->across; across++) {
            int place = down * d->grid->across + across;
            uint8_t *best = d->best + (ptrdiff_t)place * IFL_CANDIDATES;
            uint16_t home = find_home(d, across, down);
            d->home[place] = home;
            if (home != IFL_LAYOUT_PLATE && !memchr(best, home, IFL_CANDIDATES))
                best[IFL_CANDIDATES - 1] = (uint8_t)home;
        }
}

// x = layout + enlarged (coarse x - coarse layout): the layout's own detail comes back where the
// coarser level kept the layout, and only what that level changed is enlarged.
static void next_level(struct denoiser *d)
{
    const struct ifl_grid *coarse = d->grid;
    add_layout(d, -1);
    int16_t *x = d->x;
    uint8_t *best = d->best;
    d->x = d->coarse;
    d->coarse = x;
    d->best = d->coarse_best;
    d->coarse_best = best;
    d->level++;
    d->grid = &d->memory->grid[d->level];
    enlarge_picture(d, coarse);
    add_layout(d, 1);
    inherit_candidates(d, coarse);
    add_homes(d);
}

// What measuring the coarsest level or enlarging a row takes, in values.
static size_t scratch_values(const struct denoiser *d)
{
    const struct ifl_grid *least = &d->memory->grid[0];
    size_t pixels = (size_t)(least->width * least->height);
    size_t measure = 4 * pixels + (size_t)((least->rows + 6) * least->width);
    size_t row = (size_t)d->memory->grid[d->config->level].stride_samples + 6;
    return measure > row ? measure : row;
}

static bool allocate(struct denoiser *d)
{
    const struct ifl_grid *least = &d->memory->grid[0];
    size_t samples = 0, places = 0;
    for (int l = 0; l <= d->config->level; l++) {
        const struct ifl_grid *grid = &d->memory->grid[l];
        size_t s = (size_t)(grid->stride_samples * grid->height);
        size_t p = (size_t)(grid->across * grid->down);
        samples = s > samples ? s : samples;
        places = p > places ? p : places;
    }
    d->x = calloc(samples, sizeof *d->x);
    d->coarse = calloc(samples, sizeof *d->coarse);
    d->rounded = calloc(samples, sizeof *d->rounded);
    d->sum = calloc(samples, sizeof *d->sum);
    d->best = calloc(places, IFL_CANDIDATES);
    d->coarse_best = calloc(places, IFL_CANDIDATES);
    d->home = calloc(places, sizeof *d->home);
    d->scratch = malloc(scratch_values(d) * sizeof *d->scratch);
    d->all_d2 = malloc((size_t)(least->across * least->down) * (size_t)(d->memory->frames + 1) *
                       sizeof *d->all_d2);
    bool sketched = true;
    for (int l = 0; l < d->memory->levels; l++) {
        const struct ifl_grid *grid = &d->memory->grid[l];
        d->sketch[l] = malloc((size_t)(grid->stride_samples * grid->height));
        sketched = sketched && d->sketch[l];
    }
    return sketched && d->scratch && d->all_d2 && d->home && d->x && d->coarse && d->rounded &&
           d->sum && d->best && d->coarse_best;
}

static void release(struct denoiser *d)
{
    free(d->x);
    free(d->coarse);
    free(d->rounded);
    free(d->sum);
    free(d->best);
    free(d->coarse_best);
    free(d->home);
    free(d->scratch);
    free(d->all_d2);
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        free(d->sketch[l]);
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
    add_layout(&d, 1); // x was 0
    add_noise(&d);
    denoise_level(&d);
    while (d.level < config->level) {
        next_level(&d);
        add_noise(&d);
        denoise_level(&d);
    }
    ifl_pixel_kernels()->clamp(d.rounded, d.grid->stride_samples * d.grid->height, picture);
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
