// SPDX-License-Identifier: Apache-2.0
// Jobs: images that are asked for now and fetched later.
#include <stdio.h>
#include <string.h>

#include "http/body.h"
#include "http/handlers.h"
#include "http/orders.h"
#include "http/request_body.h"

enum MHD_Result ifl_handle_jobs(struct ifl_exchange *exchange)
{
    return ifl_reply_json(exchange, MHD_HTTP_OK,
                          json_pack("{so}", "jobs", ifl_orders_list(exchange->services->orders)));
}

static enum MHD_Result reply_unknown(struct ifl_exchange *exchange)
{
    return ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND, NULL,
                          "there is no such job; the last 64 that have ended are remembered");
}

enum MHD_Result ifl_handle_job(struct ifl_exchange *exchange)
{
    bool known;
    json_t *job = ifl_orders_show(exchange->services->orders, exchange->name, &known);
    return known ? ifl_reply_json(exchange, MHD_HTTP_OK, job) : reply_unknown(exchange);
}

enum MHD_Result ifl_handle_job_cancel(struct ifl_exchange *exchange)
{
    if (!ifl_orders_cancel(exchange->services->orders, exchange->name))
        return reply_unknown(exchange);
    return ifl_handle_job(exchange);
}

static enum MHD_Result reply_ordered(struct ifl_exchange *exchange, const char *id)
{
    char location[64];
    bool known;
    snprintf(location, sizeof location, "/api/v1/jobs/%s", id);
    return ifl_reply_json_at(exchange, MHD_HTTP_ACCEPTED, location,
                             ifl_orders_show(exchange->services->orders, id, &known));
}

enum MHD_Result ifl_handle_job_order(struct ifl_exchange *exchange)
{
    enum MHD_Result answer;
    if (!ifl_body_is_json(exchange, &answer))
        return answer;
    struct ifl_generate_body body = {.job = true, .count = 1, .deadline_seconds = 3600};
    struct ifl_error error;
    char field[64], id[24];
    ifl_pipeline_request_init(exchange->services->pipeline, &body.request);
    if (ifl_generate_body_parse(exchange->body, exchange->body_bytes, &body, field, &error) !=
        IFL_OK)
        return ifl_reply_error(exchange, &error, ifl_field_details(field));
    if (!ifl_find_source(exchange, body.source[0] ? body.source : NULL, body.source, &answer))
        return answer;
    struct ifl_order_request order = {
        .request = body.request, .count = body.count, .deadline_seconds = body.deadline_seconds};
    memcpy(order.source, body.source, sizeof order.source);
    if (ifl_orders_put(exchange->services->orders, &order, id, &error) != IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    return reply_ordered(exchange, id);
}
