// SPDX-License-Identifier: Apache-2.0
// Events, loops, the memory and snapshots, and what the profiler does with bad input.
#include "support.h"

#include "core/profile.h"
#include "scenes.h"

enum { WIDTH = 336, HEIGHT = 252, CLASS = 4000 }; // base level 56x42

static const uint8_t colours[][3] = {
    {90, 100, 200}, {60, 190, 100}, {235, 128, 128}, {30, 128, 128}, {150, 60, 90}};

// Object `which` walks through the picture on its own line, in its own time.
static struct object walker(int which, int i)
{
    const uint8_t *colour = colours[which % 5];
    int x = -40 + (i - 20 - 25 * which) * (4 + which % 2);
    struct object object = {x, 12 + which % 3 * 78, 24, 60, {colour[0], colour[1], colour[2]}};
    return object;
}

static void feed_walkers(struct ifl_profiler *profiler, int walkers, int i, uint32_t loop)
{
    struct object objects[8];
    for (int w = 0; w < walkers; w++)
        objects[w] = walker(w, i);
    struct scene_view view = {.width = WIDTH,
                              .height = HEIGHT,
                              .object = objects,
                              .objects = walkers,
                              .noise = 3,
                              .seed = (uint64_t)i,
                              .number = (uint64_t)i,
                              .loop = loop};
    scene_feed(profiler, &view);
}

static void check_consistent(const struct ifl_profile *profile)
{
    int base = profile->levels - 1;
    int width = profile->level_width[base], height = profile->level_height[base];
    for (int m = 0; m < profile->memory_frames; m++) {
        const struct ifl_memory_frame *frame = profile->memory[m];
        int area[IFL_COMPONENTS_MAX + 1] = {0};
        if (m > 0)
            assert_true(profile->memory[m - 1]->media_index < frame->media_index);
        for (int i = 0; i < width * height; i++) {
            assert_true(frame->label[i] <= frame->components);
            area[frame->label[i]]++;
        }
        for (int c = 0; c < frame->components; c++) {
            assert_int_equal(area[c + 1], frame->component[c].area);
            assert_non_null(ifl_profile_event(profile, frame->component[c].event));
        }
    }
    for (int e = 1; e < profile->events; e++)
        assert_true(profile->event[e - 1].id < profile->event[e].id);
    for (int e = 0; e < profile->events; e++)
        assert_in_range(profile->event[e].identity, 1, profile->identities);
}

static void every_object_is_one_event(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    for (int i = 0; i < 230; i++)
        feed_walkers(profiler, 5, i, 0);
    struct ifl_profile *profile = scene_snapshot(profiler);
    check_consistent(profile);
    assert_int_equal(profile->events, 5);
    assert_in_range(profile->identities, 1, 5);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void a_looped_file_keeps_its_events(void **state)
{
    (void)state;
    enum { FRAMES = 150, LOOPS = 4 };
    struct ifl_profiler *profiler = scene_profiler(CLASS, 32, 200);
    for (uint32_t loop = 0; loop < LOOPS; loop++) {
        for (int i = 0; i < FRAMES; i++)
            feed_walkers(profiler, 3, i, loop);
        struct ifl_profile *profile = scene_snapshot(profiler);
        check_consistent(profile); // media indices rise, so that none is there twice
        assert_int_equal(profile->events, 3);
        for (int e = 0; e < profile->events; e++)
            assert_true(profile->event[e].frames <= FRAMES);
        ifl_profile_unref(profile);
    }
    ifl_profiler_destroy(profiler);
}

// Two meet, stay together as one blob, and part again the way they came.
static void who_meets_and_parts_keeps_the_event(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    for (int i = 0; i < 160; i++) {
        int apart = i < 60 ? 60 - i : i < 90 ? 0 : i - 90;
        struct object objects[2] = {{140 - 2 * apart, 90, 24, 66, {90, 100, 200}},
                                    {164 + 2 * apart, 90, 24, 66, {60, 190, 100}}};
        struct scene_view view = {.width = WIDTH,
                                  .height = HEIGHT,
                                  .object = objects,
                                  .objects = i < 20 ? 0 : 2,
                                  .noise = 3,
                                  .seed = (uint64_t)i,
                                  .number = (uint64_t)i};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    check_consistent(profile);
    assert_int_equal(profile->events, 2);
    uint32_t left[2] = {0};
    for (int m = 0; m < profile->memory_frames; m++) {
        const struct ifl_memory_frame *frame = profile->memory[m];
        int late = frame->media_index >= 90;
        for (int c = 0; c < frame->components; c++)
            if (frame->components == 2 && frame->component[c].x < 45)
                left[late] = frame->component[c].event;
    }
    assert_int_not_equal(left[0], 0);
    assert_int_equal(left[0], left[1]);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void who_stands_is_one_event(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 32, 1000);
    for (int i = 0; i < 150; i++) {
        int x = i < 50 ? -40 + 6 * (i - 20) : 140;
        struct object object = {i < 20 ? 400 : x, 90, 24, 66, {90, 100, 200}};
        struct scene_view view = {.width = WIDTH,
                                  .height = HEIGHT,
                                  .object = &object,
                                  .objects = 1,
                                  .noise = 3,
                                  .seed = (uint64_t)i,
                                  .number = (uint64_t)i};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    assert_int_equal(profile->events, 1);
    assert_int_equal(profile->event[0].last_index, 149);
    assert_true(profile->event[0].height_max >= 11);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

// One object is seen once, early; thousands of frames later the memory still shows it, and is still
// spread over the time.
static void the_memory_keeps_what_is_rare(void **state)
{
    (void)state;
    enum { FRAMES = 900 };
    struct ifl_profiler *profiler = scene_profiler(CLASS, 16, 400);
    for (int i = 0; i < FRAMES; i++) {
        struct object objects[2] = {{40 + 5 * (i - 30), 20, 24, 66, {235, 128, 128}},
                                    {i * 4 % 480 - 60, 150, 24, 66, {90, 100, 200}}};
        struct scene_view view = {.width = 112,
                                  .height = 84,
                                  .object = objects,
                                  .objects = 2,
                                  .noise = 3,
                                  .seed = (uint64_t)i,
                                  .number = (uint64_t)i};
        for (int o = 0; o < 2; o++) {
            objects[o].x /= 3;
            objects[o].y /= 3;
            objects[o].width /= 3;
            objects[o].height /= 3;
        }
        view.objects = 2;
        if (i < 25)
            objects[0].x = 400;
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    check_consistent(profile);
    assert_int_equal(profile->memory_frames, 16);
    int rare = 0, recent = 0;
    for (int m = 0; m < profile->memory_frames; m++) {
        rare += profile->memory[m]->media_index < 90;
        recent += profile->memory[m]->media_index >= FRAMES - 400;
    }
    assert_true(rare >= 1);
    assert_true(recent >= 6);
    uint64_t newest = profile->memory[profile->memory_frames - 1]->media_index;
    assert_true(newest >= FRAMES - 60);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static double weight_sum(const struct ifl_profile *profile)
{
    double sum = 0;
    for (int m = 0; m < profile->memory_frames; m++) {
        assert_true(profile->memory_weight[m] >= 0);
        sum += (double)profile->memory_weight[m];
    }
    return sum;
}

// A blue object is in one frame of twenty, in visits of ten; grey ones are in most. The memory is
// full of the blue one; by weight it shows it as often as the stream.
static void weights_give_what_is_rare_its_rate(void **state)
{
    (void)state;
    enum { FRAMES = 1600, VISIT = 10, PERIOD = 200 };
    struct ifl_profiler *profiler = scene_profiler(CLASS, 32, 800);
    for (int i = 0; i < FRAMES; i++) {
        int at = i % PERIOD - 100;
        struct object objects[2] = {{i * 3 % 180 - 40, 50, 8, 22, {90, 128, 128}},
                                    {10 + 8 * at, 8, 20, 14, {110, 230, 100}}};
        objects[0].colour[0] = (uint8_t)(20 + i * 3 / 180 * 37 % 60);
        struct scene_view view = {.width = 112,
                                  .height = 84,
                                  .object = objects,
                                  .objects = at >= 0 && at < VISIT ? 2 : 1,
                                  .noise = 3,
                                  .seed = (uint64_t)i,
                                  .number = (uint64_t)i};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    double share = 0, weight = 0;
    for (int m = 0; m < profile->memory_frames; m++) {
        int at = (int)(profile->memory[m]->media_index % PERIOD) - 100;
        bool rare = at >= 0 && at < VISIT;
        share += rare;
        weight += rare ? (double)profile->memory_weight[m] : 0;
    }
    share /= profile->memory_frames;
    assert_true(fabs(weight_sum(profile) - 1) < 1e-5);
    assert_true(share > 3.0 * VISIT / PERIOD);
    assert_true(weight > 0.6 * VISIT / PERIOD && weight < 1.6 * VISIT / PERIOD);
    ifl_profile_unref(profile);

    ifl_profiler_forget(profiler, 1700000000000000000 + (int64_t)(FRAMES - 100) * 100000000);
    profile = scene_snapshot(profiler);
    assert_true(profile->memory_frames > 0 && profile->memory_frames < 32);
    assert_true(fabs(weight_sum(profile) - 1) < 1e-5);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void the_same_frames_give_the_same_id(void **state)
{
    (void)state;
    struct ifl_profile *profile[3];
    for (int run = 0; run < 3; run++) {
        struct ifl_profiler *profiler = scene_profiler(CLASS, 32, 1000);
        for (int i = 0; i < 80 + run / 2; i++)
            feed_walkers(profiler, 2, i, 0);
        profile[run] = scene_snapshot(profiler);
        struct ifl_profile *again = scene_snapshot(profiler);
        assert_string_equal(profile[run]->id, again->id);
        ifl_profile_unref(again);
        ifl_profiler_destroy(profiler);
    }
    assert_string_equal(profile[0]->id, profile[1]->id);
    assert_string_not_equal(profile[0]->id, profile[2]->id);
    for (int run = 0; run < 3; run++)
        ifl_profile_unref(profile[run]);
}

static uint64_t sum_of(const struct ifl_profile *profile)
{
    uint64_t sum = 0;
    int base = profile->levels - 1;
    size_t pixels = (size_t)(profile->level_width[base] * profile->level_height[base]);
    for (int m = 0; m < profile->memory_frames; m++)
        for (size_t i = 0; i < pixels; i++)
            sum = sum * 31 + profile->memory[m]->label[i] + profile->memory[m]->level[base][3 * i];
    return sum;
}

static void a_snapshot_never_changes_and_outlives_the_profiler(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 16, 100);
    for (int i = 0; i < 60; i++)
        feed_walkers(profiler, 2, i, 0);
    struct ifl_profile *profile = scene_snapshot(profiler);
    uint64_t before = sum_of(profile);
    for (int i = 60; i < 160; i++) { // labels are made anew, frames leave and their buffers return
        feed_walkers(profiler, 4, i, 0);
        if (i % 20 == 0)
            ifl_profile_unref(scene_snapshot(profiler));
    }
    assert_true(sum_of(profile) == before);
    ifl_profiler_destroy(profiler);
    assert_true(sum_of(profile) == before);
    ifl_profile_unref(profile);
}

static void bad_configurations_are_refused(void **state)
{
    (void)state;
    const int bad[][3] = {{0, 64, 100},     {-1, 64, 100},     {2000000, 64, 100},
                          {36864, 15, 100}, {36864, 257, 100}, {36864, 64, 0},
                          {36864, 64, -5},  {36864, 0, 100},   {36864, 64, 2000000000},
                          {36864, -64, 100}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ifl_profiler_config config;
        struct ifl_profiler *profiler;
        struct ifl_error error = {0};
        ifl_profiler_config_init(&config);
        config.base_area = bad[i][0];
        config.memory_frames = bad[i][1];
        config.window_frames = bad[i][2];
        assert_int_equal(ifl_profiler_create(&config, &profiler, &error), IFL_ERR_INVALID);
        assert_null(profiler);
        assert_non_null(strstr(error.text, "give a number from"));
    }
}

static void bad_frames_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 16, 100);
    struct ifl_profile *profile;
    struct ifl_error error = {0};
    assert_int_equal(ifl_profiler_snapshot(profiler, &profile, &error), IFL_ERR_NOT_READY);
    assert_null(profile);
    struct scene_view view = {.width = 64, .height = 48};
    struct ifl_frame *frame = scene_frame(&view);
    frame->format = IFL_PIXEL_NV12;
    assert_int_equal(ifl_profiler_update(profiler, frame, &error), IFL_ERR_UNSUPPORTED);
    frame->format = IFL_PIXEL_YUV420P;
    frame->range = IFL_RANGE_LIMITED;
    assert_int_equal(ifl_profiler_update(profiler, frame, &error), IFL_ERR_UNSUPPORTED);
    frame->range = IFL_RANGE_FULL;
    const int bad[][2] = {{0, 48}, {64, -1}, {15, 48}, {100000, 48}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        frame->width = bad[i][0];
        frame->height = bad[i][1];
        assert_int_equal(ifl_profiler_update(profiler, frame, &error), IFL_ERR_UNSUPPORTED);
    }
    frame->width = 64;
    frame->height = 48;
    assert_int_equal(ifl_profiler_snapshot(profiler, &profile, &error), IFL_ERR_NOT_READY);
    check_ok(ifl_profiler_update(profiler, frame, &error), error);
    ifl_frame_unref(frame);
    ifl_profiler_destroy(profiler);
    ifl_profiler_destroy(NULL);
}

static void another_size_begins_anew(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 16, 100);
    for (int i = 0; i < 60; i++) {
        struct scene_view view = {.width = i < 30 ? 160 : 90,
                                  .height = i < 30 ? 120 : 160,
                                  .noise = 2,
                                  .number = (uint64_t)i};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    assert_int_equal(profile->source_width, 90);
    assert_true(profile->level_width[0] < profile->level_height[0]);
    for (int m = 0; m < profile->memory_frames; m++)
        assert_true(profile->memory[m]->media_index >= 30);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void held_frames_are_not_learned(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(64 * 36, 32, 100);
    struct ifl_error error = {0};
    struct ifl_features features;
    struct ifl_profile *profile;
    for (uint64_t i = 0; i < 60; i++) {
        struct scene_view view = {.width = 128, .height = 72, .number = i, .noise = 1};
        bool dark = i < 5 || (i >= 30 && i < 55);
        view.ground = dark ? -1 : 0;
        struct ifl_frame *frame = scene_frame(&view);
        check_ok(ifl_extract_statistics(frame, &features, &error), error);
        check_ok(ifl_profiler_take(profiler, frame, &features,
                                   dark ? IFL_VERDICT_HELD : IFL_VERDICT_GOOD, &error),
                 error);
        ifl_frame_unref(frame);
        if (i == 2)
            assert_int_equal(ifl_profiler_snapshot(profiler, &profile, &error), IFL_ERR_NOT_READY);
    }
    profile = scene_snapshot(profiler);
    assert_int_equal(profile->frames_seen, 60);
    assert_int_equal(profile->frames_profiled, 30);
    assert_int_equal(profile->window_frames, 30);
    for (int i = 0; i < profile->memory_frames; i++) {
        uint64_t number = profile->memory[i]->media_index;
        assert_true(number >= 5 && (number < 30 || number >= 55));
    }
    ifl_profile_unref(profile);
    check_ok(ifl_profiler_reset(profiler, &error), error);
    assert_int_equal(ifl_profiler_snapshot(profiler, &profile, &error), IFL_ERR_NOT_READY);
    scene_feed(profiler, &(struct scene_view){.width = 128, .height = 72});
    profile = scene_snapshot(profiler);
    assert_int_equal(profile->frames_seen, 1);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_object_is_one_event),
        cmocka_unit_test(a_looped_file_keeps_its_events),
        cmocka_unit_test(who_meets_and_parts_keeps_the_event),
        cmocka_unit_test(who_stands_is_one_event),
        cmocka_unit_test(the_memory_keeps_what_is_rare),
        cmocka_unit_test(weights_give_what_is_rare_its_rate),
        cmocka_unit_test(the_same_frames_give_the_same_id),
        cmocka_unit_test(a_snapshot_never_changes_and_outlives_the_profiler),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(bad_frames_are_refused_and_change_nothing),
        cmocka_unit_test(another_size_begins_anew),
        cmocka_unit_test(held_frames_are_not_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
