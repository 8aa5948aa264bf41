// SPDX-License-Identifier: Apache-2.0
// Single frames: is this one unlike all others, and may the profile learn it? A stretch of frames
// that show no scene must not become the profile; a change that lasts must.
#include <math.h>

#include "base/clock.h"
#include "profile/drift_state.h"

static const double STRUCTURE_LEAST = 0.5;    // correlation with the usual tiles
static const double SHARE = 0.02, BURST = 50; // of strange frames that may be learned
enum {
    QUIET_S = 5,      // without such a frame: the stretch is over
    NOTICE_S = 3,     // from then on it is an incident
    LOOK_HELD_S = 60, // strange, but the scene is still there: learned after so long
    LOST_HELD_S = 300 // the scene is not there
};

// Correlation of the frame's tiles with those of the current regime: what is where.
static double structure(const struct ifl_drift *drift)
{
    const float *usual = drift->regime[drift->current].tile_mean;
    const float *tile = &drift->input->features->tile_mean[0][0];
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0, n = IFL_TILE_COUNT;
    for (int t = 0; t < IFL_TILE_COUNT; t++) {
        a += (double)usual[t];
        b += (double)tile[t];
        aa += (double)usual[t] * (double)usual[t];
        bb += (double)tile[t] * (double)tile[t];
        ab += (double)usual[t] * (double)tile[t];
    }
    double spread = (aa - a * a / n) * (bb - b * b / n);
    if (aa - a * a / n < n) // the usual picture is flat: it has no structure to lose
        return 1;
    return spread > 0 ? (ab - a * b / n) / sqrt(spread) : 0;
}

static void begin_stretch(int64_t *begun_ns, int64_t *last_ns, int64_t now_ns)
{
    if (*begun_ns < 0)
        *begun_ns = now_ns;
    *last_ns = now_ns;
}

static bool is_over(int64_t begun_ns, int64_t last_ns, int64_t now_ns)
{
    return begun_ns >= 0 && now_ns - last_ns > QUIET_S * IFL_SECOND_NS;
}

static void end_stretches(struct ifl_drift *drift, int64_t now_ns)
{
    struct ifl_holding *holding = &drift->holding;
    if (is_over(holding->strange_begun_ns, holding->strange_last_ns, now_ns)) {
        holding->strange_begun_ns = -1;
        holding->given_up = false;
        if (holding->reported_anomaly)
            ifl_drift_clear(drift, IFL_INCIDENT_ANOMALY);
        holding->reported_anomaly = false;
    }
    if (is_over(holding->begun_ns, holding->last_ns, now_ns)) {
        holding->begun_ns = -1;
        if (holding->reported)
            ifl_drift_clear(drift, IFL_INCIDENT_CONTAMINATED);
        holding->reported = false;
    }
}

static void hold(struct ifl_drift *drift, bool camera)
{
    struct ifl_holding *holding = &drift->holding;
    const struct ifl_drift_input *input = drift->input;
    if (holding->begun_ns < 0) {
        holding->begun_wall_ns = input->wall_ns;
        holding->first_sequence = input->sequence;
        holding->frames = 0;
    }
    begin_stretch(&holding->begun_ns, &holding->last_ns, input->stream_ns);
    holding->frames++;
    drift->held++;
    if (!holding->reported && input->stream_ns - holding->begun_ns >= NOTICE_S * IFL_SECOND_NS) {
        holding->reported = true;
        ifl_drift_report_held(drift, camera);
    }
}

// The stretch of strange frames has this one too: is it held?
static bool shall_hold(struct ifl_drift *drift)
{
    struct ifl_holding *holding = &drift->holding;
    int64_t now_ns = drift->input->stream_ns;
    bool lost = structure(drift) < STRUCTURE_LEAST;
    double seconds = (double)(now_ns - holding->strange_begun_ns) / (double)IFL_SECOND_NS;
    if (seconds > (lost ? LOST_HELD_S : LOOK_HELD_S))
        holding->given_up = true;
    if (holding->given_up)
        return false;
    if (!lost && holding->allowed >= 1) {
        holding->allowed--;
        return false;
    }
    return true;
}

enum ifl_verdict ifl_drift_guard(struct ifl_drift *drift, const float x[IFL_CHANNELS])
{
    struct ifl_holding *holding = &drift->holding;
    struct ifl_outlier_view view, unused;
    int64_t now_ns = drift->input->stream_ns;
    ifl_outlier_look(&drift->next, x, &unused);
    ifl_outlier_look(&drift->judge, x, &view);
    holding->allowed = fmin(BURST, holding->allowed + SHARE);
    end_stretches(drift, now_ns);
    if (!view.strange || drift->current < 0)
        return IFL_VERDICT_GOOD;
    begin_stretch(&holding->strange_begun_ns, &holding->strange_last_ns, now_ns);
    drift->anomalies++;
    // While a lasting change is being learned, its frames are what the alarm has said already.
    if (!holding->reported_anomaly && drift->state == IFL_DRIFT_WATCHING) {
        holding->reported_anomaly = true;
        ifl_drift_report_strange(drift, x, &view);
    }
    if (!shall_hold(drift))
        return IFL_VERDICT_GOOD;
    hold(drift, false);
    return IFL_VERDICT_HELD;
}

void ifl_drift_guard_camera(struct ifl_drift *drift)
{
    end_stretches(drift, drift->input->stream_ns);
    hold(drift, true);
}

void ifl_drift_let_in(struct ifl_drift *drift)
{
    drift->holding.given_up = drift->holding.strange_begun_ns >= 0;
}
