// SPDX-License-Identifier: Apache-2.0
// Whom layouts show, and how often: each as often as the frames show him, nobody twice.
#include "support.h"

#include <math.h>

#include "generate/layout.h"
#include "make_profile.h"

enum { FRAMES = 40, LAYOUTS = 400, PEOPLE = 4 };

struct world {
    struct ifl_profile *profile;
    struct ifl_memory *memory;
    struct ifl_layout layout;
    int height;
};

// Two who look alike and walk at the same time, one who comes a second time as another event, and
// one who is there for half of the time. Nobody is ever in another's way.
static int make_world(void **state)
{
    static struct world world;
    struct made_object object[PEOPLE + 1];
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = FRAMES,
                                 .objects = PEOPLE + 1,
                                 .object = object,
                                 .noise = 1,
                                 .seed = 5};
    int width;
    made_base_size(&config, &width, &world.height);
    for (int i = 0; i <= PEOPLE; i++)
        object[i] = (struct made_object){.event = (uint32_t)i + 1,
                                         .identity = (uint32_t)i + 1,
                                         .last = FRAMES - 1,
                                         .x = i % 2 ? width - 20 : 20,
                                         .y = world.height * (i + 1) / PEOPLE - 4,
                                         .step_x = (i % 2 ? -1.0 : 1.0) * (width - 40) / FRAMES,
                                         .width = 9,
                                         .height = 22,
                                         .rgb = {20, 30, (uint8_t)(40 * i)}};
    object[1].identity = object[0].identity;
    object[2].last = FRAMES / 2 - 1;
    object[3].last = FRAMES / 2 - 1;
    object[4] = object[2];
    object[4].event = PEOPLE + 1;
    object[4].first = FRAMES / 2;
    object[4].last = FRAMES - 1;
    struct ifl_error error = {0};
    world.profile = make_profile(&config);
    if (!world.profile || ifl_memory_create(world.profile, &world.memory, &error) != IFL_OK ||
        ifl_layout_init(&world.layout, world.memory, &error) != IFL_OK)
        return -1;
    *state = &world;
    return 0;
}

static int drop_world(void **state)
{
    struct world *world = *state;
    ifl_layout_fini(&world->layout);
    ifl_memory_destroy(world->memory);
    ifl_profile_unref(world->profile);
    return 0;
}

// Each walks in a band of rows of his own.
static void count_people(const struct world *world, int shown[PEOPLE])
{
    const struct ifl_layout *layout = &world->layout;
    const struct ifl_grid *grid = &world->memory->grid[ifl_base_level(world->memory)];
    for (int person = 0; person < PEOPLE; person++) {
        shown[person] = 0;
        for (int f = 0; f < FRAMES; f++) {
            const struct ifl_memory_frame *frame = world->profile->memory[f];
            for (int i = 0; i < frame->components; i++) {
                const struct ifl_component *c = &frame->component[i];
                int x = c->x + c->width / 2, y = c->y + c->height / 2;
                shown[person] += y * PEOPLE / world->height == person &&
                                 layout->frame[y * grid->width + x] == f &&
                                 layout->taken[y * grid->width + x];
            }
        }
    }
}

static void everybody_is_shown_as_often_as_he_was_seen(void **state)
{
    struct world *world = *state;
    struct ifl_layout_config config = {0};
    int shown[PEOPLE], half = 0;
    for (uint64_t seed = 0; seed < LAYOUTS; seed++) {
        struct ifl_rng rng;
        ifl_rng_init(&rng, seed);
        ifl_layout_make(world->memory, &config, &rng, &world->layout);
        count_people(world, shown);
        assert_int_equal(shown[0], 1); // who is in every frame is in every layout, and once
        assert_int_equal(shown[1], 1);
        assert_int_equal(shown[2], 1);
        assert_in_range(shown[3], 0, 1);
        half += shown[3];
        assert_int_equal(world->layout.objects, 3 + shown[3]);
    }
    assert_true(fabs((double)half / LAYOUTS - 0.5) < 0.08); // three standard deviations
}

static void fewer_are_asked_for_and_fewer_are_shown(void **state)
{
    struct world *world = *state;
    struct ifl_layout_config config = {.occupancy_weight = -1};
    int objects = 0;
    for (uint64_t seed = 0; seed < LAYOUTS; seed++) {
        struct ifl_rng rng;
        ifl_rng_init(&rng, seed);
        ifl_layout_make(world->memory, &config, &rng, &world->layout);
        objects += world->layout.objects;
    }
    assert_true(objects < 3 * LAYOUTS * 0.6);
    assert_true(objects > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_shown_as_often_as_he_was_seen),
        cmocka_unit_test(fewer_are_asked_for_and_fewer_are_shown),
    };
    return cmocka_run_group_tests(tests, make_world, drop_world);
}
