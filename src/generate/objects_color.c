// SPDX-License-Identifier: Apache-2.0
// Colours of a new object: per part the mean of k identities whose parts look alike.
#include <math.h>
#include <string.h>

#include "generate/objects_internal.h"

void ifl_color_from_rgb(const uint8_t rgb[3], float color[CHANNELS])
{
    float y = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    color[0] = y;
    color[1] = 0.564f * (rgb[2] - y);
    color[2] = 0.713f * (rgb[0] - y);
}

void ifl_color_to_rgb(const float color[CHANNELS], float rgb[3])
{
    rgb[0] = color[0] + 1.402f * color[2];
    rgb[1] = color[0] - 0.344f * color[1] - 0.714f * color[2];
    rgb[2] = color[0] + 1.772f * color[1];
}

static float part_distance(const struct ifl_palette *a, const struct ifl_palette *b, int part)
{
    float sum = 0;
    for (int c = 0; c < CHANNELS; c++) {
        float weight = c == 0 ? 1.0f : 2.0f; // chroma counts more: it is what the eye groups by
        float difference = a->mean[part][c] - b->mean[part][c];
        sum += weight * difference * difference;
    }
    return sum;
}

// The `count` identities of `kind` whose part is nearest to that of `seed`, itself among them.
static int nearest(const struct ifl_objects *objects, enum ifl_kind_index kind,
                   const uint8_t *excluded, int seed, int part, int count, int *chosen)
{
    float distance[IFL_K_MAX];
    int found = 0;
    const struct ifl_palette *wanted = &objects->identity[seed].palette;
    for (int i = 0; i < objects->identities; i++) {
        if (objects->identity[i].kind != kind || (excluded && excluded[i]))
            continue;
        float d = part_distance(wanted, &objects->identity[i].palette, part);
        int at = found < count ? found++ : count;
        for (; at > 0 && distance[at - 1] > d; at--) {
            if (at < count) {
                distance[at] = distance[at - 1];
                chosen[at] = chosen[at - 1];
            }
        }
        if (at < count) {
            distance[at] = d;
            chosen[at] = i;
        }
    }
    return found;
}

static void part_mean(const struct ifl_objects *objects, const int *chosen, int count, int part,
                      float mean[CHANNELS], float spread[CHANNELS])
{
    for (int c = 0; c < CHANNELS; c++) {
        mean[c] = spread[c] = 0;
        for (int i = 0; i < count; i++) {
            mean[c] += objects->identity[chosen[i]].palette.mean[part][c] / count;
            spread[c] += objects->identity[chosen[i]].palette.spread[part][c] / count;
        }
    }
}

static void prepare_range(struct ifl_objects *objects, enum ifl_kind_index index)
{
    struct ifl_kind *kind = &objects->kind[index];
    memset(&kind->mean, 0, sizeof kind->mean);
    bool first = true;
    for (int i = 0; i < objects->identities; i++) {
        const struct ifl_palette *palette = &objects->identity[i].palette;
        if (objects->identity[i].kind != index)
            continue;
        if (first)
            kind->least = kind->greatest = *palette;
        first = false;
        for (int p = 0; p < PARTS; p++) {
            for (int c = 0; c < CHANNELS; c++) {
                float value = palette->mean[p][c];
                kind->mean.mean[p][c] += value / kind->identities;
                kind->least.mean[p][c] = fminf(kind->least.mean[p][c], value);
                kind->greatest.mean[p][c] = fmaxf(kind->greatest.mean[p][c], value);
            }
        }
    }
}

// Means of three are paler than single palettes: the ratio of their spreads, at most 1.6.
static void prepare_restore(struct ifl_objects *objects, enum ifl_kind_index index, int part)
{
    struct ifl_kind *kind = &objects->kind[index];
    double single = 0, blended = 0;
    for (int i = 0; i < objects->identities; i++) {
        if (objects->identity[i].kind != index)
            continue;
        int chosen[3];
        int count = nearest(objects, index, NULL, i, part, 3, chosen);
        struct ifl_palette mean = {0};
        part_mean(objects, chosen, count, part, mean.mean[part], mean.spread[part]);
        single += (double)part_distance(&objects->identity[i].palette, &kind->mean, part);
        blended += (double)part_distance(&mean, &kind->mean, part);
    }
    kind->restore[part] = blended > 0 ? (float)fmin(sqrt(single / blended), 1.6) : 1;
    kind->restore[part] = fmaxf(kind->restore[part], 1);
}

void ifl_palette_prepare(struct ifl_objects *objects)
{
    for (int k = 0; k < KINDS; k++) {
        prepare_range(objects, (enum ifl_kind_index)k);
        for (int part = 0; part < PARTS; part++)
            prepare_restore(objects, (enum ifl_kind_index)k, part);
    }
}

static int random_identity(const struct ifl_objects *objects, enum ifl_kind_index kind,
                           const uint8_t *excluded, struct ifl_rng *rng)
{
    uint32_t count = 0;
    for (int i = 0; i < objects->identities; i++)
        count += objects->identity[i].kind == kind && !excluded[i];
    if (count == 0)
        return -1;
    uint32_t wanted = ifl_rng_below(rng, count);
    for (int i = 0; i < objects->identities; i++) {
        if (objects->identity[i].kind == kind && !excluded[i] && wanted-- == 0)
            return i;
    }
    return -1;
}

// Pulls the mean away from the kind's mean as far as single palettes go, and adds a little noise.
static void restore_spread(const struct ifl_kind *kind, int part, struct ifl_rng *rng,
                           float mean[CHANNELS])
{
    for (int c = 0; c < CHANNELS; c++) {
        float middle = kind->mean.mean[part][c];
        float value = middle + kind->restore[part] * (mean[c] - middle);
        value = fminf(fmaxf(value, kind->least.mean[part][c]), kind->greatest.mean[part][c]);
        mean[c] = value + (c == 0 ? 3.0f : 1.0f) * (float)ifl_rng_normal(rng);
    }
}

bool ifl_palette_choose(const struct ifl_objects *objects, enum ifl_kind_index kind,
                        const uint8_t *excluded, int k, struct ifl_rng *rng,
                        struct ifl_palette *palette, struct ifl_blend blend[PARTS])
{
    for (int part = 0; part < PARTS; part++) {
        int seed = random_identity(objects, kind, excluded, rng);
        if (seed < 0)
            return false;
        int count = nearest(objects, kind, excluded, seed, part, k, blend[part].identity);
        if (count < k)
            return false;
        blend[part].count = k;
        for (int i = 0; i < k; i++)
            blend[part].weight[i] = 1.0 / k;
        part_mean(objects, blend[part].identity, k, part, palette->mean[part],
                  palette->spread[part]);
        restore_spread(&objects->kind[kind], part, rng, palette->mean[part]);
    }
    return true;
}

void ifl_palette_apply(const struct ifl_palette *palette, struct ifl_figure *figure)
{
    for (int row = 0; row < BOX; row++) {
        float weight[PARTS];
        ifl_part_weights(figure->line, row, weight);
        for (int c = 0; c < CHANNELS; c++) {
            float mean = 0, spread = 0;
            for (int p = 0; p < PARTS; p++) {
                mean += weight[p] * palette->mean[p][c];
                spread += weight[p] * palette->spread[p][c];
            }
            for (int x = 0; x < BOX; x++) {
                float *color = &figure->color[row * BOX + x][c];
                *color = mean + spread * *color;
            }
        }
    }
}
