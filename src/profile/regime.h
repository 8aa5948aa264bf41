// SPDX-License-Identifier: Apache-2.0
// A regime: one state of the stream (day, night, rush hour), and how its block means behave while
// it lasts. In: rows, one a base block of about a second. Out: ranks, models, and how far a mean of
// rows lies from it. Plain storage; one thread.
//
// Values are averaged over blocks of 2^level rows, the shortest over which neighbours correlate
// less than 0.3; what correlation is left is taken out as AR(1). Between two blocks some rows are
// left out, by chance: a stream that repeats itself (a looped file, a traffic light) would else be
// looked at in the same few phases for long, and then in others.
#ifndef IFL_PROFILE_REGIME_H
#define IFL_PROFILE_REGIME_H

#include "inferloop/image.h"
#include "profile/compare.h"
#include "profile/evidence.h"
#include "profile/model.h"

enum {
    IFL_CHANNELS = IFL_MODEL_DIMS, // the features, then foreground share and objects
    IFL_JOINT = 4,                 // scores of all channels at once
    IFL_SERIES = IFL_CHANNELS + IFL_JOINT,
    IFL_ROWS_MAX = 2048,     // kept; about half an hour
    IFL_REFERENCE_MAX = 512, // blocks
    IFL_BLOCKS_MIN = 48,     // that a regime is learned from
    IFL_LEVEL_MAX = 5,
    IFL_TILE_COUNT = IFL_TILES * IFL_TILES,
};

enum ifl_joint_score { IFL_JOINT_ERROR, IFL_JOINT_DISTANCE, IFL_JOINT_PAIR, IFL_JOINT_KERNEL };

const char *ifl_channel_label(int channel);
// The least deviation that can matter around this mean, in the channel's unit.
double ifl_channel_floor(int channel, double mean);
// False for motion: it depends on how many frames we drop. Such channels are held at 0.
bool ifl_channel_counts(int channel);

struct ifl_row {
    float value[IFL_CHANNELS];
    float tile[IFL_TILE_COUNT];
    int64_t wall_ns, stream_ns; // of its first frame
    uint64_t sequence;
    float seconds;
};
// The newest rows; row i of all there ever were, for `count` - IFL_ROWS_MAX <= i < count.
struct ifl_rows {
    uint64_t count;
    struct ifl_row row[IFL_ROWS_MAX];
};
static inline const struct ifl_row *ifl_row_at(const struct ifl_rows *rows, uint64_t index)
{
    return &rows->row[index % IFL_ROWS_MAX];
}
static inline uint64_t ifl_rows_oldest(const struct ifl_rows *rows)
{
    return rows->count > IFL_ROWS_MAX ? rows->count - IFL_ROWS_MAX : 0;
}
// Mean of `count` rows from `first` on.
void ifl_rows_mean(const struct ifl_rows *rows, uint64_t first, int count,
                   float mean[IFL_CHANNELS]);

struct ifl_regime {
    bool used, accepted;
    int level;
    float block_seconds;
    int64_t first_wall_ns, last_wall_ns; // when it was seen
    uint32_t visits;
    float tile_mean[IFL_TILE_COUNT], tile_deviation[IFL_TILE_COUNT];
    struct ifl_channel_model {
        float mean, phi;
        float unit;  // deviation of block means, at least the floor
        float slack; // tolerance, of residuals
    } channel[IFL_SERIES];
    int ranked[IFL_SERIES], blocks;
    int fitted;                                    // blocks, half of them, that the models are of
    float residual[IFL_SERIES][IFL_REFERENCE_MAX]; // in rising order
    float value[IFL_CHANNELS][IFL_REFERENCE_MAX];  // block means, `blocks` of them
    struct ifl_model model;                        // of block means
    float kernel_scale, kernel_mean[IFL_FOURIER];
    struct ifl_image *picture; // a typical one, or NULL
    int64_t picture_wall_ns;
};

// How many rows to leave out after a block: by chance up to half of it.
static inline int ifl_regime_gap(int level, struct ifl_rng *rng)
{
    return level ? (int)ifl_rng_below(rng, (1u << (level - 1)) + 1) : 0;
}

// Learns from the rows first .. count - 1. Returns 0, or how many rows it needs at least.
int ifl_regime_learn(struct ifl_regime *regime, const struct ifl_rows *rows, uint64_t first,
                     double tolerance, const struct ifl_fourier *fourier, struct ifl_rng *rng);
// Fits the models to what has come since, each time the blocks have doubled.
void ifl_regime_refit(struct ifl_regime *regime, double tolerance,
                      const struct ifl_fourier *fourier);
// True where the rows' first and last third differ by more than chance: still on its way.
bool ifl_rows_move(const struct ifl_rows *rows, uint64_t first);

// The scores of a block mean.
void ifl_regime_joint(const struct ifl_regime *regime, const struct ifl_fourier *fourier,
                      const float mean[IFL_CHANNELS], double score[IFL_JOINT]);
static inline struct ifl_ranks ifl_regime_ranks(struct ifl_regime *regime, int series)
{
    return (struct ifl_ranks){regime->ranked[series], IFL_REFERENCE_MAX, regime->residual[series]};
}
// How well a mean of rows fits on the way from one regime to another: the share of the way (1: it
// is there), or -1 where it lies elsewhere. `from` NULL: only whether it is there.
double ifl_regime_progress(const struct ifl_regime *from, const struct ifl_regime *to,
                           const float mean[IFL_CHANNELS]);

#endif
