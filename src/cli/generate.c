// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "pipeline/batch.h"
#include "pipeline/builtins.h"

static bool keep_going(int done, void *context)
{
    const struct timespec now = {0};
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%d images", done);
    return sigtimedwait(context, NULL, &now) < 0;
}

static enum ifl_result report(const struct ifl_ledger_counts *counts, const char *folder, bool json,
                              struct ifl_error *error)
{
    json_t *reasons = json_object();
    for (int i = 1; i < IFL_REJECTION_COUNT; i++)
        if (counts->rejected_by[i])
            json_object_set_new(reasons, ifl_rejection_name((enum ifl_rejection)i),
                                json_integer((json_int_t)counts->rejected_by[i]));
    if (json)
        return ifl_print_json(json_pack("{ss sI sI sI sI so}", "output", folder, "requested",
                                        (json_int_t)counts->requested, "delivered",
                                        (json_int_t)counts->delivered, "rejected",
                                        (json_int_t)counts->rejected, "failed",
                                        (json_int_t)counts->failed, "attempts_rejected", reasons),
                              error);
    printf("%s: %llu images requested, %llu delivered, %llu rejected, %llu failed\n", folder,
           (unsigned long long)counts->requested, (unsigned long long)counts->delivered,
           (unsigned long long)counts->rejected, (unsigned long long)counts->failed);
    const char *name;
    json_t *count;
    json_object_foreach(reasons, name, count)
        printf("  %lld attempts rejected: %s\n", (long long)json_integer_value(count), name);
    json_decref(reasons);
    return IFL_OK;
}

static enum ifl_result fill(struct ifl_batch *batch, const struct ifl_config *config,
                            struct ifl_error *error)
{
    const char *folder = config->output[0] ? config->output : "data/dataset";
    struct ifl_sink_config sink = {.target = folder,
                                   .format = (enum ifl_image_format)config->format,
                                   .quality = config->quality};
    enum ifl_result result = batch->sink_plugin->open(&sink, &batch->sink, error);
    if (result != IFL_OK)
        return result;
    sigset_t signals;
    ifl_block_signals(&signals);
    batch->progress = keep_going;
    batch->context = &signals;
    struct ifl_ledger_counts counts;
    result = ifl_batch_run(batch, &counts, error);
    batch->sink_plugin->close(batch->sink);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (result == IFL_OK)
        result = report(&counts, folder, config->json, error);
    if (result == IFL_OK && !counts.delivered && counts.rejected)
        result = ifl_fail(error, IFL_ERR_REJECTED, "validate",
                          "every image was rejected; the reasons are above");
    return result;
}

static enum ifl_result make(const struct ifl_config *config, const struct ifl_profile *profile,
                            struct ifl_registry *registry, struct ifl_error *error)
{
    struct ifl_batch batch = {
        .sink_plugin = (const void *)ifl_registry_find(registry, IFL_PLUGIN_SINK, "dataset"),
        .count = config->count,
        .threads = config->threads,
        .attempts = config->attempts,
    };
    ifl_config_request(config, &batch.request);
    const struct ifl_plugin *engine =
        ifl_registry_find(registry, IFL_PLUGIN_ENGINE, config->engine);
    if (!engine)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "config",
                        "there is no engine \"%.40s\"; built in is: analytic", config->engine);
    struct ifl_suitability suitability;
    ifl_suitability_measure(profile, &suitability);
    if (!suitability.suited && config->unsuited == 0)
        return ifl_fail(error, IFL_ERR_UNSUITED, "generate", "%s", suitability.text);
    enum ifl_result result = ifl_request_check(&batch.request, error);
    if (result == IFL_OK)
        result = ifl_workshop_create(profile, (const void *)engine, &batch.workshop, error);
    if (result == IFL_OK)
        result = fill(&batch, config, error);
    ifl_workshop_unref(batch.workshop);
    return result;
}

enum ifl_result ifl_command_generate(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    if (!config->profile[0])
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "say what to generate from: --profile FILE, made by `inferloop profile`");
    struct ifl_registry *registry = NULL;
    struct ifl_profile *profile = NULL;
    enum ifl_result result = ifl_registry_open(config, &registry, error);
    if (result == IFL_OK)
        result = ifl_profile_load(config->profile, &profile, error);
    if (result == IFL_OK)
        result = make(config, profile, registry, error);
    ifl_profile_unref(profile);
    ifl_registry_destroy(registry);
    return result;
}
