// SPDX-License-Identifier: Apache-2.0
// What is asked of generation, on a clock of its own, while the interval is kept and while not.
#include "support.h"

#include "base/clock.h"
#include "pipeline/easing.h"

// Notes `slow` ten times a second; checks that every step on the way is the next one.
static void pass(struct ifl_easing *easing, int64_t *now_ns, double seconds, bool slow,
                 bool adaptive)
{
    for (int i = 0; i < (int)(seconds * 10); i++) {
        int before = (int)easing->step;
        (void)ifl_easing_note(easing, slow, adaptive, *now_ns);
        int step = (int)easing->step - before;
        assert_in_range(step + 1, slow ? 1 : 0, slow ? 2 : 1);
        *now_ns += IFL_SECOND_NS / 10;
    }
}

static void asks_for_less_step_by_step_and_climbs_back(void **state)
{
    (void)state;
    struct ifl_easing easing = {0};
    int64_t now_ns = IFL_SECOND_NS;
    pass(&easing, &now_ns, 5, false, true);
    assert_int_equal(easing.step, IFL_EASING_NONE);
    assert_false(easing.slow);
    static const enum ifl_easing_step down[] = {IFL_EASING_SMALLER, IFL_EASING_FEWER_STEPS,
                                                IFL_EASING_RARER, IFL_EASING_RARE, IFL_EASING_RARE};
    for (size_t i = 0; i < sizeof down / sizeof *down; i++) {
        pass(&easing, &now_ns, 2, true, true);
        assert_int_equal(easing.step, down[i]);
        assert_true(easing.slow);
    }
    // Ten seconds in time for each step; only at the top it is no longer slow.
    for (int step = IFL_EASING_RARE; step > IFL_EASING_NONE; step--) {
        assert_true(easing.slow);
        pass(&easing, &now_ns, step == IFL_EASING_RARE ? 7.9 : 9.8, false, true);
        assert_int_equal(easing.step, step);
        pass(&easing, &now_ns, 0.2, false, true);
        assert_int_equal(easing.step, step - 1);
    }
    assert_false(easing.slow);
    pass(&easing, &now_ns, 60, false, true);
    assert_int_equal(easing.step, IFL_EASING_NONE);
}

static void one_late_image_on_the_way_up_costs_one_step(void **state)
{
    (void)state;
    struct ifl_easing easing = {0};
    int64_t now_ns = IFL_SECOND_NS;
    pass(&easing, &now_ns, 4, true, true);
    pass(&easing, &now_ns, 11, false, true);
    assert_int_equal(easing.step, IFL_EASING_SMALLER);
    pass(&easing, &now_ns, 2, true, true);
    assert_int_equal(easing.step, IFL_EASING_FEWER_STEPS);
}

static void says_so_and_asks_for_all_where_it_may_not_adapt(void **state)
{
    (void)state;
    struct ifl_easing easing = {0};
    int said = 0;
    for (int i = 0; i < 100; i++)
        said += ifl_easing_note(&easing, true, false, IFL_SECOND_NS + i * (IFL_SECOND_NS / 10));
    assert_in_range(said, 5, 6);
    assert_true(easing.slow);
    assert_int_equal(easing.step, IFL_EASING_NONE);
    (void)ifl_easing_note(&easing, false, false, 12 * IFL_SECOND_NS);
    assert_false(easing.slow);
}

static void each_step_asks_for_less_than_the_one_before(void **state)
{
    (void)state;
    double before = 2;
    for (int step = 0; step < IFL_EASING_COUNT; step++) {
        const struct ifl_easing_row *row = ifl_easing_row((enum ifl_easing_step)step);
        double asked = 1.0 / (1 << 2 * row->halvings) / row->intervals / (row->steps ? 2 : 1);
        assert_true(asked < before);
        before = asked;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_less_step_by_step_and_climbs_back),
        cmocka_unit_test(one_late_image_on_the_way_up_costs_one_step),
        cmocka_unit_test(says_so_and_asks_for_all_where_it_may_not_adapt),
        cmocka_unit_test(each_step_asks_for_less_than_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
