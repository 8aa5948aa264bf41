// SPDX-License-Identifier: Apache-2.0
// Sources as users write them, and hiding their secrets. The first two characters choose type and
// index. Whatever stands around it, a password and the value of a query are never shown.
#include "support.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/builtins.h"

#define SECRET "hunter2"

enum { TYPES = 7, URI_BYTES = 8192 };

static void check_name(const char *name)
{
    MUST(name[0] != 0);
    MUST(memchr(name, 0, IFL_SOURCE_NAME_MAX) != NULL);
    for (const char *at = name; *at; at++)
        MUST(isalnum((unsigned char)*at) || *at == '-' || *at == '_');
}

static void try_spec(const char *text, int type, int index, const struct ifl_registry *registry)
{
    struct ifl_source_spec spec;
    struct ifl_error error;
    enum ifl_result result = ifl_source_spec_parse(text, type, index, registry, &spec, &error);
    fuzz_must_explain(result, &error);
    if (result != IFL_OK)
        return;
    MUST(spec.plugin == ifl_source_find(ifl_builtins, spec.uri));
    check_name(spec.name);
    if (spec.plugin->live)
        spec.plugin->live(spec.uri);
}

static void must_hide(const char *uri)
{
    char shown[URI_BYTES + 64];
    ifl_uri_redact(uri, shown, sizeof shown);
    MUST(!strstr(shown, SECRET));
}

// Around the secret stands what the input says, wherever users put secrets.
static void try_secrets(const char *before, const char *behind)
{
    char uri[URI_BYTES];
    if (strlen(before) + strlen(behind) + 64 > sizeof uri || strstr(before, SECRET) ||
        strstr(behind, SECRET))
        return;
    snprintf(uri, sizeof uri, "rtsp://%s" SECRET "%s@camera/live", before, behind);
    must_hide(uri);
    snprintf(uri, sizeof uri, "http:joe:%s" SECRET "%s@camera", before, behind);
    must_hide(uri);
    if (strpbrk(before, "&#"))
        return;
    snprintf(uri, sizeof uri, "http://camera/video?token=%s" SECRET "%s", before, behind);
    must_hide(uri);
    snprintf(uri, sizeof uri, "srt://camera:9000?%s" SECRET, before);
    must_hide(uri);
    snprintf(uri, sizeof uri, "https://camera/video#bearer=%s" SECRET "%s", before, behind);
    must_hide(uri);
}

static void try_redaction(const char *uri)
{
    char shown[URI_BYTES];
    ifl_uri_redact(uri, shown, 0);
    for (size_t size = 1; size < 40; size += 13) {
        ifl_uri_redact(uri, shown, size);
        MUST(memchr(shown, 0, size) != NULL);
    }
    ifl_uri_redact(uri, shown, sizeof shown);
    for (const char *at = shown; *at; at++)
        MUST(!iscntrl((unsigned char)*at));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct ifl_registry *registry;
    if (!registry)
        registry = ifl_registry_create(ifl_builtins);
    MUST(registry != NULL);
    if (count < 2)
        return 0;
    char *text = fuzz_text(bytes + 2, count - 2);
    try_spec(text, bytes[0] % TYPES, bytes[1] % 64, registry);
    try_redaction(text);
    char *rest = text, *before = fuzz_line(&rest), *behind = fuzz_line(&rest);
    try_secrets(before ? before : "", behind ? behind : "");
    free(text);
    return 0;
}
