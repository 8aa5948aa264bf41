// SPDX-License-Identifier: Apache-2.0
// What the routes do. Each answers its exchange; see the table in routes.c. On the event threads.
#ifndef IFL_HTTP_HANDLERS_H
#define IFL_HTTP_HANDLERS_H

#include "http/exchange.h"

enum MHD_Result ifl_handle_page(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_status(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_sources(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_profile(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_history(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_events(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_source(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_source_add(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_source_change(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_source_remove(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_drift(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_drift_accept(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_profile_reset(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_profiles(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_profile_named(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_profile_file(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_config(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_config_change(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_jobs(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_job_order(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_job(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_job_cancel(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_openapi(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_metrics(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_health(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_ready(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_images(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_latest(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_image(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_metadata(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_incidents(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_incident(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_incident_picture(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_generate(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_session(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_session_begin(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_session_end(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_source_stream(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_source_picture(struct ifl_exchange *exchange);
enum MHD_Result ifl_handle_synthetic_stream(struct ifl_exchange *exchange);

// The source that the request names by ?source=, else the first; with neither answers
// ERR_NOT_FOUND. On an error *answer is what the handler shall return.
bool ifl_find_source(struct ifl_exchange *exchange, const char *wanted,
                     char name[IFL_SOURCE_NAME_MAX], enum MHD_Result *answer);

// A source as the API shows it. NULL: out of memory.
json_t *ifl_source_json(const struct ifl_source_status *row);
// "/api/v1/images/" and the name, coded for a URL.
void ifl_image_url(const char *name, char url[1024]);

// Frees the job of an exchange that has ended.
void ifl_job_free(struct ifl_job *job); // takes NULL

#endif
