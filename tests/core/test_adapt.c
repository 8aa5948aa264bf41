// SPDX-License-Identifier: Apache-2.0
// Adaptation rules: what they change, in which order, and which are refused with which sentence.
#include "support.h"

#include "core/adapt.h"
#include "core/options.h"

static struct ifl_profile *profile_of(double brightness, double contrast)
{
    struct ifl_profile *profile = calloc(1, sizeof *profile);
    strcpy(profile->source, "cam");
    profile->recent.mean[IFL_FEATURE_brightness_mean] = brightness;
    profile->recent.mean[IFL_FEATURE_contrast_mean] = contrast;
    profile->recent.mean[IFL_FEATURE_dark_channel] = 0.25;
    profile->recent.mean[IFL_FEATURE_color_temperature] = 4000;
    profile->occupancy = (struct ifl_occupancy){0.5, 2, 0.03};
    return profile;
}

static struct ifl_request apply(const struct ifl_profile *profile, const char *const *rules,
                                int count, char adapted[IFL_ADAPTED_MAX])
{
    struct ifl_request request;
    struct ifl_error error = {0};
    ifl_request_init(&request);
    for (int i = 0; i < count; i++)
        check_ok(ifl_adapt_check(rules[i], &error), error);
    ifl_adapt((char *const *)(uintptr_t)rules, count, profile, &request, adapted);
    check_ok(ifl_request_check(&request, &error), error);
    return request;
}

static void rules_that_hold_change_the_request(void **state)
{
    (void)state;
    struct ifl_profile *profile = profile_of(0.25, 0.4);
    char adapted[IFL_ADAPTED_MAX];
    const char *const rules[] = {
        "guidance-scale = 7.5 + (contrast_mean - 0.5) * 3",
        "brightness_mean < 0.3 and contrast < 0.5 => prompt = dark, moody ; haze = haze / 2",
        "brightness_mean >= 0.3 => prompt = bright",
        "source = cam and objects > 1 => prompt = crowded; occupancy = foreground_share * 2",
        "source = cam2 => prompt = foggy",
        "0.2 <= brightness => noise = -noise_sigma + 3",
    };
    struct ifl_request request = apply(profile, rules, 6, adapted);
    check_near(request.guidance_scale, 7.2, 1e-9);
    assert_string_equal(request.prompt, "dark, moody, crowded");
    check_near(request.target[IFL_TARGET_haze], 0.125, 1e-9);
    check_near(request.target[IFL_TARGET_occupancy], 0.06, 1e-9);
    check_near(request.target[IFL_TARGET_noise], 3, 1e-9);
    assert_true(isnan(request.target[IFL_TARGET_brightness]));
    assert_non_null(strstr(adapted, "dark, moody ; haze"));
    assert_null(strstr(adapted, "cam2"));
    free(profile);
}

static void numbers_stay_in_their_range_and_the_last_counts(void **state)
{
    (void)state;
    struct ifl_profile *profile = profile_of(0.9, 0);
    char adapted[IFL_ADAPTED_MAX];
    const char *const rules[] = {"guidance-scale = brightness * 1000", "brightness = 0.1",
                                 "brightness = brightness * 7",
                                 "contrast = 1 / contrast"}; // infinite: left alone
    struct ifl_request request = apply(profile, rules, 4, adapted);
    check_near(request.guidance_scale, 20, 0);
    check_near(request.target[IFL_TARGET_brightness], 1, 0);
    assert_true(isnan(request.target[IFL_TARGET_contrast]));
    assert_null(strstr(adapted, "1 / contrast"));
    // What a profile does not know makes no rule hold.
    profile->recent.mean[IFL_FEATURE_brightness_mean] = NAN;
    const char *const unknown[] = {"brightness >= 0 => prompt = dark", "noise = brightness"};
    request = apply(profile, unknown, 2, adapted);
    assert_string_equal(request.prompt, "");
    assert_string_equal(adapted, "");
    free(profile);
}

static void long_words_and_many_rules_are_bounded(void **state)
{
    (void)state;
    struct ifl_profile *profile = profile_of(0.5, 0.5);
    char adapted[IFL_ADAPTED_MAX], rule[400];
    const char *rules[64];
    memset(rule, 'x', sizeof rule);
    memcpy(rule, "prompt = ", 9);
    rule[399] = 0;
    for (int i = 0; i < 64; i++)
        rules[i] = rule;
    struct ifl_request request = apply(profile, rules, 64, adapted);
    assert_true(strlen(request.prompt) > 1500);
    assert_string_equal(adapted, " ...");
    for (int i = 0; i < 64; i++)
        rules[i] = "prompt = dark";
    request = apply(profile, rules, 64, adapted);
    assert_true(strlen(adapted) < IFL_ADAPTED_MAX);
    assert_non_null(strstr(adapted, "dark ..."));
    free(profile);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"brightness_mean < 30 => prompt = dark", "from 0 to 1, never 30"},
        {"30 > brightness_mean => prompt = dark", "from 0 to 1, never 30"},
        {"brightnes < 0.3 => prompt = dark", "no \"brightnes\" to read"},
        {"brightness 0.3 => prompt = dark", "one of < <= > >="},
        {"brightness < 0.3 or haze > 1 => prompt = dark", "\"and\" or => is missing"},
        {"brightness < 0.3 => promt = dark", "no setting \"promt\""},
        {"brightness < 0.3 => prompt = ", "words of the prompt"},
        {"brightness < 0.3 => prompt", "= is missing"},
        {"brightness < 0.3 => guidance-scale = 21", "from 0 to 20"},
        {"color-temperature = 12", "from 1500 to 20000"},
        {"color-temperature = warm", "no \"warm\""},
        {"haze = (0.3", "a ) is missing"},
        {"haze = 0.3 0.4", "too much"},
        {"haze = ", "a number or a name"},
        {"haze = nan", "no \"nan\""},
        {"haze = 1e999", "a number or a name"},
        {"source = => haze = 1", "name of a source"},
        {"", "NAME = VALUE"},
        {"=>", "a number or a name"},
        {"haze = ((((((((((((((((((((((((((((((((((1", "nested"},
    };
    struct ifl_error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error.text[0] = 0;
        assert_int_equal(ifl_adapt_check(bad[i][0], &error), IFL_ERR_INVALID);
        if (!strstr(error.text, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], error.text);
    }
    char longer[500];
    memset(longer, ' ', sizeof longer);
    longer[499] = 0;
    assert_int_equal(ifl_adapt_check(longer, &error), IFL_ERR_INVALID);
}

static void files_bring_rules_and_say_their_line(void **state)
{
    (void)state;
    static const char good[] = "adapt:\n"
                               "  - brightness_mean < 0.3 => prompt = dark, moody, low-key\n"
                               "  - guidance-scale = 7.5 + (contrast_mean - 0.5) * 3\n",
                      bad[] = "loop: yes\nadapt:\n  - haze > 0.5 => prompt = foggy\n"
                              "  - haze > 5 => prompt = foggy\n";
    struct ifl_config *config = ifl_config_create();
    struct ifl_error error = {0};
    check_ok(ifl_config_read_text(config, "a.yaml", (const uint8_t *)good, strlen(good), &error),
             error);
    assert_int_equal(config->adapt.count, 2);
    assert_string_equal(config->adapt.item[0],
                        "brightness_mean < 0.3 => prompt = dark, moody, low-key");
    assert_int_equal(
        ifl_config_read_text(config, "a.yaml", (const uint8_t *)bad, strlen(bad), &error),
        IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "a.yaml line 4"));
    assert_non_null(strstr(error.text, "dark_channel is from 0 to 1"));
    // "" empties the list within a layer, too.
    check_ok(ifl_option_set(config, IFL_OPTION_ID_adapt, "", IFL_FROM_FILE, &error), error);
    assert_int_equal(config->adapt.count, 0);
    ifl_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_hold_change_the_request),
        cmocka_unit_test(numbers_stay_in_their_range_and_the_last_counts),
        cmocka_unit_test(long_words_and_many_rules_are_bounded),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(files_bring_rules_and_say_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
