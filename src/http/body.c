// SPDX-License-Identifier: Apache-2.0
#include "http/body.h"

#include <string.h>
#include <strings.h>

static bool is_json(const struct ifl_exchange *exchange)
{
    const char *type = ifl_exchange_header(exchange, "Content-Type");
    return type && strncasecmp(type, "application/json", 16) == 0 &&
           (!type[16] || type[16] == ';' || type[16] == ' ');
}

bool ifl_body_is_json(struct ifl_exchange *exchange, enum MHD_Result *answer)
{
    if (exchange->body_bytes == 0 || is_json(exchange))
        return true;
    *answer = ifl_reply_fail(exchange, 0, IFL_ERR_UNSUPPORTED, NULL,
                             "send the body as Content-Type: application/json");
    return false;
}

json_t *ifl_field_details(const char *name)
{
    return name[0] ? json_pack("{so}", "field", ifl_json_text(name)) : NULL;
}

static bool is_known(const char *known, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = known; length && *at; at += strspn(at, ", ")) {
        size_t word = strcspn(at, ",");
        if (word == length && strncmp(at, name, word) == 0)
            return true;
        at += word;
    }
    return false;
}

bool ifl_body_knows(struct ifl_exchange *exchange, json_t *root, const char *known,
                    enum MHD_Result *answer)
{
    for (void *at = json_object_iter(root); at; at = json_object_iter_next(root, at)) {
        const char *name = json_object_iter_key(at);
        if (is_known(known, name))
            continue;
        *answer = ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, ifl_field_details(name),
                                 "there is no field \"%.64s\"; there are %s", name, known);
        return false;
    }
    return true;
}

json_t *ifl_body_object(struct ifl_exchange *exchange, bool may_be_empty, enum MHD_Result *answer)
{
    if (!ifl_body_is_json(exchange, answer))
        return NULL;
    if (exchange->body_bytes == 0 && may_be_empty)
        return json_object();
    json_error_t fault = {.text = "it is empty", .line = 1};
    json_t *root = NULL;
    if (exchange->body_bytes > 0)
        root = json_loadb(exchange->body, exchange->body_bytes,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!root)
        *answer = ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, NULL,
                                 "the body is not JSON: line %d, column %d: %s", fault.line,
                                 fault.column, fault.text);
    else if (!json_is_object(root)) {
        *answer =
            ifl_reply_fail(exchange, 0, IFL_ERR_INVALID, NULL, "the body must be a JSON object");
        json_decref(root);
        root = NULL;
    }
    return root;
}
