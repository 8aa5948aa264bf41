// SPDX-License-Identifier: Apache-2.0
// Drift of one channel: the detector on the profile thread, its incidents into the journal, and
// commands and questions from other threads. With drift switched off it passes verdicts on.
#ifndef IFL_PIPELINE_WATCH_H
#define IFL_PIPELINE_WATCH_H

#include "core/journal.h"
#include "core/options.h"
#include "inferloop/drift.h"

struct ifl_watch;
enum ifl_result ifl_watch_create(const char *source, const struct ifl_config *config,
                                 struct ifl_journal *journal, struct ifl_watch **watch,
                                 struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_watch_destroy(struct ifl_watch *watch); // takes NULL

// ---- the profile thread ----
// Judges a frame before the profiler takes it; `verdict` is camera truth's.
enum ifl_verdict ifl_watch_take(struct ifl_watch *watch, const struct ifl_frame *frame,
                                const struct ifl_features *features,
                                const struct ifl_profiler *profiler, enum ifl_verdict verdict);
// Carries out what others have asked for; true: the profile shall be forgotten too.
bool ifl_watch_obey(struct ifl_watch *watch);
// Another scene is learned apart; the states of the first one that was left are kept until it is
// back or dropped.
enum ifl_result ifl_watch_leave(struct ifl_watch *watch, struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_watch_return(struct ifl_watch *watch);
void ifl_watch_drop(struct ifl_watch *watch);
void ifl_watch_forget(struct ifl_watch *watch, int64_t before_wall_ns); // pictures
void ifl_watch_keep(struct ifl_watch *watch, const char *path); // the states of the first scene
void ifl_watch_load(struct ifl_watch *watch, const char *path); // before the thread starts, too

// ---- any thread ----
void ifl_watch_accept(struct ifl_watch *watch);
void ifl_watch_reset(struct ifl_watch *watch);
bool ifl_watch_status(struct ifl_watch *watch, struct ifl_drift_status *status); // false: off

#endif
