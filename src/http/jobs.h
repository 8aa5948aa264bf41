// SPDX-License-Identifier: Apache-2.0
// What takes too long for an event thread: generating. The connection sleeps while a job thread
// waits for the pipeline. Two threads, at most 16 waiting; more are refused as busy.
#ifndef IFL_HTTP_JOBS_H
#define IFL_HTTP_JOBS_H

#include <microhttpd.h>

#include "inferloop/pipeline.h"

struct ifl_job {
    // in
    struct MHD_Connection *connection;
    char source[IFL_SOURCE_NAME_MAX]; // "": the first
    struct ifl_request request;
    int64_t wait_ns;
    // out; valid when the access handler is called again
    enum ifl_result result;
    struct ifl_error error;
    struct ifl_delivered *delivered; // a reference
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
