// SPDX-License-Identifier: Apache-2.0
// What is left to render: seams and changes, all of them and little else.
#include "support.h"

#include "generate/denoise.h"
#include "generate/settle.h"
#include "make_profile.h"

struct scene {
    struct ifl_memory *memory;
    struct ifl_layout layout;
    struct ifl_settle settle;
    int16_t *change; // enough for any level; all zero
};

static void make_scene(struct scene *scene, int width, int height)
{
    struct made_config config = {
        .width = width, .height = height, .base_area = 256 * 144, .frames = 16, .seed = 1};
    struct ifl_profile *profile = make_profile(&config);
    struct ifl_error error = {0};
    assert_non_null(profile);
    check_ok(ifl_memory_create(profile, &scene->memory, &error), error);
    ifl_profile_unref(profile);
    check_ok(ifl_layout_init(&scene->layout, scene->memory, &error), error);
    assert_true(ifl_settle_init(&scene->settle, scene->memory));
    const struct ifl_grid *base = &scene->memory->grid[ifl_base_level(scene->memory)];
    scene->change = calloc((size_t)(base->stride_samples * base->height), sizeof *scene->change);
    assert_non_null(scene->change);
}

static void free_scene(struct scene *scene)
{
    free(scene->change);
    ifl_settle_fini(&scene->settle);
    ifl_layout_fini(&scene->layout);
    ifl_memory_destroy(scene->memory);
}

// One frame left of a slanted line, another right of it; no line: `left` everywhere.
static void draw_layout(struct scene *scene, uint16_t left, uint16_t right, double at)
{
    const struct ifl_grid *base = &scene->memory->grid[ifl_base_level(scene->memory)];
    for (int y = 0; y < base->height; y++)
        for (int x = 0; x < base->width; x++)
            scene->layout.frame[y * base->width + x] =
                at < 0 || x + y / 3 < at * base->width ? left : right;
    ifl_settle_layout(&scene->settle, scene->memory, &scene->layout);
    ifl_settle_nothing(&scene->settle, &scene->memory->grid[0]);
}

// Whether the base pixels under a patch show several frames.
static bool has_seam(const struct scene *scene, int level, int across, int down)
{
    int base = ifl_base_level(scene->memory), size = 1 << (base - level);
    const struct ifl_grid *grid = &scene->memory->grid[level];
    const uint16_t *frame =
        scene->layout.frame + grid->y[down] * size * grid->width * size + grid->x[across] * size;
    for (int y = 0; y < grid->rows * size; y++)
        for (int x = 0; x < IFL_PATCH_PIXELS * size; x++)
            if (frame[y * grid->width * size + x] != frame[0])
                return true;
    return false;
}

static bool is_rendered(const struct ifl_settle *settle, int across, int down)
{
    for (int i = 0; i < settle->rendered; i++)
        if (settle->spot[i].across == across && settle->spot[i].down == down)
            return true;
    return false;
}

// Adds the windows of all spots: exactly those of the whole grid wherever a span is.
static void check_windows(const struct scene *scene, int level)
{
    const struct ifl_grid *grid = &scene->memory->grid[level];
    const struct ifl_settle *settle = &scene->settle;
    int *cover = calloc((size_t)(grid->width * grid->height), sizeof *cover);
    assert_non_null(cover);
    for (int i = 0; i < settle->spots; i++)
        for (int y = 0; y < grid->rows; y++)
            for (int x = 0; x < IFL_PATCH_PIXELS; x++)
                cover[(grid->y[settle->spot[i].down] + y) * grid->width +
                      grid->x[settle->spot[i].across] + x]++;
    for (int down = 0; down < grid->down; down++)
        for (int across = 0; across < grid->across; across++)
            for (int y = 0; y < grid->rows; y++)
                for (int x = 0; x < IFL_PATCH_PIXELS; x++)
                    cover[(grid->y[down] + y) * grid->width + grid->x[across] + x]--;
    for (int i = 0; i < settle->spans; i++) {
        const struct ifl_span *span = &settle->span[i];
        for (int y = span->y; y < span->y + span->height; y++)
            for (int x = span->x; x < span->x + span->width; x++)
                assert_int_equal(cover[y * grid->width + x], 0);
    }
    free(cover);
}

static const int sizes[][2] = {{1280, 720}, {768, 576}, {1000, 700}, {300, 900}};

static void one_frame_leaves_nothing_to_do(void **state)
{
    (void)state;
    struct scene scene;
    make_scene(&scene, 1280, 720);
    draw_layout(&scene, 3, 3, -1);
    for (int l = 1; l < scene.memory->levels; l++) {
        ifl_settle_level(&scene.settle, scene.memory, l, scene.change);
        assert_int_equal(scene.settle.spots, 0);
        assert_int_equal(scene.settle.spans, 0);
    }
    free_scene(&scene);
}

static void the_plate_is_always_rendered(void **state)
{
    (void)state;
    struct scene scene;
    make_scene(&scene, 1280, 720);
    draw_layout(&scene, IFL_LAYOUT_PLATE, 0, -1);
    for (int l = 1; l < scene.memory->levels; l++) {
        ifl_settle_level(&scene.settle, scene.memory, l, scene.change);
        const struct ifl_grid *grid = &scene.memory->grid[l];
        assert_int_equal(scene.settle.rendered, grid->across * grid->down);
        check_windows(&scene, l);
    }
    free_scene(&scene);
}

static void every_seam_is_rendered(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct scene scene;
        make_scene(&scene, sizes[i][0], sizes[i][1]);
        draw_layout(&scene, 3, 9, .55);
        for (int l = 1; l < scene.memory->levels; l++) {
            const struct ifl_grid *grid = &scene.memory->grid[l];
            int seams = 0;
            ifl_settle_level(&scene.settle, scene.memory, l, scene.change);
            for (int down = 0; down < grid->down; down++)
                for (int across = 0; across < grid->across; across++)
                    if (has_seam(&scene, l, across, down)) {
                        assert_true(is_rendered(&scene.settle, across, down));
                        seams++;
                    }
            // The last row and column may lie across blocks: a few more are rendered there.
            assert_in_range(scene.settle.rendered, seams, seams + grid->across + grid->down);
            check_windows(&scene, l);
        }
        free_scene(&scene);
    }
}

static void every_change_is_rendered(void **state)
{
    (void)state;
    struct scene scene;
    make_scene(&scene, 768, 576);
    int level = scene.memory->levels - 1;
    const struct ifl_grid *coarse = &scene.memory->grid[level - 1], *grid = coarse + 1;
    int x = coarse->width / 2 + 1, y = coarse->height - 1;
    for (int sign = -1; sign <= 1; sign += 2)
        for (int grey = 2; grey <= 20; grey += 18) {
            draw_layout(&scene, 3, 3, -1);
            ifl_settle_nothing(&scene.settle, coarse);
            int16_t *at = scene.change + y * coarse->stride_samples + 3 * x + 1;
            *at = (int16_t)(sign * (grey << IFL_PATCH_FRACTION));
            ifl_settle_level(&scene.settle, scene.memory, level, scene.change);
            *at = 0;
            if (grey == 2) { // as good as the same
                assert_int_equal(scene.settle.rendered, 0);
                continue;
            }
            assert_in_range(scene.settle.rendered, 1, 9);
            for (int i = 0; i < scene.settle.rendered; i++) {
                const struct ifl_spot *spot = &scene.settle.spot[i];
                assert_in_range(2 * x, grid->x[spot->across] - 4, grid->x[spot->across] + 11);
                assert_in_range(2 * y, grid->y[spot->down] - 4, grid->y[spot->down] + 11);
            }
            check_windows(&scene, level);
        }
    free_scene(&scene);
}

static bool is_object(const uint8_t *rgb, const uint8_t *plate, int at)
{
    int sum = 0;
    for (int c = 0; c < 3; c++)
        sum += abs(rgb[3 * at + c] - plate[3 * at + c]);
    return sum > 90;
}

// Pixels of objects in a picture that are far from all objects of the layout.
static int count_strangers(const struct ifl_memory *memory, const uint8_t *layout,
                           const uint8_t *picture)
{
    enum { NEAR = 3 };
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    const uint8_t *plate = memory->profile->plate[ifl_base_level(memory)];
    int count = 0;
    for (int y = NEAR; y + NEAR < base->height; y++)
        for (int x = NEAR; x + NEAR < base->width; x++) {
            bool known = !is_object(picture, plate, y * base->width + x);
            for (int v = y - NEAR; v <= y + NEAR && !known; v++)
                for (int u = x - NEAR; u <= x + NEAR && !known; u++)
                    known = is_object(layout, plate, v * base->width + u);
            count += !known;
        }
    return count;
}

// People of the memory stand side by side everywhere: what looks like a part of one is soon found
// in a frame that shows another.
static void nobody_comes_who_is_not_in_the_layout(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(64, 60, 7);
    struct ifl_memory *memory;
    struct ifl_layout layout;
    struct ifl_error error = {0};
    check_ok(ifl_memory_create(profile, &memory, &error), error);
    check_ok(ifl_layout_init(&layout, memory, &error), error);
    const struct ifl_grid *base = &memory->grid[ifl_base_level(memory)];
    uint8_t *picture = malloc((size_t)(base->stride_samples * base->height));
    int strangers = 0, objects = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct ifl_layout_config config = {0};
        struct ifl_denoise_config denoise = {.seed = seed, .level = ifl_base_level(memory)};
        struct ifl_rng rng;
        ifl_rng_init(&rng, seed);
        ifl_layout_make(memory, &config, &rng, &layout);
        check_ok(ifl_denoise(memory, &denoise, &layout, picture, &error), error);
        strangers += count_strangers(memory, layout.picture, picture);
        objects += layout.objects;
    }
    assert_in_range(objects, 100, 10000);
    assert_in_range(strangers, 0, 40); // a pixel an image
    free(picture);
    ifl_layout_fini(&layout);
    ifl_memory_destroy(memory);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_frame_leaves_nothing_to_do),
        cmocka_unit_test(the_plate_is_always_rendered),
        cmocka_unit_test(every_seam_is_rendered),
        cmocka_unit_test(every_change_is_rendered),
        cmocka_unit_test(nobody_comes_who_is_not_in_the_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
