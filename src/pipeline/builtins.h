// SPDX-License-Identifier: Apache-2.0
// The built-in sources, engines and sinks, and the registry of them with the configured plug-ins.
#ifndef IFL_PIPELINE_BUILTINS_H
#define IFL_PIPELINE_BUILTINS_H

#include "core/options.h"
#include "core/registry.h"
#include "inferloop/source.h"

extern const struct ifl_plugin *const ifl_builtins[]; // NULL-terminated

enum ifl_result ifl_registry_open(const struct ifl_config *config, struct ifl_registry **registry,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

// One source as the user wrote it: "NAME=URI" or "URI", with `source-type` applied.
struct ifl_source_spec {
    char name[IFL_SOURCE_NAME_MAX];
    char uri[2048];
    const struct ifl_source_plugin *plugin;
};
// `index` numbers it; names made here are unique among different indices and texts.
enum ifl_result ifl_source_spec_parse(const char *text, int source_type, int index,
                                      const struct ifl_registry *registry,
                                      struct ifl_source_spec *spec,
                                      struct ifl_error *error) IFL_CHECK_RESULT;
// What source-type means without a URI: "webcam", "pattern", or NULL.
const char *ifl_source_of_type(int source_type);

#endif
