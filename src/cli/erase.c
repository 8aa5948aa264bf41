// SPDX-License-Identifier: Apache-2.0
// `inferloop erase`: what the state folder holds of a source, of a span of time, or all of it.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "pipeline/state.h"

// "2024-05-31T14:30:00Z"; seconds and Z may be missing: it is UTC all the same.
static enum ifl_result parse_time(const char *option, const char *text, int64_t *wall_ns,
                                  struct ifl_error *error)
{
    if (!text[0])
        return IFL_OK;
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm time = {0};
        const char *end = strptime(text, formats[i], &time);
        if (!end || (strcmp(end, "") != 0 && strcmp(end, "Z") != 0))
            continue;
        if (time.tm_year < 0 || time.tm_year > 300) // 1900 to 2200: fits nanoseconds
            break;
        *wall_ns = (int64_t)timegm(&time) * IFL_SECOND_NS;
        return IFL_OK;
    }
    return ifl_fail(error, IFL_ERR_INVALID, "config",
                    "%s is \"%.40s\"; give a time of UTC as 2024-05-31T14:30:00Z", option, text);
}

static enum ifl_result report(const struct ifl_erased *erased, const char *folder, bool json,
                              struct ifl_error *error)
{
    if (json) {
        json_t *sources = json_array();
        for (int i = 0; i < erased->sources; i++)
            json_array_append_new(sources, json_string(erased->source[i]));
        return ifl_print_json(json_pack("{ss sI si so sI si}", "folder", folder, "pictures_erased",
                                        (json_int_t)erased->pictures, "files_erased", erased->files,
                                        "sources", sources, "pictures_left",
                                        (json_int_t)erased->pictures_left, "files_left",
                                        erased->files_left),
                              error);
    }
    printf("%s: %llu pictures erased, %d profile files removed; %llu pictures in %d files stay\n",
           folder, (unsigned long long)erased->pictures, erased->files,
           (unsigned long long)erased->pictures_left, erased->files_left);
    for (int i = 0; i < erased->sources; i++)
        printf("  %s\n", erased->source[i]);
    return IFL_OK;
}

// A source's name as given here; names from a file or the environment are those to watch.
static enum ifl_result wanted_source(const struct ifl_config *config, const char **source,
                                     struct ifl_error *error)
{
    *source = NULL;
    if (config->origin[IFL_OPTION_ID_source] != IFL_FROM_FLAG)
        return IFL_OK;
    if (config->source.count != 1)
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "erase takes one --source NAME at a time");
    *source = config->source.item[0];
    return IFL_OK;
}

enum ifl_result ifl_command_erase(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    char folder[4096];
    const char *source;
    int64_t from_ns = INT64_MIN, to_ns = INT64_MAX;
    ifl_state_folder(config, folder, sizeof folder);
    enum ifl_result result = wanted_source(config, &source, error);
    if (result == IFL_OK && !folder[0])
        result = ifl_fail(error, IFL_ERR_INVALID, "config",
                          "say which folder: --state-dir PATH; none keeps nothing");
    if (result == IFL_OK)
        result = parse_time("since", config->since, &from_ns, error);
    if (result == IFL_OK)
        result = parse_time("until", config->until, &to_ns, error);
    if (result == IFL_OK && from_ns >= to_ns)
        result = ifl_fail(error, IFL_ERR_INVALID, "config", "since must be before until");
    int hold = -1;
    if (result == IFL_OK)
        result = ifl_state_hold(folder, true, &hold, error);
    struct ifl_erased *erased = calloc(1, sizeof *erased);
    if (result == IFL_OK && !erased)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "cli", "no memory to erase");
    if (result == IFL_OK)
        result = ifl_state_erase(folder, source, from_ns, to_ns, erased, error);
    ifl_state_let_go(hold);
    if (result == IFL_OK)
        result = report(erased, folder, config->json, error);
    free(erased);
    return result;
}
