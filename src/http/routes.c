// SPDX-License-Identifier: Apache-2.0
#include "http/routes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/guard.h"
#include "http/handlers.h"
#include "http/query.h"

static enum MHD_Result list_routes(struct ifl_exchange *exchange);

static const struct ifl_route routes[] = {
    {"GET", "/", "", ifl_handle_page, "the page"},
    {"GET", "/style.css", "", ifl_handle_page, "its style"},
    {"GET", "/app.js", "", ifl_handle_page, "its program"},
    {"GET", "/login.css", "", ifl_handle_page, "style of the form that takes a key"},
    {"GET", "/early.js", "", ifl_handle_page, "the theme, before the first paint"},
    {"GET", "/tools.js", "", ifl_handle_page, "its parts: small tools"},
    {"GET", "/feed.js", "", ifl_handle_page, "events"},
    {"GET", "/charts.js", "", ifl_handle_page, "charts"},
    {"GET", "/gallery.js", "", ifl_handle_page, "images"},
    {"GET", "/sources.js", "", ifl_handle_page, "sources"},
    {"GET", "/flow.js", "", ifl_handle_page, "counters"},
    {"GET", "/incidents.js", "", ifl_handle_page, "incidents"},
    {"GET", "/form.js", "", ifl_handle_page, "the form"},
    {"GET", "/session.js", "", ifl_handle_page, "who the visitor is"},
    {"GET", "/favicon.svg", "", ifl_handle_page, "its icon"},
    {"GET", "/favicon.ico", "", ifl_handle_page, "the same, by the name browsers guess"},
    {"GET", "/api/v1", "", list_routes, "this list"},
    {"GET", "/api/v1/status", "", ifl_handle_status,
     "one consistent moment: packets on each edge, images, likeness, readiness, defaults"},
    {"GET", "/api/v1/sources", "", ifl_handle_sources,
     "the sources: state, age of the last frame, rate, size"},
    {"POST", "/api/v1/sources", "", ifl_handle_source_add,
     "adds a source; body: {\"uri\": ..., \"name\": ...}, where uri is rtsp://, rtsps://, rtmp://, "
     "rtmps://, srt://, udp://, http://, https://, webcam, webcam:/dev/videoN or pattern"},
    {"GET", "/api/v1/sources/{name}", "", ifl_handle_source, "one source"},
    {"PATCH", "/api/v1/sources/{name}", "", ifl_handle_source_change,
     "the same name from another uri, beginning anew; body: {\"uri\": ...}"},
    {"DELETE", "/api/v1/sources/{name}", "", ifl_handle_source_remove,
     "removes a source and its counts; its images stay"},
    {"GET", "/api/v1/sources/{name}/drift", "", ifl_handle_drift,
     "how its stream compares with what was learned: state, evidence of a change, known states"},
    {"POST", "/api/v1/sources/{name}/drift/accept", "", ifl_handle_drift_accept,
     "the stream of now is as it should be: ends the alarm; what it looks like is no drift any "
     "more"},
    {"POST", "/api/v1/sources/{name}/profile/reset", "", ifl_handle_profile_reset,
     "forgets the profile, its pictures and what drift has learned, and begins anew"},
    {"GET", "/api/v1/profiles", "", ifl_handle_profiles,
     "the last published profile of each source that has one"},
    {"GET", "/api/v1/profiles/{source}", "", ifl_handle_profile_named,
     "the statistics of a source's last published profile"},
    {"GET", "/api/v1/profiles/{source}/file", "", ifl_handle_profile_file,
     "the profile as a file to generate from elsewhere; it contains real pictures, people "
     "included"},
    {"GET", "/api/v1/profile", "source", ifl_handle_profile,
     "the statistics of a source's last published profile"},
    {"GET", "/api/v1/history", "source", ifl_handle_history,
     "what the published profiles of a source were like over time: mean and spread (p05, p95) of "
     "brightness, contrast, colour temperature, sharpness and objects in a frame"},
    {"GET", "/api/v1/incidents", "source,kind,lasting,limit", ifl_handle_incidents,
     "what went wrong or changed, newest first: link, camera, world, pipeline; the last 256"},
    {"GET", "/api/v1/incidents/{id}", "", ifl_handle_incident, "one incident"},
    {"GET", "/api/v1/incidents/{id}/before.jpeg", "", ifl_handle_incident_picture,
     "a real picture of before it, where there is one"},
    {"GET", "/api/v1/incidents/{id}/after.jpeg", "", ifl_handle_incident_picture,
     "a real picture of since it, where there is one"},
    {"GET", "/api/v1/events", "", ifl_handle_events,
     "server-sent events: status (twice a second: status and sources), image (each record), "
     "profile (source and point of its history), incident (each that begins, changes or clears)"},
    {"GET", "/api/v1/images", "source,privacy,seed,since,until,limit,offset,cursor",
     ifl_handle_images,
     "the newest images' records, newest first, of the last 64; cursor: `next` of the page before"},
    {"GET", "/api/v1/images/latest", "source,format", ifl_handle_latest,
     "the newest image; format: png, jpeg, webp"},
    {"GET", "/api/v1/images/{name}", "format", ifl_handle_image,
     "an image; format: png, jpeg, webp (default: as its name ends)"},
    {"GET", "/api/v1/images/{name}/metadata", "", ifl_handle_metadata,
     "an image's record: seed, parameters, scores, audit"},
    {"POST", "/api/v1/generate", "", ifl_handle_generate,
     "generates now; body: JSON with source, seed, prompt, guidance_scale, privacy, k, width, "
     "height, brightness, contrast, saturation, color_temperature, sharpness, haze, noise, "
     "occupancy, deadline_seconds, all "
     "optional; answers with the record, or with the image where Accept asks for one"},
    {"GET", "/api/v1/jobs", "", ifl_handle_jobs, "the jobs, newest first"},
    {"POST", "/api/v1/jobs", "", ifl_handle_job_order,
     "generates later; the body of generate with count 1 to 64 and a deadline_seconds up to 86400"},
    {"GET", "/api/v1/jobs/{id}", "", ifl_handle_job, "a job: state, progress, results"},
    {"DELETE", "/api/v1/jobs/{id}", "", ifl_handle_job_cancel,
     "cancels a job: what is being made is finished, the rest is not begun"},
    {"GET", "/api/v1/config", "", ifl_handle_config, "options: value, origin, whether settable"},
    {"PATCH", "/api/v1/config", "", ifl_handle_config_change,
     "sets options that may change while it runs, all or none; body: {\"generate-interval\": 2}"},
    {"GET", "/api/v1/openapi.json", "", ifl_handle_openapi, "this API as an OpenAPI 3.1 document"},
    {"GET", "/api/v1/streams/source.mjpeg", "source,fresh", ifl_handle_source_stream,
     "a source live, as MJPEG at most 640 wide; fresh: any text, makes the URL a new one for "
     "browsers that would show the pictures of an ended stream again"},
    {"GET", "/api/v1/streams/source.jpeg", "source", ifl_handle_source_picture,
     "the newest frame of a source as one JPEG at most 640 wide"},
    {"GET", "/api/v1/streams/synthetic.mjpeg", "source,fresh", ifl_handle_synthetic_stream,
     "each new synthetic image, as MJPEG"},
    {"GET", "/api/v1/session", "", ifl_handle_session,
     "whether a key is needed here, and what the caller may do"},
    {"POST", "/api/v1/session", "", ifl_handle_session_begin,
     "exchanges {\"key\": \"...\"} for a cookie of twelve hours"},
    {"DELETE", "/api/v1/session", "", ifl_handle_session_end, "ends it"},
    {"GET", "/metrics", "", ifl_handle_metrics, "metrics in Prometheus' text format"},
    {"GET", "/healthz", "", ifl_handle_health, "200 while the process answers"},
    {"GET", "/readyz", "", ifl_handle_ready, "200 when it can do its work, else 503 and why not"},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

const struct ifl_route *ifl_routes(int *count)
{
    *count = ROUTES;
    return routes;
}

static enum MHD_Result list_routes(struct ifl_exchange *exchange)
{
    json_t *list = json_array();
    for (int i = 0; i < ROUTES; i++)
        json_array_append_new(list, json_pack("{ss ss ss ss}", "method", routes[i].method, "path",
                                              routes[i].path, "parameters", routes[i].parameters,
                                              "help", routes[i].help));
    return ifl_reply_json(exchange, MHD_HTTP_OK, json_pack("{so}", "routes", list));
}

// True if the path is one of the pattern's; `name` receives the segment for {name}.
static bool match(const char *pattern, const char *path, char name[256])
{
    const char *hole = strchr(pattern, '{');
    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before) != 0)
        return false;
    size_t length = strcspn(path + before, "/");
    if (length == 0 || length >= 256 || strcmp(strchr(hole, '}') + 1, path + before + length) != 0)
        return false;
    snprintf(name, 256, "%.*s", (int)length, path + before);
    return true;
}

// The first route of the path, or of path and method.
static const struct ifl_route *find(struct ifl_exchange *exchange, const char *method,
                                    const char *path)
{
    for (int i = 0; i < ROUTES; i++)
        if ((!method || strcmp(routes[i].method, method) == 0) &&
            match(routes[i].path, path, exchange->name))
            return &routes[i];
    return NULL;
}

// The methods of a path, or with "*" of any: "GET, HEAD, POST, OPTIONS".
static void list_methods(const char *path, char out[80])
{
    char name[256];
    size_t used = 0;
    out[0] = 0;
    for (int i = 0; i < ROUTES; i++) {
        const char *method = routes[i].method;
        if ((strcmp(path, "*") != 0 && !match(routes[i].path, path, name)) || strstr(out, method))
            continue;
        used += (size_t)snprintf(out + used, 80 - used, "%s%s, ", method,
                                 strcmp(method, "GET") == 0 ? ", HEAD" : "");
    }
    snprintf(out + used, 80 - used, "OPTIONS");
}

static enum MHD_Result reply_options(struct ifl_exchange *exchange, const char *path)
{
    char methods[80];
    list_methods(path, methods);
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    if (response)
        MHD_add_response_header(response, "Allow", methods);
    return ifl_reply(exchange, MHD_HTTP_NO_CONTENT, response);
}

static enum MHD_Result reply_not_allowed(struct ifl_exchange *exchange, const char *path,
                                         const char *method)
{
    char text[160], methods[80];
    list_methods(path, methods);
    snprintf(text, sizeof text, "this path does not take %.16s; it takes %s", method, methods);
    struct MHD_Response *response = ifl_error_response(IFL_ERR_UNSUPPORTED, text, NULL);
    if (response)
        MHD_add_response_header(response, "Allow", methods);
    return ifl_reply(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

static enum MHD_Result count_host(void *count, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    (void)kind, (void)value;
    *(int *)count += strcasecmp(key, "Host") == 0;
    return MHD_YES;
}

// Why this request is not for this server, or NULL.
static const char *suspect(const struct ifl_exchange *exchange, const struct ifl_guard *guard,
                           const char *method)
{
    int hosts = 0;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, count_host, &hosts);
    const char *host = ifl_exchange_header(exchange, "Host");
    if (hosts != 1 || !ifl_guard_host(guard, host))
        return "the Host header does not name this server; use its address or localhost";
    const char *origin = ifl_exchange_header(exchange, "Origin");
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!reads && origin && !ifl_guard_origin(origin, host))
        return "requests from pages of other sites are refused";
    return NULL;
}

static enum MHD_Result reply_too_large(struct ifl_exchange *exchange)
{
    return ifl_reply_fail(exchange, 0, IFL_ERR_TOO_LARGE, NULL,
                          "the body is larger than %d bytes, which is all that is taken",
                          IFL_BODY_MAX);
}

enum MHD_Result ifl_route(struct ifl_exchange *exchange, const struct ifl_guard *guard,
                          const char *method, const char *path)
{
    const char *reason = suspect(exchange, guard, method);
    if (reason)
        return ifl_reply_fail(exchange, MHD_HTTP_FORBIDDEN, IFL_ERR_UNAUTHORIZED, NULL, "%s",
                              reason);
    if (ifl_exchange_header(exchange, "Content-Length") &&
        ifl_exchange_header(exchange, "Transfer-Encoding")) // a proxy may have read it otherwise
        return ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, NULL,
                              "Content-Length and Transfer-Encoding contradict each other; send "
                              "one of them");
    if (exchange->too_large)
        return reply_too_large(exchange);
    const struct ifl_route *any = find(exchange, NULL, path);
    if (strcmp(method, "OPTIONS") == 0 && (any || strcmp(path, "*") == 0))
        return reply_options(exchange, path);
    if (!any)
        return ifl_reply_fail(exchange, 0, IFL_ERR_NOT_FOUND, NULL,
                              "there is no such path; GET /api/v1 lists those there are");
    exchange->head = strcmp(method, "HEAD") == 0;
    exchange->route = find(exchange, exchange->head ? "GET" : method, path);
    if (!exchange->route)
        return reply_not_allowed(exchange, path, method);
    struct ifl_error error;
    char name[64];
    if (ifl_query_check(exchange, exchange->route->parameters, name, &error) != IFL_OK)
        return ifl_reply_error(exchange, &error,
                               json_pack("{so}", "parameter", ifl_json_text(name)));
    return exchange->route->handle(exchange);
}
