// SPDX-License-Identifier: Apache-2.0
#include "http/admit.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/access.h"
#include "http/page.h"
#include "http/rate.h"

static const struct sockaddr *client_of(const struct ifl_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

void ifl_log_key_refused(const struct ifl_exchange *exchange)
{
    const struct sockaddr *client = client_of(exchange);
    char host[NI_MAXHOST] = "an unknown address";
    socklen_t bytes = client && client->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                              : sizeof(struct sockaddr_in);
    if (client)
        (void)!getnameinfo(client, bytes, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    ifl_log(IFL_LOG_WARNING, "http.key-refused", NULL, "%s sent a key that is not ours", host);
}

// ---- how often ----

// Streams are one request that lasts; they have a limit of their own.
static bool is_counted(const char *path)
{
    size_t length = strlen(path);
    bool stream = length > 6 && strcmp(path + length - 6, ".mjpeg") == 0;
    return !stream && strcmp(path, "/api/v1/events") != 0;
}

static enum MHD_Result reply_slower(struct ifl_exchange *exchange, int wait_seconds)
{
    char text[160], seconds[16];
    snprintf(text, sizeof text,
             "this address asks more often than --requests-per-minute allows; ask again in %d s",
             wait_seconds);
    snprintf(seconds, sizeof seconds, "%d", wait_seconds);
    struct MHD_Response *response = ifl_error_response(
        IFL_ERR_BUSY, text, json_pack("{si}", "retry_after_seconds", wait_seconds));
    if (response)
        MHD_add_response_header(response, "Retry-After", seconds);
    return ifl_reply(exchange, MHD_HTTP_TOO_MANY_REQUESTS, response);
}

// ---- who ----

enum MHD_Result ifl_reply_login(struct ifl_exchange *exchange, unsigned status, bool refused)
{
    static const char marker[] = "<!--refused-->";
    static const char sentence[] = "<p role=\"alert\">That is none of this server's keys.</p>";
    const struct ifl_page_file *file = ifl_page_files;
    while (file->name && strcmp(file->name, "login.html") != 0)
        file++;
    const char *page = (const char *)file->bytes;
    const char *at = file->name ? memmem(page, file->count, marker, sizeof marker - 1) : NULL;
    if (!at)
        return ifl_reply_json(exchange, status, NULL);
    size_t before = (size_t)(at - page), after = file->count - before - (sizeof marker - 1);
    size_t middle = refused ? sizeof sentence - 1 : 0;
    char *text = malloc(before + middle + after);
    if (!text)
        return ifl_reply_json(exchange, status, NULL);
    memcpy(text, page, before);
    memcpy(text + before, sentence, middle);
    memcpy(text + before + middle, at + sizeof marker - 1, after);
    return ifl_reply_bytes(exchange, status, file->type, (uint8_t *)text, before + middle + after);
}

static enum MHD_Result reply_no_key(struct ifl_exchange *exchange, bool sent)
{
    struct MHD_Response *response =
        ifl_error_response(IFL_ERR_UNAUTHORIZED,
                           sent ? "the key or session is not valid here"
                                : "this server asks for a key; send it as Authorization: Bearer "
                                  "KEY, or sign in on the page",
                           NULL);
    if (response)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"inferloop\"");
    return ifl_reply(exchange, MHD_HTTP_UNAUTHORIZED, response);
}

static bool check_key(struct ifl_exchange *exchange, const char *method, const char *path,
                      enum MHD_Result *answer)
{
    const char *authorization = ifl_exchange_header(exchange, "Authorization");
    const char *cookie = ifl_exchange_header(exchange, "Cookie");
    enum ifl_role role = ifl_access_role(exchange->services->access, authorization, cookie);
    if (role >= ifl_access_needs(method))
        return true;
    if (role != IFL_ROLE_NONE) {
        *answer = ifl_reply_fail(exchange, MHD_HTTP_FORBIDDEN, IFL_ERR_UNAUTHORIZED, NULL,
                                 "this key may only read; use the one of write.key");
        return false;
    }
    if (authorization)
        ifl_log_key_refused(exchange);
    bool page = strcmp(path, "/") == 0 && strcmp(method, "GET") == 0 && !authorization;
    *answer = page ? ifl_reply_login(exchange, MHD_HTTP_UNAUTHORIZED, false)
                   : reply_no_key(exchange, authorization || cookie);
    return false;
}

bool ifl_admit(struct ifl_exchange *exchange, const char *method, const char *path,
               enum MHD_Result *answer)
{
    const struct ifl_services *services = exchange->services;
    if (services->rate && is_counted(path)) {
        int wait_seconds =
            ifl_rate_take(services->rate, client_of(exchange), ifl_now_ns(ifl_clock_real()));
        if (wait_seconds > 0) {
            *answer = reply_slower(exchange, wait_seconds);
            return false;
        }
    }
    if (!services->access || ifl_access_is_open(path))
        return true;
    return check_key(exchange, method, path, answer);
}
