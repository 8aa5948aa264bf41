/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of exchangeable parts. Built-ins and plug-ins (.so files) use the same ones.
 *
 * A plug-in is a shared object that exports
 *     const struct ifl_plugin *const inferloop_plugins[];   (NULL-terminated)
 * The core checks ABI version and size of each descriptor before it calls anything. */
#ifndef INFERLOOP_PLUGIN_H
#define INFERLOOP_PLUGIN_H

#include <stdint.h>

#include "inferloop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { IFL_PLUGIN_ABI = 1 };

enum ifl_plugin_kind { IFL_PLUGIN_SOURCE, IFL_PLUGIN_ENGINE, IFL_PLUGIN_SINK };

/* Every descriptor starts with this head. */
struct ifl_plugin {
    uint32_t abi_version; /* IFL_PLUGIN_ABI */
    uint32_t struct_size; /* sizeof the whole descriptor */
    enum ifl_plugin_kind kind;
    const char *name; /* what the user writes: "camera", "analytic", "dataset" */
    const char *help; /* one line */
};

#ifdef __cplusplus
}
#endif
#endif
