// SPDX-License-Identifier: Apache-2.0
#include "pipeline/settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ifl_settings {
    pthread_mutex_t lock; // over the pointer and what it points to
    struct ifl_config *config;
    pthread_mutex_t setting; // one change after another
};

struct ifl_settings *ifl_settings_create(const struct ifl_config *config)
{
    struct ifl_settings *settings = calloc(1, sizeof *settings);
    if (!settings || !(settings->config = ifl_config_copy(config))) {
        free(settings);
        return NULL;
    }
    pthread_mutex_init(&settings->lock, NULL);
    pthread_mutex_init(&settings->setting, NULL);
    return settings;
}

void ifl_settings_destroy(struct ifl_settings *settings)
{
    if (!settings)
        return;
    ifl_config_destroy(settings->config);
    pthread_mutex_destroy(&settings->lock);
    pthread_mutex_destroy(&settings->setting);
    free(settings);
}

const struct ifl_config *ifl_settings_begin(struct ifl_settings *settings)
{
    pthread_mutex_lock(&settings->lock);
    return settings->config;
}

void ifl_settings_end(struct ifl_settings *settings)
{
    pthread_mutex_unlock(&settings->lock);
}

struct ifl_config *ifl_settings_copy(struct ifl_settings *settings)
{
    struct ifl_config *copy = ifl_config_copy(ifl_settings_begin(settings));
    ifl_settings_end(settings);
    return copy;
}

static enum ifl_result set_one(struct ifl_config *config, const char *name, const char *value,
                               struct ifl_error *error)
{
    int option = ifl_option_find(name, strlen(name));
    if (option < 0 || ifl_option_row(option)->http == IFL_HTTP_NOTHING)
        return ifl_fail(error, IFL_ERR_INVALID, "config", "there is no option \"%.60s\" to set",
                        name);
    if (ifl_option_row(option)->http != IFL_HTTP_SET)
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "%s can't change while the pipeline runs; start it anew with --%s",
                        ifl_option_row(option)->name, ifl_option_row(option)->name);
    return ifl_option_set(config, option, value, IFL_FROM_HTTP, error);
}

enum ifl_result ifl_settings_set(struct ifl_settings *settings, const char *const *names,
                                 const char *const *values, int count, struct ifl_error *error)
{
    pthread_mutex_lock(&settings->setting);
    struct ifl_config *next = ifl_settings_copy(settings);
    enum ifl_result result = IFL_OK;
    if (!next)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "config", "no memory for the options");
    for (int i = 0; i < count && result == IFL_OK; i++)
        result = set_one(next, names[i], values[i], error);
    struct ifl_request request;
    if (result == IFL_OK) {
        ifl_config_request(next, &request);
        result = ifl_request_check(&request, error);
    }
    if (result == IFL_OK) {
        struct ifl_config *old = settings->config;
        pthread_mutex_lock(&settings->lock);
        settings->config = next;
        pthread_mutex_unlock(&settings->lock);
        next = old;
    }
    ifl_config_destroy(next);
    pthread_mutex_unlock(&settings->setting);
    return result;
}
