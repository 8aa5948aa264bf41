// SPDX-License-Identifier: Apache-2.0
// Pictures of a span of time leave a profile, a file and a profiler.
#include "support.h"

#include <unistd.h>

#include "profile/erase.h"
#include "scenes.h"

#define START_NS INT64_C(1700000000000000000)
#define STEP_NS  INT64_C(100000000)

static struct ifl_profiler *watch(int frames)
{
    struct ifl_profiler *profiler = scene_profiler(600, 64, 100);
    for (int i = 0; i < frames; i++) {
        struct object object = {3 * i - 40, 30, 24, 60, {90, 100, 200}};
        struct scene_view view = {.width = 128,
                                  .height = 96,
                                  .object = &object,
                                  .objects = 1,
                                  .noise = 2,
                                  .seed = (uint64_t)i,
                                  .number = (uint64_t)i};
        scene_feed(profiler, &view);
    }
    return profiler;
}

// Each component's event has its row, and each row a picture that shows it.
static void check_events(const struct ifl_profile *profile)
{
    bool shown[256] = {false};
    assert_true(profile->events < 256);
    for (int i = 0; i < profile->memory_frames; i++)
        for (int c = 0; c < profile->memory[i]->components; c++) {
            const struct ifl_event *event =
                ifl_profile_event(profile, profile->memory[i]->component[c].event);
            assert_non_null(event);
            shown[event - profile->event] = true;
        }
    for (int e = 0; e < profile->events; e++)
        assert_true(shown[e]);
    assert_true(profile->identities <= profile->events);
}

static void a_span_leaves_a_profile(void **state)
{
    (void)state;
    struct ifl_error error;
    struct ifl_profiler *profiler = watch(50);
    struct ifl_profile *whole = scene_snapshot(profiler), *rest, *none, *again;
    ifl_profiler_destroy(profiler);
    int64_t from_ns = START_NS + 10 * STEP_NS, to_ns = START_NS + 30 * STEP_NS;
    int inside = ifl_profile_count_span(whole, from_ns, to_ns);
    assert_true(inside > 0 && inside < whole->memory_frames);
    check_ok(ifl_profile_without(whole, from_ns, to_ns, &rest, &error), error);
    assert_int_equal(rest->memory_frames, whole->memory_frames - inside);
    assert_int_equal(ifl_profile_count_span(rest, from_ns, to_ns), 0);
    assert_non_null(scene_memory(whole, 10)); // the span's first is in it, its end is not
    assert_null(scene_memory(rest, 10));
    assert_non_null(scene_memory(rest, 9));
    assert_string_not_equal(rest->id, whole->id);
    assert_true(rest->frames_profiled == whole->frames_profiled);
    check_events(rest);
    float sum = 0;
    for (int i = 0; i < rest->memory_frames; i++)
        sum += rest->memory_weight[i];
    assert_true(fabsf(sum - 1) < 1e-4f);

    char path[64];
    snprintf(path, sizeof path, "/tmp/inferloop-erase-%d.iflprof", (int)getpid());
    check_ok(ifl_profile_save(rest, path, &error), error); // a whole file
    check_ok(ifl_profile_load(path, &again, &error), error);
    assert_string_equal(again->id, rest->id);
    assert_int_equal(again->identities, rest->identities);
    unlink(path);

    check_ok(ifl_profile_without(whole, INT64_MIN, INT64_MAX, &none, &error), error);
    assert_int_equal(none->memory_frames, 0);
    assert_int_equal(none->events, 0);
    ifl_profile_unref(whole); // the rest has its pictures of its own
    check_events(rest);
    assert_int_equal(rest->memory[0]->level[0][0], again->memory[0]->level[0][0]);
    ifl_profile_unref(rest);
    ifl_profile_unref(again);
    ifl_profile_unref(none);
}

static void a_profiler_forgets_and_goes_on(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = watch(50);
    ifl_profiler_forget(profiler, START_NS); // nothing is that old
    struct ifl_profile *whole = scene_snapshot(profiler);
    ifl_profiler_forget(profiler, START_NS + 40 * STEP_NS);
    struct ifl_profile *young = scene_snapshot(profiler);
    assert_true(young->memory_frames > 0 && young->memory_frames < whole->memory_frames);
    assert_int_equal(ifl_profile_count_span(young, INT64_MIN, START_NS + 40 * STEP_NS), 0);
    check_events(young);
    ifl_profiler_forget(profiler, INT64_MAX);
    struct ifl_profile *empty = scene_snapshot(profiler);
    assert_int_equal(empty->memory_frames, 0);
    for (uint64_t i = 50; i < 90; i++) {
        struct scene_view view = {.width = 128, .height = 96, .noise = 2, .seed = i, .number = i};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *full = scene_snapshot(profiler);
    assert_true(full->memory_frames > 10);
    check_events(full);
    ifl_profile_unref(whole);
    ifl_profile_unref(young);
    ifl_profile_unref(empty);
    ifl_profile_unref(full);
    ifl_profiler_destroy(profiler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_leaves_a_profile),
        cmocka_unit_test(a_profiler_forgets_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
