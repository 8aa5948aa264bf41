// SPDX-License-Identifier: Apache-2.0
#include "profile/kll.h"

#include <stdlib.h>
#include <string.h>

// While two sketches are joined, both their items are here.
struct work {
    int levels;
    int size[IFL_KLL_LEVELS];
    float item[2 * IFL_KLL_ITEMS];
};

void ifl_kll_init(struct ifl_kll *sketch, uint64_t seed)
{
    memset(sketch, 0, sizeof *sketch);
    sketch->levels = 1;
    ifl_rng_init(&sketch->coin, seed);
}

// k (2/3)^depth, at least 8; depth is counted from the top level.
static int capacity(int levels, int level)
{
    int room = IFL_KLL_K;
    for (int depth = levels - 1 - level; depth > 0 && room > 8; depth--)
        room = (room * 2 + 2) / 3;
    return room < 8 ? 8 : room;
}

static int total_capacity(int levels)
{
    int sum = 0;
    for (int level = 0; level < levels; level++)
        sum += capacity(levels, level);
    return sum;
}

static int total_size(const int *size, int levels)
{
    int sum = 0;
    for (int level = 0; level < levels; level++)
        sum += size[level];
    return sum;
}

static int compare_floats(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

// Halves a level: every other of its sorted items goes up. The items above it end where it
// begins, so those that go up are already in their place.
static void compact(float *item, int *size, int *levels, int level, struct ifl_rng *coin)
{
    int start = total_size(size + level + 1, *levels - level - 1), count = size[level];
    int pairs = count / 2, odd = count % 2, total = total_size(size, *levels);
    qsort(item + start, (size_t)(2 * pairs), sizeof *item, compare_floats);
    int pick = (int)(ifl_rng_next(coin) >> 63);
    for (int i = 0; i < pairs; i++)
        item[start + i] = item[start + 2 * i + pick];
    memmove(item + start + pairs, item + start + 2 * pairs,
            (size_t)(total - start - 2 * pairs) * sizeof *item);
    if (level + 1 == *levels)
        size[(*levels)++] = 0;
    size[level + 1] += pairs;
    size[level] = odd;
}

static void compress(float *item, int *size, int *levels, struct ifl_rng *coin)
{
    while (total_size(size, *levels) >= total_capacity(*levels)) {
        int level = 0;
        while (level < *levels - 1 && size[level] < capacity(*levels, level))
            level++;
        if (level + 1 >= IFL_KLL_LEVELS)
            return; // 2^30 values on: never in practice
        compact(item, size, levels, level, coin);
    }
}

void ifl_kll_add(struct ifl_kll *sketch, float value)
{
    if (sketch->count == 0 || value < sketch->min)
        sketch->min = value;
    if (sketch->count == 0 || value > sketch->max)
        sketch->max = value;
    sketch->item[total_size(sketch->size, sketch->levels)] = value;
    sketch->size[0]++;
    sketch->count++;
    compress(sketch->item, sketch->size, &sketch->levels, &sketch->coin);
}

static void join(struct work *work, const struct ifl_kll *a, const struct ifl_kll *b)
{
    work->levels = a->levels > b->levels ? a->levels : b->levels;
    float *to = work->item;
    const float *from_a = a->item, *from_b = b->item;
    for (int level = work->levels - 1; level >= 0; level--) {
        int in_a = level < a->levels ? a->size[level] : 0;
        int in_b = level < b->levels ? b->size[level] : 0;
        memcpy(to, from_a, (size_t)in_a * sizeof *to);
        memcpy(to + in_a, from_b, (size_t)in_b * sizeof *to);
        work->size[level] = in_a + in_b;
        to += in_a + in_b;
        from_a += in_a;
        from_b += in_b;
    }
}

void ifl_kll_merge(struct ifl_kll *sketch, const struct ifl_kll *other)
{
    if (other->count == 0)
        return;
    if (sketch->count == 0 || other->min < sketch->min)
        sketch->min = other->min;
    if (sketch->count == 0 || other->max > sketch->max)
        sketch->max = other->max;
    sketch->count += other->count;
    struct work work;
    join(&work, sketch, other);
    compress(work.item, work.size, &work.levels, &sketch->coin);
    sketch->levels = work.levels;
    memcpy(sketch->size, work.size, (size_t)work.levels * sizeof *work.size);
    memcpy(sketch->item, work.item, (size_t)total_size(work.size, work.levels) * sizeof *work.item);
}

static int compare_weighted(const void *left, const void *right)
{
    const struct ifl_kll_item *a = left, *b = right;
    return compare_floats(&a->value, &b->value);
}

int ifl_kll_items(const struct ifl_kll *sketch, struct ifl_kll_item all[IFL_KLL_ITEMS])
{
    int items = 0;
    for (int level = sketch->levels - 1; level >= 0; level--)
        for (int i = 0; i < sketch->size[level]; i++, items++)
            all[items] = (struct ifl_kll_item){sketch->item[items], (double)(1u << level)};
    qsort(all, (size_t)items, sizeof *all, compare_weighted);
    return items;
}

void ifl_kll_quantiles(const struct ifl_kll *sketch, const double *rank, double *value, int count)
{
    struct ifl_kll_item all[IFL_KLL_ITEMS];
    int items = ifl_kll_items(sketch, all);
    double weight = (double)sketch->count;
    double below = 0; // weight of the items before `at`
    int at = 0;
    for (int q = 0; q < count; q++) {
        while (at + 1 < items && below + all[at].weight < rank[q] * weight) {
            below += all[at].weight;
            at++;
        }
        value[q] = items ? (double)all[at].value : 0;
        if (items && rank[q] <= 0)
            value[q] = (double)sketch->min;
        if (items && rank[q] >= 1)
            value[q] = (double)sketch->max;
    }
}

double ifl_kll_distance(const struct ifl_kll *a, const struct ifl_kll *b)
{
    struct ifl_kll_item left[IFL_KLL_ITEMS], right[IFL_KLL_ITEMS];
    int lefts = ifl_kll_items(a, left), rights = ifl_kll_items(b, right), i = 0, k = 0;
    double below_left = 0, below_right = 0, greatest = 0;
    while (i < lefts && k < rights) {
        float value = left[i].value < right[k].value ? left[i].value : right[k].value;
        for (; i < lefts && left[i].value <= value; i++)
            below_left += left[i].weight;
        for (; k < rights && right[k].value <= value; k++)
            below_right += right[k].weight;
        double apart = below_left / (double)a->count - below_right / (double)b->count;
        greatest = apart > greatest ? apart : -apart > greatest ? -apart : greatest;
    }
    return greatest;
}

bool ifl_kll_is_valid(const struct ifl_kll *sketch)
{
    if (sketch->levels < 1 || sketch->levels > IFL_KLL_LEVELS || !(sketch->min <= sketch->max))
        return false;
    uint64_t weight = 0;
    int items = 0;
    for (int level = 0; level < sketch->levels; level++) {
        if (sketch->size[level] < 0 || sketch->size[level] > IFL_KLL_ITEMS)
            return false;
        items += sketch->size[level];
        weight += (uint64_t)sketch->size[level] << level;
    }
    if (items >= total_capacity(sketch->levels) || weight != sketch->count)
        return false;
    for (int i = 0; i < items; i++)
        if (!(sketch->item[i] >= sketch->min && sketch->item[i] <= sketch->max))
            return false;
    return true;
}
