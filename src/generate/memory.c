// SPDX-License-Identifier: Apache-2.0
#include "generate/memory.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "core/profile.h"
#include "generate/shadow.h"
#include "kernels/pixels.h"

#define STAGE "generate"

enum { COARSE_ROWS = 12, FINE_ROWS = 8, GRAIN_FRAMES = 8 };

// Noise levels, by level of the pyramid; patches of the coarsest one are higher, and denser.
struct schedule {
    int rows, stride, steps;
    double sigma[IFL_STEPS_MAX];
};
static const struct schedule schedules[IFL_LEVELS_MAX] = {
    {COARSE_ROWS, 2, 6, {35, 24.60, 17.29, 12.15, 8.54, 6}},
    {FINE_ROWS, 4, 3, {20, 8.9, 4}},
    {FINE_ROWS, 4, 3, {14, 6.5, 3}},
    {FINE_ROWS, 4, 2, {10, 3}},
    {FINE_ROWS, 4, 2, {8, 3}},
    {FINE_ROWS, 4, 2, {8, 3}},
};

static int places(int size, int patch, int stride)
{
    return (size - patch + stride - 1) / stride + 1;
}

// Positions along one axis and their windows, `repeat` equal samples a pixel.
static void lay_axis(int size, int patch, int stride, int repeat, int *position, int16_t *window)
{
    double shape[COARSE_ROWS], norm[IFL_FRAME_SIDE_MAX / 8]; // sizes are checked before
    int count = places(size, patch, stride);
    for (int d = 0; d < patch; d++) {
        double s = sin(3.14159265358979323846 * (d + 0.5) / patch);
        shape[d] = 0.02 + s * s;
    }
    for (int i = 0; i < size; i++)
        norm[i] = 0;
    for (int i = 0; i < count; i++) {
        position[i] = i * stride < size - patch ? i * stride : size - patch;
        for (int d = 0; d < patch; d++)
            norm[position[i] + d] += shape[d];
    }
    for (int i = 0; i < count; i++)
        for (int d = 0; d < patch * repeat; d++)
            window[i * patch * repeat + d] = (int16_t)lround(
                (IFL_PATCH_ONE - 1) * shape[d / repeat] / norm[position[i] + d / repeat]);
}

static bool make_grid(struct ifl_grid *grid, int level, int width, int height)
{
    const struct schedule *schedule = &schedules[level];
    grid->width = width;
    grid->height = height;
    grid->stride_samples = width * 3;
    grid->rows = schedule->rows < height ? schedule->rows : height;
    grid->across = places(width, IFL_PATCH_PIXELS, schedule->stride);
    grid->down = places(height, grid->rows, schedule->stride);
    grid->steps = schedule->steps;
    for (int i = 0; i < grid->steps; i++)
        grid->sigma[i] = schedule->sigma[i];
    grid->x = malloc((size_t)grid->across * sizeof *grid->x);
    grid->y = malloc((size_t)grid->down * sizeof *grid->y);
    grid->root_x = malloc((size_t)grid->across * sizeof *grid->root_x);
    grid->root_y = malloc((size_t)grid->down * sizeof *grid->root_y);
    grid->window_x = malloc((size_t)grid->across * IFL_PATCH_SAMPLES * sizeof *grid->window_x);
    grid->window_y = malloc((size_t)(grid->down * grid->rows) * sizeof *grid->window_y);
    if (!grid->x || !grid->y || !grid->root_x || !grid->root_y || !grid->window_x ||
        !grid->window_y)
        return false;
    lay_axis(width, IFL_PATCH_PIXELS, schedule->stride, 3, grid->x, grid->window_x);
    lay_axis(height, grid->rows, schedule->stride, 1, grid->y, grid->window_y);
    return true;
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

static void find_roots(struct ifl_grid *grid, const struct ifl_grid *coarse)
{
    for (int i = 0; i < grid->across; i++)
        grid->root_x[i] =
            coarse ? coarse->root_x[nearest_place(coarse->x, coarse->across, IFL_PATCH_PIXELS,
                                                  grid->x[i] + IFL_PATCH_PIXELS / 2)]
                   : i;
    for (int i = 0; i < grid->down; i++)
        grid->root_y[i] = coarse
                              ? coarse->root_y[nearest_place(coarse->y, coarse->down, coarse->rows,
                                                             grid->y[i] + grid->rows / 2)]
                              : i;
}

static void draw_noise(struct ifl_memory *memory)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, 0x6e6f697365);
    for (int i = 0; i < IFL_NOISE_DRAWS; i += 2) { // pairs of opposite sign: the mean is 0
        double z = fmin(fmax(ifl_rng_normal(&rng), -4.5), 4.5);
        memory->noise[i] = (int16_t)lround(z * 4096);
        memory->noise[i + 1] = (int16_t)-memory->noise[i];
    }
}

static int luma(const uint8_t *p)
{
    return 299 * p[0] + 587 * p[1] + 114 * p[2];
}

static int change(const uint8_t *frame, const uint8_t *plate, ptrdiff_t at)
{
    return luma(frame + at) - luma(plate + at);
}

// Grain of one frame: the Laplacian of white noise of sigma s has variance 20 s^2, and the plate's
// own texture is taken out first. Pixels beside foreground and outliers are left out.
static double frame_grain(const struct ifl_memory *memory, int f)
{
    int level = ifl_base_level(memory), width = memory->grid[level].width;
    const struct ifl_memory_frame *frame = memory->profile->memory[f];
    const uint8_t *picture = frame->level[level], *plate = memory->profile->plate[level];
    double sum = 0;
    int64_t count = 0;
    ptrdiff_t row = width * 3;
    for (int y = 1; y < memory->grid[level].height - 1; y++)
        for (int x = 1; x < width - 1; x++) {
            const uint8_t *label = frame->label + y * width + x;
            if (label[0] | label[-1] | label[1] | label[-width] | label[width])
                continue;
            ptrdiff_t at = y * row + x * 3;
            double v = (change(picture, plate, at - 3) + change(picture, plate, at + 3) +
                        change(picture, plate, at - row) + change(picture, plate, at + row) -
                        4 * change(picture, plate, at)) /
                       1000.0;
            if (fabs(v) > 30)
                continue;
            sum += v * v;
            count++;
        }
    return count ? sqrt(sum / (double)count / 20) : 0;
}

static double measure_grain(const struct ifl_memory *memory)
{
    double sum = 0;
    for (int i = 0; i < GRAIN_FRAMES; i++)
        sum += frame_grain(memory, i * memory->frames / GRAIN_FRAMES);
    return fmin(sum / GRAIN_FRAMES, 6);
}

// How full each frame is against the others: mean 0, deviation 1 (all 0 where they are alike).
static void measure_crowds(struct ifl_memory *memory)
{
    double mean = 0, square = 0;
    for (int f = 0; f < memory->frames; f++) {
        double area = 0;
        struct ifl_component component;
        for (int i = 0; i < memory->profile->memory[f]->components; i++)
            if (ifl_memory_component(memory, f, i, &component))
                area += fmax(component.area, 0);
        memory->crowd[f] = area;
        mean += memory->weight[f] * area;
        square += memory->weight[f] * area * area;
    }
    double deviation = sqrt(fmax(square - mean * mean, 0));
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    double pixels = (double)base->width * base->height;
    memory->crowd_mean = mean / pixels;
    memory->crowd_deviation = deviation / pixels;
    for (int f = 0; f < memory->frames; f++)
        memory->crowd[f] = deviation > 0 ? (memory->crowd[f] - mean) / deviation : 0;
}

static enum ifl_result check_levels(const struct ifl_profile *profile, struct ifl_error *error)
{
    if (profile->levels < 1 || profile->levels > IFL_LEVELS_MAX)
        return ifl_fail(error, IFL_ERR_NOT_READY, STAGE,
                        "the profile of '%.40s' has no frame memory; profile the source again",
                        profile->source);
    for (int l = 0; l < profile->levels; l++) {
        int width = profile->level_width[l], height = profile->level_height[l];
        if (width < IFL_PATCH_PIXELS || height < IFL_PATCH_PIXELS ||
            width > IFL_FRAME_SIDE_MAX / 8 || height > IFL_FRAME_SIDE_MAX / 8 ||
            width != profile->level_width[0] << l || height != profile->level_height[0] << l)
            return ifl_fail(error, IFL_ERR_UNSUPPORTED, STAGE,
                            "level %d of the profile is %dx%d; levels must be at least 8x8 and "
                            "double from one to the next: profile the source again",
                            l, width, height);
        if (!profile->plate[l])
            return ifl_fail(error, IFL_ERR_NOT_READY, STAGE,
                            "the profile has no background plate yet; wait for more frames");
    }
    return IFL_OK;
}

static enum ifl_result check_frames(const struct ifl_profile *profile, struct ifl_error *error)
{
    int frames = profile->memory_frames;
    if (frames < IFL_MEMORY_MIN)
        return ifl_fail(error, IFL_ERR_NOT_READY, STAGE,
                        "%d frames seen, %d needed: wait, or give a longer clip", frames,
                        IFL_MEMORY_MIN);
    if (frames > IFL_MEMORY_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, STAGE,
                        "the profile holds %d frames; at most %d are supported", frames,
                        IFL_MEMORY_MAX);
    for (int f = 0; f < frames; f++) {
        const struct ifl_memory_frame *frame = profile->memory[f];
        bool whole = frame && frame->label && (frame->component || frame->components == 0) &&
                     frame->components >= 0 && frame->components <= IFL_COMPONENTS_MAX;
        for (int l = 0; whole && l < profile->levels; l++)
            whole = frame->level[l] != NULL;
        if (!whole)
            return ifl_fail(error, IFL_ERR_CORRUPT, STAGE,
                            "memory frame %d of the profile is incomplete; profile the source "
                            "again",
                            f);
    }
    return IFL_OK;
}

static bool split_frames(struct ifl_memory *memory)
{
    int pixels = memory->grid[0].width * memory->grid[0].height;
    memory->planes = malloc((size_t)memory->frames * 3 * (size_t)pixels);
    for (int f = 0; memory->planes && f < memory->frames; f++)
        ifl_pixel_kernels()->split(memory->profile->memory[f]->level[0], pixels,
                                   memory->planes + (ptrdiff_t)f * 3 * pixels);
    return memory->planes != NULL;
}

static bool measure_ground(struct ifl_memory *memory)
{
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    const struct ifl_grid *blocks = &memory->grid[ifl_shadow_level(memory)];
    memory->unrest = malloc((size_t)base->width * (size_t)base->height);
    memory->shadow_noise = malloc((size_t)blocks->width * (size_t)blocks->height);
    memory->usual_height = ifl_outline_usual_heights(memory);
    if (!memory->unrest || !memory->shadow_noise || !memory->usual_height)
        return false;
    ifl_outline_unrest(memory, memory->unrest);
    ifl_shadow_noise(memory, memory->shadow_noise);
    return true;
}

static bool derive(struct ifl_memory *memory)
{
    const struct ifl_profile *profile = memory->profile;
    for (int l = 0; l < memory->levels; l++) {
        if (!make_grid(&memory->grid[l], l, profile->level_width[l], profile->level_height[l]))
            return false;
        find_roots(&memory->grid[l], l > 0 ? &memory->grid[l - 1] : NULL);
    }
    memory->outline = calloc((size_t)memory->frames, sizeof *memory->outline);
    if (!memory->outline || !split_frames(memory) || !measure_ground(memory))
        return false;
    draw_noise(memory);
    memory->grain_sigma = measure_grain(memory);
    ifl_profile_weights(profile, memory->weight);
    measure_crowds(memory);
    return true;
}

enum ifl_result ifl_memory_create(const struct ifl_profile *profile, struct ifl_memory **out,
                                  struct ifl_error *error)
{
    enum ifl_result result = check_levels(profile, error);
    if (result == IFL_OK)
        result = check_frames(profile, error);
    if (result != IFL_OK)
        return result;
    struct ifl_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory for the engine");
    memory->profile = ifl_profile_ref(profile);
    memory->frames = profile->memory_frames;
    memory->levels = profile->levels;
    if (!derive(memory)) {
        ifl_memory_destroy(memory);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, STAGE, "no memory for the engine");
    }
    *out = memory;
    return IFL_OK;
}

void ifl_memory_destroy(struct ifl_memory *memory)
{
    if (!memory)
        return;
    for (int l = 0; l < memory->levels; l++) {
        free(memory->grid[l].x);
        free(memory->grid[l].y);
        free(memory->grid[l].root_x);
        free(memory->grid[l].root_y);
        free(memory->grid[l].window_x);
        free(memory->grid[l].window_y);
    }
    for (int f = 0; memory->outline && f < memory->frames; f++)
        free(memory->outline[f]);
    free(memory->outline);
    free(memory->unrest);
    free(memory->shadow_noise);
    free(memory->usual_height);
    free(memory->planes);
    ifl_profile_unref(memory->profile);
    free(memory);
}

bool ifl_memory_component(const struct ifl_memory *memory, int f, int index,
                          struct ifl_component *component)
{
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    const struct ifl_component *raw = &memory->profile->memory[f]->component[index];
    // In 64 bits: a profile may come from a foreign file.
    int64_t left = raw->x > 0 ? raw->x : 0, top = raw->y > 0 ? raw->y : 0;
    int64_t right = (int64_t)raw->x + raw->width, bottom = (int64_t)raw->y + raw->height;
    right = right < base->width ? right : base->width;
    bottom = bottom < base->height ? bottom : base->height;
    if (left >= right || top >= bottom)
        return false;
    *component = *raw;
    component->x = (int)left;
    component->y = (int)top;
    component->width = (int)(right - left);
    component->height = (int)(bottom - top);
    return true;
}
