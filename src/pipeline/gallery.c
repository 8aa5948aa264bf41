// SPDX-License-Identifier: Apache-2.0
#include "pipeline/gallery.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

struct ifl_gallery {
    pthread_mutex_t lock;
    pthread_cond_t added;
    uint64_t serial; // of the newest; image s is in slot s % IFL_GALLERY_MAX
    struct ifl_delivered *slot[IFL_GALLERY_MAX];
};

struct ifl_gallery *ifl_gallery_create(void)
{
    struct ifl_gallery *gallery = calloc(1, sizeof *gallery);
    if (!gallery)
        return NULL;
    pthread_mutex_init(&gallery->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&gallery->added, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return gallery;
}

void ifl_delivered_unref(struct ifl_delivered *delivered)
{
    if (!delivered || __atomic_sub_fetch(&delivered->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ifl_synthetic_fini(&delivered->synthetic);
    free(delivered);
}

static struct ifl_delivered *reference(struct ifl_delivered *delivered)
{
    __atomic_add_fetch(&delivered->refs, 1, __ATOMIC_RELAXED);
    return delivered;
}

void ifl_gallery_destroy(struct ifl_gallery *gallery)
{
    if (!gallery)
        return;
    for (int i = 0; i < IFL_GALLERY_MAX; i++)
        ifl_delivered_unref(gallery->slot[i]);
    pthread_cond_destroy(&gallery->added);
    pthread_mutex_destroy(&gallery->lock);
    free(gallery);
}

struct ifl_delivered *ifl_gallery_reserve(void)
{
    struct ifl_delivered *made = calloc(1, sizeof *made);
    if (made)
        made->refs = 1;
    return made;
}

void ifl_gallery_add(struct ifl_gallery *gallery, struct ifl_delivered *made,
                     struct ifl_synthetic *synthetic, const char *name)
{
    made->refs = 2; // the gallery's and the caller's
    made->synthetic = *synthetic;
    made->synthetic.plain = NULL; // that stays the caller's
    synthetic->image = NULL;
    snprintf(made->name, sizeof made->name, "%s", name);
    pthread_mutex_lock(&gallery->lock);
    made->serial = ++gallery->serial;
    struct ifl_delivered **slot = &gallery->slot[made->serial % IFL_GALLERY_MAX];
    struct ifl_delivered *oldest = *slot;
    *slot = made;
    pthread_cond_broadcast(&gallery->added);
    pthread_mutex_unlock(&gallery->lock);
    ifl_delivered_unref(oldest);
}

// The image `back` places before the newest (0: the newest) if it is of `source`, else NULL.
static struct ifl_delivered *look(struct ifl_gallery *gallery, int back, const char *source)
{
    if ((uint64_t)back >= gallery->serial || back >= IFL_GALLERY_MAX)
        return NULL;
    struct ifl_delivered *image =
        gallery->slot[(gallery->serial - (uint64_t)back) % IFL_GALLERY_MAX];
    return !source || !strcmp(source, image->synthetic.source) ? image : NULL;
}

int ifl_gallery_list(struct ifl_gallery *gallery, const char *source, int skip,
                     struct ifl_delivered **images, int most)
{
    int found = 0;
    pthread_mutex_lock(&gallery->lock);
    for (int back = 0; back < IFL_GALLERY_MAX && found < most; back++) {
        struct ifl_delivered *image = look(gallery, back, source);
        if (image && skip-- <= 0)
            images[found++] = reference(image);
    }
    pthread_mutex_unlock(&gallery->lock);
    return found;
}

struct ifl_delivered *ifl_gallery_find(struct ifl_gallery *gallery, const char *name)
{
    struct ifl_delivered *found = NULL;
    pthread_mutex_lock(&gallery->lock);
    for (int back = 0; back < IFL_GALLERY_MAX && !found; back++) {
        struct ifl_delivered *image = look(gallery, back, NULL);
        if (image && !strcmp(image->name, name))
            found = reference(image);
    }
    pthread_mutex_unlock(&gallery->lock);
    return found;
}

static struct ifl_delivered *newer(struct ifl_gallery *gallery, const char *source, uint64_t serial)
{
    for (int back = 0; back < IFL_GALLERY_MAX && gallery->serial - (uint64_t)back > serial;
         back++) {
        struct ifl_delivered *image = look(gallery, back, source);
        if (image)
            return reference(image);
    }
    return NULL;
}

struct ifl_delivered *ifl_gallery_newest(struct ifl_gallery *gallery, const char *source,
                                         uint64_t *serial, int64_t wait_ns)
{
    int64_t until_ns = ifl_now_ns(ifl_clock_real()) + wait_ns;
    struct timespec until = {.tv_sec = until_ns / IFL_SECOND_NS,
                             .tv_nsec = until_ns % IFL_SECOND_NS};
    pthread_mutex_lock(&gallery->lock);
    struct ifl_delivered *found = newer(gallery, source, *serial);
    while (!found && wait_ns > 0 &&
           pthread_cond_timedwait(&gallery->added, &gallery->lock, &until) == 0)
        found = newer(gallery, source, *serial);
    if (found)
        *serial = found->serial;
    pthread_mutex_unlock(&gallery->lock);
    return found;
}
