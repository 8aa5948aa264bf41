// SPDX-License-Identifier: Apache-2.0
#include "http/orders.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/exchange.h"
#include "http/handlers.h"

static const char room[] = "http";

enum {
    WAITING_MAX = 16,
    KEPT_MAX = 64 + WAITING_MAX + 1, // ended ones, those that wait, the one that runs
    AGAIN_MS = 200,                  // when the pipeline's queue was full
};

#define STATES(X)                                                                                  \
    X(QUEUED, "queued")                                                                            \
    X(RUNNING, "running") X(DONE, "done") X(FAILED, "failed") X(CANCELLED, "cancelled")
enum state {
#define STATE(name, text) name,
    STATES(STATE)
#undef STATE
};
static const char *const state_names[] = {
#define NAME(name, text) text,
    STATES(NAME)
#undef NAME
};

struct result {
    char name[256]; // of the delivered image
    uint64_t seed;
};

struct order {
    char id[24];
    struct ifl_order_request request;
    enum state state;
    bool cancelled; // wanted
    int64_t created_wall_ns;
    int done, rejected; // images delivered, seeds that gave none
    struct result result[IFL_ORDER_IMAGES_MAX];
    struct ifl_error error; // where it failed
};

struct ifl_orders {
    struct ifl_pipeline *pipeline;
    pthread_t thread;
    pthread_mutex_t lock; // over what follows
    pthread_cond_t changed;
    bool stopping;
    uint64_t numbers;
    struct order *order[KEPT_MAX]; // oldest first
    int count;
};

static int64_t now_ns(void)
{
    return ifl_now_ns(ifl_clock_real());
}

// ---- carrying out; the thread's own ----

static bool is_over(const struct ifl_orders *orders, const struct order *order)
{
    return orders->stopping || order->cancelled;
}

// Under the lock: waits a little for room in the pipeline.
static void rest(struct ifl_orders *orders)
{
    int64_t until_ns = now_ns() + AGAIN_MS * IFL_MILLISECOND_NS;
    struct timespec until = {until_ns / IFL_SECOND_NS, until_ns % IFL_SECOND_NS};
    pthread_cond_timedwait(&orders->changed, &orders->lock, &until);
}

// Under the lock, which it gives back while the image is made.
static enum ifl_result make_one(struct ifl_orders *orders, struct order *order,
                                const struct ifl_request *request, int64_t end_ns)
{
    struct ifl_delivered *image = NULL;
    struct ifl_error error = {0};
    int64_t left_ns = end_ns - now_ns();
    if (left_ns <= 0)
        return ifl_fail(&order->error, IFL_ERR_TIMEOUT, room,
                        "the deadline has passed; ask for fewer images or a later "
                        "deadline_seconds");
    pthread_mutex_unlock(&orders->lock);
    enum ifl_result result = ifl_pipeline_generate(orders->pipeline, order->request.source, request,
                                                   left_ns, &image, &error);
    pthread_mutex_lock(&orders->lock);
    if (result == IFL_OK) {
        struct result *row = &order->result[order->done++];
        memcpy(row->name, image->name, sizeof row->name);
        row->seed = image->synthetic.request.seed;
    }
    order->rejected += result == IFL_ERR_REJECTED;
    if (result != IFL_OK && result != IFL_ERR_REJECTED && result != IFL_ERR_BUSY)
        order->error = error;
    ifl_delivered_unref(image);
    return result;
}

// Under the lock.
static void carry_out(struct ifl_orders *orders, struct order *order)
{
    int64_t end_ns = now_ns() + (int64_t)(order->request.deadline_seconds * 1e9);
    struct ifl_request request = order->request.request;
    order->state = RUNNING;
    for (int i = 0; i < order->request.count && !is_over(orders, order);) {
        enum ifl_result result = make_one(orders, order, &request, end_ns);
        if (result == IFL_ERR_BUSY) {
            rest(orders);
            continue;
        }
        if (result != IFL_OK && result != IFL_ERR_REJECTED) {
            order->state = orders->stopping ? CANCELLED : FAILED;
            return;
        }
        i++;
        request.seed = (request.seed + 1) & INT64_MAX;
    }
    bool whole = order->done + order->rejected == order->request.count;
    order->state = whole ? DONE : CANCELLED;
    if (whole && order->done == 0) {
        order->state = FAILED;
        (void)ifl_fail(&order->error, IFL_ERR_REJECTED, room,
                       "validation rejected every image; try other seeds or weaker guidance");
    }
}

// Under the lock: the oldest order that waits, or NULL when it is time to end.
static struct order *take(struct ifl_orders *orders)
{
    while (!orders->stopping) {
        for (int i = 0; i < orders->count; i++)
            if (orders->order[i]->state == QUEUED)
                return orders->order[i];
        pthread_cond_wait(&orders->changed, &orders->lock);
    }
    return NULL;
}

static void *run(void *context)
{
    struct ifl_orders *orders = context;
    pthread_mutex_lock(&orders->lock);
    for (struct order *order; (order = take(orders));)
        carry_out(orders, order);
    pthread_mutex_unlock(&orders->lock);
    return NULL;
}

// ---- life ----

enum ifl_result ifl_orders_create(struct ifl_pipeline *pipeline, struct ifl_orders **out,
                                  struct ifl_error *error)
{
    struct ifl_orders *orders = calloc(1, sizeof *orders);
    if (!orders)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the jobs");
    orders->pipeline = pipeline;
    pthread_mutex_init(&orders->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&orders->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int os_errno = pthread_create(&orders->thread, NULL, run, orders);
    if (os_errno) {
        ifl_orders_destroy(orders);
        return ifl_fail_errno(error, os_errno, room, "starting the thread of jobs failed");
    }
    *out = orders;
    return IFL_OK;
}

void ifl_orders_stop(struct ifl_orders *orders)
{
    pthread_mutex_lock(&orders->lock);
    orders->stopping = true;
    pthread_cond_broadcast(&orders->changed);
    pthread_mutex_unlock(&orders->lock);
    pthread_join(orders->thread, NULL);
}

void ifl_orders_destroy(struct ifl_orders *orders)
{
    if (!orders)
        return;
    for (int i = 0; i < orders->count; i++)
        free(orders->order[i]);
    pthread_cond_destroy(&orders->changed);
    pthread_mutex_destroy(&orders->lock);
    free(orders);
}

// ---- asking; under the lock ----

static int waiting(const struct ifl_orders *orders)
{
    int count = 0;
    for (int i = 0; i < orders->count; i++)
        count += orders->order[i]->state == QUEUED;
    return count;
}

// Forgets the oldest that has ended.
static void make_room(struct ifl_orders *orders)
{
    int at = 0;
    while (orders->order[at]->state == QUEUED || orders->order[at]->state == RUNNING)
        at++;
    free(orders->order[at]);
    orders->count--;
    memmove(&orders->order[at], &orders->order[at + 1],
            (size_t)(orders->count - at) * sizeof orders->order[0]);
}

static struct order *find(const struct ifl_orders *orders, const char *id)
{
    for (int i = 0; i < orders->count; i++)
        if (!strcmp(orders->order[i]->id, id))
            return orders->order[i];
    return NULL;
}

static json_t *json_of_results(const struct order *order)
{
    json_t *list = json_array();
    for (int i = 0; i < order->done; i++) {
        char seed[24], url[1024];
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)order->result[i].seed);
        ifl_image_url(order->result[i].name, url);
        json_array_append_new(list,
                              json_pack("{so ss ss}", "name", ifl_json_text(order->result[i].name),
                                        "url", url, "seed", seed));
    }
    return list;
}

static json_t *json_of_order(const struct order *order)
{
    char created[40], url[64];
    time_t seconds = (time_t)(order->created_wall_ns / IFL_SECOND_NS);
    struct tm date;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &date));
    snprintf(url, sizeof url, "/api/v1/jobs/%s", order->id);
    json_t *error = json_null();
    if (order->error.result)
        error = json_pack("{ss so so}", "code", ifl_result_name(order->error.result), "message",
                          ifl_json_public(order->error.text), "details", json_object());
    return json_pack("{ss ss ss ss so s{si si si} so so}", "id", order->id, "url", url, "state",
                     state_names[order->state], "created", created, "source",
                     ifl_json_text(order->request.source), "progress", "done", order->done,
                     "rejected", order->rejected, "total", order->request.count, "results",
                     json_of_results(order), "error", error);
}

enum ifl_result ifl_orders_put(struct ifl_orders *orders, const struct ifl_order_request *request,
                               char id[24], struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for another job");
    order->request = *request;
    order->created_wall_ns = ifl_wall_ns(ifl_clock_real());
    pthread_mutex_lock(&orders->lock);
    if (orders->stopping)
        result = ifl_fail(error, IFL_ERR_CANCELLED, room, "the server is stopping");
    else if (waiting(orders) >= WAITING_MAX)
        result = ifl_fail(error, IFL_ERR_BUSY, room, "%d jobs wait already; try again later",
                          WAITING_MAX);
    if (result == IFL_OK && orders->count == KEPT_MAX)
        make_room(orders);
    if (result == IFL_OK) {
        snprintf(order->id, sizeof order->id, "%llu", (unsigned long long)++orders->numbers);
        memcpy(id, order->id, sizeof order->id);
        orders->order[orders->count++] = order;
        order = NULL;
        pthread_cond_broadcast(&orders->changed);
    }
    pthread_mutex_unlock(&orders->lock);
    free(order);
    return result;
}

json_t *ifl_orders_show(struct ifl_orders *orders, const char *id, bool *known)
{
    pthread_mutex_lock(&orders->lock);
    const struct order *order = find(orders, id);
    json_t *shown = order ? json_of_order(order) : NULL;
    *known = order;
    pthread_mutex_unlock(&orders->lock);
    return shown;
}

json_t *ifl_orders_list(struct ifl_orders *orders)
{
    json_t *list = json_array();
    pthread_mutex_lock(&orders->lock);
    for (int i = orders->count - 1; i >= 0; i--)
        json_array_append_new(list, json_of_order(orders->order[i]));
    pthread_mutex_unlock(&orders->lock);
    return list;
}

bool ifl_orders_cancel(struct ifl_orders *orders, const char *id)
{
    pthread_mutex_lock(&orders->lock);
    struct order *order = find(orders, id);
    if (order) {
        order->cancelled = true;
        if (order->state == QUEUED)
            order->state = CANCELLED;
        pthread_cond_broadcast(&orders->changed);
    }
    pthread_mutex_unlock(&orders->lock);
    return order;
}
