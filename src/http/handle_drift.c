// SPDX-License-Identifier: Apache-2.0
// Drift of a source: how its stream compares with what was learned, and what an operator says to
// it.
#include <string.h>

#include "http/documents.h"
#include "http/handlers.h"

static json_t *json_of(const struct ifl_drift_status *status)
{
    json_t *current = status->current < 0 ? json_null() : json_integer(status->current);
    return json_pack(
        "{ss so so so si so sb so so so so so}", "state", ifl_drift_state_name(status->state),
        "learned", ifl_json_number(status->learned), "evidence", ifl_json_number(status->evidence),
        "block_seconds", ifl_json_number(status->block_seconds), "states", status->states,
        "current", current, "accepted", status->accepted, "blocks", ifl_json_count(status->blocks),
        "alarms", ifl_json_count(status->alarms), "warnings", ifl_json_count(status->warnings),
        "strange_frames", ifl_json_count(status->anomalies), "held_frames",
        ifl_json_count(status->held));
}

static enum MHD_Result reply(struct ifl_exchange *exchange, unsigned code, enum ifl_result result,
                             struct ifl_error *error)
{
    struct ifl_drift_status status;
    if (result == IFL_OK)
        result = ifl_pipeline_drift(exchange->services->pipeline, exchange->name, &status, error);
    if (result != IFL_OK)
        return ifl_reply_error(exchange, error, NULL);
    return ifl_reply_json(exchange, code, json_of(&status));
}

enum MHD_Result ifl_handle_drift(struct ifl_exchange *exchange)
{
    struct ifl_error error = {0};
    return reply(exchange, MHD_HTTP_OK, IFL_OK, &error);
}

enum MHD_Result ifl_handle_drift_accept(struct ifl_exchange *exchange)
{
    struct ifl_error error = {0};
    enum ifl_result result =
        ifl_pipeline_accept_drift(exchange->services->pipeline, exchange->name, &error);
    return reply(exchange, MHD_HTTP_ACCEPTED, result, &error);
}

enum MHD_Result ifl_handle_profile_reset(struct ifl_exchange *exchange)
{
    struct ifl_error error = {0};
    enum ifl_result result =
        ifl_pipeline_reset_profile(exchange->services->pipeline, exchange->name, &error);
    if (result != IFL_OK)
        return ifl_reply_error(exchange, &error, NULL);
    return ifl_reply_json(exchange, MHD_HTTP_ACCEPTED, json_pack("{ss}", "source", exchange->name));
}
