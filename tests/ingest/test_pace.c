// SPDX-License-Identifier: Apache-2.0
// Pacing, thinning and rates, without waiting for any of them.
#include "support.h"

#include "base/clock.h"
#include "ingest/pace.h"

static void plays_timestamps_against_the_clock(void **state)
{
    (void)state;
    struct ifl_pace pace = {0};
    int64_t start = 1000 * IFL_SECOND_NS, tenth = IFL_SECOND_NS / 10;
    assert_int_equal(ifl_pace_due(&pace, 5 * IFL_SECOND_NS, start), start);
    assert_int_equal(ifl_pace_due(&pace, 5 * IFL_SECOND_NS + tenth, start + 1), start + tenth);
    // A little late: at once, and the next one is due as planned.
    assert_int_equal(ifl_pace_due(&pace, 5 * IFL_SECOND_NS + 2 * tenth, start + 3 * tenth),
                     start + 3 * tenth);
    assert_int_equal(ifl_pace_due(&pace, 5 * IFL_SECOND_NS + 4 * tenth, start + 3 * tenth),
                     start + 4 * tenth);
    // Far behind: from now on, no race to catch up.
    int64_t late = start + 60 * IFL_SECOND_NS;
    assert_int_equal(ifl_pace_due(&pace, 5 * IFL_SECOND_NS + 5 * tenth, late), late);
    assert_int_equal(ifl_pace_due(&pace, 5 * IFL_SECOND_NS + 6 * tenth, late), late + tenth);
    // A jump in the timestamps, forwards or back: from now on.
    assert_int_equal(ifl_pace_due(&pace, 500 * IFL_SECOND_NS, late), late);
    assert_int_equal(ifl_pace_due(&pace, 0, late), late);
    assert_int_equal(ifl_pace_due(&pace, tenth, late), late + tenth);
}

static int count_wanted(double rate, double source_rate, int frames)
{
    struct ifl_thin thin = {0};
    int wanted = 0;
    for (int i = 0; i < frames; i++)
        wanted += ifl_thin_wants(&thin, rate, (int64_t)(i * 1e9 / source_rate));
    return wanted;
}

static void thins_evenly(void **state)
{
    (void)state;
    assert_int_equal(count_wanted(0, 25, 100), 100);
    assert_int_equal(count_wanted(25, 25, 100), 100);
    assert_in_range(count_wanted(29.97, 30, 300), 299, 300);
    assert_int_equal(count_wanted(50, 25, 100), 100);
    assert_int_equal(count_wanted(5, 25, 100), 20);
    assert_int_equal(count_wanted(1, 30, 300), 10);
    assert_in_range(count_wanted(10, 25, 1000), 395, 405);
    struct ifl_thin thin = {0};
    assert_true(ifl_thin_wants(&thin, 1, 100 * IFL_SECOND_NS));
    assert_false(ifl_thin_wants(&thin, 1, 100 * IFL_SECOND_NS + 1));
    assert_true(ifl_thin_wants(&thin, 1, 0)); // time began anew
    assert_true(ifl_thin_wants(&thin, 1, 1000 * IFL_SECOND_NS));
    assert_false(ifl_thin_wants(&thin, 1, 1000 * IFL_SECOND_NS + IFL_SECOND_NS / 2));
}

static void measures_the_rate(void **state)
{
    (void)state;
    struct ifl_meter meter = {0};
    check_near(ifl_meter_rate(&meter, 0), 0, 0);
    int64_t now = 0;
    for (int i = 0; i < 500; i++)
        ifl_meter_add(&meter, now = (int64_t)i * IFL_SECOND_NS / 25);
    check_near(ifl_meter_rate(&meter, now), 25, 1e-6);
    check_near(ifl_meter_rate(&meter, now + IFL_SECOND_NS / 25), 25, 1e-6);
    assert_true(ifl_meter_rate(&meter, now + 3 * IFL_SECOND_NS) < 15);
    check_near(ifl_meter_rate(&meter, now + 10 * IFL_SECOND_NS), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plays_timestamps_against_the_clock),
        cmocka_unit_test(thins_evenly),
        cmocka_unit_test(measures_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
