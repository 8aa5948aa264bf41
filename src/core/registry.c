// SPDX-License-Identifier: Apache-2.0
#include "core/registry.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "inferloop/deliver.h"
#include "inferloop/generate.h"
#include "inferloop/source.h"

enum { PLUGINS_MAX = 128, LIBRARIES_MAX = 32 };

struct ifl_registry {
    int plugins, libraries;
    const struct ifl_plugin *plugin[PLUGINS_MAX + 1];
    void *library[LIBRARIES_MAX];
};

static bool source_complete(const struct ifl_plugin *head)
{
    const struct ifl_source_plugin *source = (const void *)head;
    return source->schemes && source->open && source->read && source->info && source->close;
}

static bool engine_complete(const struct ifl_plugin *head)
{
    const struct ifl_engine_plugin *engine = (const void *)head;
    return engine->create && engine->generate && engine->destroy;
}

static bool sink_complete(const struct ifl_plugin *head)
{
    const struct ifl_sink_plugin *sink = (const void *)head;
    return sink->open && sink->deliver && sink->close;
}

static const struct {
    size_t size;
    bool (*complete)(const struct ifl_plugin *head);
} kinds[] = {
    [IFL_PLUGIN_SOURCE] = {sizeof(struct ifl_source_plugin), source_complete},
    [IFL_PLUGIN_ENGINE] = {sizeof(struct ifl_engine_plugin), engine_complete},
    [IFL_PLUGIN_SINK] = {sizeof(struct ifl_sink_plugin), sink_complete},
};

static enum ifl_result check(const struct ifl_plugin *plugin, const char *path,
                             struct ifl_error *error)
{
    if (plugin->abi_version != IFL_PLUGIN_ABI)
        return ifl_fail(error, IFL_ERR_VERSION, "plugin",
                        "%s was built for plug-in interface %u, this is %d; build it anew", path,
                        plugin->abi_version, IFL_PLUGIN_ABI);
    bool known = (unsigned)plugin->kind < sizeof kinds / sizeof kinds[0];
    if (!known || plugin->struct_size < kinds[plugin->kind].size || !plugin->name ||
        !plugin->name[0] || !kinds[plugin->kind].complete(plugin))
        return ifl_fail(error, IFL_ERR_INVALID, "plugin",
                        "%s has a descriptor with missing parts; compare it with "
                        "plugins/example_source",
                        path);
    return IFL_OK;
}

// Before all others.
static void insert(struct ifl_registry *registry, const struct ifl_plugin *plugin)
{
    memmove(&registry->plugin[1], &registry->plugin[0],
            (size_t)registry->plugins * sizeof registry->plugin[0]);
    registry->plugin[0] = plugin;
    registry->plugins++;
}

struct ifl_registry *ifl_registry_create(const struct ifl_plugin *const *builtins)
{
    struct ifl_registry *registry = calloc(1, sizeof *registry);
    for (; registry && *builtins && registry->plugins < PLUGINS_MAX; builtins++)
        registry->plugin[registry->plugins++] = *builtins;
    return registry;
}

void ifl_registry_destroy(struct ifl_registry *registry)
{
    if (!registry)
        return;
    while (registry->libraries)
        dlclose(registry->library[--registry->libraries]);
    free(registry);
}

enum ifl_result ifl_registry_load(struct ifl_registry *registry, const char *path,
                                  struct ifl_error *error)
{
    if (registry->libraries == LIBRARIES_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, "plugin", "at most %d plug-ins can be loaded",
                        LIBRARIES_MAX);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "plugin", "cannot load %s: %s", path, dlerror());
    const struct ifl_plugin *const *list = dlsym(library, "inferloop_plugins");
    enum ifl_result result = IFL_OK;
    if (!list)
        result = ifl_fail(error, IFL_ERR_INVALID, "plugin",
                          "%s does not export inferloop_plugins; it is no inferloop plug-in", path);
    for (int i = 0; result == IFL_OK && list[i]; i++)
        result = check(list[i], path, error);
    for (; result == IFL_OK && *list; list++) {
        if (registry->plugins == PLUGINS_MAX)
            result = ifl_fail(error, IFL_ERR_TOO_LARGE, "plugin", "at most %d parts can be listed",
                              PLUGINS_MAX);
        else
            insert(registry, *list);
    }
    registry->library[registry->libraries++] = library; // closed with the registry, good or bad
    return result;
}

const struct ifl_plugin *ifl_registry_find(const struct ifl_registry *registry,
                                           enum ifl_plugin_kind kind, const char *name)
{
    for (int i = 0; i < registry->plugins; i++)
        if (registry->plugin[i]->kind == kind && !strcmp(registry->plugin[i]->name, name))
            return registry->plugin[i];
    return NULL;
}

const struct ifl_plugin *const *ifl_registry_list(const struct ifl_registry *registry)
{
    return registry->plugin;
}
