// SPDX-License-Identifier: Apache-2.0
#include "pipeline/builtins.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "deliver/builtin.h"
#include "generate/builtin.h"
#include "source/builtin.h"

const struct ifl_plugin *const ifl_builtins[] = {
    &ifl_source_camera.head,
    &ifl_source_folder.head,
    &ifl_source_pipe.head,
    &ifl_source_pattern.head,
    &ifl_engine_analytic.head,
    &ifl_sink_dataset.head,
    NULL,
};

enum ifl_result ifl_registry_open(const struct ifl_config *config, struct ifl_registry **registry,
                                  struct ifl_error *error)
{
    *registry = ifl_registry_create(ifl_builtins);
    if (!*registry)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "plugin", "no memory for the registry");
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < config->plugin.count && result == IFL_OK; i++)
        result = ifl_registry_load(*registry, config->plugin.item[i], error);
    if (result != IFL_OK) {
        ifl_registry_destroy(*registry);
        *registry = NULL;
    }
    return result;
}

// The order of the choices of option source-type.
enum { TYPE_AUTO, TYPE_WEBCAM, TYPE_DRONE, TYPE_EDGE_CAMERA, TYPE_FOLDER, TYPE_FILE, TYPE_PATTERN };

const char *ifl_source_of_type(int source_type)
{
    if (source_type == TYPE_WEBCAM)
        return "webcam";
    return source_type == TYPE_PATTERN ? "pattern" : NULL;
}

// Length of NAME in "NAME=URI", or 0.
static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '-' || text[length] == '_')
        length++;
    return text[length] == '=' && length < IFL_SOURCE_NAME_MAX ? length : 0;
}

// A name from the last part of a path without its ending, or from the scheme; numbered from 2.
static void make_name(const char *uri, int index, char out[IFL_SOURCE_NAME_MAX])
{
    char redacted[256];
    ifl_uri_redact(uri, redacted, sizeof redacted);
    bool path = !strchr(redacted, ':') || !strncmp(redacted, "folder:", 7);
    const char *slash = strrchr(redacted, '/');
    const char *base = path ? (slash && slash[1] ? slash + 1 : redacted) : redacted;
    size_t length = strcspn(base, path ? "." : ":");
    size_t at = 0;
    for (size_t i = 0; i < length && at < 40; i++)
        out[at++] = isalnum((unsigned char)base[i]) ? base[i] : '-';
    if (!at)
        at = (size_t)snprintf(out, 40, "source");
    out[at] = 0;
    if (index > 0)
        snprintf(out + at, IFL_SOURCE_NAME_MAX - at, "-%d", index + 1);
}

enum ifl_result ifl_source_spec_parse(const char *text, int source_type, int index,
                                      const struct ifl_registry *registry,
                                      struct ifl_source_spec *spec, struct ifl_error *error)
{
    size_t named = name_length(text);
    const char *uri = named ? text + named + 1 : text;
    const char *prefix = "";
    if (source_type == TYPE_FOLDER && !strchr(uri, ':'))
        prefix = "folder:";
    else if (source_type == TYPE_WEBCAM && uri[0] == '/')
        prefix = "webcam:";
    int length = snprintf(spec->uri, sizeof spec->uri, "%s%s", prefix, uri);
    if (length < 1 || (size_t)length >= sizeof spec->uri)
        return ifl_fail(error, IFL_ERR_INVALID, "config", "a source's URI has 1 to %zu bytes",
                        sizeof spec->uri - 1);
    if (named)
        snprintf(spec->name, sizeof spec->name, "%.*s", (int)named, text);
    else
        make_name(spec->uri, index, spec->name);
    spec->plugin = ifl_source_find(ifl_registry_list(registry), spec->uri);
    if (spec->plugin)
        return IFL_OK;
    char redacted[256];
    ifl_uri_redact(spec->uri, redacted, sizeof redacted);
    return ifl_fail(error, IFL_ERR_UNSUPPORTED, "config",
                    "no source takes \"%s\"; give a file, webcam, rtsp://..., http://..., "
                    "folder:PATH, pipe: or pattern",
                    redacted);
}
