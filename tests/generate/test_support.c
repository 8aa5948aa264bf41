// SPDX-License-Identifier: Apache-2.0
// k-anonymity: what only fewer than k events showed never comes out, and no event weighs more than
// 1/k.
#include "support.h"

#include "base/rng.h"
#include "generate/builtin.h"
#include "generate/support.h"
#include "make_profile.h"

static void shares_are_capped_and_sum_to_one(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 5);
    double log_mass[64], share[64];
    for (int trial = 0; trial < 2000; trial++) {
        int k = 2 + (int)ifl_rng_below(&rng, 15);
        int count = k + (int)ifl_rng_below(&rng, (uint32_t)(64 - k + 1));
        double spread = ifl_rng_uniform(&rng) * (trial % 3 == 0 ? 1e6 : trial % 3 == 1 ? 50 : 1);
        for (int i = 0; i < count; i++)
            log_mass[i] = -spread * ifl_rng_uniform(&rng);
        ifl_water_fill(log_mass, count, k, share);
        double sum = 0, squares = 0;
        for (int i = 0; i < count; i++) {
            assert_true(share[i] >= 0 && share[i] <= 1.0 / k);
            sum += share[i];
            squares += share[i] * share[i];
        }
        check_near(sum, 1, 1e-9);
        assert_true(1 / squares >= k * (1 - 1e-9)); // n_eff
    }
}

static void a_dominant_mass_does_not_swallow_the_rest(void **state)
{
    (void)state;
    const double log_mass[10] = {0, -5e5, -5e5, -5e5, -5e5, -5e5, -5e5, -5e5, -5e5, -5e5};
    double share[10];
    ifl_water_fill(log_mass, 10, 8, share);
    check_near(share[0], 1.0 / 8, 0);
    for (int i = 1; i < 10; i++)
        check_near(share[i], 7.0 / 8 / 9, 1e-12);
}

static void uncapped_shares_are_the_softmax(void **state)
{
    (void)state;
    const double log_mass[4] = {0, -0.1, -0.2, -0.3};
    double share[4], sum = 0;
    for (int i = 0; i < 4; i++)
        sum += exp(log_mass[i]);
    ifl_water_fill(log_mass, 4, 2, share);
    for (int i = 0; i < 4; i++)
        check_near(share[i], exp(log_mass[i]) / sum, 1e-12);
}

enum { FRAMES = 40, COMMON = 6 };

// One magenta object of one event; `COMMON` green ones, each an event of its own, that stood at
// one and the same place; in some frames the magenta one touches a green one.
static struct ifl_profile *make_unique(void)
{
    struct made_object object[COMMON + 1];
    for (int i = 0; i < COMMON; i++)
        object[i] = (struct made_object){.event = (uint32_t)i + 1,
                                         .first = i * 6,
                                         .last = i * 6 + 4,
                                         .x = 120,
                                         .y = 110,
                                         .width = 16,
                                         .height = 36,
                                         .rgb = {30, 160, 40}};
    object[COMMON] = (struct made_object){.event = 99,
                                          .first = 4,
                                          .last = FRAMES - 2,
                                          .x = 60,
                                          .y = 111,
                                          .step_x = 3,
                                          .width = 16,
                                          .height = 36,
                                          .rgb = {255, 0, 255}};
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = FRAMES,
                                 .objects = COMMON + 1,
                                 .object = object,
                                 .noise = 1.5,
                                 .seed = 11};
    return make_profile(&config);
}

// Pixels that are clearly more magenta (sign 1) or more green (-1) than the grey scene.
static int tinted(const struct ifl_image *image, int sign)
{
    int count = 0;
    for (int i = 0; i < image->width * image->height; i++) {
        const uint8_t *p = image->rgb + (ptrdiff_t)i * 3;
        count += sign * ((p[0] + p[2]) / 2 - p[1]) > 40;
    }
    return count;
}

static int count_tinted(void *engine, int k, enum ifl_privacy privacy, int width, int sign)
{
    int most = 0;
    for (uint64_t seed = 0; seed < 25; seed++) {
        struct ifl_request request;
        struct ifl_synthetic made = {0};
        struct ifl_error error = {0};
        ifl_request_init(&request);
        request.privacy = privacy;
        request.k = k;
        request.seed = seed;
        request.width = width;
        request.height = width * 9 / 16;
        check_ok(ifl_engine_analytic.generate(engine, &request, &made, &error), error);
        int count = tinted(made.image, sign);
        most = count > most ? count : most;
        ifl_synthetic_fini(&made);
    }
    return most;
}

static void a_unique_object_never_shows(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_unique();
    struct ifl_error error = {0};
    void *engine;
    assert_non_null(profile);
    check_ok(ifl_engine_analytic.create(profile, &engine, &error), error);
    assert_true(count_tinted(engine, 2, IFL_PRIVACY_VERBATIM, 256, 1) > 100);
    for (int k = 2; k <= 4; k++)
        assert_int_equal(count_tinted(engine, k, IFL_PRIVACY_K_ANONYMOUS, 256, 1), 0);
    assert_int_equal(count_tinted(engine, 2, IFL_PRIVACY_K_ANONYMOUS, 64, 1), 0);
    assert_int_equal(count_tinted(engine, 2, IFL_PRIVACY_K_ANONYMOUS, 512, 1), 0);
    // What enough events showed at one place does come out; with k above their number it doesn't.
    assert_true(count_tinted(engine, 2, IFL_PRIVACY_K_ANONYMOUS, 256, -1) > 100);
    assert_int_equal(count_tinted(engine, COMMON + 1, IFL_PRIVACY_K_ANONYMOUS, 256, -1), 0);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void components_have_the_support_of_their_events(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_unique();
    struct ifl_memory *memory;
    struct ifl_error error = {0};
    check_ok(ifl_memory_create(profile, &memory, &error), error);
    struct ifl_support *support = ifl_support_create(memory);
    assert_non_null(support);
    // Green, alone; the magenta one touches up to two of the others.
    assert_true(ifl_support_component(support, 0, 0) >= COMMON - 2);
    assert_true(ifl_support_component(support, 0, 0) <= COMMON);
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < profile->memory[f]->components; i++)
            if (profile->memory[f]->component[i].event == 99)
                assert_true(ifl_support_component(support, f, i) < 2);
    ifl_support_destroy(support);
    ifl_memory_destroy(memory);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_capped_and_sum_to_one),
        cmocka_unit_test(a_dominant_mass_does_not_swallow_the_rest),
        cmocka_unit_test(uncapped_shares_are_the_softmax),
        cmocka_unit_test(components_have_the_support_of_their_events),
        cmocka_unit_test(a_unique_object_never_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
