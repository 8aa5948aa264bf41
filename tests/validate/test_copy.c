// SPDX-License-Identifier: Apache-2.0
// The verbatim region: its oracles, and that the index misses nothing that brute force finds.
#include "support.h"

#include "base/rng.h"
#include "validate/copy.h"
#include "validate/world.h"

enum { PATCH = IFL_COPY_PATCH, CROP = 64 };

struct fixture {
    struct ifl_profile *profile;
    struct ifl_roster roster;
    struct ifl_view view;
    struct ifl_seen seen;
    struct ifl_copy_index index;
    void *scratch;
};

static struct ifl_error error;
static uint8_t picture[3 * WORLD_PIXELS], mask[WORLD_PIXELS];

static void open_fixture(struct fixture *f, struct ifl_profile *profile)
{
    f->profile = profile;
    check_ok(ifl_roster_init(&f->roster, profile, &error), error);
    check_ok(ifl_view_init(&f->view, &f->roster, profile->levels - 1, &error), error);
    check_ok(ifl_seen_init(&f->seen, &f->view, &error), error);
    check_ok(ifl_copy_init(&f->index, &f->view, &f->seen, &error), error);
    f->scratch = malloc(ifl_copy_scratch_bytes(&f->view));
}

static void close_fixture(struct fixture *f)
{
    free(f->scratch);
    ifl_copy_fini(&f->index);
    ifl_seen_fini(&f->seen);
    ifl_view_fini(&f->view);
    ifl_roster_fini(&f->roster);
    ifl_profile_unref(f->profile);
}

static uint8_t *base_of(struct ifl_profile *profile, int t)
{
    return (uint8_t *)profile->memory[t]->level[profile->levels - 1];
}

static void fill_noise(uint8_t *rgb, int x, int y, int side, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (int v = y; v < y + side; v++)
        for (int i = 3 * x; i < 3 * (x + side); i++)
            rgb[3 * WORLD_SIDE_X * v + i] = (uint8_t)(ifl_rng_next(&rng) & 255);
}

// A profile in which frame 2 shows one large textured object, CROP x CROP at 20, 30.
static struct ifl_profile *profile_with_crop(const struct world *world)
{
    struct ifl_profile *profile = world_profile(world, 6, 0, 8, false);
    uint8_t *label = (uint8_t *)profile->memory[2]->label;
    fill_noise(base_of(profile, 2), 20, 30, CROP, 99);
    for (int y = 30; y < 30 + CROP; y++)
        memset(label + WORLD_SIDE_X * y + 20, 1, CROP);
    return profile;
}

static void paste_crop(const struct fixture *f, int x, int y)
{
    const uint8_t *from = base_of(f->profile, 2);
    for (int v = 0; v < CROP; v++)
        memcpy(picture + 3 * (WORLD_SIDE_X * (y + v) + x),
               from + 3 * (WORLD_SIDE_X * (30 + v) + 20), 3 * CROP);
}

static int region(const struct fixture *f, int common)
{
    return ifl_copy_region(&f->index, picture, mask,
                           (struct ifl_copy_request){.rmse = 2, .common = common, .without = -1},
                           f->scratch);
}

static void a_pasted_crop_is_found_whole(void **state)
{
    (void)state;
    const struct world world = {.seed = 3, .people = 2, .noise = 1};
    struct fixture f;
    open_fixture(&f, profile_with_crop(&world));
    world_plate(&world, picture);
    paste_crop(&f, 121, 77);
    memset(mask, 1, sizeof mask);
    int found = region(&f, IFL_COPY_COMMON);
    assert_in_range(found, (int)(.95 * CROP * CROP), CROP * CROP + 4 * PATCH * CROP);
    for (int i = 0; i < 3 * WORLD_PIXELS; i++) // one grey level aside is still the same picture
        picture[i] = (uint8_t)(picture[i] < 255 ? picture[i] + 1 : 255);
    assert_in_range(region(&f, IFL_COPY_COMMON), (int)(.95 * CROP * CROP), WORLD_PIXELS);
    for (int i = 0; i < 3 * WORLD_PIXELS; i++) // three more are not
        picture[i] = (uint8_t)(picture[i] < 252 ? picture[i] + 3 : 255);
    assert_in_range(region(&f, IFL_COPY_COMMON), 0, PATCH * PATCH);
    close_fixture(&f);
}

static void another_texture_is_no_copy(void **state)
{
    (void)state;
    const struct world world = {.seed = 3, .people = 2, .noise = 1};
    struct fixture f;
    open_fixture(&f, profile_with_crop(&world));
    world_plate(&world, picture);
    fill_noise(picture, 100, 60, CROP, 100);
    memset(mask, 1, sizeof mask);
    assert_int_equal(region(&f, IFL_COPY_COMMON), 0);
    world_plate(&world, picture); // the place itself is nobody's
    assert_int_equal(region(&f, IFL_COPY_COMMON), 0);
    close_fixture(&f);
}

static void what_many_events_show_is_common(void **state)
{
    (void)state;
    const struct world world = {.seed = 3, .people = 2, .noise = 0};
    for (int events = 1; events <= 5; events++) {
        struct ifl_profile *profile = world_profile(&world, 6, 0, 24, false);
        for (int t = 0; t < events; t++) { // the same thing, carried by another person each time
            uint8_t *label = (uint8_t *)profile->memory[t]->label;
            fill_noise(base_of(profile, t), 20, 30, 24, 7);
            for (int y = 30; y < 54; y++)
                memset(label + WORLD_SIDE_X * y + 20, 1, 24);
        }
        struct fixture f;
        open_fixture(&f, profile);
        world_plate(&world, picture);
        fill_noise(picture, 150, 100, 24, 7);
        memset(mask, 1, sizeof mask);
        assert_int_equal(region(&f, 4), events < 4 ? 24 * 24 : 0);
        assert_int_equal(region(&f, 3), events < 3 ? 24 * 24 : 0);
        close_fixture(&f);
    }
}

// All pairs of a foreground patch of the image and one of the memory, one by one.
static int brute_force_largest_single(const struct fixture *f, int *matches)
{
    const struct ifl_view *view = &f->view;
    int most = 0;
    *matches = 0;
    for (int y = 0; y + PATCH <= view->height; y++) {
        for (int x = 0; x + PATCH <= view->width; x++) {
            if (!mask[(y + 3) * view->width + x + 3])
                continue;
            for (int i = 0; i < f->index.count; i++) {
                const struct ifl_copy_entry *e = &f->index.entry[i];
                const uint8_t *a = picture + 3 * (y * view->width + x);
                const uint8_t *b = view->frame[e->frame] + 3 * e->position;
                long sum = 0;
                for (int v = 0; v < PATCH && sum < 588; v++)
                    for (int c = 0; c < 3 * PATCH; c++) {
                        int d = a[3 * view->width * v + c] - b[3 * view->width * v + c];
                        sum += d * d;
                    }
                *matches += sum < 588;
                most = sum < 588 ? PATCH * PATCH : most;
            }
        }
    }
    return most;
}

// Patches around people at all distances from "the same" to "another", so that many lie just within
// and many just beyond the limit: a region is found exactly where brute force finds a match.
static void the_index_misses_nothing(void **state)
{
    (void)state;
    const struct world world = {.seed = 11, .people = 2, .noise = 0};
    struct fixture f;
    open_fixture(&f, world_profile(&world, 6, 0, 24, false));
    struct ifl_rng rng;
    ifl_rng_init(&rng, 5);
    int with = 0, without = 0;
    for (int i = 0; i < 60; i++) {
        const struct ifl_copy_entry *e =
            &f.index.entry[ifl_rng_below(&rng, (uint32_t)f.index.count)];
        double sigma = 1.2 + .03 * i; // RMSE 2 lies in the middle
        const uint8_t *from = f.view.frame[e->frame] + 3 * e->position;
        int x = 20 + (int)ifl_rng_below(&rng, 180), y = 20 + (int)ifl_rng_below(&rng, 120);
        memset(mask, 0, sizeof mask);
        mask[(y + 3) * WORLD_SIDE_X + x + 3] = 1;
        memset(picture, 250, sizeof picture);
        for (int v = 0; v < PATCH; v++)
            for (int c = 0; c < 3 * PATCH; c++) {
                double value = from[3 * WORLD_SIDE_X * v + c] + sigma * ifl_rng_normal(&rng);
                picture[3 * (WORLD_SIDE_X * (y + v) + x) + c] =
                    (uint8_t)(value < 0     ? 0
                              : value > 255 ? 255
                                            : value + .5);
            }
        int matches, wanted = brute_force_largest_single(&f, &matches);
        assert_int_equal(region(&f, IFL_COPY_COMMON), wanted);
        with += wanted > 0;
        without += wanted == 0;
    }
    assert_in_range(with, 10, 50); // both kinds were really met
    assert_in_range(without, 10, 50);
    close_fixture(&f);
}

static int region_above(const struct fixture *f, int least)
{
    return ifl_copy_region(&f->index, picture, mask,
                           (struct ifl_copy_request){
                               .rmse = 2, .common = IFL_COPY_COMMON, .least = least, .without = -1},
                           f->scratch);
}

// Patches whose middles are so many steps at most from x, y, or in a line from there on.
static void mask_patches(int x, int y, int steps, bool line)
{
    memset(mask, 0, sizeof mask);
    for (int v = -steps; v <= steps; v++)
        for (int u = -steps; u <= steps; u++)
            mask[WORLD_SIDE_X * (y + v) + x + u] =
                line ? v == 0 && u >= 0 : abs(u) + abs(v) <= steps;
}

// What is no larger than `least` need not be found; one pixel more must be, wherever it lies and
// whatever its shape.
static void what_is_larger_than_the_least_is_found(void **state)
{
    (void)state;
    const struct world world = {.seed = 3, .people = 2, .noise = 1};
    struct fixture f;
    open_fixture(&f, profile_with_crop(&world));
    world_plate(&world, picture);
    paste_crop(&f, 121, 60);
    for (int steps = 0; steps <= 10; steps++)
        for (int i = 0; i < 24; i++) {
            bool line = i % 2;
            int area = PATCH * (PATCH + steps); // of a line
            if (!line)
                area += PATCH * 3 * steps + 2 * steps * (steps - 1);
            mask_patches(148 + i / 4, 88 + i / 3, steps, line);
            assert_int_equal(region_above(&f, 0), area);
            assert_int_equal(region_above(&f, area - 1), area);
            assert_int_equal(region_above(&f, area + 5), area + 5);
            assert_int_equal(region_above(&f, area / 2), area);
        }
    close_fixture(&f);
}

static void features_are_orthonormal(void **state)
{
    (void)state;
    // Moving one sample by one moves the features by its column of an orthonormal matrix: over all
    // samples the products must give the unit matrix.
    uint8_t patch[3 * PATCH * PATCH];
    float before[IFL_COPY_FEATURES], after[IFL_COPY_FEATURES];
    double product[IFL_COPY_FEATURES][IFL_COPY_FEATURES] = {{0}};
    memset(patch, 0, sizeof patch);
    ifl_copy_features(patch, 3 * PATCH, before);
    for (int i = 0; i < 3 * PATCH * PATCH; i++) {
        patch[i] = 100;
        ifl_copy_features(patch, 3 * PATCH, after);
        patch[i] = 0;
        for (int u = 0; u < IFL_COPY_FEATURES; u++)
            for (int v = 0; v < IFL_COPY_FEATURES; v++)
                product[u][v] += (double)(after[u] - before[u]) * (double)(after[v] - before[v]);
    }
    for (int u = 0; u < IFL_COPY_FEATURES; u++)
        for (int v = 0; v < IFL_COPY_FEATURES; v++)
            check_near(product[u][v] / 1e4, u == v, 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pasted_crop_is_found_whole),
        cmocka_unit_test(another_texture_is_no_copy),
        cmocka_unit_test(what_many_events_show_is_common),
        cmocka_unit_test(the_index_misses_nothing),
        cmocka_unit_test(what_is_larger_than_the_least_is_found),
        cmocka_unit_test(features_are_orthonormal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
