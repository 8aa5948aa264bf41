// SPDX-License-Identifier: Apache-2.0
// The history of profiles: bounded, back to the start, honest about the spread.
#include "support.h"

#include "base/clock.h"
#include "pipeline/history.h"

static struct ifl_history_point at(int64_t second)
{
    return (struct ifl_history_point){.wall_ns = second * IFL_SECOND_NS,
                                      .frames = (uint64_t)second};
}

static void keeps_what_comes_slowly(void **state)
{
    (void)state;
    struct ifl_history *history = calloc(1, sizeof *history);
    struct ifl_history_point points[8], point;
    for (int i = 1; i <= 5; i++) {
        point = at(10 * i);
        ifl_history_add(history, &point);
    }
    assert_int_equal(ifl_history_read(history, points, 8), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(points[i].frames, 10 * (i + 1));
    assert_int_equal(ifl_history_read(history, points, 2), 2); // the newest
    assert_int_equal(points[0].frames, 40);
    assert_int_equal(points[1].frames, 50);
    free(history);
}

static void what_comes_quickly_takes_the_last_place(void **state)
{
    (void)state;
    struct ifl_history *history = calloc(1, sizeof *history);
    struct ifl_history_point points[8], point;
    for (int i = 0; i < 100; i++) { // 2 s in steps of 20 ms
        point = (struct ifl_history_point){.wall_ns = i * 20 * IFL_MILLISECOND_NS,
                                           .frames = (uint64_t)i};
        ifl_history_add(history, &point);
    }
    int count = ifl_history_read(history, points, 8);
    assert_in_range(count, 2, 4);
    assert_int_equal(points[0].frames, 0);
    assert_int_equal(points[count - 1].frames, 99);
    free(history);
}

static void reaches_back_to_the_start_in_bounded_room(void **state)
{
    (void)state;
    struct ifl_history *history = calloc(1, sizeof *history);
    struct ifl_history_point *points = calloc(IFL_HISTORY_MAX, sizeof *points), point;
    const int last = 100000;
    for (int i = 1; i <= last; i++) {
        point = at(i);
        ifl_history_add(history, &point);
    }
    int count = ifl_history_read(history, points, IFL_HISTORY_MAX);
    assert_in_range(count, IFL_HISTORY_MAX / 2 - 1, IFL_HISTORY_MAX);
    assert_true(points[0].frames < last / 100);
    assert_int_equal(points[count - 1].frames, last);
    int64_t widest = 0;
    for (int i = 1; i < count; i++) {
        int64_t step = points[i].wall_ns - points[i - 1].wall_ns;
        assert_true(step > 0);
        widest = step > widest ? step : widest;
    }
    assert_true(widest < 4 * last * IFL_SECOND_NS / (IFL_HISTORY_MAX / 2)); // no hole in it
    free(points);
    free(history);
}

static void a_clock_that_jumps_back_stops_nothing(void **state)
{
    (void)state;
    struct ifl_history *history = calloc(1, sizeof *history);
    struct ifl_history_point points[8], point;
    static const int64_t second[] = {1000, 2000, 10, 20, 30};
    for (int i = 0; i < 5; i++) {
        point = at(second[i]);
        ifl_history_add(history, &point);
    }
    assert_int_equal(ifl_history_read(history, points, 8), 5);
    free(history);
}

static void a_point_tells_mean_and_spread(void **state)
{
    (void)state;
    struct ifl_profile profile = {.created_wall_ns = 7, .frames_profiled = 20, .memory_frames = 20};
    struct ifl_memory_frame frame[20] = {{0}};
    struct ifl_memory_frame *memory[20];
    for (int i = 0; i < 20; i++) {
        frame[i].components = 19 - i;
        memory[i] = &frame[i];
    }
    profile.memory = memory;
    profile.occupancy.count_mean = 9.5;
    profile.occupancy.rate = 0.95;
    struct ifl_feature_stats *stats = &profile.feature[IFL_FEATURE_brightness_mean];
    stats->mean = 0.25;
    for (int i = 0; i < IFL_QUANTILES; i++)
        stats->quantile[i] = i / 32.0;
    struct ifl_history_point point;
    ifl_history_point(&profile, &point);
    assert_int_equal(point.wall_ns, 7);
    assert_int_equal(point.frames, 20);
    check_near(point.occupancy_rate, 0.95, 1e-9);
    check_near(point.value[IFL_HISTORY_BRIGHTNESS].mean, 0.25, 1e-9);
    check_near(point.value[IFL_HISTORY_BRIGHTNESS].p05, 0.05, 1e-9);
    check_near(point.value[IFL_HISTORY_BRIGHTNESS].p95, 0.95, 1e-9);
    check_near(point.value[IFL_HISTORY_OBJECTS].mean, 9.5, 1e-9);
    check_near(point.value[IFL_HISTORY_OBJECTS].p05, 0, 0);
    check_near(point.value[IFL_HISTORY_OBJECTS].p95, 18, 0);
    assert_string_equal(ifl_history_name(IFL_HISTORY_SHARPNESS), "laplacian_variance");
    profile.memory_frames = 0; // statistics only
    ifl_history_point(&profile, &point);
    check_near(point.value[IFL_HISTORY_OBJECTS].p95, 9.5, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_comes_slowly),
        cmocka_unit_test(what_comes_quickly_takes_the_last_place),
        cmocka_unit_test(reaches_back_to_the_start_in_bounded_room),
        cmocka_unit_test(a_clock_that_jumps_back_stops_nothing),
        cmocka_unit_test(a_point_tells_mean_and_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
