// SPDX-License-Identifier: Apache-2.0
// Sources, counters, profile, metrics, health.
#include "http/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "http/counters.h"
#include "http/documents.h"
#include "http/query.h"
#include "pipeline/summary.h"

bool ifl_find_source(struct ifl_exchange *exchange, const char *wanted,
                     char name[IFL_SOURCE_NAME_MAX], enum MHD_Result *answer)
{
    struct ifl_source_status rows[IFL_SOURCES_SHOWN_MAX];
    int count = ifl_pipeline_sources(exchange->services->pipeline, rows, IFL_SOURCES_SHOWN_MAX);
    count = count < IFL_SOURCES_SHOWN_MAX ? count : IFL_SOURCES_SHOWN_MAX;
    for (int i = 0; i < count; i++)
        if (!wanted || strcmp(rows[i].name, wanted) == 0) {
            memcpy(name, rows[i].name, IFL_SOURCE_NAME_MAX);
            return true;
        }
    *answer = wanted ? ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND,
                                      json_pack("{so}", "source", ifl_json_text(wanted)),
                                      "there is no source \"%.64s\"; GET /api/v1/sources lists "
                                      "those there are",
                                      wanted)
                     : ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND, NULL, "there is no source");
    return false;
}

static json_t *json_of_audit(const struct ifl_audit_summary *audit)
{
    json_t *verdicts = json_object(), *all = json_object();
    for (int v = 0; v < IFL_REJECTION_COUNT; v++)
        json_object_set_new(verdicts, ifl_rejection_name((enum ifl_rejection)v),
                            json_integer(audit->verdict[v]));
    json_object_set_new(all, "images", json_integer(audit->images));
    json_object_set_new(all, "verdicts", verdicts);
#define FIGURE(name, unit, greatest, help)                                                         \
    json_object_set_new(all, #name,                                                                \
                        json_pack("{so so}", "median",                                             \
                                  ifl_json_number(audit->median[IFL_AUDIT_##name]), "worst",       \
                                  ifl_json_number(audit->worst[IFL_AUDIT_##name])));
    IFL_AUDIT_FIGURES(FIGURE)
#undef FIGURE
    return all;
}

json_t *ifl_source_json(const struct ifl_source_status *row)
{
    return json_pack(
        "{so so ss so so so sb so so so so so si si so so so ss ss so so so so so}", "name",
        ifl_json_text(row->name), "uri", ifl_json_public(row->uri), "state",
        ifl_source_state_name(row->state), "reason", ifl_json_public(row->reason),
        "state_age_seconds", ifl_json_number(row->state_age_seconds), "next_attempt_seconds",
        ifl_json_number(row->next_attempt_seconds), "breaker_open", row->breaker_open, "failures",
        ifl_json_count(row->failures), "last_frame_age_seconds",
        ifl_json_number(row->last_frame_age_seconds), "rate", ifl_json_number(row->rate), "frames",
        ifl_json_count(row->frames), "loops", ifl_json_count(row->loops), "width", row->width,
        "height", row->height, "nominal_rate", ifl_json_number(row->nominal_rate), "format",
        ifl_json_public(row->format), "codec", ifl_json_public(row->codec), "camera", row->camera,
        "rung", row->rung ? row->rung : "full", "analysed_share",
        ifl_json_number(row->analysed_share), "complete_share",
        ifl_json_number(row->complete_share), "lag_seconds", ifl_json_number(row->lag_seconds),
        "busy_share", ifl_json_number(row->busy_share), "audit", json_of_audit(&row->audit));
}

json_t *ifl_sources_json(struct ifl_pipeline *pipeline)
{
    struct ifl_source_status rows[IFL_SOURCES_SHOWN_MAX];
    int count = ifl_pipeline_sources(pipeline, rows, IFL_SOURCES_SHOWN_MAX);
    json_t *list = json_array();
    for (int i = 0; i < count && i < IFL_SOURCES_SHOWN_MAX; i++)
        json_array_append_new(list, ifl_source_json(&rows[i]));
    return list;
}

enum MHD_Result ifl_handle_sources(struct ifl_exchange *exchange)
{
    return ifl_reply_json(
        exchange, MHD_HTTP_OK,
        json_pack("{so}", "sources", ifl_sources_json(exchange->services->pipeline)));
}

static json_t *json_of_defaults(struct ifl_pipeline *pipeline)
{
    struct ifl_request request;
    ifl_pipeline_request_init(pipeline, &request);
    json_t *defaults =
        json_pack("{ss si so si si so}", "privacy", ifl_privacy_name(request.privacy), "k",
                  request.k, "guidance_scale", ifl_json_number(request.guidance_scale), "width",
                  request.width, "height", request.height, "prompt", ifl_json_text(request.prompt));
    for (int t = 0; t < IFL_TARGET_COUNT; t++)
        json_object_set_new(defaults, ifl_target_row((enum ifl_target)t)->name,
                            ifl_json_number(request.target[t]));
    return defaults;
}

static json_t *json_of_status(struct ifl_pipeline *pipeline, const struct ifl_summary *summary)
{
    char reason[160] = "";
    ifl_pipeline_ready(pipeline, reason);
    json_t *status = json_pack("{ss ss sb so so}", "schema", "inferloop.status/1", "version",
                               IFL_VERSION, "ready", !reason[0], "reason", ifl_json_text(reason),
                               "defaults", json_of_defaults(pipeline));
    json_t *counts = ifl_summary_json(summary);
    if (!counts || json_object_update(status, counts) != 0) {
        json_decref(status);
        status = NULL;
    }
    json_decref(counts);
    return status;
}

json_t *ifl_status_json(struct ifl_pipeline *pipeline)
{
    struct ifl_summary *summary = calloc(1, sizeof *summary);
    if (!summary)
        return NULL;
    ifl_pipeline_summary(pipeline, summary);
    json_t *status = json_of_status(pipeline, summary);
    free(summary);
    return status;
}

enum MHD_Result ifl_handle_status(struct ifl_exchange *exchange)
{
    return ifl_reply_json(exchange, MHD_HTTP_OK, ifl_status_json(exchange->services->pipeline));
}

enum MHD_Result ifl_handle_metrics(struct ifl_exchange *exchange)
{
    char *text = ifl_pipeline_metrics(exchange->services->pipeline);
    char *own = ifl_http_metrics_text(exchange->services->counters);
    size_t length = text ? strlen(text) : 0, own_length = own ? strlen(own) : 0;
    char *all = text && own ? realloc(text, length + own_length + 1) : NULL;
    if (!all) {
        free(text);
        free(own);
        return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
    }
    memcpy(all + length, own, own_length);
    free(own);
    return ifl_reply_bytes(exchange, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                           (uint8_t *)all, length + own_length);
}

enum MHD_Result ifl_handle_health(struct ifl_exchange *exchange)
{
    return ifl_reply_json(exchange, MHD_HTTP_OK, json_pack("{ss}", "status", "ok"));
}

enum MHD_Result ifl_handle_ready(struct ifl_exchange *exchange)
{
    char reason[160] = "";
    ifl_pipeline_ready(exchange->services->pipeline, reason);
    if (!reason[0])
        return ifl_reply_json(exchange, MHD_HTTP_OK, json_pack("{ss}", "status", "ready"));
    struct ifl_error error;
    (void)ifl_fail(&error, IFL_ERR_NOT_READY, "http", "%s", reason);
    return ifl_reply_error(exchange, &error, NULL);
}
