// SPDX-License-Identifier: Apache-2.0
// Streams of features with a known truth, and a judge of detectors: used by the tests of drift, by
// slow_drift.py and by bench/drift.py.
//
// A world has slow common causes (light, activity, colour) and slow causes of each feature's own,
// all of them first-order autoregressive as real scenes are (0.95 from frame to frame at 2
// frames/s), and a scenario that changes something at a known moment.
#ifndef IFL_TESTS_PROFILE_DRIFT_WORLD_H
#define IFL_TESTS_PROFILE_DRIFT_WORLD_H

#include "base/rng.h"
#include "inferloop/drift.h"

#define WORLD_SCENARIOS(X)                                                                         \
    X(NONE, "none")                                                                                \
    X(SUDDEN, "sudden")                                                                            \
    X(GRADUAL, "gradual")     /* the same change over ten minutes */                               \
    X(RECURRING, "recurring") /* to a second state and back, again and again */                    \
    X(SINGLE, "single feature")                                                                    \
    X(BUTTERFLY, "butterfly") /* two features that went together go against each other */          \
    X(TINY, "tiny")           /* below the tolerance */                                            \
    X(ANOMALY, "anomaly")     /* single strange frames */
enum world_scenario {
#define WORLD_ENUM(name, text) WORLD_##name,
    WORLD_SCENARIOS(WORLD_ENUM)
#undef WORLD_ENUM
        WORLD_COUNT
};
const char *world_name(enum world_scenario scenario);

enum { WORLD_FACTORS = 3 };
static const double WORLD_RATE = 2; // frames/s

struct world {
    enum world_scenario scenario;
    double change_s;  // when it changes, seconds of the stream
    double period_s;  // recurring: of a state
    double magnitude; // of the change, deviations of a frame's value
    double phi;       // from frame to frame
    struct ifl_rng rng;
    uint64_t frame;
    double factor[WORLD_FACTORS], own[IFL_FEATURE_COUNT];
};
void world_begin(struct world *world, enum world_scenario scenario, uint64_t seed);
// The next frame's input; `features` is filled and pointed to.
void world_next(struct world *world, struct ifl_features *features, struct ifl_drift_input *input);

// ---- detectors ----

// What somebody said of a stream, newest last.
enum { SAID_MAX = 4096 };
struct said {
    int count; // of drift alarms (not of recurring states)
    int warnings, anomalies, contaminated, recurring, cleared;
    double at_s[SAID_MAX];           // stream time of the alarms
    struct ifl_incident first, last; // drift incidents, without pictures
    double now_s;
};

#define DETECTORS(X)                                                                               \
    X(OURS, "inferloop")                                                                           \
    X(PSI_10, "PSI > 0.1, 100 frames")                                                             \
    X(PSI_25, "PSI > 0.25, 100 frames")                                                            \
    X(SIGMA, "3 sigma")                                                                            \
    X(CUSUM, "CUSUM k 0.5 h 5, raw")                                                               \
    X(ALWAYS, "always")                                                                            \
    X(NEVER, "never")
enum detector_kind {
#define DETECTOR_ENUM(name, text) DETECTOR_##name,
    DETECTORS(DETECTOR_ENUM)
#undef DETECTOR_ENUM
        DETECTOR_COUNT
};
const char *detector_name(enum detector_kind kind);

struct detector;
struct detector *detector_create(enum detector_kind kind, const struct ifl_drift_config *config);
void detector_destroy(struct detector *detector);
enum ifl_verdict detector_take(struct detector *detector, const struct ifl_drift_input *input);
struct said *detector_said(struct detector *detector);
struct ifl_drift *detector_drift(struct detector *detector); // ours, or NULL

// Runs a world for so many seconds; the judge of alarms in time and false alarms.
struct score {
    int false_alarms; // before the change, or at all where there is none
    double delay_s;   // from the change to the first alarm after it; NAN: none
    char cause[32];
    char feature[32]; // the first one it names
    double hours;     // without change, for the false alarms
};
void detector_run(struct detector *detector, struct world *world, double seconds,
                  struct score *score);

#endif
