// SPDX-License-Identifier: Apache-2.0
// What the page is live by: events, and the history that it begins with.
#include "http/handlers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "http/documents.h"
#include "http/events.h"
#include "http/query.h"

static enum MHD_Result reply_head(struct ifl_exchange *exchange)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    if (response)
        MHD_add_response_header(response, "Content-Type", "text/event-stream");
    return ifl_reply(exchange, MHD_HTTP_OK, response);
}

enum MHD_Result ifl_handle_events(struct ifl_exchange *exchange)
{
    if (exchange->head)
        return reply_head(exchange);
    struct MHD_Response *response = NULL;
    struct ifl_error error;
    enum ifl_result result =
        ifl_events_open(exchange->services->events, exchange->connection, &response, &error);
    if (result == IFL_ERR_BUSY) // 503, not 429: it is not this client's doing
        return ifl_reply_fail(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, result, NULL, "%s",
                              error.text);
    if (result != IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    return ifl_reply(exchange, MHD_HTTP_OK, response);
}

json_t *ifl_history_point_json(const struct ifl_history_point *point)
{
    char time[32];
    ifl_wall_format(point->wall_ns, time);
    json_t *object = json_pack("{ss so so}", "time", time, "frames", ifl_json_count(point->frames),
                               "occupancy_rate", ifl_json_number(point->occupancy_rate));
    for (int i = 0; i < IFL_HISTORY_COUNT; i++) {
        const struct ifl_history_value *value = &point->value[i];
        json_object_set_new(object, ifl_history_name((enum ifl_history_series)i),
                            json_pack("{so so so}", "mean", ifl_json_number(value->mean), "p05",
                                      ifl_json_number(value->p05), "p95",
                                      ifl_json_number(value->p95)));
    }
    return object;
}

enum MHD_Result ifl_handle_history(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX];
    enum MHD_Result answer;
    if (!ifl_find_source(exchange, ifl_query_text(exchange, "source"), source, &answer))
        return answer;
    struct ifl_history_point *points = calloc(IFL_HISTORY_MAX, sizeof *points);
    if (!points)
        return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
    int count = ifl_pipeline_history(exchange->services->pipeline, source, points, IFL_HISTORY_MAX);
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, ifl_history_point_json(&points[i]));
    free(points);
    return ifl_reply_json(exchange, MHD_HTTP_OK,
                          json_pack("{so so}", "source", ifl_json_text(source), "points", list));
}
