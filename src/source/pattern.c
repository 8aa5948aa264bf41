// SPDX-License-Identifier: Apache-2.0
// The source `pattern`: its configuration and its descriptor.
#include "source/pattern.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/pool.h"
#include "source/builtin.h"

void ifl_pattern_config_init(struct ifl_pattern_config *config)
{
    *config = (struct ifl_pattern_config){.width = 640,
                                          .height = 360,
                                          .rate = 10,
                                          .objects = 4,
                                          .identities = 40,
                                          .light = 1,
                                          .noise = 1.5};
}

static const struct key {
    const char *name;
    double least, greatest;
    bool whole;
} keys[] = {
    {"rate", 0.1, 1000, false},
    {"objects", 0, IFL_PATTERN_OBJECTS_MAX, true},
    {"identities", 1, IFL_PATTERN_IDENTITIES_MAX, true},
    {"frames", 0, 1e15, true},
    {"light", 0, 3, false},
    {"noise", 0, 20, false},
    {"seed", 0, 0x1p53, true},
};
enum { KEY_RATE, KEY_OBJECTS, KEY_IDENTITIES, KEY_FRAMES, KEY_LIGHT, KEY_NOISE, KEY_SEED, KEYS };

static enum ifl_result parse_size(const char *text, size_t length,
                                  struct ifl_pattern_config *config, struct ifl_error *error)
{
    char copy[32], rest;
    snprintf(copy, sizeof copy, "%.*s", (int)(length < 31 ? length : 31), text);
    if (length >= sizeof copy ||
        sscanf(copy, "%6dx%6d%c", &config->width, &config->height, &rest) != 2)
        return ifl_fail(error, IFL_ERR_INVALID, "source",
                        "the pattern's size is written as in size=640x360");
    return ifl_source_check_size(config->width, config->height, error);
}

static enum ifl_result parse_number(const char *text, size_t length, const struct key *key,
                                    double *value, struct ifl_error *error)
{
    char copy[32], *end = copy;
    snprintf(copy, sizeof copy, "%.*s", (int)(length < 31 ? length : 31), text);
    *value = strtod(copy, &end);
    bool good = length < sizeof copy && end != copy && !*end && *value >= key->least &&
                *value <= key->greatest;
    if (good && (!key->whole || *value == floor(*value)))
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_INVALID, "source",
                    "the pattern's %s is a %snumber from %g to %g", key->name,
                    key->whole ? "whole " : "", key->least, key->greatest);
}

static void assign(struct ifl_pattern_config *config, int key, double value)
{
    switch (key) {
    case KEY_RATE:
        config->rate = value;
        break;
    case KEY_OBJECTS:
        config->objects = (int)value;
        break;
    case KEY_IDENTITIES:
        config->identities = (int)value;
        break;
    case KEY_FRAMES:
        config->frames = (uint64_t)value;
        break;
    case KEY_LIGHT:
        config->light = value;
        break;
    case KEY_NOISE:
        config->noise = value;
        break;
    default:
        config->seed = (uint64_t)value;
        break;
    }
}

static enum ifl_result parse_pair(const char *pair, size_t length,
                                  struct ifl_pattern_config *config, struct ifl_error *error)
{
    size_t name = strcspn(pair, "=,");
    const char *text = pair + name + 1;
    size_t text_length = name < length ? length - name - 1 : 0;
    if (name == 4 && !strncmp(pair, "size", 4) && name < length)
        return parse_size(text, text_length, config, error);
    for (int i = 0; i < KEYS && name < length; i++) {
        if (strlen(keys[i].name) != name || strncmp(keys[i].name, pair, name) != 0)
            continue;
        double value;
        enum ifl_result result = parse_number(text, text_length, &keys[i], &value, error);
        if (result == IFL_OK)
            assign(config, i, value);
        return result;
    }
    return ifl_fail(error, IFL_ERR_INVALID, "source",
                    "the pattern knows size, rate, objects, identities, frames, light, noise and "
                    "seed as key=value, not \"%.*s\"",
                    (int)(length < 40 ? length : 40), pair);
}

enum ifl_result ifl_pattern_parse(const char *uri, struct ifl_pattern_config *config,
                                  struct ifl_error *error)
{
    const char *pair = strchr(uri, ':');
    pair = pair ? pair + 1 : "";
    while (*pair) {
        size_t length = strcspn(pair, ",");
        enum ifl_result result = parse_pair(pair, length, config, error);
        if (result != IFL_OK)
            return result;
        pair += length + (pair[length] == ',');
    }
    if (config->identities < config->objects)
        config->identities = config->objects;
    return IFL_OK;
}

// ---- the source ----

struct pattern {
    struct ifl_pattern_config config;
    struct ifl_pattern_scene *scene;
    struct ifl_pool *pool;
    char name[IFL_SOURCE_NAME_MAX];
    bool loop;
    uint64_t sequence;
};

static void pattern_close(void *self)
{
    struct pattern *pattern = self;
    if (!pattern)
        return;
    ifl_pattern_destroy(pattern->scene);
    ifl_pool_destroy(pattern->pool);
    free(pattern);
}

static enum ifl_result pattern_open(const struct ifl_source_config *config, void **self,
                                    struct ifl_error *error)
{
    struct pattern *pattern = calloc(1, sizeof *pattern);
    if (pattern)
        pattern->pool = ifl_pool_create(8);
    if (!pattern || !pattern->pool) {
        pattern_close(pattern);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory for the test pattern");
    }
    ifl_pattern_config_init(&pattern->config);
    pattern->config.seed = config->seed;
    pattern->loop = config->loop;
    snprintf(pattern->name, sizeof pattern->name, "%s", config->name);
    enum ifl_result result = ifl_pattern_parse(config->uri, &pattern->config, error);
    if (result == IFL_OK)
        result = ifl_pattern_create(&pattern->config, &pattern->scene, error);
    if (result != IFL_OK) {
        pattern_close(pattern);
        return result;
    }
    *self = pattern;
    return IFL_OK;
}

static enum ifl_result pattern_read(void *self, struct ifl_frame **out, struct ifl_error *error)
{
    struct pattern *pattern = self;
    const struct ifl_pattern_config *config = &pattern->config;
    uint64_t index = pattern->sequence, loop = 0;
    if (config->frames) {
        loop = index / config->frames;
        index %= config->frames;
    }
    if (loop && !pattern->loop)
        return IFL_END;
    struct ifl_frame *frame =
        ifl_pool_get(pattern->pool, IFL_PIXEL_YUV420P, config->width, config->height);
    if (!frame)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory for a picture");
    ifl_pattern_draw(pattern->scene, index, frame);
    memcpy(frame->source, pattern->name, sizeof frame->source);
    frame->range = IFL_RANGE_FULL;
    frame->matrix = IFL_MATRIX_BT601;
    frame->media_index = index;
    frame->loop = (uint32_t)loop;
    frame->pts_ns = (int64_t)((double)pattern->sequence * 1e9 / config->rate);
    frame->sequence = pattern->sequence++;
    frame->capture_ns = ifl_now_ns(ifl_clock_real());
    frame->capture_wall_ns = ifl_wall_ns(ifl_clock_real());
    *out = frame;
    return IFL_OK;
}

static void pattern_info(void *self, struct ifl_source_info *info)
{
    const struct ifl_pattern_config *config = &((struct pattern *)self)->config;
    *info = (struct ifl_source_info){.width = config->width,
                                     .height = config->height,
                                     .rate = config->rate,
                                     .frames = config->frames,
                                     .format = "yuv420p",
                                     .licence = "CC0-1.0 (drawn by inferloop)"};
}

static const char *const schemes[] = {"pattern", NULL};

const struct ifl_source_plugin ifl_source_pattern = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "pattern",
             "a drawn street scene with known contents: pattern:size=640x360,rate=10,objects=4"},
    .schemes = schemes,
    .open = pattern_open,
    .read = pattern_read,
    .info = pattern_info,
    .close = pattern_close,
};
