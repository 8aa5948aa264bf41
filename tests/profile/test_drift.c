// SPDX-License-Identifier: Apache-2.0
// Drift on streams with a known truth; each test of an alarm also judges a detector that always
// fires and one that never does, and both must fail it.
#include "support.h"

#include <unistd.h>

#include "base/clock.h"
#include "drift_world.h"

static struct ifl_drift_config config(void)
{
    struct ifl_drift_config config;
    ifl_drift_config_init(&config);
    config.source = "gate";
    return config;
}

enum { HOUR = 3600 };

// What a scenario asks of a detector: no alarm before the change, one soon after it.
static bool passes(enum detector_kind kind, enum world_scenario scenario, double longest_s,
                   struct said *said)
{
    struct ifl_drift_config settings = config();
    struct detector *detector = detector_create(kind, &settings);
    struct world world;
    struct score score;
    world_begin(&world, scenario, 17);
    detector_run(detector, &world, 2.2 * HOUR, &score);
    *said = *detector_said(detector);
    detector_destroy(detector);
    bool quiet = scenario == WORLD_NONE || scenario == WORLD_TINY || scenario == WORLD_ANOMALY;
    // Where nothing changes, somebody who never fires is right: so a change follows at the end.
    if (quiet)
        return score.false_alarms == 0;
    return score.false_alarms == 0 && score.delay_s <= longest_s;
}

static struct said alarm_test(enum world_scenario scenario, double longest_s)
{
    static struct said said, other;
    if (passes(DETECTOR_ALWAYS, scenario, longest_s, &other))
        fail_msg("%s: one that always fires passes", world_name(scenario));
    if (passes(DETECTOR_NEVER, scenario, longest_s, &other))
        fail_msg("%s: one that never fires passes", world_name(scenario));
    if (!passes(DETECTOR_OURS, scenario, longest_s, &said))
        fail_msg("%s: %d alarms, the first at %.0f s", world_name(scenario), said.count,
                 said.at_s[0]);
    return said;
}

static double begun_s(const struct ifl_incident *incident)
{
    return (double)incident->begun_wall_ns / 1e9 - 1.7e9 - HOUR; // after the change
}

static bool is_among(const struct ifl_incident *incident, const char *name)
{
    for (int i = 0; i < incident->features; i++)
        if (strcmp(incident->feature[i].name, name) == 0)
            return true;
    return false;
}

static void a_sudden_change_is_found_and_named(void **state)
{
    (void)state;
    struct said said = alarm_test(WORLD_SUDDEN, 420);
    assert_int_equal(said.count, 1);
    assert_string_equal(said.first.cause, "sudden");
    check_near(begun_s(&said.first), 0, 40);
    assert_int_equal(said.first.features, 3);
    assert_false(is_among(&said.first, "saturation_mean"));
    for (int i = 0; i < 3; i++) { // four deviations of 0.02 of the range
        const struct ifl_incident_feature *feature = &said.first.feature[i];
        check_near(feature->after - feature->before, 0.08, 0.02);
    }
    // The upper three of eight rows of tiles.
    check_near(said.first.region[1], 0, 0);
    check_near(said.first.region[2], 1, 0);
    check_near(said.first.region[3], 3.0 / 8, 0);
}

static void a_gradual_change_is_found_and_named(void **state)
{
    (void)state;
    struct said said = alarm_test(WORLD_GRADUAL, 600);
    assert_int_equal(said.count, 1);
    assert_string_equal(said.last.cause, "gradual");
    check_near(begun_s(&said.last), 60, 90);
}

static void a_single_feature_is_found_and_named(void **state)
{
    (void)state;
    struct said said = alarm_test(WORLD_SINGLE, 420);
    assert_string_equal(said.first.feature[0].name, "saturation_mean");
}

// No single value changes its distribution, but a pair no longer goes together.
static void a_butterfly_is_found(void **state)
{
    (void)state;
    struct said said = alarm_test(WORLD_BUTTERFLY, 3000);
    assert_true(is_among(&said.first, "gradient_energy") || is_among(&said.first, "entropy"));
    assert_non_null(strstr(said.first.text, "how its measures go together"));
}

// The first time is an alarm; the way back and the second time are not.
static void a_known_state_is_no_alarm(void **state)
{
    (void)state;
    struct ifl_drift_config settings = config();
    struct detector *detector = detector_create(DETECTOR_OURS, &settings);
    struct world world;
    struct score score;
    world_begin(&world, WORLD_RECURRING, 23);
    detector_run(detector, &world, world.change_s + 2.9 * world.period_s, &score);
    struct said *said = detector_said(detector);
    assert_int_equal(said->count, 1);
    assert_int_equal(said->recurring, 1);
    assert_string_equal(said->last.cause, "recurring");
    assert_int_equal(said->last.severity, IFL_SEVERITY_INFO);
    struct ifl_drift_status status;
    ifl_drift_status(detector_drift(detector), &status);
    assert_int_equal(status.states, 2);
    // Once accepted it is not even mentioned.
    ifl_drift_accept(detector_drift(detector));
    assert_int_equal(said->cleared, 2);
    detector_run(detector, &world, world.change_s + 4.9 * world.period_s, &score);
    assert_int_equal(said->count, 1);
    assert_int_equal(said->recurring, 1);
    detector_destroy(detector);
}

// A change of a thirtieth of a deviation is there, and does not matter.
static void what_is_below_the_tolerance_is_no_alarm(void **state)
{
    (void)state;
    struct said said;
    assert_true(passes(DETECTOR_OURS, WORLD_TINY, 0, &said));
    assert_false(passes(DETECTOR_ALWAYS, WORLD_TINY, 0, &said));
    assert_true(passes(DETECTOR_OURS, WORLD_NONE, 0, &said));
    assert_false(passes(DETECTOR_ALWAYS, WORLD_NONE, 0, &said));
    assert_false(passes(DETECTOR_PSI_10, WORLD_NONE, 0, &said)); // what others do
    assert_false(passes(DETECTOR_CUSUM, WORLD_NONE, 0, &said));
}

static void single_strange_frames_are_anomalies(void **state)
{
    (void)state;
    struct said said;
    assert_true(passes(DETECTOR_OURS, WORLD_ANOMALY, 0, &said));
    assert_in_range(said.anomalies, 14, 17); // one in five minutes over 1.2 hours
    assert_int_equal(said.count, 0);
}

// ---- what the profile may learn ----

static void feed(struct ifl_drift *drift, struct world *world, double seconds, double flat,
                 enum ifl_verdict given, uint64_t counts[2])
{
    struct ifl_features features;
    struct ifl_drift_input input;
    uint64_t end = world->frame + (uint64_t)(seconds * WORLD_RATE);
    while (world->frame < end) {
        world_next(world, &features, &input);
        input.verdict = given;
        if (flat > 0) { // garbage: nothing of the scene
            for (int f = 0; f < IFL_FEATURE_COUNT; f++)
                features.value[f] = ifl_feature_row((enum ifl_feature)f)->least;
            for (int t = 0; t < IFL_TILES * IFL_TILES; t++)
                features.tile_mean[t / IFL_TILES][t % IFL_TILES] = (float)flat;
        }
        counts[ifl_drift_take(drift, &input) == IFL_VERDICT_HELD]++;
    }
}

static void garbage_is_held_for_a_while(void **state)
{
    (void)state;
    struct ifl_drift_config settings = config();
    struct detector *detector = detector_create(DETECTOR_OURS, &settings);
    struct said *said = detector_said(detector);
    struct ifl_drift *drift = detector_drift(detector);
    struct world world;
    world_begin(&world, WORLD_NONE, 5);
    uint64_t normal[2] = {0}, garbage[2] = {0}, after[2] = {0}, camera[2] = {0};
    feed(drift, &world, 1.2 * HOUR, 0, IFL_VERDICT_GOOD, normal);
    assert_int_equal(normal[1], 0);
    feed(drift, &world, 120, 9, IFL_VERDICT_GOOD, garbage);
    assert_int_equal(garbage[0], 0); // not one of them is learned
    assert_int_equal(said->contaminated, 1);
    feed(drift, &world, 600, 0, IFL_VERDICT_GOOD, after);
    assert_int_equal(after[1], 0);
    feed(drift, &world, 60, 0, IFL_VERDICT_HELD, camera); // camera truth says so
    assert_int_equal(camera[0], 0);
    assert_int_equal(said->contaminated, 2);
    // A change that lasts is learned in the end, after five minutes ...
    memset(garbage, 0, sizeof garbage);
    feed(drift, &world, 900, 9, IFL_VERDICT_GOOD, garbage);
    check_near((double)garbage[1], 300 * WORLD_RATE, 10);
    // ... or at once, when somebody says that it is right.
    feed(drift, &world, 1200, 0, IFL_VERDICT_GOOD, after);
    memset(garbage, 0, sizeof garbage);
    feed(drift, &world, 20, 9, IFL_VERDICT_GOOD, garbage);
    ifl_drift_accept(drift);
    uint64_t accepted[2] = {0};
    feed(drift, &world, 20, 9, IFL_VERDICT_GOOD, accepted);
    assert_int_equal(accepted[1], 0);
    detector_destroy(detector);
}

// ---- commands and restarts ----

static void reset_forgets(void **state)
{
    (void)state;
    struct ifl_drift_config settings = config();
    struct detector *detector = detector_create(DETECTOR_OURS, &settings);
    struct world world;
    struct score score;
    struct ifl_drift_status status;
    world_begin(&world, WORLD_SUDDEN, 17);
    detector_run(detector, &world, 2 * HOUR, &score);
    ifl_drift_status(detector_drift(detector), &status);
    assert_true(status.states >= 1);
    ifl_drift_reset(detector_drift(detector));
    ifl_drift_status(detector_drift(detector), &status);
    assert_int_equal(status.states, 0);
    assert_int_equal(status.state, IFL_DRIFT_LEARNING);
    assert_int_equal(detector_said(detector)->cleared, 1);
    detector_run(detector, &world, 4 * HOUR, &score); // the new state is all there is
    assert_int_equal(detector_said(detector)->count, 1);
    detector_destroy(detector);
}

static void it_survives_a_restart(void **state)
{
    (void)state;
    char path[] = "/tmp/ifl-drift-XXXXXX";
    struct ifl_error error = {0};
    close(mkstemp(path));
    struct ifl_drift_config settings = config();
    struct detector *first = detector_create(DETECTOR_OURS, &settings);
    struct detector *second = detector_create(DETECTOR_OURS, &settings);
    struct world world;
    struct score score;
    struct ifl_drift_status status;
    world_begin(&world, WORLD_SUDDEN, 17);
    detector_run(first, &world, 0.9 * HOUR, &score);
    check_ok(ifl_drift_save(detector_drift(first), path, &error), error);
    check_ok(ifl_drift_load(detector_drift(second), path, &error), error);
    ifl_drift_status(detector_drift(second), &status);
    assert_int_equal(status.state, IFL_DRIFT_WATCHING); // it need not learn again
    detector_run(second, &world, 1.2 * HOUR, &score);
    assert_int_equal(score.false_alarms, 0);
    assert_true(score.delay_s < 420);
    // A damaged file changes nothing.
    FILE *file = fopen(path, "r+b");
    fseek(file, 5000, SEEK_SET);
    fputc(0x5a, file);
    fclose(file);
    assert_int_equal(ifl_drift_load(detector_drift(second), path, &error), IFL_ERR_CORRUPT);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(ifl_drift_load(detector_drift(second), path, &error), IFL_ERR_CORRUPT);
    assert_int_equal(truncate(path, 3), 0);
    assert_int_equal(ifl_drift_load(detector_drift(second), path, &error), IFL_ERR_CORRUPT);
    unlink(path);
    assert_int_equal(ifl_drift_load(detector_drift(second), path, &error), IFL_ERR_NOT_FOUND);
    ifl_drift_status(detector_drift(second), &status);
    assert_true(status.states >= 1);
    detector_destroy(first);
    detector_destroy(second);
}

// Bright days and dark nights: with the hours of the week as reference neither is a change.
static void seasons_are_no_change(void **state)
{
    (void)state;
    struct ifl_drift_config settings = config();
    settings.reference = IFL_DRIFT_SEASONAL;
    struct detector *detector = detector_create(DETECTOR_OURS, &settings);
    struct world world;
    struct ifl_features features;
    struct ifl_drift_input input;
    world_begin(&world, WORLD_NONE, 3);
    world.phi = 0; // one frame in twenty seconds
    const int frames = 16 * 24 * 180, late = 15 * 24 * 180;
    for (int i = 0; i < frames; i++) {
        world_next(&world, &features, &input);
        input.stream_ns = i * 20 * IFL_SECOND_NS;
        input.wall_ns = 1700000000 * (int64_t)IFL_SECOND_NS + input.stream_ns;
        double hour = fmod((double)i / 180, 24), day = cos(acos(-1) * hour / 12);
        features.value[IFL_FEATURE_brightness_mean] += 0.1 * day;
        features.value[IFL_FEATURE_contrast_mean] += 0.07 * day;
        if (i >= late) // the lamp stays on at night: small beside day and night
            features.value[IFL_FEATURE_brightness_mean] += 0.08;
        detector_take(detector, &input);
        if (i == late - 1)
            assert_int_equal(detector_said(detector)->count, 0);
    }
    assert_int_equal(detector_said(detector)->count, 1);
    assert_string_equal(detector_said(detector)->first.feature[0].name, "brightness_mean");
    detector_destroy(detector);
}

static void bad_settings_are_refused(void **state)
{
    (void)state;
    struct ifl_drift *drift;
    struct ifl_error error;
    struct ifl_drift_config settings = config();
    settings.false_alarm_days = 0;
    assert_int_equal(ifl_drift_create(&settings, &drift, &error), IFL_ERR_INVALID);
    settings = config();
    settings.tolerance = NAN;
    assert_int_equal(ifl_drift_create(&settings, &drift, &error), IFL_ERR_INVALID);
    settings = config();
    settings.learn_seconds = 1;
    assert_int_equal(ifl_drift_create(&settings, &drift, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "give a number"));
    ifl_drift_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sudden_change_is_found_and_named),
        cmocka_unit_test(a_gradual_change_is_found_and_named),
        cmocka_unit_test(a_single_feature_is_found_and_named),
        cmocka_unit_test(a_butterfly_is_found),
        cmocka_unit_test(a_known_state_is_no_alarm),
        cmocka_unit_test(what_is_below_the_tolerance_is_no_alarm),
        cmocka_unit_test(single_strange_frames_are_anomalies),
        cmocka_unit_test(garbage_is_held_for_a_while),
        cmocka_unit_test(reset_forgets),
        cmocka_unit_test(it_survives_a_restart),
        cmocka_unit_test(seasons_are_no_change),
        cmocka_unit_test(bad_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
