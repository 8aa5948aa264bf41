// SPDX-License-Identifier: Apache-2.0
// Objects where the profile is thin, cut, too large or broken.
#include "objects_scene.h"

static void too_few_identities_leave_the_plate(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 8);
    struct painting *painting = open_painting(profile);
    paint(painting, 3, 0, 1);
    assert_string_equal(painting->audit.note, "plate only: 8 recorded tracks, 9 needed");
    assert_int_equal(painting->audit.objects, 0);
    assert_int_equal(painting->audit.objects_refused, 2);
    assert_int_equal(changed_pixels(painting->canvas), 0);
    paint(painting, 2, 0, 1);
    assert_int_equal(painting->audit.objects, 2);
    assert_string_equal(painting->audit.note, "");
    close_painting(painting, profile);
}

static void an_identity_counts_once(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    for (int e = 0; e < 12; e++) // twelve tracks of four people
        ((struct ifl_event *)profile->event)[e].identity = (uint32_t)e % 4 + 1;
    struct painting *painting = open_painting(profile);
    paint(painting, 2, 0, 1);
    assert_string_equal(painting->audit.note, "plate only: 4 recorded tracks, 6 needed");
    close_painting(painting, profile);
}

static void large_objects_are_refused(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    for (int f = 0; f < 32; f++) {
        struct ifl_memory_frame *memory = profile->memory[f];
        memory->components = 0;
        struct ifl_component *c = open_component(memory, 1);
        for (int i = 0; i < 30 * 115; i++)
            add_pixel(memory, c, 60 + i % 30, 2 + i / 30, 7);
    }
    for (int f = 0; f < 24; f++) // enough others for the rest of the rules
        add_person(profile, f, (uint32_t)f % 12 + 1, 20, 90);
    struct painting *painting = open_painting(profile);
    paint(painting, 2, 0, 1);
    assert_int_equal(painting->audit.objects_refused, 1);
    assert_string_equal(painting->audit.note, "left out: 1 objects above 110 pixels");
    close_painting(painting, profile);
}

static void objects_at_the_border_are_replaced(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(40, 12);
    for (int f = 24; f < 40; f++) {
        struct ifl_memory_frame *memory = profile->memory[f];
        memory->components = 0;
        memset((void *)memory->label, 0, AREA);
        add_person(profile, f, (uint32_t)f % 12 + 1, 1, 70 + f % 5);
        add_person(profile, f, (uint32_t)(f + 1) % 12 + 1, WIDTH - 2, 80);
        add_person(profile, f, (uint32_t)(f + 2) % 12 + 1, 80, HEIGHT + 12);
        add_person(profile, f, (uint32_t)(f + 3) % 12 + 1, 40, 12);
    }
    for (int f = 0; f < 24; f++)
        ((struct ifl_component *)profile->memory[f]->component)->edges = 0;
    struct painting *painting = open_painting(profile);
    int objects = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        paint(painting, 3, 3, seed);
        objects += painting->audit.objects;
        assert_int_equal(painting->audit.objects_refused, 0);
    }
    assert_true(objects > 40 * 3);
    close_painting(painting, profile);
}

static void hostile_components_are_survived(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    const struct ifl_component hostile[] = {
        {.x = -5, .y = 3, .width = 10, .height = 10, .area = 50, .event = 1},
        {.x = 3, .y = 3, .width = 0, .height = 10, .area = 50, .event = 1},
        {.x = 3, .y = 3, .width = 10, .height = -1, .area = 50, .event = 1},
        {.x = WIDTH - 3, .y = 3, .width = 10, .height = 10, .area = 50, .event = 1},
        {.x = INT32_MAX, .y = INT32_MAX, .width = INT32_MAX, .height = 9, .area = 1, .event = 2},
        {.x = 3, .y = 3, .width = 10, .height = 20, .area = INT32_MAX, .event = 2},
        {.x = 3, .y = 3, .width = 100, .height = 100, .area = 1, .event = 3},
        {.x = 0, .y = 0, .width = WIDTH, .height = HEIGHT, .area = AREA, .edges = 15, .event = 4},
        {.x = 50, .y = 50, .width = 10, .height = 20, .area = 100, .event = 4711},
        {.x = 50, .y = 50, .width = WIDTH, .height = 1, .area = WIDTH, .event = 0},
        {.x = 0, .y = 50, .width = WIDTH, .height = 1, .area = WIDTH, .edges = 3, .event = 5},
    };
    for (int f = 0; f < 32; f++) {
        struct ifl_component *c = (struct ifl_component *)profile->memory[f]->component;
        memcpy(&c[2], hostile, sizeof hostile);
        profile->memory[f]->components = 2 + (int)(sizeof hostile / sizeof *hostile);
    }
    struct painting *painting = open_painting(profile);
    for (uint64_t seed = 0; seed < 40; seed++) {
        paint(painting, 3, 0, seed);
        assert_true(painting->audit.objects >= 1);
    }
    close_painting(painting, profile);
}

static void slots_of_unknown_identity_are_refused(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    for (int f = 0; f < 32; f++)
        ((struct ifl_component *)profile->memory[f]->component)[0].event = 4711;
    struct painting *painting = open_painting(profile);
    for (uint64_t seed = 0; seed < 10; seed++) {
        paint(painting, 2, 0, seed);
        assert_int_equal(painting->audit.objects, 1);
        assert_int_equal(painting->audit.objects_refused, 1);
        assert_string_equal(painting->audit.note,
                            "left out: 1 objects that fewer than 2 others fit");
    }
    close_painting(painting, profile);
}

static void empty_profiles_are_survived(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_profile(16, 0);
    struct painting *painting = open_painting(profile);
    paint(painting, 3, 1, 1);
    assert_string_equal(painting->audit.note, "plate only: 0 recorded tracks, 9 needed");
    assert_int_equal(changed_pixels(painting->canvas), 0);
    close_painting(painting, profile);

    struct ifl_objects *objects = NULL;
    struct ifl_error error;
    profile = make_profile(0, 0);
    assert_int_equal(ifl_objects_create(profile, &objects, &error), IFL_ERR_NOT_READY);
    assert_null(objects);
    profile->levels = 0;
    assert_int_equal(ifl_objects_create(profile, &objects, &error), IFL_ERR_NOT_READY);
    ifl_objects_destroy(objects);
    free((void *)profile->plate[0]);
    profile->plate[0] = NULL;
    ifl_profile_unref(profile);
}

static void k_has_a_range(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(32, 12);
    struct painting *painting = open_painting(profile);
    const int ks[] = {-1, 0, 1, 65, INT32_MAX};
    for (int i = 0; i < 5; i++) {
        struct ifl_rng rng;
        ifl_rng_init(&rng, 1);
        assert_int_equal(ifl_objects_paint(painting->objects, ks[i], 0, &rng, painting->canvas,
                                           &painting->audit, &painting->error),
                         IFL_ERR_INVALID);
    }
    assert_non_null(strstr(painting->error.text, "2 to 64"));
    close_painting(painting, profile);
}

static void largest_k_works(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_plaza(200, 200);
    struct painting *painting = open_painting(profile);
    paint(painting, 64, 0, 1);
    assert_int_equal(painting->audit.objects, 2);
    assert_int_equal(painting->record[0].body.count, 64);
    close_painting(painting, profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_identities_leave_the_plate),
        cmocka_unit_test(an_identity_counts_once),
        cmocka_unit_test(large_objects_are_refused),
        cmocka_unit_test(objects_at_the_border_are_replaced),
        cmocka_unit_test(hostile_components_are_survived),
        cmocka_unit_test(slots_of_unknown_identity_are_refused),
        cmocka_unit_test(empty_profiles_are_survived),
        cmocka_unit_test(k_has_a_range),
        cmocka_unit_test(largest_k_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
