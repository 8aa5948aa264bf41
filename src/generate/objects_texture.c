// SPDX-License-Identifier: Apache-2.0
// The texture of a new object: what its participants have beside the mean colours of their parts,
// brought into the new shape and averaged. An average is flatter than each: coarse and fine detail
// get the participants' energy back, with a gain of at most BOUND / (k * the largest weight):
// nobody's detail is in it with more than BOUND / k.
#include <math.h>
#include <string.h>

#include "generate/objects_internal.h"

static const float BOUND = 2;
// What clothes have in common are seams: much louder, they are stripes. Heads have hair over a
// face.
static const float COARSE_MOST[PARTS] = {4, 1.5f, 1.5f, 1.5f};
static const float FINE_MOST = 2.5f;
static const float SHARPEN = 1.5f; // fine detail is lost once more when the figure is drawn

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

enum { AROUND = 2, WIDE = BOX + 2 * AROUND, TALLY = CHANNELS + 1 };

// What there is to add up: colours within reach and a one each, zeros elsewhere.
static void tally(const struct ifl_figure *figure, float in[PIXELS][CHANNELS],
                  struct ifl_paint_scratch *scratch)
{
    memset(scratch->tally, 0, sizeof scratch->tally);
    for (int at = 0; at < PIXELS; at++) {
        float *to = scratch->tally[at / BOX + AROUND][at % BOX + AROUND];
        if (!in_reach(figure, at))
            continue;
        for (int c = 0; c < CHANNELS; c++)
            to[c] = in[at][c];
        to[CHANNELS] = 1;
    }
}

// Five neighbours that lie `stride` values apart.
static void add_five(const float *restrict from, int stride, int count, float *restrict sum)
{
    for (int i = 0; i < count; i++)
        sum[i] = from[i] + from[i + stride] + from[i + 2 * stride] + from[i + 3 * stride] +
                 from[i + 4 * stride];
}

// The coarse band: mean of the 5 x 5 neighbours within reach.
static void blur(const struct ifl_figure *figure, float in[PIXELS][CHANNELS],
                 struct ifl_paint_scratch *scratch)
{
    float sum[BOX][TALLY];
    tally(figure, in, scratch);
    add_five(&scratch->tally[0][0][0], WIDE * TALLY, BOX * WIDE * TALLY, &scratch->column[0][0][0]);
    for (int y = 0; y < BOX; y++) {
        add_five(&scratch->column[y][0][0], TALLY, BOX * TALLY, &sum[0][0]);
        for (int x = 0; x < BOX; x++)
            for (int c = 0; c < CHANNELS && in_reach(figure, y * BOX + x); c++)
                scratch->coarse[y * BOX + x][c] = sum[x][c] / sum[x][CHANNELS];
    }
}

struct energy {
    float coarse[PARTS][CHANNELS], fine[PARTS][CHANNELS];
};

static int part_of(const struct ifl_figure *figure, int row)
{
    int p = 0;
    while (p < PARTS - 1 && (float)row + 0.5f >= figure->line[p + 1])
        p++;
    return p;
}

// Adds `weight` times the mean squares of both bands inside the silhouette.
static void measure(const struct ifl_figure *figure, float image[PIXELS][CHANNELS],
                    float coarse[PIXELS][CHANNELS], float weight, struct energy *energy)
{
    struct energy sum = {0};
    float count[PARTS] = {0};
    for (int at = 0; at < PIXELS; at++) {
        if (figure->distance[at] >= 0)
            continue;
        int p = part_of(figure, at / BOX);
        count[p]++;
        for (int c = 0; c < CHANNELS; c++) {
            float fine = image[at][c] - coarse[at][c];
            sum.coarse[p][c] += coarse[at][c] * coarse[at][c];
            sum.fine[p][c] += fine * fine;
        }
    }
    for (int p = 0; p < PARTS; p++) {
        for (int c = 0; c < CHANNELS && count[p] > 0; c++) {
            energy->coarse[p][c] += weight * sum.coarse[p][c] / count[p];
            energy->fine[p][c] += weight * sum.fine[p][c] / count[p];
        }
    }
}

static float gain(float wanted, float found, float most)
{
    return found > 1e-6f ? lesser(greater(sqrtf(wanted / found), 1), most) : 1;
}

static void restore(struct ifl_figure *figure, float coarse[PIXELS][CHANNELS],
                    const struct energy *wanted, const struct energy *found, float most)
{
    const float boost = SHARPEN * SHARPEN;
    for (int at = 0; at < PIXELS; at++) {
        if (!in_reach(figure, at))
            continue;
        int p = part_of(figure, at / BOX);
        for (int c = 0; c < CHANNELS; c++) {
            float fine = figure->color[at][c] - coarse[at][c];
            float in_coarse = c == 0 ? lesser(most, COARSE_MOST[p]) : 1;
            float in_fine = c == 0 ? lesser(most, FINE_MOST) : 1;
            figure->color[at][c] =
                gain(wanted->coarse[p][c], found->coarse[p][c], in_coarse) * coarse[at][c] +
                gain(boost * wanted->fine[p][c], found->fine[p][c], in_fine) * fine;
        }
    }
}

void ifl_texture_blend(const struct ifl_objects *objects, const struct ifl_pose *pose,
                       const struct ifl_blend *blend, int k, struct ifl_paint_scratch *scratch)
{
    double largest = 0;
    for (int i = 0; i < blend->count; i++)
        largest = fmax(largest, blend->weight[i]);
    struct ifl_figure *figure = &scratch->figure;
    struct energy wanted = {0}, found = {0};
    memset(figure->color, 0, sizeof figure->color);
    for (int i = 0; i < blend->count; i++) {
        float(*sample)[CHANNELS] = scratch->sample;
        sample_crop(figure, &objects->crop[pose[i].crop], pose[i].mirrored, sample);
        blur(figure, sample, scratch);
        measure(figure, sample, scratch->coarse, (float)blend->weight[i], &wanted);
        for (int at = 0; at < PIXELS; at++) {
            for (int c = 0; c < CHANNELS && in_reach(figure, at); c++)
                figure->color[at][c] += (float)blend->weight[i] * sample[at][c];
        }
    }
    blur(figure, figure->color, scratch);
    measure(figure, figure->color, scratch->coarse, 1, &found);
    restore(figure, scratch->coarse, &wanted, &found, BOUND / (float)(k * largest));
}
