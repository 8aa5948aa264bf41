// SPDX-License-Identifier: Apache-2.0
// Sliced Wasserstein against its closed form, and what the likeness ratio promises.
#include "support.h"

#include "base/rng.h"
#include "inferloop/validate.h"
#include "validate/sliced.h"
#include "validate/world.h"

static struct ifl_error error;

// SW2^2 of N(0, I) and N(m, I) is |m|^2 / d.
static void shifted_normals_have_their_distance(void **state)
{
    (void)state;
    enum { COUNT = 4000, DIMENSIONS = 20 };
    float *a = malloc(sizeof *a * COUNT * DIMENSIONS), *b = malloc(sizeof *b * COUNT * DIMENSIONS);
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    double squares = 0;
    float shift[DIMENSIONS];
    for (int d = 0; d < DIMENSIONS; d++) {
        shift[d] = .4f * (float)d - 2;
        squares += (double)(shift[d] * shift[d]);
    }
    for (int i = 0; i < COUNT * DIMENSIONS; i++) {
        a[i] = (float)ifl_rng_normal(&rng);
        b[i] = (float)ifl_rng_normal(&rng) + shift[i % DIMENSIONS];
    }
    double wanted = squares / DIMENSIONS;
    check_near(ifl_sliced_plain(a, b, COUNT, DIMENSIONS, 256, 2), wanted, .15 * wanted);
    check_near(ifl_sliced_plain(a, a, COUNT, DIMENSIONS, 16, 2), 0, 0);
    free(a);
    free(b);
}

// A pure shift by s moves all sorted values by s times the mean weight: exact for pictures too.
static void bins_agree_with_sorting(void **state)
{
    (void)state;
    struct ifl_sliced *sliced = malloc(sizeof *sliced);
    struct ifl_sliced_set *a = calloc(2, sizeof *a), *b = a + 1;
    static uint8_t rgb[3 * 112 * 84];
    struct ifl_rng rng;
    ifl_sliced_init(sliced, 112, 84);
    void *scratch = malloc(ifl_sliced_scratch_bytes(sliced));
    for (int i = 0; i < 40; i++) {
        ifl_rng_init(&rng, (uint64_t)i);
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)(100 + (ifl_rng_next(&rng) & 31));
        ifl_sliced_add(sliced, rgb, a, scratch);
        for (size_t k = 0; k < sizeof rgb; k++)
            rgb[k] = (uint8_t)(rgb[k] + 20);
        ifl_sliced_add(sliced, rgb, b, scratch);
    }
    double distance[IFL_SLICED_LEVELS], sum = 0;
    ifl_sliced_distance(a, b, distance);
    for (int j = 0; j < IFL_SLICED_PROJECTIONS; j++) {
        double weight = 0;
        for (int d = 0; d < IFL_SLICED_DIMENSIONS; d++)
            weight += (double)sliced->direction[d][j];
        sum += 20 * fabs(weight) / IFL_SLICED_PROJECTIONS;
    }
    check_near(distance[IFL_SLICED_LEVELS - 1], sum, .05 * sum);
    for (int l = 0; l < IFL_SLICED_LEVELS - 1; l++) // bands do not see a shift
        assert_true(distance[l] < 1);
    free(scratch);
    free(a);
    free(sliced);
}

enum { FRAMES = 64, IMAGES = 16 };

struct set {
    struct ifl_image *image[IMAGES];
};

static void make_set(const struct world *world, int first, int step, int shift, struct set *set)
{
    static uint8_t rgb[3 * WORLD_PIXELS];
    for (int i = 0; i < IMAGES; i++) {
        world_frame(world, first + i * step, rgb, NULL, NULL);
        for (int k = 0; k < 3 * WORLD_PIXELS; k++)
            rgb[k] = (uint8_t)(rgb[k] + shift > 255 ? 255 : rgb[k] + shift);
        set->image[i] = image_of(rgb);
    }
}

static void free_set(struct set *set)
{
    for (int i = 0; i < IMAGES; i++)
        ifl_image_unref(set->image[i]);
}

static double likeness(const struct ifl_validator *validator, const struct set *set, int count)
{
    double ratio;
    char note[160];
    check_ok(ifl_likeness(validator, set->image, count, &ratio, note, &error), error);
    assert_int_equal(isnan(ratio), note[0] != 0);
    if (getenv("INFERLOOP_TEST_VERBOSE"))
        print_message("likeness %.3f %s\n", ratio, note);
    return ratio;
}

static void a_fresh_block_is_alike_and_a_shift_is_not(void **state)
{
    (void)state;
    const struct world world = {.seed = 5, .people = WORLD_PEOPLE, .noise = 1.5};
    struct ifl_profile *profile = world_profile(&world, FRAMES, 0, 8, false);
    struct ifl_validator *validator;
    struct set set;
    check_ok(ifl_validator_create(profile, &validator, &error), error);
    double before = 0;
    for (int shift = 0; shift <= 12; shift += 3) {
        make_set(&world, FRAMES * 8 + 30, 8, shift, &set);
        double ratio = likeness(validator, &set, IMAGES);
        if (shift == 0)
            assert_true(ratio < 1.3);
        assert_true(ratio > before);
        before = ratio;
        free_set(&set);
    }
    assert_true(before > 1.5);
    ifl_validator_destroy(validator);
    ifl_profile_unref(profile);
}

static void order_does_not_matter_and_thin_sets_have_none(void **state)
{
    (void)state;
    const struct world world = {.seed = 6, .people = WORLD_PEOPLE, .noise = 1.5};
    struct ifl_profile *profile = world_profile(&world, FRAMES, 0, 8, true);
    struct ifl_validator *validator;
    struct set set, turned;
    check_ok(ifl_validator_create(profile, &validator, &error), error);
    make_set(&world, 900, 5, 0, &set);
    for (int i = 0; i < IMAGES; i++)
        turned.image[i] = set.image[(5 * i + 3) % IMAGES];
    assert_true(likeness(validator, &set, IMAGES) == likeness(validator, &turned, IMAGES));
    assert_true(isnan(likeness(validator, &set, FRAMES / 8 - 1)));
    assert_true(isnan(likeness(validator, &set, 0)));
    free_set(&set);
    ifl_validator_destroy(validator);
    ifl_profile_unref(profile);

    profile = world_profile(&world, 15, 0, 8, true);
    check_ok(ifl_validator_create(profile, &validator, &error), error);
    make_set(&world, 900, 5, 0, &set);
    assert_true(isnan(likeness(validator, &set, IMAGES)));
    free_set(&set);
    ifl_validator_destroy(validator);
    ifl_profile_unref(profile);
}

static void the_memory_itself_is_at_no_distance(void **state)
{
    (void)state;
    const struct world world = {.seed = 5, .people = WORLD_PEOPLE, .noise = 1.5};
    struct ifl_profile *profile = world_profile(&world, IMAGES, 0, 8, false);
    struct ifl_validator *validator;
    struct set set;
    check_ok(ifl_validator_create(profile, &validator, &error), error);
    for (int i = 0; i < IMAGES; i++)
        set.image[i] = image_of(profile->memory[i]->level[profile->levels - 1]);
    assert_true(likeness(validator, &set, IMAGES) < .05);
    free_set(&set);
    ifl_validator_destroy(validator);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shifted_normals_have_their_distance),
        cmocka_unit_test(bins_agree_with_sorting),
        cmocka_unit_test(a_fresh_block_is_alike_and_a_shift_is_not),
        cmocka_unit_test(order_does_not_matter_and_thin_sets_have_none),
        cmocka_unit_test(the_memory_itself_is_at_no_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
