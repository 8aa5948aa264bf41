// SPDX-License-Identifier: Apache-2.0
// What five hundred real reconnects leave behind: an ingest reads a camera of this process that
// hangs up after a few pictures; only the waits between attempts are left out. Descriptors, threads
// and memory after a fifth of them and at the end, and the processor time of one. The camera itself
// counts, when the reader has just asked: at any other moment a connection may be half made.
//     bench_reconnect STREAM.ts [COUNT]
#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "ingest/ingest.h"
#include "source/builtin.h"

// ---- what is in use ----

struct usage {
    int descriptors, threads;
    double megabytes, cpu_seconds;
};

static int count_entries(const char *path)
{
    DIR *list = opendir(path);
    int count = 0;
    while (list && readdir(list))
        count++;
    closedir(list);
    return count;
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static struct usage measure(void)
{
    struct usage usage = {count_entries("/proc/self/fd"), count_entries("/proc/self/task"), 0,
                          cpu_seconds()};
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*s %ld", &pages) == 1)
        usage.megabytes = (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
    if (file)
        fclose(file);
    return usage;
}

// ---- a camera that hangs up ----

struct camera {
    int fd, port;
    uint8_t *bytes;
    size_t count;
    uint64_t first, last; // the connections at which it counts
    struct usage before, after;
    atomic_bool done;
};

static void count_at(struct camera *camera, uint64_t connection)
{
    if (connection == camera->first)
        camera->before = measure();
    if (connection == camera->last) {
        camera->after = measure();
        camera->done = true;
    }
}

static void *play(void *context)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n";
    struct camera *camera = context;
    char request[4096];
    int caller;
    for (uint64_t connection = 1; (caller = accept(camera->fd, NULL, NULL)) >= 0; connection++) {
        bool asked = recv(caller, request, sizeof request, 0) > 0;
        count_at(camera, connection);
        if (asked && send(caller, head, sizeof head - 1, MSG_NOSIGNAL) > 0)
            for (size_t at = 0; at < camera->count;) {
                ssize_t sent = send(caller, camera->bytes + at, camera->count - at, MSG_NOSIGNAL);
                if (sent <= 0)
                    break;
                at += (size_t)sent;
            }
        close(caller);
    }
    return NULL;
}

static bool begin_camera(struct camera *camera)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    pthread_t thread;
    camera->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = camera->fd >= 0 &&
                bind(camera->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                listen(camera->fd, 8) == 0 &&
                getsockname(camera->fd, (struct sockaddr *)&address, &length) == 0 &&
                pthread_create(&thread, NULL, play, camera) == 0;
    camera->port = ntohs(address.sin_port);
    return good && pthread_detach(thread) == 0;
}

// ---- a clock that does not wait ----

static atomic_llong ahead_ns;

static int64_t ahead_now(const struct ifl_clock *clock)
{
    (void)clock;
    return ifl_now_ns(ifl_clock_real()) + ahead_ns;
}

static int64_t ahead_wall(const struct ifl_clock *clock)
{
    (void)clock;
    return ifl_wall_ns(ifl_clock_real()) + ahead_ns;
}

static void ahead_wait(const struct ifl_clock *clock, pthread_cond_t *cond, pthread_mutex_t *lock,
                       int64_t until_ns)
{
    (void)cond, (void)lock;
    int64_t left_ns = until_ns - ahead_now(clock);
    if (left_ns > 0)
        ahead_ns += left_ns;
}

static void release(void *packet)
{
    ifl_frame_unref(packet);
}

static int fail(const struct ifl_error *error)
{
    fprintf(stderr, "bench_reconnect: %s\n", error->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct camera camera = {0};
    struct ifl_error error = {0};
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 500;
    ifl_log_setup(IFL_LOG_ERROR, IFL_LOG_TEXT);
    if (argc < 2 || ifl_read_file(argv[1], 1 << 24, &camera.bytes, &camera.count, &error) != IFL_OK)
        return fail(&error);
    camera.first = count / 5;
    camera.last = count;
    if (!begin_camera(&camera))
        return 1;
    char uri[64];
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/clip.ts", camera.port);
    struct ifl_clock clock = {ahead_now, ahead_wall, ahead_wait};
    struct ifl_edge_config in = {.from = "source", .to = "ingest", .source = "s"};
    struct ifl_edge_config out = {.from = "ingest",
                                  .to = "profile",
                                  .source = "s",
                                  .depth = 4,
                                  .policy = IFL_POLICY_DROP_OLDEST,
                                  .release = release};
    struct ifl_ingest_config config = {.plugin = &ifl_source_camera,
                                       .source = {.name = "s", .uri = uri},
                                       .in = ifl_edge_create(&in),
                                       .out = ifl_edge_create(&out),
                                       .clock = &clock};
    struct ifl_ingest *ingest;
    if (ifl_ingest_create(&config, &ingest, &error) != IFL_OK ||
        ifl_ingest_start(ingest, &error) != IFL_OK)
        return fail(&error);
    while (!camera.done)
        usleep(2000);
    struct usage before = camera.before, after = camera.after;
    struct ifl_ingest_status status;
    ifl_ingest_status(ingest, &status);
    ifl_ingest_stop(ingest);
    printf("%llu reconnects, %llu pictures: descriptors %d to %d, threads %d to %d, memory %.1f to "
           "%.1f MB\n",
           (unsigned long long)status.reconnects, (unsigned long long)status.frames,
           before.descriptors, after.descriptors, before.threads, after.threads, before.megabytes,
           after.megabytes);
    printf("{\"descriptors\": %d, \"threads\": %d, \"megabytes\": %.3f, \"pictures\": %llu, "
           "\"cpu_ms\": %.4f}\n",
           after.descriptors - before.descriptors, after.threads - before.threads,
           after.megabytes - before.megabytes, (unsigned long long)status.frames,
           (after.cpu_seconds - before.cpu_seconds) * 1e3 / (double)(camera.last - camera.first));
    ifl_ingest_destroy(ingest);
    ifl_edge_destroy(config.in);
    ifl_edge_destroy(config.out);
    return 0;
}
