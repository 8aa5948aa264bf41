// SPDX-License-Identifier: Apache-2.0
// What is taken from a recorded object, and what becomes of the tones of several.
#include "objects_scene.h"

#include "generate/objects_internal.h"

enum { STEPS = 6, WALKERS = 4 };

// One walks to the right, one to the left, one to the camera, one is seen on either side in turns.
static struct ifl_profile *make_walk(void)
{
    struct ifl_profile *profile = make_profile(STEPS, WALKERS);
    for (int f = 0; f < STEPS; f++) {
        add_person(profile, f, 1, 20 + 8 * f, 60);
        add_person(profile, f, 2, 140 - 8 * f, 80);
        add_person(profile, f, 3, 80, 90 + 4 * f);
        add_person(profile, f, 4, f % 2 ? 140 : 20, 40);
    }
    return profile;
}

static void who_walks_where_is_known(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walk();
    struct painting *painting = open_painting(profile);
    const int wanted[WALKERS] = {1, -1, 0, 0};
    const struct ifl_objects *objects = painting->objects;
    assert_int_equal(objects->identities, WALKERS);
    for (int i = 0; i < WALKERS; i++) {
        const struct ifl_identity *identity = &objects->identity[i];
        assert_true(identity->crops >= STEPS - 1);
        for (int c = 0; c < identity->crops; c++)
            assert_int_equal(objects->crop[identity->first_crop + c].heading, wanted[i]);
    }
    close_painting(painting, profile);
}

static void the_head_ends_at_the_shoulders(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walk();
    struct painting *painting = open_painting(profile);
    for (int i = 0; i < painting->objects->crops; i++) {
        const float *line = painting->objects->crop[i].line;
        float share = (line[1] - line[0]) / (line[PARTS] - line[0]);
        assert_true(share > 0.12f && share < 0.2f); // drawn: 0.17
    }
    close_painting(painting, profile);
}

static void color_grass(uint8_t *rgb, int dark)
{
    const uint8_t grass[3] = {70, 110, 20};
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)(grass[c] * dark / 100);
}

// A labelled shadow on grass, half as bright: as dark as trousers are, but green.
static void a_shadow_on_grass_is_nobodys_legs(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_profile(1, 1);
    struct ifl_memory_frame *frame = profile->memory[0];
    for (int i = 0; i < AREA; i++) {
        color_grass((uint8_t *)profile->plate[0] + i * 3, 100);
        color_grass((uint8_t *)frame->level[0] + i * 3, 100);
    }
    add_person(profile, 0, 1, 80, 100);
    struct ifl_component *body = (struct ifl_component *)&frame->component[0];
    struct ifl_objects objects = {.profile = profile, .width = WIDTH, .height = HEIGHT};
    static struct ifl_crop alone, shadowed;
    assert_true(ifl_crop_cut(&objects, frame, 0, &alone));
    for (int y = 94; y < 100; y++) {
        for (int x = 86; x < 100; x++) {
            uint8_t *label = (uint8_t *)frame->label + y * WIDTH + x;
            if (*label == 0) {
                add_pixel(frame, body, x, y, 1);
                color_grass((uint8_t *)frame->level[0] + (y * WIDTH + x) * 3, 50);
            }
        }
    }
    assert_true(ifl_crop_cut(&objects, frame, 0, &shadowed));
    assert_in_range(shadowed.area, alone.area * 9 / 10, alone.area * 11 / 10);
    ifl_profile_unref(profile);
}

enum { PEOPLE = 6 };

struct crowd {
    struct ifl_crop crop[PEOPLE];
    struct ifl_objects objects;
    struct ifl_pose pose[PEOPLE];
    struct ifl_blend blend;
    struct ifl_paint_scratch scratch;
};

// A box as high as a person; `bright` says where which of them is.
static void draw_crop(struct ifl_crop *crop, bool (*bright)(int who, int x, int y), int who)
{
    *crop = (struct ifl_crop){.size = BODY, .line = {FOOT - BODY, 10, 24, FOOT - 3, FOOT}};
    for (int at = 0; at < PIXELS; at++) {
        int x = at % BOX, y = at / BOX;
        bool inside = x >= 16 && x < 32 && y >= FOOT - BODY && y < FOOT;
        crop->distance[at] = inside ? -DISTANCE_UNIT : DISTANCE_UNIT;
        memset(&crop->rgb[at * 3], bright(who, x, y) ? 200 : 40, 3);
    }
    for (int y = 0; y < BOX; y++) {
        crop->left[y] = 16;
        crop->right[y] = 32;
    }
    for (int p = 0; p < PARTS; p++) {
        for (int c = 0; c < CHANNELS; c++) {
            crop->palette.mean[p][c] = c == 0 ? 80 : 0;
            crop->palette.spread[p][c] = c == 0 ? 70 : 1;
        }
    }
    ifl_tone_measure(crop);
}

// Paints the residuals of a crowd; returns it.
static struct crowd *blend_crowd(bool (*bright)(int who, int x, int y))
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->objects = (struct ifl_objects){.crop = crowd->crop, .crops = PEOPLE};
    crowd->blend.count = PEOPLE;
    for (int i = 0; i < PEOPLE; i++) {
        draw_crop(&crowd->crop[i], bright, i);
        crowd->pose[i].crop = crowd->blend.identity[i] = i;
        crowd->blend.weight[i] = 1.0 / PEOPLE;
    }
    struct ifl_placement placement = {.kind = KIND_UPRIGHT, .height = 40};
    ifl_shape_blend(&crowd->objects, &placement, crowd->pose, &crowd->blend, 16,
                    &crowd->scratch.figure);
    ifl_texture_blend(&crowd->objects, crowd->pose, &crowd->blend, &crowd->scratch);
    return crowd;
}

// From the darkest to the brightest pixel of the torso, in spreads.
static float torso_range(const struct crowd *crowd)
{
    const struct ifl_figure *figure = &crowd->scratch.figure;
    float least = 99, most = -99;
    for (int y = 12; y < 22; y++) {
        for (int x = 18; x < 30; x++) {
            float luma = figure->color[y * BOX + x][0];
            assert_true(figure->distance[y * BOX + x] < 0);
            least = lesser(least, luma);
            most = greater(most, luma);
        }
    }
    return most - least;
}

static float apply_tones(struct crowd *crowd, int k)
{
    ifl_tone_apply(&crowd->objects, crowd->pose, &crowd->blend, k, &crowd->scratch.figure);
    return torso_range(crowd);
}

// A shirt in an open jacket, with each of them in another place.
static bool is_shirt(int who, int x, int y)
{
    int left = 16 + who * 2;
    return x >= left && x < left + 6 && y < 24;
}

static void what_all_have_somewhere_is_seen_somewhere(void **state)
{
    (void)state;
    struct crowd *crowd = blend_crowd(is_shirt);
    float flat = torso_range(crowd), own = 160 / 70.f;
    assert_true(flat < 0.7f * own);
    assert_true(apply_tones(crowd, 3) > 0.9f * own);
    free(crowd);
}

static bool is_badge(int who, int x, int y)
{
    return who == 2 && x >= 20 && x < 26 && y >= 14 && y < 20;
}

// With no more than his weight, but for what drawing loses of contrast (1.5).
static void what_one_has_is_hardly_seen(void **state)
{
    (void)state;
    struct crowd *crowd = blend_crowd(is_badge);
    assert_true(apply_tones(crowd, 3) < 1.6f / PEOPLE * 160 / 70);
    free(crowd);
}

// Stripes of four cancel each other; two have specks of their own.
static bool is_striped(int who, int x, int y)
{
    return who < 4 ? (x + who) % 2 == 0 : mix((uint32_t)who, (uint32_t)(y * BOX + x)) % 2;
}

static double torso_square(const struct crowd *crowd)
{
    const struct ifl_figure *figure = &crowd->scratch.figure;
    double sum = 0;
    for (int at = 12 * BOX; at < 22 * BOX; at++) {
        double luma = (double)figure->color[at][0];
        sum += figure->distance[at] < 0 ? luma * luma : 0;
    }
    return sum;
}

// What cancels leaves two people's specks to say the order: they are not made as loud as all.
static void what_the_order_adds_is_bounded(void **state)
{
    (void)state;
    struct crowd *crowd = blend_crowd(is_striped);
    double before = torso_square(crowd);
    apply_tones(crowd, PEOPLE);
    double after = torso_square(crowd);
    assert_true(after < 1.05 * 2 * 2 * before); // 2 / (k * 1 / PEOPLE), and k is PEOPLE
    free(crowd);
}

static void tones_are_in_order_and_sum_to_nothing(void **state)
{
    (void)state;
    static struct ifl_crop crop;
    draw_crop(&crop, is_shirt, 0);
    crop.palette.mean[1][0] = 40 + 160 * 6 / 16.f; // what it shows, but for the outermost pixels
    ifl_tone_measure(&crop);
    float sum = 0;
    for (int t = 0; t < TONES; t++) {
        sum += crop.tone[1][t][0];
        assert_true(t == 0 || crop.tone[1][t][0] >= crop.tone[1][t - 1][0]);
    }
    assert_true(fabsf(sum) < 0.01f);
    assert_true(crop.tone[1][TONES - 1][0] > crop.tone[1][0][0] + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_walks_where_is_known),
        cmocka_unit_test(the_head_ends_at_the_shoulders),
        cmocka_unit_test(a_shadow_on_grass_is_nobodys_legs),
        cmocka_unit_test(what_all_have_somewhere_is_seen_somewhere),
        cmocka_unit_test(what_one_has_is_hardly_seen),
        cmocka_unit_test(what_the_order_adds_is_bounded),
        cmocka_unit_test(tones_are_in_order_and_sum_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
