// SPDX-License-Identifier: Apache-2.0
// A browser's way in: a key is exchanged for a cookie that no script can read and no other site's
// page can send. Never by URL, since those are kept in histories and logs.
#include "http/handlers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/access.h"
#include "http/admit.h"

static const char *role_name(enum ifl_role role)
{
    return role == IFL_ROLE_WRITE ? "write" : role == IFL_ROLE_READ ? "read" : NULL;
}

static json_t *describe(const struct ifl_exchange *exchange, enum ifl_role role)
{
    return json_pack("{sb ss?}", "key_required", exchange->services->access != NULL, "role",
                     role_name(role));
}

static enum ifl_role own_role(const struct ifl_exchange *exchange)
{
    if (!exchange->services->access)
        return IFL_ROLE_WRITE;
    return ifl_access_role(exchange->services->access,
                           ifl_exchange_header(exchange, "Authorization"),
                           ifl_exchange_header(exchange, "Cookie"));
}

enum MHD_Result ifl_handle_session(struct ifl_exchange *exchange)
{
    return ifl_reply_json(exchange, MHD_HTTP_OK, describe(exchange, own_role(exchange)));
}

static void add_cookie(const struct ifl_exchange *exchange, struct MHD_Response *response,
                       const char *token, int seconds)
{
    char cookie[256];
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s",
             ifl_access_cookie(exchange->services->access), token, seconds,
             exchange->services->secure ? "; Secure" : "");
    MHD_add_response_header(response, "Set-Cookie", cookie);
    explicit_bzero(cookie, sizeof cookie);
}

static bool is_form(const struct ifl_exchange *exchange)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = ifl_exchange_header(exchange, "Content-Type");
    return type && strncasecmp(type, form, sizeof form - 1) == 0;
}

// The role of the key in the body: "key=..." of a form, or {"key": "..."}. -1: the body is neither.
static int posted_role(const struct ifl_exchange *exchange)
{
    const struct ifl_access *access = exchange->services->access;
    const char *body = exchange->body;
    size_t bytes = exchange->body_bytes;
    if (is_form(exchange)) {
        if (bytes < 4 || memcmp(body, "key=", 4) != 0)
            return -1;
        for (body += 4, bytes -= 4; bytes && strchr("\r\n+ ", body[bytes - 1]);)
            bytes--;
        return (int)ifl_access_key_role(access, body, bytes);
    }
    json_t *value = body ? json_loadb(body, bytes, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *key = json_object_get(value, "key");
    int role = -1;
    if (json_is_string(key) && json_object_size(value) == 1)
        role = (int)ifl_access_key_role(access, json_string_value(key), json_string_length(key));
    json_decref(value);
    return role;
}

static enum MHD_Result reply_session(struct ifl_exchange *exchange, enum ifl_role role)
{
    char token[IFL_KEY_BYTES + 1];
    if (!ifl_access_begin(exchange->services->access, role, token))
        return ifl_reply_fail(exchange, 0, IFL_ERR_INTERNAL, NULL,
                              "the system gives no random bits for a session");
    json_t *value = describe(exchange, role);
    char *text = value ? json_dumps(value, 0) : NULL;
    json_decref(value);
    struct MHD_Response *response =
        text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response) {
        MHD_add_response_header(response, "Content-Type", "application/json");
        add_cookie(exchange, response, token, IFL_SESSION_SECONDS);
        if (is_form(exchange))
            MHD_add_response_header(response, "Location", "/");
    }
    explicit_bzero(token, sizeof token);
    return ifl_reply(exchange, is_form(exchange) ? MHD_HTTP_SEE_OTHER : MHD_HTTP_OK, response);
}

enum MHD_Result ifl_handle_session_begin(struct ifl_exchange *exchange)
{
    if (!exchange->services->access)
        return ifl_handle_session(exchange);
    int role = posted_role(exchange);
    if (role < 0)
        return ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, NULL,
                              "the body must be {\"key\": \"...\"}, or key=... as a form sends it");
    if (role != IFL_ROLE_NONE)
        return reply_session(exchange, (enum ifl_role)role);
    ifl_log_key_refused(exchange);
    if (is_form(exchange))
        return ifl_reply_login(exchange, MHD_HTTP_UNAUTHORIZED, true);
    return ifl_reply_fail(exchange, MHD_HTTP_UNAUTHORIZED, IFL_ERR_UNAUTHORIZED, NULL,
                          "that is none of this server's keys");
}

enum MHD_Result ifl_handle_session_end(struct ifl_exchange *exchange)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    if (response && exchange->services->access) {
        ifl_access_end(exchange->services->access, ifl_exchange_header(exchange, "Cookie"));
        add_cookie(exchange, response, "", 0);
    }
    return ifl_reply(exchange, MHD_HTTP_NO_CONTENT, response);
}
