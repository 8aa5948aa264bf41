// SPDX-License-Identifier: Apache-2.0
// What a camera usually shows: references and baselines, learned from good pictures alone.
//
// In: sights and features of good pictures, and how much stream time each stands for. Out: how a
// picture compares. Baselines are histograms on a log scale that forget exponentially (an hour, a
// week); references are means that forget within seconds to minutes. Plain data, no pointers: it
// is saved as it is (health.h). Its edges are a mean over minutes, in which nobody can be
// recognised. Allocates nothing.
#ifndef IFL_INGEST_VIEW_H
#define IFL_INGEST_VIEW_H

#include "ingest/sight.h"

enum { IFL_BASELINE_BINS = 96 };

struct ifl_baseline {
    float weight[IFL_BASELINE_BINS]; // seconds; a bin is a quarter of an octave of 1 + 100 value
    float total;
};
// Forgets with the time constant `memory_s`, then adds `seconds` of this value.
void ifl_baseline_add(struct ifl_baseline *baseline, double value, double seconds, double memory_s);
double ifl_baseline_quantile(const struct ifl_baseline *baseline, double share); // 0 when empty

struct ifl_view {
    double seconds; // of good pictures it has learned from
    uint64_t pictures;
    struct ifl_baseline sharpness; // an hour's, of the sight
    struct ifl_baseline detail;    // and of all pixels
    struct ifl_baseline energy;    // a week's, as the next
    struct ifl_baseline entropy;
    double level;      // log brightness of the last seconds
    double clipped;    // ifl_view_clipped of the last seconds
    double saturation; // of the last minute
    double change;     // least median change of a tile between two pictures that is usual
    double peak;       // of phase correlation with the reference
    double kept;       // share of tiles whose edges stand where the reference has them
    double likeness;   // of a picture with tile_mean, below
    float tile_mean[IFL_SIGHT_TILES * IFL_SIGHT_TILES];
    float tile_energy[IFL_SIGHT_TILES * IFL_SIGHT_TILES];
    float grey_share;
    float edges[IFL_SIGHT_SIDE * IFL_SIGHT_SIDE];
};

enum { IFL_VIEW_PICTURES_LEAST = 20, IFL_VIEW_SECONDS_LEAST = 10 };
bool ifl_view_is_known(const struct ifl_view *view);

// Sharpness of all pixels: variance of the Laplacian over that of luma.
double ifl_view_detail(const struct ifl_features *features);
double ifl_view_level(const struct ifl_features *features); // log of brightness
// Share of pixels that are as bright, or as dark, as pixels can be.
double ifl_view_clipped(const struct ifl_features *features);
// Median over the tiles of their change since the picture before, and the greatest one. Tiles that
// are as bright or as dark as can be show no noise and have no part in the median while there are
// others.
void ifl_view_change(const struct ifl_features *features, double *median, double *most);

// `seconds`: since the picture before, at most a few.
void ifl_view_learn(struct ifl_view *view, const struct ifl_sight *sight,
                    const struct ifl_features *features, double seconds);

// Correlation of the 8x8 tile means with the usual ones, -1..1; 1 where there is nothing to
// correlate.
double ifl_view_likeness(const struct ifl_view *view, const struct ifl_features *features);
// Share, of the tiles that usually have structure, of those that have lost it.
double ifl_view_lost(const struct ifl_view *view, const struct ifl_sight *sight);
// And of those whose edges stand where they usually are, moved by shares of the picture (those that
// are then outside don't count).
double ifl_view_kept(const struct ifl_view *view, const struct ifl_sight *sight, double across,
                     double down);

#endif
