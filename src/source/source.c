// SPDX-License-Identifier: Apache-2.0
#include "source/builtin.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

// Length of the scheme in "scheme:..." or of a whole bare word; 0 where there is neither.
static size_t scheme_length(const char *uri)
{
    if (!strcmp(uri, "-"))
        return 1;
    if (!isalpha((unsigned char)uri[0]))
        return 0;
    size_t length = 1;
    while (isalnum((unsigned char)uri[length]) || strchr("+-", uri[length]))
        if (!uri[length++])
            return length - 1;
    return uri[length] == ':' ? length : 0;
}

static bool takes_scheme(const struct ifl_source_plugin *plugin, const char *scheme, size_t length)
{
    for (const char *const *row = plugin->schemes; *row; row++)
        if (strlen(*row) == length && !strncasecmp(*row, scheme, length))
            return true;
    return false;
}

static const struct ifl_source_plugin *find_scheme(const struct ifl_plugin *const *plugins,
                                                   const char *scheme, size_t length)
{
    for (; *plugins; plugins++) {
        const struct ifl_source_plugin *plugin = (const void *)*plugins;
        if (plugin->head.kind == IFL_PLUGIN_SOURCE && takes_scheme(plugin, scheme, length))
            return plugin;
    }
    return NULL;
}

const struct ifl_source_plugin *ifl_source_find(const struct ifl_plugin *const *plugins,
                                                const char *uri)
{
    if (!uri[0])
        return NULL;
    size_t length = scheme_length(uri);
    const struct ifl_source_plugin *found = length ? find_scheme(plugins, uri, length) : NULL;
    // "a:b.mp4" may be a file, "foo://host" can't.
    if (found || (length && !strncmp(uri + length, "://", 3)))
        return found;
    return find_scheme(plugins, "", 0);
}

static const char *const network_schemes[] = {"rtsp", "rtsps", "rtmp",  "rtmps", "srt",
                                              "udp",  "http",  "https", NULL};

static bool may_hold_secrets(const char *uri)
{
    if (strstr(uri, "://"))
        return true;
    size_t length = strcspn(uri, ":");
    for (const char *const *row = network_schemes; uri[length] && *row; row++)
        if (strlen(*row) == length && !strncasecmp(*row, uri, length))
            return true;
    return false;
}

struct writer {
    char *out;
    size_t bytes, at;
};

static void put(struct writer *writer, const char *text, size_t length)
{
    for (size_t i = 0; i < length && writer->at + 1 < writer->bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        writer->out[writer->at++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    writer->out[writer->at] = 0;
}

// "?key=value&word" as "?key=***&***".
static void put_query(struct writer *writer, const char *query)
{
    while (*query == '?' || *query == '&') {
        put(writer, query++, 1);
        size_t part = strcspn(query, "&#"), key = strcspn(query, "=&#");
        if (key < part)
            put(writer, query, key + 1);
        put(writer, "***", 3);
        query += part;
    }
}

void ifl_uri_redact(const char *uri, char *out, size_t out_bytes)
{
    if (!out_bytes)
        return;
    struct writer writer = {out, out_bytes, 0};
    out[0] = 0;
    if (!may_hold_secrets(uri)) {
        put(&writer, uri, strlen(uri));
        return;
    }
    const char *rest = strchr(uri, ':') + 1;
    rest += strspn(rest, "/");
    put(&writer, uri, (size_t)(rest - uri));
    // A password may hold any character, '/' and '?' too, and a query or token '@'; better lose the
    // path, and the host where it can't be told from a query, than show one.
    const char *at = strrchr(rest, '@');
    if (at && strcspn(rest, "?#") < (size_t)(at - rest)) {
        put(&writer, "***", 3);
        return;
    }
    if (at)
        rest = at + 1;
    size_t path = strcspn(rest, "?#");
    put(&writer, rest, path);
    put_query(&writer, rest + path);
}

enum ifl_result ifl_source_check_size(int64_t width, int64_t height, struct ifl_error *error)
{
    if (width < IFL_FRAME_SIDE_MIN || height < IFL_FRAME_SIDE_MIN)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "pictures of %lld x %lld pixels are too small; each side needs at least %d",
                        (long long)width, (long long)height, IFL_FRAME_SIDE_MIN);
    if (width > IFL_FRAME_SIDE_MAX || height > IFL_FRAME_SIDE_MAX ||
        width * height > IFL_SOURCE_PIXELS_MAX)
        return ifl_fail(
            error, IFL_ERR_TOO_LARGE, "source",
            "pictures of %lld x %lld pixels are too large; the limits are %d a side and "
            "%d in all: let the camera send smaller ones",
            (long long)width, (long long)height, IFL_FRAME_SIDE_MAX, IFL_SOURCE_PIXELS_MAX);
    return IFL_OK;
}
