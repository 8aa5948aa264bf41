// SPDX-License-Identifier: Apache-2.0
// The record: every key in every line with one type, any seed, a bounded length.
#include "made.h"

#include <jansson.h>

#include "deliver/record.h"

static json_t *parse(const struct ifl_synthetic *synthetic, const char *name, size_t *length)
{
    char *line = ifl_synthetic_json(synthetic, name);
    assert_non_null(line);
    assert_null(strchr(line, '\n'));
    *length = strlen(line);
    json_t *record = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(record);
    free(line);
    return record;
}

static const char *text_at(const json_t *record, const char *key)
{
    return json_string_value(json_object_get(record, key));
}

static void it_says_what_was_made(void **state)
{
    (void)state;
    struct ifl_synthetic synthetic;
    make_synthetic(&synthetic, 64, 36, UINT64_MAX);
    strcpy(synthetic.request.prompt, "a busy plaza, \"sunny\"");
    synthetic.request.target[IFL_TARGET_brightness] = 0.5;
    synthetic.likeness = 1.25;
    size_t length;
    json_t *record = parse(&synthetic, "x.png", &length);
    assert_string_equal(text_at(record, "file_name"), "x.png");
    assert_string_equal(text_at(record, "schema"), "inferloop.image/1");
    assert_true(json_is_true(json_object_get(record, "synthetic")));
    assert_string_equal(text_at(record, "seed"), "18446744073709551615");
    assert_string_equal(text_at(record, "engine"), "analytic");
    assert_string_equal(text_at(record, "privacy"), "deidentify");
    assert_string_equal(text_at(record, "time"), "2025-11-24T16:00:00.123Z");
    assert_string_equal(text_at(record, "rejection"), "none");
    check_near(json_real_value(json_object_get(record, "likeness")), 1.25, 0);
    const json_t *parameters = json_object_get(record, "parameters");
    assert_int_equal(json_integer_value(json_object_get(parameters, "width")), 64);
    check_near(json_real_value(json_object_get(parameters, "brightness")), 0.5, 0);
    check_near(json_real_value(json_object_get(parameters, "contrast")), -1, 0);
    assert_string_equal(text_at(parameters, "prompt"), synthetic.request.prompt);
    assert_true(json_is_false(json_object_get(parameters, "prompt_cut")));
    json_decref(record);
    ifl_synthetic_fini(&synthetic);
}

// Same keys in the same order with the same types; true and false are one type.
static void check_same_types(json_t *a, json_t *b)
{
    assert_int_equal(json_object_size(a), json_object_size(b));
    void *at = json_object_iter(a), *bt = json_object_iter(b);
    for (; at; at = json_object_iter_next(a, at), bt = json_object_iter_next(b, bt)) {
        assert_string_equal(json_object_iter_key(at), json_object_iter_key(bt));
        json_t *av = json_object_iter_value(at), *bv = json_object_iter_value(bt);
        assert_false(json_is_null(av) || json_is_null(bv));
        if (!json_is_boolean(av) || !json_is_boolean(bv))
            assert_int_equal(json_typeof(av), json_typeof(bv));
        if (json_is_object(av))
            check_same_types(av, bv);
    }
}

static void types_never_change(void **state)
{
    (void)state;
    struct ifl_synthetic full, empty = {.likeness = INFINITY};
    make_synthetic(&full, 64, 36, 1);
    strcpy(full.request.prompt, "night");
    full.likeness = 1;
    full.request.target[IFL_TARGET_brightness] = full.request.target[IFL_TARGET_contrast] = 0.25;
    full.request.target[IFL_TARGET_saturation] = 1;
    full.request.target[IFL_TARGET_color_temperature] = 6500;
    empty.scores.sharpness = -INFINITY;
    empty.audit.nearest_sequence = UINT64_MAX;
    size_t length;
    json_t *a = parse(&full, "x.png", &length), *b = parse(&empty, NULL, &length);
    check_same_types(a, b);
    json_decref(a);
    json_decref(b);
    ifl_synthetic_fini(&full);
}

static void fill(char *text, size_t bytes, const char *with)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = with[i % strlen(with)];
}

static void check_bounded(const char *with, bool cut)
{
    struct ifl_synthetic synthetic;
    make_synthetic(&synthetic, 64, 36, UINT64_MAX);
    fill(synthetic.request.prompt, sizeof synthetic.request.prompt - 1, with);
    fill(synthetic.unknown_words, sizeof synthetic.unknown_words, with); // no final 0 anywhere
    fill(synthetic.adapted, sizeof synthetic.adapted, with);
    fill(synthetic.audit.note, sizeof synthetic.audit.note, with);
    fill(synthetic.licence, sizeof synthetic.licence, with);
    fill(synthetic.source, sizeof synthetic.source, with);
    fill(synthetic.engine, sizeof synthetic.engine, with);
    fill(synthetic.profile_id, sizeof synthetic.profile_id, with);
    double *numbers[] = {&synthetic.scores.sharpness, &synthetic.scores.clipped,
                         &synthetic.scores.artefact, &synthetic.audit.support_4,
                         &synthetic.likeness};
    for (int i = 0; i < 5; i++)
        *numbers[i] = -1.23456789012e-300;
    char name[300] = "";
    fill(name, sizeof name - 1, with);
    size_t length;
    json_t *record = parse(&synthetic, name, &length);
    assert_true(length <= IFL_RECORD_MAX);
    if (cut) // and not cut more than was needed
        assert_true(length > IFL_RECORD_MAX - 8);
    json_t *parameters = json_object_get(record, "parameters");
    assert_int_equal(json_is_true(json_object_get(parameters, "prompt_cut")), cut);
    json_decref(record);
    ifl_synthetic_fini(&synthetic);
}

static void its_length_is_bounded(void **state)
{
    (void)state;
    check_bounded("a", true);
    check_bounded("\"", true);
    check_bounded("\\", true);
    check_bounded("\x01", true);
    check_bounded("\xff", true);
    check_bounded("\xe2\x82\xac", true);
    check_bounded("\"\xe2\x82\xac", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_was_made),
        cmocka_unit_test(types_never_change),
        cmocka_unit_test(its_length_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
