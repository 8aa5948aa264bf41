// SPDX-License-Identifier: Apache-2.0
#include "core/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/adapt.h"

static const char stage[] = "config";

static const struct ifl_option_row rows[IFL_OPTION_COUNT] = {
#define ROW(type, field, name, short_flag, least, greatest, choices, default_text, environment,    \
            commands, http, unit, help)                                                            \
    {name,                                                                                         \
     IFL_OPTION_##type,                                                                            \
     offsetof(struct ifl_config, field),                                                           \
     short_flag,                                                                                   \
     least,                                                                                        \
     greatest,                                                                                     \
     choices,                                                                                      \
     default_text,                                                                                 \
     environment,                                                                                  \
     commands,                                                                                     \
     http,                                                                                         \
     unit,                                                                                         \
     help},
    IFL_OPTIONS(ROW)
#undef ROW
};

static const char *const origin_names[] = {"default", "file", "environment", "flag", "http"};

const struct ifl_option_row *ifl_option_row(int option)
{
    return &rows[option];
}

const char *ifl_origin_name(enum ifl_origin origin)
{
    return origin_names[origin];
}

static bool same_name(const char *name, const char *given, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!name[i] || (name[i] != given[i] && !(name[i] == '-' && given[i] == '_')))
            return false;
    return name[length] == 0;
}

int ifl_option_find(const char *name, size_t length)
{
    for (int i = 0; i < IFL_OPTION_COUNT; i++)
        if (same_name(rows[i].name, name, length))
            return i;
    return -1;
}

void ifl_option_variable(const struct ifl_option_row *row, char out[64])
{
    int at = snprintf(out, 64, "INFERLOOP_");
    for (const char *c = row->name; *c && at < 63; c++)
        out[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    out[at] = 0;
}

// ---- one parser a type; each names the option, what was given, and what is wanted ----

static enum ifl_result refuse(struct ifl_error *error, const struct ifl_option_row *row,
                              const char *text, const char *wanted)
{
    if (strstr(text, "://")) // put here by mistake, perhaps with a password
        return ifl_fail(error, IFL_ERR_INVALID, stage, "%s is a URI; give %s", row->name, wanted);
    return ifl_fail(error, IFL_ERR_INVALID, stage, "%s is \"%.80s\"; give %s", row->name, text,
                    wanted);
}

static enum ifl_result parse_number(const struct ifl_option_row *row, const char *text,
                                    double *value, struct ifl_error *error)
{
    char wanted[96];
    snprintf(wanted, sizeof wanted, "a number from %g to %g", row->least, row->greatest);
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= row->least && number <= row->greatest))
        return refuse(error, row, text, wanted);
    *value = number;
    return IFL_OK;
}

static enum ifl_result parse_integer(const struct ifl_option_row *row, const char *text, int *value,
                                     struct ifl_error *error)
{
    char wanted[96];
    snprintf(wanted, sizeof wanted, "a whole number from %g to %g", row->least, row->greatest);
    double number = 0;
    if (parse_number(row, text, &number, NULL) != IFL_OK || number != floor(number))
        return refuse(error, row, text, wanted);
    *value = (int)number;
    return IFL_OK;
}

static enum ifl_result parse_seed(const struct ifl_option_row *row, const char *text,
                                  uint64_t *value, struct ifl_error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || errno || number > INT64_MAX)
        return refuse(error, row, text, "a whole number from 0 to 9223372036854775807");
    *value = number;
    return IFL_OK;
}

static enum ifl_result parse_switch(const struct ifl_option_row *row, const char *text, bool *value,
                                    struct ifl_error *error)
{
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (int on = 0; on < 2; on++)
            if (!strcmp(text, words[i][on])) {
                *value = on;
                return IFL_OK;
            }
    return refuse(error, row, text, "yes or no");
}

static enum ifl_result parse_choice(const struct ifl_option_row *row, const char *text, int *value,
                                    struct ifl_error *error)
{
    const char *at = row->choices;
    for (int i = 0; *at; i++) {
        size_t length = strcspn(at, "|");
        if (strlen(text) == length && !strncmp(text, at, length)) {
            *value = i;
            return IFL_OK;
        }
        at += length + (at[length] == '|');
    }
    char wanted[128];
    snprintf(wanted, sizeof wanted, "one of %s", row->choices);
    return refuse(error, row, text, wanted);
}

static enum ifl_result parse_size(const struct ifl_option_row *row, const char *text,
                                  struct ifl_size_option *value, struct ifl_error *error)
{
    char wanted[96];
    snprintf(wanted, sizeof wanted, "WIDTHxHEIGHT, each %g to %g", row->least, row->greatest);
    int width, height, used = 0;
    if (strlen(text) > 11 || sscanf(text, "%5dx%5d%n", &width, &height, &used) != 2 || text[used] ||
        width < row->least || height < row->least || width > row->greatest ||
        height > row->greatest)
        return refuse(error, row, text, wanted);
    value->width = width;
    value->height = height;
    return IFL_OK;
}

static enum ifl_result parse_privacy(const struct ifl_option_row *row, const char *text,
                                     struct ifl_privacy_option *value, struct ifl_error *error)
{
    size_t length = strcspn(text, ":");
    int k = 3;
    bool good = true;
    if (text[length]) {
        char *end;
        long number = strtol(text + length + 1, &end, 10);
        good = end != text + length + 1 && !*end && number >= IFL_K_MIN && number <= IFL_K_MAX;
        k = (int)number;
    }
    for (int mode = 0; good && mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        const char *name = ifl_privacy_name((enum ifl_privacy)mode);
        if (strlen(name) == length && !strncmp(name, text, length)) {
            *value = (struct ifl_privacy_option){(enum ifl_privacy)mode, k};
            return IFL_OK;
        }
    }
    return refuse(
        error, row, text,
        "verbatim, deidentify, deidentify:K, k-anonymous or k-anonymous:K with K 2 to 64");
}

static enum ifl_result set_text(char **value, const char *text, struct ifl_error *error)
{
    char *copy = strdup(text);
    if (!copy)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for an option");
    free(*value);
    *value = copy;
    return IFL_OK;
}

static enum ifl_result parse_text(const struct ifl_option_row *row, const char *text, char **value,
                                  struct ifl_error *error)
{
    size_t most = row->greatest > 0 ? (size_t)row->greatest : 4095;
    if (strlen(text) > most)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, stage, "%s has %zu bytes; at most %zu are taken",
                        row->name, strlen(text), most);
    return set_text(value, text, error);
}

static void clear_list(struct ifl_list *list)
{
    while (list->count)
        free(list->item[--list->count]);
}

static enum ifl_result append(const struct ifl_option_row *row, struct ifl_list *list,
                              const char *text, struct ifl_error *error)
{
    if (!text[0])
        return IFL_OK;
    if (list->count == IFL_LIST_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, stage, "%s may be given at most %d times",
                        row->name, IFL_LIST_MAX);
    list->item[list->count] = NULL;
    enum ifl_result result = set_text(&list->item[list->count], text, error);
    list->count += result == IFL_OK;
    return result;
}

enum ifl_result ifl_option_set(struct ifl_config *config, int option, const char *text,
                               enum ifl_origin origin, struct ifl_error *error)
{
    const struct ifl_option_row *row = &rows[option];
    void *field = (char *)config + row->offset;
    enum ifl_result result = IFL_OK;
    switch (row->type) {
    case IFL_OPTION_TEXT:
        result = parse_text(row, text, field, error);
        break;
    case IFL_OPTION_LIST:
        if (option == IFL_OPTION_ID_adapt && text[0])
            result = ifl_adapt_check(text, error);
        if (result != IFL_OK)
            break;
        if (config->origin[option] != origin || !text[0])
            clear_list(field);
        result = append(row, field, text, error);
        break;
    case IFL_OPTION_NUMBER:
        if (!text[0] && !row->default_text[0])
            *(double *)field = NAN;
        else
            result = parse_number(row, text, field, error);
        break;
    case IFL_OPTION_INTEGER:
        result = parse_integer(row, text, field, error);
        break;
    case IFL_OPTION_SEED:
        result = parse_seed(row, text, field, error);
        break;
    case IFL_OPTION_SWITCH:
        result = parse_switch(row, text, field, error);
        break;
    case IFL_OPTION_CHOICE:
        result = parse_choice(row, text, field, error);
        break;
    case IFL_OPTION_SIZE:
        if (!text[0])
            *(struct ifl_size_option *)field = (struct ifl_size_option){0};
        else
            result = parse_size(row, text, field, error);
        break;
    case IFL_OPTION_PRIVACY:
        result = parse_privacy(row, text, field, error);
        break;
    }
    if (result == IFL_OK)
        config->origin[option] = origin;
    return result;
}

static void choice_text(const struct ifl_option_row *row, int value, char *out, size_t size)
{
    const char *at = row->choices;
    while (value--)
        at += strcspn(at, "|") + 1;
    snprintf(out, size, "%.*s", (int)strcspn(at, "|"), at);
}

bool ifl_option_text(const struct ifl_config *config, int option, int index, char *out, size_t size)
{
    const struct ifl_option_row *row = &rows[option];
    const void *field = (const char *)config + row->offset;
    const struct ifl_list *list = field;
    if (row->type == IFL_OPTION_LIST) {
        if (index < list->count)
            snprintf(out, size, "%s", list->item[index]);
        return index < list->count;
    }
    if (index > 0)
        return false;
    out[0] = 0;
    switch (row->type) {
    case IFL_OPTION_LIST:
        break;
    case IFL_OPTION_TEXT:
        snprintf(out, size, "%s", *(char *const *)field);
        break;
    case IFL_OPTION_NUMBER:
        if (!isnan(*(const double *)field))
            snprintf(out, size, "%.12g", *(const double *)field);
        break;
    case IFL_OPTION_INTEGER:
        snprintf(out, size, "%d", *(const int *)field);
        break;
    case IFL_OPTION_SEED:
        snprintf(out, size, "%llu", (unsigned long long)*(const uint64_t *)field);
        break;
    case IFL_OPTION_SWITCH:
        snprintf(out, size, "%s", *(const bool *)field ? "yes" : "no");
        break;
    case IFL_OPTION_CHOICE:
        choice_text(row, *(const int *)field, out, size);
        break;
    case IFL_OPTION_SIZE: {
        const struct ifl_size_option *value = field;
        if (value->width)
            snprintf(out, size, "%dx%d", value->width, value->height);
        break;
    }
    case IFL_OPTION_PRIVACY: {
        const struct ifl_privacy_option *value = field;
        const char *name = ifl_privacy_name(value->privacy);
        if (value->privacy == IFL_PRIVACY_VERBATIM)
            snprintf(out, size, "%s", name);
        else
            snprintf(out, size, "%s:%d", name, value->k);
        break;
    }
    }
    return true;
}

struct ifl_config *ifl_config_create(void)
{
    struct ifl_config *config = calloc(1, sizeof *config);
    for (int i = 0; config && i < IFL_OPTION_COUNT; i++)
        if (ifl_option_set(config, i, rows[i].default_text, IFL_FROM_DEFAULT, NULL) != IFL_OK) {
            ifl_config_destroy(config);
            config = NULL;
        }
    return config;
}

void ifl_config_destroy(struct ifl_config *config)
{
    if (!config)
        return;
    for (int i = 0; i < IFL_OPTION_COUNT; i++) {
        void *field = (char *)config + rows[i].offset;
        if (rows[i].type == IFL_OPTION_TEXT)
            free(*(char **)field);
        else if (rows[i].type == IFL_OPTION_LIST)
            clear_list(field);
    }
    free(config);
}

struct ifl_config *ifl_config_copy(const struct ifl_config *config)
{
    struct ifl_config *copy = ifl_config_create();
    char text[IFL_PROMPT_MAX + 4096];
    for (int i = 0; copy && i < IFL_OPTION_COUNT; i++)
        for (int k = 0; ifl_option_text(config, i, k, text, sizeof text); k++)
            if (ifl_option_set(copy, i, text, config->origin[i], NULL) != IFL_OK) {
                ifl_config_destroy(copy);
                return NULL;
            }
    return copy;
}

enum ifl_result ifl_config_set(struct ifl_config *config, const char *name, const char *value,
                               struct ifl_error *error)
{
    int option = ifl_option_find(name, strlen(name));
    if (option < 0)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "there is no option \"%.60s\"; docs/options.md lists them", name);
    return ifl_option_set(config, option, value, IFL_FROM_FLAG, error);
}

// In the error's text, where the value came from.
static enum ifl_result blame(enum ifl_result result, const char *what, struct ifl_error *error)
{
    if (result == IFL_OK || !error)
        return result;
    struct ifl_error inner = *error;
    return ifl_fail(error, result, stage, "%s: %s", what, inner.text);
}

enum ifl_result ifl_config_read_environment(struct ifl_config *config, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < IFL_OPTION_COUNT && result == IFL_OK; i++) {
        char variable[64];
        ifl_option_variable(&rows[i], variable);
        const char *name = variable, *value = getenv(variable);
        if (!value && rows[i].environment) {
            name = rows[i].environment;
            value = getenv(name);
        }
        if (value && value[0])
            result =
                blame(ifl_option_set(config, i, value, IFL_FROM_ENVIRONMENT, error), name, error);
    }
    return result;
}

enum ifl_result ifl_parse_rectangle(const char *text, double out[4], struct ifl_error *error)
{
    int used = 0;
    bool good = sscanf(text, "%lf,%lf,%lf,%lf%n", &out[0], &out[1], &out[2], &out[3], &used) == 4 &&
                !text[used];
    for (int i = 0; good && i < 2; i++)
        good = out[i] >= 0 && out[i + 2] > 0 && out[i] + out[i + 2] <= 1 + 1e-9;
    if (good)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, stage,
                    "the region is \"%.80s\"; give X,Y,WIDTH,HEIGHT in shares of the picture, "
                    "e.g. 0,0,0.5,0.25",
                    strstr(text, "://") ? "a URI" : text);
}

void ifl_config_request(const struct ifl_config *config, struct ifl_request *request)
{
    ifl_request_init(request);
    request->seed = config->seed;
    request->width = config->size.width;
    request->height = config->size.height;
    request->privacy = config->privacy.privacy;
    request->k = config->privacy.k;
    request->guidance_scale = config->guidance_scale;
#define TARGET(name, unit, least, greatest, of) request->target[IFL_TARGET_##name] = config->name;
    IFL_TARGETS(TARGET)
#undef TARGET
    snprintf(request->prompt, sizeof request->prompt, "%s", config->prompt);
}
