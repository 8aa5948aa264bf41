// SPDX-License-Identifier: Apache-2.0
#include "pipeline/batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

struct run {
    const struct ifl_batch *batch;
    struct ifl_edge *made, *accepted;
    struct ifl_ledger *ledger;
    pthread_mutex_t lock; // over what follows
    pthread_cond_t turn;
    int next_to_make, next_to_deliver;
    bool over; // stopped by a failure or by the caller
    enum ifl_result result;
    struct ifl_error error;
};

static int take_index(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    int index = run->over || run->next_to_make == run->batch->count ? -1 : run->next_to_make++;
    pthread_mutex_unlock(&run->lock);
    return index;
}

// Under the lock, in the order of the indices.
static enum ifl_result deliver(struct run *run, struct ifl_synthetic *synthetic,
                               struct ifl_error *error)
{
    char name[IFL_PATH_MAX];
    ifl_edge_enter(run->accepted);
    enum ifl_result result =
        run->batch->sink_plugin->deliver(run->batch->sink, synthetic, name, error);
    if (result == IFL_OK)
        ifl_edge_pass(run->accepted);
    else
        ifl_edge_drop(run->accepted, IFL_DROP_ERROR);
    return result;
}

static void finish_image(struct run *run, int index, enum ifl_result result,
                         struct ifl_synthetic *synthetic, struct ifl_error *error)
{
    pthread_mutex_lock(&run->lock);
    while (run->next_to_deliver != index)
        pthread_cond_wait(&run->turn, &run->lock);
    if (result == IFL_OK && run->over)
        result = IFL_ERR_CANCELLED;
    if (result == IFL_OK)
        result = deliver(run, synthetic, error);
    ifl_ledger_finish(run->ledger, result == IFL_OK             ? IFL_OUTCOME_DELIVERED
                                   : result == IFL_ERR_REJECTED ? IFL_OUTCOME_REJECTED
                                                                : IFL_OUTCOME_FAILED);
    if (result < 0 && result != IFL_ERR_REJECTED && !run->over) {
        run->over = true;
        run->result = result;
        run->error = *error;
    }
    run->next_to_deliver++;
    if (run->batch->progress && !run->batch->progress(run->next_to_deliver, run->batch->context))
        run->over = true;
    pthread_cond_broadcast(&run->turn);
    pthread_mutex_unlock(&run->lock);
}

static void *work(void *context)
{
    struct run *run = context;
    struct ifl_making making = {.attempts = run->batch->attempts,
                                .edge = run->made,
                                .ledger = run->ledger,
                                .clock = ifl_clock_real()};
    for (int index; (index = take_index(run)) >= 0;) {
        struct ifl_request request = run->batch->request;
        request.seed = (request.seed + (uint64_t)index) & INT64_MAX;
        struct ifl_synthetic synthetic;
        struct ifl_error error = {0};
        ifl_ledger_request(run->ledger);
        enum ifl_result result =
            ifl_workshop_make(run->batch->workshop, &request, &making, &synthetic, &error);
        finish_image(run, index, result, &synthetic, &error);
        ifl_synthetic_fini(&synthetic);
    }
    return NULL;
}

// The calling thread works too, so that a batch needs no thread to be startable.
static void work_on_threads(struct run *run)
{
    pthread_t thread[THREADS_MAX];
    int started = 0;
    while (started < run->batch->threads - 1 && started < THREADS_MAX &&
           pthread_create(&thread[started], NULL, work, run) == 0)
        started++;
    work(run);
    while (started)
        pthread_join(thread[--started], NULL);
}

enum ifl_result ifl_batch_run(const struct ifl_batch *batch, struct ifl_ledger_counts *counts,
                              struct ifl_error *error)
{
    struct ifl_edge_config images = {.from = "generate", .to = "validate", .source = ""};
    struct ifl_edge_config accepted = {.from = "validate", .to = "deliver", .source = ""};
    struct run run = {.batch = batch,
                      .made = ifl_edge_create(&images),
                      .accepted = ifl_edge_create(&accepted),
                      .ledger = ifl_ledger_create(),
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .turn = PTHREAD_COND_INITIALIZER};
    memset(counts, 0, sizeof *counts);
    enum ifl_result result = IFL_OK;
    if (run.made && run.accepted && run.ledger) {
        work_on_threads(&run);
        ifl_ledger_count(run.ledger, counts);
        result = run.result;
        if (result != IFL_OK && error)
            *error = run.error;
    } else {
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for a batch");
    }
    ifl_ledger_destroy(run.ledger);
    ifl_edge_destroy(run.made);
    ifl_edge_destroy(run.accepted);
    return result;
}
