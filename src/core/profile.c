// SPDX-License-Identifier: Apache-2.0
// The life of profile snapshots. They are made by the profile room and by the file reader.
#include "core/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double WEIGHT_EVEN = 1e6; // a part of so many is everybody's: none has nothing

struct ifl_profile *ifl_profile_ref(const struct ifl_profile *profile)
{
    struct ifl_profile *mutable = (struct ifl_profile *)profile; // only its count changes
    __atomic_add_fetch(&mutable->refs, 1, __ATOMIC_RELAXED);
    return mutable;
}

struct ifl_memory_frame *ifl_memory_frame_ref(struct ifl_memory_frame *frame)
{
    __atomic_add_fetch(&frame->refs, 1, __ATOMIC_RELAXED);
    return frame;
}

static void unref_levels(struct ifl_memory_frame *frame)
{
    if (frame->level_refs && __atomic_sub_fetch(frame->level_refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        free((void *)frame->level[l]);
    free(frame->level_refs);
}

void ifl_memory_frame_share_levels(struct ifl_memory_frame *to, const struct ifl_memory_frame *from)
{
    __atomic_add_fetch(from->level_refs, 1, __ATOMIC_RELAXED);
    to->level_refs = from->level_refs;
    memcpy(to->level, from->level, sizeof to->level);
}

void ifl_memory_frame_unref(struct ifl_memory_frame *frame)
{
    if (!frame || __atomic_sub_fetch(&frame->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    unref_levels(frame);
    free((void *)frame->label);
    free((void *)frame->component);
    free(frame);
}

void ifl_profile_unref(const struct ifl_profile *profile)
{
    struct ifl_profile *mutable = (struct ifl_profile *)profile;
    if (!mutable || __atomic_sub_fetch(&mutable->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (int i = 0; i < mutable->memory_frames; i++)
        ifl_memory_frame_unref(mutable->memory[i]);
    for (int l = 0; l < IFL_LEVELS_MAX; l++)
        free((void *)mutable->plate[l]);
    free((void *)mutable->memory);
    free(mutable->memory_weight);
    free((void *)mutable->event);
    free(mutable);
}

const struct ifl_event *ifl_profile_event(const struct ifl_profile *profile, uint32_t id)
{
    int low = 0, high = profile->events;
    while (low < high) {
        int middle = (low + high) / 2;
        if (profile->event[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < profile->events && profile->event[low].id == id ? &profile->event[low] : NULL;
}

void ifl_profile_weights(const struct ifl_profile *profile, double *weight)
{
    const float *given = profile->memory_weight;
    double sum = 0, even = 1.0 / profile->memory_frames;
    for (int f = 0; f < profile->memory_frames; f++) {
        weight[f] = !given ? even : given[f] > 0 && given[f] <= 1 ? (double)given[f] : 0;
        weight[f] += even / WEIGHT_EVEN;
        sum += weight[f];
    }
    for (int f = 0; f < profile->memory_frames; f++)
        weight[f] /= sum;
}

int ifl_pyramid_sizes(int width, int height, int base_area, int level_width[IFL_LEVELS_MAX],
                      int level_height[IFL_LEVELS_MAX])
{
    double aspect = (double)width / height;
    aspect = fmin(fmax(aspect, 1.0 / 8), 8);
    int coarse_width = (int)lround(sqrt(32 * 18 * aspect));
    int coarse_height = (int)lround(coarse_width / aspect);
    int levels = 0;
    do {
        level_width[levels] = coarse_width << levels;
        level_height[levels] = coarse_height << levels;
        levels++;
    } while (levels < IFL_LEVELS_MAX &&
             level_width[levels - 1] * level_height[levels - 1] * 2 < base_area);
    return levels;
}
