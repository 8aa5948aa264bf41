// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/cli.h"
#include "inferloop/source.h"

// As ifl_option_text, without the credentials that a URI may hold, wherever it was put.
static bool shown_text(const struct ifl_config *config, int option, int index, char *out,
                       size_t size)
{
    char text[4200];
    if (!ifl_option_text(config, option, index, text, sizeof text))
        return false;
    if (option == IFL_OPTION_ID_source || strstr(text, "://"))
        ifl_uri_redact(text, out, size);
    else
        snprintf(out, size, "%s", text);
    return true;
}

static json_t *value_json(const struct ifl_config *config, int option)
{
    char text[4200];
    bool list = ifl_option_row(option)->type == IFL_OPTION_LIST;
    json_t *items = json_array();
    for (int k = 0; shown_text(config, option, k, text, sizeof text); k++)
        json_array_append_new(items, json_string(text));
    if (list)
        return items;
    json_t *only = json_incref(json_array_get(items, 0));
    json_decref(items);
    return only;
}

static enum ifl_result show_json(const struct ifl_config *config, struct ifl_error *error)
{
    json_t *all = json_object();
    for (int i = 0; i < IFL_OPTION_COUNT; i++)
        json_object_set_new(all, ifl_option_row(i)->name,
                            json_pack("{so ss}", "value", value_json(config, i), "origin",
                                      ifl_origin_name(config->origin[i])));
    return ifl_print_json(all, error);
}

enum ifl_result ifl_command_config(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    if (strcmp(arguments->word[0], "show"))
        return ifl_fail(error, IFL_ERR_INVALID, "config", "usage: inferloop config show [options]");
    if (config->json)
        return show_json(config, error);
    char text[4200];
    for (int i = 0; i < IFL_OPTION_COUNT; i++) {
        const char *name = ifl_option_row(i)->name;
        bool any = false;
        for (int k = 0; shown_text(config, i, k, text, sizeof text); k++, any = true)
            printf("%-20s %-40s %s\n", name, text, ifl_origin_name(config->origin[i]));
        if (!any)
            printf("%-20s %-40s %s\n", name, "", ifl_origin_name(config->origin[i]));
    }
    return IFL_OK;
}
