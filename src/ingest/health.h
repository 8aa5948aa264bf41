// SPDX-License-Identifier: Apache-2.0
// Camera truth: does a picture show the scene, or what is wrong with the camera?
//
// In: each frame on its way to the profile, with its features and its plane. Out: a verdict, and
// incidents of the realm `camera` in the journal, each with its first frame and a cause, cleared
// when it is over. It learns what the camera usually shows (ingest/view.h) from good frames alone,
// by day and, apart from it, in infrared; until it has, absolute thresholds hold. A change that
// comes over minutes is the world's. Times are the stream's. Definitions, limits and how well it
// does: docs/camera-truth.md. One thread; `status` any. Keeps small pictures of two good frames,
// so that an incident can show one of before; it allocates only when an incident takes one away.
#ifndef IFL_INGEST_HEALTH_H
#define IFL_INGEST_HEALTH_H

#include "core/journal.h"
#include "inferloop/profile.h" // enum ifl_verdict

struct ifl_health;
// `journal`: of incidents; outlives it; NULL: none.
struct ifl_health *ifl_health_create(const char *source, struct ifl_journal *journal);
void ifl_health_destroy(struct ifl_health *health); // takes NULL

// HELD: not to be learned from. `extractor`: has just measured this frame.
enum ifl_verdict ifl_health_take(struct ifl_health *health, const struct ifl_frame *frame,
                                 const struct ifl_features *features,
                                 const struct ifl_extractor *extractor);

struct ifl_health_status {
    bool lasts[IFL_INCIDENT_COUNT]; // incidents of the realm camera
    bool known;                     // it knows what the camera usually shows
    uint64_t held;                  // frames
};
void ifl_health_status(struct ifl_health *health, struct ifl_health_status *status);

// Views that have stayed for 10 s, numbered from 1 in their order. The usual one of before the
// camera moved is kept for 10 minutes of the stream: when it is back, `now` is its number again. On
// its own thread.
struct ifl_health_views {
    uint64_t now;    // the one that the camera shows
    uint64_t former; // the one that may come back; 0: none
};
void ifl_health_views(const struct ifl_health *health, struct ifl_health_views *views);
// Forgets what the camera usually shows: what it shows now is learned. On its own thread.
void ifl_health_reset(struct ifl_health *health);

// Drops pictures that were taken before this time of the wall clock. On its own thread.
void ifl_health_forget(struct ifl_health *health, int64_t before_wall_ns);

// Keeps what it has learned of the camera (of the former view where there is one) in a file, and
// takes it up again: IFL_ERR_NOT_FOUND, IFL_ERR_CORRUPT (also one of another version). On its own
// thread, or before the first frame.
enum ifl_result ifl_health_save(const struct ifl_health *health, const char *path,
                                struct ifl_error *error) IFL_CHECK_RESULT;
enum ifl_result ifl_health_load(struct ifl_health *health, const char *path,
                                struct ifl_error *error) IFL_CHECK_RESULT;

#endif
