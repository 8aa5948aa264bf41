// SPDX-License-Identifier: Apache-2.0
// The vocabulary, and that nothing in a prompt is lost.
#include "support.h"

#include "generate/builtin.h"

static struct ifl_conditioning parse(const char *prompt)
{
    struct ifl_conditioning conditioning;
    ifl_prompt_parse(prompt, 7.5, &conditioning);
    return conditioning;
}

static void the_seed_documents_prompts_are_understood(void **state)
{
    (void)state;
    static const char *const prompts[] = {
        "A scene with dark, moody, low-key and warm tones",
        "A scene with bright, vibrant, high-key and cool tones",
        "A scene with balanced lighting and warm tones",
        "Synthesized scene based on current environment",
    };
    for (size_t i = 0; i < sizeof prompts / sizeof prompts[0]; i++)
        assert_string_equal(parse(prompts[i]).unknown_words, "");
    assert_true(parse(prompts[0]).brightness_offset < -0.2);
    assert_true(parse(prompts[0]).color_temperature_factor < 0.9);
    assert_true(parse(prompts[1]).brightness_offset > 0.15);
    assert_true(parse(prompts[1]).saturation_factor > 1.2);
    assert_true(parse(prompts[1]).color_temperature_factor > 1.1);
}

static void asks_nothing(const struct ifl_conditioning *c)
{
    check_near(c->brightness_offset, 0, 0);
    check_near(c->contrast_factor, 1, 0);
    check_near(c->saturation_factor, 1, 0);
    check_near(c->color_temperature_factor, 1, 0);
    check_near(c->occupancy_weight, 0, 0);
}

static void no_prompt_asks_nothing(void **state)
{
    (void)state;
    struct ifl_conditioning c = parse("");
    asks_nothing(&c);
    ifl_prompt_parse("dark crowded sunset muted high contrast", 0, &c);
    asks_nothing(&c);
    assert_string_equal(c.unknown_words, "");
}

static void the_longest_phrase_wins(void **state)
{
    (void)state;
    assert_true(parse("LOW-KEY").brightness_offset < 0);
    assert_true(parse("high contrast").contrast_factor > 1);
    assert_true(parse("low contrast").contrast_factor < 1);
    assert_string_equal(parse("high contrast").unknown_words, "");
    assert_string_equal(parse("high").unknown_words, "high");
    assert_string_equal(parse("high, high pigeon").unknown_words, "high pigeon");
}

static void amounts_scale_with_guidance(void **state)
{
    (void)state;
    struct ifl_conditioning c, half;
    ifl_prompt_parse("dark crowded muted", 7.5, &c);
    ifl_prompt_parse("dark crowded muted", 3.75, &half);
    check_near(half.brightness_offset, c.brightness_offset / 2, 1e-12);
    check_near(half.occupancy_weight, c.occupancy_weight / 2, 1e-12);
    check_near(half.saturation_factor * half.saturation_factor, c.saturation_factor, 1e-9);
}

static void foreign_letters_survive(void **state)
{
    (void)state;
    assert_string_equal(parse("café dark \xe5\xa4\x9c").unknown_words, "café \xe5\xa4\x9c");
    assert_string_equal(parse("x\xff\xc3(y").unknown_words, "x?? y");
    assert_string_equal(parse("\xed\xa0\x80").unknown_words, "???"); // a surrogate
}

static void the_list_of_unknown_words_is_bounded(void **state)
{
    (void)state;
    char prompt[IFL_PROMPT_MAX];
    for (int i = 0; i + 8 < IFL_PROMPT_MAX; i += 7)
        snprintf(prompt + i, 8, "xq%04u ", (unsigned)i / 7 % 10000);
    prompt[IFL_PROMPT_MAX - 1] = 0;
    struct ifl_conditioning c = parse(prompt);
    assert_true(strlen(c.unknown_words) < sizeof c.unknown_words);
    assert_string_equal(c.unknown_words + strlen(c.unknown_words) - 4, " ...");
    memset(prompt, 'q', IFL_PROMPT_MAX - 1);
    assert_string_equal(parse(prompt).unknown_words, "...");
}

static void every_row_is_found_by_its_own_phrase(void **state)
{
    (void)state;
    int count;
    const struct ifl_prompt_row *rows = ifl_prompt_rows(&count);
    for (int i = 0; i < count; i++) {
        struct ifl_conditioning c = parse(rows[i].phrase);
        assert_string_equal(c.unknown_words, "");
        check_near(c.brightness_offset, rows[i].brightness_offset, 1e-12);
        check_near(c.contrast_factor, rows[i].contrast_factor, 1e-9);
        check_near(c.saturation_factor, rows[i].saturation_factor, 1e-9);
        check_near(c.color_temperature_factor, rows[i].color_temperature_factor, 1e-9);
        check_near(c.occupancy_weight, rows[i].occupancy_weight, 1e-12);
    }
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 16);
    if (text && fread(text, 1, (1 << 16) - 1, file) == 0)
        text[0] = 0;
    fclose(file);
    return text;
}

// With INFERLOOP_UPDATE_DOCS set, the document is written instead.
static void the_document_is_up_to_date(void **state)
{
    (void)state;
    char *wanted = ifl_prompt_document();
    assert_non_null(wanted);
    if (getenv("INFERLOOP_UPDATE_DOCS")) {
        FILE *file = fopen(PROMPTS_DOCUMENT, "wb");
        assert_non_null(file);
        fputs(wanted, file);
        fclose(file);
    }
    char *text = read_text(PROMPTS_DOCUMENT);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(text);
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_documents_prompts_are_understood),
        cmocka_unit_test(no_prompt_asks_nothing),
        cmocka_unit_test(the_longest_phrase_wins),
        cmocka_unit_test(amounts_scale_with_guidance),
        cmocka_unit_test(foreign_letters_survive),
        cmocka_unit_test(the_list_of_unknown_words_is_bounded),
        cmocka_unit_test(every_row_is_found_by_its_own_phrase),
        cmocka_unit_test(the_document_is_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
