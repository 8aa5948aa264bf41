/* SPDX-License-Identifier: Apache-2.0 */
/* Drift: whether a stream still looks as it did, with a contract about false alarms. In: the
 * features of each frame and the verdict of camera truth. Out: incidents (drift_warning, drift,
 * anomaly, contaminated), and a verdict whether the profile may learn from the frame.
 *
 * What it does and how it is to be read: docs/drift.md. An object belongs to one thread; all its
 * memory is its own from the start, but for pictures, which are made when an incident is reported.
 */
#ifndef INFERLOOP_DRIFT_H
#define INFERLOOP_DRIFT_H

#include "inferloop/incident.h"
#include "inferloop/profile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* With what the stream is compared: with what was learned, or with the same hour of the week. */
#define IFL_DRIFT_REFERENCES(X) X(FIXED, "fixed") X(SEASONAL, "seasonal")
enum ifl_drift_reference {
#define IFL_DRIFT_REFERENCE_ENUM(name, text) IFL_DRIFT_##name,
    IFL_DRIFT_REFERENCES(IFL_DRIFT_REFERENCE_ENUM)
#undef IFL_DRIFT_REFERENCE_ENUM
};

struct ifl_drift_config {
    const char *source;      /* name */
    double false_alarm_days; /* the contract: on average at most one false alarm in so many */
    double tolerance; /* a smaller change does not matter; deviations of block means, 0.2 to 10 */
    double learn_seconds; /* of the stream, at least, before a state counts as learned */
    enum ifl_drift_reference reference;
    uint64_t seed;
    /* Called on the thread of ifl_drift_take; `incident` and its pictures are the caller's only for
     * the call. Either may be NULL. */
    void (*report)(void *context, const struct ifl_incident *incident);
    void (*clear)(void *context, enum ifl_incident_kind kind);
    void *context;
};
/* The defaults: 30 days, 0.25, 600 s, fixed. */
IFL_API void ifl_drift_config_init(struct ifl_drift_config *config);

struct ifl_drift_input {
    const struct ifl_features *features;
    const struct ifl_frame *frame; /* canonical, for pictures; may be NULL */
    int64_t stream_ns;             /* time of the stream, never falling */
    int64_t wall_ns;               /* time of day, since 1970 */
    uint64_t sequence;
    int components; /* foreground as the profiler saw it last */
    double foreground_share;
    enum ifl_verdict verdict; /* of camera truth */
};

struct ifl_drift;
IFL_API enum ifl_result ifl_drift_create(const struct ifl_drift_config *config,
                                         struct ifl_drift **drift,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API void ifl_drift_destroy(struct ifl_drift *drift); /* takes NULL */
/* Takes one frame in; allocates nothing. Returns whether the profile may learn from it. */
IFL_API enum ifl_verdict ifl_drift_take(struct ifl_drift *drift,
                                        const struct ifl_drift_input *input);

/* The state of now is as it should be: ends the alarm, and what it looks like is no drift from now
 * on; frames that were kept out of the profile are let in. */
IFL_API void ifl_drift_accept(struct ifl_drift *drift);
/* Forgets every state and learns from the next frame on. */
IFL_API void ifl_drift_reset(struct ifl_drift *drift);
/* Drops pictures that were taken before this time of the wall clock. */
IFL_API void ifl_drift_forget(struct ifl_drift *drift, int64_t before_wall_ns);

#define IFL_DRIFT_STATES(X) X(LEARNING, "learning") X(WATCHING, "watching") X(CHANGED, "changed")
enum ifl_drift_state {
#define IFL_DRIFT_STATE_ENUM(name, text) IFL_DRIFT_##name,
    IFL_DRIFT_STATES(IFL_DRIFT_STATE_ENUM)
#undef IFL_DRIFT_STATE_ENUM
};
IFL_API const char *ifl_drift_state_name(enum ifl_drift_state state);

struct ifl_drift_status {
    enum ifl_drift_state state; /* CHANGED: there is an alarm, and the new state is being learned */
    double learned;             /* share of what learning needs, 0..1 */
    double evidence;            /* of a change, as a share of what makes an alarm; 0 at rest */
    double block_seconds;       /* values are averaged over; 0 while learning */
    int states, current;        /* known states of the stream; which one this is, or -1 */
    bool accepted;              /* the current one is */
    uint64_t blocks;            /* compared since it watches */
    uint64_t alarms, warnings, anomalies, held; /* since the start; anomalies and held: frames */
};
IFL_API void ifl_drift_status(const struct ifl_drift *drift, struct ifl_drift_status *status);

/* What it has learned, without pictures, in one file; mode 0600. Another version's or another list
 * of features' file is refused as IFL_ERR_UNSUPPORTED, a damaged one as IFL_ERR_CORRUPT; the object
 * stays as it was. */
IFL_API enum ifl_result ifl_drift_save(const struct ifl_drift *drift, const char *path,
                                       struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API enum ifl_result ifl_drift_load(struct ifl_drift *drift, const char *path,
                                       struct ifl_error *error) IFL_CHECK_RESULT;

#ifdef __cplusplus
}
#endif
#endif
