// SPDX-License-Identifier: Apache-2.0
#include "http/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/handlers.h"

extern const char ifl_openapi_text[]; // openapi.json, put into the program when it is built

struct join {
    json_t *document, *operations, *parameters;
    char *strays; // or NULL
};

static void note_stray(const struct join *join, const char *what)
{
    size_t used = join->strays ? strlen(join->strays) : 0;
    if (join->strays)
        snprintf(join->strays + used, 512 - used, "%s%s", used ? ", " : "", what);
}

// ---- one operation ----

static void add_parameter(const struct join *join, json_t *list, const char *name, size_t length)
{
    char key[64], reference[128];
    snprintf(key, sizeof key, "%.*s", (int)length, name);
    if (!json_object_get(join->parameters, key))
        note_stray(join, key);
    snprintf(reference, sizeof reference, "#/components/parameters/%s", key);
    json_array_append_new(list, json_pack("{ss}", "$ref", reference));
}

// The holes of the path are parameters too. Keys with braces would need coding in a reference, so
// those are written out.
static json_t *parameters_of(const struct join *join, const struct ifl_route *route)
{
    json_t *list = json_array();
    const char *hole = strchr(route->path, '{');
    if (hole) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)(strchr(hole, '}') + 1 - hole), hole);
        json_t *parameter = json_object_get(join->parameters, key);
        if (parameter)
            json_array_append_new(list, json_deep_copy(parameter));
        else
            note_stray(join, key);
    }
    for (const char *at = route->parameters; *at;) {
        size_t length = strcspn(at, ",");
        add_parameter(join, list, at, length);
        at += length + (at[length] == ',');
    }
    return list;
}

static void add_error(json_t *responses, const char *status, const char *kind)
{
    char reference[64];
    snprintf(reference, sizeof reference, "#/components/responses/%s", kind);
    if (!json_object_get(responses, status))
        json_object_set_new(responses, status, json_pack("{ss}", "$ref", reference));
}

// What any path may answer, and what this one does besides.
static void add_errors(json_t *operation)
{
    static const char *const common[] = {"400", "401", "403", "413"};
    json_t *responses = json_object_get(operation, "responses"), *status;
    size_t i;
    for (size_t k = 0; k < sizeof common / sizeof common[0]; k++)
        add_error(responses, common[k], "Error");
    add_error(responses, "429", "Busy");
    add_error(responses, "503", "Busy");
    json_array_foreach(json_object_get(operation, "errors"), i, status)
        add_error(responses, json_string_value(status), "Error");
    json_object_del(operation, "errors");
}

// "get_api_v1_sources_name"
static json_t *operation_id(const struct ifl_route *route)
{
    char id[160];
    size_t used = 0;
    for (const char *at = route->method; *at; at++)
        id[used++] = (char)tolower((unsigned char)*at);
    for (const char *at = route->path; *at && used < sizeof id - 2; at++) {
        bool plain = isalnum((unsigned char)*at);
        if (plain && !isalnum((unsigned char)at[-(at > route->path)]))
            id[used++] = '_';
        if (plain)
            id[used++] = *at;
    }
    id[used] = 0;
    return json_string(id);
}

// A file of the page: nothing to say but that it is there.
static json_t *page_operation(void)
{
    return json_pack("{s[s]s{s{ss}s{ss}}}", "tags", "page", "responses", "200", "description",
                     "a file of the page", "304", "description", "as the client knows it");
}

static json_t *operation_of(const struct join *join, const struct ifl_route *route)
{
    char key[160];
    snprintf(key, sizeof key, "%s %s", route->method, route->path);
    json_t *known = json_object_get(join->operations, key);
    json_t *operation = known ? json_deep_copy(known) : page_operation();
    if (known)
        json_object_set_new(known, "used", json_true());
    else if (route->handle != ifl_handle_page)
        note_stray(join, key);
    json_object_set_new(operation, "summary", json_string(route->help));
    json_object_set_new(operation, "operationId", operation_id(route));
    json_object_set_new(operation, "parameters", parameters_of(join, route));
    add_errors(operation);
    return operation;
}

// ---- the whole ----

static void add_route(const struct join *join, const struct ifl_route *route)
{
    char method[16];
    json_t *paths = json_object_get(join->document, "paths");
    json_t *path = json_object_get(paths, route->path);
    if (!path) {
        path = json_object();
        json_object_set_new(paths, route->path, path);
    }
    snprintf(method, sizeof method, "%s", route->method);
    for (char *at = method; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    json_object_set_new(path, method, operation_of(join, route));
}

static void note_unused(const struct join *join)
{
    const char *key;
    json_t *operation;
    json_object_foreach(join->operations, key, operation)
    {
        if (!json_object_get(operation, "used"))
            note_stray(join, key);
    }
}

static void drop_holes(json_t *parameters)
{
    static const char *const holes[] = {"{name}", "{source}", "{id}"};
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++)
        json_object_del(parameters, holes[i]);
}

json_t *ifl_openapi(const struct ifl_route *routes, int count, char strays[512])
{
    struct join join = {.document = json_loads(ifl_openapi_text, 0, NULL), .strays = strays};
    if (strays)
        strays[0] = 0;
    if (!join.document)
        return NULL;
    join.operations = json_object_get(join.document, "operations");
    join.parameters = json_object_get(json_object_get(join.document, "components"), "parameters");
    json_object_set_new(json_object_get(join.document, "info"), "version",
                        json_string(IFL_VERSION));
    for (int i = 0; i < count; i++)
        add_route(&join, &routes[i]);
    note_unused(&join);
    drop_holes(join.parameters);
    json_object_del(join.document, "operations");
    return join.document;
}

enum MHD_Result ifl_handle_openapi(struct ifl_exchange *exchange)
{
    int count;
    const struct ifl_route *routes = ifl_routes(&count);
    return ifl_reply_json(exchange, MHD_HTTP_OK, ifl_openapi(routes, count, NULL));
}
