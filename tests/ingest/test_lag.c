// SPDX-License-Identifier: Apache-2.0
// How far decoding is behind, on times made up here: what is ours and what is not.
#include "support.h"

#include "base/clock.h"
#include "ingest/lag.h"

#define MS IFL_MILLISECOND_NS

// A reader of a camera: pictures come over a link into a buffer and are decoded one by one.
struct reader {
    struct ifl_lag lag;
    double skew;               // the camera's clock is so much slower than ours
    int64_t delay_ns;          // of the link
    int64_t takes_ns;          // to decode one
    int64_t sent_ns, now_ns;   // by our clock
    int64_t pts_ns, period_ns; // pts_step_ns 0: timestamps are right
    int64_t pts_step_ns;
    bool untimed;
    int64_t waited_ns;
    double worst_s, behind_s; // of this run: the worst that was called ours; the last
};

static void read_one(struct reader *reader)
{
    int64_t there_ns = reader->sent_ns + reader->delay_ns;
    if (there_ns > reader->now_ns) {
        reader->waited_ns += there_ns - reader->now_ns;
        reader->now_ns = there_ns;
    }
    reader->now_ns += reader->takes_ns;
    if (!reader->untimed)
        ifl_lag_picture(&reader->lag, reader->pts_ns, reader->now_ns);
    if (ifl_lag_due(&reader->lag, reader->now_ns))
        ifl_lag_look(&reader->lag, 1 + reader->waited_ns, reader->now_ns);
    int64_t step_ns = reader->pts_step_ns ? reader->pts_step_ns : reader->period_ns;
    reader->pts_ns += (int64_t)((double)step_ns * (1 - reader->skew));
    reader->sent_ns += reader->period_ns;
    reader->behind_s = ifl_lag_behind(&reader->lag);
    reader->worst_s = fmax(reader->worst_s, reader->behind_s);
}

static void run(struct reader *reader, double seconds)
{
    int64_t end_ns = reader->now_ns + (int64_t)(seconds * 1e9);
    reader->worst_s = 0;
    while (reader->now_ns < end_ns)
        read_one(reader);
}

static struct reader start(void)
{
    return (struct reader){.period_ns = 40 * MS,
                           .delay_ns = 30 * MS,
                           .takes_ns = 10 * MS,
                           .now_ns = 5 * IFL_SECOND_NS};
}

static void in_time_is_no_lag(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    run(&reader, 60);
    assert_int_equal(reader.lag.lag_ns / MS, 0);
    check_near(reader.lag.busy, 0.25, 0.02);
    assert_true(reader.worst_s == 0);
}

static void a_slow_decoder_falls_behind_and_catches_up(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    run(&reader, 10);
    reader.takes_ns = 60 * MS; // a third falls behind
    run(&reader, 2.5);
    assert_true(reader.worst_s == 0); // less than a second as yet
    run(&reader, 7.5);
    check_near(reader.behind_s, 10. / 3, 0.2);
    reader.takes_ns = 10 * MS;
    run(&reader, 10);
    assert_true(reader.behind_s == 0);
    assert_true(reader.lag.lag_ns < 100 * MS);
}

// Five percent too slow is behind as well, only later.
static void a_slightly_slow_decoder_too(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    reader.takes_ns = 42 * MS;
    run(&reader, 60);
    check_near(reader.behind_s, 60 * 0.0476 - 0.06, 0.2);
}

// What a server held before we came arrives at once: the first picture is old, the next less so.
static void a_burst_at_the_start_is_no_lag(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns - 4 * IFL_SECOND_NS;
    run(&reader, 60);
    assert_true(reader.worst_s == 0);
    assert_int_equal(reader.lag.lag_ns / MS, 0);
}

static void a_clock_that_runs_slower_is_no_lag(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    reader.skew = 100e-6;
    reader.takes_ns = 39 * MS; // busy all the time, but in time
    run(&reader, 4 * 3600);
    assert_true(reader.worst_s == 0);
    assert_true(reader.lag.lag_ns < 10 * MS);
}

// The link takes longer from now on, or pauses: nothing that decoding less would mend.
static void a_slower_link_is_not_ours(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    run(&reader, 10);
    reader.delay_ns += 3 * IFL_SECOND_NS;
    run(&reader, 60);
    assert_true(reader.worst_s == 0);
    assert_true(reader.lag.lag_ns > 2 * IFL_SECOND_NS); // and yet it is shown
}

static void without_timestamps_never_waiting_is_lag(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    reader.untimed = true;
    reader.takes_ns = 38 * MS; // busy, and yet it waits for each picture
    run(&reader, 60);
    assert_true(reader.worst_s == 0);
    reader.takes_ns = 45 * MS;
    run(&reader, 2);
    assert_true(reader.worst_s == 0);
    run(&reader, 5);
    assert_true(reader.behind_s >= 3 && reader.behind_s <= 7);
    reader.takes_ns = 10 * MS;
    run(&reader, 5);
    assert_true(reader.behind_s == 0);
}

// A camera that stamps 25 a second and sends 10.
static void wrong_timestamps_are_not_ours(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    reader.period_ns = 100 * MS;
    reader.pts_step_ns = 40 * MS;
    run(&reader, 60);
    assert_true(reader.worst_s == 0);
}

static void a_jump_ahead_is_no_lag(void **state)
{
    (void)state;
    struct reader reader = start();
    reader.sent_ns = reader.now_ns;
    run(&reader, 10);
    reader.pts_ns += 5 * IFL_SECOND_NS;
    run(&reader, 10);
    assert_int_equal(reader.lag.lag_ns / MS, 0);
    reader.takes_ns = 60 * MS; // and is not in the way of a real one
    run(&reader, 6);
    assert_true(reader.behind_s > 1);
}

// Of a plug-in that does not say how long it waited.
static void who_does_not_say_is_not_late(void **state)
{
    (void)state;
    struct ifl_lag lag = {0};
    for (int64_t t = 0; t < 60; t++) {
        ifl_lag_picture(&lag, t * IFL_SECOND_NS / 2, t * IFL_SECOND_NS);
        if (ifl_lag_due(&lag, t * IFL_SECOND_NS))
            ifl_lag_look(&lag, 0, t * IFL_SECOND_NS);
        assert_true(ifl_lag_behind(&lag) == 0);
        assert_false(lag.known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_time_is_no_lag),
        cmocka_unit_test(a_slow_decoder_falls_behind_and_catches_up),
        cmocka_unit_test(a_slightly_slow_decoder_too),
        cmocka_unit_test(a_burst_at_the_start_is_no_lag),
        cmocka_unit_test(a_clock_that_runs_slower_is_no_lag),
        cmocka_unit_test(a_slower_link_is_not_ours),
        cmocka_unit_test(without_timestamps_never_waiting_is_lag),
        cmocka_unit_test(wrong_timestamps_are_not_ours),
        cmocka_unit_test(a_jump_ahead_is_no_lag),
        cmocka_unit_test(who_does_not_say_is_not_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
