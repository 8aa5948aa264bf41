// SPDX-License-Identifier: Apache-2.0
// Sources: looking at them, adding, changing and removing them while the pipeline runs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/body.h"
#include "http/handlers.h"
#include "http/jobs.h"
#include "http/source_uri.h"

enum { SOURCES_MAX = 64 };

// The row of a source; false: there is none of this name.
static bool find_row(struct ifl_exchange *exchange, const char *name,
                     struct ifl_source_status *found)
{
    struct ifl_source_status rows[SOURCES_MAX];
    int count = ifl_pipeline_sources(exchange->services->pipeline, rows, SOURCES_MAX);
    for (int i = 0; i < count && i < SOURCES_MAX; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *found = rows[i];
            return true;
        }
    return false;
}

static enum MHD_Result reply_unknown(struct ifl_exchange *exchange, const char *name)
{
    return ifl_reply_fail(
        exchange, 0, IFL_ERR_NOT_FOUND, json_pack("{so}", "source", ifl_json_text(name)),
        "there is no source \"%.64s\"; GET /api/v1/sources lists those there are", name);
}

enum MHD_Result ifl_handle_source(struct ifl_exchange *exchange)
{
    struct ifl_source_status row;
    if (!find_row(exchange, exchange->name, &row))
        return reply_unknown(exchange, exchange->name);
    return ifl_reply_json(exchange, MHD_HTTP_OK, ifl_source_json(&row));
}

// ---- changes ----

static void carry_out_add(struct ifl_pipeline *pipeline, struct ifl_job *job)
{
    char text[IFL_SOURCE_NAME_MAX + IFL_SOURCE_URI_MAX + 2];
    snprintf(text, sizeof text, "%s%s%s", job->name, job->name[0] ? "=" : "", job->uri);
    job->result = ifl_pipeline_add_source(pipeline, text, job->name, &job->error);
}

static void carry_out_change(struct ifl_pipeline *pipeline, struct ifl_job *job)
{
    job->result = ifl_pipeline_change_source(pipeline, job->name, job->uri, &job->error);
}

static void carry_out_remove(struct ifl_pipeline *pipeline, struct ifl_job *job)
{
    job->result = ifl_pipeline_remove_source(pipeline, job->name, &job->error);
}

// Begins the errand; the connection sleeps, and the handler is called again when it is done.
static enum MHD_Result begin(struct ifl_exchange *exchange, const char *name, const char *uri,
                             void (*carry_out)(struct ifl_pipeline *, struct ifl_job *))
{
    struct ifl_error error = {.result = IFL_ERR_NO_MEMORY};
    struct ifl_job *job = calloc(1, sizeof *job);
    if (!job)
        return ifl_reply_error(exchange, &error, NULL);
    job->lane = IFL_LANE_ERRAND;
    job->connection = exchange->connection;
    job->carry_out = carry_out;
    snprintf(job->name, sizeof job->name, "%s", name);
    if (uri)
        job->uri = strdup(uri);
    if ((uri && !job->uri) || ifl_jobs_submit(exchange->services->jobs, job, &error) != IFL_OK) {
        ifl_job_free(job);
        return ifl_reply_error(exchange, &error, NULL);
    }
    exchange->job = job;
    return MHD_YES;
}

static enum MHD_Result reply_changed(struct ifl_exchange *exchange, unsigned status)
{
    const struct ifl_job *job = exchange->job;
    if (job->result != IFL_OK)
        return ifl_reply_error(exchange, &job->error, NULL);
    struct ifl_source_status row;
    if (!find_row(exchange, job->name, &row))
        return reply_unknown(exchange, job->name); // somebody has removed it since
    char location[128];
    snprintf(location, sizeof location, "/api/v1/sources/%s", job->name);
    return ifl_reply_json_at(exchange, status, location, ifl_source_json(&row));
}

// The string of a field that must be one; false: *answer says what is wrong.
static bool take_text(struct ifl_exchange *exchange, json_t *root, const char *field,
                      const char **text, enum MHD_Result *answer)
{
    json_t *value = json_object_get(root, field);
    *text = json_string_value(value);
    if (!value || *text)
        return true;
    *answer = ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, ifl_field_details(field),
                             "\"%s\" must be a string", field);
    return false;
}

// Checks {"uri": ..., "name": ...}; false: *answer says what is wrong.
static bool check_body(struct ifl_exchange *exchange, json_t *root, bool names, const char **uri,
                       const char **name, enum MHD_Result *answer)
{
    if (!ifl_body_knows(exchange, root, names ? "uri, name" : "uri", answer) ||
        !take_text(exchange, root, "uri", uri, answer) ||
        !take_text(exchange, root, "name", name, answer))
        return false;
    if (*name && !ifl_source_name_is_valid(*name)) {
        *answer = ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, ifl_field_details("name"),
                                 "\"name\" must be 1 to %d letters, digits, - and _",
                                 IFL_SOURCE_NAME_MAX - 1);
        return false;
    }
    struct ifl_error error;
    enum ifl_result result = ifl_source_uri_check(*uri ? *uri : "", &error);
    if (result == IFL_OK)
        return true;
    unsigned status = result == IFL_ERR_UNAUTHORIZED ? MHD_HTTP_FORBIDDEN : 0; // no key would help
    *answer = ifl_reply_fail(exchange, status, result, ifl_field_details("uri"), "%s", error.text);
    return false;
}

enum MHD_Result ifl_handle_source_add(struct ifl_exchange *exchange)
{
    if (exchange->job)
        return reply_changed(exchange, MHD_HTTP_CREATED);
    enum MHD_Result answer;
    const char *uri, *name;
    json_t *root = ifl_body_object(exchange, false, &answer);
    if (root && check_body(exchange, root, true, &uri, &name, &answer))
        answer = begin(exchange, name ? name : "", uri, carry_out_add);
    json_decref(root);
    return answer;
}

enum MHD_Result ifl_handle_source_change(struct ifl_exchange *exchange)
{
    if (exchange->job)
        return reply_changed(exchange, MHD_HTTP_OK);
    enum MHD_Result answer;
    struct ifl_source_status row;
    const char *uri, *name;
    json_t *root = ifl_body_object(exchange, false, &answer);
    if (root && check_body(exchange, root, false, &uri, &name, &answer))
        answer = find_row(exchange, exchange->name, &row)
                     ? begin(exchange, exchange->name, uri, carry_out_change)
                     : reply_unknown(exchange, exchange->name);
    json_decref(root);
    return answer;
}

enum MHD_Result ifl_handle_source_remove(struct ifl_exchange *exchange)
{
    const struct ifl_job *job = exchange->job;
    struct ifl_source_status row;
    if (!job)
        return find_row(exchange, exchange->name, &row)
                   ? begin(exchange, exchange->name, NULL, carry_out_remove)
                   : reply_unknown(exchange, exchange->name);
    if (job->result != IFL_OK)
        return ifl_reply_error(exchange, &job->error, NULL);
    return ifl_reply(exchange, MHD_HTTP_NO_CONTENT,
                     MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT));
}
