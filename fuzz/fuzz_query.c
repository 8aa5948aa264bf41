// SPDX-License-Identifier: Apache-2.0
// What stands behind '?' in a URL, and the Host and Origin headers. Lines: query, Host, Origin. In
// place of libmicrohttpd, the query is split here by its rules.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "http/guard.h"
#include "http/query.h"

enum { PAIRS_MAX = 32 };

static struct {
    char *key, *value;
    size_t key_bytes, value_bytes;
} pair[PAIRS_MAX];
static int pairs;

int MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                MHD_KeyValueIteratorN iterator, void *iterator_cls)
{
    (void)connection;
    for (int i = 0; i < pairs; i++)
        if (iterator(iterator_cls, kind, pair[i].key, pair[i].key_bytes, pair[i].value,
                     pair[i].value_bytes) != MHD_YES)
            return i + 1;
    return pairs;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                        const char *key)
{
    (void)connection, (void)kind;
    for (int i = 0; i < pairs; i++)
        if (!strcmp(pair[i].key, key))
            return pair[i].value;
    return NULL;
}

static size_t unescape(char *text)
{
    size_t before = strlen(text), length = ifl_query_unescape(text);
    MUST(length <= before && strlen(text) == length);
    return length;
}

static void split(char *query)
{
    pairs = 0;
    while (query && pairs < PAIRS_MAX) {
        char *next = strchr(query, '&');
        if (next)
            *next++ = 0;
        char *value = strchr(query, '=');
        if (value)
            *value++ = 0;
        pair[pairs].key = query;
        pair[pairs].key_bytes = unescape(query);
        pair[pairs].value = value;
        pair[pairs++].value_bytes = value ? unescape(value) : 0;
        query = next;
    }
}

static void try_query(void)
{
    struct ifl_exchange exchange = {0};
    struct ifl_error error;
    char name[64] = "";
    enum ifl_result result = ifl_query_check(&exchange, "source,limit,offset", name, &error);
    fuzz_must_explain(result, &error);
    MUST(memchr(name, 0, sizeof name) != NULL);
    int number = 20;
    enum ifl_result counted = ifl_query_integer(&exchange, "limit", 1, 64, &number, &error);
    fuzz_must_explain(counted, &error);
    MUST(number >= 1 && number <= 64);
    const char *source = ifl_query_text(&exchange, "source");
    if (result != IFL_OK)
        return;
    MUST(pairs <= 3);
    MUST(!source || (source[0] && fuzz_is_utf8(source)));
}

static void try_headers(const char *host, const char *origin)
{
    static const char *const hosts[] = {"camera.example", NULL};
    struct ifl_guard local = {true, "127.0.0.1", hosts}, open = {false, "192.0.2.1", NULL};
    ifl_guard_host(&local, host);
    ifl_guard_host(&open, host);
    if (ifl_guard_origin(origin, host))
        MUST(strlen(origin) > strlen(host));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *text = fuzz_text(bytes, count), *rest = text, *query = fuzz_line(&rest);
    char *host = fuzz_line(&rest), *origin = fuzz_line(&rest);
    split(query);
    try_query();
    try_headers(host ? host : "", origin ? origin : "");
    free(text);
    return 0;
}
