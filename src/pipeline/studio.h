// SPDX-License-Identifier: Apache-2.0
// The studio makes and delivers images: a bounded queue of requests, the workers that serve it, and
// the scheduler that asks for images at each generate interval.
//
// In: requests. Out: images in the sink and the gallery. Requests beyond the queue are refused as
// busy; those that wait for a source that leaves are answered at once. Any thread may ask.
#ifndef IFL_PIPELINE_STUDIO_H
#define IFL_PIPELINE_STUDIO_H

#include "core/flow.h"
#include "pipeline/easing.h"
#include "pipeline/gallery.h"
#include "pipeline/roster.h"
#include "pipeline/settings.h"

struct ifl_studio_config {
    struct ifl_settings *settings; // outlives the studio
    struct ifl_roster *roster;     // likewise
    struct ifl_journal *journal;   // likewise; or NULL
    const struct ifl_engine_plugin *engine;
    const struct ifl_sink_plugin *sink_plugin;
    void *sink; // opened; stays the caller's
};

struct ifl_studio;
enum ifl_result ifl_studio_create(const struct ifl_studio_config *config,
                                  struct ifl_studio **studio,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
enum ifl_result ifl_studio_start(struct ifl_studio *studio,
                                 struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_studio_stop(struct ifl_studio *studio);    // refuses, finishes what is being made, joins
void ifl_studio_destroy(struct ifl_studio *studio); // takes NULL; after stop

// Makes an image now and waits for it. See ifl_pipeline_generate.
enum ifl_result ifl_studio_generate(struct ifl_studio *studio, struct ifl_channel *channel,
                                    const struct ifl_request *request, int64_t wait_ns,
                                    struct ifl_delivered **delivered,
                                    struct ifl_error *error) IFL_CHECK_RESULT;

struct ifl_gallery *ifl_studio_gallery(struct ifl_studio *studio);
struct ifl_edge *ifl_studio_edge(struct ifl_studio *studio, int index); // 0..2; else NULL
void ifl_studio_ledger(struct ifl_studio *studio, struct ifl_ledger_counts *counts);
// Answers those who wait for a retired channel.
void ifl_studio_forget(struct ifl_studio *studio);
// Every channel had its last image; never while there is no channel.
bool ifl_studio_idle(struct ifl_studio *studio);
// What was found in a channel's newest images.
void ifl_studio_audit(struct ifl_studio *studio, struct ifl_channel *channel,
                      struct ifl_audit_summary *summary);
// What is asked for at each interval now.
enum ifl_easing_step ifl_studio_easing(struct ifl_studio *studio);
double ifl_studio_likeness(struct ifl_studio *studio); // of the rolling set, NAN: not known
double ifl_studio_latency(struct ifl_studio *studio);  // frame to delivered image, seconds; NAN

#endif
