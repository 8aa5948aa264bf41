// SPDX-License-Identifier: Apache-2.0
#include <strings.h>

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

static json_t *json_of_modes(const struct ifl_source_mode *modes, int count)
{
    json_t *rows = json_array();
    for (int i = 0; i < count; i++) {
        json_t *rates = json_array();
        for (int k = 0; k < modes[i].rates; k++)
            json_array_append_new(rates, json_real(modes[i].rate[k]));
        json_array_append_new(rows, json_pack("{ss ss si si so}", "format", modes[i].format,
                                              "fourcc", modes[i].fourcc, "width", modes[i].width,
                                              "height", modes[i].height, "rates", rates));
    }
    return rows;
}

static void print_modes(const struct ifl_source_mode *modes, int count)
{
    for (int i = 0; i < count; i++) {
        const char *format = modes[i].format[0] ? modes[i].format : modes[i].fourcc;
        printf("    %-10s %dx%d", format, modes[i].width, modes[i].height);
        for (int k = 0; k < modes[i].rates; k++)
            printf("%s%.4g", k ? ", " : "  ", modes[i].rate[k]);
        puts(modes[i].rates ? " frames/s" : "");
    }
}

// The word `webcam` names no device: says which there are, and what they can send.
static enum ifl_result list_devices(bool json, struct ifl_error *error)
{
    struct ifl_source_device devices[IFL_DEVICES_MAX];
    struct ifl_source_mode modes[IFL_MODES_MAX];
    int count = ifl_source_devices(devices, IFL_DEVICES_MAX);
    if (count == 0)
        return ifl_source_no_device(error);
    json_t *rows = json_array();
    for (int i = 0; i < count; i++) {
        int known = ifl_source_modes(devices[i].path, modes, IFL_MODES_MAX);
        if (json) {
            json_array_append_new(
                rows, json_pack("{so ss so}", "uri", json_sprintf("webcam:%s", devices[i].path),
                                "name", devices[i].name, "modes", json_of_modes(modes, known)));
            continue;
        }
        printf("webcam:%s  %s\n", devices[i].path, devices[i].name);
        print_modes(modes, known);
    }
    if (json)
        return ifl_print_json(json_pack("{so}", "devices", rows), error);
    json_decref(rows);
    return IFL_OK;
}

static enum ifl_result probe(const struct ifl_source_spec *spec, const struct ifl_config *config,
                             struct ifl_error *error)
{
    struct ifl_source_info info;
    struct ifl_source_config source = {
        .name = spec->name,
        .uri = spec->uri,
        .open_deadline_ns = (int64_t)(config->open_timeout * (double)IFL_SECOND_NS),
        .read_deadline_ns = (int64_t)(config->read_timeout * (double)IFL_SECOND_NS),
        .first_deadline_ns = (int64_t)(config->first_frame_timeout * (double)IFL_SECOND_NS)};
    enum ifl_result result = ifl_source_probe(spec->plugin, &source, &info, error);
    return result == IFL_OK ? report(spec, &info, config->json, error) : result;
}

enum ifl_result ifl_command_probe(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    struct ifl_registry *registry = NULL;
    struct ifl_source_spec spec;
    enum ifl_result result = ifl_registry_open(config, &registry, error);
    if (result == IFL_OK)
        result = ifl_source_spec_parse(arguments->word[0], config->source_type, 0, registry, &spec,
                                       error);
    if (result == IFL_OK)
        result = strcasecmp(spec.uri, "webcam") ? probe(&spec, config, error)
                                                : list_devices(config->json, error);
    ifl_registry_destroy(registry);
    return result;
}
