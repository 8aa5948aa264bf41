// SPDX-License-Identifier: Apache-2.0
// Options: those that the table lets HTTP see, and changes of those that it lets HTTP set.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "http/body.h"
#include "http/handlers.h"

enum { TEXT_BYTES = IFL_PROMPT_MAX + 4096 };

// ---- looking ----

static json_t *json_of_value(const struct ifl_option_row *row, const char *text)
{
    switch (row->type) {
    case IFL_OPTION_NUMBER:
        return text[0] ? ifl_json_number(strtod(text, NULL)) : json_null();
    case IFL_OPTION_INTEGER:
        return text[0] ? json_integer(strtol(text, NULL, 10)) : json_null();
    case IFL_OPTION_SWITCH:
        return json_boolean(!strcmp(text, "yes"));
    default: // a seed too: not all readers of JSON have 64 bits
        return ifl_json_text(text);
    }
}

static json_t *json_of_option(const struct ifl_config *config, int option)
{
    const struct ifl_option_row *row = ifl_option_row(option);
    char text[TEXT_BYTES] = "";
    json_t *value = NULL;
    if (row->type == IFL_OPTION_LIST) {
        value = json_array();
        for (int i = 0; ifl_option_text(config, option, i, text, sizeof text); i++)
            json_array_append_new(value, ifl_json_text(text));
    } else if (ifl_option_text(config, option, 0, text, sizeof text)) {
        value = json_of_value(row, text);
    }
    bool ranged = row->type == IFL_OPTION_NUMBER || row->type == IFL_OPTION_INTEGER;
    return json_pack("{so ss sb ss ss so so so}", "value", value, "origin",
                     ifl_origin_name(config->origin[option]), "settable", row->http == IFL_HTTP_SET,
                     "unit", row->unit, "help", row->help, "minimum",
                     ranged ? ifl_json_number(row->least) : json_null(), "maximum",
                     ranged ? ifl_json_number(row->greatest) : json_null(), "choices",
                     row->choices ? json_string(row->choices) : json_null());
}

// What an image can be asked for, beside words.
static json_t *json_of_targets(void)
{
    json_t *all = json_array();
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const struct ifl_target_row *row = ifl_target_row((enum ifl_target)t);
        json_array_append_new(all,
                              json_pack("{ss ss so so ss}", "name", row->name, "unit", row->unit,
                                        "minimum", ifl_json_number(row->least), "maximum",
                                        ifl_json_number(row->greatest), "of", row->of));
    }
    return all;
}

enum MHD_Result ifl_handle_config(struct ifl_exchange *exchange)
{
    struct ifl_config *config = ifl_pipeline_config(exchange->services->pipeline);
    if (!config)
        return ifl_reply_json(exchange, MHD_HTTP_OK, NULL);
    json_t *options = json_object();
    for (int i = 0; i < IFL_OPTION_COUNT; i++)
        if (ifl_option_row(i)->http != IFL_HTTP_NOTHING)
            json_object_set_new(options, ifl_option_row(i)->name, json_of_option(config, i));
    ifl_config_destroy(config);
    return ifl_reply_json(exchange, MHD_HTTP_OK,
                          json_pack("{so so}", "options", options, "targets", json_of_targets()));
}

// ---- changing ----

// Values of a list stand one after the other, after "", which empties it.
struct change {
    const char *name[IFL_OPTION_COUNT + IFL_LIST_MAX + 1];
    char *value[IFL_OPTION_COUNT + IFL_LIST_MAX + 1];
    int count;
};

static enum ifl_result wrong_type(const char *name, const char *wanted, struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_INVALID, "http", "\"%.60s\" must be %s", name, wanted);
}

// The value as ifl_option_set takes it. JSON's types are kept apart: "5" is no number.
static enum ifl_result read_value(const struct ifl_option_row *row, json_t *value, char **text,
                                  struct ifl_error *error)
{
    char number[64];
    const char *given = number;
    if (row->type == IFL_OPTION_NUMBER && json_is_number(value))
        snprintf(number, sizeof number, "%.17g", json_number_value(value));
    else if (row->type == IFL_OPTION_NUMBER)
        return wrong_type(row->name, "a number", error);
    else if (row->type == IFL_OPTION_INTEGER && json_is_number(value))
        snprintf(number, sizeof number, "%.17g", json_number_value(value));
    else if (row->type == IFL_OPTION_INTEGER)
        return wrong_type(row->name, "a whole number", error);
    else if (json_is_string(value))
        given = json_string_value(value);
    else
        return wrong_type(row->name, "a string", error);
    *text = strdup(given);
    return *text ? IFL_OK : ifl_fail(error, IFL_ERR_NO_MEMORY, "http", "no memory for an option");
}

// The row that HTTP may know of, or NULL.
static const struct ifl_option_row *find_row(const char *name)
{
    int option = strchr(name, '_') ? -1 : ifl_option_find(name, strlen(name));
    const struct ifl_option_row *row = option < 0 ? NULL : ifl_option_row(option);
    return row && row->http != IFL_HTTP_NOTHING ? row : NULL;
}

static enum ifl_result add_value(struct change *change, const struct ifl_option_row *row,
                                 json_t *value, struct ifl_error *error)
{
    enum ifl_result result = read_value(row, value, &change->value[change->count], error);
    if (result == IFL_OK)
        change->name[change->count++] = row->name;
    return result;
}

static enum ifl_result add_list(struct change *change, const struct ifl_option_row *row,
                                json_t *list, struct ifl_error *error)
{
    if (!json_is_array(list) || json_array_size(list) > IFL_LIST_MAX)
        return wrong_type(row->name, "a list of at most 64 strings", error);
    json_t *empty = json_string("");
    enum ifl_result result = add_value(change, row, empty, error);
    json_decref(empty);
    for (size_t i = 0; i < json_array_size(list) && result == IFL_OK; i++)
        result = add_value(change, row, json_array_get(list, i), error);
    return result;
}

static enum ifl_result read_change(json_t *root, struct change *change, char field[64],
                                   struct ifl_error *error)
{
    for (void *at = json_object_iter(root); at; at = json_object_iter_next(root, at)) {
        const char *name = json_object_iter_key(at);
        const struct ifl_option_row *row = find_row(name);
        snprintf(field, 64, "%s", name);
        if (!row)
            return ifl_fail(error, IFL_ERR_INVALID, "http",
                            "there is no option \"%.60s\"; GET /api/v1/config lists them", name);
        if (row->http != IFL_HTTP_SET)
            return ifl_fail(error, IFL_ERR_INVALID, "http",
                            "%s can't change while the pipeline runs; start it anew with --%s",
                            row->name, row->name);
        json_t *value = json_object_iter_value(at);
        enum ifl_result result = row->type == IFL_OPTION_LIST
                                     ? add_list(change, row, value, error)
                                     : add_value(change, row, value, error);
        if (result != IFL_OK)
            return result;
    }
    field[0] = 0;
    return IFL_OK;
}

// A rule is a string, as it should be, whose content can't be followed: that is another status.
static enum MHD_Result refuse(struct ifl_exchange *exchange, const struct ifl_error *error,
                              const char *field)
{
    static const char rule[] = "adapt: ";
    if (!strncmp(error->text, rule, sizeof rule - 1))
        return ifl_reply_fail(exchange, MHD_HTTP_UNPROCESSABLE_CONTENT, error->result,
                              ifl_field_details("adapt"), "%s", error->text);
    return ifl_reply_error(exchange, error, ifl_field_details(field));
}

enum MHD_Result ifl_handle_config_change(struct ifl_exchange *exchange)
{
    enum MHD_Result answer;
    struct change change = {0};
    struct ifl_error error;
    char field[64] = "";
    json_t *root = ifl_body_object(exchange, false, &answer);
    if (!root)
        return answer;
    enum ifl_result result = read_change(root, &change, field, &error);
    if (result == IFL_OK)
        result = ifl_pipeline_configure(exchange->services->pipeline, change.name,
                                        (const char *const *)change.value, change.count, &error);
    answer = result == IFL_OK ? ifl_handle_config(exchange) : refuse(exchange, &error, field);
    for (int i = 0; i < change.count; i++)
        free(change.value[i]);
    json_decref(root);
    return answer;
}
