// SPDX-License-Identifier: Apache-2.0
#include "profile/identify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "kernels/local_light.h"

// Eight bytes a step: the memory has millions of them. Not for files: depends on the byte order.
static uint64_t hash_pixels(const uint8_t *bytes, size_t count, uint64_t hash)
{
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++)
            word |= (uint64_t)bytes[i] << (8 * i);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return ifl_hash_bytes(bytes, count, hash);
}

static uint64_t hash_number(uint64_t number, uint64_t hash)
{
    return ifl_hash_mix(hash ^ number) + 0x9e3779b97f4a7c15u;
}

static uint64_t hash_real(double number, uint64_t hash)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return hash_number(bits, hash);
}

static size_t base_pixels(const struct ifl_profile *profile)
{
    int base = profile->levels - 1;
    return (size_t)profile->level_width[base] * (size_t)profile->level_height[base];
}

// Light that is the same everywhere leaves ids as they were before it was looked for.
static uint64_t hash_local(const struct ifl_local_light *local, uint64_t hash)
{
    if (ifl_local_light_is_uniform(local))
        return hash;
    for (int y = 0; y < IFL_LIGHT_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_ACROSS; x++)
            for (int c = 0; c < 3; c++)
                hash = hash_number((uint64_t)(local->cell[y][x][c] + 32768), hash);
    return hash;
}

uint64_t ifl_identify_picture(const struct ifl_memory_frame *frame, int base, size_t pixels)
{
    uint64_t hash = hash_number(frame->sequence, hash_number(frame->media_index, 1));
    for (int c = 0; c < 3; c++)
        hash = hash_real((double)frame->offset[c], hash_real((double)frame->gain[c], hash));
    hash = hash_local(&frame->local, hash);
    return hash_pixels(frame->level[base], 3 * pixels, hash);
}

uint64_t ifl_identify_frame(const struct ifl_memory_frame *frame, uint64_t picture, size_t pixels)
{
    uint64_t hash = hash_pixels(frame->label, pixels, picture);
    for (int i = 0; i < frame->components; i++) {
        const struct ifl_component *c = &frame->component[i];
        const int fields[] = {c->x, c->y, c->width, c->height, c->area, (int)c->edges};
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
            hash = hash_number((uint64_t)fields[f], hash);
        hash = hash_number(c->event, hash);
    }
    return hash | 1;
}

static uint64_t hash_feature(const struct ifl_feature_stats *stats, uint64_t hash)
{
    hash = hash_number(stats->count, hash);
    hash = hash_real(stats->mean, hash);
    hash = hash_real(stats->variance, hash);
    hash = hash_real(stats->skew, hash);
    hash = hash_real(stats->kurtosis, hash);
    for (int b = 0; b < IFL_HISTOGRAM_BINS; b++)
        hash = hash_number(stats->histogram[b], hash);
    for (int q = 0; q < IFL_QUANTILES; q++)
        hash = hash_real(stats->quantile[q], hash);
    return hash;
}

static uint64_t hash_reals(const double *number, int count, uint64_t hash)
{
    for (int i = 0; i < count; i++)
        hash = hash_real(number[i], hash);
    return hash;
}

static uint64_t hash_views(const struct ifl_profile *profile, uint64_t hash)
{
    const struct ifl_joint *joint = &profile->joint;
    const struct ifl_recent *recent = &profile->recent;
    hash = hash_reals(joint->covariance, IFL_FEATURE_PAIRS, hash);
    hash = hash_reals(joint->component_share, IFL_COMPONENTS, hash);
    hash = hash_reals(joint->component[0], IFL_COMPONENTS * IFL_FEATURE_COUNT, hash);
    hash = hash_reals(recent->mean, IFL_FEATURE_COUNT, hash);
    hash = hash_reals(recent->std, IFL_FEATURE_COUNT, hash);
    hash = hash_reals(recent->lag1, IFL_FEATURE_COUNT, hash);
    hash = hash_number(profile->reference_frames, hash);
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        hash = hash_feature(&profile->reference[f], hash);
    return hash;
}

static uint64_t hash_statistics(const struct ifl_profile *profile, uint64_t hash)
{
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        hash = hash_feature(&profile->feature[f], hash);
    hash = hash_views(profile, hash);
    for (int y = 0; y < IFL_TILES; y++)
        for (int x = 0; x < IFL_TILES; x++)
            hash = hash_real((double)profile->tile_mean[y][x], hash);
    hash = hash_real(profile->occupancy.rate, hash);
    hash = hash_real(profile->occupancy.count_mean, hash);
    return hash_real(profile->occupancy.area_mean, hash);
}

static uint64_t hash_events(const struct ifl_profile *profile, uint64_t hash)
{
    for (int i = 0; i < profile->events; i++) {
        const struct ifl_event *e = &profile->event[i];
        hash = hash_number(e->id, hash);
        hash = hash_number(e->identity, hash);
        hash = hash_number(e->first_index, hash);
        hash = hash_number(e->last_index, hash);
        hash = hash_number(e->frames, hash);
        hash = hash_number((uint64_t)e->height_max, hash);
    }
    return hash;
}

static uint64_t hash_frame(const struct ifl_profile *profile, const struct ifl_memory_frame *frame)
{
    size_t pixels = base_pixels(profile);
    return ifl_identify_frame(frame, ifl_identify_picture(frame, profile->levels - 1, pixels),
                              pixels);
}

void ifl_identify_profile(struct ifl_profile *profile, const uint64_t *frame_hash)
{
    uint64_t hash = ifl_hash_bytes(profile->source, strlen(profile->source), 0);
    hash = ifl_hash_bytes(profile->licence, strlen(profile->licence), hash);
    hash = hash_number(profile->frames_seen, hash);
    hash = hash_number(profile->frames_profiled, hash);
    hash = hash_number(profile->window_frames, hash);
    hash = hash_number((uint64_t)profile->source_width, hash);
    hash = hash_number((uint64_t)profile->source_height, hash);
    hash = hash_statistics(profile, hash);
    hash = hash_number((uint64_t)profile->levels, hash);
    if (profile->levels > 0)
        hash = hash_pixels(profile->plate[profile->levels - 1], 3 * base_pixels(profile), hash);
    for (int i = 0; i < profile->memory_frames; i++) {
        uint64_t frame = frame_hash ? frame_hash[i] : hash_frame(profile, profile->memory[i]);
        hash = hash_number(frame, hash);
    }
    for (int i = 0; profile->memory_weight && i < profile->memory_frames; i++)
        hash = hash_real((double)profile->memory_weight[i], hash);
    hash = hash_events(profile, hash);
    snprintf(profile->id, sizeof profile->id, "%016" PRIx64, ifl_hash_mix(hash));
}
