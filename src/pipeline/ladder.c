// SPDX-License-Identifier: Apache-2.0
#include "pipeline/ladder.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

static const double smooth = 0.4;                          // weight of a new second
static const double down = 0.9, up = 1;                    // of the rate: factor, frames/s
static const double budget_intervals = 3;                  // of the four that may wait
static const double budget_least_s = 0.1, own_share = 1.2; // of a frame's own service time
static const double busy_most = 0.95; // share of its thread's time that may be planned
static const double load_most = 0.8;  // predicted, to climb with no more than usual patience
static const double patience_least = 4, patience_most = 32, fell_back_s = 10;
static const double decoder_fell_back_s = 60; // its lag takes longer to show
static const double rate_least = 2, share_memory_s = 20;
enum { FULL_EVERY = 4, BAD_LEAST = 2, QUEUE = 4 };

static const struct {
    const char *name, *sentence;
} rungs[] = {
#define ROW(name, text, sentence) {text, sentence},
    IFL_RUNGS(ROW)
#undef ROW
};

const char *ifl_rung_name(enum ifl_rung rung)
{
    return rungs[rung].name;
}

const char *ifl_rung_sentence(enum ifl_rung rung)
{
    return rungs[rung].sentence;
}

double ifl_ladder_budget(const struct ifl_ladder *ladder)
{
    double intervals = ladder->arrival > 0 ? budget_intervals / ladder->arrival : 0;
    double service_s = ladder->rung == IFL_RUNG_HEALTH ? ladder->light_s : ladder->full_s;
    return fmax(intervals, budget_least_s) + own_share * service_s;
}

// ---- frames ----

static double rate_now(const struct ifl_ladder *ladder)
{
    return ladder->rung == IFL_RUNG_THINNED ? fmax(ladder->rate, rate_least) : 1;
}

enum ifl_depth ifl_ladder_depth(struct ifl_ladder *ladder, int64_t captured_ns)
{
    if (ladder->rung == IFL_RUNG_FULL)
        return IFL_DEPTH_FULL;
    if (ladder->rung == IFL_RUNG_COARSE)
        return ladder->turn++ % FULL_EVERY == 0 ? IFL_DEPTH_FULL : IFL_DEPTH_LIGHT;
    int64_t interval_ns = (int64_t)(1e9 / rate_now(ladder));
    int64_t early_ns = interval_ns / 4; // where only key frames come, the next one is far
    if (captured_ns + early_ns < ladder->next_ns)
        return IFL_DEPTH_NONE;
    bool behind = captured_ns - ladder->next_ns > interval_ns;
    ladder->next_ns = (behind ? captured_ns : ladder->next_ns) + interval_ns;
    return ladder->rung == IFL_RUNG_HEALTH ? IFL_DEPTH_LIGHT : IFL_DEPTH_FULL;
}

// ---- seconds ----

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void enter(struct ifl_ladder *ladder, enum ifl_rung rung, int64_t now_ns)
{
    bool climbs = rung < ladder->rung;
    double since_s = (double)(now_ns - ladder->climbed_ns) / 1e9;
    if (climbs)
        ladder->climbed_ns = now_ns;
    else if (since_s < (ladder->behind_s > 0 ? decoder_fell_back_s : fell_back_s))
        // it could not stay there: try it less often
        ladder->patience = fmin(2 * ladder->patience, patience_most);
    if (rung == IFL_RUNG_THINNED) // whence it comes, about half of what is analysed there
        ladder->rate = climbs ? 2 : fmax(rate_least, ladder->arrival / 2);
    if (ladder->rung == IFL_RUNG_HEALTH)
        ladder->full_s = 0; // what a whole frame took there is long ago
    ladder->rung = rung;
    ladder->rose = climbs;
    ladder->good = ladder->bad = 0;
    ladder->late_s = 0;
}

static void go_down(struct ifl_ladder *ladder, bool late, int64_t now_ns)
{
    if (late && ladder->rung == IFL_RUNG_THINNED && ladder->rate > rate_least) {
        ladder->rate = fmax(rate_least, ladder->rate * down);
        // What it really gets done, where that is far less.
        if (ladder->full_s > 0)
            ladder->rate = fmax(rate_least, fmin(ladder->rate, 1 / ladder->full_s));
        return;
    }
    if (++ladder->bad >= BAD_LEAST && ladder->rung < IFL_RUNG_HEALTH)
        enter(ladder, (enum ifl_rung)(ladder->rung + 1), now_ns);
}

// Share of the time that the rung above would take, by measured service times.
static double load_above(const struct ifl_ladder *ladder)
{
    double mixed_s = (ladder->full_s + (FULL_EVERY - 1) * ladder->light_s) / FULL_EVERY;
    switch (ladder->rung) {
    case IFL_RUNG_COARSE:
        return ladder->full_s * ladder->arrival;
    case IFL_RUNG_THINNED:
        return mixed_s * ladder->arrival;
    case IFL_RUNG_KEY:
        return ladder->full_s * rate_least;
    default:
        return 0;
    }
}

static void go_up(struct ifl_ladder *ladder, int64_t now_ns)
{
    ladder->bad = 0;
    ladder->good++;
    bool easy = ladder->busy < load_most;
    if (ladder->rose && easy && ladder->good > fell_back_s) // it can stay here
        ladder->patience = patience_least;
    if (ladder->rung == IFL_RUNG_FULL)
        return;
    if (ladder->rung == IFL_RUNG_THINNED && ladder->rate < ladder->arrival) {
        if (ladder->rate * ladder->full_s < load_most)
            ladder->rate += up;
        if (ladder->rate < ladder->arrival && load_above(ladder) > load_most)
            return;
    }
    double patience = ladder->patience * (load_above(ladder) > load_most ? 8 : 1);
    if (ladder->good >= patience)
        enter(ladder, (enum ifl_rung)(ladder->rung - 1), now_ns);
}

static void end_second(struct ifl_ladder *ladder, uint64_t frames, double seconds, int64_t now_ns)
{
    double p95 = 0, before_s = ladder->behind_before_s;
    if (ladder->samples) {
        qsort(ladder->sample, (size_t)ladder->samples, sizeof *ladder->sample, compare);
        p95 = (double)ladder->sample[(ladder->samples * 95 - 1) / 100];
    }
    double weight = ladder->seconds > 0 ? smooth : 1;
    ladder->arrival += weight * ((double)frames / seconds - ladder->arrival);
    ladder->late_s += (ladder->late_s > 0 ? smooth : 1) * (p95 - ladder->late_s);
    ladder->patience = fmax(ladder->patience, patience_least);
    double share = ladder->seconds > 0 ? 1 - exp(-seconds / share_memory_s) : 1;
    if (frames) {
        double analysed = fmin(1, (double)ladder->analysed_now / (double)frames);
        double complete = fmin(1, (double)ladder->complete_now / (double)frames);
        ladder->analysed += share * (analysed - ladder->analysed);
        ladder->complete += share * (complete - ladder->complete);
    }
    ladder->seconds += seconds;
    // A queue may have filled meanwhile; more has been lost.
    bool loses = ladder->rung <= IFL_RUNG_COARSE && frames > (uint64_t)ladder->noted + QUEUE;
    bool full = ladder->rung >= IFL_RUNG_THINNED && ladder->rung < IFL_RUNG_HEALTH &&
                rate_now(ladder) * ladder->full_s > busy_most;
    bool late = loses || full || ladder->late_s > ifl_ladder_budget(ladder);
    bool behind = ladder->behind_s > 0, falls_back = behind && ladder->behind_s >= before_s;
    ladder->behind_before_s = ladder->behind_s;
    if (late || (falls_back && ladder->rung < IFL_RUNG_KEY)) {
        ladder->good = 0;
        ladder->fell_behind_s = late ? 0 : ladder->behind_s;
        go_down(ladder, late, now_ns);
    } else if (behind) { // catches up, or less analysis would not help it
        ladder->good = ladder->bad = 0;
    } else {
        go_up(ladder, now_ns);
    }
    ladder->noted = ladder->samples = ladder->analysed_now = ladder->complete_now = 0;
    ladder->second_ns = now_ns;
}

static void smooth_to(double *value, double now)
{
    double weight = now < *value / 2 ? 0.5 : 0.1;
    *value += (*value > 0 ? weight : 1) * (now - *value);
}

void ifl_ladder_decoder(struct ifl_ladder *ladder, double behind_s, double busy)
{
    ladder->behind_s = behind_s;
    ladder->busy = busy;
}

bool ifl_ladder_note(struct ifl_ladder *ladder, enum ifl_depth depth, uint64_t received,
                     int64_t captured_ns, int64_t begun_ns, int64_t done_ns)
{
    if (!ladder->second_ns) {
        ladder->second_ns = done_ns;
        ladder->received = received;
        return false;
    }
    ladder->noted++;
    if (depth != IFL_DEPTH_NONE) {
        smooth_to(depth == IFL_DEPTH_FULL ? &ladder->full_s : &ladder->light_s,
                  (double)(done_ns - begun_ns) / 1e9);
        ladder->analysed_now++;
        ladder->complete_now += depth == IFL_DEPTH_FULL;
        if (ladder->samples < IFL_LADDER_SAMPLES)
            ladder->sample[ladder->samples++] = (float)((double)(done_ns - captured_ns) / 1e9);
    }
    double seconds = (double)(done_ns - ladder->second_ns) / 1e9;
    if (seconds < 1)
        return false;
    end_second(ladder, received - ladder->received, seconds, done_ns);
    ladder->received = received;
    return true;
}
