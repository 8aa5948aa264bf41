// SPDX-License-Identifier: Apache-2.0
// What takes too long for an event thread: generating, changing sources, writing profiles. The
// connection sleeps while a job thread waits for the pipeline. Two lanes, so that a short errand
// does not wait behind images: two threads that generate and one for errands, at most 16 waiting in
// each; more are refused as busy.
#ifndef IFL_HTTP_JOBS_H
#define IFL_HTTP_JOBS_H

#include <microhttpd.h>

#include "inferloop/pipeline.h"

enum ifl_lane { IFL_LANE_GENERATE, IFL_LANE_ERRAND, IFL_LANES };

struct ifl_job {
    // in
    enum ifl_lane lane;
    // What to do: fills `result` and what else comes out. NULL: generate.
    void (*carry_out)(struct ifl_pipeline *pipeline, struct ifl_job *job);
    struct MHD_Connection *connection;
    char source[IFL_SOURCE_NAME_MAX]; // "": the first
    struct ifl_request request;
    int64_t wait_ns;
    char *uri;                      // of a source to add or to change to; owned
    char name[IFL_SOURCE_NAME_MAX]; // of that source; "" when the pipeline shall choose one
    // out; valid when the access handler is called again
    enum ifl_result result;
    struct ifl_error error;
    struct ifl_delivered *delivered; // a reference
    uint8_t *bytes;                  // of a file; owned
    size_t count;
    // between
    int64_t deadline_ns;
    struct ifl_job *next;
};

struct ifl_jobs;
enum ifl_result ifl_jobs_create(struct ifl_pipeline *pipeline, struct ifl_jobs **jobs,
                                struct ifl_error *error) IFL_CHECK_RESULT;
// Cancels what waits, waits for what runs; every connection is resumed then. Once.
void ifl_jobs_stop(struct ifl_jobs *jobs);
void ifl_jobs_destroy(struct ifl_jobs *jobs); // takes NULL; after stop

// Suspends the job's connection until the job is done. Called by the access handler.
enum ifl_result ifl_jobs_submit(struct ifl_jobs *jobs, struct ifl_job *job,
                                struct ifl_error *error) IFL_CHECK_RESULT;

#endif
