// SPDX-License-Identifier: Apache-2.0
// The texture of a new object: what its participants have beside the mean colours of their parts,
// brought into the new shape and averaged. How bright and dark it really is there says
// objects_tone.c.
#include <math.h>
#include <string.h>

#include "generate/objects_internal.h"

void ifl_part_weights(const float line[PARTS + 1], int row, float weight[PARTS])
{
    float y = (float)row + 0.5f, rest = 1;
    for (int p = 0; p < PARTS - 1; p++) {
        float into = lesser(greater((y - line[p + 1]) / 1.5f + 0.5f, 0), 1);
        weight[p] = rest * (1 - into);
        rest *= into;
    }
    weight[PARTS - 1] = rest;
}

float ifl_map_row(const float from[PARTS + 1], const float to[PARTS + 1], float y)
{
    int p = 0;
    while (p < PARTS - 1 && y >= from[p + 1])
        p++;
    float length = greater(from[p + 1] - from[p], 0.5f);
    return to[p] + (y - from[p]) * (to[p + 1] - to[p]) / length;
}

struct row_map {
    float y;             // row of the crop
    float left, right;   // extent there
    float weight[PARTS]; // parts of the crop there
};

static struct row_map make_row_map(const struct ifl_figure *figure, const struct ifl_crop *crop,
                                   bool mirrored, int row)
{
    struct row_map map;
    map.y = ifl_map_row(figure->line, crop->line, (float)row + 0.5f);
    int at = (int)lesser(greater(map.y, 0), BOX - 1);
    map.left = mirrored ? BOX - crop->right[at] : crop->left[at];
    map.right = mirrored ? BOX - crop->left[at] : crop->right[at];
    ifl_part_weights(crop->line, at, map.weight);
    return map;
}

static void sample_rgb(const struct ifl_crop *crop, float x, float y, float rgb[3])
{
    x = lesser(greater(x - 0.5f, 0), BOX - 1.001f);
    y = lesser(greater(y - 0.5f, 0), BOX - 1.001f);
    int ix = (int)x, iy = (int)y;
    float fx = x - (float)ix, fy = y - (float)iy;
    const uint8_t *p = &crop->rgb[((size_t)iy * BOX + (size_t)ix) * 3];
    for (int c = 0; c < 3; c++) {
        float top = p[c] + fx * (p[3 + c] - p[c]);
        float bottom = p[BOX * 3 + c] + fx * (p[BOX * 3 + 3 + c] - p[BOX * 3 + c]);
        rgb[c] = top + fy * (bottom - top);
    }
}

static void rgb_to_color(const float rgb[3], float color[CHANNELS])
{
    color[0] = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    color[1] = 0.564f * (rgb[2] - color[0]);
    color[2] = 0.713f * (rgb[0] - color[0]);
}

static bool in_reach(const struct ifl_figure *figure, int at)
{
    return figure->distance[at] < 2.5f;
}

// Residuals of one crop in the figure's shape: colour minus the part's mean, by its spread.
static void sample_crop(const struct ifl_figure *figure, const struct ifl_crop *crop, bool mirrored,
                        float sample[PIXELS][CHANNELS])
{
    for (int row = 0; row < BOX; row++) {
        struct row_map map = make_row_map(figure, crop, mirrored, row);
        float left = figure->left[row], width = figure->right[row] - left;
        float stretch = lesser(greater((map.right - map.left) / width, 0.5f), 2);
        float mean[CHANNELS] = {0}, spread[CHANNELS] = {0};
        for (int p = 0; p < PARTS; p++) {
            for (int c = 0; c < CHANNELS; c++) {
                mean[c] += map.weight[p] * crop->palette.mean[p][c];
                spread[c] += map.weight[p] * crop->palette.spread[p][c];
            }
        }
        float middle = (map.left + map.right) / 2, center = left + width / 2;
        for (int col = 0; col < BOX; col++) {
            int at = row * BOX + col;
            if (!in_reach(figure, at))
                continue;
            float x = middle + ((float)col + 0.5f - center) * stretch, rgb[3], color[CHANNELS];
            sample_rgb(crop, mirrored ? BOX - x : x, map.y, rgb);
            rgb_to_color(rgb, color);
            for (int c = 0; c < CHANNELS; c++)
                sample[at][c] = (color[c] - mean[c]) / greater(spread[c], 1);
        }
    }
}

void ifl_texture_blend(const struct ifl_objects *objects, const struct ifl_pose *pose,
                       const struct ifl_blend *blend, struct ifl_paint_scratch *scratch)
{
    struct ifl_figure *figure = &scratch->figure;
    memset(figure->color, 0, sizeof figure->color);
    for (int i = 0; i < blend->count; i++) {
        float(*sample)[CHANNELS] = scratch->sample;
        sample_crop(figure, &objects->crop[pose[i].crop], pose[i].mirrored, sample);
        for (int at = 0; at < PIXELS; at++) {
            for (int c = 0; c < CHANNELS && in_reach(figure, at); c++)
                figure->color[at][c] += (float)blend->weight[i] * sample[at][c];
        }
    }
}
