// SPDX-License-Identifier: Apache-2.0
// Plate, light and foreground against scenes whose truth is known.
#include "support.h"

#include "base/hash.h"
#include "profile/photometry.h"
#include "scenes.h"

enum { WIDTH = 336, HEIGHT = 252, CLASS = 10000, SCALE = 3 }; // base level 112x84

static const uint8_t red[] = {90, 100, 200}, blue[] = {60, 180, 100}, white[] = {235, 128, 128};

static struct object make_object(int x, int y, int width, int height, const uint8_t *colour)
{
    struct object object = {x, y, width, height, {colour[0], colour[1], colour[2]}};
    return object;
}

static struct scene_view make_view(const struct object *object, int objects, int number)
{
    struct scene_view view = {.width = WIDTH,
                              .height = HEIGHT,
                              .object = object,
                              .objects = objects,
                              .noise = 3,
                              .seed = (uint64_t)number,
                              .number = (uint64_t)number};
    return view;
}

static void the_plate_has_no_people(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    struct scene_view view = make_view(NULL, 0, 0);
    for (int i = 0; i < 300; i++) {
        // One walks through all the time; one comes at 60, stands for 40 % of the time, and goes.
        int stands = i < 60 ? 400 : i < 180 ? 200 : 200 + 6 * (i - 180);
        struct object objects[] = {make_object(-30 + i * 3 % 420, 60, 24, 66, red),
                                   make_object(stands, 120, 27, 75, blue)};
        view = make_view(objects, 2, i);
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    double mean;
    int most;
    scene_plate_error(profile, view, &mean, &most);
    check_near(mean, 0, 1.5);
    check_near(most, 0, 12);
    assert_true(profile->occupancy.rate > 0.85);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void who_was_there_from_the_start_is_cleared_when_he_goes(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    struct scene_view view = make_view(NULL, 0, 0);
    struct ifl_profile *profile = NULL;
    for (int i = 0; i < 260; i++) {
        struct object object = make_object(i < 150 ? 150 : 150 + 5 * (i - 150), 90, 27, 75, blue);
        view = make_view(&object, 1, i);
        scene_feed(profiler, &view);
        if (i != 200 && i != 259)
            continue;
        // Soon after he has left his place, and still when the memory has been learned from.
        double mean;
        int most;
        profile = scene_snapshot(profiler);
        scene_plate_error(profile, view, &mean, &most);
        check_near(mean, 0, 1.5);
        check_near(most, 0, 25);
        ifl_profile_unref(profile);
    }
    ifl_profiler_destroy(profiler);
}

static int close_to(const struct ifl_component *c, const struct object *o)
{
    return abs(c->x - o->x / SCALE) <= 3 && abs(c->y - o->y / SCALE) <= 3 &&
           abs(c->x + c->width - (o->x + o->width) / SCALE) <= 3 &&
           abs(c->y + c->height - (o->y + o->height) / SCALE) <= 3;
}

// Also in the first frames, which came when the plate still showed the objects.
static void components_are_where_the_objects_are(void **state)
{
    (void)state;
    enum { WALK = 120, STAND = 80 };
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    struct object objects[WALK + STAND][3];
    for (int i = 0; i < WALK + STAND; i++) {
        int at = 2 * (i < WALK ? i : WALK);
        objects[i][0] = make_object(12 + at, 18, 24, 60, red);
        objects[i][1] = make_object(270 - at, 110, 24, 60, blue);
        objects[i][2] = make_object(285, i < 60 ? 270 : 150, 30, 54, white);
        struct scene_view view = make_view(objects[i], 3, i);
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    int checked = 0;
    for (int m = 0; m < profile->memory_frames; m++) {
        const struct ifl_memory_frame *frame = profile->memory[m];
        int i = (int)frame->media_index, wanted = i < 60 ? 2 : 3;
        assert_int_equal(frame->components, wanted);
        for (int o = 0; o < wanted; o++) {
            int hits = 0;
            for (int c = 0; c < frame->components; c++)
                hits += close_to(&frame->component[c], &objects[i][o]);
            if (hits != 1)
                fail_msg("frame %d, object %d: %d components are there", i, o, hits);
        }
        checked++;
    }
    assert_true(checked > 20);
    assert_int_equal(profile->events, 3);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void less_light_is_no_foreground(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    struct object object = make_object(100, 60, 27, 75, red);
    struct scene_view view;
    for (int i = 0; i < 120; i++) {
        view = make_view(&object, i >= 40, i);
        view.gain = i < 60 ? 1 : i < 90 ? 0.7 : 0.7 + 0.01 * (i - 90); // a step, then slowly back
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    for (int m = 0; m < profile->memory_frames; m++) {
        const struct ifl_memory_frame *frame = profile->memory[m];
        if (frame->media_index < 16)
            continue;
        assert_int_equal(frame->components, frame->media_index >= 40);
        if (frame->media_index < 60 || frame->media_index >= 90)
            continue;
        for (int c = 0; c < 3; c++)
            check_near((double)frame->gain[c], 0.7, 0.03);
    }
    double mean;
    int most;
    view.gain = 1;
    scene_plate_error(profile, view, &mean, &most);
    check_near(mean, 0, 1.5);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

// A lamp over the left of the picture: before local light was known, all that it lit was an object.
static void a_lamp_over_half_of_the_picture_is_no_foreground(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 64, 1000);
    struct object object = make_object(60, 60, 27, 75, red);
    struct scene_view view;
    for (int i = 0; i < 120; i++) {
        object.x = 40 + 2 * i;
        view = make_view(&object, 1, i);
        if (i >= 40 && i < 80)
            view.part = (struct part_light){1.35, .4, .6};
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    int lit = 0;
    for (int m = 0; m < profile->memory_frames; m++) {
        const struct ifl_memory_frame *frame = profile->memory[m];
        bool on = frame->media_index >= 40 && frame->media_index < 80;
        if (frame->media_index < 16)
            continue;
        assert_int_equal(frame->components, 1);
        lit += on;
        for (int y = 0; y < IFL_LIGHT_DOWN; y++)
            for (int x = 0; x < IFL_LIGHT_ACROSS; x++) {
                struct part_light part = {on ? 1.35 : 1, .4, .6};
                double gain = scene_part_gain(&part, (x + .5) / IFL_LIGHT_ACROSS);
                bool edge = x > 4 && x < 11; // there it is something in between
                for (int c = 0; c < 3; c++)
                    check_near((double)frame->gain[c] * (1 + frame->local.cell[y][x][c] / 4096.0),
                               edge && on ? 1.175 : gain, edge && on ? 0.2 : 0.03);
            }
    }
    assert_true(lit > 10);
    double mean;
    int most;
    scene_plate_error(profile, view, &mean, &most);
    check_near(mean, 0, 1.5);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void another_scene_is_learned_anew(void **state)
{
    (void)state;
    struct ifl_profiler *profiler = scene_profiler(CLASS, 32, 1000);
    struct object object = make_object(100, 60, 27, 75, red);
    struct scene_view view = make_view(NULL, 0, 0);
    for (int i = 0; i < 140; i++) {
        object.x = 2 * i;
        view = make_view(&object, 1, i);
        view.ground = i < 60 ? 0 : 5; // the camera was turned
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    double mean;
    int most;
    scene_plate_error(profile, view, &mean, &most);
    check_near(mean, 0, 1.5);
    assert_true(profile->memory_frames >= 16);
    for (int m = 0; m < profile->memory_frames; m++)
        assert_true(profile->memory[m]->media_index >= 60); // nothing of the old scene is left
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void light_is_found_in_spite_of_objects(void **state)
{
    (void)state;
    enum { PIXELS = 2000, OBJECT = 600 };
    static uint8_t plate[3 * PIXELS], raw[3 * PIXELS], back[3 * PIXELS];
    static float scratch[3 * PIXELS];
    const double gain[] = {0.7, 1.2, 0.9}, offset[] = {10, -5, 0};
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < 3; c++) {
            plate[3 * i + c] = (uint8_t)(30 + ifl_hash_mix((uint64_t)(3 * i + c)) % 150);
            double lit = gain[c] * plate[3 * i + c] + offset[c];
            raw[3 * i + c] = (uint8_t)(i < OBJECT ? 240 : lit + 0.5);
        }
    struct ifl_photometry light;
    ifl_photometry_fit(raw, plate, PIXELS, scratch, &light);
    for (int c = 0; c < 3; c++) {
        check_near((double)light.gain[c], gain[c], 0.01);
        check_near((double)light.offset[c], offset[c], 1);
    }
    ifl_photometry_remove(&light, raw, PIXELS, back);
    for (int i = 3 * OBJECT; i < 3 * PIXELS; i++)
        check_near(back[i], plate[i], 2);
}

static void light_of_a_constant_plate_is_an_offset(void **state)
{
    (void)state;
    static uint8_t plate[300], raw[300];
    static float scratch[300];
    struct ifl_photometry light;
    memset(plate, 100, sizeof plate);
    memset(raw, 130, sizeof raw);
    ifl_photometry_fit(raw, plate, 100, scratch, &light);
    check_near((double)light.gain[0], 1, 1e-6);
    check_near((double)light.offset[0], 30, 1e-3);
    memset(raw, 255, sizeof raw); // all clipped: nothing can be said
    ifl_photometry_fit(raw, plate, 100, scratch, &light);
    check_near((double)light.gain[0], 1, 0);
    check_near((double)light.offset[0], 0, 0);
}

static void a_size_is_profiled(int width, int height, int ground)
{
    struct ifl_profiler *profiler = scene_profiler(CLASS, 16, 100);
    struct object object = make_object(width / 3, height / 3, width / 6 + 1, height / 3, red);
    for (int i = 0; i < 40; i++) {
        struct scene_view view = make_view(&object, i >= 20 && ground >= 0, i);
        view.width = width;
        view.height = height;
        view.ground = ground;
        view.noise = ground < 0 ? 0 : 2;
        scene_feed(profiler, &view);
    }
    struct ifl_profile *profile = scene_snapshot(profiler);
    assert_in_range(profile->memory_frames, 16, 16);
    int base = profile->levels - 1;
    double aspect = (double)profile->level_width[base] / profile->level_height[base];
    double clamped = fmin(fmax((double)width / height, 1.0 / 8), 8);
    check_near(aspect / clamped, 1, 0.15);
    int last = profile->memory[profile->memory_frames - 1]->components;
    if (last != (ground >= 0))
        fail_msg("%dx%d: %d components", width, height, last);
    ifl_profile_unref(profile);
    ifl_profiler_destroy(profiler);
}

static void odd_sizes_are_profiled(void **state)
{
    (void)state;
    a_size_is_profiled(IFL_FRAME_SIDE_MIN, IFL_FRAME_SIDE_MIN, 0);
    a_size_is_profiled(17, 31, 0);
    a_size_is_profiled(135, 240, 0);  // portrait
    a_size_is_profiled(480, 120, 0);  // panorama
    a_size_is_profiled(1601, 16, 0);  // beyond 8:1
    a_size_is_profiled(160, 120, -1); // constant
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plate_has_no_people),
        cmocka_unit_test(who_was_there_from_the_start_is_cleared_when_he_goes),
        cmocka_unit_test(components_are_where_the_objects_are),
        cmocka_unit_test(less_light_is_no_foreground),
        cmocka_unit_test(a_lamp_over_half_of_the_picture_is_no_foreground),
        cmocka_unit_test(another_scene_is_learned_anew),
        cmocka_unit_test(light_is_found_in_spite_of_objects),
        cmocka_unit_test(light_of_a_constant_plate_is_an_offset),
        cmocka_unit_test(odd_sizes_are_profiled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
