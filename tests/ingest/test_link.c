// SPDX-License-Identifier: Apache-2.0
// Back-off, breaker and recovery, without waiting for any of them; then an ingest that reconnects
// ten thousand times on a clock that jumps.
#include "support.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "ingest/ingest.h"
#include "ingest/link.h"

static const int64_t second = IFL_SECOND_NS;

static void backs_off_with_jitter(void **state)
{
    (void)state;
    struct ifl_backoff backoff, other;
    ifl_backoff_init(&backoff, 1, second / 2, 30 * second);
    ifl_backoff_init(&other, 2, second / 2, 30 * second);
    int64_t last = second / 2, most = 0;
    bool differ = false;
    for (int i = 0; i < 1000; i++) {
        int64_t next = ifl_backoff_next_ns(&backoff);
        assert_true(next >= second / 2 && next <= 30 * second);
        assert_true(next <= 3 * last);
        differ |= next != ifl_backoff_next_ns(&other);
        last = next;
        most = next > most ? next : most;
    }
    assert_true(differ);
    assert_int_equal(most, 30 * second);
    ifl_backoff_reset(&backoff);
    assert_true(ifl_backoff_next_ns(&backoff) <= 3 * second / 2);
}

static const struct ifl_error lost = {.result = IFL_ERR_IO},
                              refused = {.result = IFL_ERR_UNAUTHORIZED};

static void begins_anew_after_sixty_good_seconds(void **state)
{
    (void)state;
    struct ifl_link link;
    ifl_link_init(&link, 3);
    int64_t now = 0, wait = 0;
    for (int i = 0; i < 20; i++)
        now += (wait = ifl_link_failed(&link, &lost, now));
    assert_true(now > 30 * second);
    int64_t start = now;
    for (; now < start + 59 * second; now += second)
        ifl_link_good(&link, now);
    int64_t ladder = link.lost.last_ns;
    assert_true(ladder > second / 2); // not yet
    ifl_link_good(&link, start + 60 * second);
    assert_int_equal(link.lost.last_ns, second / 2);
    assert_true(ifl_link_failed(&link, &lost, now) <= 3 * second / 2);
    // Sixty seconds made of pieces are not sixty good seconds.
    for (int i = 0; i < 10; i++)
        now += ifl_link_failed(&link, &lost, now);
    ladder = link.lost.last_ns;
    for (int i = 0; i < 4; i++, now += 20 * second) {
        ifl_link_good(&link, now);
        ifl_link_good(&link, now + 19 * second);
        ifl_link_failed(&link, &lost, now + 20 * second);
    }
    assert_true(link.lost.last_ns != second / 2);
}

static void waits_long_where_credentials_are_refused(void **state)
{
    (void)state;
    struct ifl_link link;
    ifl_link_init(&link, 4);
    int64_t now = 0, most = 0;
    for (int i = 0; i < 200; i++) {
        int64_t wait = ifl_link_failed(&link, &refused, now);
        assert_true(wait >= 300 * second && wait <= 3600 * second);
        most = wait > most ? wait : most;
        now += wait;
    }
    assert_int_equal(most, 3600 * second);
    assert_false(link.open); // never five in half a minute
    assert_true(ifl_link_failed(&link, &lost, now) <= 3 * second / 2); // another ladder
    ifl_link_good(&link, now);
    assert_true(ifl_link_failed(&link, &refused, now) <= 900 * second); // it had let us in
}

static void does_as_retry_after_says(void **state)
{
    (void)state;
    struct ifl_link link;
    ifl_link_init(&link, 5);
    struct ifl_error busy = {.result = IFL_ERR_BUSY, .retry_after_seconds = 120};
    assert_int_equal(ifl_link_failed(&link, &busy, 0), 120 * second);
    busy.retry_after_seconds = 1000000; // but not for ever
    assert_int_equal(ifl_link_failed(&link, &busy, 0), 3600 * second);
    busy.retry_after_seconds = -5;
    assert_true(ifl_link_failed(&link, &busy, 0) <= 30 * second);
}

static void five_failures_open_the_breaker_and_a_probe_closes_it(void **state)
{
    (void)state;
    struct ifl_link link;
    ifl_link_init(&link, 6);
    for (int i = 0; i < 4; i++)
        ifl_link_failed(&link, &lost, 100 * second + i * second);
    assert_false(link.open);
    ifl_link_failed(&link, &lost, 131 * second); // five, but in 31 s
    assert_false(link.open);
    for (int i = 0; i < 3; i++)
        ifl_link_failed(&link, &lost, 132 * second + i * second);
    assert_false(link.open); // 103 to 134
    ifl_link_failed(&link, &lost, 135 * second);
    assert_true(link.open);
    int64_t now = 200 * second; // a probe that does not hold
    assert_int_equal(ifl_link_good(&link, now), 0);
    assert_true(link.open);
    ifl_link_failed(&link, &lost, now + 9 * second);
    assert_int_equal(ifl_link_good(&link, now + 20 * second), 0);
    int attempts = ifl_link_good(&link, now + 30 * second); // one that does
    assert_int_equal(attempts, 10);
    assert_false(link.open);
    assert_int_equal(ifl_link_good(&link, now + 31 * second), 0);
}

// ---- ten thousand reconnects ----

// Time passes only where somebody waits.
struct jumping {
    struct ifl_clock clock;
    int64_t now_ns; // atomic
};

static int64_t jumping_now(const struct ifl_clock *clock)
{
    return __atomic_load_n(&((const struct jumping *)clock)->now_ns, __ATOMIC_RELAXED);
}

static void jumping_wait(const struct ifl_clock *clock, pthread_cond_t *cond, pthread_mutex_t *lock,
                         int64_t until_ns)
{
    (void)cond, (void)lock;
    __atomic_store_n(&((struct jumping *)(uintptr_t)clock)->now_ns, until_ns, __ATOMIC_RELAXED);
}

static int opened;        // atomic
static int opened_enough; // then a read waits for the end
static bool interrupted;  // atomic

static enum ifl_result brief_open(const struct ifl_source_config *config, void **self,
                                  struct ifl_error *error)
{
    int number = __atomic_add_fetch(&opened, 1, __ATOMIC_RELAXED);
    (void)config;
    if (number % 3 == 0)
        return ifl_fail(error, number % 9 ? IFL_ERR_IO : IFL_ERR_UNAUTHORIZED, "source", "not now");
    *self = calloc(1, sizeof(uint64_t));
    return IFL_OK;
}

static enum ifl_result brief_read(void *self, struct ifl_frame **frame, struct ifl_error *error)
{
    uint64_t *count = self;
    while (__atomic_load_n(&opened, __ATOMIC_RELAXED) > opened_enough &&
           !__atomic_load_n(&interrupted, __ATOMIC_RELAXED))
        sched_yield();
    if (*count == 2)
        return ifl_fail(error, IFL_ERR_TIMEOUT, "source", "silent");
    *frame = ifl_frame_create(IFL_PIXEL_GRAY8, 32, 32);
    memset((void *)(uintptr_t)(*frame)->plane[0], 9, (size_t)(*frame)->stride[0] * 32);
    (*frame)->sequence = (*count)++;
    (*frame)->pts_ns = (int64_t)(*frame)->sequence * 1000;
    return IFL_OK;
}

static void brief_info(void *self, struct ifl_source_info *info)
{
    (void)self;
    *info = (struct ifl_source_info){.live = true};
}

static void brief_interrupt(void *self)
{
    (void)self;
    __atomic_store_n(&interrupted, true, __ATOMIC_RELAXED);
}

static bool brief_live(const char *uri)
{
    (void)uri;
    return true;
}

static const char *const schemes[] = {"brief", NULL};
static const struct ifl_source_plugin brief = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "brief", ""},
    .schemes = schemes,
    .open = brief_open,
    .read = brief_read,
    .info = brief_info,
    .interrupt = brief_interrupt,
    .close = free,
    .live = brief_live,
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

struct usage {
    int descriptors, threads;
    size_t bytes;
};

static struct usage measure(void)
{
    struct mallinfo2 heap = mallinfo2(); // zeros under AddressSanitizer, which finds leaks itself
    return (struct usage){count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
                          heap.uordblks + heap.hblkhd};
}

static void wait_opened(int times)
{
    while (__atomic_load_n(&opened, __ATOMIC_RELAXED) < times)
        sched_yield();
}

static void release(void *packet)
{
    ifl_frame_unref(packet);
}

static void ten_thousand_reconnects_leave_nothing_behind(void **state)
{
    (void)state;
    struct jumping clock = {{jumping_now, jumping_now, jumping_wait}, second};
    struct ifl_edge_config in = {.from = "source", .to = "ingest", .source = "s"};
    struct ifl_edge_config out = {.from = "ingest",
                                  .to = "profile",
                                  .source = "s",
                                  .depth = 4,
                                  .policy = IFL_POLICY_DROP_OLDEST,
                                  .release = release};
    struct ifl_ingest_config config = {.plugin = &brief,
                                       .source = {.name = "s", .uri = "brief:"},
                                       .in = ifl_edge_create(&in),
                                       .out = ifl_edge_create(&out),
                                       .journal = ifl_journal_create(ifl_clock_real()),
                                       .clock = &clock.clock};
    struct ifl_ingest *ingest;
    struct ifl_error error;
    ifl_log_setup(IFL_LOG_ERROR, IFL_LOG_TEXT);
    opened_enough = 10100;
    check_ok(ifl_ingest_create(&config, &ingest, &error), error);
    check_ok(ifl_ingest_start(ingest, &error), error);
    wait_opened(100);
    struct usage before = measure();
    wait_opened(opened_enough);
    struct usage after = measure();
    struct ifl_ingest_status status;
    ifl_ingest_status(ingest, &status);
    ifl_ingest_stop(ingest);
    print_message("%llu failures in %.0f days: descriptors %d to %d, threads %d to %d, heap %zu to "
                  "%zu bytes\n",
                  (unsigned long long)status.reconnects, (double)jumping_now(&clock.clock) / 864e11,
                  before.descriptors, after.descriptors, before.threads, after.threads,
                  before.bytes, after.bytes);
    assert_true(status.reconnects >= 10000);
    assert_int_equal(after.descriptors, before.descriptors);
    assert_int_equal(after.threads, before.threads);
    assert_true(after.bytes < before.bytes + 65536); // what is in flight at one moment or another
    struct ifl_edge_counts counts;
    ifl_edge_count(config.in, &counts);
    assert_true(ifl_edge_law_holds(&counts));
    assert_true(counts.received >= 13000);
    ifl_edge_count(config.out, &counts);
    assert_true(ifl_edge_law_holds(&counts));
    ifl_ingest_destroy(ingest);
    ifl_edge_destroy(config.in);
    ifl_edge_destroy(config.out);
    ifl_journal_destroy(config.journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backs_off_with_jitter),
        cmocka_unit_test(begins_anew_after_sixty_good_seconds),
        cmocka_unit_test(waits_long_where_credentials_are_refused),
        cmocka_unit_test(does_as_retry_after_says),
        cmocka_unit_test(five_failures_open_the_breaker_and_a_probe_closes_it),
        cmocka_unit_test(ten_thousand_reconnects_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
