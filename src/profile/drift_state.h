// SPDX-License-Identifier: Apache-2.0
// The inside of ifl_drift, for its own files only.
#ifndef IFL_PROFILE_DRIFT_STATE_H
#define IFL_PROFILE_DRIFT_STATE_H

#include "inferloop/drift.h"
#include "kernels/picture.h"
#include "profile/change.h"
#include "profile/chart.h"
#include "profile/outlier.h"
#include "profile/season.h"

enum { IFL_REGIMES_MAX = 8 };

// The row that is being made.
struct ifl_row_sums {
    int frames;
    int64_t begin_ns;
    double value[IFL_CHANNELS], tile[IFL_TILE_COUNT];
    bool strange;
    struct ifl_row row; // its times
};

// Frames that are kept out of the profile.
struct ifl_holding {
    int64_t begun_ns, last_ns; // of the stretch; begun_ns < 0: none
    int64_t begun_wall_ns;
    uint64_t first_sequence, frames;
    int64_t strange_begun_ns, strange_last_ns; // strange frames, held or not; begun < 0: none
    double allowed;                            // strange frames that may still be learned
    bool given_up;                             // the stretch has lasted too long: learn it
    bool reported, reported_anomaly;
};

struct ifl_drift {
    struct ifl_drift_config config;
    char source[IFL_SOURCE_NAME_MAX];
    struct ifl_rng rng;
    struct ifl_fourier fourier;
    double alarm_seconds; // A
    int learn_rows;

    struct ifl_row_sums sums;
    struct ifl_rows rows;
    const struct ifl_drift_input *input; // while a frame is taken
    float offset[IFL_CHANNELS];          // of the season
    bool offset_known;
    int64_t last_ns;

    enum ifl_drift_state state;
    bool alarm;               // a drift incident lasts
    struct ifl_change change; // the one of the alarm
    uint64_t alarm_row;
    bool accept_learned;                       // somebody has accepted what is being learned
    uint64_t learn_first, watch_first, needed; // rows
    int slides;
    int current; // regime, or -1
    struct ifl_regime regime[IFL_REGIMES_MAX];
    struct ifl_regime draft; // the one being learned

    // Of the current regime, while it is watched:
    int pending; // rows of the block being made
    bool last_known;
    float last[IFL_CHANNELS]; // the block before
    uint64_t blocks;
    double evidence, warning_limit;
    bool warned;
    int64_t deferred_ns; // since when a change is taken for one to a known regime; -1: none
    struct ifl_evidence series[IFL_SERIES];
    struct ifl_cusum cusum[IFL_SERIES];
    uint64_t high_since[IFL_SERIES], low_since[IFL_SERIES]; // row where the sum was last 0

    struct ifl_outlier judge, next;
    struct ifl_holding holding;
    struct ifl_season season;
    uint64_t alarms, warnings, anomalies, held;
    int64_t picture_ns; // stream time of the last one taken
    uint8_t planes[IFL_EXEMPLAR_BYTES];
};

// drift_judge.c: the blocks of a known regime.
void ifl_drift_watch(struct ifl_drift *drift, int regime); // from the next row on
void ifl_drift_judge_row(struct ifl_drift *drift);
bool ifl_drift_return(struct ifl_drift *drift); // to a known regime; true: it has

// drift_report.c: what is said about it.
void ifl_drift_report_change(struct ifl_drift *drift, const struct ifl_change *change);
void ifl_drift_report_known(struct ifl_drift *drift, int regime);
void ifl_drift_report_warning(struct ifl_drift *drift, int series);
void ifl_drift_report_strange(struct ifl_drift *drift, const float x[IFL_CHANNELS],
                              const struct ifl_outlier_view *view);
void ifl_drift_report_held(struct ifl_drift *drift, bool camera);
void ifl_drift_clear(struct ifl_drift *drift, enum ifl_incident_kind kind);
void ifl_drift_take_picture(struct ifl_drift *drift, struct ifl_regime *regime);

// drift_guard.c: single frames.
enum ifl_verdict ifl_drift_guard(struct ifl_drift *drift, const float x[IFL_CHANNELS]);
void ifl_drift_guard_camera(struct ifl_drift *drift); // a frame that camera truth holds
void ifl_drift_let_in(struct ifl_drift *drift);

#endif
