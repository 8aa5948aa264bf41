// SPDX-License-Identifier: Apache-2.0
#include "source/builtin.h"

#include <stdlib.h>

#include "base/clock.h"
#include "core/secrets.h"

// One picture, whatever was lost before it.
static enum ifl_result read_first(const struct ifl_source_plugin *plugin, void *self,
                                  struct ifl_frame **frame, int64_t deadline_ns,
                                  struct ifl_error *error)
{
    for (;;) {
        enum ifl_result result = plugin->read(self, frame, error);
        if (result == IFL_END)
            return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                            "the source ended without a picture; is it damaged?");
        if (result != IFL_DROPPED && result != IFL_AGAIN)
            return result;
        if (ifl_now_ns(ifl_clock_real()) >= deadline_ns)
            return ifl_fail(error, IFL_ERR_TIMEOUT, "source",
                            "no picture could be decoded in time; is the stream damaged?");
    }
}

static enum ifl_result open_it(const struct ifl_source_plugin *plugin,
                               const struct ifl_source_config *config, void **self,
                               struct ifl_error *error)
{
    struct ifl_source_config with_secrets = *config;
    char *uri = malloc(IFL_URI_MAX);
    if (!uri)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to open a source");
    with_secrets.uri = uri;
    enum ifl_result result = ifl_secrets_expand(config->uri, uri, IFL_URI_MAX, error);
    if (result == IFL_OK)
        result = plugin->open(&with_secrets, self, error);
    free(uri);
    return result;
}

enum ifl_result ifl_source_probe(const struct ifl_source_plugin *plugin,
                                 const struct ifl_source_config *config,
                                 struct ifl_source_info *info, struct ifl_error *error)
{
    void *self = NULL;
    struct ifl_frame *frame = NULL;
    enum ifl_result result = open_it(plugin, config, &self, error);
    if (result != IFL_OK)
        return result;
    int64_t wait_ns =
        config->first_deadline_ns > 0 ? config->first_deadline_ns : 10 * IFL_SECOND_NS;
    result = read_first(plugin, self, &frame, ifl_now_ns(ifl_clock_real()) + wait_ns, error);
    if (result == IFL_OK) {
        *info = (struct ifl_source_info){0};
        plugin->info(self, info);
        info->width = frame->width;
        info->height = frame->height;
        ifl_frame_unref(frame);
    }
    plugin->close(self);
    return result;
}
