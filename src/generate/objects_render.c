// SPDX-License-Identifier: Apache-2.0
// Draws a figure on the canvas: scaled to its height, a little warped, with a contact shadow and
// the grain of the stream, behind what stands in front of it.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

enum { FINE = 2 }; // samples a pixel and axis

// A wave of period 1 and height 1, made of parabolas: the same bits on every machine.
static float wave(float turns)
{
    turns -= floorf(turns);
    float half = turns < 0.5f ? turns : turns - 0.5f;
    float arc = 16 * half * (0.5f - half);
    return turns < 0.5f ? arc : -arc;
}

struct warp {
    float phase[2], reach, stretch;
};

// A position between four canonical pixels.
struct spot {
    int at[4];
    float weight[4];
};

static struct spot find_spot(float x, float y)
{
    x = lesser(greater(x - 0.5f, 0), BOX - 1.001f);
    y = lesser(greater(y - 0.5f, 0), BOX - 1.001f);
    int ix = (int)x, iy = (int)y, at = iy * BOX + ix;
    float fx = x - (float)ix, fy = y - (float)iy;
    return (struct spot){{at, at + 1, at + BOX, at + BOX + 1},
                         {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy}};
}

static float distance_at(const struct ifl_figure *figure, const struct spot *spot)
{
    float distance = 0;
    for (int i = 0; i < 4; i++)
        distance += spot->weight[i] * figure->distance[spot->at[i]];
    return distance;
}

static void add_color(const struct ifl_figure *figure, const struct spot *spot, float alpha,
                      float color[CHANNELS])
{
    for (int c = 0; c < CHANNELS; c++) {
        float one = 0;
        for (int i = 0; i < 4; i++)
            one += spot->weight[i] * figure->color[spot->at[i]][c];
        color[c] += alpha * one;
    }
}

struct brush {
    const struct ifl_objects *objects;
    const struct ifl_figure *figure;
    const struct ifl_placement *placement;
    struct warp warp;
    float step; // canonical pixels per pixel of the picture
    uint8_t *canvas;
};

// The canonical position of a point of the picture; false: outside of the figure's box.
static bool canonical(const struct brush *brush, float px, float py, float *x, float *y)
{
    float dx = px - brush->placement->foot_x, dy = py - brush->placement->foot_y;
    *y = FOOT + dy * brush->step;
    *x = BOX / 2 + dx * brush->step * brush->warp.stretch;
    *x += brush->warp.reach * wave(*y / BOX + brush->warp.phase[0]);
    *y += brush->warp.reach * 0.5f * wave(*x / BOX + brush->warp.phase[1]);
    return !(*x < 1 || *y < 1 || *x > BOX - 1 || *y > BOX - 1);
}

// Far outside of the silhouette no part of a pixel is in it.
static bool is_far(const struct brush *brush, int px, int py)
{
    float x, y;
    canonical(brush, (float)px + 0.5f, (float)py + 0.5f, &x, &y);
    struct spot spot = find_spot(x, y);
    return distance_at(brush->figure, &spot) > 1 + 2 * brush->step;
}

static float paint_pixel(const struct brush *brush, int px, int py, float rgb[3])
{
    float alpha = 0, color[CHANNELS] = {0};
    if (is_far(brush, px, py))
        return 0;
    for (int sub = 0; sub < FINE * FINE; sub++) {
        float x, y;
        if (!canonical(brush, (float)px + ((float)(sub % FINE) + 0.5f) / FINE,
                       (float)py + ((float)(sub / FINE) + 0.5f) / FINE, &x, &y))
            continue;
        struct spot spot = find_spot(x, y);
        float distance = distance_at(brush->figure, &spot);
        float a = lesser(greater(0.5f - distance / greater(brush->step, 0.8f), 0), 1);
        if (a <= 0)
            continue;
        a /= FINE * FINE;
        alpha += a;
        add_color(brush->figure, &spot, a, color);
    }
    for (int c = 0; c < CHANNELS && alpha > 0; c++)
        color[c] /= alpha;
    ifl_color_to_rgb(color, rgb);
    return alpha;
}

static uint8_t *pixel_in_front(const struct brush *brush, int x, int y)
{
    size_t at = (size_t)y * (size_t)brush->objects->width + (size_t)x;
    if (brush->placement->foot_y < (float)brush->objects->front_foot[at])
        return NULL; // something of the background stands in front of the object here
    return brush->canvas + at * 3;
}

static void mix(uint8_t *pixel, const float rgb[3], float alpha, float grain)
{
    for (int c = 0; c < 3; c++) {
        float value = pixel[c] + alpha * (rgb[c] + grain - pixel[c]);
        pixel[c] = (uint8_t)lrintf(lesser(greater(value, 0), 255));
    }
}

// On the ground around the feet: what is seen of others' shadows, or else only the contact shadow.
static void draw_shadow(const struct brush *brush, const struct ifl_shading *shading)
{
    const struct ifl_placement *placement = brush->placement;
    float size = greater(placement->height, 9), across = size * (shading ? shading->side : 0.44f);
    float depth = size * (shading ? shading->depth : 0.15f);
    int x0 = (int)(placement->foot_x - across), x1 = (int)(placement->foot_x + across);
    int y0 = (int)(placement->foot_y - depth), y1 = (int)(placement->foot_y + depth);
    const float black[3] = {0, 0, 0};
    for (int y = y0 > 0 ? y0 : 0; y <= y1 && y < brush->objects->height; y++) {
        float down = ((float)y + 0.5f - placement->foot_y) / size;
        for (int x = x0 > 0 ? x0 : 0; x <= x1 && x < brush->objects->width; x++) {
            float along = ((float)x + 0.5f - placement->foot_x) / size;
            float dark =
                shading ? ifl_shade_at(shading, along, down) : ifl_shade_contact(along, down);
            uint8_t *pixel = dark > 0 ? pixel_in_front(brush, x, y) : NULL;
            if (pixel)
                mix(pixel, black, dark, 0);
        }
    }
}

static void draw_figure(const struct brush *brush, struct ifl_rng *rng)
{
    const struct ifl_placement *placement = brush->placement;
    float reach = placement->height * BOX / (2 * BODY) + 1;
    float above = placement->height * FOOT / BODY + 1;
    int x0 = (int)floorf(placement->foot_x - reach), x1 = (int)ceilf(placement->foot_x + reach);
    int y0 = (int)floorf(placement->foot_y - above), y1 = (int)ceilf(placement->foot_y) + 2;
    for (int y = y0 > 0 ? y0 : 0; y <= y1 && y < brush->objects->height; y++) {
        for (int x = x0 > 0 ? x0 : 0; x <= x1 && x < brush->objects->width; x++) {
            float rgb[3], alpha = paint_pixel(brush, x, y, rgb);
            uint8_t *pixel = alpha > 0 ? pixel_in_front(brush, x, y) : NULL;
            if (pixel)
                mix(pixel, rgb, alpha, brush->objects->grain * (float)ifl_rng_normal(rng));
        }
    }
}

void ifl_render(const struct ifl_objects *objects, const struct ifl_figure *figure,
                const struct ifl_shading *shading, const struct ifl_placement *placement,
                struct ifl_rng *rng, uint8_t *canvas)
{
    struct brush brush = {.objects = objects, .figure = figure, .placement = placement};
    brush.canvas = canvas;
    // The figure's longer side is BODY: upright ones by height, wide ones by width.
    brush.step = (FOOT - figure->line[0]) / placement->height;
    brush.warp.reach = 0.6f;
    for (int i = 0; i < 2; i++)
        brush.warp.phase[i] = (float)ifl_rng_uniform(rng);
    brush.warp.stretch = 0.96f + 0.08f * (float)ifl_rng_uniform(rng);
    draw_shadow(&brush, shading);
    draw_figure(&brush, rng);
}
