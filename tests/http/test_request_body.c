// SPDX-License-Identifier: Apache-2.0
// The body of a generate request: what it means, and what is refused by name.
#include "support.h"

#include "http/request_body.h"

static enum ifl_result parse(const char *text, struct ifl_generate_body *body, char field[64],
                             struct ifl_error *error)
{
    *body = (struct ifl_generate_body){.deadline_seconds = 15};
    ifl_request_init(&body->request);
    return ifl_generate_body_parse(text, strlen(text), body, field, error);
}

static void takes_every_field(void **state)
{
    (void)state;
    struct ifl_generate_body body;
    struct ifl_error error;
    char field[64];
    check_ok(
        parse("{\"source\": \"cam\", \"seed\": 9007199254740993, \"prompt\": \"a dim w\\u00e9t "
              "street\", \"guidance_scale\": 3, \"privacy\": \"k-anonymous\", \"k\": 5, "
              "\"width\": 256, \"height\": 144, \"brightness\": 0.25, \"contrast\": 1, "
              "\"saturation\": 0, \"color_temperature\": 6500, \"deadline_seconds\": 0.5}",
              &body, field, &error),
        error);
    assert_string_equal(body.source, "cam");
    assert_true(body.request.seed == 9007199254740993u);
    assert_string_equal(body.request.prompt, "a dim w\xc3\xa9t street");
    check_near(body.request.guidance_scale, 3, 0);
    assert_int_equal(body.request.privacy, IFL_PRIVACY_K_ANONYMOUS);
    assert_int_equal(body.request.k, 5);
    assert_int_equal(body.request.width, 256);
    assert_int_equal(body.request.height, 144);
    check_near(body.request.target[IFL_TARGET_brightness], 0.25, 0);
    check_near(body.request.target[IFL_TARGET_contrast], 1, 0);
    check_near(body.request.target[IFL_TARGET_saturation], 0, 0);
    check_near(body.request.target[IFL_TARGET_color_temperature], 6500, 0);
    check_near(body.deadline_seconds, 0.5, 0);
    assert_string_equal(field, "");
}

static void nothing_means_the_defaults(void **state)
{
    (void)state;
    struct ifl_generate_body body;
    struct ifl_error error;
    char field[64];
    const char *const texts[] = {"", "{}", " {\n} "};
    for (int i = 0; i < 3; i++) {
        check_ok(parse(texts[i], &body, field, &error), error);
        assert_int_equal(body.request.privacy, IFL_PRIVACY_DEIDENTIFY);
        assert_true(isnan(body.request.target[IFL_TARGET_brightness]));
        assert_string_equal(body.source, "");
        check_near(body.deadline_seconds, 15, 0);
    }
}

static void takes_all_64_bits_of_a_seed(void **state)
{
    (void)state;
    struct ifl_generate_body body;
    struct ifl_error error;
    char field[64];
    check_ok(parse("{\"seed\": \"18446744073709551615\"}", &body, field, &error), error);
    assert_true(body.request.seed == UINT64_MAX);
}

// text, result, field, a part of the sentence
static const struct {
    const char *text;
    enum ifl_result result;
    const char *field, *part;
} refused[] = {
    {"[]", IFL_ERR_INVALID, "", "JSON object"},
    {"7", IFL_ERR_INVALID, "", "JSON object"},
    {"null", IFL_ERR_INVALID, "", "JSON object"},
    {"{", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"seed\": 1,}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"seed\": 1} x", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"seed\": 1, \"seed\": 2}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"prompt\": \"\xff\xfe\"}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"prompt\": \"a\\u0000b\"}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"brightness\": NaN}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"brightness\": Infinity}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"brightness\": 1e999}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"seed\": 99999999999999999999}", IFL_ERR_INVALID, "", "not JSON"},
    {"{\"sead\": 1}", IFL_ERR_INVALID, "sead", "no field \"sead\""},
    {"{\"\": 1}", IFL_ERR_INVALID, "", "no field \"\""},
    {"{\"seed\": -1}", IFL_ERR_INVALID, "seed", "\"seed\" must be a whole number"},
    {"{\"seed\": 1.5}", IFL_ERR_INVALID, "seed", "\"seed\" must be"},
    {"{\"seed\": \"-1\"}", IFL_ERR_INVALID, "seed", "\"seed\" must be"},
    {"{\"seed\": \"18446744073709551616\"}", IFL_ERR_INVALID, "seed", "\"seed\" must be"},
    {"{\"seed\": \"\"}", IFL_ERR_INVALID, "seed", "\"seed\" must be"},
    {"{\"seed\": null}", IFL_ERR_INVALID, "seed", "\"seed\" must be"},
    {"{\"prompt\": 3}", IFL_ERR_INVALID, "prompt", "\"prompt\" must be a string"},
    {"{\"privacy\": \"none\"}", IFL_ERR_INVALID, "privacy", "\"verbatim\", \"deidentify\""},
    {"{\"privacy\": 1}", IFL_ERR_INVALID, "privacy", "\"privacy\" must be one of"},
    {"{\"k\": 1}", IFL_ERR_INVALID, "k", "\"k\" is 1; give a number from 2 to 64"},
    {"{\"k\": 4294967298}", IFL_ERR_INVALID, "k", "from 2 to 64"},
    {"{\"k\": 2.5}", IFL_ERR_INVALID, "k", "\"k\" must be a whole number"},
    {"{\"width\": 100000, \"height\": 64}", IFL_ERR_INVALID, "width", "from 32 to 1024"},
    {"{\"width\": 0, \"height\": 0}", IFL_ERR_INVALID, "width", "from 32 to 1024"},
    {"{\"width\": 64}", IFL_ERR_INVALID, "width", "together"},
    {"{\"height\": 64}", IFL_ERR_INVALID, "width", "together"},
    {"{\"brightness\": 1.01}", IFL_ERR_INVALID, "brightness", "is 1.01; give a number from 0 to 1"},
    {"{\"brightness\": \"0.5\"}", IFL_ERR_INVALID, "brightness", "\"brightness\" must be a number"},
    {"{\"brightness\": true}", IFL_ERR_INVALID, "brightness", "\"brightness\" must be a number"},
    {"{\"brightness\": -0.1}", IFL_ERR_INVALID, "brightness", "from 0 to 1"},
    {"{\"color_temperature\": 0}", IFL_ERR_INVALID, "color_temperature", "from 1500 to 20000"},
    {"{\"deadline_seconds\": 0}", IFL_ERR_INVALID, "deadline_seconds", "from 0.1 to 60"},
    {"{\"deadline_seconds\": 1e300}", IFL_ERR_INVALID, "deadline_seconds", "from 0.1 to 60"},
    {"{\"source\": \"\"}", IFL_ERR_INVALID, "source", "not empty"},
    {"{\"source\": {}}", IFL_ERR_INVALID, "source", "\"source\" must be a string"},
};

static void names_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct ifl_generate_body body;
        struct ifl_error error = {0};
        char field[64];
        enum ifl_result result = parse(refused[i].text, &body, field, &error);
        if (result != refused[i].result || strcmp(field, refused[i].field) != 0 ||
            !strstr(error.text, refused[i].part))
            fail_msg("%s: %s, field \"%s\": %s", refused[i].text, ifl_result_name(result), field,
                     error.text);
    }
}

static enum ifl_result parse_prompt(size_t bytes, struct ifl_generate_body *body,
                                    struct ifl_error *error)
{
    static const char head[] = "{\"prompt\": \"", tail[] = "\"}";
    char field[64], *text = malloc(sizeof head + bytes + sizeof tail);
    assert_non_null(text);
    memcpy(text, head, sizeof head - 1);
    memset(text + sizeof head - 1, 'a', bytes);
    memcpy(text + sizeof head - 1 + bytes, tail, sizeof tail);
    enum ifl_result result = parse(text, body, field, error);
    free(text);
    return result;
}

static void refuses_long_prompts(void **state)
{
    (void)state;
    struct ifl_generate_body body;
    struct ifl_error error;
    check_ok(parse_prompt(IFL_PROMPT_MAX - 1, &body, &error), error);
    assert_int_equal(strlen(body.request.prompt), IFL_PROMPT_MAX - 1);
    assert_int_equal(parse_prompt(IFL_PROMPT_MAX, &body, &error), IFL_ERR_TOO_LARGE);
    assert_non_null(strstr(error.text, "\"prompt\" has 2000 bytes; at most 1999 fit"));
    assert_int_equal(parse_prompt(60000, &body, &error), IFL_ERR_TOO_LARGE);
}

static void refuses_deep_nesting(void **state)
{
    (void)state;
    char text[60000], field[64];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct ifl_generate_body body;
    struct ifl_error error;
    assert_int_equal(parse(text, &body, field, &error), IFL_ERR_INVALID);
}

// Any bytes: parsed or refused, nothing else happens (the sanitizers watch).
static void survives_damage(void **state)
{
    (void)state;
    static const char good[] =
        "{\"seed\": 12, \"prompt\": \"rain\", \"k\": 3, \"brightness\": 0.5, \"privacy\": "
        "\"deidentify\", \"width\": 64, \"height\": 64}";
    uint32_t random = 1;
    int taken = 0, turned_down = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int n = 0; n <= i % 3; n++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % (sizeof good - 1)] = (char)(random >> 24);
        }
        struct ifl_generate_body body;
        struct ifl_error error;
        char field[64];
        body = (struct ifl_generate_body){.deadline_seconds = 15};
        ifl_request_init(&body.request);
        if (ifl_generate_body_parse(text, sizeof good - 1 - (size_t)i % 5, &body, field, &error) ==
            IFL_OK)
            taken++;
        else
            turned_down++;
    }
    assert_true(taken > 0);
    assert_true(turned_down > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_field),
        cmocka_unit_test(nothing_means_the_defaults),
        cmocka_unit_test(takes_all_64_bits_of_a_seed),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(refuses_long_prompts),
        cmocka_unit_test(refuses_deep_nesting),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
