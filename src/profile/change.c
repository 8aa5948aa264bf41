// SPDX-License-Identifier: Apache-2.0
#include "profile/change.h"

#include <math.h>
#include <string.h>

enum {
    CELLS = 128,       // the history is looked at in so many parts
    HISTORY = 1200,    // rows before the hint
    GRADUAL_LEAST = 60 // seconds
};
static const double CHANNEL_LEAST = 1.5; // deviations below which no channel tells by itself
static const double LIGHT_DEVIATIONS = 3, LIGHT_LEAST = 0.03;
static const double RAMP_BETTER = 1.05; // unexplained variance of a step over that of a slope

// ---- themes ----

static const struct theme {
    const char *part, *theme;
} themes[] = {
    {"foreground", "activity"},  {"objects", "activity"}, {"motion", "activity"},
    {"noise", "noise"},          {"blockiness", "noise"}, {"color", "colour"},
    {"saturation", "colour"},    {"hue", "colour"},       {"red_", "colour"},
    {"green_", "colour"},        {"blue_", "colour"},     {"laplacian", "sharpness"},
    {"gradient_e", "sharpness"}, {"edge", "sharpness"},   {"spectral", "sharpness"},
    {"mscn", "sharpness"},       {"lbp", "texture"},      {"complexity", "texture"},
    {"symmetry", "view"},        {"centroid", "view"},    {"thirds", "view"},
    {"brightness", "light"},     {"contrast", "light"},   {"dynamic", "light"},
    {"luma", "light"},           {"clipped", "light"},    {"entropy", "light"},
};

const char *ifl_channel_theme(int channel)
{
    const char *name = ifl_channel_label(channel);
    for (size_t i = 0; i < sizeof themes / sizeof themes[0]; i++)
        if (strstr(name, themes[i].part))
            return themes[i].theme;
    return "picture";
}

// ---- when and how ----

struct history {
    uint64_t first;
    int cells, rows; // rows in a cell
    double value[CELLS];
};

// The channels that have moved, as one signal: each in deviations, weighted by how far it went.
static double signal_weights(const struct ifl_regime *reference, const float after[IFL_CHANNELS],
                             double weight[IFL_CHANNELS])
{
    double most = 0;
    for (int c = 0; c < IFL_CHANNELS; c++) {
        const struct ifl_channel_model *model = &reference->channel[c];
        double d = (double)(after[c] - model->mean) / (double)model->unit;
        weight[c] = ifl_channel_counts(c) ? fmax(-1e3, fmin(1e3, d)) : 0;
        most = fmax(most, fabs(weight[c]));
    }
    for (int c = 0; c < IFL_CHANNELS; c++)
        weight[c] = fabs(weight[c]) < most / 2 ? 0 : weight[c];
    return most;
}

static double signal_of(const struct ifl_regime *reference, const struct ifl_row *row,
                        const double *weight, bool relations)
{
    if (relations) {
        struct ifl_model_view view;
        ifl_model_look(&reference->model, row->value, &view);
        return view.error2;
    }
    double sum = 0;
    for (int c = 0; c < IFL_CHANNELS; c++)
        sum += weight[c] * (double)(row->value[c] - reference->channel[c].mean) /
               (double)reference->channel[c].unit;
    return sum;
}

static void fill_history(struct history *history, const struct ifl_regime *reference,
                         const struct ifl_rows *rows, uint64_t first, const double *weight,
                         bool relations)
{
    int count = (int)(rows->count - first);
    history->rows = (count + CELLS - 1) / CELLS;
    history->cells = count / history->rows;
    history->first = rows->count - (uint64_t)(history->cells * history->rows);
    for (int i = 0; i < history->cells; i++) {
        history->value[i] = 0;
        for (int k = 0; k < history->rows; k++) {
            uint64_t at = history->first + (uint64_t)(i * history->rows + k);
            history->value[i] +=
                signal_of(reference, ifl_row_at(rows, at), weight, relations) / history->rows;
        }
    }
}

// How much of the variance a level, a slope from cell `from` to cell `to`, and a level explain.
static double explained(const struct history *history, double mean, int from, int to)
{
    double shape_mean = 0, product = 0, square = 0;
    int n = history->cells;
    for (int i = 0; i < n; i++)
        shape_mean += fmin(1, fmax(0, (i + 1.0 - from) / (to - from + 1.0))) / n;
    for (int i = 0; i < n; i++) {
        double shape = fmin(1, fmax(0, (i + 1.0 - from) / (to - from + 1.0))) - shape_mean;
        product += shape * (history->value[i] - mean);
        square += shape * shape;
    }
    return square > 0 ? product * product / square : 0;
}

static void find_slope(const struct history *history, const struct ifl_rows *rows, double least,
                       struct ifl_change *change)
{
    double mean = 0, variance = 0, step = 0, slope = 0;
    int at = 0, from = 0, to = 0, n = history->cells;
    for (int i = 0; i < n; i++)
        mean += history->value[i] / n;
    for (int i = 0; i < n; i++)
        variance += (history->value[i] - mean) * (history->value[i] - mean);
    for (int a = 0; a < n; a++)
        for (int b = a; b < n; b++) {
            double part = explained(history, mean, a, b);
            if (a == b && part > step) {
                step = part;
                at = a;
            }
            if (part > slope) {
                slope = part;
                from = a;
                to = b;
            }
        }
    double seconds = 0;
    for (int i = from * history->rows; i < to * history->rows; i++)
        seconds += (double)ifl_row_at(rows, history->first + (uint64_t)i)->seconds;
    change->gradual =
        seconds >= least && variance - step > RAMP_BETTER * fmax(variance - slope, 1e-9);
    if (!change->gradual)
        from = to = at;
    change->seconds = change->gradual ? seconds : 0;
    change->first = history->first + (uint64_t)(from * history->rows);
    change->settled = history->first + (uint64_t)(to * history->rows);
}

// ---- what ----

static void make_sketch(struct ifl_kll *sketch, const float *value, int count)
{
    ifl_kll_init(sketch, 1);
    for (int i = 0; i < count; i++)
        ifl_kll_add(sketch, value[i]);
}

// Block means of the rows since `first`, as the reference has them.
static int blocks_since(const struct ifl_rows *rows, uint64_t first, int level, int channel,
                        float value[IFL_ROWS_MAX])
{
    int count = 0;
    uint64_t size = (uint64_t)1 << level;
    for (uint64_t at = rows->count; at >= first + size; at -= size) {
        double sum = 0;
        for (uint64_t i = at - size; i < at; i++)
            sum += (double)ifl_row_at(rows, i)->value[channel];
        value[count++] = (float)(sum / (double)size);
    }
    return count;
}

struct finding {
    double score, e, before, after;
};

static void find_channel(const struct ifl_regime *reference, const struct ifl_rows *rows,
                         uint64_t first, int channel, struct finding *finding)
{
    static _Thread_local float value[IFL_ROWS_MAX];
    static _Thread_local struct ifl_kll before, after;
    struct ifl_comparison comparison;
    int count = blocks_since(rows, first, reference->level, channel, value);
    make_sketch(&before, reference->value[channel], reference->blocks);
    make_sketch(&after, value, count);
    ifl_compare(&before, &after, &comparison);
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (double)value[i];
    const struct ifl_channel_model *model = &reference->channel[channel];
    finding->before = (double)model->mean;
    finding->after = count ? sum / count : (double)model->mean;
    // As ifl_compare's w1, but in deviations that are not below what matters.
    finding->score = fmax(fabs(finding->after - finding->before) / (double)model->unit, 0);
    if (isfinite(comparison.w1) && comparison.w1 > finding->score && finding->score > 0)
        finding->score = fmin(comparison.w1, 2 * finding->score);
    finding->e = count ? ifl_e_of_p(comparison.ks_p) : 0;
}

// Which channels' part of the distance has grown most.
static void find_relations(const struct ifl_regime *reference, const struct ifl_rows *rows,
                           uint64_t first, struct finding finding[IFL_CHANNELS])
{
    const struct ifl_model *model = &reference->model;
    float z[IFL_CHANNELS];
    double n = (double)(rows->count - first);
    for (int c = 0; c < IFL_CHANNELS; c++)
        finding[c].score = 0;
    for (uint64_t i = first; i < rows->count; i++) {
        for (int c = 0; c < IFL_CHANNELS; c++)
            z[c] = (ifl_row_at(rows, i)->value[c] - model->mean[c]) / model->deviation[c];
        for (int a = model->kept; a < model->dims; a++) {
            float along = 0;
            for (int c = 0; c < IFL_CHANNELS; c++)
                along += model->axis[a][c] * z[c];
            for (int c = 0; c < IFL_CHANNELS; c++)
                finding[c].score +=
                    (double)(along * model->axis[a][c] * z[c] * model->weight[a]) / n;
        }
    }
}

static void choose_channels(const struct finding finding[IFL_CHANNELS], const bool *keep,
                            struct ifl_change *change)
{
    bool taken[IFL_CHANNELS] = {false};
    for (change->channels = 0; change->channels < IFL_INCIDENT_FEATURES; change->channels++) {
        int best = -1, i = change->channels;
        for (int c = 0; c < IFL_CHANNELS; c++)
            if (!taken[c] && keep[c] && (best < 0 || finding[c].score > finding[best].score))
                best = c;
        if (best < 0)
            return;
        if (i == 0 && change->light) // what the others follow
            best = IFL_FEATURE_brightness_mean;
        taken[best] = true;
        change->channel[i] = best;
        change->before[i] = finding[best].before;
        change->after[i] = finding[best].after;
        change->score[i] = finding[best].score;
    }
}

// The picture is brighter or darker, and not of another colour.
static bool is_light(const struct finding finding[IFL_CHANNELS])
{
    const struct finding *light = &finding[IFL_FEATURE_brightness_mean];
    const struct finding *red = &finding[IFL_FEATURE_red_mean],
                         *blue = &finding[IFL_FEATURE_blue_mean];
    double change = fabs(light->after - light->before);
    double colour = fabs(red->after - red->before - (blue->after - blue->before));
    return light->score > LIGHT_DEVIATIONS && change > LIGHT_LEAST && colour < change / 2;
}

static void find_channels(const struct ifl_regime *reference, const struct ifl_rows *rows,
                          uint64_t first, struct ifl_change *change)
{
    struct finding finding[IFL_CHANNELS];
    double e[IFL_CHANNELS];
    bool keep[IFL_CHANNELS];
    for (int c = 0; c < IFL_CHANNELS; c++) {
        find_channel(reference, rows, first, c, &finding[c]);
        e[c] = ifl_channel_counts(c) ? finding[c].e : 0;
    }
    int kept = ifl_ebh(e, IFL_CHANNELS, 0.05, keep);
    if (change->relations)
        find_relations(reference, rows, first, finding);
    for (int c = 0; c < IFL_CHANNELS; c++)
        keep[c] = ifl_channel_counts(c) && (change->relations || !kept || keep[c]);
    change->light = !change->relations && is_light(finding);
    choose_channels(finding, keep, change);
}

// ---- where ----

void ifl_tiles_region(const float score[IFL_TILE_COUNT], double region[4])
{
    float most = 0;
    int left = IFL_TILES, right = -1, top = IFL_TILES, bottom = -1, count = 0;
    for (int t = 0; t < IFL_TILE_COUNT; t++)
        most = fmaxf(most, score[t]);
    for (int t = 0; t < IFL_TILE_COUNT; t++) {
        if (most <= 0 || score[t] < most / 2)
            continue;
        int x = t % IFL_TILES, y = t / IFL_TILES;
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
        count++;
    }
    bool all = count == 0 || count > IFL_TILE_COUNT * 6 / 10;
    region[0] = all ? 0 : (double)left / IFL_TILES;
    region[1] = all ? 0 : (double)top / IFL_TILES;
    region[2] = all ? 0 : (double)(right + 1 - left) / IFL_TILES;
    region[3] = all ? 0 : (double)(bottom + 1 - top) / IFL_TILES;
}

static void find_region(const struct ifl_regime *reference, const struct ifl_rows *rows,
                        uint64_t first, double region[4])
{
    float score[IFL_TILE_COUNT];
    double n = (double)(rows->count - first);
    for (int t = 0; t < IFL_TILE_COUNT; t++) {
        double sum = 0;
        for (uint64_t i = first; i < rows->count; i++)
            sum += (double)ifl_row_at(rows, i)->tile[t];
        score[t] = (float)(fabs(sum / n - (double)reference->tile_mean[t]) /
                           (double)reference->tile_deviation[t]);
    }
    ifl_tiles_region(score, region);
}

void ifl_change_describe(const struct ifl_regime *reference, const struct ifl_rows *rows,
                         uint64_t hint, uint64_t earliest, struct ifl_change *change)
{
    static _Thread_local struct history history;
    double weight[IFL_CHANNELS];
    float after[IFL_CHANNELS];
    uint64_t oldest = ifl_rows_oldest(rows);
    earliest = earliest < oldest ? oldest : earliest;
    hint = hint < earliest ? earliest : hint >= rows->count ? rows->count - 1 : hint;
    *change = (struct ifl_change){.first = hint, .settled = hint};
    ifl_rows_mean(rows, hint, (int)(rows->count - hint), after);
    change->relations = signal_weights(reference, after, weight) < CHANNEL_LEAST;
    if (hint > earliest + HISTORY)
        earliest = hint - HISTORY;
    fill_history(&history, reference, rows, earliest, weight, change->relations);
    if (history.cells >= 4)
        find_slope(&history, rows, fmax(GRADUAL_LEAST, 3 * (double)reference->block_seconds),
                   change);
    change->first_wall_ns = ifl_row_at(rows, change->first)->wall_ns;
    change->first_sequence = ifl_row_at(rows, change->first)->sequence;
    uint64_t blocks = (uint64_t)2 << reference->level, since = change->settled;
    if (rows->count - since < blocks) // on its way still: what it has come to
        since = rows->count -
                (rows->count - change->first < blocks ? rows->count - change->first : blocks);
    find_channels(reference, rows, since, change);
    find_region(reference, rows, since, change->region);
}
