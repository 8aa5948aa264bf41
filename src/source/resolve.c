// SPDX-License-Identifier: Apache-2.0
#include "source/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "source/av_error.h"

enum { POLL_MS = 20, STACK_BYTES = 256 * 1024 };

struct lookup {
    char host[256];
    pthread_mutex_t lock;
    bool done, left; // left: nobody waits any more
    int code;        // of getaddrinfo
    struct ifl_resolved resolved;
};

static int under_way; // atomic

static void lookup_free(struct lookup *lookup)
{
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
    __atomic_sub_fetch(&under_way, 1, __ATOMIC_RELAXED);
}

static void keep(const struct addrinfo *found, struct ifl_resolved *resolved)
{
    memcpy(&resolved->address, found->ai_addr, found->ai_addrlen);
    resolved->bytes = found->ai_addrlen;
}

static void *look_up(void *context)
{
    struct lookup *lookup = context;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int code = getaddrinfo(lookup->host, NULL, &hints, &found);
    pthread_mutex_lock(&lookup->lock);
    if (code == 0)
        keep(found, &lookup->resolved);
    lookup->code = code;
    lookup->done = true;
    bool left = lookup->left;
    pthread_mutex_unlock(&lookup->lock);
    if (code == 0)
        freeaddrinfo(found);
    if (left)
        lookup_free(lookup);
    return NULL;
}

static bool is_address(const char *host, struct ifl_resolved *resolved)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    keep(found, resolved);
    freeaddrinfo(found);
    return true;
}

static struct lookup *begin(const char *host)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    if (__atomic_add_fetch(&under_way, 1, __ATOMIC_RELAXED) > IFL_LOOKUPS_MAX) {
        lookup_free(lookup);
        return NULL;
    }
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    pthread_mutex_init(&lookup->lock, NULL);
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int failed = pthread_create(&thread, &attributes, look_up, lookup);
    pthread_attr_destroy(&attributes);
    if (!failed)
        return lookup;
    lookup_free(lookup);
    return NULL;
}

// True once it is done; else it has been left behind and frees itself.
static bool wait_for(struct lookup *lookup, struct ifl_av_guard *guard)
{
    for (bool patient = true;; patient = ifl_av_guard_sleep(guard, POLL_MS * IFL_MILLISECOND_NS)) {
        pthread_mutex_lock(&lookup->lock);
        bool done = lookup->done;
        lookup->left = !done && !patient;
        pthread_mutex_unlock(&lookup->lock);
        if (done || !patient)
            return done;
    }
}

static enum ifl_result explain(int code, const char *shown, struct ifl_error *error)
{
    if (code == 0)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_NOT_FOUND, "source",
                    "opening \"%s\" failed: its host has no address (%s); check the name and the "
                    "network",
                    shown, gai_strerror(code));
}

enum ifl_result ifl_resolve(const char *host, const char *shown, struct ifl_av_guard *guard,
                            struct ifl_resolved *resolved, struct ifl_error *error)
{
    resolved->bytes = 0;
    if (!host[0] || is_address(host, resolved))
        return IFL_OK;
    struct lookup *lookup = begin(host);
    if (!lookup)
        return ifl_fail(error, IFL_ERR_BUSY, "source",
                        "opening \"%s\" failed: too many names are being looked up; does the name "
                        "server answer?",
                        shown);
    if (wait_for(lookup, guard)) {
        int code = lookup->code;
        *resolved = lookup->resolved;
        lookup_free(lookup);
        return explain(code, shown, error);
    }
    guard->phase = IFL_AV_LOOKING_UP;
    return ifl_av_fail_waiting(error, guard, "opening", shown);
}

// glibc keeps a resolver a thread, and takes what is set there.
void ifl_resolve_bound(const struct ifl_av_guard *guard)
{
    int64_t left_ns = guard->deadline_ns - ifl_now_ns(ifl_clock_real());
    if (res_init() != 0)
        return;
    _res.retrans = left_ns > 0 ? 1 + (int)(left_ns / IFL_SECOND_NS) : 1;
    _res.retry = 1;
}
