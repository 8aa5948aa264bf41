// SPDX-License-Identifier: Apache-2.0
// Profile files. What loads is in its ranges and says itself as JSON.
#include "load_profile.h"

#include <stdlib.h>

static void check_frame(const struct ifl_profile *profile, const struct ifl_memory_frame *frame)
{
    int base = profile->levels - 1;
    int width = profile->level_width[base], height = profile->level_height[base];
    for (int i = 0; i < frame->components; i++) {
        const struct ifl_component *c = &frame->component[i];
        MUST(c->x >= 0 && c->width >= 1 && c->x + c->width <= width);
        MUST(c->y >= 0 && c->height >= 1 && c->y + c->height <= height);
        MUST(ifl_profile_event(profile, c->event) != NULL);
    }
    for (int i = 0; i < width * height; i++)
        MUST(frame->label[i] <= frame->components);
    for (int l = 0; l < profile->levels; l++)
        MUST(frame->level[l] != NULL);
}

static void check_profile(const struct ifl_profile *profile)
{
    MUST(profile->levels >= 0 && profile->levels <= IFL_LEVELS_MAX);
    MUST(profile->memory_frames >= 0 && profile->memory_frames <= IFL_MEMORY_MAX);
    for (int l = 0; l < profile->levels; l++)
        MUST(profile->plate[l] && profile->level_width[l] >= 1 && profile->level_height[l] >= 1);
    for (int i = 0; i < profile->memory_frames; i++)
        check_frame(profile, profile->memory[i]);
    char *text = ifl_profile_json(profile);
    MUST(text != NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_profile *profile = fuzz_load_profile(bytes, count);
    if (profile)
        check_profile(profile);
    ifl_profile_unref(profile);
    return 0;
}
