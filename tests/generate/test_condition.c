// SPDX-License-Identifier: Apache-2.0
// What an image was asked to look like, and what the record says became of it: on random profiles,
// sizes and modes, measured with what users measure with.
#include "support.h"

#include "base/rng.h"
#include "generate/builtin.h"
#include "inferloop/features.h"
#include "kernels/foreground.h"
#include "make_profile.h"

static const enum ifl_feature features_of[IFL_LOOK_COUNT] = {
    [IFL_TARGET_brightness] = IFL_FEATURE_brightness_mean,
    [IFL_TARGET_contrast] = IFL_FEATURE_contrast_mean,
    [IFL_TARGET_saturation] = IFL_FEATURE_saturation_mean,
    [IFL_TARGET_color_temperature] = IFL_FEATURE_color_temperature,
    [IFL_TARGET_sharpness] = IFL_FEATURE_laplacian_variance,
    [IFL_TARGET_haze] = IFL_FEATURE_dark_channel,
    [IFL_TARGET_noise] = IFL_FEATURE_noise_sigma,
};

static void *make_engine(const struct ifl_profile *profile)
{
    struct ifl_error error = {0};
    void *engine;
    assert_non_null(profile);
    check_ok(ifl_engine_analytic.create(profile, &engine, &error), error);
    return engine;
}

static struct ifl_synthetic make_image(void *engine, const struct ifl_request *request)
{
    struct ifl_synthetic made = {.request = *request};
    struct ifl_error error = {0};
    check_ok(ifl_request_check(request, &error), error);
    check_ok(ifl_engine_analytic.generate(engine, request, &made, &error), error);
    return made;
}

static struct ifl_features measure(const struct ifl_synthetic *made)
{
    struct ifl_features features;
    struct ifl_error error = {0};
    check_ok(ifl_extract_image_statistics(made->image, &features, &error), error);
    return features;
}

// Every target of the image: what the record says of it is what its pixels measure.
static void record_is_true(const struct ifl_synthetic *made)
{
    struct ifl_features features = measure(made);
    for (int t = 0; t < IFL_LOOK_COUNT; t++) {
        const struct ifl_attained *target = &made->attained[t];
        double given = made->request.target[t], got = features.value[features_of[t]];
        if (!isnan(given))
            check_near(target->asked, given, 0);
        if (isnan(target->asked)) {
            assert_true(target->met);
            continue;
        }
        check_near(target->got, got, t == IFL_TARGET_color_temperature ? 1e-6 : 0);
        if (target->met) // 1 %, or what eight bits can show near 0
            assert_true(fabs(got - target->asked) <=
                        fmax(.01 * target->asked, t == IFL_TARGET_color_temperature ? 1
                                                  : t == IFL_TARGET_sharpness       ? .5
                                                  : t == IFL_TARGET_noise           ? .05
                                                                                    : .001));
        else
            assert_non_null(strstr(made->audit.note, "out of reach"));
    }
}

static double between(struct ifl_rng *rng, double low, double high)
{
    return low + (high - low) * ifl_rng_uniform(rng);
}

static struct ifl_profile *random_profile(struct ifl_rng *rng)
{
    struct made_object objects[6];
    int count = (int)ifl_rng_below(rng, 7);
    for (int i = 0; i < count; i++)
        objects[i] = (struct made_object){
            .event = (uint32_t)i + 1,
            .last = 15,
            .x = between(rng, 0, 100),
            .y = between(rng, 10, 50),
            .step_x = between(rng, -4, 4),
            .width = 4 + (int)ifl_rng_below(rng, 8),
            .height = 8 + (int)ifl_rng_below(rng, 16),
            .rgb = {(uint8_t)ifl_rng_below(rng, 256), (uint8_t)ifl_rng_below(rng, 256), 90}};
    struct made_config config = {.width = 160 + (int)ifl_rng_below(rng, 800),
                                 .height = 160 + (int)ifl_rng_below(rng, 500),
                                 .base_area = 64 * 36 << (2 * ifl_rng_below(rng, 2)),
                                 .frames = 16 + (int)ifl_rng_below(rng, 8),
                                 .objects = count,
                                 .object = objects,
                                 .noise = between(rng, 0, 4),
                                 .flicker = between(rng, 0, .1),
                                 .seed = ifl_rng_next(rng)};
    return make_profile(&config);
}

// Around what the image is without conditioning: what is there can be had as half or twice of it.
static void targets_are_met_or_missed_aloud(void **state)
{
    (void)state;
    struct ifl_rng rng;
    int asked = 0, met = 0;
    ifl_rng_init(&rng, 21);
    for (int i = 0; i < 24; i++) {
        struct ifl_profile *profile = random_profile(&rng);
        void *engine = make_engine(profile);
        struct ifl_request request;
        ifl_request_init(&request);
        request.seed = ifl_rng_next(&rng);
        request.privacy = (enum ifl_privacy)(i % 3);
        if (i % 2) {
            request.width = 32 + (int)ifl_rng_below(&rng, 160);
            request.height = 32 + (int)ifl_rng_below(&rng, 120);
        }
        struct ifl_synthetic made = make_image(engine, &request);
        struct ifl_features before = measure(&made);
        ifl_synthetic_fini(&made);
        for (int t = 0; t < IFL_LOOK_COUNT; t++)
            if (i < 14 ? t == i % IFL_LOOK_COUNT : ifl_rng_below(&rng, 3) == 0)
                request.target[t] =
                    fmin(before.value[features_of[t]] * between(&rng, .75, 1.5), // of any
                         t == IFL_TARGET_color_temperature ? 20000
                         : t == IFL_TARGET_sharpness       ? 60000
                         : t == IFL_TARGET_noise           ? 99
                                                           : .9);
        made = make_image(engine, &request);
        record_is_true(&made);
        for (int t = 0; t < IFL_LOOK_COUNT; t++) {
            bool wanted = !isnan(request.target[t]);
            asked += wanted;
            met += wanted && made.attained[t].met;
            if (wanted && !made.attained[t].met)
                print_message("%s of %g: got %g (image %d, %dx%d)\n",
                              ifl_target_row((enum ifl_target)t)->name, request.target[t],
                              made.attained[t].got, i, made.image->width, made.image->height);
        }
        ifl_synthetic_fini(&made);
        ifl_engine_analytic.destroy(engine);
        ifl_profile_unref(profile);
    }
    print_message("%d of %d targets met\n", met, asked);
    assert_true(met * 100 >= asked * 85);
}

struct expectation {
    const char *prompt;
    enum ifl_target target;
    double factor, offset; // of what the image has without the prompt
};

static void words_do_what_they_say(void **state)
{
    (void)state;
    static const struct expectation expectations[] = {
        {"dark", IFL_TARGET_brightness, 1, -0.10},
        {"a vivid scene", IFL_TARGET_saturation, 1.4, 0},
        {"high contrast", IFL_TARGET_contrast, 1.35, 0},
        {"warm tones", IFL_TARGET_color_temperature, 0.82, 0},
        {"foggy", IFL_TARGET_haze, 1, 0.40},
        {"hazy", IFL_TARGET_haze, 1, 0.18},
        {"grainy", IFL_TARGET_noise, 1, 5},
        {"sharp", IFL_TARGET_sharpness, 2, 0},
        {"soft", IFL_TARGET_sharpness, 0.4, 0},
        {"out of focus", IFL_TARGET_sharpness, 0.04, 0},
    };
    struct ifl_profile *profile = make_walkers(24, 8, 14);
    void *engine = make_engine(profile);
    struct ifl_request request;
    ifl_request_init(&request);
    request.privacy = IFL_PRIVACY_VERBATIM;
    struct ifl_synthetic plain = make_image(engine, &request);
    struct ifl_features before = measure(&plain);
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *e = &expectations[i];
        snprintf(request.prompt, sizeof request.prompt, "%s penguins", e->prompt);
        struct ifl_synthetic made = make_image(engine, &request);
        double wanted = before.value[features_of[e->target]] * e->factor + e->offset;
        check_near(made.attained[e->target].asked, wanted, 1e-6 * fmax(wanted, 1));
        assert_true(made.attained[e->target].met);
        record_is_true(&made);
        assert_string_equal(made.unknown_words, "penguins");
        ifl_synthetic_fini(&made);
    }
    ifl_synthetic_fini(&plain);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

// The request's number wins over the word; words that were switched off ask nothing.
static void numbers_win_over_words(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(24, 8, 15);
    void *engine = make_engine(profile);
    struct ifl_request request;
    ifl_request_init(&request);
    snprintf(request.prompt, sizeof request.prompt, "dark, grainy");
    request.target[IFL_TARGET_brightness] = 0.6;
    struct ifl_synthetic made = make_image(engine, &request);
    check_near(made.attained[IFL_TARGET_brightness].asked, 0.6, 0);
    check_near(measure(&made).value[IFL_FEATURE_brightness_mean], 0.6, 0.006);
    assert_true(made.attained[IFL_TARGET_noise].asked > 5);
    assert_non_null(made.plain); // noise hides what is copied: validation needs to see it without
    ifl_synthetic_fini(&made);
    request.guidance_scale = 0;
    request.target[IFL_TARGET_brightness] = NAN;
    made = make_image(engine, &request);
    assert_true(isnan(made.attained[IFL_TARGET_noise].asked));
    assert_null(made.plain);
    ifl_synthetic_fini(&made);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static int count_objects(void *engine, enum ifl_privacy privacy, const char *prompt,
                         double occupancy)
{
    int objects = 0;
    struct ifl_request request;
    ifl_request_init(&request);
    request.privacy = privacy;
    request.target[IFL_TARGET_occupancy] = occupancy;
    snprintf(request.prompt, sizeof request.prompt, "%s", prompt);
    for (request.seed = 1; request.seed <= 24; request.seed++) {
        struct ifl_synthetic made = make_image(engine, &request);
        objects += made.audit.objects;
        ifl_synthetic_fini(&made);
    }
    return objects;
}

// Each mode that shows objects shows fewer where few are asked for, by word or number.
static void every_mode_can_be_emptied(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(48, 24, 17);
    void *engine = make_engine(profile);
    static const enum ifl_privacy modes[] = {IFL_PRIVACY_VERBATIM, IFL_PRIVACY_DEIDENTIFY};
    for (int i = 0; i < 2; i++) {
        int as_is = count_objects(engine, modes[i], "", NAN);
        int empty = count_objects(engine, modes[i], "empty", NAN);
        int none = count_objects(engine, modes[i], "", 0);
        print_message("%s: %d objects as is, %d empty, %d at occupancy 0\n",
                      ifl_privacy_name(modes[i]), as_is, empty, none);
        assert_true(as_is > 24);
        assert_true(empty * 4 < as_is);
        assert_int_equal(none, 0);
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

// Foreground as validation measures it, without light to be taken out.
struct judge {
    int width, height;
    const uint8_t *plate;
    uint8_t *threshold, *mask;
    int32_t *scratch;
};

static void open_judge(const struct ifl_profile *profile, struct judge *judge)
{
    int base = profile->levels - 1;
    *judge = (struct judge){profile->level_width[base],
                            profile->level_height[base],
                            profile->plate[base],
                            NULL,
                            NULL,
                            NULL};
    size_t pixels = (size_t)(judge->width * judge->height);
    const uint8_t **frame = calloc((size_t)profile->memory_frames * 2, sizeof *frame);
    const uint8_t **label = frame + profile->memory_frames;
    for (int f = 0; f < profile->memory_frames; f++) {
        frame[f] = profile->memory[f]->level[base];
        label[f] = profile->memory[f]->label;
    }
    judge->threshold = malloc(pixels);
    judge->mask = malloc(pixels);
    judge->scratch = malloc(pixels * 5);
    assert_true(ifl_foreground_threshold(frame, label, profile->memory_frames, judge->plate,
                                         (int)pixels, judge->threshold));
    free(frame);
}

static void close_judge(struct judge *judge)
{
    free(judge->threshold);
    free(judge->mask);
    free(judge->scratch);
}

struct told {
    double shown, got; // means over the set
    int met, images;
};

// What a set of images shows, and what the engine says of them, before validation measures.
static struct told show_foreground(void *engine, const struct judge *judge,
                                   enum ifl_privacy privacy, double target)
{
    struct told told = {.images = 32};
    struct ifl_request request;
    ifl_request_init(&request);
    request.privacy = privacy;
    request.target[IFL_TARGET_occupancy] = target;
    for (request.seed = 1; request.seed <= (uint64_t)told.images; request.seed++) {
        struct ifl_synthetic made = make_image(engine, &request);
        const struct ifl_attained *attained = &made.attained[IFL_TARGET_occupancy];
        int pixels = ifl_foreground_find(made.image->rgb, judge->plate, judge->threshold,
                                         judge->width, judge->height, judge->mask, judge->scratch);
        double shown = (double)pixels / (judge->width * judge->height);
        assert_int_equal(attained->met, fabs(attained->got - target) <= fmax(.1 * target, 4e-4));
        assert_int_equal(!attained->met, strstr(made.audit.note, "in none of") != NULL);
        told.shown += shown / told.images;
        told.got += attained->got / told.images;
        told.met += fabs(shown - target) <= .1 * target;
        ifl_synthetic_fini(&made);
    }
    return told;
}

static struct ifl_profile *make_steady_crowd(void)
{
    enum { FRAMES = 64, PEOPLE = 24 };
    struct made_object object[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) {
        int first = i * 37 % FRAMES, height = 16 + i % 5;
        object[i] =
            (struct made_object){.event = (uint32_t)i + 1,
                                 .first = first,
                                 .last = first + 9 + i % 4,
                                 .x = 20 + i * 53 % 150,
                                 .y = 60 + i * 29 % 75,
                                 .step_x = i % 2 ? 3 : -2,
                                 .width = height / 3,
                                 .height = height,
                                 .rgb = {(uint8_t)(i * 10), (uint8_t)(20 + i % 3 * 30), 30}};
    }
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 192 * 108,
                                 .frames = FRAMES,
                                 .objects = PEOPLE,
                                 .object = object,
                                 .noise = 1,
                                 .seed = 3};
    return make_profile(&config);
}

// Sets show what they were asked for, within 10 % on average and most of them alone; what is out of
// reach is said to be by each.
static void occupancy_is_what_images_show(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_steady_crowd();
    void *engine = make_engine(profile);
    struct judge judge;
    open_judge(profile, &judge);
    static const double target[] = {0.006, 0.01, 0.9};
    for (int mode = 0; mode <= IFL_PRIVACY_DEIDENTIFY; mode++) {
        for (size_t i = 0; i < sizeof target / sizeof *target; i++) {
            struct told told = show_foreground(engine, &judge, (enum ifl_privacy)mode, target[i]);
            print_message("%s: asked %.4f, got %.4f, shown %.4f, %d of %d met\n",
                          ifl_privacy_name((enum ifl_privacy)mode), target[i], told.got, told.shown,
                          told.met, told.images);
            if (target[i] < 0.9) {
                check_near(told.shown, target[i], .1 * target[i]);
                check_near(told.got, told.shown, .1 * target[i]);
                assert_true(mode == IFL_PRIVACY_DEIDENTIFY || told.met * 2 > told.images);
            } else {
                assert_int_equal(told.met, 0);
            }
        }
    }
    close_judge(&judge);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void the_same_seed_gives_the_same_noise(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(24, 8, 16);
    void *engine = make_engine(profile);
    struct ifl_request request;
    ifl_request_init(&request);
    request.target[IFL_TARGET_noise] = 12;
    struct ifl_synthetic made[3];
    for (int i = 0; i < 3; i++) {
        request.seed = 5 + (uint64_t)i / 2;
        made[i] = make_image(engine, &request);
    }
    size_t bytes = (size_t)made[0].image->width * (size_t)made[0].image->height * 3;
    assert_memory_equal(made[0].image->rgb, made[1].image->rgb, bytes);
    assert_true(memcmp(made[0].image->rgb, made[2].image->rgb, bytes) != 0);
    for (int i = 0; i < 3; i++)
        ifl_synthetic_fini(&made[i]);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_met_or_missed_aloud),
        cmocka_unit_test(words_do_what_they_say),
        cmocka_unit_test(numbers_win_over_words),
        cmocka_unit_test(every_mode_can_be_emptied),
        cmocka_unit_test(occupancy_is_what_images_show),
        cmocka_unit_test(the_same_seed_gives_the_same_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
