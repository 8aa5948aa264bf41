// SPDX-License-Identifier: Apache-2.0
// A channel is one source from its camera to its published profile: an ingest thread, a profile
// thread, and the two edges before them. Starts and stops with the pipeline, or comes and goes
// while it runs; reference-counted, readers on any thread.
#ifndef IFL_PIPELINE_CHANNEL_H
#define IFL_PIPELINE_CHANNEL_H

#include "core/flow.h"
#include "core/journal.h"
#include "core/metrics.h"
#include "core/options.h"
#include "ingest/ingest.h"
#include "pipeline/audits.h"
#include "pipeline/builtins.h"
#include "pipeline/workshop.h"

struct ifl_channel;
// `state_dir` NULL: nothing is kept. With `load`, a kept profile is published at once. `journal`
// outlives the channel; may be NULL.
enum ifl_result ifl_channel_create(const struct ifl_source_spec *spec,
                                   const struct ifl_config *config, struct ifl_journal *journal,
                                   const char *state_dir, bool load, struct ifl_channel **channel,
                                   struct ifl_error *error) IFL_CHECK_RESULT;
enum ifl_result ifl_channel_start(struct ifl_channel *channel,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_channel_stop(struct ifl_channel *channel); // ends both threads; keeps the last profile
struct ifl_channel *ifl_channel_ref(struct ifl_channel *channel);
void ifl_channel_unref(struct ifl_channel *channel); // takes NULL; the last one after stop

// It leaves the pipeline: nobody shall begin anything for it any more.
void ifl_channel_retire(struct ifl_channel *channel);
bool ifl_channel_retired(const struct ifl_channel *channel);
// Removes the kept profile; after stop.
void ifl_channel_forget(struct ifl_channel *channel);
void ifl_channel_set_interval(struct ifl_channel *channel, double profile_interval); // seconds

// What the studio remembers of a channel; under the studio's lock.
struct ifl_plan {
    uint64_t number; // among all channels there have been, for the seeds
    int64_t next_ns; // when its next images are due
    uint64_t ticks;  // images asked for
    bool last;       // it has ended and had its last images
    struct ifl_audits audits;
};
struct ifl_plan *ifl_channel_plan(struct ifl_channel *channel);

// True if this source is the one connection to the same camera: live, and of the same URI.
bool ifl_channel_reads(const struct ifl_channel *channel, const struct ifl_source_spec *spec);
// Tries at once where it waits to; see ifl_ingest_retry.
void ifl_channel_retry(struct ifl_channel *channel);

struct ifl_watch;
struct ifl_watch *ifl_channel_watch(struct ifl_channel *channel); // drift; lives as long

const char *ifl_channel_name(const struct ifl_channel *channel);
void ifl_channel_status(struct ifl_channel *channel, struct ifl_source_status *status);
struct ifl_frame *ifl_channel_frame(struct ifl_channel *channel, uint64_t *serial, int64_t wait_ns);
struct ifl_edge *ifl_channel_edge(struct ifl_channel *channel, int index); // 0, 1; else NULL

// The newest published profile, or NULL; with `fresh` one made at the next frame or within wait_ns.
struct ifl_profile *ifl_channel_profile(struct ifl_channel *channel, bool fresh, int64_t wait_ns);
// See ifl_pipeline_history.
int ifl_channel_history(struct ifl_channel *channel, struct ifl_history_point *points, int most);
// True once the profile holds enough to generate from.
bool ifl_channel_ready(struct ifl_channel *channel);
// Of the newest published profile.
void ifl_channel_suitability(struct ifl_channel *channel, struct ifl_suitability *suitability);
// True once the source has ended for good and its last profile is published.
bool ifl_channel_ended(struct ifl_channel *channel);
uint64_t ifl_channel_frames_expected(struct ifl_channel *channel); // in one loop; 0: not known
// Profiles published so far, and seconds from capture to profiled of the newest frame.
uint64_t ifl_channel_profiles(struct ifl_channel *channel);
double ifl_channel_profile_latency(struct ifl_channel *channel);
// Of all frames profiled so far.
void ifl_channel_latencies(struct ifl_channel *channel, struct ifl_metric_histogram *histogram);

// A workshop for the newest profile; made once per profile. The caller unrefs it.
enum ifl_result ifl_channel_workshop(struct ifl_channel *channel,
                                     const struct ifl_engine_plugin *engine,
                                     struct ifl_workshop **workshop,
                                     struct ifl_error *error) IFL_CHECK_RESULT;

#endif
