// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "cli/cli.h"
#include "pipeline/builtins.h"
#include "source/builtin.h"

static enum ifl_result report(const struct ifl_source_spec *spec,
                              const struct ifl_source_info *info, bool json,
                              struct ifl_error *error)
{
    char uri[256];
    ifl_uri_redact(spec->uri, uri, sizeof uri);
    if (json)
        return ifl_print_json(json_pack("{ss ss sb si si sf sI ss ss ss}", "uri", uri, "source",
                                        spec->plugin->head.name, "live", info->live, "width",
                                        info->width, "height", info->height, "rate", info->rate,
                                        "frames", (json_int_t)info->frames, "format", info->format,
                                        "codec", info->codec, "licence", info->licence),
                              error);
    printf("%s (%s): %dx%d %s", uri, info->live ? "live" : "recorded", info->width, info->height,
           info->format);
    if (info->codec[0])
        printf(", %s", info->codec);
    if (info->rate > 0)
        printf(", %.4g frames/s", info->rate);
    if (info->frames)
        printf(", %llu frames", (unsigned long long)info->frames);
    putchar('\n');
    return IFL_OK;
}

enum ifl_result ifl_command_probe(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    struct ifl_registry *registry = NULL;
    struct ifl_source_spec spec;
    struct ifl_source_info info;
    enum ifl_result result = ifl_registry_open(config, &registry, error);
    if (result == IFL_OK)
        result = ifl_source_spec_parse(arguments->word[0], config->source_type, 0, registry, &spec,
                                       error);
    if (result == IFL_OK) {
        struct ifl_source_config source = {
            .name = spec.name,
            .uri = spec.uri,
            .open_deadline_ns = (int64_t)(config->open_timeout * (double)IFL_SECOND_NS),
            .read_deadline_ns = (int64_t)(config->read_timeout * (double)IFL_SECOND_NS)};
        result = ifl_source_probe(spec.plugin, &source, &info, error);
    }
    if (result == IFL_OK)
        result = report(&spec, &info, config->json, error);
    ifl_registry_destroy(registry);
    return result;
}
