// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char room[] = "http";

enum { SEEN_MAX = 16 };

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

size_t ifl_query_unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in; in++) {
        int high = *in == '%' ? hex_value(in[1]) : -1;
        int low = high >= 0 ? hex_value(in[2]) : -1;
        bool code = low >= 0 && high + low > 0;
        *out++ = code ? (char)(high * 16 + low) : *in;
        in += code ? 2 : 0;
    }
    *out = 0;
    return (size_t)(out - text);
}

struct check {
    const char *known;
    const char *seen[SEEN_MAX];
    int count;
    char *name; // of the one that is wrong
    struct ifl_error *error;
};

static bool is_known(const char *known, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = known; *at;) {
        size_t word = strcspn(at, ",");
        if (word == length && memcmp(at, name, word) == 0)
            return true;
        at += word + (at[word] == ',');
    }
    return false;
}

static bool was_seen(const struct check *check, const char *name)
{
    for (int i = 0; i < check->count; i++)
        if (strcmp(check->seen[i], name) == 0)
            return true;
    return false;
}

static bool is_text(const char *value, size_t bytes)
{
    json_t *text = strlen(value) == bytes ? json_string(value) : NULL; // refuses what is no UTF-8
    json_decref(text);
    return text != NULL;
}

static const char *fault_of(const struct check *check, const char *key, const char *value,
                            size_t value_bytes)
{
    if (!is_known(check->known, key))
        return "is not known";
    if (was_seen(check, key))
        return "is given twice";
    if (!value || !value[0])
        return "has no value";
    return is_text(value, value_bytes) ? NULL : "is not text in UTF-8";
}

static enum MHD_Result check_one(void *context, enum MHD_ValueKind kind, const char *key,
                                 size_t key_bytes, const char *value, size_t value_bytes)
{
    (void)kind, (void)key_bytes;
    struct check *check = context;
    const char *fault = fault_of(check, key, value, value_bytes);
    if (!fault) {
        check->seen[check->count++] = key; // each known name once: far below SEEN_MAX
        return check->count < SEEN_MAX ? MHD_YES : MHD_NO;
    }
    snprintf(check->name, 64, "%s", key);
    ifl_fail(check->error, IFL_ERR_INVALID, room, "parameter \"%.64s\" %s; this path takes %s", key,
             fault, check->known[0] ? check->known : "none");
    return MHD_NO;
}

enum ifl_result ifl_query_check(const struct ifl_exchange *exchange, const char *known,
                                char name[64], struct ifl_error *error)
{
    struct check check = {.known = known, .name = name, .error = error};
    error->result = IFL_OK;
    MHD_get_connection_values_n(exchange->connection, MHD_GET_ARGUMENT_KIND, check_one, &check);
    return error->result;
}

const char *ifl_query_text(const struct ifl_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

enum ifl_result ifl_query_integer(const struct ifl_exchange *exchange, const char *name, int least,
                                  int greatest, int *value, struct ifl_error *error)
{
    const char *text = ifl_query_text(exchange, name);
    if (!text)
        return IFL_OK;
    bool digits = strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
    long number = digits ? strtol(text, NULL, 10) : -1;
    if (number < least || number > greatest)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "%s is \"%.32s\"; give a whole number from %d to %d", name, text, least,
                        greatest);
    *value = (int)number;
    return IFL_OK;
}
