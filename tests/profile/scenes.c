// SPDX-License-Identifier: Apache-2.0
#include "scenes.h"

#include "base/hash.h"
#include "kernels/picture.h"
#include "support.h"

static uint8_t clamp(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

static int hashed(uint64_t seed, int x, int y, int range)
{
    uint64_t key = seed * 0x9e3779b97f4a7c15u + (uint64_t)(y * 20011 + x);
    return (int)(ifl_hash_mix(key) % (uint64_t)(2 * range + 1)) - range;
}

// The waves of one plane's ground, by column and by row.
struct waves {
    double column[1700], row[1700];
};

static void make_waves(struct waves *waves, int which, int plane, int step, int width, int height)
{
    for (int x = 0; x < width; x++) {
        double at = x * step + 37.0 * which;
        waves->column[x] = plane ? sin((at + 50 * plane) / 60) : sin(at / 31);
    }
    for (int y = 0; y < height; y++) {
        double at = y * step + 23.0 * which;
        waves->row[y] = plane ? cos(at / 45) : cos(at / 23);
    }
}

static double ground(const struct waves *waves, int which, int plane, int x, int y)
{
    if (which < 0)
        return plane == 0 ? 120 : 128;
    double wave = waves->column[x] * waves->row[y];
    return plane ? 128 + 14 * wave
                 : 110 + 35 * wave + hashed((uint64_t)which + 7, x / 3, y / 3, 14);
}

// In full-size coordinates. NULL: no object is there.
static const struct object *object_at(const struct scene_view *view, int x, int y)
{
    for (int i = view->objects - 1; i >= 0; i--) {
        const struct object *o = &view->object[i];
        if (x >= o->x && y >= o->y && x < o->x + o->width && y < o->y + o->height)
            return o;
    }
    return NULL;
}

double scene_part_gain(const struct part_light *part, double share)
{
    if (part->gain <= 0 || share >= part->to)
        return 1;
    double along = share <= part->from ? 0 : (share - part->from) / (part->to - part->from);
    return part->gain + (1 - part->gain) * along;
}

static void draw_plane(const struct scene_view *view, int p, uint8_t *plane, int stride, int width,
                       int height)
{
    double gain[1700];
    for (int x = 0; x < width; x++)
        gain[x] =
            (view->gain > 0 ? view->gain : 1) * scene_part_gain(&view->part, (x + .5) / width);
    int step = p ? 2 : 1;
    struct waves waves;
    make_waves(&waves, view->ground, p, step, width, height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const struct object *o = object_at(view, x * step, y * step);
            double value = ground(&waves, view->ground, p, x, y);
            if (o)
                value = o->colour[p] + (p == 0 ? ((y - o->y) / 8 % 2) * 6 : 0);
            value = p ? 128 + (value - 128) * gain[x] : value * gain[x];
            value += hashed(view->seed * 3 + (uint64_t)p, x, y, view->noise);
            plane[y * stride + x] = clamp(value);
        }
}

struct ifl_frame *scene_frame(const struct scene_view *view)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, view->width, view->height);
    assert_non_null(frame);
    frame->range = IFL_RANGE_FULL;
    frame->matrix = IFL_MATRIX_BT601;
    frame->sequence = frame->media_index = view->number;
    frame->loop = view->loop;
    frame->capture_wall_ns = 1700000000000000000 + (int64_t)view->number * 100000000;
    strcpy(frame->source, "scene");
    for (int p = 0; p < 3; p++) {
        int width, height;
        ifl_plane_size(frame->format, view->width, view->height, p, &width, &height);
        draw_plane(view, p, (uint8_t *)frame->plane[p], frame->stride[p], width, height);
    }
    return frame;
}

void scene_feed(struct ifl_profiler *profiler, const struct scene_view *view)
{
    struct ifl_error error = {0};
    struct ifl_frame *frame = scene_frame(view);
    check_ok(ifl_profiler_update(profiler, frame, &error), error);
    ifl_frame_unref(frame);
}

struct ifl_profiler *scene_profiler(int base_area, int memory_frames, int window_frames)
{
    struct ifl_error error = {0};
    struct ifl_profiler_config config;
    struct ifl_profiler *profiler;
    ifl_profiler_config_init(&config);
    config.source = "scene";
    config.base_area = base_area;
    config.memory_frames = memory_frames;
    config.window_frames = window_frames;
    check_ok(ifl_profiler_create(&config, &profiler, &error), error);
    return profiler;
}

struct ifl_profile *scene_snapshot(struct ifl_profiler *profiler)
{
    struct ifl_error error = {0};
    struct ifl_profile *profile;
    check_ok(ifl_profiler_snapshot(profiler, &profile, &error), error);
    return profile;
}

void scene_plate_error(const struct ifl_profile *profile, struct scene_view view, double *mean,
                       int *most)
{
    int base = profile->levels - 1;
    int width = profile->level_width[base], height = profile->level_height[base];
    size_t values = 3 * (size_t)width * (size_t)height;
    uint8_t *planes = malloc(values), *truth = malloc(values);
    view.objects = view.noise = 0;
    struct ifl_frame *frame = scene_frame(&view);
    ifl_picture_scale(frame, width, height, planes, truth);
    ifl_frame_unref(frame);
    int64_t sum = 0;
    *most = 0;
    for (size_t i = 0; i < values; i++) {
        int error = abs(truth[i] - profile->plate[base][i]);
        sum += error;
        *most = error > *most ? error : *most;
    }
    *mean = (double)sum / (double)values;
    free(planes);
    free(truth);
}

const struct ifl_memory_frame *scene_memory(const struct ifl_profile *profile, uint64_t number)
{
    for (int i = 0; i < profile->memory_frames; i++)
        if (profile->memory[i]->media_index == number)
            return profile->memory[i];
    return NULL;
}
