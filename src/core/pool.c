// SPDX-License-Identifier: Apache-2.0
#include "core/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct slot {
    struct ifl_frame frame;   // what is handed out
    struct ifl_frame *memory; // owns the planes
    struct ifl_pool *pool;
    struct slot *next;
};

struct ifl_pool {
    pthread_mutex_t lock;
    int idle_max;
    bool destroyed; // by its owner; the last frame to return frees it
    struct slot *idle;
    struct ifl_pool_counts counts;
};

struct ifl_pool *ifl_pool_create(int idle_max)
{
    struct ifl_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pool->idle_max = idle_max;
    return pool;
}

static void free_slot(struct slot *slot)
{
    ifl_frame_unref(slot->memory);
    free(slot);
}

static void free_pool(struct ifl_pool *pool)
{
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct slot *take_idle(struct ifl_pool *pool)
{
    struct slot *slot = pool->idle;
    if (slot) {
        pool->idle = slot->next;
        pool->counts.idle--;
    }
    return slot;
}

static bool slot_fits(const struct slot *slot, enum ifl_pixel_format format, int width, int height)
{
    const struct ifl_frame *memory = slot->memory;
    return memory->format == format && memory->width == width && memory->height == height;
}

static void give_back(struct ifl_frame *frame)
{
    struct slot *slot = (struct slot *)frame;
    struct ifl_pool *pool = slot->pool;
    pthread_mutex_lock(&pool->lock);
    pool->counts.out--;
    bool keep = !pool->destroyed && pool->counts.idle < pool->idle_max;
    if (keep) {
        slot->next = pool->idle;
        pool->idle = slot;
        pool->counts.idle++;
    }
    bool last = pool->destroyed && pool->counts.out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (!keep)
        free_slot(slot);
    if (last)
        free_pool(pool);
}

void ifl_pool_destroy(struct ifl_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->destroyed = true;
    struct slot *slot;
    while ((slot = take_idle(pool)))
        free_slot(slot);
    bool last = pool->counts.out == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last)
        free_pool(pool);
}

static struct slot *make_slot(struct ifl_pool *pool, enum ifl_pixel_format format, int width,
                              int height)
{
    struct slot *slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->pool = pool;
    slot->memory = ifl_frame_create(format, width, height);
    if (!slot->memory) {
        free(slot);
        return NULL;
    }
    return slot;
}

// An idle slot of this size, or NULL; frees idle ones of other sizes.
static struct slot *take_fitting(struct ifl_pool *pool, enum ifl_pixel_format format, int width,
                                 int height)
{
    struct slot *slot;
    while ((slot = take_idle(pool)) && !slot_fits(slot, format, width, height))
        free_slot(slot);
    return slot;
}

struct ifl_frame *ifl_pool_get(struct ifl_pool *pool, enum ifl_pixel_format format, int width,
                               int height)
{
    pthread_mutex_lock(&pool->lock);
    struct slot *slot = take_fitting(pool, format, width, height);
    bool made = !slot;
    if (made)
        slot = make_slot(pool, format, width, height);
    if (slot) {
        pool->counts.out++;
        pool->counts.allocations += made;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!slot)
        return NULL;
    slot->frame = *slot->memory;
    slot->frame.release = give_back;
    slot->frame.owner = NULL;
    slot->frame.refs = 1;
    return &slot->frame;
}

void ifl_pool_count(struct ifl_pool *pool, struct ifl_pool_counts *counts)
{
    pthread_mutex_lock(&pool->lock);
    *counts = pool->counts;
    pthread_mutex_unlock(&pool->lock);
}
