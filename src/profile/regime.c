// SPDX-License-Identifier: Apache-2.0
#include "profile/regime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static const double CORRELATION_MAX = 0.3; // of neighbouring blocks
static const double CALM_SHARE = 0.9;      // of the channels that keep below it
static const double PHI_MAX = 0.8;
static const double MOVED = 1.25, MOVED_SHARE = 0.05; // deviations, and of the channels

// ---- channels ----

static const char *const foreground[] = {"foreground_share", "objects"};

const char *ifl_channel_label(int channel)
{
    return channel < IFL_FEATURE_COUNT ? ifl_feature_row((enum ifl_feature)channel)->name
                                       : foreground[channel - IFL_FEATURE_COUNT];
}

double ifl_channel_floor(int channel, double mean)
{
    double least = channel == IFL_FEATURE_COUNT + 1 ? 0.05 : 1e-3;
    return 0.005 * fabs(mean) + least;
}

bool ifl_channel_counts(int channel)
{
    return channel < IFL_FEATURE_frame_difference || channel > IFL_FEATURE_motion_peak;
}

// ---- rows and blocks ----

void ifl_rows_mean(const struct ifl_rows *rows, uint64_t first, int count, float mean[IFL_CHANNELS])
{
    double sum[IFL_CHANNELS] = {0};
    for (int i = 0; i < count; i++)
        for (int c = 0; c < IFL_CHANNELS; c++)
            sum[c] += (double)ifl_row_at(rows, first + (uint64_t)i)->value[c];
    for (int c = 0; c < IFL_CHANNELS; c++)
        mean[c] = (float)(sum[c] / count);
}

static double block_value(const struct ifl_rows *rows, uint64_t first, int level, int block,
                          int channel)
{
    double sum = 0;
    uint64_t start = first + ((uint64_t)block << level);
    for (uint64_t i = 0; i < (uint64_t)1 << level; i++)
        sum += (double)ifl_row_at(rows, start + i)->value[channel];
    return sum / (1 << level);
}

struct series { // what block means of a channel are like
    double mean, deviation, correlation;
};

static void measure(const struct ifl_rows *rows, uint64_t first, int level, int blocks, int channel,
                    struct series *series)
{
    double value[IFL_ROWS_MAX], mean = 0, square = 0, product = 0;
    for (int b = 0; b < blocks; b++)
        mean += (value[b] = block_value(rows, first, level, b, channel)) / blocks;
    for (int b = 0; b < blocks; b++) {
        square += (value[b] - mean) * (value[b] - mean);
        if (b > 0)
            product += (value[b] - mean) * (value[b - 1] - mean);
    }
    series->mean = mean;
    series->deviation = sqrt(square / (blocks - 1));
    // A short series looks less correlated than it is, by about (1 + 3 rho) / n.
    series->correlation = square > 0 ? product / square + 1.5 / blocks : 0;
}

static bool is_calm(const struct ifl_rows *rows, uint64_t first, int level, int blocks)
{
    int channels = 0, calm = 0;
    for (int c = 0; c < IFL_CHANNELS; c++) {
        struct series series;
        measure(rows, first, level, blocks, c, &series);
        if (!ifl_channel_counts(c) || series.deviation < ifl_channel_floor(c, series.mean) / 4)
            continue;
        channels++;
        calm += series.correlation < CORRELATION_MAX;
    }
    return calm >= CALM_SHARE * channels;
}

// The level to average over, or -1 and how many rows would tell.
static int choose_level(const struct ifl_rows *rows, uint64_t first, int *needed)
{
    int count = (int)(rows->count - first), level = 0;
    for (; level <= IFL_LEVEL_MAX; level++) {
        *needed = (IFL_BLOCKS_MIN << level) * (level ? 5 : 4) / 4; // with the rows left out
        if (count < *needed)
            return -1;
        if (is_calm(rows, first, level, count >> level))
            return level;
    }
    return IFL_LEVEL_MAX;
}

bool ifl_rows_move(const struct ifl_rows *rows, uint64_t first)
{
    int level = 4, moved = 0, channels = 0, count = (int)(rows->count - first);
    while (level > 0 && count / 3 >> level < 8)
        level--;
    int blocks = count / 3 >> level;
    if (blocks < 4)
        return false;
    for (int c = 0; c < IFL_CHANNELS; c++) {
        struct series start, end;
        measure(rows, first, level, blocks, c, &start);
        measure(rows, rows->count - ((uint64_t)blocks << level), level, blocks, c, &end);
        double spread =
            fmax(hypot(start.deviation, end.deviation) / sqrt(2), ifl_channel_floor(c, end.mean));
        channels += ifl_channel_counts(c);
        moved += ifl_channel_counts(c) && fabs(end.mean - start.mean) > MOVED * spread;
    }
    return moved > 1 && moved > MOVED_SHARE * channels;
}

// ---- learning ----

static void learn_channel(struct ifl_regime *regime, int c, double tolerance)
{
    struct ifl_channel_model *model = &regime->channel[c];
    const float *value = regime->value[c];
    double mean = 0, square = 0, product = 0;
    for (int b = 0; b < regime->blocks; b++)
        mean += (double)value[b] / regime->blocks;
    for (int b = 0; b < regime->blocks; b++) {
        square += pow((double)value[b] - mean, 2);
        if (b > 0)
            product += ((double)value[b] - mean) * ((double)value[b - 1] - mean);
    }
    double deviation = sqrt(square / (regime->blocks - 1));
    double unit = fmax(deviation, ifl_channel_floor(c, mean));
    double phi = square > 0 ? product / square + 1.5 / regime->blocks : 0;
    model->mean = (float)mean;
    model->unit = (float)unit;
    model->phi = (float)(deviation < unit ? 0 : fmin(fmax(phi, 0), PHI_MAX));
    // A lasting change of d in the values is one of d (1 - phi) in the residuals.
    model->slack = (float)(tolerance * unit) * (1 - model->phi);
    regime->ranked[c] = 0;
    struct ifl_ranks ranks = ifl_regime_ranks(regime, c);
    for (int b = 1; b < regime->blocks; b++)
        ifl_ranks_add(&ranks, value[b] - model->mean - model->phi * (value[b - 1] - model->mean));
    regime->ranked[c] = ranks.count;
}

static void block_vector(const struct ifl_regime *regime, int block, float x[IFL_CHANNELS])
{
    for (int c = 0; c < IFL_CHANNELS; c++)
        x[c] = regime->value[c][block];
}

static void standardise(const struct ifl_regime *regime, const float x[IFL_CHANNELS],
                        float z[IFL_CHANNELS])
{
    for (int c = 0; c < IFL_CHANNELS; c++)
        z[c] =
            ifl_channel_counts(c) ? (x[c] - regime->model.mean[c]) / regime->model.deviation[c] : 0;
}

static int rising(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

// The median distance between blocks (Gretton 2012), over neighbours at some steps.
static float median_distance(const struct ifl_regime *regime, int blocks)
{
    float distance[IFL_REFERENCE_MAX], a[IFL_CHANNELS], b[IFL_CHANNELS], z[2][IFL_CHANNELS];
    for (int i = 0; i < blocks; i++) {
        double square = 0;
        block_vector(regime, i, a);
        block_vector(regime, (i + 1 + i % 7) % blocks, b);
        standardise(regime, a, z[0]);
        standardise(regime, b, z[1]);
        for (int c = 0; c < IFL_CHANNELS; c++)
            square += pow((double)z[0][c] - (double)z[1][c], 2);
        distance[i] = (float)sqrt(square);
    }
    qsort(distance, (size_t)blocks, sizeof *distance, rising);
    return fmaxf(distance[blocks / 2], 1e-3f);
}

static void map_block(const struct ifl_regime *regime, const struct ifl_fourier *fourier,
                      const float x[IFL_CHANNELS], float mapped[IFL_FOURIER])
{
    float z[IFL_CHANNELS];
    standardise(regime, x, z);
    for (int c = 0; c < IFL_CHANNELS; c++)
        z[c] /= regime->kernel_scale;
    ifl_fourier_map(fourier, z, mapped);
}

void ifl_regime_joint(const struct ifl_regime *regime, const struct ifl_fourier *fourier,
                      const float mean[IFL_CHANNELS], double score[IFL_JOINT])
{
    struct ifl_model_view view;
    float mapped[IFL_FOURIER];
    double alike = 0;
    ifl_model_look(&regime->model, mean, &view);
    map_block(regime, fourier, mean, mapped);
    for (int i = 0; i < IFL_FOURIER; i++)
        alike += (double)mapped[i] * (double)regime->kernel_mean[i];
    score[IFL_JOINT_ERROR] = view.error2;
    score[IFL_JOINT_DISTANCE] = view.distance2;
    score[IFL_JOINT_PAIR] = view.pair;
    score[IFL_JOINT_KERNEL] = -alike;
}

// The models are fitted to the first half of the blocks and judged by the rest, which they have
// not seen. (Every other block would not do: neighbours are too much alike.)
static void fit_models(struct ifl_regime *regime, const struct ifl_fourier *fourier)
{
    static _Thread_local struct ifl_model_sums sums;
    double origin[IFL_CHANNELS], unit[IFL_CHANNELS];
    float x[IFL_CHANNELS], mapped[IFL_FOURIER];
    int half = regime->blocks / 2;
    regime->fitted = regime->blocks;
    for (int c = 0; c < IFL_CHANNELS; c++) {
        origin[c] = (double)regime->channel[c].mean;
        unit[c] = ifl_channel_floor(c, origin[c]);
    }
    ifl_model_begin(&sums, IFL_CHANNELS, origin, unit);
    for (int b = 0; b < half; b++) {
        block_vector(regime, b, x);
        ifl_model_add(&sums, x);
    }
    ifl_model_fit(&sums, -1, &regime->model);
    regime->kernel_scale = median_distance(regime, half);
    memset(regime->kernel_mean, 0, sizeof regime->kernel_mean);
    for (int b = 0; b < half; b++) {
        block_vector(regime, b, x);
        map_block(regime, fourier, x, mapped);
        for (int i = 0; i < IFL_FOURIER; i++)
            regime->kernel_mean[i] += mapped[i] / (float)half;
    }
}

static void learn_joint(struct ifl_regime *regime, const struct ifl_fourier *fourier,
                        double tolerance)
{
    double score[IFL_JOINT], sum[IFL_JOINT] = {0}, square[IFL_JOINT] = {0};
    float x[IFL_CHANNELS];
    int count = 0;
    for (int j = 0; j < IFL_JOINT; j++)
        regime->ranked[IFL_CHANNELS + j] = 0;
    for (int b = regime->blocks / 2; b < regime->blocks; b++, count++) {
        block_vector(regime, b, x);
        ifl_regime_joint(regime, fourier, x, score);
        for (int j = 0; j < IFL_JOINT; j++) {
            struct ifl_ranks ranks = ifl_regime_ranks(regime, IFL_CHANNELS + j);
            ifl_ranks_add(&ranks, (float)score[j]);
            regime->ranked[IFL_CHANNELS + j] = ranks.count;
            sum[j] += score[j];
            square[j] += score[j] * score[j];
        }
    }
    for (int j = 0; j < IFL_JOINT; j++) {
        double mean = sum[j] / count;
        double unit = sqrt(fmax(square[j] / count - mean * mean, 1e-12));
        regime->channel[IFL_CHANNELS + j] = (struct ifl_channel_model){
            .mean = (float)mean, .unit = (float)unit, .slack = (float)(tolerance * unit)};
    }
}

static void learn_tiles(struct ifl_regime *regime, const struct ifl_rows *rows, uint64_t first)
{
    double n = (double)(rows->count - first);
    for (int t = 0; t < IFL_TILE_COUNT; t++) {
        double sum = 0, square = 0;
        for (uint64_t i = first; i < rows->count; i++) {
            double tile = (double)ifl_row_at(rows, i)->tile[t];
            sum += tile;
            square += tile * tile;
        }
        regime->tile_mean[t] = (float)(sum / n);
        regime->tile_deviation[t] = (float)sqrt(fmax(square / n - sum / n * (sum / n), 0.25));
    }
}

// Fills value[][] with the newest blocks, in order; returns the row where they begin.
static uint64_t take_blocks(struct ifl_regime *regime, const struct ifl_rows *rows, uint64_t first,
                            struct ifl_rng *rng)
{
    uint64_t size = (uint64_t)1 << regime->level, start[IFL_REFERENCE_MAX];
    int blocks = 0;
    for (uint64_t end = rows->count; blocks < IFL_REFERENCE_MAX && end >= first + size;) {
        start[blocks++] = end - size;
        uint64_t gap = (uint64_t)ifl_regime_gap(regime->level, rng);
        if (end < first + size + gap)
            break;
        end -= size + gap;
    }
    for (int b = 0; b < blocks; b++)
        for (int c = 0; c < IFL_CHANNELS; c++)
            regime->value[c][b] =
                (float)block_value(rows, start[blocks - 1 - b], regime->level, 0, c);
    regime->blocks = blocks;
    return start[blocks - 1];
}

int ifl_regime_learn(struct ifl_regime *regime, const struct ifl_rows *rows, uint64_t first,
                     double tolerance, const struct ifl_fourier *fourier, struct ifl_rng *rng)
{
    int needed, level = choose_level(rows, first, &needed);
    if (level < 0)
        return needed;
    regime->level = level;
    uint64_t start = take_blocks(regime, rows, first, rng);
    double seconds = 0;
    for (uint64_t i = start; i < rows->count; i++)
        seconds += (double)ifl_row_at(rows, i)->seconds;
    regime->block_seconds = (float)(seconds / regime->blocks);
    for (int c = 0; c < IFL_CHANNELS; c++)
        learn_channel(regime, c, tolerance);
    fit_models(regime, fourier);
    learn_joint(regime, fourier, tolerance);
    learn_tiles(regime, rows, start);
    regime->first_wall_ns = ifl_row_at(rows, first)->wall_ns;
    regime->last_wall_ns = ifl_row_at(rows, rows->count - 1)->wall_ns;
    return 0;
}

void ifl_regime_refit(struct ifl_regime *regime, double tolerance,
                      const struct ifl_fourier *fourier)
{
    if (regime->blocks < 2 * regime->fitted && regime->blocks < IFL_REFERENCE_MAX)
        return;
    if (regime->fitted == IFL_REFERENCE_MAX)
        return;
    fit_models(regime, fourier);
    learn_joint(regime, fourier, tolerance);
}

// ---- known regimes ----

enum { WAY = 20 };
static const double FIT_RMS = 1.5, FIT_MOST = 3; // in deviations of a block mean
static const double SLACK_SHARE = 0.2;           // of the gap between two regimes

static double misfit(const struct ifl_regime *from, const struct ifl_regime *to,
                     const float mean[IFL_CHANNELS], double share)
{
    double square = 0, most = 0;
    int channels = 0;
    for (int c = 0; c < IFL_CHANNELS; c++) {
        if (!ifl_channel_counts(c))
            continue;
        const struct ifl_channel_model *b = &to->channel[c], *a = from ? &from->channel[c] : b;
        double gap = (double)b->mean - (double)a->mean;
        double unit = (double)fmaxf(a->unit, b->unit) + SLACK_SHARE * fabs(gap);
        double d = fabs((double)mean[c] - (double)a->mean - share * gap) / unit;
        square += d * d;
        most = fmax(most, d);
        channels++;
    }
    return most > FIT_MOST ? INFINITY : sqrt(square / channels);
}

double ifl_regime_progress(const struct ifl_regime *from, const struct ifl_regime *to,
                           const float mean[IFL_CHANNELS])
{
    if (!from)
        return misfit(NULL, to, mean, 1) <= FIT_RMS ? 1 : -1;
    double best = INFINITY, at = -1;
    for (int step = 0; step <= WAY; step++) {
        double share = (double)step / WAY, bad = misfit(from, to, mean, share);
        if (bad < best) {
            best = bad;
            at = share;
        }
    }
    return best <= FIT_RMS ? at : -1;
}
