// SPDX-License-Identifier: Apache-2.0
// The gate as a whole: real frames pass, what is broken or copied does not, hostile input is
// refused with a sentence.
#include "support.h"

#include "base/rng.h"
#include "inferloop/validate.h"
#include "kernels/cpu.h"
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

static enum ifl_rejection verdict(struct ifl_image *image)
{
    return check(image, IFL_PRIVACY_VERBATIM).rejection;
}

// A fresh frame with nobody in it.
static void empty_place(int t)
{
    struct world empty = world;
    empty.people = 0;
    world_frame(&empty, t, picture, NULL, NULL);
}

static void blur_is_rejected(void **state)
{
    (void)state;
    static uint8_t copy[3 * WORLD_PIXELS];
    world_frame(&world, FRESH, picture, NULL, NULL);
    for (int round = 0; round < 6; round++) { // each adds 2/3 to the variance: sigma 2
        memcpy(copy, picture, sizeof copy);
        for (int i = 3 * WORLD_SIDE_X + 3; i < 3 * WORLD_PIXELS - 3 * WORLD_SIDE_X - 3; i++)
            picture[i] = (uint8_t)((copy[i - 3] + copy[i + 3] + copy[i - 3 * WORLD_SIDE_X] +
                                    copy[i + 3 * WORLD_SIDE_X] + 2 * copy[i] + 3) /
                                   6);
    }
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_SHARPNESS);
}

static void black_and_white_are_rejected(void **state)
{
    (void)state;
    memset(picture, 0, sizeof picture);
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_EXPOSURE);
    memset(picture, 255, sizeof picture);
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_EXPOSURE);
    memset(picture, 128, sizeof picture);
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_SHARPNESS);
}

static void a_patch_of_noise_is_rejected(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    empty_place(FRESH);
    for (int y = 90; y < 110; y++)
        for (int i = 3 * 70; i < 3 * 90; i++)
            picture[3 * WORLD_SIDE_X * y + i] = (uint8_t)(ifl_rng_next(&rng) & 255);
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_ARTEFACT);
}

static void a_cut_person_is_rejected_and_a_whole_one_is_not(void **state)
{
    (void)state;
    int cut = 0, whole = 0, all = 20;
    for (int i = 0; i < all; i++) {
        empty_place(FRESH + i);
        person_put(&world, 9000 + (uint32_t)i, 60 + 3 * i, 80, 0, PERSON_HEIGHT, picture, NULL, 0);
        whole += verdict(image_of(picture)) == IFL_REJECT_NONE;
        empty_place(FRESH + i);
        person_put(&world, 9000 + (uint32_t)i, 60 + 3 * i, 80, 0, PERSON_HEIGHT / 2, picture, NULL,
                   0);
        cut += verdict(image_of(picture)) == IFL_REJECT_ARTEFACT;
    }
    assert_in_range(whole, 19, all);
    assert_in_range(cut, 16, all);
}

// The person of a memory frame, somewhere else, under another light.
static void paste_recorded_person(double gain, double offset)
{
    empty_place(FRESH);
    uint32_t event = profile->memory[20]->component[1].event;
    person_put(&world, event, 150, 40, 0, PERSON_HEIGHT, picture, NULL, 0);
    for (int i = 0; i < 3 * WORLD_PIXELS; i++) {
        double value = gain * picture[i] + offset;
        picture[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + .5);
    }
}

static void a_pasted_person_is_rejected_unless_the_mode_says_so(void **state)
{
    (void)state;
    paste_recorded_person(.9, 10);
    struct ifl_synthetic made = check(image_of(picture), IFL_PRIVACY_DEIDENTIFY);
    assert_int_equal(made.rejection, IFL_REJECT_VERBATIM);
    assert_true(made.audit.verbatim_gate);
    assert_in_range(made.audit.verbatim_pixels, 250, 600);
    made = check(image_of(picture), IFL_PRIVACY_VERBATIM);
    assert_int_equal(made.rejection, IFL_REJECT_NONE);
    assert_false(made.audit.verbatim_gate);
    assert_in_range(made.audit.verbatim_pixels, 250, 600);
}

static void a_fresh_person_is_not_called_a_copy(void **state)
{
    (void)state;
    empty_place(FRESH);
    person_put(&world, 9100, 150, 40, 0, PERSON_HEIGHT, picture, NULL, 0);
    struct ifl_synthetic made = check(image_of(picture), IFL_PRIVACY_DEIDENTIFY);
    assert_int_equal(made.rejection, IFL_REJECT_NONE);
    assert_in_range(made.audit.verbatim_pixels, 0, 49);
    made = check(image_of(picture), IFL_PRIVACY_K_ANONYMOUS);
    assert_int_equal(made.rejection, IFL_REJECT_FOREGROUND);
    assert_true(made.audit.support_1 < .1);
}

static void an_empty_place_has_no_foreground(void **state)
{
    (void)state;
    empty_place(FRESH);
    struct ifl_synthetic made = check(image_of(picture), IFL_PRIVACY_K_ANONYMOUS);
    assert_int_equal(made.rejection, IFL_REJECT_NONE);
    check_near(made.audit.foreground_share, 0, 0);
    check_near(made.audit.support_1, -1, 0);
    check_near(made.audit.largest_event_share, -1, 0);
}

// Whatever the engine thought of it: the record says what was measured.
static void occupancy_is_measured_on_the_image(void **state)
{
    (void)state;
    empty_place(FRESH);
    person_put(&world, 9100, 150, 40, 0, PERSON_HEIGHT, picture, NULL, 0);
    for (int i = 0; i < 2; i++) {
        struct ifl_synthetic made = {.image = image_of(picture)};
        struct ifl_attained *told = &made.attained[IFL_TARGET_occupancy];
        ifl_request_init(&made.request);
        double share = (double)PERSON_HEIGHT * PERSON_HEIGHT / 3 / WORLD_PIXELS; // of its box
        made.request.target[IFL_TARGET_occupancy] = i == 0 ? 10 * share : NAN;
        *told = (struct ifl_attained){.5, .5, i == 0};
        check_ok(ifl_validator_check(validator, &made, &error), error);
        if (i == 0) {
            check_near(told->asked, 10 * share, 0);
            check_near(told->got, made.audit.foreground_share, 0);
            assert_true(told->got > share / 2 && told->got < 2 * share);
            assert_false(told->met);
        } else {
            assert_true(isnan(told->asked) && isnan(told->got) && told->met);
        }
        ifl_synthetic_fini(&made);
    }
}

static void a_memory_frame_is_its_own_neighbour(void **state)
{
    (void)state;
    const struct ifl_memory_frame *frame = profile->memory[7];
    struct ifl_synthetic made =
        check(image_of(frame->level[profile->levels - 1]), IFL_PRIVACY_VERBATIM);
    assert_int_equal(made.audit.nearest_sequence, frame->sequence);
    assert_true(made.audit.nearest_rms < 1);
    assert_true(made.scores.artefact < 1);
    assert_true(made.audit.support_1 > .9);
}

// Dark, pale, warm and flat, in one: an affine map of colours, as conditioning applies it.
static void condition(double gain, double saturation, double warmth, double offset)
{
    for (int p = 0; p < WORLD_PIXELS; p++) {
        uint8_t *rgb = picture + 3 * p;
        double luma = .299 * rgb[0] + .587 * rgb[1] + .114 * rgb[2];
        for (int c = 0; c < 3; c++) {
            double value = luma + saturation * (rgb[c] - luma);
            value = gain * value * (c == 0 ? warmth : c == 2 ? 1 / warmth : 1) + offset;
            rgb[c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + .5);
        }
    }
}

static struct ifl_synthetic check_prompted(enum ifl_privacy privacy)
{
    struct ifl_synthetic synthetic = {.image = image_of(picture)};
    ifl_request_init(&synthetic.request);
    synthetic.request.privacy = privacy;
    strcpy(synthetic.request.prompt, "dark");
    check_ok(ifl_validator_check(validator, &synthetic, &error), error);
    ifl_synthetic_fini(&synthetic);
    return synthetic;
}

static void what_was_asked_for_is_not_a_fault(void **state)
{
    (void)state;
    const double asked[][4] = {
        {.35, 1, 1, 0}, {.6, .5, 1.15, 0}, {.5, 1, 1, 120}, {1.4, 1.3, 1, -60}, {.8, .1, .9, 20}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        world_frame(&world, FRESH, picture, NULL, NULL);
        condition(asked[i][0], asked[i][1], asked[i][2], asked[i][3]);
        assert_int_equal(check_prompted(IFL_PRIVACY_VERBATIM).rejection, IFL_REJECT_NONE);
    }
}

static void a_copy_in_the_dark_is_still_a_copy(void **state)
{
    (void)state;
    const double asked[][4] = {{.4, 1, 1, 0}, {.7, .6, 1.1, 0}, {.6, 1, 1, 80}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        paste_recorded_person(1, 0);
        condition(asked[i][0], asked[i][1], asked[i][2], asked[i][3]);
        assert_int_equal(check_prompted(IFL_PRIVACY_DEIDENTIFY).rejection, IFL_REJECT_VERBATIM);
    }
}

// Brightness as an engine conditions it: a power curve, then less contrast.
static void a_copy_under_a_tone_curve_is_still_a_copy(void **state)
{
    (void)state;
    const double curves[][2] = {{1.6, 0}, {.6, 0}, {1.3, 50}};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        paste_recorded_person(1, 0);
        for (int k = 0; k < 3 * WORLD_PIXELS; k++) {
            double v = pow(picture[k] / 255.0, curves[i][0]);
            picture[k] = (uint8_t)(curves[i][1] + (255 - 2 * curves[i][1]) * v + .5);
        }
        assert_int_equal(check_prompted(IFL_PRIVACY_DEIDENTIFY).rejection, IFL_REJECT_VERBATIM);
    }
}

static void other_sizes_are_compared_too(void **state)
{
    (void)state;
    const int sizes[][2] = {{512, 384}, {448, 336}, {160, 120}, {112, 84}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        world_frame(&world, FRESH, picture, NULL, NULL);
        assert_int_equal(verdict(image_scaled(picture, sizes[i][0], sizes[i][1])), IFL_REJECT_NONE);
    }
    paste_recorded_person(1, 0);
    assert_int_equal(check(image_scaled(picture, 448, 336), IFL_PRIVACY_DEIDENTIFY).rejection,
                     IFL_REJECT_VERBATIM);
    const int odd[][2] = {{32, 32}, {1024, 32}, {32, 1024}, {1, 1}, {1024, 1024}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct ifl_synthetic made =
            check(image_scaled(picture, odd[i][0], odd[i][1]), IFL_PRIVACY_DEIDENTIFY);
        assert_true(isfinite(made.scores.sharpness) && isfinite(made.scores.artefact));
        assert_true(made.audit.verbatim_pixels >= 0);
    }
}

// What the wide registers find is what plain C finds, to the last bit: limits, which are made of
// the whole memory, and scores.
static void every_level_of_instructions_judges_alike(void **state)
{
    (void)state;
    struct ifl_validator *whole = validator;
    struct ifl_profile *memory = world_profile(&world, 24, 0, STEP, true);
    struct ifl_synthetic wanted[3];
    for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        check_ok(ifl_validator_create(memory, &validator, &error), error);
        for (int i = 0; i < 3; i++) {
            if (i == 0)
                world_frame(&world, FRESH, picture, NULL, NULL);
            else if (i == 1)
                paste_recorded_person(.9, 6);
            else
                condition(.8, 1.3, 1.1, 7);
            struct ifl_synthetic made = i == 2 ? check_prompted(IFL_PRIVACY_DEIDENTIFY)
                                               : check(image_of(picture), IFL_PRIVACY_DEIDENTIFY);
            if (level == 0)
                wanted[i] = made;
            assert_int_equal(made.rejection, wanted[i].rejection);
            assert_memory_equal(&made.scores, &wanted[i].scores, sizeof made.scores);
            assert_memory_equal(&made.audit, &wanted[i].audit, sizeof made.audit);
        }
        ifl_validator_destroy(validator);
    }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
    ifl_profile_unref(memory);
    validator = whole;
}

static void thin_profiles_still_check(void **state)
{
    (void)state;
    struct ifl_validator *whole = validator;
    for (int frames = 1; frames <= 5; frames += 2) {
        struct ifl_profile *thin = world_profile(&world, frames, 0, STEP, true);
        check_ok(ifl_validator_create(thin, &validator, &error), error);
        empty_place(FRESH);
        assert_int_equal(check(image_of(picture), IFL_PRIVACY_DEIDENTIFY).rejection,
                         IFL_REJECT_NONE);
        memset(picture, 0, sizeof picture);
        assert_int_equal(verdict(image_of(picture)), IFL_REJECT_EXPOSURE);
        ifl_validator_destroy(validator);
        ifl_profile_unref(thin);
    }
    validator = whole;
}

static void nobody_and_nothing(void **state)
{
    (void)state;
    struct ifl_validator *whole = validator;
    const struct world quiet = {.seed = 5, .people = 0, .noise = 0};
    struct ifl_profile *still = world_profile(&quiet, 16, 0, STEP, false);
    for (int t = 0; t < 4; t++) { // and some frames without labels at all
        free((void *)still->memory[t]->label);
        still->memory[t]->label = NULL;
    }
    check_ok(ifl_validator_create(still, &validator, &error), error);
    world_frame(&quiet, 1, picture, NULL, NULL);
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_NONE);
    ifl_validator_destroy(validator);
    for (int l = 0; l < still->levels; l++) { // a world of one grey
        size_t bytes = 3 * (size_t)(still->level_width[l] * still->level_height[l]);
        memset((void *)still->plate[l], 90, bytes);
        for (int t = 0; t < still->memory_frames; t++)
            memset((void *)still->memory[t]->level[l], 90, bytes);
    }
    check_ok(ifl_validator_create(still, &validator, &error), error);
    memset(picture, 90, sizeof picture);
    assert_int_equal(verdict(image_of(picture)), IFL_REJECT_NONE);
    world_frame(&world, 1, picture, NULL, NULL);
    assert_int_not_equal(verdict(image_of(picture)), IFL_REJECT_NONE);
    ifl_validator_destroy(validator);
    ifl_profile_unref(still);
    validator = whole;
}

static void what_cannot_be_checked_is_refused(void **state)
{
    (void)state;
    struct ifl_validator *none = NULL;
    struct ifl_profile *broken = world_profile(&world, 2, 0, STEP, false);
    const uint8_t *plate = broken->plate[1];
    broken->plate[1] = NULL;
    assert_int_equal(ifl_validator_create(broken, &none, &error), IFL_ERR_NOT_READY);
    assert_null(none);
    assert_non_null(strstr(error.text, "plate"));
    broken->plate[1] = plate;
    broken->memory_frames = 0;
    assert_int_equal(ifl_validator_create(broken, &none, &error), IFL_ERR_NOT_READY);
    broken->memory_frames = 2;
    int levels = broken->levels;
    broken->levels = 0;
    assert_int_equal(ifl_validator_create(broken, &none, &error), IFL_ERR_NOT_READY);
    broken->levels = levels;
    ifl_profile_unref(broken);
    struct ifl_synthetic nothing = {0};
    assert_int_equal(ifl_validator_check(validator, &nothing, &error), IFL_ERR_INVALID);
    ifl_validator_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_real_frames_pass),
        cmocka_unit_test(blur_is_rejected),
        cmocka_unit_test(black_and_white_are_rejected),
        cmocka_unit_test(a_patch_of_noise_is_rejected),
        cmocka_unit_test(a_cut_person_is_rejected_and_a_whole_one_is_not),
        cmocka_unit_test(a_pasted_person_is_rejected_unless_the_mode_says_so),
        cmocka_unit_test(a_fresh_person_is_not_called_a_copy),
        cmocka_unit_test(an_empty_place_has_no_foreground),
        cmocka_unit_test(occupancy_is_measured_on_the_image),
        cmocka_unit_test(a_memory_frame_is_its_own_neighbour),
        cmocka_unit_test(what_was_asked_for_is_not_a_fault),
        cmocka_unit_test(a_copy_in_the_dark_is_still_a_copy),
        cmocka_unit_test(a_copy_under_a_tone_curve_is_still_a_copy),
        cmocka_unit_test(other_sizes_are_compared_too),
        cmocka_unit_test(every_level_of_instructions_judges_alike),
        cmocka_unit_test(thin_profiles_still_check),
        cmocka_unit_test(nobody_and_nothing),
        cmocka_unit_test(what_cannot_be_checked_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
