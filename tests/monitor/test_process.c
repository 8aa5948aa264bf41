// SPDX-License-Identifier: Apache-2.0
// What the process uses: the numbers move with what it does.
#include "support.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "monitor/process.h"

static void counts_what_is_opened(void **state)
{
    (void)state;
    struct ifl_process_usage before, after;
    ifl_process_usage(&before);
    int pipes[6];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pipe(pipes + 2 * i), 0);
    ifl_process_usage(&after);
    for (int i = 0; i < 6; i++)
        close(pipes[i]);
    check_near(after.open_fds - before.open_fds, 6, 0);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    check_near(after.max_fds, (double)limit.rlim_cur, 0);
}

static void counts_memory_and_processor_time(void **state)
{
    (void)state;
    struct ifl_process_usage before, after;
    ifl_process_usage(&before);
    enum { BYTES = 32 << 20 };
    volatile char *memory = malloc(BYTES);
    assert_non_null(memory);
    struct timespec used;
    do {
        for (size_t i = 0; i < BYTES; i += 512)
            memory[i]++;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < 100);
    ifl_process_usage(&after);
    free((void *)memory);
    assert_true(after.resident_memory_bytes - before.resident_memory_bytes > BYTES * 0.9);
    assert_true(after.resident_memory_max_bytes >= after.resident_memory_bytes);
    assert_true(after.virtual_memory_bytes >= after.resident_memory_bytes);
    assert_true(after.cpu_seconds >= 0.05);
    assert_true(after.cpu_seconds < 60);
}

static void *wait_for_unlock(void *lock)
{
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

static void counts_threads(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct ifl_process_usage before, after;
    pthread_mutex_lock(&lock);
    pthread_t thread[4]; // with the first, ThreadSanitizer starts one of its own
    for (int i = 0; i < 4; i++) {
        pthread_create(&thread[i], NULL, wait_for_unlock, &lock);
        if (i == 0)
            ifl_process_usage(&before);
    }
    ifl_process_usage(&after);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    check_near(after.threads - before.threads, 3, 0);
}

static void started_a_moment_ago(void **state)
{
    (void)state;
    struct ifl_process_usage usage;
    ifl_process_usage(&usage);
    check_near(usage.start_time_seconds, (double)time(NULL), 120);
}

static void writes_every_row_once(void **state)
{
    (void)state;
    struct ifl_metrics *metrics = ifl_metrics_create();
    assert_int_equal(ifl_monitor_process_register(metrics), IFL_OK);
    char *text = ifl_metrics_text(metrics);
    assert_non_null(text);
    int count;
    const struct ifl_metric *rows = ifl_monitor_process_metrics(&count);
    assert_true(count > 5);
    for (int i = 0; i < count; i++) {
        char line[128];
        snprintf(line, sizeof line, "# TYPE %s ", rows[i].name);
        const char *at = strstr(text, line);
        if (!at)
            fail_msg("%s is missing", rows[i].name);
        assert_null(strstr(at + 1, line));
        assert_true(strlen(rows[i].help) > 10);
    }
    assert_non_null(strstr(text, "inferloop_build_info{version=\"0."));
    free(text);
    ifl_metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_is_opened), cmocka_unit_test(counts_memory_and_processor_time),
        cmocka_unit_test(counts_threads),        cmocka_unit_test(started_a_moment_ago),
        cmocka_unit_test(writes_every_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
