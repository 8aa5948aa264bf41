// SPDX-License-Identifier: Apache-2.0
// Incidents: what began, lasts or has cleared, with a picture of before and of after.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/documents.h"
#include "http/handlers.h"
#include "http/jpeg.h"
#include "http/query.h"
#include "http/routes.h"

enum { LIMIT = 20, LIMIT_MAX = 64 };

static const char *const pictures[] = {"before", "after"};

// ---- the document ----

static json_t *json_of_time(int64_t wall_ns)
{
    char time[32];
    if (!wall_ns)
        return json_null();
    ifl_wall_format(wall_ns, time);
    return json_string(time);
}

static json_t *json_of_features(const struct ifl_incident *incident)
{
    json_t *list = json_array();
    for (int i = 0; i < incident->features; i++) {
        const struct ifl_incident_feature *feature = &incident->feature[i];
        json_array_append_new(list, json_pack("{so so so so}", "name", ifl_json_text(feature->name),
                                              "before", ifl_json_number(feature->before), "after",
                                              ifl_json_number(feature->after), "score",
                                              ifl_json_number(feature->score)));
    }
    return list;
}

static json_t *json_of_region(const double region[4])
{
    json_t *list = region[2] > 0 ? json_array() : json_null();
    for (int i = 0; region[2] > 0 && i < 4; i++)
        json_array_append_new(list, ifl_json_number(region[i]));
    return list;
}

static json_t *json_of_picture(const struct ifl_incident *incident, int which)
{
    char url[96];
    if (!(which ? incident->after : incident->before))
        return json_null();
    snprintf(url, sizeof url, "/api/v1/incidents/%llu/%s.jpeg", (unsigned long long)incident->id,
             pictures[which]);
    return json_string(url);
}

json_t *ifl_incident_json(const struct ifl_incident *incident)
{
    const struct ifl_incident_row *row = ifl_incident_row(incident->kind);
    const char *text = incident->text[0] ? incident->text : row->sentence;
    return json_pack("{so so ss ss ss so so so so so so so so so so}", "id",
                     ifl_json_count(incident->id), "source", ifl_json_text(incident->source),
                     "kind", row->name, "realm", ifl_incident_realm_name(row->realm), "severity",
                     ifl_severity_name(incident->severity), "cause", ifl_json_text(incident->cause),
                     "text", ifl_json_public(text), "begun", json_of_time(incident->begun_wall_ns),
                     "noticed", json_of_time(incident->noticed_wall_ns), "cleared",
                     json_of_time(incident->cleared_wall_ns), "first_sequence",
                     ifl_json_count(incident->first_sequence), "region",
                     json_of_region(incident->region), "features", json_of_features(incident),
                     "before", json_of_picture(incident, 0), "after", json_of_picture(incident, 1));
}

// ---- the list ----

static bool find_kind(const char *name, int *kind)
{
    for (*kind = 0; *kind < IFL_INCIDENT_COUNT; ++*kind)
        if (strcmp(ifl_incident_row((enum ifl_incident_kind) * kind)->name, name) == 0)
            return true;
    return false;
}

static enum MHD_Result reply_list(struct ifl_exchange *exchange, const char *source, int kind,
                                  bool lasting, int limit)
{
    struct ifl_incident *incidents = calloc((size_t)limit, sizeof *incidents);
    if (!incidents)
        return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
    int count = ifl_pipeline_incidents(exchange->services->pipeline, source, kind, lasting, 0,
                                       incidents, limit);
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_array_append_new(list, ifl_incident_json(&incidents[i]));
        ifl_incident_fini(&incidents[i]);
    }
    free(incidents);
    return ifl_reply_json(exchange, MHD_HTTP_OK, json_pack("{so}", "incidents", list));
}

enum MHD_Result ifl_handle_incidents(struct ifl_exchange *exchange)
{
    char source[IFL_SOURCE_NAME_MAX] = "";
    const char *wanted = ifl_query_text(exchange, "source"),
               *name = ifl_query_text(exchange, "kind");
    const char *lasting = ifl_query_text(exchange, "lasting");
    int kind = -1, limit = LIMIT;
    struct ifl_error error;
    enum MHD_Result answer;
    if (wanted && !ifl_find_source(exchange, wanted, source, &answer))
        return answer;
    if (name && !find_kind(name, &kind))
        return ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, json_pack("{ss}", "parameter", "kind"),
                              "there is no kind of incident \"%.32s\"; docs/api.md lists them",
                              name);
    if (lasting && strcmp(lasting, "true") != 0 && strcmp(lasting, "false") != 0)
        return ifl_reply_fail(exchange, 0, IFL_ERR_INVALID,
                              json_pack("{ss}", "parameter", "lasting"),
                              "lasting is \"%.32s\"; give true or false", lasting);
    if (ifl_query_integer(exchange, "limit", 1, LIMIT_MAX, &limit, &error) != IFL_OK)
        return ifl_reply_error(exchange, &error, json_pack("{ss}", "parameter", "limit"));
    return reply_list(exchange, wanted ? source : NULL, kind,
                      lasting && strcmp(lasting, "true") == 0, limit);
}

// ---- one ----

// The incident that the path names; false: *answer says that there is none.
static bool find_incident(struct ifl_exchange *exchange, struct ifl_incident *incident,
                          enum MHD_Result *answer)
{
    char *end;
    unsigned long long id = strtoull(exchange->name, &end, 10);
    if (exchange->name[0] >= '0' && exchange->name[0] <= '9' && !*end &&
        ifl_pipeline_incident(exchange->services->pipeline, id, incident))
        return true;
    *answer = ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND, NULL,
                             "there is no incident %.20s; GET /api/v1/incidents lists those kept",
                             exchange->name);
    return false;
}

enum MHD_Result ifl_handle_incident(struct ifl_exchange *exchange)
{
    struct ifl_incident incident;
    enum MHD_Result answer;
    if (!find_incident(exchange, &incident, &answer))
        return answer;
    answer = ifl_reply_json(exchange, MHD_HTTP_OK, ifl_incident_json(&incident));
    ifl_incident_fini(&incident);
    return answer;
}

static enum MHD_Result reply_picture(struct ifl_exchange *exchange, const struct ifl_image *image)
{
    struct ifl_buffer jpeg = {0};
    struct ifl_error error = {.result = IFL_ERR_NO_MEMORY};
    if (!image)
        return ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND, NULL,
                              "this incident has no such picture, or no longer");
    struct ifl_frame_encoder *encoder = ifl_frame_encoder_create();
    enum ifl_result result = encoder ? ifl_picture_encode(encoder, image->rgb, image->width,
                                                          image->height, 85, &jpeg, &error)
                                     : IFL_ERR_NO_MEMORY;
    ifl_frame_encoder_destroy(encoder);
    if (result == IFL_OK)
        return ifl_reply_bytes(exchange, MHD_HTTP_OK, "image/jpeg", jpeg.bytes, jpeg.count);
    free(jpeg.bytes);
    return ifl_reply_error(exchange, &error, NULL);
}

enum MHD_Result ifl_handle_incident_picture(struct ifl_exchange *exchange)
{
    struct ifl_incident incident;
    enum MHD_Result answer;
    if (!find_incident(exchange, &incident, &answer))
        return answer;
    bool after = strstr(exchange->route->path, "/after.jpeg") != NULL;
    answer = reply_picture(exchange, after ? incident.after : incident.before);
    ifl_incident_fini(&incident);
    return answer;
}
