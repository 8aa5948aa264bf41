// SPDX-License-Identifier: Apache-2.0
// The registry of exchangeable parts: built-ins and what plug-ins (.so) bring, in one list.
//
// Filled at start by one thread, then read only. A plug-in's descriptor is checked (ABI version,
// size, needed slots) before it is listed, so that users of the list call without further checks.
#ifndef IFL_CORE_REGISTRY_H
#define IFL_CORE_REGISTRY_H

#include "inferloop/plugin.h"

struct ifl_registry;
// `builtins` is NULL-terminated and outlives the registry. NULL: out of memory.
struct ifl_registry *ifl_registry_create(const struct ifl_plugin *const *builtins);
void ifl_registry_destroy(struct ifl_registry *registry); // takes NULL; unloads the plug-ins
enum ifl_result ifl_registry_load(struct ifl_registry *registry, const char *path,
                                  struct ifl_error *error) IFL_CHECK_RESULT;
const struct ifl_plugin *ifl_registry_find(const struct ifl_registry *registry,
                                           enum ifl_plugin_kind kind, const char *name);
// NULL-terminated; plug-ins before built-ins, so that they can take over a scheme.
const struct ifl_plugin *const *ifl_registry_list(const struct ifl_registry *registry);

#endif
