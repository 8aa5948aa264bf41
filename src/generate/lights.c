// SPDX-License-Identifier: Apache-2.0
#include "generate/lights.h"

#include "kernels/local_light.h"

enum { SPANS = 16 };

// Which of the memory's spans of time a frame was recorded in.
static void find_spans(const struct ifl_profile *profile, int span[IFL_MEMORY_MAX])
{
    struct ifl_memory_frame *const *memory = profile->memory;
    uint64_t first = UINT64_MAX, last = 0;
    for (int f = 0; f < profile->memory_frames; f++) {
        first = memory[f]->media_index < first ? memory[f]->media_index : first;
        last = memory[f]->media_index > last ? memory[f]->media_index : last;
    }
    uint64_t length = (last - first) / SPANS + 1;
    for (int f = 0; f < profile->memory_frames; f++)
        span[f] = (int)((memory[f]->media_index - first) / length);
}

static int count_bits(unsigned bits)
{
    int count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

void ifl_lights_find(const struct ifl_profile *profile, struct ifl_lights *lights)
{
    int span[IFL_MEMORY_MAX], frames = profile->memory_frames;
    struct ifl_memory_frame *const *memory = profile->memory;
    find_spans(profile, span);
    lights->frames = frames;
    for (int f = 0; f < frames; f++) {
        unsigned seen = 0;
        for (int g = 0; g < frames; g++)
            if (!(seen >> span[g] & 1) &&
                ifl_local_light_is_like(&memory[f]->local, &memory[g]->local))
                seen |= 1u << span[g];
        lights->times[f] = (uint8_t)count_bits(seen);
    }
}

int ifl_lights_draw(const struct ifl_lights *lights, int k, struct ifl_rng *rng)
{
    int allowed[IFL_MEMORY_MAX], count = 0;
    for (int f = 0; f < lights->frames; f++)
        if (lights->times[f] >= k)
            allowed[count++] = f;
    return count > 0 ? allowed[ifl_rng_below(rng, (uint32_t)count)] : -1;
}
