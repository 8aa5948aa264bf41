// SPDX-License-Identifier: Apache-2.0
// How much of the picture new objects take: as much as the stream's.
#include "objects_scene.h"

// What two people are who hide each other in part: a lump, wide in the middle.
static void draw_lump(struct ifl_memory_frame *frame, int left, int foot, int width, int height)
{
    frame->components = 0;
    memset((void *)frame->label, 0, AREA);
    fill_plate((uint8_t *)frame->level[0]);
    struct ifl_component *c = open_component(frame, 1);
    for (int y = 0; y < height; y++) {
        double half = width * (1 - 0.55 * fabs(2 * (y + 0.5) / height - 1)) / 2;
        for (int x = 0; x < width; x++) {
            if (fabs(x + 0.5 - width / 2.0) < half)
                add_pixel(frame, c, left + x, foot - height + y, 1);
        }
    }
}

// Two are placed, one on either side: not one in the middle, and nothing for what is left.
static void a_pair_becomes_two(void **state)
{
    (void)state;
    for (int width = 16; width <= 20; width++) {
        struct ifl_profile *profile = make_plaza(48, 16);
        draw_lump(profile->memory[20], 60, 90, width, 28);
        struct painting *painting = open_painting(profile);
        struct ifl_placement placement[PLACEMENTS_MAX];
        struct ifl_rng rng;
        ifl_rng_init(&rng, (uint64_t)width);
        int refused = 0;
        assert_int_equal(ifl_layout_place(painting->objects, 20, &rng, placement, &refused), 2);
        float apart = fabsf(placement[0].foot_x - placement[1].foot_x);
        float middle = (placement[0].foot_x + placement[1].foot_x) / 2;
        assert_true(apart > 5 && apart < 15);
        assert_true(fabsf(middle - 60 - (float)width / 2) < 4);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(placement[i].shows, SHOWS_SEVERAL);
            assert_true(fabsf(placement[i].foot_y - 90) < 8);
        }
        close_painting(painting, profile);
    }
}

static struct ifl_profile *make_tall(void)
{
    struct ifl_profile *profile = make_profile(48, 16);
    profile->memory_weight = calloc(48, sizeof *profile->memory_weight);
    for (int f = 0; f < 48; f++) {
        bool tall = f < 8; // a sixth of the frames, but four fifths of the time
        profile->memory_weight[f] = tall ? 0.8f / 8 : 0.2f / 40;
        int y = 60 + f % 7 * 7;
        for (int i = 0; i < 2; i++) {
            uint32_t event = (uint32_t)((f + 5 * i) % 16) + 1;
            draw(profile->memory[f], open_component(profile->memory[f], event), 30 + 80 * i, y,
                 (y / 4 + 6) * (tall ? 12 : 10) / 10, event);
        }
    }
    return profile;
}

static double square(double x)
{
    return x * x;
}

// Who is there most of the time is taller than most: the line through all heights is not the
// stream's.
static void people_are_as_large_as_the_stream_has_them(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_tall();
    struct painting *painting = open_painting(profile);
    double real = 0, made = 0, objects = 0;
    for (int f = 0; f < 48; f++)
        for (int i = 0; i < 2; i++)
            real += (double)profile->memory_weight[f] *
                    square(profile->memory[f]->component[i].height) / 2;
    for (uint64_t seed = 0; seed < 200; seed++) {
        paint(painting, 3, 0, seed);
        for (int i = 0; i < painting->audit.objects; i++, objects++)
            made += square((double)painting->record[i].placement.height);
    }
    assert_true(made / objects > 0.95 * real && made / objects < 1.05 * real);
    close_painting(painting, profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_becomes_two),
        cmocka_unit_test(people_are_as_large_as_the_stream_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
