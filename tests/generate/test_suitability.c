// SPDX-License-Identifier: Apache-2.0
// A standing camera suits the engine, a panning one and unrelated pictures do not.
#include "support.h"

#include "base/rng.h"
#include "inferloop/generate.h"
#include "make_profile.h"

static struct ifl_suitability measure(const struct ifl_profile *profile)
{
    struct ifl_suitability suitability;
    assert_non_null(profile);
    ifl_suitability_measure(profile, &suitability);
    return suitability;
}

static void standing_cameras_suit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct ifl_profile *profile = make_walkers(64, 24, seed);
        struct ifl_suitability is = measure(profile);
        assert_true(is.known && is.suited);
        assert_string_equal(is.text, "");
        assert_true(is.plate > .8 && is.support > .6 && is.artefact < .2);
        ifl_profile_unref(profile);
    }
}

// Frame f of a picture of unlike blocks that moves along by `step` pixels a frame.
static void paint_pan(const struct ifl_profile *profile, int step)
{
    for (int f = 0; f < profile->memory_frames; f++)
        for (int l = 0; l < profile->levels; l++) {
            uint8_t *rgb = (uint8_t *)profile->memory[f]->level[l];
            for (int i = 0; i < profile->level_width[l] * profile->level_height[l]; i++) {
                int x = ((i % profile->level_width[l]) + f * (step << l)) >> (l + 1);
                int y = (i / profile->level_width[l]) >> (l + 1);
                struct ifl_rng rng;
                ifl_rng_init(&rng, (uint64_t)(x * 4096 + y));
                for (int c = 0; c < 3; c++)
                    rgb[3 * i + c] = (uint8_t)ifl_rng_below(&rng, 256);
            }
        }
}

static void moving_cameras_do_not_suit(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(64, 8, 4);
    paint_pan(profile, 2);
    struct ifl_suitability is = measure(profile);
    assert_true(is.known && !is.suited);
    assert_non_null(strstr(is.text, "--unsuited make")); // reason and remedy
    assert_non_null(strstr(is.text, "fixed camera"));
    ifl_profile_unref(profile);
}

// Something stands in a third of the picture and moves a little now and then: it, not the ground,
// is what the plate shows there.
static void who_stands_before_the_background_is_told(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(64, 24, 6);
    assert_true(measure(profile).ground > .99);
    for (int l = 0; l < profile->levels; l++)
        for (int y = 0; y < profile->level_height[l]; y++)
            for (int x = 0; x < profile->level_width[l] / 3; x++)
                for (int f = 0; f < profile->memory_frames; f++) {
                    size_t at = 3 * (size_t)(y * profile->level_width[l] + x);
                    uint8_t now = (uint8_t)(60 + 40 * (f / 16)), most = 60;
                    memset((uint8_t *)profile->memory[f]->level[l] + at, now, 3);
                    memset((uint8_t *)profile->plate[l] + at, most, 3);
                }
    struct ifl_suitability is = measure(profile);
    assert_true(is.known && !is.suited);
    assert_true(is.ground > .6 && is.ground < .72);
    assert_non_null(strstr(is.text, "before the background"));
    ifl_profile_unref(profile);
}

static void too_few_frames_are_not_judged(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(IFL_MEMORY_MIN, 2, 5);
    paint_pan(profile, 2);
    profile->memory_frames = IFL_MEMORY_MIN - 1;
    struct ifl_suitability is = measure(profile);
    assert_true(!is.known && is.suited);
    profile->memory_frames = IFL_MEMORY_MIN;
    assert_true(!measure(profile).suited);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing_cameras_suit),
        cmocka_unit_test(moving_cameras_do_not_suit),
        cmocka_unit_test(who_stands_before_the_background_is_told),
        cmocka_unit_test(too_few_frames_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
