// SPDX-License-Identifier: Apache-2.0
#include "http/jobs.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

static const char room[] = "http";

enum { THREADS = 3, WAITING_MAX = 16 };

// What each thread serves.
static const enum ifl_lane lane_of_thread[THREADS] = {IFL_LANE_GENERATE, IFL_LANE_GENERATE,
                                                      IFL_LANE_ERRAND};

struct lane {
    int waiting;
    struct ifl_job *first, **last;
};

struct worker {
    struct ifl_jobs *jobs;
    struct lane *lane;
    pthread_t thread;
};

struct ifl_jobs {
    struct ifl_pipeline *pipeline;
    pthread_mutex_t lock; // over what follows
    pthread_cond_t changed;
    bool stopping;
    struct lane lane[IFL_LANES];
    struct worker worker[THREADS];
    int threads;
};

// Under the lock: the lane's next job, or NULL when it is time to end.
static struct ifl_job *take(struct ifl_jobs *jobs, struct lane *lane)
{
    while (!lane->first && !jobs->stopping)
        pthread_cond_wait(&jobs->changed, &jobs->lock);
    struct ifl_job *job = lane->first;
    if (!job)
        return NULL;
    lane->first = job->next;
    if (!lane->first)
        lane->last = &lane->first;
    lane->waiting--;
    return job;
}

static void generate(struct ifl_jobs *jobs, struct ifl_job *job)
{
    int64_t left_ns = job->deadline_ns - ifl_now_ns(ifl_clock_real());
    if (left_ns <= 0)
        job->result = ifl_fail(&job->error, IFL_ERR_TIMEOUT, room,
                               "other requests took the time until the deadline; ask for less at "
                               "once or give a later deadline_seconds");
    else
        job->result = ifl_pipeline_generate(jobs->pipeline, job->source[0] ? job->source : NULL,
                                            &job->request, left_ns, &job->delivered, &job->error);
}

static void carry_out(struct ifl_jobs *jobs, struct ifl_job *job, bool cancelled)
{
    if (cancelled)
        job->result = ifl_fail(&job->error, IFL_ERR_CANCELLED, room, "the server is stopping");
    else if (job->carry_out)
        job->carry_out(jobs->pipeline, job);
    else
        generate(jobs, job);
    MHD_resume_connection(job->connection); // the job belongs to the access handler again
}

static void *run(void *context)
{
    struct worker *worker = context;
    struct ifl_jobs *jobs = worker->jobs;
    pthread_mutex_lock(&jobs->lock);
    for (struct ifl_job *job; (job = take(jobs, worker->lane));) {
        bool cancelled = jobs->stopping;
        pthread_mutex_unlock(&jobs->lock);
        carry_out(jobs, job, cancelled);
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

static int start_worker(struct ifl_jobs *jobs, int index)
{
    struct worker *worker = &jobs->worker[index];
    worker->jobs = jobs;
    worker->lane = &jobs->lane[lane_of_thread[index]];
    return pthread_create(&worker->thread, NULL, run, worker);
}

enum ifl_result ifl_jobs_create(struct ifl_pipeline *pipeline, struct ifl_jobs **out,
                                struct ifl_error *error)
{
    struct ifl_jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, room, "no memory for the job threads");
    jobs->pipeline = pipeline;
    for (int i = 0; i < IFL_LANES; i++)
        jobs->lane[i].last = &jobs->lane[i].first;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    for (int os_errno; jobs->threads < THREADS; jobs->threads++) {
        os_errno = start_worker(jobs, jobs->threads);
        if (os_errno == 0)
            continue;
        ifl_jobs_stop(jobs);
        ifl_jobs_destroy(jobs);
        return ifl_fail_errno(error, os_errno, room, "starting a job thread failed");
    }
    *out = jobs;
    return IFL_OK;
}

void ifl_jobs_stop(struct ifl_jobs *jobs)
{
    pthread_mutex_lock(&jobs->lock);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (int i = 0; i < jobs->threads; i++)
        pthread_join(jobs->worker[i].thread, NULL);
    jobs->threads = 0;
}

void ifl_jobs_destroy(struct ifl_jobs *jobs)
{
    if (!jobs)
        return;
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

// Under the lock.
static enum ifl_result enqueue(struct ifl_jobs *jobs, struct ifl_job *job, struct ifl_error *error)
{
    if (jobs->stopping)
        return ifl_fail(error, IFL_ERR_CANCELLED, room, "the server is stopping");
    struct lane *lane = &jobs->lane[job->lane];
    if (lane->waiting == WAITING_MAX)
        return ifl_fail(error, IFL_ERR_BUSY, room,
                        "%d requests of this kind wait already; try again later", lane->waiting);
    *lane->last = job;
    lane->last = &job->next;
    lane->waiting++;
    MHD_suspend_connection(job->connection); // before a thread can resume it
    pthread_cond_broadcast(&jobs->changed);
    return IFL_OK;
}

enum ifl_result ifl_jobs_submit(struct ifl_jobs *jobs, struct ifl_job *job, struct ifl_error *error)
{
    job->next = NULL;
    job->deadline_ns = ifl_now_ns(ifl_clock_real()) + job->wait_ns;
    pthread_mutex_lock(&jobs->lock);
    enum ifl_result result = enqueue(jobs, job, error);
    pthread_mutex_unlock(&jobs->lock);
    return result;
}
