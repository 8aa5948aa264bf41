// SPDX-License-Identifier: Apache-2.0
// Draws the test pattern: a plate made once, objects on it, light and noise over all.
#include "source/pattern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "kernels/color.h"
#include "source/builtin.h"
#include "source/pattern_plan.h"

enum { NOISE_VALUES = 1 << 16, KEY_NOISE = 32 };

struct ifl_pattern_scene {
    struct ifl_pattern_config config;
    struct ifl_frame *plate; // nobody there, light 1, no noise
    int8_t *noise;           // NOISE_VALUES + a row
};

// Writable views of a frame that is still the maker's own.
static uint8_t *row_of(const struct ifl_frame *frame, int plane, int y)
{
    return (uint8_t *)(uintptr_t)frame->plane[plane] + (ptrdiff_t)frame->stride[plane] * y;
}

static double lattice(uint64_t seed, int x, int y)
{
    return ifl_pattern_uniform(seed, 77, (uint64_t)x, (uint64_t)y) - 0.5;
}

// Smooth noise in about -0.5..0.5, `cell` pixels wide.
static double smooth_noise(uint64_t seed, double x, double y, double cell)
{
    double gx = x / cell, gy = y / cell;
    int ix = (int)gx, iy = (int)gy;
    double fx = gx - ix, fy = gy - iy;
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    double top = lattice(seed, ix, iy) * (1 - fx) + lattice(seed, ix + 1, iy) * fx;
    double low = lattice(seed, ix, iy + 1) * (1 - fx) + lattice(seed, ix + 1, iy + 1) * fx;
    return top * (1 - fy) + low * fy;
}

static void wall_color(double x, double y, double rgb[3])
{
    static const double wall[3] = {150, 128, 110}, glass[3] = {70, 84, 98};
    double column = fmod(x * 14, 1), row = fmod(y * 11, 1);
    bool window = column > 0.3 && column < 0.75 && row > 0.25 && row < 0.8;
    memcpy(rgb, window ? glass : wall, sizeof wall);
}

static void ground_color(double x, double y, double rgb[3])
{
    static const double stone[3] = {128, 126, 120}, joint[3] = {98, 96, 92};
    double near = (y - 0.42) / 0.58; // 0 far .. 1 near
    double across = (x - 0.5) / (0.35 + 0.65 * near) * 9, along = 6 / (0.25 + near);
    bool line = fabs(across - round(across)) < 0.04 || fabs(along - round(along)) < 0.05;
    memcpy(rgb, line ? joint : stone, sizeof stone);
}

// x, y in 0..1.
static void scene_color(double x, double y, double rgb[3])
{
    static const double grass[3] = {88, 112, 66};
    if (y < 0.36)
        wall_color(x, y, rgb);
    else if (y < 0.42)
        memcpy(rgb, grass, sizeof grass);
    else
        ground_color(x, y, rgb);
}

static void plate_pixel(const struct ifl_pattern_config *config, int x, int y, uint8_t rgb[3])
{
    double color[3];
    double cell = config->height / 9.0;
    scene_color(x / (double)config->width, y / (double)config->height, color);
    double grain = 44 * smooth_noise(config->seed, x, y, cell) +
                   22 * smooth_noise(config->seed + 1, x, y, cell / 5 + 1) +
                   12 * smooth_noise(config->seed + 2, x, y, 2);
    for (int i = 0; i < 3; i++)
        rgb[i] = (uint8_t)fmax(0, fmin(255, color[i] + grain + 0.5));
}

static void to_ycc(const uint8_t rgb[3], uint8_t ycc[3])
{
    ifl_rgb_to_ycc(rgb, &ycc[0], &ycc[1], &ycc[2], 1);
}

static void draw_plate(const struct ifl_pattern_config *config, const struct ifl_frame *plate)
{
    for (int y = 0; y < config->height; y++)
        for (int x = 0; x < config->width; x++) {
            uint8_t rgb[3], ycc[3];
            plate_pixel(config, x, y, rgb);
            to_ycc(rgb, ycc);
            row_of(plate, 0, y)[x] = ycc[0];
            if (x % 2 || y % 2)
                continue;
            row_of(plate, 1, y / 2)[x / 2] = ycc[1];
            row_of(plate, 2, y / 2)[x / 2] = ycc[2];
        }
}

static void make_noise(struct ifl_pattern_scene *scene, int count)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, ifl_hash_mix(scene->config.seed + KEY_NOISE));
    for (int i = 0; i < count; i++) {
        double value = round(ifl_rng_normal(&rng) * scene->config.noise);
        scene->noise[i] = (int8_t)fmax(-127, fmin(127, value));
    }
}

enum ifl_result ifl_pattern_create(const struct ifl_pattern_config *config,
                                   struct ifl_pattern_scene **out, struct ifl_error *error)
{
    struct ifl_pattern_scene *scene = calloc(1, sizeof *scene);
    int noise = NOISE_VALUES + config->width;
    if (scene) {
        scene->config = *config;
        scene->plate = ifl_frame_create(IFL_PIXEL_YUV420P, config->width, config->height);
        scene->noise = malloc((size_t)noise);
    }
    if (!scene || !scene->plate || !scene->noise) {
        ifl_pattern_destroy(scene);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory for the test pattern");
    }
    draw_plate(config, scene->plate);
    make_noise(scene, noise);
    *out = scene;
    return IFL_OK;
}

void ifl_pattern_destroy(struct ifl_pattern_scene *scene)
{
    if (!scene)
        return;
    ifl_frame_unref(scene->plate);
    free(scene->noise);
    free(scene);
}

static void copy_plate(const struct ifl_frame *plate, const struct ifl_frame *frame)
{
    for (int i = 0; i < 3; i++) {
        int width, height;
        ifl_plane_size(IFL_PIXEL_YUV420P, plate->width, plate->height, i, &width, &height);
        for (int y = 0; y < height; y++)
            memcpy(row_of(frame, i, y), row_of(plate, i, y), (size_t)width);
    }
}

// ---- one object ----

struct brush {
    const struct pattern_place *place;
    uint8_t body[3], legs[3], skin[3], hair[3], dark[3]; // Y, Cb, Cr
    int texture, texture_size;
    double swing; // of the legs, -1..1
};

static void load_brush(const struct ifl_pattern_config *config, const struct pattern_place *place,
                       struct brush *brush)
{
    static const uint8_t dark[3] = {30, 28, 30};
    struct pattern_look look;
    ifl_pattern_look(config, place->identity, &look);
    brush->place = place;
    brush->swing = place->standing ? 0.15 : sin(place->stride);
    brush->texture = look.texture;
    brush->texture_size = look.texture_size;
    to_ycc(look.body, brush->body);
    to_ycc(look.legs, brush->legs);
    to_ycc(look.skin, brush->skin);
    to_ycc(look.hair, brush->hair);
    to_ycc(dark, brush->dark);
}

static bool in_ellipse(double u, double v, double radius_u, double radius_v)
{
    return u * u / (radius_u * radius_u) + v * v / (radius_v * radius_v) <= 1;
}

// Which colour covers (u, v), u in -0.5..0.5 and v in 0..1 from the top; NULL: none.
static const uint8_t *person_at(const struct brush *brush, double u, double v)
{
    if (v < 0.18)
        return !in_ellipse(u, v - 0.09, 0.21, 0.09) ? NULL : v < 0.06 ? brush->hair : brush->skin;
    if (v < 0.56) {
        bool torso = in_ellipse(u, v - 0.37, 0.37, 0.24);
        double arm = u - brush->swing * 0.25 * (v - 0.2);
        return torso || fabs(fabs(arm) - 0.34) < 0.07 ? brush->body : NULL;
    }
    double spread = 0.12 + 0.26 * brush->swing * (v - 0.56) / 0.44;
    if (fabs(u - spread) >= 0.12 && fabs(u + spread) >= 0.12)
        return NULL;
    return v > 0.95 ? brush->dark : brush->legs;
}

static const uint8_t *cart_at(const struct brush *brush, double u, double v)
{
    if (v > 0.74)
        return in_ellipse(fabs(u) - 0.3, (v - 0.86) * 0.6, 0.085, 0.085) ? brush->dark : NULL;
    if (v < 0.3)
        return fabs(u) < 0.27 ? brush->legs : NULL;
    return fabs(u) < 0.5 ? brush->body : NULL;
}

static const uint8_t *object_at(const struct brush *brush, double u, double v)
{
    return brush->place->cart ? cart_at(brush, u, v) : person_at(brush, u, v);
}

// Cloth: what is added to luma. Moves with the object.
static int cloth(const struct brush *brush, double u, double v)
{
    int across = (int)((u + 0.5) * 2 * brush->texture_size),
        down = (int)(v * 6 * brush->texture_size);
    int shade = (int)(-34 * (brush->place->leftwards ? u : -u));
    switch (brush->texture) {
    case 1:
        return shade + (down % 2 ? 28 : -12);
    case 2:
        return shade + (across % 2 ? 26 : -14);
    case 3:
        return shade + ((across + down) % 2 ? 24 : -16);
    case 4:
        return shade + (int)(ifl_hash_mix((uint64_t)(down * 64 + across)) % 48) - 24;
    default:
        return shade;
    }
}

static uint8_t clamp8(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void box_of(const struct pattern_place *place, int width, int height, int box[4], bool *cut)
{
    int left = (int)floor(place->center - place->width / 2 + 0.5);
    int right = (int)floor(place->center + place->width / 2 + 0.5);
    int top = (int)floor(place->foot - place->height + 0.5), low = (int)floor(place->foot + 0.5);
    *cut = left < 0 || right > width || top < 0 || low > height;
    box[0] = left < 0 ? 0 : left;
    box[1] = top < 0 ? 0 : top;
    box[2] = right > width ? width : right;
    box[3] = low > height ? height : low;
}

static void draw_object(const struct brush *brush, const struct ifl_frame *frame)
{
    const struct pattern_place *place = brush->place;
    int box[4];
    bool cut;
    box_of(place, frame->width, frame->height, box, &cut);
    for (int y = box[1]; y < box[3]; y++)
        for (int x = box[0]; x < box[2]; x++) {
            double u = (x + 0.5 - place->center) / place->width;
            double v = (y + 0.5 - (place->foot - place->height)) / place->height;
            const uint8_t *color = object_at(brush, u, v);
            if (!color)
                continue;
            bool plain = color != brush->body && color != brush->legs;
            row_of(frame, 0, y)[x] = clamp8(color[0] + (plain ? 0 : cloth(brush, u, v)));
            row_of(frame, 1, y / 2)[x / 2] = color[1];
            row_of(frame, 2, y / 2)[x / 2] = color[2];
        }
}

// A soft shadow at its feet, thrown to the right.
static void draw_shadow(const struct pattern_place *place, const struct ifl_frame *frame)
{
    double radius_x = place->width * 0.75, radius_y = place->height * 0.05 + 1;
    double center = place->center + place->width * 0.25;
    int top = (int)fmax(0, place->foot - radius_y);
    int low = (int)fmin(frame->height - 1, place->foot + radius_y);
    int left = (int)fmax(0, center - radius_x);
    int right = (int)fmin(frame->width - 1, center + radius_x);
    for (int y = top; y <= low; y++)
        for (int x = left; x <= right; x++) {
            double u = (x - center) / radius_x, v = (y - place->foot) / radius_y;
            double deep = 1 - u * u - v * v;
            if (deep > 0)
                row_of(frame, 0, y)[x] = (uint8_t)(row_of(frame, 0, y)[x] * (1 - 0.3 * deep));
        }
}

// ---- light and noise ----

static double light_gain(const struct ifl_pattern_config *config, uint64_t index)
{
    double seconds = (double)index / config->rate, turn = 2 * 3.14159265358979323846;
    return 1 + config->light * (0.15 * sin(turn * seconds / 120) + 0.05 * sin(turn * seconds / 37));
}

static void shade_plane(const struct ifl_frame *frame, int plane, double gain, int zero)
{
    uint8_t table[256];
    for (int i = 0; i < 256; i++)
        table[i] = clamp8((int)floor((i - zero) * gain + zero + 0.5));
    int width, height;
    ifl_plane_size(IFL_PIXEL_YUV420P, frame->width, frame->height, plane, &width, &height);
    for (int y = 0; y < height; y++) {
        uint8_t *row = row_of(frame, plane, y);
        for (int x = 0; x < width; x++)
            row[x] = table[row[x]];
    }
}

static void add_noise(const struct ifl_pattern_scene *scene, uint64_t index,
                      const struct ifl_frame *frame)
{
    for (int y = 0; y < frame->height; y++) {
        uint64_t at = ifl_pattern_hash(scene->config.seed, KEY_NOISE, index, (uint64_t)y);
        const int8_t *noise = scene->noise + at % NOISE_VALUES;
        uint8_t *row = row_of(frame, 0, y);
        for (int x = 0; x < frame->width; x++)
            row[x] = clamp8(row[x] + noise[x]);
    }
}

static void draw_air(const struct ifl_pattern_scene *scene, uint64_t index,
                     const struct ifl_frame *frame)
{
    double gain = light_gain(&scene->config, index);
    shade_plane(frame, 0, gain, 0);
    shade_plane(frame, 1, gain, 128);
    shade_plane(frame, 2, gain, 128);
    if (scene->config.noise > 0)
        add_noise(scene, index, frame);
}

void ifl_pattern_draw(struct ifl_pattern_scene *scene, uint64_t index, struct ifl_frame *frame)
{
    struct pattern_place places[IFL_PATTERN_OBJECTS_MAX];
    int count = ifl_pattern_plan(&scene->config, index, places);
    copy_plate(scene->plate, frame);
    for (int i = 0; i < count; i++)
        draw_shadow(&places[i], frame);
    for (int i = 0; i < count; i++) {
        struct brush brush;
        load_brush(&scene->config, &places[i], &brush);
        draw_object(&brush, frame);
    }
    draw_air(scene, index, frame);
}

void ifl_pattern_draw_empty(struct ifl_pattern_scene *scene, uint64_t index,
                            struct ifl_frame *frame)
{
    copy_plate(scene->plate, frame);
    draw_air(scene, index, frame);
}

int ifl_pattern_truth(const struct ifl_pattern_config *config, uint64_t index,
                      struct ifl_pattern_object objects[IFL_PATTERN_OBJECTS_MAX])
{
    struct pattern_place places[IFL_PATTERN_OBJECTS_MAX];
    int planned = ifl_pattern_plan(config, index, places), count = 0;
    for (int i = 0; i < planned; i++) {
        int box[4];
        bool cut;
        box_of(&places[i], config->width, config->height, box, &cut);
        if (box[2] <= box[0] || box[3] <= box[1])
            continue;
        struct pattern_look look;
        ifl_pattern_look(config, places[i].identity, &look);
        objects[count++] = (struct ifl_pattern_object){
            .id = places[i].id,
            .identity = places[i].identity,
            .x = box[0],
            .y = box[1],
            .width = box[2] - box[0],
            .height = box[3] - box[1],
            .cut = cut,
            .standing = places[i].standing,
            .red = look.body[0],
            .green = look.body[1],
            .blue = look.body[2],
        };
    }
    return count;
}
