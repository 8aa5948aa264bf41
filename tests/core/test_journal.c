// SPDX-License-Identifier: Apache-2.0
// The journal: what begins, lasts and clears, bounded, with its counts and pictures.
#include "core/journal.h"
#include "support.h"

struct fake {
    struct ifl_clock clock;
    int64_t wall_ns;
};

static int64_t fake_wall(const struct ifl_clock *clock)
{
    return ((const struct fake *)clock)->wall_ns;
}

static struct fake at = {{.now_ns = fake_wall, .wall_ns = fake_wall}, 1000};

static int read_all(struct ifl_journal *journal, const char *source, int kind, bool lasting,
                    struct ifl_incident *incidents)
{
    struct ifl_journal_filter filter = {.source = source, .kind = kind, .lasting = lasting};
    return ifl_journal_read(journal, &filter, incidents, IFL_JOURNAL_MAX);
}

static void report_with_picture(struct ifl_journal *journal, const char *source,
                                enum ifl_incident_kind kind)
{
    struct ifl_incident incident = {.kind = kind, .after = ifl_image_create(4, 4)};
    snprintf(incident.source, sizeof incident.source, "%s", source);
    ifl_journal_report(journal, &incident);
    ifl_incident_fini(&incident);
}

static void an_incident_begins_lasts_and_clears(void **state)
{
    (void)state;
    struct ifl_incident list[IFL_JOURNAL_MAX];
    struct ifl_journal *journal = ifl_journal_create(&at.clock);
    at.wall_ns = 1000;
    uint64_t id = ifl_journal_note(journal, "cam", IFL_INCIDENT_FROZEN, "still", "for %d s", 2);
    at.wall_ns = 2000;
    assert_int_equal(ifl_journal_note(journal, "cam", IFL_INCIDENT_FROZEN, "still", "3 s"), id);
    assert_true(ifl_journal_lasts(journal, "cam", IFL_INCIDENT_FROZEN));
    assert_false(ifl_journal_lasts(journal, "gate", IFL_INCIDENT_FROZEN));
    assert_int_equal(read_all(journal, "cam", -1, true, list), 1);
    assert_int_equal(list[0].begun_wall_ns, 1000);
    assert_int_equal(list[0].cleared_wall_ns, 0);
    assert_string_equal(list[0].text, "3 s");
    ifl_journal_clear(journal, "cam", IFL_INCIDENT_FROZEN);
    ifl_journal_clear(journal, "cam", IFL_INCIDENT_FROZEN);
    assert_int_equal(read_all(journal, NULL, -1, true, list), 0);
    assert_int_equal(read_all(journal, NULL, IFL_INCIDENT_FROZEN, false, list), 1);
    assert_int_equal(list[0].cleared_wall_ns, 2000);
    assert_true(ifl_journal_note(journal, "cam", IFL_INCIDENT_FROZEN, "still", "again") > id);
    ifl_journal_destroy(journal);
}

static void those_that_last_are_kept_longest(void **state)
{
    (void)state;
    struct ifl_incident list[IFL_JOURNAL_MAX], first;
    struct ifl_journal *journal = ifl_journal_create(&at.clock);
    uint64_t id = ifl_journal_note(journal, "cam", IFL_INCIDENT_MOVED, "", "%s", "");
    for (int i = 0; i < 2 * IFL_JOURNAL_MAX; i++) {
        at.wall_ns++;
        ifl_journal_note(journal, "cam", IFL_INCIDENT_ANOMALY, "", "%d", i);
        ifl_journal_clear(journal, "cam", IFL_INCIDENT_ANOMALY);
    }
    assert_int_equal(read_all(journal, NULL, -1, false, list), IFL_JOURNAL_MAX);
    assert_string_equal(list[0].text, "511");
    assert_true(ifl_journal_find(journal, id, &first));
    assert_int_equal(first.kind, IFL_INCIDENT_MOVED);
    assert_false(ifl_journal_find(journal, id + 1, &first));
    ifl_journal_destroy(journal);
}

static void readers_see_what_changed_since(void **state)
{
    (void)state;
    struct ifl_incident list[IFL_JOURNAL_MAX];
    struct ifl_journal *journal = ifl_journal_create(&at.clock);
    ifl_journal_note(journal, "cam", IFL_INCIDENT_MOVED, "", "%s", "");
    uint64_t serial = ifl_journal_serial(journal);
    struct ifl_journal_filter filter = {.kind = -1, .changed_after = serial};
    assert_int_equal(ifl_journal_read(journal, &filter, list, 8), 0);
    ifl_journal_clear(journal, "cam", IFL_INCIDENT_MOVED);
    assert_int_equal(ifl_journal_read(journal, &filter, list, 8), 1);
    ifl_journal_destroy(journal);
}

static void a_source_that_leaves_takes_its_counts(void **state)
{
    (void)state;
    struct ifl_incident list[IFL_JOURNAL_MAX];
    struct ifl_journal_counts counts[4];
    struct ifl_journal *journal = ifl_journal_create(&at.clock);
    ifl_journal_note(journal, "cam", IFL_INCIDENT_OFFLINE, "", "%s", "");
    ifl_journal_note(journal, "gate", IFL_INCIDENT_OFFLINE, "", "%s", "");
    assert_int_equal(ifl_journal_count(journal, counts, 4), 2);
    assert_int_equal(counts[0].begun[IFL_INCIDENT_OFFLINE], 1);
    assert_true(counts[0].lasts[IFL_INCIDENT_OFFLINE]);
    ifl_journal_leave(journal, "cam");
    assert_int_equal(ifl_journal_count(journal, counts, 4), 1);
    assert_string_equal(counts[0].source, "gate");
    assert_int_equal(read_all(journal, NULL, -1, true, list), 1);
    ifl_journal_destroy(journal);
}

static void pictures_are_few_and_can_be_forgotten(void **state)
{
    (void)state;
    struct ifl_incident list[IFL_JOURNAL_MAX];
    struct ifl_journal *journal = ifl_journal_create(&at.clock);
    at.wall_ns = 5000;
    for (int i = 0; i < IFL_JOURNAL_PICTURES + 3; i++) {
        report_with_picture(journal, "cam", IFL_INCIDENT_ANOMALY);
        ifl_journal_clear(journal, "cam", IFL_INCIDENT_ANOMALY);
    }
    at.wall_ns = 6000;
    report_with_picture(journal, "gate", IFL_INCIDENT_DRIFT);
    int count = read_all(journal, NULL, -1, false, list), pictures = 0;
    for (int i = 0; i < count; i++) {
        pictures += list[i].after != NULL;
        ifl_incident_fini(&list[i]);
    }
    assert_int_equal(pictures, IFL_JOURNAL_PICTURES);
    ifl_journal_forget(journal, NULL, 0, 6000);
    count = read_all(journal, NULL, -1, false, list);
    assert_non_null(list[0].after);
    for (int i = 1; i < count; i++)
        assert_null(list[i].after);
    ifl_incident_fini(&list[0]);
    ifl_journal_destroy(journal);
}

static void no_journal_takes_everything(void **state)
{
    (void)state;
    assert_int_equal(ifl_journal_note(NULL, "cam", IFL_INCIDENT_BLACK, "", "%s", ""), 0);
    ifl_journal_clear(NULL, "cam", IFL_INCIDENT_BLACK);
    ifl_journal_leave(NULL, "cam");
    ifl_journal_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_incident_begins_lasts_and_clears),
        cmocka_unit_test(those_that_last_are_kept_longest),
        cmocka_unit_test(readers_see_what_changed_since),
        cmocka_unit_test(a_source_that_leaves_takes_its_counts),
        cmocka_unit_test(pictures_are_few_and_can_be_forgotten),
        cmocka_unit_test(no_journal_takes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
