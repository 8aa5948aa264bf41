// SPDX-License-Identifier: Apache-2.0
// The rolling summary of audits: medians, worst values, verdicts, and what leaves the window.
#include "support.h"

#include "pipeline/audits.h"

static void add(struct ifl_audits *audits, enum ifl_rejection verdict, double share, int pixels)
{
    struct ifl_synthetic made = {.rejection = verdict,
                                 .audit = {.largest_event_share = share,
                                           .support_1 = 1 - share,
                                           .support_2 = -1,
                                           .verbatim_pixels = pixels,
                                           .nearest_rms = 10 + pixels}};
    ifl_audits_add(audits, &made);
}

static void nothing_is_known_of_nothing(void **state)
{
    (void)state;
    struct ifl_audits audits = {.added = 0};
    struct ifl_audit_summary summary;
    ifl_audits_summary(&audits, &summary);
    assert_int_equal(summary.images, 0);
    assert_true(isnan(summary.median[IFL_AUDIT_support_1]));
    assert_true(isnan(summary.worst[IFL_AUDIT_nearest_rms]));
}

static void the_worst_is_the_side_that_harms(void **state)
{
    (void)state;
    struct ifl_audits audits = {.added = 0};
    struct ifl_audit_summary summary;
    add(&audits, IFL_REJECT_NONE, 0.25, 4);
    add(&audits, IFL_REJECT_NONE, 0.5, 9);
    add(&audits, IFL_REJECT_VERBATIM, 1, 900); // never shown: no part of the figures
    add(&audits, IFL_REJECT_NONE, -1, 0);      // no foreground
    ifl_audits_summary(&audits, &summary);
    assert_int_equal(summary.images, 4);
    assert_int_equal(summary.verdict[IFL_REJECT_NONE], 3);
    assert_int_equal(summary.verdict[IFL_REJECT_VERBATIM], 1);
    check_near(summary.median[IFL_AUDIT_largest_event_share], 0.25, 0);
    check_near(summary.worst[IFL_AUDIT_largest_event_share], 0.5, 0);
    check_near(summary.median[IFL_AUDIT_support_1], 0.75, 0);
    check_near(summary.worst[IFL_AUDIT_support_1], 0.5, 0);
    assert_true(isnan(summary.median[IFL_AUDIT_support_2]));
    check_near(summary.median[IFL_AUDIT_verbatim_pixels], 4, 0);
    check_near(summary.worst[IFL_AUDIT_verbatim_pixels], 9, 0);
    check_near(summary.worst[IFL_AUDIT_nearest_rms], 10, 0);
}

static void old_images_leave_the_window(void **state)
{
    (void)state;
    struct ifl_audits audits = {.added = 0};
    struct ifl_audit_summary summary;
    add(&audits, IFL_REJECT_ARTEFACT, 0, 0);
    add(&audits, IFL_REJECT_NONE, 1, 500);
    for (int i = 0; i < IFL_AUDIT_WINDOW; i++)
        add(&audits, IFL_REJECT_NONE, 0.1, i);
    ifl_audits_summary(&audits, &summary);
    assert_int_equal(summary.images, IFL_AUDIT_WINDOW);
    assert_int_equal(summary.verdict[IFL_REJECT_ARTEFACT], 0);
    check_near(summary.worst[IFL_AUDIT_largest_event_share], 0.1, 0);
    check_near(summary.worst[IFL_AUDIT_verbatim_pixels], IFL_AUDIT_WINDOW - 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_of_nothing),
        cmocka_unit_test(the_worst_is_the_side_that_harms),
        cmocka_unit_test(old_images_leave_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
