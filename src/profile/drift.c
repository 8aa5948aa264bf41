// SPDX-License-Identifier: Apache-2.0
// The object: frames into rows of a second, rows into learning or judging.
#include "inferloop/drift.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "profile/drift_state.h"

static const char stage[] = "drift";
static const double DAY_S = 86400;
// Ranks among IFL_REFERENCE_MAX blocks are right within ifl_rank_margin, .144 of z: a smaller
// tolerance would promise what they cannot keep.
static const double TOLERANCE_LEAST = 0.2;

enum {
    SLIDES_MAX = 6,       // how often learning begins later because the stream still moves
    GAP_S = 10,           // without a frame: blocks before and after are no neighbours
    REMEMBERED = 120,     // rows before a change that are needed to see it begin
    AGAIN = 600,          // rows after an alarm the change is looked at again
    PICTURE_EVERY_S = 300 // a typical picture of the current state
};

const char *ifl_drift_state_name(enum ifl_drift_state state)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        IFL_DRIFT_STATES(NAME)
#undef NAME
    };
    return names[state];
}

void ifl_drift_config_init(struct ifl_drift_config *config)
{
    *config = (struct ifl_drift_config){
        .source = "", .false_alarm_days = 30, .tolerance = 0.25, .learn_seconds = 600};
}

// ---- learning ----

static void begin_learning(struct ifl_drift *drift, uint64_t first)
{
    double rows_a_warning = drift->alarm_seconds / 30;
    drift->state = drift->alarm ? IFL_DRIFT_CHANGED : IFL_DRIFT_LEARNING;
    drift->learn_first = first;
    drift->needed = (uint64_t)drift->learn_rows;
    drift->slides = 0;
    drift->evidence = 0;
    ifl_outlier_begin(&drift->next, drift->learn_rows / 2, rows_a_warning);
}

// A free place, else that of the regime not seen for longest; accepted ones stay while they can.
static int place_for_regime(struct ifl_drift *drift)
{
    int best = -1;
    for (int i = 0; i < IFL_REGIMES_MAX; i++) {
        const struct ifl_regime *regime = &drift->regime[i];
        if (!regime->used)
            return i;
        const struct ifl_regime *other = best < 0 ? NULL : &drift->regime[best];
        if (!other || regime->accepted < other->accepted ||
            (regime->accepted == other->accepted && regime->last_wall_ns < other->last_wall_ns))
            best = i;
    }
    return best;
}

static void keep_draft(struct ifl_drift *drift)
{
    int place = place_for_regime(drift);
    struct ifl_regime *regime = &drift->regime[place];
    ifl_image_unref(regime->picture);
    *regime = drift->draft;
    drift->draft.picture = NULL;
    regime->used = true;
    regime->accepted = !drift->alarm || drift->accept_learned;
    regime->visits = 1;
    drift->accept_learned = false;
    ifl_drift_take_picture(drift, regime);
    ifl_drift_watch(drift, place);
}

// What is known of the change by now: an alarm may come while it is still going on. When it began
// can only be told while that is remembered.
static void report_again(struct ifl_drift *drift)
{
    const struct ifl_rows *rows = &drift->rows;
    struct ifl_change change, first = drift->change;
    if (!drift->alarm || drift->current < 0)
        return;
    ifl_change_describe(&drift->regime[drift->current], rows, first.first, drift->watch_first,
                        &change);
    if (ifl_rows_oldest(rows) + REMEMBERED > first.first) {
        change.first = first.first;
        change.first_wall_ns = first.first_wall_ns;
        change.first_sequence = first.first_sequence;
        change.gradual = first.gradual;
        change.seconds = first.seconds;
        change.relations = first.relations;
    }
    drift->change = change;
    ifl_drift_report_change(drift, &change);
}

static void learn(struct ifl_drift *drift)
{
    struct ifl_rows *rows = &drift->rows;
    if (drift->learn_first < ifl_rows_oldest(rows))
        drift->learn_first = ifl_rows_oldest(rows);
    uint64_t count = rows->count - drift->learn_first;
    if (drift->current >= 0 && rows->count % 8 == 0 && ifl_drift_return(drift))
        return;
    if (drift->alarm && rows->count == drift->alarm_row + AGAIN)
        report_again(drift);
    if (count < drift->needed)
        return;
    if (drift->slides < SLIDES_MAX && ifl_rows_move(rows, drift->learn_first)) {
        drift->learn_first += count / 3;
        drift->slides++;
        return;
    }
    int needed = ifl_regime_learn(&drift->draft, rows, drift->learn_first, drift->config.tolerance,
                                  &drift->fourier, &drift->rng);
    if (needed) {
        drift->needed = (uint64_t)needed;
        return;
    }
    report_again(drift);
    keep_draft(drift);
}

// ---- rows ----

static void end_row(struct ifl_drift *drift, int64_t now_ns)
{
    struct ifl_row_sums *sums = &drift->sums;
    struct ifl_row *row = &drift->rows.row[drift->rows.count % IFL_ROWS_MAX];
    *row = sums->row;
    for (int c = 0; c < IFL_CHANNELS; c++)
        row->value[c] = (float)(sums->value[c] / sums->frames);
    for (int t = 0; t < IFL_TILE_COUNT; t++)
        row->tile[t] = (float)(sums->tile[t] / sums->frames);
    row->seconds = (float)fmin((double)(now_ns - sums->begin_ns) / (double)IFL_SECOND_NS, GAP_S);
    drift->rows.count++;
    ifl_outlier_row(&drift->judge, !sums->strange);
    ifl_outlier_row(&drift->next, true);
    if (drift->next.phase == IFL_OUTLIER_JUDGE) {
        drift->judge = drift->next;
        drift->next.phase = IFL_OUTLIER_NONE;
    }
    sums->frames = 0;
    if (drift->state == IFL_DRIFT_WATCHING)
        ifl_drift_judge_row(drift);
    else
        learn(drift);
}

static void add_to_row(struct ifl_drift *drift, const float x[IFL_CHANNELS], bool strange)
{
    const struct ifl_drift_input *input = drift->input;
    struct ifl_row_sums *sums = &drift->sums;
    if (sums->frames == 0) {
        *sums = (struct ifl_row_sums){.begin_ns = input->stream_ns};
        sums->row.stream_ns = input->stream_ns;
        sums->row.wall_ns = input->wall_ns;
        sums->row.sequence = input->sequence;
    }
    const float *tile = &input->features->tile_mean[0][0];
    for (int c = 0; c < IFL_CHANNELS; c++)
        sums->value[c] += (double)x[c];
    for (int t = 0; t < IFL_TILE_COUNT; t++)
        sums->tile[t] += (double)tile[t];
    sums->strange |= strange;
    sums->frames++;
}

static void read_channels(const struct ifl_drift_input *input, float x[IFL_CHANNELS])
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        x[f] = ifl_channel_counts(f) ? (float)input->features->value[f] : 0;
    x[IFL_FEATURE_COUNT] = (float)input->foreground_share;
    x[IFL_FEATURE_COUNT + 1] = (float)input->components;
}

// What is usual at this hour is no change. False: this hour is not known yet.
static bool take_season_out(struct ifl_drift *drift, float x[IFL_CHANNELS])
{
    if (drift->config.reference != IFL_DRIFT_SEASONAL)
        return true;
    if (drift->sums.frames == 0) {
        if (drift->state != IFL_DRIFT_CHANGED)
            ifl_season_learn(&drift->season, drift->input->wall_ns, x);
        drift->offset_known =
            ifl_season_offset(&drift->season, drift->input->wall_ns, drift->offset);
        if (!drift->offset_known)
            memset(drift->offset, 0, sizeof drift->offset);
    }
    for (int c = 0; c < IFL_CHANNELS; c++)
        x[c] -= drift->offset[c];
    return drift->offset_known;
}

static void refresh_picture(struct ifl_drift *drift, bool strange)
{
    if (drift->state != IFL_DRIFT_WATCHING || strange || drift->warned || drift->deferred_ns >= 0)
        return;
    struct ifl_regime *regime = &drift->regime[drift->current];
    int64_t age_ns = drift->input->stream_ns - drift->picture_ns;
    if (!regime->picture || age_ns > PICTURE_EVERY_S * IFL_SECOND_NS)
        ifl_drift_take_picture(drift, regime);
}

enum ifl_verdict ifl_drift_take(struct ifl_drift *drift, const struct ifl_drift_input *input)
{
    float x[IFL_CHANNELS];
    struct ifl_row_sums *sums = &drift->sums;
    int64_t now_ns = input->stream_ns;
    drift->input = input;
    if (drift->last_ns >= 0 && now_ns - drift->last_ns > GAP_S * IFL_SECOND_NS)
        drift->last_known = false;
    drift->last_ns = now_ns;
    if (input->verdict == IFL_VERDICT_HELD) {
        ifl_drift_guard_camera(drift);
        drift->input = NULL;
        return IFL_VERDICT_HELD;
    }
    if (sums->frames > 0 && now_ns - sums->begin_ns >= IFL_SECOND_NS)
        end_row(drift, now_ns);
    read_channels(input, x);
    enum ifl_verdict verdict = IFL_VERDICT_GOOD;
    if (take_season_out(drift, x)) {
        uint64_t before = drift->anomalies;
        verdict = ifl_drift_guard(drift, x);
        bool strange = drift->anomalies > before;
        add_to_row(drift, x, strange);
        refresh_picture(drift, strange);
    }
    drift->input = NULL;
    return verdict;
}

// ---- commands ----

void ifl_drift_accept(struct ifl_drift *drift)
{
    if (drift->state == IFL_DRIFT_CHANGED)
        drift->accept_learned = true;
    else if (drift->current >= 0)
        drift->regime[drift->current].accepted = true;
    drift->alarm = false;
    ifl_drift_clear(drift, IFL_INCIDENT_DRIFT);
    ifl_drift_let_in(drift);
}

static void drop_regimes(struct ifl_drift *drift)
{
    for (int i = 0; i < IFL_REGIMES_MAX; i++) {
        ifl_image_unref(drift->regime[i].picture);
        drift->regime[i] = (struct ifl_regime){0};
    }
}

void ifl_drift_reset(struct ifl_drift *drift)
{
    const enum ifl_incident_kind kinds[] = {IFL_INCIDENT_DRIFT, IFL_INCIDENT_DRIFT_WARNING,
                                            IFL_INCIDENT_ANOMALY, IFL_INCIDENT_CONTAMINATED};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        ifl_drift_clear(drift, kinds[i]);
    drop_regimes(drift);
    drift->alarm = drift->accept_learned = drift->warned = false;
    drift->current = -1;
    drift->sums.frames = 0;
    drift->judge = (struct ifl_outlier){0};
    drift->holding = (struct ifl_holding){.begun_ns = -1, .strange_begun_ns = -1};
    drift->deferred_ns = -1;
    ifl_season_init(&drift->season);
    begin_learning(drift, drift->rows.count);
}

void ifl_drift_forget(struct ifl_drift *drift, int64_t before_wall_ns)
{
    for (int i = 0; i < IFL_REGIMES_MAX; i++) {
        struct ifl_regime *regime = &drift->regime[i];
        if (regime->picture && regime->picture_wall_ns < before_wall_ns) {
            ifl_image_unref(regime->picture);
            regime->picture = NULL;
        }
    }
}

void ifl_drift_status(const struct ifl_drift *drift, struct ifl_drift_status *status)
{
    bool watching = drift->state == IFL_DRIFT_WATCHING;
    *status = (struct ifl_drift_status){.state = drift->state,
                                        .learned = 1,
                                        .current = watching ? drift->current : -1,
                                        .alarms = drift->alarms,
                                        .warnings = drift->warnings,
                                        .anomalies = drift->anomalies,
                                        .held = drift->held};
    for (int i = 0; i < IFL_REGIMES_MAX; i++)
        status->states += drift->regime[i].used;
    if (watching) {
        const struct ifl_regime *regime = &drift->regime[drift->current];
        status->evidence = drift->evidence / drift->alarm_seconds;
        status->block_seconds = (double)regime->block_seconds;
        status->accepted = regime->accepted;
        status->blocks = drift->blocks;
    } else {
        status->learned =
            fmin(1, (double)(drift->rows.count - drift->learn_first) / (double)drift->needed);
    }
}

// ---- life ----

static enum ifl_result check_range(struct ifl_error *error, const char *name, double value,
                                   double least, double greatest)
{
    if (value >= least && value <= greatest)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, stage, "%s is %g; give a number from %g to %g", name,
                    value, least, greatest);
}

static enum ifl_result check_config(const struct ifl_drift_config *config, struct ifl_error *error)
{
    enum ifl_result result =
        check_range(error, "the days between false alarms", config->false_alarm_days, 0.001, 10000);
    if (result == IFL_OK)
        result =
            check_range(error, "the tolerance of drift", config->tolerance, TOLERANCE_LEAST, 10);
    if (result == IFL_OK)
        result = check_range(error, "the time to learn (s)", config->learn_seconds, 40, 2000);
    return result;
}

enum ifl_result ifl_drift_create(const struct ifl_drift_config *config, struct ifl_drift **drift,
                                 struct ifl_error *error)
{
    *drift = NULL;
    enum ifl_result result = check_config(config, error);
    if (result != IFL_OK)
        return result;
    struct ifl_drift *made = calloc(1, sizeof *made);
    if (!made || ifl_fourier_init(&made->fourier, IFL_CHANNELS, 1, config->seed) != 0) {
        free(made);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to watch for drift");
    }
    made->config = *config;
    snprintf(made->source, sizeof made->source, "%s", config->source ? config->source : "");
    made->config.source = made->source;
    made->alarm_seconds = config->false_alarm_days * DAY_S;
    made->learn_rows = (int)fmin(config->learn_seconds, IFL_ROWS_MAX);
    made->last_ns = -1;
    ifl_rng_init(&made->rng, config->seed);
    ifl_drift_reset(made);
    *drift = made;
    return IFL_OK;
}

void ifl_drift_destroy(struct ifl_drift *drift)
{
    if (!drift)
        return;
    drop_regimes(drift);
    ifl_image_unref(drift->draft.picture);
    ifl_fourier_fini(&drift->fourier);
    free(drift);
}
