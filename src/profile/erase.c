// SPDX-License-Identifier: Apache-2.0
#include "profile/erase.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/profile.h"
#include "profile/identify.h"

static bool inside(const struct ifl_memory_frame *frame, int64_t from_ns, int64_t to_ns)
{
    return frame->capture_wall_ns >= from_ns && frame->capture_wall_ns < to_ns;
}

int ifl_profile_count_span(const struct ifl_profile *profile, int64_t from_ns, int64_t to_ns)
{
    int count = 0;
    for (int i = 0; i < profile->memory_frames; i++)
        count += inside(profile->memory[i], from_ns, to_ns);
    return count;
}

static bool shows(const struct ifl_profile *profile, uint32_t event)
{
    for (int i = 0; i < profile->memory_frames; i++)
        for (int c = 0; c < profile->memory[i]->components; c++)
            if (profile->memory[i]->component[c].event == event)
                return true;
    return false;
}

static void keep_events(const struct ifl_profile *from, struct ifl_event *event,
                        struct ifl_profile *out)
{
    out->events = out->identities = 0;
    for (int i = 0; i < from->events; i++) {
        if (!shows(out, from->event[i].id))
            continue;
        bool known = false;
        for (int k = 0; k < out->events; k++)
            known |= event[k].identity == from->event[i].identity;
        out->identities += !known;
        event[out->events++] = from->event[i];
    }
}

static int copy_plate(const struct ifl_profile *from, struct ifl_profile *out)
{
    for (int l = 0; l < from->levels; l++) {
        size_t bytes = 3 * (size_t)from->level_width[l] * (size_t)from->level_height[l];
        uint8_t *copy = malloc(bytes);
        if (!copy)
            return -1;
        memcpy(copy, from->plate[l], bytes);
        out->plate[l] = copy;
    }
    return 0;
}

// Makes them sum to 1 again.
static void fill_weight(struct ifl_profile *out)
{
    float sum = 0;
    for (int i = 0; i < out->memory_frames; i++)
        sum += out->memory_weight[i];
    for (int i = 0; i < out->memory_frames; i++)
        out->memory_weight[i] /= sum;
}

enum ifl_result ifl_profile_without(const struct ifl_profile *profile, int64_t from_ns,
                                    int64_t to_ns, struct ifl_profile **out,
                                    struct ifl_error *error)
{
    struct ifl_profile *made = malloc(sizeof *made);
    struct ifl_memory_frame **memory = calloc((size_t)profile->memory_frames + 1, sizeof *memory);
    struct ifl_event *event = calloc((size_t)profile->events + 1, sizeof *event);
    float *weight = calloc((size_t)profile->memory_frames + 1, sizeof *weight);
    *out = NULL;
    if (!made || !memory || !event || !weight) {
        free(made);
        free(memory);
        free(weight);
        free(event);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "profile", "no memory for a profile");
    }
    *made = *profile;
    made->refs = 1;
    made->memory_weight = weight;
    memset((void *)made->plate, 0, sizeof made->plate);
    made->memory = memory;
    made->event = event;
    made->memory_frames = 0;
    double share[IFL_MEMORY_MAX];
    ifl_profile_weights(profile, share);
    for (int i = 0; i < profile->memory_frames; i++) {
        if (inside(profile->memory[i], from_ns, to_ns))
            continue;
        weight[made->memory_frames] = (float)share[i];
        memory[made->memory_frames++] = ifl_memory_frame_ref(profile->memory[i]);
    }
    fill_weight(made);
    keep_events(profile, event, made);
    if (copy_plate(profile, made) != 0) {
        ifl_profile_unref(made);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "profile", "no memory for a profile");
    }
    ifl_identify_profile(made, NULL);
    *out = made;
    return IFL_OK;
}
