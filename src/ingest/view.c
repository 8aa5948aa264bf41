// SPDX-License-Identifier: Apache-2.0
#include "ingest/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILES = IFL_SIGHT_TILES * IFL_SIGHT_TILES };

static const double hour = 3600, week = 7 * 24 * 3600.0;
static const double per_octave = 4;
static const double dead_energy = 4;   // below this a tile shows no more than noise
static const double live_energy = 16;  // above this it has structure to lose
static const double edges_same = 0.6;  // correlation; strange ones reach 0.3
static const double flat_spread = 4.0; // grey levels between tiles below which there is no pattern
static const float clipped_black = 3, clipped_white = 252; // there noise does not show

// ---- baselines ----

void ifl_baseline_add(struct ifl_baseline *baseline, double value, double seconds, double memory_s)
{
    float keep = (float)exp(-seconds / memory_s);
    for (int i = 0; i < IFL_BASELINE_BINS; i++)
        baseline->weight[i] *= keep;
    int bin = (int)(per_octave * log2(1 + 100 * fmax(0, value)));
    bin = bin < IFL_BASELINE_BINS ? bin : IFL_BASELINE_BINS - 1;
    baseline->weight[bin] += (float)seconds;
    baseline->total = baseline->total * keep + (float)seconds;
}

double ifl_baseline_quantile(const struct ifl_baseline *baseline, double share)
{
    double wanted = share * (double)baseline->total, sum = 0;
    for (int i = 0; i < IFL_BASELINE_BINS && baseline->total > 0; i++) {
        double weight = (double)baseline->weight[i];
        if (weight > 0 && sum + weight >= wanted)
            return (exp2((i + (wanted - sum) / weight) / per_octave) - 1) / 100;
        sum += weight;
    }
    return 0;
}

// ---- measures ----

bool ifl_view_is_known(const struct ifl_view *view)
{
    return view->seconds >= IFL_VIEW_SECONDS_LEAST && view->pictures >= IFL_VIEW_PICTURES_LEAST;
}

double ifl_view_detail(const struct ifl_features *features)
{
    double std = features->value[IFL_FEATURE_contrast_mean] * 127.5;
    return features->value[IFL_FEATURE_laplacian_variance] / (std * std + 16);
}

double ifl_view_level(const struct ifl_features *features)
{
    return log(features->value[IFL_FEATURE_brightness_mean] * 255 + 6);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

void ifl_view_change(const struct ifl_features *features, double *median, double *most)
{
    const float *change = &features->tile_change[0][0], *mean = &features->tile_mean[0][0];
    float sorted[TILES];
    int count = 0;
    *most = 0;
    for (int i = 0; i < TILES; i++) {
        if (mean[i] > clipped_black && mean[i] < clipped_white)
            sorted[count++] = change[i];
        *most = fmax(*most, (double)change[i]);
    }
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    *median = count ? (double)sorted[count / 2] : *most;
}

double ifl_view_clipped(const struct ifl_features *features)
{
    return fmax(features->value[IFL_FEATURE_clipped_high],
                features->value[IFL_FEATURE_clipped_low]);
}

// ---- learning ----

static double share_of(double seconds, double memory_s)
{
    return 1 - exp(-seconds / memory_s);
}

static void approach(float *to, const float *now, int count, double share)
{
    for (int i = 0; i < count; i++)
        to[i] += (float)share * (now[i] - to[i]);
}

// The least that is usual: falls within seconds, rises within minutes; but what might be a frozen
// picture changes little.
static void learn_change(struct ifl_view *view, const struct ifl_features *features, double seconds)
{
    double median, most;
    ifl_view_change(features, &median, &most);
    if (!features->has_previous)
        return;
    double memory_s = median < view->change / 4 || median > view->change ? 120 : 2;
    double share = share_of(seconds, memory_s);
    view->change += (view->change > 0 ? share : 1) * (median - view->change);
}

void ifl_view_learn(struct ifl_view *view, const struct ifl_sight *sight,
                    const struct ifl_features *features, double seconds)
{
    bool first = view->pictures++ == 0;
    view->seconds += seconds;
    ifl_baseline_add(&view->sharpness, sight->sharpness, seconds, hour);
    ifl_baseline_add(&view->detail, ifl_view_detail(features), seconds, hour);
    ifl_baseline_add(&view->energy, sight->energy_mean, seconds, week);
    ifl_baseline_add(&view->entropy, features->value[IFL_FEATURE_entropy], seconds, week);
    learn_change(view, features, seconds);
    // Means of what there has been while there has not been much, which soon forget.
    double early = 1 / (double)view->pictures;
    double quick = first ? 1 : share_of(seconds, 5), slow = fmax(early, share_of(seconds, 20)),
           slower = fmax(early, share_of(seconds, 60));
    view->level += quick * (ifl_view_level(features) - view->level);
    view->clipped += quick * (ifl_view_clipped(features) - view->clipped);
    view->saturation += slower * (features->value[IFL_FEATURE_saturation_mean] - view->saturation);
    view->grey_share += (float)(slower * (sight->grey_share - (double)view->grey_share));
    view->likeness += slower * (ifl_view_likeness(view, features) - view->likeness);
    approach(view->tile_mean, &features->tile_mean[0][0], TILES, slow);
    approach(view->tile_energy, sight->energy, TILES, slow);
    for (int i = 0; i < IFL_SIGHT_SIDE * IFL_SIGHT_SIDE; i++)
        view->edges[i] += (float)slower * ((float)sight->edges[i] - view->edges[i]);
}

// ---- comparing ----

double ifl_view_likeness(const struct ifl_view *view, const struct ifl_features *features)
{
    const float *a = view->tile_mean, *b = &features->tile_mean[0][0];
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
    for (int i = 0; i < TILES; i++) {
        double x = (double)a[i], y = (double)b[i];
        sa += x;
        sb += y;
        saa += x * x;
        sbb += y * y;
        sab += x * y;
    }
    double va = saa - sa * sa / TILES, vb = sbb - sb * sb / TILES, cov = sab - sa * sb / TILES;
    if (va < TILES * flat_spread * flat_spread)
        return 1;
    return vb > 0 ? cov / sqrt(va * vb) : 0;
}

double ifl_view_lost(const struct ifl_view *view, const struct ifl_sight *sight)
{
    int live = 0, lost = 0;
    for (int i = 0; i < TILES; i++) {
        double usual = (double)view->tile_energy[i], now = (double)sight->energy[i];
        live += usual >= live_energy;
        lost += usual >= live_energy && (now < usual / 4 || now < dead_energy);
    }
    return live >= TILES / 8 ? (double)lost / live : 0;
}

// Correlation of one tile's usual edges with those of now, so many samples aside; -2: outside.
static double edges_alike(const struct ifl_view *view, const struct ifl_sight *sight, int tile,
                          int right, int down)
{
    enum { SIDE = IFL_SIGHT_SIDE, TILE = IFL_SIGHT_SIDE / IFL_SIGHT_TILES };
    int left = tile % IFL_SIGHT_TILES * TILE, top = tile / IFL_SIGHT_TILES * TILE;
    float sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = TILE * TILE;
    if (left + right < 0 || left + right > SIDE - TILE || top + down < 0 ||
        top + down > SIDE - TILE)
        return -2;
    for (int y = top; y < top + TILE; y++)
        for (int x = left; x < left + TILE; x++) {
            float a = view->edges[y * SIDE + x], b = sight->edges[(y + down) * SIDE + x + right];
            sa += a;
            sb += b;
            saa += a * a;
            sbb += b * b;
            sab += a * b;
        }
    float va = saa - sa * sa / n, vb = sbb - sb * sb / n;
    return va > 0 && vb > 0 ? (double)((sab - sa * sb / n) / sqrtf(va * vb)) : 0;
}

double ifl_view_kept(const struct ifl_view *view, const struct ifl_sight *sight, double across,
                     double down)
{
    int live = 0, kept = 0;
    for (int i = 0; i < TILES; i++)
        if ((double)view->tile_energy[i] >= live_energy) {
            double alike = edges_alike(view, sight, i, (int)lrint(across * IFL_SIGHT_SIDE),
                                       (int)lrint(down * IFL_SIGHT_SIDE));
            live += alike >= -1;
            kept += alike >= edges_same;
        }
    return live ? (double)kept / live : 1;
}
