// SPDX-License-Identifier: Apache-2.0
// Taking over a configuration that has changed: only what differs is touched.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pipeline/internal.h"

// A source of the configuration, and what it is called in the pipeline.
struct entry {
    struct ifl_source_spec spec;
    bool named; // by the user
    bool kept;  // in both configurations
};

struct ifl_reload {
    struct ifl_config *config;
    struct entry *entry; // IFL_LIST_MAX
    int count;
};

// ---- what there is ----

static enum ifl_result parse_all(struct ifl_pipeline *pipeline, struct ifl_reload *reload,
                                 struct ifl_error *error)
{
    const struct ifl_config *config = reload->config;
    const char *of_type = ifl_source_of_type(config->source_type);
    bool one = !config->source.count && of_type;
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < config->source.count + one && result == IFL_OK; i++) {
        struct entry *entry = &reload->entry[reload->count++];
        const char *text = one ? of_type : config->source.item[i];
        result = ifl_source_spec_parse(text, config->source_type, i, pipeline->registry,
                                       &entry->spec, error);
        size_t length = strlen(entry->spec.name);
        entry->named = !strncmp(text, entry->spec.name, length) && text[length] == '=';
        for (int k = 0; k < i && result == IFL_OK; k++)
            if (!strcmp(reload->entry[k].spec.name, entry->spec.name))
                result =
                    ifl_fail(error, IFL_ERR_INVALID, "config",
                             "two sources are named %s; give names as NAME=URI", entry->spec.name);
    }
    if (result == IFL_OK && !reload->count)
        result = ifl_fail(error, IFL_ERR_INVALID, "config",
                          "there is no source left; leave one, or stop inferloop");
    return result;
}

void ifl_reload_destroy(struct ifl_reload *reload)
{
    if (!reload)
        return;
    ifl_config_destroy(reload->config);
    free(reload->entry);
    free(reload);
}

static struct ifl_reload *create(const struct ifl_config *config)
{
    struct ifl_reload *reload = calloc(1, sizeof *reload);
    if (!reload)
        return NULL;
    reload->config = ifl_config_copy(config);
    reload->entry = calloc(IFL_LIST_MAX, sizeof *reload->entry);
    if (reload->config && reload->entry)
        return reload;
    ifl_reload_destroy(reload);
    return NULL;
}

struct ifl_reload *ifl_reload_create(struct ifl_pipeline *pipeline, const struct ifl_config *config)
{
    struct ifl_error ignored;
    struct ifl_reload *reload = create(config);
    if (reload && parse_all(pipeline, reload, &ignored) != IFL_OK)
        reload->count = 0; // the pipeline refused it as well
    return reload;
}

// ---- options ----

enum { TEXT_MAX = IFL_PROMPT_MAX + 4096 };

static bool differs(const struct ifl_config *one, const struct ifl_config *other, int option)
{
    char first[TEXT_MAX] = "", second[TEXT_MAX] = "";
    for (int i = 0;; i++) {
        bool has = ifl_option_text(one, option, i, first, sizeof first);
        if (has != ifl_option_text(other, option, i, second, sizeof second))
            return true;
        if (!has)
            return false;
        if (strcmp(first, second) != 0)
            return true;
    }
}

enum { VALUES_MAX = IFL_OPTION_COUNT + IFL_LIST_MAX + 1 };

// New values of options, by name; those of a list one after the other, after "", which empties it.
struct values {
    const char *name[VALUES_MAX];
    char *value[VALUES_MAX];
    int count;
};

static void add_value(struct values *values, const char *name, const char *text)
{
    values->name[values->count] = name;
    values->value[values->count] = strdup(text);
    values->count += values->value[values->count] != NULL;
}

static void add_values(struct values *values, const struct ifl_config *fresh, int option)
{
    const struct ifl_option_row *row = ifl_option_row(option);
    char text[TEXT_MAX];
    if (row->type == IFL_OPTION_LIST)
        add_value(values, row->name, "");
    for (int k = 0; ifl_option_text(fresh, option, k, text, sizeof text); k++)
        add_value(values, row->name, text);
}

static enum ifl_result take_options(struct ifl_pipeline *pipeline, const struct ifl_config *old,
                                    const struct ifl_config *fresh, struct ifl_error *error)
{
    struct values values = {.count = 0};
    char restart[512] = "";
    for (int i = 0; i < IFL_OPTION_COUNT; i++) {
        const struct ifl_option_row *row = ifl_option_row(i);
        if (i == IFL_OPTION_ID_source || !differs(old, fresh, i))
            continue;
        if (row->http == IFL_HTTP_SET) {
            add_values(&values, fresh, i);
        } else {
            size_t at = strlen(restart);
            snprintf(restart + at, sizeof restart - at, "%s%s", at ? ", " : "", row->name);
        }
    }
    enum ifl_result result =
        values.count
            ? ifl_pipeline_configure(pipeline, values.name, (const char *const *)values.value,
                                     values.count, error)
            : IFL_OK;
    while (values.count > 0)
        free(values.value[--values.count]);
    if (restart[0])
        ifl_log(IFL_LOG_WARNING, "reload.restart", NULL, "these options need a restart: %s",
                restart);
    return result;
}

// ---- sources ----

// By the name that the user gave, else by what it reads: names made here shift with the list.
static struct entry *find_old(struct ifl_reload *old, const struct entry *fresh)
{
    for (int i = 0; i < old->count; i++) {
        struct entry *entry = &old->entry[i];
        bool same = fresh->named ? !strcmp(entry->spec.name, fresh->spec.name)
                                 : !entry->named && !strcmp(entry->spec.uri, fresh->spec.uri);
        if (!entry->kept && same)
            return entry;
    }
    return NULL;
}

static enum ifl_result note(enum ifl_result result, const char *name, struct ifl_error *first,
                            const struct ifl_error *now)
{
    if (result == IFL_OK)
        return IFL_OK;
    ifl_log(IFL_LOG_ERROR, "reload.failed", name, "%s", now->text);
    if (first->result == IFL_OK)
        *first = *now;
    return result;
}

static void remove_gone(struct ifl_pipeline *pipeline, struct ifl_reload *old,
                        struct ifl_error *first)
{
    for (int i = 0; i < old->count; i++) {
        struct ifl_error error = {0};
        const char *name = old->entry[i].spec.name;
        if (old->entry[i].kept)
            continue;
        enum ifl_result result = ifl_pipeline_remove_source(pipeline, name, &error);
        if (result != IFL_ERR_NOT_FOUND) // HTTP may have removed it before
            (void)note(result, name, first, &error);
    }
}

static void take_source(struct ifl_pipeline *pipeline, struct entry *fresh, const struct entry *old,
                        struct ifl_error *first)
{
    struct ifl_error error = {0};
    enum ifl_result result = IFL_OK;
    const char *uri = fresh->spec.uri;
    char text[IFL_SOURCE_NAME_MAX + sizeof fresh->spec.uri];
    snprintf(text, sizeof text, "%s=%s", fresh->spec.name, uri);
    if (old && !old->spec.uri[0]) // the last reload failed to add it
        old = NULL;
    if (old && !strcmp(old->spec.uri, uri))
        memcpy(fresh->spec.name, old->spec.name, sizeof fresh->spec.name);
    else if (old)
        result = ifl_pipeline_change_source(pipeline, fresh->spec.name, uri, &error);
    else
        result =
            ifl_pipeline_add_source(pipeline, fresh->named ? text : uri, fresh->spec.name, &error);
    if (note(result, fresh->spec.name, first, &error) != IFL_OK)
        fresh->spec.uri[0] = 0; // the next reload tries it again
}

static void take_sources(struct ifl_pipeline *pipeline, struct ifl_reload *old,
                         struct ifl_reload *fresh, struct ifl_error *first)
{
    struct entry *of[IFL_LIST_MAX];
    for (int i = 0; i < fresh->count; i++) {
        of[i] = find_old(old, &fresh->entry[i]);
        if (of[i])
            of[i]->kept = true;
    }
    remove_gone(pipeline, old, first); // names and cameras become free
    for (int i = 0; i < fresh->count; i++)
        take_source(pipeline, &fresh->entry[i], of[i], first);
}

static void retry_all(struct ifl_pipeline *pipeline)
{
    struct ifl_roll roll;
    ifl_roster_call(pipeline->roster, &roll);
    for (int i = 0; i < roll.count; i++)
        ifl_channel_retry(roll.channel[i]);
    ifl_roll_drop(&roll);
}

enum ifl_result ifl_pipeline_reload(struct ifl_pipeline *pipeline, const struct ifl_config *config,
                                    struct ifl_error *error)
{
    struct ifl_reload *old = pipeline->reload, *fresh = create(config);
    if (!fresh)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "config", "no memory to reload");
    enum ifl_result result = parse_all(pipeline, fresh, error);
    if (result == IFL_OK)
        result = take_options(pipeline, old->config, fresh->config, error);
    if (result != IFL_OK) {
        ifl_reload_destroy(fresh);
        return result;
    }
    struct ifl_error first = {0};
    take_sources(pipeline, old, fresh, &first);
    retry_all(pipeline);
    pipeline->reload = fresh;
    ifl_reload_destroy(old);
    if (first.result == IFL_OK)
        return IFL_OK;
    *error = first;
    return first.result;
}
