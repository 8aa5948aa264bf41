// SPDX-License-Identifier: Apache-2.0
#include "core/flow.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "inferloop/frame.h"

struct ifl_edge {
    const char *from, *to;
    char source[IFL_SOURCE_NAME_MAX];
    enum ifl_policy policy;
    void (*release)(void *packet);

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    struct ifl_edge_counts counts;
    int depth, first; // ring: `counts.waiting` packets from `first`
    void *packet[];
};

static const char *const drop_names[] = {
#define NAME(name, text, sentence) text,
    IFL_DROPS(NAME)
#undef NAME
};

const char *ifl_drop_name(enum ifl_drop drop)
{
    return drop_names[drop];
}

struct ifl_edge *ifl_edge_create(const struct ifl_edge_config *config)
{
    struct ifl_edge *edge = calloc(1, sizeof *edge + (size_t)config->depth * sizeof(void *));
    if (!edge)
        return NULL;
    edge->from = config->from;
    edge->to = config->to;
    snprintf(edge->source, sizeof edge->source, "%s", config->source);
    edge->policy = config->policy;
    edge->release = config->release;
    edge->depth = config->depth;
    pthread_mutex_init(&edge->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&edge->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return edge;
}

// The oldest waiting packet leaves the ring. Under the lock.
static void *take_oldest(struct ifl_edge *edge)
{
    void *packet = edge->packet[edge->first];
    edge->first = (edge->first + 1) % edge->depth;
    edge->counts.waiting--;
    return packet;
}

void ifl_edge_destroy(struct ifl_edge *edge)
{
    if (!edge)
        return;
    while (edge->counts.waiting)
        edge->release(take_oldest(edge));
    pthread_cond_destroy(&edge->changed);
    pthread_mutex_destroy(&edge->lock);
    free(edge);
}

const char *ifl_edge_from(const struct ifl_edge *edge)
{
    return edge->from;
}

const char *ifl_edge_to(const struct ifl_edge *edge)
{
    return edge->to;
}

const char *ifl_edge_source(const struct ifl_edge *edge)
{
    return edge->source;
}

enum ifl_result ifl_edge_push(struct ifl_edge *edge, void *packet)
{
    enum ifl_result result = IFL_OK;
    void *lost = NULL;
    pthread_mutex_lock(&edge->lock);
    while (!edge->closed && edge->policy == IFL_POLICY_BLOCK &&
           edge->counts.waiting == (uint64_t)edge->depth)
        pthread_cond_wait(&edge->changed, &edge->lock);
    bool full = edge->counts.waiting == (uint64_t)edge->depth;
    if (edge->closed) {
        result = IFL_END;
    } else if (full && edge->policy == IFL_POLICY_REJECT) {
        result = IFL_ERR_BUSY;
    } else {
        if (full) {
            lost = take_oldest(edge);
            edge->counts.dropped[IFL_DROP_QUEUE_FULL]++;
        }
        edge->packet[(edge->first + (int)edge->counts.waiting) % edge->depth] = packet;
        edge->counts.waiting++;
        edge->counts.received++;
        pthread_cond_broadcast(&edge->changed);
    }
    pthread_mutex_unlock(&edge->lock);
    if (lost)
        edge->release(lost);
    return result;
}

static enum ifl_result wait_for_packet(struct ifl_edge *edge, int64_t deadline_ns)
{
    while (!edge->counts.waiting && !edge->closed) {
        if (deadline_ns == INT64_MAX) {
            pthread_cond_wait(&edge->changed, &edge->lock);
            continue;
        }
        struct timespec until = {.tv_sec = deadline_ns / IFL_SECOND_NS,
                                 .tv_nsec = deadline_ns % IFL_SECOND_NS};
        if (pthread_cond_timedwait(&edge->changed, &edge->lock, &until) != 0)
            break;
    }
    if (edge->counts.waiting)
        return IFL_OK;
    return edge->closed ? IFL_END : IFL_AGAIN;
}

enum ifl_result ifl_edge_pop(struct ifl_edge *edge, void **packet, int64_t deadline_ns)
{
    pthread_mutex_lock(&edge->lock);
    enum ifl_result result = wait_for_packet(edge, deadline_ns);
    if (result == IFL_OK) {
        *packet = take_oldest(edge);
        edge->counts.busy++;
        pthread_cond_broadcast(&edge->changed);
    }
    pthread_mutex_unlock(&edge->lock);
    return result;
}

void ifl_edge_enter(struct ifl_edge *edge)
{
    pthread_mutex_lock(&edge->lock);
    edge->counts.received++;
    edge->counts.busy++;
    pthread_mutex_unlock(&edge->lock);
}

void ifl_edge_pass(struct ifl_edge *edge)
{
    pthread_mutex_lock(&edge->lock);
    edge->counts.busy--;
    edge->counts.passed++;
    pthread_mutex_unlock(&edge->lock);
}

void ifl_edge_drop(struct ifl_edge *edge, enum ifl_drop reason)
{
    pthread_mutex_lock(&edge->lock);
    edge->counts.busy--;
    edge->counts.dropped[reason]++;
    pthread_mutex_unlock(&edge->lock);
}

void ifl_edge_close(struct ifl_edge *edge, bool discard)
{
    for (;;) {
        void *packet = NULL;
        pthread_mutex_lock(&edge->lock);
        edge->closed = true;
        if (discard && edge->counts.waiting) {
            packet = take_oldest(edge);
            edge->counts.dropped[IFL_DROP_STOPPING]++;
        }
        pthread_cond_broadcast(&edge->changed);
        pthread_mutex_unlock(&edge->lock);
        if (!packet)
            return;
        edge->release(packet);
    }
}

void ifl_edge_count(struct ifl_edge *edge, struct ifl_edge_counts *counts)
{
    pthread_mutex_lock(&edge->lock);
    *counts = edge->counts;
    pthread_mutex_unlock(&edge->lock);
}

bool ifl_edge_law_holds(const struct ifl_edge_counts *counts)
{
    uint64_t accounted = counts->passed + counts->waiting + counts->busy;
    for (int i = 0; i < IFL_DROP_COUNT; i++)
        accounted += counts->dropped[i];
    return counts->received == accounted;
}

struct ifl_ledger {
    pthread_mutex_t lock;
    struct ifl_ledger_counts counts;
};

struct ifl_ledger *ifl_ledger_create(void)
{
    struct ifl_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger)
        pthread_mutex_init(&ledger->lock, NULL);
    return ledger;
}

void ifl_ledger_destroy(struct ifl_ledger *ledger)
{
    if (!ledger)
        return;
    pthread_mutex_destroy(&ledger->lock);
    free(ledger);
}

void ifl_ledger_request(struct ifl_ledger *ledger)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->counts.requested++;
    ledger->counts.in_flight++;
    pthread_mutex_unlock(&ledger->lock);
}

enum ifl_result ifl_ledger_push(struct ifl_ledger *ledger, struct ifl_edge *edge, void *request)
{
    pthread_mutex_lock(&ledger->lock); // so that nobody finishes it before it is counted
    enum ifl_result result = ifl_edge_push(edge, request);
    ledger->counts.requested += result == IFL_OK;
    ledger->counts.in_flight += result == IFL_OK;
    pthread_mutex_unlock(&ledger->lock);
    return result;
}

void ifl_ledger_attempt_rejected(struct ifl_ledger *ledger, int reason)
{
    pthread_mutex_lock(&ledger->lock);
    if (reason >= 0 && reason < IFL_LEDGER_REASONS)
        ledger->counts.rejected_by[reason]++;
    pthread_mutex_unlock(&ledger->lock);
}

void ifl_ledger_finish(struct ifl_ledger *ledger, enum ifl_outcome outcome)
{
    pthread_mutex_lock(&ledger->lock);
    ledger->counts.in_flight--;
    if (outcome == IFL_OUTCOME_DELIVERED)
        ledger->counts.delivered++;
    else if (outcome == IFL_OUTCOME_REJECTED)
        ledger->counts.rejected++;
    else
        ledger->counts.failed++;
    pthread_mutex_unlock(&ledger->lock);
}

void ifl_ledger_count(struct ifl_ledger *ledger, struct ifl_ledger_counts *counts)
{
    pthread_mutex_lock(&ledger->lock);
    *counts = ledger->counts;
    pthread_mutex_unlock(&ledger->lock);
}

bool ifl_ledger_law_holds(const struct ifl_ledger_counts *counts)
{
    return counts->requested ==
           counts->delivered + counts->rejected + counts->failed + counts->in_flight;
}
