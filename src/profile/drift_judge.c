// SPDX-License-Identifier: Apache-2.0
// One block after the other against the current regime: CUSUM on normal scores as a warning, the
// e-SR sum over all series as the alarm. Before an alarm is raised, known regimes are asked.
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "profile/drift_state.h"

static const double ALLOWANCE = 0.5;        // Page's k
static const double JOINT_WEIGHT = 0.5;     // of the joint scores in the sum of evidence
static const double WARNINGS_AN_ALARM = 30; // so many times more often may a warning be false
static const double DEFER_S = 1800;         // longest way to a known regime
static const double DOUBT = 0.25;           // of the warning's limit
static const double UNDONE = 0.35;          // of the change that may be left
static const double ARRIVED = 0.85;         // of the way

enum {
    RETURN_BLOCKS = 4, // that are compared with a known regime
    RANKS_ENOUGH = 48,
};

static int counted_channels(void)
{
    int count = 0;
    for (int c = 0; c < IFL_CHANNELS; c++)
        count += ifl_channel_counts(c);
    return count;
}

void ifl_drift_watch(struct ifl_drift *drift, int regime)
{
    const struct ifl_regime *watched = &drift->regime[regime];
    double blocks = drift->alarm_seconds / WARNINGS_AN_ALARM / (double)watched->block_seconds;
    drift->state = IFL_DRIFT_WATCHING;
    drift->current = regime;
    drift->watch_first = drift->rows.count;
    drift->pending = 0;
    drift->last_known = false;
    drift->blocks = 0;
    drift->evidence = 0;
    drift->deferred_ns = -1;
    drift->warning_limit =
        ifl_cusum_limit(ALLOWANCE, fmax(2, blocks * (counted_channels() + IFL_JOINT)));
    memset(drift->series, 0, sizeof drift->series);
    memset(drift->cusum, 0, sizeof drift->cusum);
    for (int s = 0; s < IFL_SERIES; s++)
        drift->high_since[s] = drift->low_since[s] = drift->rows.count;
    ifl_drift_clear(drift, IFL_INCIDENT_DRIFT_WARNING);
    drift->warned = false;
}

// ---- one series ----

// A series in doubt does not teach what is normal; but ranks among few values are right only while
// each new one joins them.
static bool in_doubt(const struct ifl_drift *drift, int series, int ranked)
{
    const struct ifl_cusum *cusum = &drift->cusum[series];
    return ranked >= RANKS_ENOUGH && fmax(cusum->high, cusum->low) > drift->warning_limit * DOUBT;
}

static void judge_value(struct ifl_drift *drift, struct ifl_regime *regime, int series,
                        double value)
{
    struct ifl_ranks ranks = ifl_regime_ranks(regime, series);
    struct ifl_surprise surprise;
    bool joint = series >= IFL_CHANNELS;
    double slack = (double)regime->channel[series].slack;
    ifl_ranks_judge(&ranks, value, slack, &drift->rng, &surprise);
    if (joint) // only what is stranger than usual is a change
        surprise.rank_down = surprise.p_down = 1;
    ifl_evidence_add(&drift->series[series], &surprise, 0, (double)regime->block_seconds);
    // As ifl_cusum_add, with the tolerance taken off on each side; joint scores, which have no unit
    // that it could be of, keep it here, so that what is in doubt is soon known.
    struct ifl_cusum *cusum = &drift->cusum[series];
    if (joint)
        ifl_ranks_judge(&ranks, value, 0, &drift->rng, &surprise);
    cusum->high = fmax(0, cusum->high + ifl_normal_quantile(surprise.rank_up) - ALLOWANCE);
    if (!joint)
        cusum->low = fmax(0, cusum->low - ifl_normal_quantile(surprise.rank_down) - ALLOWANCE);
    uint64_t begin = drift->rows.count - ((uint64_t)1 << regime->level);
    if (cusum->high <= 0)
        drift->high_since[series] = drift->rows.count;
    else if (drift->high_since[series] > begin)
        drift->high_since[series] = begin;
    if (cusum->low <= 0)
        drift->low_since[series] = drift->rows.count;
    else if (drift->low_since[series] > begin)
        drift->low_since[series] = begin;
    if (!in_doubt(drift, series, ranks.count)) {
        ifl_ranks_add(&ranks, (float)value);
        regime->ranked[series] = ranks.count;
    }
}

// ---- all of them ----

static void sum_evidence(struct ifl_drift *drift)
{
    double channels = 0, joint = 0;
    for (int s = 0; s < IFL_SERIES; s++) {
        double mean = ifl_evidence_mean(&drift->series[s], IFL_BETS);
        if (s >= IFL_CHANNELS)
            joint += mean / IFL_JOINT;
        else if (ifl_channel_counts(s))
            channels += mean / counted_channels();
    }
    drift->evidence = JOINT_WEIGHT * joint + (1 - JOINT_WEIGHT) * channels;
}

static int strongest_series(const struct ifl_drift *drift)
{
    int best = 0;
    double most = -1;
    for (int s = 0; s < IFL_SERIES; s++) {
        double mean = ifl_evidence_mean(&drift->series[s], IFL_BETS);
        if (mean > most && (s >= IFL_CHANNELS || ifl_channel_counts(s))) {
            most = mean;
            best = s;
        }
    }
    return best;
}

static int strongest_cusum(const struct ifl_drift *drift, double *most)
{
    int best = 0;
    *most = 0;
    for (int s = 0; s < IFL_SERIES; s++) {
        double value = fmax(drift->cusum[s].high, drift->cusum[s].low);
        if (value > *most && (s >= IFL_CHANNELS || ifl_channel_counts(s))) {
            *most = value;
            best = s;
        }
    }
    return best;
}

static void judge_warning(struct ifl_drift *drift)
{
    double most;
    int series = strongest_cusum(drift, &most);
    if (!drift->warned && most > drift->warning_limit) {
        drift->warned = true;
        drift->warnings++;
        ifl_drift_report_warning(drift, series);
    } else if (drift->warned && most < drift->warning_limit / 2) {
        drift->warned = false;
        ifl_drift_clear(drift, IFL_INCIDENT_DRIFT_WARNING);
    }
}

// The row where the strongest series left its usual course.
static uint64_t change_hint(const struct ifl_drift *drift)
{
    int series = strongest_series(drift);
    const struct ifl_cusum *cusum = &drift->cusum[series];
    uint64_t since =
        cusum->high >= cusum->low ? drift->high_since[series] : drift->low_since[series];
    return since < drift->rows.count ? since : drift->rows.count - 1;
}

// ---- known regimes ----

static void enter_known(struct ifl_drift *drift, int index)
{
    struct ifl_regime *regime = &drift->regime[index];
    regime->visits++;
    ifl_drift_watch(drift, index);
    if (regime->accepted) {
        drift->alarm = false;
        ifl_drift_clear(drift, IFL_INCIDENT_DRIFT);
    } else {
        ifl_drift_report_known(drift, index);
        drift->alarm = true;
    }
}

// The regime that the newest rows belong to or are on their way to, or -1.
static int find_known(const struct ifl_drift *drift, const struct ifl_regime *from,
                      double *progress)
{
    float mean[IFL_CHANNELS];
    int best = -1;
    *progress = 0;
    for (int i = 0; i < IFL_REGIMES_MAX; i++) {
        const struct ifl_regime *regime = &drift->regime[i];
        uint64_t rows = (uint64_t)RETURN_BLOCKS << regime->level;
        if (!regime->used || regime == from || drift->rows.count < rows)
            continue;
        ifl_rows_mean(&drift->rows, drift->rows.count - rows, (int)rows, mean);
        double there = ifl_regime_progress(NULL, regime, mean);
        double way = there > 0 || !from ? there : ifl_regime_progress(from, regime, mean);
        if (way > *progress) {
            *progress = way;
            best = i;
        }
    }
    return best;
}

// The regime of before the alarm is back only when what raised the alarm is back.
static bool is_undone(const struct ifl_drift *drift)
{
    float mean[IFL_CHANNELS];
    const struct ifl_change *change = &drift->change;
    const struct ifl_regime *regime = &drift->regime[drift->current];
    uint64_t rows = (uint64_t)RETURN_BLOCKS << regime->level;
    if (change->relations || drift->rows.count < drift->learn_first + rows)
        return false;
    ifl_rows_mean(&drift->rows, drift->rows.count - rows, (int)rows, mean);
    for (int i = 0; i < change->channels; i++) {
        double back = fabs((double)mean[change->channel[i]] - change->before[i]);
        if (back > UNDONE * fabs(change->after[i] - change->before[i]))
            return false;
    }
    return true;
}

bool ifl_drift_return(struct ifl_drift *drift)
{
    double progress;
    int known = find_known(drift, NULL, &progress);
    if (known < 0 || (known == drift->current && !is_undone(drift)))
        return false;
    enter_known(drift, known);
    return true;
}

// True where the change leads to a state that is known: no alarm, or not yet.
static bool is_known_change(struct ifl_drift *drift)
{
    double progress;
    int known = find_known(drift, &drift->regime[drift->current], &progress);
    int64_t now_ns = drift->last_ns;
    if (known >= 0 && progress >= ARRIVED) {
        enter_known(drift, known);
        return true;
    }
    if (known < 0 || progress < 0.1)
        return false;
    if (drift->deferred_ns < 0)
        drift->deferred_ns = now_ns;
    return (double)(now_ns - drift->deferred_ns) < DEFER_S * (double)IFL_SECOND_NS;
}

static void raise_alarm(struct ifl_drift *drift)
{
    struct ifl_regime *regime = &drift->regime[drift->current];
    struct ifl_change *change = &drift->change;
    ifl_change_describe(regime, &drift->rows, change_hint(drift), drift->watch_first, change);
    if (drift->alarm) // from one that was not accepted to another one
        ifl_drift_clear(drift, IFL_INCIDENT_DRIFT);
    drift->alarm = true;
    drift->alarms++;
    drift->alarm_row = drift->rows.count;
    ifl_drift_report_change(drift, change);
    ifl_drift_clear(drift, IFL_INCIDENT_DRIFT_WARNING);
    drift->warned = false;
    drift->state = IFL_DRIFT_CHANGED;
    drift->learn_first = change->settled;
    drift->needed = (uint64_t)drift->learn_rows;
    drift->slides = 0;
    drift->deferred_ns = -1;
    ifl_outlier_begin(&drift->next, drift->learn_rows / 2,
                      drift->alarm_seconds / WARNINGS_AN_ALARM);
}

static void keep_values(struct ifl_regime *regime, const float mean[IFL_CHANNELS])
{
    if (regime->blocks >= IFL_REFERENCE_MAX)
        return;
    for (int c = 0; c < IFL_CHANNELS; c++)
        regime->value[c][regime->blocks] = mean[c];
    regime->blocks++;
}

void ifl_drift_judge_row(struct ifl_drift *drift)
{
    struct ifl_regime *regime = &drift->regime[drift->current];
    int size = 1 << regime->level;
    float mean[IFL_CHANNELS];
    double score[IFL_JOINT];
    if (++drift->pending < size)
        return;
    drift->pending = -ifl_regime_gap(regime->level, &drift->rng);
    ifl_rows_mean(&drift->rows, drift->rows.count - (uint64_t)size, size, mean);
    ifl_regime_joint(regime, &drift->fourier, mean, score);
    for (int c = 0; c < IFL_CHANNELS && drift->last_known; c++) {
        const struct ifl_channel_model *model = &regime->channel[c];
        if (ifl_channel_counts(c))
            judge_value(
                drift, regime, c,
                (double)(mean[c] - model->mean - model->phi * (drift->last[c] - model->mean)));
    }
    for (int j = 0; j < IFL_JOINT; j++)
        judge_value(drift, regime, IFL_CHANNELS + j, score[j]);
    memcpy(drift->last, mean, sizeof mean);
    drift->last_known = true;
    drift->blocks++;
    regime->last_wall_ns = ifl_row_at(&drift->rows, drift->rows.count - 1)->wall_ns;
    sum_evidence(drift);
    judge_warning(drift);
    if (!drift->warned)
        keep_values(regime, mean);
    ifl_regime_refit(regime, drift->config.tolerance, &drift->fourier);
    if (drift->evidence < drift->alarm_seconds)
        drift->deferred_ns = -1;
    else if (!is_known_change(drift))
        raise_alarm(drift);
}
