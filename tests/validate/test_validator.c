// SPDX-License-Identifier: Apache-2.0
// The gate as a whole: real frames pass, what is broken or copied does not, hostile input is
// refused with a sentence.
#include "support.h"

#include "base/rng.h"
#include "inferloop/validate.h"
#include "validate/world.h"

static const struct world world = {.seed = 5, .people = WORLD_PEOPLE, .noise = 1.5};
static struct ifl_profile *profile;
static struct ifl_validator *validator;
static struct ifl_error error;

enum { FRAMES = 64, STEP = 8, FRESH = FRAMES * STEP + 40 };

static int set_up(void **state)
{
    (void)state;
    profile = world_profile(&world, FRAMES, 0, STEP, true);
    return ifl_validator_create(profile, &validator, &error) != IFL_OK;
}

static int tear_down(void **state)
{
    (void)state;
    ifl_validator_destroy(validator);
    ifl_profile_unref(profile);
    return 0;
}

// Takes the image over.
static struct ifl_synthetic check(struct ifl_image *image, enum ifl_privacy privacy)
{
    struct ifl_synthetic synthetic = {.image = image};
    ifl_request_init(&synthetic.request);
    synthetic.request.privacy = privacy;
    check_ok(ifl_validator_check(validator, &synthetic, &error), error);
    if (getenv("INFERLOOP_TEST_VERBOSE"))
        print_message("sharp %.3f clip %.3f art %.2f/%.2f tex %.1f/%.1f fg %.3f s %.2f %.2f %.2f "
                      "one %.2f V %d/%d rms %.2f: %s, %.4f s\n",
                      synthetic.scores.sharpness, synthetic.scores.clipped,
                      synthetic.scores.artefact, synthetic.scores.artefact_limit,
                      synthetic.scores.texture, synthetic.scores.texture_limit,
                      synthetic.audit.foreground_share, synthetic.audit.support_1,
                      synthetic.audit.support_2, synthetic.audit.support_4,
                      synthetic.audit.largest_event_share, synthetic.audit.verbatim_pixels,
                      synthetic.audit.verbatim_limit, synthetic.audit.nearest_rms,
                      ifl_rejection_name(synthetic.rejection), synthetic.validate_seconds);
    ifl_synthetic_fini(&synthetic);
    return synthetic;
}

static uint8_t picture[3 * WORLD_PIXELS];

static void fresh_real_frames_pass(void **state)
{
    (void)state;
    int accepted = 0, all = 20;
    for (int i = 0; i < all; i++) {
        world_frame(&world, FRESH + 5 * i, picture, NULL, NULL);
        accepted += check(image_of(picture), IFL_PRIVACY_DEIDENTIFY).rejection == IFL_REJECT_NONE;
    }
    assert_in_range(accepted, 19, all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_real_frames_pass),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
