// SPDX-License-Identifier: Apache-2.0
#include "http/source_uri.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "inferloop/frame.h"

static const char room[] = "http";

static const char *const network[] = {"rtsp", "rtsps", "rtmp",  "rtmps", "srt",
                                      "udp",  "http",  "https", NULL};

static bool is_network(const char *uri)
{
    size_t length = strcspn(uri, ":");
    for (const char *const *row = network; *row; row++)
        if (strlen(*row) == length && !strncasecmp(*row, uri, length) &&
            !strncmp(uri + length, "://", 3))
            return uri[length + 3] && uri[length + 3] != '/';
    return false;
}

// "webcam" or "webcam:/dev/videoN", with what may stand behind it: any other path would be a file.
static bool is_webcam(const char *uri)
{
    int end = 0;
    sscanf(uri, "webcam:/dev/video%*3[0-9]%n", &end);
    if (end == 0 && !strncmp(uri, "webcam", 6))
        end = 6;
    return end > 0 && (uri[end] == '\0' || uri[end] == '?');
}

// What would read files or the environment of this machine, and could send them anywhere.
static bool reads_here(const char *uri)
{
    const char *behind = strrchr(uri, '#');
    return strstr(uri, "${") || (behind && (strstr(behind, "#ca=") || strstr(behind, "&ca=")));
}

static bool is_pattern(const char *uri)
{
    return !strcmp(uri, "pattern") || !strncmp(uri, "pattern:", 8);
}

enum ifl_result ifl_source_uri_check(const char *uri, struct ifl_error *error)
{
    size_t length = strlen(uri);
    if (length == 0 || length > IFL_SOURCE_URI_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, room, "\"uri\" has %zu bytes; give 1 to %d", length,
                        IFL_SOURCE_URI_MAX);
    for (const char *at = uri; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f)
            return ifl_fail(error, IFL_ERR_INVALID, room,
                            "\"uri\" holds a space or a control character; write those as %%20");
    if (reads_here(uri))
        return ifl_fail(error, IFL_ERR_UNAUTHORIZED, room,
                        "over HTTP a URI can't name secrets (${...}) or files (#ca=) of this "
                        "machine; give such a source with --source when inferloop starts");
    if (is_network(uri) || is_webcam(uri) || is_pattern(uri))
        return IFL_OK;
    return ifl_fail(
        error, IFL_ERR_UNAUTHORIZED, room,
        "over HTTP only network cameras (rtsp, rtsps, rtmp, rtmps, srt, udp, http, "
        "https), webcam[:/dev/videoN] and pattern can be added; give files, folders and "
        "pipes with --source when inferloop starts");
}

bool ifl_source_name_is_valid(const char *name)
{
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || name[length] == '-' || name[length] == '_')
        length++;
    return length > 0 && !name[length] && length < IFL_SOURCE_NAME_MAX;
}
