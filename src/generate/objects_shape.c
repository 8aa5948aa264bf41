// SPDX-License-Identifier: Apache-2.0
// The silhouette of a new object: the mean of the signed distances of crops of at least k
// identities that stand alike. Which pose they share, and how far apart the feet are, says a model,
// a random crop of yet another identity; neither the slot's nor the model's crop is part of the
// blend, so that of who stood there nothing is left but the place, and of the model that one
// number.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

enum { MODELS = 4, RANKED_MAX = 3 * IFL_K_MAX };

// Silhouettes within it, about 2/3 of a canonical pixel, stand alike.
static const float POSE_GAP = 28 * SKETCH * SKETCH;

bool ifl_blend_keeps(const struct ifl_blend *blend, int k, const uint8_t *excluded)
{
    if (blend->count < k || blend->count > IFL_K_MAX)
        return false;
    double sum = 0;
    for (int i = 0; i < blend->count; i++) {
        if (excluded[blend->identity[i]] || !(blend->weight[i] <= 1.0 / k + 1e-9))
            return false;
        for (int j = 0; j < i; j++) {
            if (blend->identity[j] == blend->identity[i])
                return false;
        }
        sum += blend->weight[i];
    }
    return fabs(sum - 1) < 1e-6;
}

static bool may_join(const struct ifl_objects *objects, const struct ifl_placement *placement,
                     const uint8_t *excluded, int identity)
{
    return objects->identity[identity].kind == placement->kind && !excluded[identity];
}

// A random crop of a random identity that may join; of two draws the one nearer in size, because
// small crops have less detail than large slots need. -1: nobody may.
static int pick_model(const struct ifl_objects *objects, const struct ifl_placement *placement,
                      const uint8_t *excluded, struct ifl_rng *rng)
{
    uint32_t count = 0;
    for (int i = 0; i < objects->identities; i++)
        count += may_join(objects, placement, excluded, i);
    int best = -1;
    float best_gap = 0;
    for (int draw = 0; draw < 2 && count > 0; draw++) {
        uint32_t wanted = ifl_rng_below(rng, count);
        int identity = 0;
        while (!may_join(objects, placement, excluded, identity) || wanted-- > 0)
            identity++;
        const struct ifl_identity *row = &objects->identity[identity];
        int crop = row->first_crop + (int)ifl_rng_below(rng, (uint32_t)row->crops);
        float ratio = objects->crop[crop].size / placement->height;
        float gap = fmaxf(ratio, 1 / ratio);
        if (best < 0 || gap < best_gap) {
            best = crop;
            best_gap = gap;
        }
    }
    return best;
}

static int sum_squares(const int8_t *a, const int8_t *b, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++) {
        int16_t difference = (int16_t)(a[i] - b[i]);
        sum += difference * difference;
    }
    return sum;
}

// Legs count thrice: phases of a step that do not match would merge into one leg.
static int sketch_distance(const int8_t *a, const int8_t *b)
{
    const int upper = (FOOT - BODY / 2) / 2 * SKETCH, lower = SKETCH * SKETCH - upper;
    return (sum_squares(a, b, upper) + 3 * sum_squares(a + upper, b + upper, lower)) / 2;
}

// Crops this much smaller than the slot are not used: magnified, nothing in them is sharp, and
// what was a shade of two pixels becomes a blotch.
static const float MAGNIFIED_MOST = 1.75f;

// The pose of `identity` nearest to the model's; INFINITY: it was never seen large enough. Crops
// somewhat smaller than the slot are blurred: they pay for it.
static float nearest_pose(const struct ifl_objects *objects, const struct ifl_crop *model,
                          float height, int identity, struct ifl_pose *pose)
{
    float best = INFINITY;
    const struct ifl_identity *row = &objects->identity[identity];
    for (int i = row->first_crop; i < row->first_crop + row->crops; i++) {
        const struct ifl_crop *crop = &objects->crop[i];
        if (height > MAGNIFIED_MOST * crop->size)
            continue;
        float blur = fmaxf(0, height / crop->size - 1);
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            float d = (float)sketch_distance(model->sketch[0], crop->sketch[mirrored]);
            d *= 1 + 2 * blur;
            d *= 1 + 0.5f * (float)abs(model->heading - (mirrored ? -1 : 1) * crop->heading);
            if (d < best) {
                best = d;
                *pose = (struct ifl_pose){i, mirrored};
            }
        }
    }
    return best;
}

struct ranked {
    float distance;
    int identity;
    struct ifl_pose pose;
};

static int rank_others(const struct ifl_objects *objects, const struct ifl_placement *placement,
                       const uint8_t *excluded, int model, int wanted, struct ranked *ranked)
{
    const struct ifl_crop *crop = &objects->crop[model];
    int count = 0;
    for (int i = 0; i < objects->identities; i++) {
        if (i == crop->identity || !may_join(objects, placement, excluded, i))
            continue;
        struct ranked one = {.identity = i};
        one.distance = nearest_pose(objects, crop, placement->height, i, &one.pose);
        if (isinf(one.distance))
            continue;
        int at = count < wanted ? count++ : wanted;
        for (; at > 0 && ranked[at - 1].distance > one.distance; at--) {
            if (at < wanted)
                ranked[at] = ranked[at - 1];
        }
        if (at < wanted)
            ranked[at] = one;
    }
    return count;
}

// How far apart the feet are, canonical pixels.
static float crop_stride(const struct ifl_crop *crop)
{
    const int rows = 8;
    float sum = 0;
    for (int y = FOOT - rows; y < FOOT; y++)
        sum += crop->right[y] - crop->left[y];
    return sum / (float)rows;
}

// Draws models until one has enough that resemble it; of MODELS odd ones, the least odd. Returns
// how many of `wanted` there are, and how wide the first one's step is.
static int choose_like_model(const struct ifl_objects *objects,
                             const struct ifl_placement *placement, const uint8_t *excluded, int k,
                             int wanted, struct ifl_rng *rng, struct ranked *ranked, float *stride)
{
    struct ranked other[RANKED_MAX];
    int best_count = 0;
    float best = INFINITY;
    for (int draw = 0; draw < MODELS && best > POSE_GAP; draw++) {
        int model = pick_model(objects, placement, excluded, rng);
        if (model < 0)
            return 0;
        if (draw == 0) // few resemble who steps wide: later models would step less
            *stride = crop_stride(&objects->crop[model]);
        int count = rank_others(objects, placement, excluded, model, wanted, other);
        if (count < k || other[k - 1].distance >= best)
            continue;
        best = other[k - 1].distance;
        best_count = count;
        memcpy(ranked, other, (size_t)count * sizeof *ranked);
    }
    return best_count;
}

bool ifl_shape_choose(const struct ifl_objects *objects, const struct ifl_placement *placement,
                      const uint8_t *excluded, int k, struct ifl_rng *rng, struct ifl_pose *pose,
                      struct ifl_blend *blend, float *stride)
{
    struct ranked ranked[RANKED_MAX];
    int count = choose_like_model(objects, placement, excluded, k, 3 * k, rng, ranked, stride);
    if (count < k)
        return false;
    // Twice as many as promised, where there are as many: who was counted as two identities has no
    // more than 1 / k either.
    int participants = 2 * k;
    participants = participants < count ? participants : count;
    participants = participants < IFL_K_MAX ? participants : IFL_K_MAX;
    bool turn = ifl_rng_below(rng, 2);       // the whole object, so that both ways are as frequent
    for (int i = 0; i < participants; i++) { // nearer ones more often
        uint32_t one = ifl_rng_below(rng, (uint32_t)count);
        uint32_t two = ifl_rng_below(rng, (uint32_t)count);
        int at = (int)(one < two ? one : two);
        pose[i] = ranked[at].pose;
        pose[i].mirrored ^= turn;
        blend->identity[i] = ranked[at].identity;
        blend->weight[i] = 1.0 / participants;
        memmove(&ranked[at], &ranked[at + 1], (size_t)(count - at - 1) * sizeof *ranked);
        count--;
    }
    blend->count = participants;
    return true;
}

static void find_extents(struct ifl_figure *figure)
{
    for (int y = 0; y < BOX; y++) {
        const float *d = &figure->distance[(size_t)y * BOX];
        int left = 0, right = BOX - 1;
        while (left < BOX && d[left] >= 0)
            left++;
        while (right > left && d[right] >= 0)
            right--;
        bool empty = left == BOX;
        figure->left[y] = empty ? BOX / 2 - 1 : (float)left;
        figure->right[y] = empty ? BOX / 2 + 1 : (float)right + 1;
    }
}

// Means of distances lose thin limbs: moves the outline until the area is the participants' mean.
static void restore_area(struct ifl_figure *figure, float area)
{
    float low = -1, high = 1;
    for (int round = 0; round < 6; round++) {
        float middle = (low + high) / 2, inside = 0;
        for (int at = 0; at < PIXELS; at++)
            inside += figure->distance[at] < middle;
        if (inside < area)
            low = middle;
        else
            high = middle;
    }
    for (int at = 0; at < PIXELS; at++)
        figure->distance[at] -= (low + high) / 2;
}

static float head_center(const struct ifl_crop *crop)
{
    int from = (int)crop->line[0] + 1, to = (int)crop->line[1];
    float sum = 0, count = 0;
    for (int y = from > 0 ? from : 0; y < to; y++) {
        sum += (crop->left[y] + crop->right[y]) / 2;
        count++;
    }
    return count > 0 ? sum / count : BOX / 2;
}

// The distance to a crop's silhouette where the crop has what a row of the figure shows: parts
// begin where the figure's do, and heads stand above each other, or they would melt into a cone.
static void add_distance(const struct ifl_crop *crop, bool mirrored, float weight, float aside,
                         struct ifl_figure *figure)
{
    const float neck = 4; // rows in which the shift ends
    for (int y = 0; y < BOX; y++) {
        float row = ifl_map_row(figure->line, crop->line, (float)y + 0.5f) - 0.5f;
        row = lesser(greater(row, 0), BOX - 1.001f);
        float up = ((float)y + 0.5f - figure->line[1]) / neck;
        float shift = aside * lesser(greater(1 - up, 0), 1);
        int iy = (int)row;
        const int8_t *from = &crop->distance[(size_t)iy * BOX];
        float below = row - (float)iy, *to = &figure->distance[(size_t)y * BOX];
        for (int x = 0; x < BOX; x++) {
            float col = (mirrored ? (float)(BOX - 1 - x) : (float)x) + shift;
            col = lesser(greater(col, 0), BOX - 1.001f);
            int ix = (int)col;
            float right = col - (float)ix;
            float one = from[ix] + right * (float)(from[ix + 1] - from[ix]);
            float two = from[BOX + ix] + right * (float)(from[BOX + ix + 1] - from[BOX + ix]);
            to[x] += weight * (one + below * (two - one)) / DISTANCE_UNIT;
        }
    }
}

void ifl_shape_blend(const struct ifl_objects *objects, const struct ifl_placement *placement,
                     const struct ifl_pose *pose, const struct ifl_blend *blend, float stride,
                     struct ifl_figure *figure)
{
    memset(figure->distance, 0, sizeof figure->distance);
    memset(figure->line, 0, sizeof figure->line);
    float area = 0, head = 0;
    for (int i = 0; i < blend->count; i++) {
        const struct ifl_crop *crop = &objects->crop[pose[i].crop];
        float weight = (float)blend->weight[i], center = head_center(crop);
        area += weight * (float)crop->area;
        head += weight * (pose[i].mirrored ? BOX - center : center);
        for (int p = 0; p <= PARTS; p++)
            figure->line[p] += weight * crop->line[p];
    }
    for (int i = 0; i < blend->count; i++) {
        const struct ifl_crop *crop = &objects->crop[pose[i].crop];
        bool mirrored = pose[i].mirrored;
        float wanted = mirrored ? BOX - head : head;
        add_distance(crop, mirrored, (float)blend->weight[i], head_center(crop) - wanted, figure);
    }
    restore_area(figure, area);
    if (placement->kind == KIND_UPRIGHT)
        ifl_legs_stand(objects, pose, blend, stride, placement->height, figure);
    find_extents(figure);
}
