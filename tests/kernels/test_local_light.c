// SPDX-License-Identifier: Apache-2.0
// Local light: found where it is, told from objects, put on and taken off.
#include "support.h"

#include "base/hash.h"
#include "kernels/local_light.h"

enum { WIDTH = 64, HEIGHT = 36, PIXELS = WIDTH * HEIGHT };

static uint8_t plate[3 * PIXELS], picture[3 * PIXELS];
static int16_t scratch[4 * PIXELS];

static int scatter(int seed, int x, int y, int range)
{
    return (int)(ifl_hash_mix((uint64_t)(seed * 1000003 + y * 1009 + x)) % (uint64_t)range);
}

static void draw_plate(int texture)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                plate[3 * (y * WIDTH + x) + c] =
                    (uint8_t)(90 + 10 * c + y + (texture ? scatter(1, x / 2, y, texture) : 0));
    memcpy(picture, plate, sizeof picture);
}

static void add_noise(void)
{
    for (int i = 0; i < 3 * PIXELS; i++)
        picture[i] = (uint8_t)(picture[i] + scatter(2, i, 0, 3) - 1);
}

// Gains of a lamp at the left, warm, and a shadow at the lower right, in 1/4096.
static struct ifl_local_light make_light(void)
{
    struct ifl_local_light light = {0};
    for (int y = 0; y < IFL_LIGHT_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_ACROSS; x++)
            for (int c = 0; c < 3; c++)
                light.cell[y][x][c] = (int16_t)(x < 6             ? 1400 - 300 * c
                                                : x > 11 && y > 5 ? -1200
                                                                  : 0);
    return light;
}

static void look(struct ifl_light_evidence *evidence)
{
    ifl_local_light_look(picture, plate, WIDTH, HEIGHT, scratch, evidence);
}

static void a_light_is_found(void **state)
{
    (void)state;
    struct ifl_local_light light = make_light(), found, uniform = {0};
    struct ifl_light_evidence evidence;
    draw_plate(30);
    ifl_local_light_put(&light, plate, WIDTH, HEIGHT, picture);
    add_noise();
    look(&evidence);
    assert_false(evidence.is_uniform);
    assert_true(ifl_local_light_fit(picture, plate, WIDTH, HEIGHT, scratch, &found));
    for (int y = 0; y < IFL_LIGHT_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_ACROSS; x++)
            for (int c = 0; c < 3; c++)
                if (abs(2 * x - 11) > 1 && abs(2 * x - 23) > 1 && abs(2 * y - 11) > 1) // no edges
                    check_near(found.cell[y][x][c], light.cell[y][x][c], 120);
    assert_true(ifl_local_light_distance(&evidence, &light) < 100);
    assert_true(ifl_local_light_distance(&evidence, &found) < 100);
    assert_true(ifl_local_light_distance(&evidence, &uniform) > 400);
}

static void the_same_light_everywhere_is_none(void **state)
{
    (void)state;
    struct ifl_light_evidence evidence;
    draw_plate(30);
    add_noise();
    look(&evidence);
    assert_true(evidence.is_uniform);
    assert_true(evidence.tiles > 30);
    ifl_local_light_look(picture, plate, 31, 19, scratch, &evidence); // too small to tell
    assert_true(evidence.is_uniform && evidence.tiles == 0);
}

// Of one colour, half as bright as the ground, over six tiles and into others; and a wall of the
// same: neither shows the ground's texture.
static void an_object_is_no_light(void **state)
{
    (void)state;
    for (int width = 24; width <= WIDTH; width += 20) {
        struct ifl_light_evidence evidence;
        draw_plate(30);
        for (int y = 4; y < 34; y++)
            for (int x = 0; x < width; x++)
                memset(picture + 3 * (y * WIDTH + x), 60, 3);
        add_noise();
        look(&evidence);
        assert_true(evidence.is_uniform);
        for (int y = 1; y < 4; y++)
            assert_false(evidence.known[y][0] || evidence.known[y][1]);
    }
}

// As bright as the ground, and of another colour: a person in a red coat, at the edge of tiles.
static void another_colour_is_no_light(void **state)
{
    (void)state;
    struct ifl_light_evidence evidence;
    draw_plate(30);
    for (int y = 6; y < 30; y++)
        for (int x = 6; x < 14; x++) {
            memcpy(picture + 3 * (y * WIDTH + x), (uint8_t[]){190, 95, 95}, 3);
        }
    add_noise();
    look(&evidence);
    assert_true(evidence.is_uniform);
    for (int y = 0; y < IFL_LIGHT_TILES_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_TILES_ACROSS; x++)
            for (int c = 0; c < 3 && evidence.known[y][x]; c++)
                check_near(evidence.tile[y][x][c], 0, 160);
}

// Ground without texture says nothing, whatever stands on it.
static void smooth_ground_says_nothing(void **state)
{
    (void)state;
    struct ifl_light_evidence evidence;
    draw_plate(0);
    for (int y = 0; y < HEIGHT; y++)
        memset(picture + 3 * y * WIDTH, 70, 3 * WIDTH / 2);
    look(&evidence);
    assert_true(evidence.is_uniform);
    assert_int_equal(evidence.tiles, 0);
}

static void what_is_put_on_comes_off(void **state)
{
    (void)state;
    const uint8_t high[3] = {255, 255, 255};
    struct ifl_local_light light = make_light();
    draw_plate(30);
    memset(plate + 3 * 128, 250, 30); // clipped under the lamp
    ifl_local_light_put(&light, plate, WIDTH, HEIGHT, picture);
    assert_int_equal(picture[3 * 128], 255);
    ifl_local_light_take(&light, plate, high, WIDTH, HEIGHT, picture);
    for (int i = 0; i < 3 * PIXELS; i++)
        check_near(picture[i], plate[i], 1);
}

static void lights_are_alike_but_for_a_gain_of_the_whole(void **state)
{
    (void)state;
    struct ifl_local_light light = make_light(), other = light;
    assert_true(ifl_local_light_is_like(&light, &other));
    for (int i = 0; i < 3 * IFL_LIGHT_DOWN * IFL_LIGHT_ACROSS; i++) {
        int16_t *cell = &other.cell[0][0][0] + i;
        *cell = (int16_t)((4096 + *cell) * 5 / 4 - 4096);
    }
    assert_true(ifl_local_light_is_like(&light, &other));
    for (int i = 0; i < 4; i++) // a tile
        other.cell[4 + i / 2][8 + i % 2][1] = (int16_t)(other.cell[4][8][1] + 900);
    assert_false(ifl_local_light_is_like(&light, &other));
    assert_false(ifl_local_light_is_uniform(&light));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_light_is_found),
        cmocka_unit_test(the_same_light_everywhere_is_none),
        cmocka_unit_test(an_object_is_no_light),
        cmocka_unit_test(another_colour_is_no_light),
        cmocka_unit_test(smooth_ground_says_nothing),
        cmocka_unit_test(what_is_put_on_comes_off),
        cmocka_unit_test(lights_are_alike_but_for_a_gain_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
