// SPDX-License-Identifier: Apache-2.0
// A workshop for those who bring their own profile and need no pipeline.
#include <stdlib.h>
#include <string.h>

#include "inferloop/pipeline.h"
#include "pipeline/builtins.h"
#include "pipeline/workshop.h"

struct ifl_generator {
    struct ifl_workshop *workshop;
    struct ifl_edge *edge;
    struct ifl_ledger *ledger;
};

static const struct ifl_plugin *find_engine(const char *name)
{
    for (const struct ifl_plugin *const *plugin = ifl_builtins; *plugin; plugin++)
        if ((*plugin)->kind == IFL_PLUGIN_ENGINE && !strcmp((*plugin)->name, name))
            return *plugin;
    return NULL;
}

enum ifl_result ifl_generator_create(const struct ifl_profile *profile, const char *engine,
                                     struct ifl_generator **generator, struct ifl_error *error)
{
    const struct ifl_plugin *plugin = find_engine(engine);
    if (!plugin)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "generate",
                        "there is no engine \"%.40s\"; built in is: analytic", engine);
    struct ifl_generator *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for a generator");
    struct ifl_edge_config edge = {.from = "generate", .to = "validate", .source = ""};
    made->edge = ifl_edge_create(&edge);
    made->ledger = ifl_ledger_create();
    enum ifl_result result = IFL_OK;
    if (!made->edge || !made->ledger)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for a generator");
    if (result == IFL_OK)
        result = ifl_workshop_create(profile, (const void *)plugin, &made->workshop, error);
    if (result != IFL_OK) {
        ifl_generator_destroy(made);
        return result;
    }
    *generator = made;
    return IFL_OK;
}

enum ifl_result ifl_generator_make(struct ifl_generator *generator,
                                   const struct ifl_request *request, int attempts,
                                   struct ifl_synthetic *synthetic, struct ifl_error *error)
{
    enum ifl_result result = ifl_request_check(request, error);
    if (result != IFL_OK)
        return result;
    struct ifl_making making = {.attempts = attempts < 1 ? 1 : attempts,
                                .edge = generator->edge,
                                .ledger = generator->ledger,
                                .clock = ifl_clock_real()};
    result = ifl_workshop_make(generator->workshop, request, &making, synthetic, error);
    if (result != IFL_OK)
        ifl_synthetic_fini(synthetic);
    return result;
}

void ifl_generator_destroy(struct ifl_generator *generator)
{
    if (!generator)
        return;
    ifl_workshop_unref(generator->workshop);
    ifl_ledger_destroy(generator->ledger);
    ifl_edge_destroy(generator->edge);
    free(generator);
}
