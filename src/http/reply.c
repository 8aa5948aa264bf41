// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/counters.h"

const char *ifl_exchange_header(const struct ifl_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

// What every answer says to a browser: take the type as it is, load nothing from other hosts, be
// shown in no frame, tell nobody where you came from.
static const struct {
    const char *name, *value;
} common_headers[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy",
     "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

enum MHD_Result ifl_reply(struct ifl_exchange *exchange, unsigned status,
                          struct MHD_Response *response)
{
    if (!response)
        return MHD_NO; // closes the connection: there is no memory to say why
    for (size_t i = 0; i < sizeof common_headers / sizeof common_headers[0]; i++)
        MHD_add_response_header(response, common_headers[i].name, common_headers[i].value);
    if (!MHD_get_response_header(response, "Cache-Control"))
        MHD_add_response_header(response, "Cache-Control", "no-store");
    ifl_count_answer(exchange->services->counters, status);
    enum MHD_Result result = MHD_queue_response(exchange->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *response_of_bytes(const char *type, void *bytes, size_t count)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(count, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(bytes);
        return NULL;
    }
    MHD_add_response_header(response, "Content-Type", type);
    return response;
}

enum MHD_Result ifl_reply_bytes(struct ifl_exchange *exchange, unsigned status, const char *type,
                                uint8_t *bytes, size_t count)
{
    return ifl_reply(exchange, status, response_of_bytes(type, bytes, count));
}

static struct MHD_Response *response_of_json(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text)
        return NULL;
    size_t length = strlen(text);
    text[length] = '\n'; // takes the place of the final 0
    return response_of_bytes("application/json", text, length + 1);
}

enum MHD_Result ifl_reply_json(struct ifl_exchange *exchange, unsigned status, json_t *value)
{
    return ifl_reply(exchange, status, response_of_json(value));
}

enum MHD_Result ifl_reply_json_at(struct ifl_exchange *exchange, unsigned status,
                                  const char *location, json_t *value)
{
    struct MHD_Response *response = response_of_json(value);
    if (response)
        MHD_add_response_header(response, "Location", location);
    return ifl_reply(exchange, status, response);
}

// Takes `message`.
static struct MHD_Response *error_response(enum ifl_result result, json_t *message, json_t *details)
{
    return response_of_json(json_pack("{s:{ss so so}}", "error", "code", ifl_result_name(result),
                                      "message", message, "details",
                                      details ? details : json_object()));
}

struct MHD_Response *ifl_error_response(enum ifl_result result, const char *text, json_t *details)
{
    return error_response(result, ifl_json_text(text), details);
}

static enum MHD_Result reply_failure(struct ifl_exchange *exchange, unsigned status,
                                     enum ifl_result result, json_t *message, json_t *details)
{
    struct MHD_Response *response = error_response(result, message, details);
    if (response && (result == IFL_ERR_BUSY || status == MHD_HTTP_SERVICE_UNAVAILABLE))
        MHD_add_response_header(response, "Retry-After", "5");
    return ifl_reply(exchange, status, response);
}

enum MHD_Result ifl_reply_error(struct ifl_exchange *exchange, const struct ifl_error *error,
                                json_t *details)
{
    const char *text = error->text[0] ? error->text : ifl_result_sentence(error->result);
    return reply_failure(exchange, (unsigned)ifl_result_http_status(error->result), error->result,
                         ifl_json_public(text), details);
}

enum MHD_Result ifl_reply_fail(struct ifl_exchange *exchange, unsigned status,
                               enum ifl_result result, json_t *details, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!status)
        status = (unsigned)ifl_result_http_status(result);
    return reply_failure(exchange, status, result, ifl_json_text(text), details);
}

// The length of the UTF-8 sequence at `text`, 0 where there is none.
static int sequence_length(const unsigned char *text)
{
    int length = text[0] < 0x80   ? 1
                 : text[0] < 0xc2 ? 0
                 : text[0] < 0xe0 ? 2
                 : text[0] < 0xf0 ? 3
                 : text[0] < 0xf5 ? 4
                                  : 0;
    for (int i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

json_t *ifl_json_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return NULL;
    for (unsigned char *at = (unsigned char *)copy; *at;) {
        int length = sequence_length(at);
        if (!length)
            *at = '?';
        at += length ? length : 1;
    }
    json_t *value = json_string(copy);
    free(copy);
    return value;
}

// Where in the word at `word` a path begins whose folders shall not be told; NULL: nowhere.
static const char *path_in(const char *word, size_t length)
{
    const char *slash = memchr(word, '/', length);
    if (!slash)
        return NULL;
    bool file = slash - word >= 5 && strncmp(slash - 5, "file:", 5) == 0;
    if (slash[1] == '/' && slash > word && slash[-1] == ':' && !file)
        return NULL; // a URL
    bool begins = slash == word || strchr("\"'`(=:,<[", slash[-1]);
    return begins ? slash : NULL;
}

// Copies the word without the folders of its path; returns the end of the copy.
static char *copy_word(const char *word, size_t length, char *out)
{
    const char *path = path_in(word, length), *rest = word;
    if (path) {
        size_t before = (size_t)(path - word);
        memcpy(out, word, before);
        out += before;
        rest = path;
        for (const char *at = path; at < word + length - 1; at++)
            if (*at == '/')
                rest = at + 1;
    }
    size_t left = length - (size_t)(rest - word);
    memcpy(out, rest, left);
    return out + left;
}

json_t *ifl_json_public(const char *text)
{
    char *copy = malloc(strlen(text) + 1);
    if (!copy)
        return NULL;
    char *out = copy;
    while (*text) {
        size_t length = strcspn(text, " \t\n");
        if (length)
            out = copy_word(text, length, out);
        text += length;
        if (*text)
            *out++ = *text++;
    }
    *out = 0;
    json_t *value = ifl_json_text(copy);
    free(copy);
    return value;
}

json_t *ifl_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *ifl_json_count(uint64_t value)
{
    return json_integer((json_int_t)value);
}
