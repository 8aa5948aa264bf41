/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline: all rooms joined. In: a configuration. Out: a dataset that grows, and what the HTTP
 * interface shows.
 *
 * Threads: one per source that decodes, one per source that profiles, `threads` that generate,
 * validate and deliver. Every function here is safe on any thread, unless it says otherwise. */
#ifndef INFERLOOP_PIPELINE_H
#define INFERLOOP_PIPELINE_H

#include "inferloop/deliver.h"
#include "inferloop/drift.h"
#include "inferloop/generate.h"
#include "inferloop/incident.h"
#include "inferloop/profile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- configuration: docs/options.md lists every name; the same in flags, environment, YAML ----
 */
struct ifl_config;
IFL_API struct ifl_config *ifl_config_create(void);         /* defaults; NULL: out of memory */
IFL_API void ifl_config_destroy(struct ifl_config *config); /* takes NULL */
/* Sets an option by its name ("profile-interval") from text; lists grow with each call. */
IFL_API enum ifl_result ifl_config_set(struct ifl_config *config, const char *name,
                                       const char *value, struct ifl_error *error) IFL_CHECK_RESULT;

/* ---- one profile, no pipeline ---- */
struct ifl_generator;
/* An engine ("analytic") and validation bound to a profile. */
IFL_API enum ifl_result ifl_generator_create(const struct ifl_profile *profile, const char *engine,
                                             struct ifl_generator **generator,
                                             struct ifl_error *error) IFL_CHECK_RESULT;
/* Makes one accepted image, trying up to `attempts` seeds. ifl_synthetic_fini it after IFL_OK. May
 * run on several threads at once. */
IFL_API enum ifl_result ifl_generator_make(struct ifl_generator *generator,
                                           const struct ifl_request *request, int attempts,
                                           struct ifl_synthetic *synthetic,
                                           struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API void ifl_generator_destroy(struct ifl_generator *generator); /* takes NULL */

/* ---- life ---- */
struct ifl_pipeline;
/* Keeps no reference to `config`. Opens the sinks, repairs the dataset, loads kept profiles. */
IFL_API enum ifl_result ifl_pipeline_create(const struct ifl_config *config,
                                            struct ifl_pipeline **pipeline,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API enum ifl_result ifl_pipeline_start(struct ifl_pipeline *pipeline,
                                           struct ifl_error *error) IFL_CHECK_RESULT;
/* True once every source has ended for good (files without loop) and all images are delivered. */
IFL_API bool ifl_pipeline_finished(struct ifl_pipeline *pipeline);
/* Two phases: new work is refused and threads end; then memory goes. One thread, once. */
IFL_API void ifl_pipeline_stop(struct ifl_pipeline *pipeline);
IFL_API void ifl_pipeline_destroy(struct ifl_pipeline *pipeline); /* takes NULL; stops if need be */

/* ---- changes while it runs; also before the start ----
 *
 * A source that leaves takes its counts with it: its edges are in no later summary and its series
 * in no later metrics, so that both laws hold of what is shown. Its images and those being made
 * stay; who waits for one that was not begun gets IFL_ERR_CANCELLED. Other sources notice nothing.
 * These calls wait until its threads have ended, about as long as reading a frame may take. */
/* `text` as the option `source` takes it: URI or NAME=URI. `name` (may be NULL) receives the name.
 * It begins without a kept profile: what a source of this name once showed may be something else.
 */
IFL_API enum ifl_result ifl_pipeline_add_source(struct ifl_pipeline *pipeline, const char *text,
                                                char name[IFL_SOURCE_NAME_MAX],
                                                struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API enum ifl_result ifl_pipeline_remove_source(struct ifl_pipeline *pipeline, const char *name,
                                                   struct ifl_error *error) IFL_CHECK_RESULT;
/* The same source from another URI, beginning anew; its kept profile is deleted. */
IFL_API enum ifl_result ifl_pipeline_change_source(struct ifl_pipeline *pipeline, const char *name,
                                                   const char *uri,
                                                   struct ifl_error *error) IFL_CHECK_RESULT;
/* Sets options by name, all or none; only those that docs/options.md calls changeable at run time.
 */
IFL_API enum ifl_result ifl_pipeline_configure(struct ifl_pipeline *pipeline,
                                               const char *const *names, const char *const *values,
                                               int count, struct ifl_error *error) IFL_CHECK_RESULT;
/* What a reload does: takes over how `config` differs from the configuration that this pipeline was
 * created or last reloaded with. Sources that came, went or changed are added, removed or changed
 * (others notice nothing, what HTTP added stays), options that may change are set, and the log
 * names those that need a restart. Sources that wait for their credentials try at once. All of
 * `config` is checked first, and a bad one changes nothing; a source that can't be taken over later
 * is logged, the others go on, and the first such error is returned. One thread at a time. */
IFL_API enum ifl_result ifl_pipeline_reload(struct ifl_pipeline *pipeline,
                                            const struct ifl_config *config,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
/* The state of a source as it is now is as it should be (see ifl_drift_accept); carried out with
 * its next frame. */
IFL_API enum ifl_result ifl_pipeline_accept_drift(struct ifl_pipeline *pipeline, const char *name,
                                                  struct ifl_error *error) IFL_CHECK_RESULT;
/* Forgets a source's profile, pictures and what drift has learned, on disk too, and begins anew
 * with the next frame. What has been generated stays. */
IFL_API enum ifl_result ifl_pipeline_reset_profile(struct ifl_pipeline *pipeline, const char *name,
                                                   struct ifl_error *error) IFL_CHECK_RESULT;
/* A copy of the configuration as it is now; ifl_config_destroy it. NULL: out of memory. */
IFL_API struct ifl_config *ifl_pipeline_config(struct ifl_pipeline *pipeline);

/* ---- what it shows ---- */
#define IFL_SOURCE_STATES(X)                                                                       \
    X(CONNECTING, "connecting")                                                                    \
    X(LIVE, "live")                                                                                \
    X(STALLED, "stalled")                                                                          \
    X(UNAUTHORIZED, "unauthorized")                                                                \
    X(BROKEN, "broken")                                                                            \
    X(STOPPED, "stoppe"                                                                            \
               "d")
enum ifl_source_state {
#define IFL_SOURCE_STATE_ENUM(name, text) IFL_SOURCE_##name,
    IFL_SOURCE_STATES(IFL_SOURCE_STATE_ENUM)
#undef IFL_SOURCE_STATE_ENUM
};
IFL_API const char *ifl_source_state_name(enum ifl_source_state state);

/* What validation found in the newest images of a source that were finished: name (as in a record's
 * audit), unit, whether the greatest value is the worst, what it is */
#define IFL_AUDIT_FIGURES(X)                                                                       \
    X(largest_event_share, "1", true, "largest share of foreground from a single event")           \
    X(support_1, "1", false, "share of foreground seen in at least 1 event")                       \
    X(support_2, "1", false, "share of foreground seen in at least 2 events")                      \
    X(support_4, "1", false, "share of foreground seen in at least 4 events")                      \
    X(verbatim_pixels, "pixels", true, "largest region copied from one memory frame")              \
    X(nearest_rms, "grey", false, "distance to the nearest memory frame")
enum ifl_audit_figure {
#define IFL_AUDIT_ENUM(name, unit, greatest, help) IFL_AUDIT_##name,
    IFL_AUDIT_FIGURES(IFL_AUDIT_ENUM)
#undef IFL_AUDIT_ENUM
        IFL_AUDIT_FIGURE_COUNT
};
enum { IFL_AUDIT_WINDOW = 64 }; /* images */
struct ifl_audit_summary {
    int images;                       /* finished ones that it is over */
    int verdict[IFL_REJECTION_COUNT]; /* of them, by the verdict on their last try; [0]: delivered
                                       */
    double median[IFL_AUDIT_FIGURE_COUNT]; /* of delivered ones; NAN where not known */
    double worst[IFL_AUDIT_FIGURE_COUNT];
};

struct ifl_source_status {
    char name[IFL_SOURCE_NAME_MAX];
    char uri[256]; /* redacted */
    enum ifl_source_state state;
    enum ifl_result error;         /* the same as a code, or IFL_OK */
    char reason[384];              /* why it is not live, or "" */
    double state_age_seconds;      /* since when it is in this state */
    double next_attempt_seconds;   /* until it is tried again; NAN: it is not waiting for that */
    bool breaker_open;             /* it failed five times in half a minute: attempts are probes */
    uint64_t failures;             /* connections that failed or could not be made */
    double last_frame_age_seconds; /* of the last good one; NAN before the first */
    double rate;                   /* good frames/s that came over the last seconds */
    uint64_t frames, loops;
    int width, height;     /* as the source sends them; 0 before the first */
    double nominal_rate;   /* frames/s that the source promises; 0: it does not */
    char format[32];       /* pixel format as the decoder names it; "" before the first */
    char codec[32];        /* "h264", "mjpeg", ...; "" where there is none */
    char camera[32];       /* what its pictures show instead of the scene, as the incident is named
                              ("black"), or "" */
    uint64_t held;         /* frames that were kept out of the profile for it, so far */
    const char *rung;      /* how much is analysed: "full", "coarse", "thinned", "key", "health" */
    double analysed_share; /* as in the profile */
    double complete_share;
    double lag_seconds; /* how far pictures of a live source are behind the least that they were
                           since it connected; NAN: not known */
    double busy_share; /* of the last second, that decoding did not wait for data; NAN: not known */
    struct ifl_audit_summary audit; /* of its newest images */
};
/* Fills at most `most` rows, returns how many sources there are. */
IFL_API int ifl_pipeline_sources(struct ifl_pipeline *pipeline, struct ifl_source_status *rows,
                                 int most);

struct ifl_flow_row { /* one edge; see docs/architecture.md */
    char source[IFL_SOURCE_NAME_MAX];
    const char *from, *to;
    uint64_t received, passed, waiting, busy, dropped_total;
    struct {
        const char *reason;
        uint64_t count;
    } dropped[12];
    int reasons;
};
struct ifl_summary {               /* one consistent moment of each edge and of the images */
    struct ifl_flow_row edge[136]; /* two a source, three of the images */
    int edges;
    uint64_t requested, delivered, rejected, failed, in_flight;
    struct {
        const char *reason;
        uint64_t count;
    } rejected_by[8]; /* attempts */
    int reasons;
    double likeness; /* of the rolling set; NAN where not known */
};
IFL_API void ifl_pipeline_summary(struct ifl_pipeline *pipeline, struct ifl_summary *summary);

/* The newest frame of a source (NULL: of the first) that came after `*serial`; waits for one until
 * the deadline. NULL if none came. The caller unrefs it; *serial moves on. */
IFL_API struct ifl_frame *ifl_pipeline_frame(struct ifl_pipeline *pipeline, const char *source,
                                             uint64_t *serial, int64_t wait_ns);

/* The last published profile of a source (NULL: the first), or NULL. With `fresh`, one made now,
 * which waits for the profiler's next frame, at most wait_ns. The caller unrefs it. */
IFL_API struct ifl_profile *ifl_pipeline_profile(struct ifl_pipeline *pipeline, const char *source,
                                                 bool fresh, int64_t wait_ns);

/* What the published profiles of a source were like over time; means and spread over each one's
 * window. */
enum ifl_history_series {
    IFL_HISTORY_BRIGHTNESS,
    IFL_HISTORY_CONTRAST,
    IFL_HISTORY_COLOR_TEMPERATURE,
    IFL_HISTORY_SHARPNESS, /* laplacian_variance */
    IFL_HISTORY_OBJECTS,   /* in a frame */
    IFL_HISTORY_COUNT,
};
enum { IFL_HISTORY_MAX = 512 };
struct ifl_history_value {
    double mean, p05, p95;
};
struct ifl_history_point {
    int64_t wall_ns;       /* when the profile was made */
    uint64_t frames;       /* profiled so far */
    double occupancy_rate; /* share of frames with at least one object */
    struct ifl_history_value value[IFL_HISTORY_COUNT];
};
IFL_API const char *ifl_history_name(enum ifl_history_series series); /* as the profile names it */
/* The newest `most` points of a source (NULL: the first), oldest first; returns how many. At most
 * IFL_HISTORY_MAX are kept; older ones grow sparser, back to the start. */
IFL_API int ifl_pipeline_history(struct ifl_pipeline *pipeline, const char *source,
                                 struct ifl_history_point *points, int most);

/* How a source's stream compares with what was learned. IFL_ERR_NOT_FOUND: no such source;
 * IFL_ERR_UNSUPPORTED: drift is not watched. */
IFL_API enum ifl_result ifl_pipeline_drift(struct ifl_pipeline *pipeline, const char *name,
                                           struct ifl_drift_status *status,
                                           struct ifl_error *error) IFL_CHECK_RESULT;
/* What has gone wrong or changed: the newest incidents first, at most `most`, of one source (NULL:
 * of all) and kind (-1: of all); with `lasting` only those that last; only those that have changed
 * after the serial `changed_after` (0: all). Returns how many; ifl_incident_fini each. */
IFL_API int ifl_pipeline_incidents(struct ifl_pipeline *pipeline, const char *source, int kind,
                                   bool lasting, uint64_t changed_after,
                                   struct ifl_incident *incidents, int most);
/* By id; false: there is none. ifl_incident_fini it. */
IFL_API bool ifl_pipeline_incident(struct ifl_pipeline *pipeline, uint64_t id,
                                   struct ifl_incident *incident);
/* Grows with each change of an incident. */
IFL_API uint64_t ifl_pipeline_incident_serial(struct ifl_pipeline *pipeline);

/* A delivered image; reference-counted, immutable. */
struct ifl_delivered {
    int refs;        /* atomic */
    uint64_t serial; /* counts delivered images, from 1 */
    char name[256];  /* its file name in the dataset; identifies it in the API */
    struct ifl_synthetic synthetic;
};
IFL_API void ifl_delivered_unref(struct ifl_delivered *delivered); /* takes NULL */

/* The newest delivered images, newest first, of those still in memory (the last 64): fills at most
 * `most` references, skipping `skip`; returns how many it filled. `source` NULL: of all. */
IFL_API int ifl_pipeline_images(struct ifl_pipeline *pipeline, const char *source, int skip,
                                struct ifl_delivered **images, int most);
/* By name, or NULL. */
IFL_API struct ifl_delivered *ifl_pipeline_image(struct ifl_pipeline *pipeline, const char *name);
/* The newest one that came after `*serial`, as ifl_pipeline_frame. */
IFL_API struct ifl_delivered *ifl_pipeline_newest(struct ifl_pipeline *pipeline, const char *source,
                                                  uint64_t *serial, int64_t wait_ns);

/* Generates now, from the source's profile of now; delivered like any other. Waits at most wait_ns.
 * IFL_ERR_NOT_READY, IFL_ERR_BUSY, IFL_ERR_REJECTED (no seed was accepted), IFL_ERR_TIMEOUT. */
IFL_API enum ifl_result ifl_pipeline_generate(struct ifl_pipeline *pipeline, const char *source,
                                              const struct ifl_request *request, int64_t wait_ns,
                                              struct ifl_delivered **delivered,
                                              struct ifl_error *error) IFL_CHECK_RESULT;
/* The request that the configuration asks for; a starting point for the call above. */
IFL_API void ifl_pipeline_request_init(struct ifl_pipeline *pipeline, struct ifl_request *request);

/* Why it can't do its work right now, or "" when it can: for /readyz. */
IFL_API void ifl_pipeline_ready(struct ifl_pipeline *pipeline, char reason[160]);

/* All metrics in Prometheus' text format; free() it. */
IFL_API char *ifl_pipeline_metrics(struct ifl_pipeline *pipeline);

#ifdef __cplusplus
}
#endif
#endif
