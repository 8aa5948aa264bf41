// SPDX-License-Identifier: Apache-2.0
// A small profile of the pattern scene, made through the real rooms.
#ifndef IFL_TESTS_PIPELINE_SCENE_H
#define IFL_TESTS_PIPELINE_SCENE_H

#include "support.h"

#include "core/options.h"
#include "pipeline/builtins.h"
#include "pipeline/channel.h"
#include "pipeline/watch.h"

// Runs a channel over `uri` until it ends; the caller unrefs the profile. `drift`: of then, or
// NULL.
static inline struct ifl_profile *run_scene(const char *uri, struct ifl_drift_status *drift)
{
    struct ifl_error error = {0};
    struct ifl_config *config = ifl_config_create();
    check_ok(ifl_config_set(config, "realtime", "no", &error), error);
    struct ifl_registry *registry;
    struct ifl_source_spec spec;
    struct ifl_channel *channel;
    check_ok(ifl_registry_open(config, &registry, &error), error);
    check_ok(ifl_source_spec_parse(uri, 0, 0, registry, &spec, &error), error);
    check_ok(ifl_channel_create(&spec, config, NULL, NULL, false, &channel, &error), error);
    check_ok(ifl_channel_start(channel, &error), error);
    while (!ifl_channel_ended(channel))
        ifl_profile_unref(ifl_channel_profile(channel, true, 100 * IFL_MILLISECOND_NS));
    ifl_channel_stop(channel);
    struct ifl_profile *profile = ifl_channel_profile(channel, false, 0);
    if (drift)
        assert_true(ifl_watch_status(ifl_channel_watch(channel), drift));
    ifl_channel_unref(channel);
    ifl_registry_destroy(registry);
    ifl_config_destroy(config);
    assert_non_null(profile);
    return profile;
}

static inline struct ifl_profile *make_scene_profile(const char *uri)
{
    return run_scene(uri, NULL);
}

#endif
