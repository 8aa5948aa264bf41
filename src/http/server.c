// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/log.h"
#include "http/access.h"
#include "http/admit.h"
#include "http/counters.h"
#include "http/events.h"
#include "http/exchange.h"
#include "http/guard.h"
#include "http/handlers.h"
#include "http/jobs.h"
#include "http/listen.h"
#include "http/orders.h"
#include "http/query.h"
#include "http/rate.h"
#include "http/routes.h"
#include "http/streams.h"
#include "http/tls.h"

static const char room[] = "http";

enum {
    EVENT_THREADS = 2,
    CONNECTIONS_MAX = 512,
    ADDRESS_CONNECTIONS = 64, // of one client address
    ADDRESS_REQUESTS = 600,   // of one a minute
    TIMEOUT_S = 15,
    HEADER_BYTES = 32 * 1024, // memory of a connection: request headers and buffers
    HOSTS_MAX = 16,
    DISCARD_MAX = 1024 * 1024, // bytes of a body that is too large which are read to be polite
};

struct ifl_http {
    struct ifl_services services;
    struct ifl_http_counters counters;
    struct ifl_guard guard;
    char *hosts[HOSTS_MAX + 1];
    struct ifl_listener listener;
    struct ifl_tls tls;
    struct MHD_Daemon *daemon;
};

// ---- a request ----

static struct ifl_exchange *begin(struct ifl_http *http, struct MHD_Connection *connection)
{
    struct ifl_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return NULL;
    exchange->services = &http->services;
    exchange->connection = connection;
    return exchange;
}

static enum MHD_Result take_body(struct ifl_exchange *exchange, const char *data, size_t *bytes)
{
    size_t count = *bytes;
    *bytes = 0;
    size_t total = exchange->body_bytes + count;
    if (total > IFL_BODY_MAX) {
        exchange->too_large = true;
        exchange->body_bytes = total;
        return total > DISCARD_MAX ? MHD_NO : MHD_YES;
    }
    if (!exchange->body)
        exchange->body = malloc(IFL_BODY_MAX);
    if (!exchange->body)
        return MHD_NO;
    memcpy(exchange->body + exchange->body_bytes, data, count);
    exchange->body_bytes = total;
    return MHD_YES;
}

static bool announces_too_much(const struct ifl_exchange *exchange)
{
    const char *length = ifl_exchange_header(exchange, "Content-Length");
    return length && strtoull(length, NULL, 10) > IFL_BODY_MAX;
}

static enum MHD_Result answer(struct ifl_http *http, struct ifl_exchange *exchange,
                              const char *method, const char *path)
{
    enum MHD_Result result;
    exchange->head = strcmp(method, "HEAD") == 0;
    if (!exchange->admitted && !ifl_admit(exchange, method, path, &result))
        return result;
    exchange->admitted = true;
    return ifl_route(exchange, &http->guard, method, path);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *bytes, void **state)
{
    (void)version;
    struct ifl_http *http = context;
    struct ifl_exchange *exchange = *state;
    if (!exchange) {
        exchange = *state = begin(http, connection);
        if (!exchange)
            return MHD_NO;
        exchange->too_large = announces_too_much(exchange);
        return exchange->too_large ? answer(http, exchange, method, path) : MHD_YES;
    }
    if (*bytes > 0)
        return take_body(exchange, data, bytes);
    return answer(http, exchange, method, path);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    struct ifl_exchange *exchange = *state;
    if (!exchange)
        return;
    ifl_job_free(exchange->job);
    free(exchange->body);
    free(exchange);
    *state = NULL;
}

static size_t on_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return ifl_query_unescape(text);
}

static void on_message(void *context, const char *format, va_list args)
{
    (void)context;
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\r\n")] = 0;
    ifl_log(IFL_LOG_DEBUG, "http.library", NULL, "%s", text);
}

// ---- life ----

static enum ifl_result copy_hosts(struct ifl_http *http, const char *const *hosts,
                                  struct ifl_error *error)
{
    for (int i = 0; hosts && hosts[i]; i++) {
        if (i == HOSTS_MAX)
            return ifl_fail(error, IFL_ERR_TOO_LARGE, room, "at most %d host names may be allowed",
                            HOSTS_MAX);
        http->hosts[i] = strdup(hosts[i]);
        if (!http->hosts[i])
            return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the host names");
    }
    http->guard.hosts = (const char *const *)http->hosts;
    return IFL_OK;
}

static enum ifl_result start_daemon(struct ifl_http *http, int connections_per_address,
                                    struct ifl_error *error)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, http->tls.certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, http->tls.key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (char[]){"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"}},
        {MHD_OPTION_END, 0, NULL},
    };
    if (http->tls.certificate)
        flags |= MHD_USE_TLS;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->listener.socket, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)EVENT_THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)connections_per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEADER_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_ARRAY,
        http->tls.certificate ? tls : &tls[3], MHD_OPTION_END);
    if (!http->daemon)
        return ifl_fail(error, IFL_ERR_IO, room,
                        "starting the HTTP server on %s port %d failed; are there enough file "
                        "descriptors and threads?",
                        http->listener.host, http->listener.port);
    http->listener.socket = -1; // the daemon's own now
    return IFL_OK;
}

// Keys, certificate and rates: what stands between this server and other machines.
static enum ifl_result start_guards(struct ifl_http *http, const struct ifl_http_config *config,
                                    struct ifl_error *error)
{
    struct ifl_services *services = &http->services;
    bool folder = config->key_folder && config->key_folder[0];
    bool needs_key = config->require_key || !http->listener.loopback;
    if (needs_key && !folder)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "listening on %s needs keys, and there is no folder for them; give "
                        "--key-dir, or a --state-dir other than none",
                        http->listener.host);
    enum ifl_result result =
        needs_key ? ifl_access_create(config->key_folder, &services->access, error) : IFL_OK;
    if (result == IFL_OK)
        result = ifl_tls_load(config->tls_certificate, config->tls_key, &http->tls, error);
    if (result != IFL_OK)
        return result;
    services->secure = http->tls.certificate != NULL;
    if (services->access)
        ifl_access_name(services->access, http->listener.port);
    int per_minute = config->requests_per_minute;
    if (!per_minute && !http->listener.loopback)
        per_minute = ADDRESS_REQUESTS;
    if (per_minute > 0 && !(services->rate = ifl_rate_create(per_minute)))
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the HTTP server");
    return IFL_OK;
}

static enum ifl_result start_services(struct ifl_http *http, struct ifl_pipeline *pipeline,
                                      struct ifl_error *error)
{
    http->services.pipeline = pipeline;
    http->services.counters = &http->counters;
    http->services.streams = ifl_streams_create(pipeline, &http->counters);
    if (!http->services.streams)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the HTTP server");
    enum ifl_result result =
        ifl_events_create(pipeline, &http->counters, &http->services.events, error);
    if (result == IFL_OK)
        result = ifl_jobs_create(pipeline, &http->services.jobs, error);
    return result == IFL_OK ? ifl_orders_create(pipeline, &http->services.orders, error) : result;
}

static void announce(const struct ifl_http *http, const char *key_folder)
{
    const struct ifl_listener *at = &http->listener;
    bool v6 = strchr(at->host, ':') != NULL;
    ifl_log(IFL_LOG_INFO, "http.listening", NULL, "http%s://%s%s%s:%d",
            http->services.secure ? "s" : "", v6 ? "[" : "", at->host, v6 ? "]" : "", at->port);
    if (http->services.access)
        ifl_log(IFL_LOG_INFO, "http.keys", NULL,
                "a key is needed: %s/read.key may look, %s/write.key may also change", key_folder,
                key_folder);
    if (!at->loopback && !http->services.secure)
        ifl_log(IFL_LOG_WARNING, "http.unencrypted", NULL,
                "%s can be reached from other machines, and keys and pictures go there "
                "unencrypted; give --tls-cert and --tls-key, or let a proxy speak TLS",
                at->host);
}

enum ifl_result ifl_http_start(struct ifl_pipeline *pipeline, const struct ifl_http_config *config,
                               struct ifl_http **out, struct ifl_error *error)
{
    struct ifl_http *http = calloc(1, sizeof *http);
    if (!http)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the HTTP server");
    http->listener.socket = -1;
    enum ifl_result result = copy_hosts(http, config->hosts, error);
    if (result == IFL_OK)
        result = ifl_listen(config->listen, &http->listener, error);
    http->guard.loopback = http->listener.loopback;
    snprintf(http->guard.address, sizeof http->guard.address, "%s", http->listener.host);
    if (result == IFL_OK)
        result = start_guards(http, config, error);
    if (result == IFL_OK)
        result = start_services(http, pipeline, error);
    int connections = config->connections_per_address;
    if (!connections && !http->listener.loopback)
        connections = ADDRESS_CONNECTIONS;
    if (result == IFL_OK)
        result = start_daemon(http, connections, error);
    if (result != IFL_OK) {
        ifl_http_stop(http);
        return result;
    }
    announce(http, config->key_folder);
    *out = http;
    return IFL_OK;
}

int ifl_http_port(const struct ifl_http *http)
{
    return http->listener.port;
}

bool ifl_http_needs_key(const struct ifl_http *http)
{
    return http->services.access != NULL;
}

void ifl_http_stop(struct ifl_http *http)
{
    if (!http)
        return;
    if (http->services.streams)
        ifl_streams_stop(http->services.streams);
    if (http->services.events)
        ifl_events_stop(http->services.events);
    if (http->services.jobs)
        ifl_jobs_stop(http->services.jobs);
    if (http->services.orders)
        ifl_orders_stop(http->services.orders);
    if (http->daemon) // no connection sleeps any more, and none will
        MHD_stop_daemon(http->daemon);
    if (http->listener.socket >= 0)
        close(http->listener.socket);
    ifl_jobs_destroy(http->services.jobs);
    ifl_orders_destroy(http->services.orders);
    ifl_events_destroy(http->services.events);
    ifl_streams_destroy(http->services.streams);
    ifl_access_destroy(http->services.access);
    ifl_rate_destroy(http->services.rate);
    ifl_tls_fini(&http->tls);
    for (int i = 0; i < HOSTS_MAX; i++)
        free(http->hosts[i]);
    free(http);
}
