// SPDX-License-Identifier: Apache-2.0
// The tones of a new object. A mean of pictures is flat: a bright face under dark hair and a dark
// head seen from behind make one brown. A mean of tones is not: each participant's pixels of a part
// are put in order, dark to bright, and what is averaged are the darkest with the darkest and the
// brightest with the brightest (the barycentre of distributions in one dimension). Where in the
// part they show says the order of the mean of pictures.
//
// Of every tone's chroma nobody has more than his weight, of its luma SHARPEN times that, for
// contrast is lost once more when the figure is drawn. What the order adds is bounded: over a part,
// in mean square, tones are spread no farther than BOUND / (k * the largest weight) times what is
// left of contrast in the mean of pictures, so that nobody's pattern shows with more than BOUND / k
// of its own.
#include <math.h>
#include <string.h>

#include "generate/objects_internal.h"

enum { LEVELS = 256 };

static const float BOUND = 2;
static const float SHARPEN = 1.5f;

int ifl_part_at(const float line[PARTS + 1], int row)
{
    int p = 0;
    while (p < PARTS - 1 && (float)row + 0.5f >= line[p + 1])
        p++;
    return p;
}

// Pixels by luma, and the sum of their colours.
struct histogram {
    float count[LEVELS], sum[LEVELS][CHANNELS];
};

// Cuts the pixels in order into TONES equal heaps; their means, by mean and spread of the part.
static void cut_tones(const struct histogram *histogram, float total, const float mean[CHANNELS],
                      const float spread[CHANNELS], float tone[TONES][CHANNELS])
{
    const float heap = total / TONES;
    float room = heap;
    int t = 0;
    for (int level = 0; level < LEVELS; level++) {
        float left = histogram->count[level];
        while (left > 0 && t < TONES) {
            float taken = t == TONES - 1 ? left : lesser(left, room);
            for (int c = 0; c < CHANNELS; c++)
                tone[t][c] += taken / heap *
                              (histogram->sum[level][c] / histogram->count[level] - mean[c]) /
                              spread[c];
            left -= taken;
            room -= taken;
            if (room <= 0) {
                t++;
                room = heap;
            }
        }
    }
}

void ifl_tone_measure(struct ifl_crop *crop)
{
    struct histogram part[PARTS] = {0};
    float total[PARTS] = {0};
    for (int at = 0; at < PIXELS; at++) {
        if (crop->distance[at] > -DISTANCE_UNIT / 2)
            continue;
        int p = ifl_part_at(crop->line, at / BOX);
        float color[CHANNELS];
        ifl_color_from_rgb(&crop->rgb[at * 3], color);
        int level = (int)lesser(greater(color[0], 0), LEVELS - 1);
        part[p].count[level]++;
        for (int c = 0; c < CHANNELS; c++)
            part[p].sum[level][c] += color[c];
        total[p]++;
    }
    memset(crop->tone, 0, sizeof crop->tone);
    for (int p = 0; p < PARTS; p++) {
        if (total[p] > 0)
            cut_tones(&part[p], total[p], crop->palette.mean[p], crop->palette.spread[p],
                      crop->tone[p]);
    }
}

// Where a luma stands in the order of its part, 0 to 1.
struct order {
    float below[LEVELS + 1], total, square; // pixels, and the sum of squares of their luma
};

static int order_level(float luma)
{
    return (int)lesser(greater((luma + 8) * (LEVELS / 16), 0), LEVELS - 1);
}

static void find_order(const struct ifl_figure *figure, struct order order[PARTS])
{
    memset(order, 0, PARTS * sizeof *order);
    for (int at = 0; at < PIXELS; at++) {
        if (figure->distance[at] >= 0)
            continue;
        struct order *own = &order[ifl_part_at(figure->line, at / BOX)];
        float luma = figure->color[at][0];
        own->below[order_level(luma) + 1]++;
        own->square += luma * luma;
        own->total++;
    }
    for (int p = 0; p < PARTS; p++) {
        for (int level = 0; level < LEVELS; level++)
            order[p].below[level + 1] += order[p].below[level];
    }
}

static void mean_tones(const struct ifl_objects *objects, const struct ifl_pose *pose,
                       const struct ifl_blend *blend, float tone[PARTS][TONES][CHANNELS])
{
    memset(tone, 0, PARTS * sizeof *tone);
    for (int i = 0; i < blend->count; i++) {
        const struct ifl_crop *crop = &objects->crop[pose[i].crop];
        for (int p = 0; p < PARTS; p++) {
            for (int t = 0; t < TONES; t++) {
                for (int c = 0; c < CHANNELS; c++)
                    tone[p][t][c] +=
                        (c == 0 ? SHARPEN : 1) * (float)blend->weight[i] * crop->tone[p][t][c];
            }
        }
    }
}

// How much less tones are to be spread for what the order adds to stay within its bound.
static float limit(const struct order *order, float tone[TONES][CHANNELS], float most)
{
    float square = 0;
    for (int t = 0; t < TONES; t++)
        square += tone[t][0] * tone[t][0] / TONES;
    float allowed = most * most * order->square / greater(order->total, 1);
    return square > allowed ? sqrtf(allowed / square) : 1;
}

static void tone_at(float tone[TONES][CHANNELS], float share, float color[CHANNELS])
{
    float at = lesser(greater(share * TONES - 0.5f, 0), TONES - 1.001f);
    int i = (int)at;
    float above = at - (float)i;
    for (int c = 0; c < CHANNELS; c++)
        color[c] = tone[i][c] + above * (tone[i + 1][c] - tone[i][c]);
}

void ifl_tone_apply(const struct ifl_objects *objects, const struct ifl_pose *pose,
                    const struct ifl_blend *blend, int k, struct ifl_figure *figure)
{
    float tone[PARTS][TONES][CHANNELS], reach[PARTS], largest = 0;
    struct order order[PARTS];
    for (int i = 0; i < blend->count; i++)
        largest = greater(largest, (float)blend->weight[i]);
    mean_tones(objects, pose, blend, tone);
    find_order(figure, order);
    for (int p = 0; p < PARTS; p++)
        reach[p] = limit(&order[p], tone[p], BOUND / ((float)k * largest));
    for (int at = 0; at < PIXELS; at++) {
        int p = ifl_part_at(figure->line, at / BOX);
        if (order[p].total < 1)
            continue;
        int level = order_level(figure->color[at][0]);
        float share = (order[p].below[level] + order[p].below[level + 1]) / (2 * order[p].total);
        tone_at(tone[p], share, figure->color[at]);
        figure->color[at][0] *= reach[p];
    }
}
