/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents: whatever begins, lasts and clears again and that an operator must know of, in one form
 * from a lost connection to a drifting scene. In: the rooms report them into the pipeline's
 * journal. Out: log lines (`incident.begun`, `incident.cleared`), metrics, /api/v1/incidents,
 * events.
 *
 * A source has at most one lasting incident of a kind; a further report of it brings it up to date.
 * Immutable copies; any thread. */
#ifndef INFERLOOP_INCIDENT_H
#define INFERLOOP_INCIDENT_H

#include <stdint.h>

#include "inferloop/frame.h"
#include "inferloop/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What it concerns, which says where to look: the link, the camera, the world before it, or us. */
#define IFL_INCIDENT_REALMS(X)                                                                     \
    X(LINK, "link") X(CAMERA, "camera") X(WORLD, "world") X(PIPELINE, "pipeline")
enum ifl_incident_realm {
#define IFL_INCIDENT_REALM_ENUM(name, text) IFL_REALM_##name,
    IFL_INCIDENT_REALMS(IFL_INCIDENT_REALM_ENUM)
#undef IFL_INCIDENT_REALM_ENUM
};
IFL_API const char *ifl_incident_realm_name(enum ifl_incident_realm realm);

/* INFO: a state worth knowing. WARNING: may need somebody. ALARM: somebody should look. */
#define IFL_SEVERITIES(X) X(INFO, "info") X(WARNING, "warning") X(ALARM, "alarm")
enum ifl_severity {
#define IFL_SEVERITY_ENUM(name, text) IFL_SEVERITY_##name,
    IFL_SEVERITIES(IFL_SEVERITY_ENUM)
#undef IFL_SEVERITY_ENUM
};
IFL_API const char *ifl_severity_name(enum ifl_severity severity);

/* name in enum, name for users, realm, usual severity, sentence */
#define IFL_INCIDENTS(X)                                                                           \
    X(OFFLINE, "offline", LINK, ALARM, "the source does not deliver")                              \
    X(UNAUTHORIZED, "unauthorized", LINK, ALARM, "the source refuses the credentials")             \
    X(FROZEN, "frozen", CAMERA, ALARM, "the same picture again and again")                         \
    X(BLACK, "black", CAMERA, ALARM, "the picture is black")                                       \
    X(WHITE, "white", CAMERA, ALARM, "the picture is white")                                       \
    X(COVERED, "covered", CAMERA, ALARM, "something covers the lens")                              \
    X(DEFOCUSED, "defocused", CAMERA, ALARM, "the picture has lost its sharpness")                 \
    X(MOVED, "moved", CAMERA, ALARM, "the camera looks elsewhere")                                 \
    X(TORN, "torn", CAMERA, WARNING, "pictures are torn or partly grey")                           \
    X(INFRARED, "infrared", CAMERA, INFO, "the camera sees without colour")                        \
    X(EXPOSURE, "exposure", CAMERA, WARNING, "the exposure has jumped")                            \
    X(DRIFT_WARNING, "drift_warning", WORLD, WARNING, "the stream may be changing")                \
    X(DRIFT, "drift", WORLD, ALARM, "the stream no longer looks as it did")                        \
    X(ANOMALY, "anomaly", WORLD, WARNING, "pictures unlike all others")                            \
    X(CONTAMINATED, "contaminated", WORLD, WARNING, "frames are kept out of the profile")          \
    X(UNSUITED, "unsuited", WORLD, WARNING, "the engine does not suit this stream")                \
    X(SLOW, "slow", PIPELINE, WARNING, "a stage is too slow")                                      \
    X(DEGRADED, "degraded", PIPELINE, WARNING, "less is analysed or made than asked for")
enum ifl_incident_kind {
#define IFL_INCIDENT_ENUM(name, text, realm, severity, sentence) IFL_INCIDENT_##name,
    IFL_INCIDENTS(IFL_INCIDENT_ENUM)
#undef IFL_INCIDENT_ENUM
        IFL_INCIDENT_COUNT
};
struct ifl_incident_row {
    const char *name;
    enum ifl_incident_realm realm;
    enum ifl_severity severity;
    const char *sentence;
};
IFL_API const struct ifl_incident_row *ifl_incident_row(enum ifl_incident_kind kind);

enum { IFL_INCIDENT_FEATURES = 3, IFL_INCIDENT_TEXT_MAX = 256 };

/* A number that explains it: what it was and what it is, in the unit of its feature. */
struct ifl_incident_feature {
    char name[32];
    double before, after;
    double score; /* how much it explains, in the reporter's own measure; larger is more */
};

struct ifl_incident {
    uint64_t id; /* from 1, of this process; the journal sets it */
    char source[IFL_SOURCE_NAME_MAX];
    enum ifl_incident_kind kind;
    enum ifl_severity severity;
    int64_t begun_wall_ns;            /* of the first frame concerned; 0: when it was reported */
    int64_t noticed_wall_ns;          /* when it was reported; the journal sets it */
    int64_t cleared_wall_ns;          /* 0 while it lasts; the journal sets it */
    uint64_t first_sequence;          /* of the first frame concerned */
    char cause[32];                   /* a word of the kind: "stalled", "gradual", ...; or "" */
    char text[IFL_INCIDENT_TEXT_MAX]; /* one sentence: what, and what to do; no secrets */
    double region[4]; /* x, y, width, height in shares of the picture; width 0: all of it */
    int features;
    struct ifl_incident_feature feature[IFL_INCIDENT_FEATURES]; /* the most telling first */
    struct ifl_image *before, *after; /* a picture of each, real ones; or NULL */
};
IFL_API void ifl_incident_fini(struct ifl_incident *incident); /* drops the pictures */

#ifdef __cplusplus
}
#endif
#endif
