// SPDX-License-Identifier: Apache-2.0
// The options in the URI of the test pattern. What is accepted is in its ranges, and small ones are
// drawn.
#include "support.h"

#include <stdlib.h>

#include "source/pattern.h"

enum { DRAWN_PIXELS_MAX = 64 * 64 };

static void check_ranges(const struct ifl_pattern_config *config)
{
    MUST(config->width >= IFL_FRAME_SIDE_MIN && config->width <= IFL_FRAME_SIDE_MAX);
    MUST(config->height >= IFL_FRAME_SIDE_MIN && config->height <= IFL_FRAME_SIDE_MAX);
    MUST(config->rate >= 0.1 && config->rate <= 1000);
    MUST(config->objects >= 0 && config->objects <= IFL_PATTERN_OBJECTS_MAX);
    MUST(config->identities >= config->objects && config->identities <= IFL_PATTERN_IDENTITIES_MAX);
    MUST(config->light >= 0 && config->light <= 3);
    MUST(config->noise >= 0 && config->noise <= 20);
}

static void check_truth(const struct ifl_pattern_config *config, uint64_t index)
{
    struct ifl_pattern_object object[IFL_PATTERN_OBJECTS_MAX];
    int count = ifl_pattern_truth(config, index, object);
    MUST(count >= 0 && count <= config->objects);
    for (int i = 0; i < count; i++) {
        MUST(object[i].x >= 0 && object[i].width > 0);
        MUST(object[i].x + object[i].width <= config->width);
        MUST(object[i].y >= 0 && object[i].height > 0);
        MUST(object[i].y + object[i].height <= config->height);
        MUST(object[i].identity >= 1 && object[i].identity <= (uint32_t)config->identities);
    }
}

static void draw(const struct ifl_pattern_config *config)
{
    struct ifl_error error;
    struct ifl_pattern_scene *scene = NULL;
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, config->width, config->height);
    MUST(frame && ifl_pattern_create(config, &scene, &error) == IFL_OK);
    ifl_pattern_draw(scene, 100, frame);
    ifl_pattern_destroy(scene);
    ifl_frame_unref(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *uri = fuzz_text(bytes, count);
    struct ifl_pattern_config config;
    struct ifl_error error;
    ifl_pattern_config_init(&config);
    enum ifl_result result = ifl_pattern_parse(uri, &config, &error);
    fuzz_must_explain(result, &error);
    if (result == IFL_OK) {
        check_ranges(&config);
        check_truth(&config, 0);
        check_truth(&config, config.frames);
        if (config.width * config.height <= DRAWN_PIXELS_MAX)
            draw(&config);
    }
    free(uri);
    return 0;
}
