// SPDX-License-Identifier: Apache-2.0
// The options table: every row is sound, text goes in and comes out the same, layers replace.
#include "support.h"

#include "core/metrics.h"
#include "core/options.h"
#include "core/registry.h"

static void every_row_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < IFL_OPTION_COUNT; i++) {
        const struct ifl_option_row *row = ifl_option_row(i);
        assert_int_equal(ifl_option_find(row->name, strlen(row->name)), i);
        assert_true(row->help[0] && row->commands);
        assert_true((row->type == IFL_OPTION_CHOICE) == (row->choices != NULL));
        for (int k = 0; k < i; k++)
            assert_true(!row->short_flag || ifl_option_row(k)->short_flag != row->short_flag);
        char variable[64];
        ifl_option_variable(row, variable);
        assert_int_equal(strncmp(variable, "INFERLOOP_", 10), 0);
        // What names files, code or commands stays out of HTTP's sight.
        if (!strcmp(row->unit, "PATH") || !strcmp(row->unit, "FILE") || !strcmp(row->unit, "URI"))
            assert_int_equal(row->http, IFL_HTTP_NOTHING);
    }
    assert_int_equal(ifl_option_find("profile_interval", 16), IFL_OPTION_ID_profile_interval);
    assert_int_equal(ifl_option_find("", 0), -1);
}

static void text_goes_in_and_comes_out(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"source", "rtsp://a/b"}, {"profile-interval", "0.5"},
        {"threads", "7"},         {"seed", "9223372036854775807"},
        {"loop", "yes"},          {"format", "webp"},
        {"size", "320x240"},      {"privacy", "k-anonymous:5"},
        {"privacy", "verbatim"},  {"brightness", "0.25"},
        {"brightness", ""},       {"prompt", "dark"},
    };
    struct ifl_config *config = ifl_config_create();
    struct ifl_error error;
    char text[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_ok(ifl_config_set(config, rows[i][0], rows[i][1], &error), error);
        int option = ifl_option_find(rows[i][0], strlen(rows[i][0]));
        assert_true(ifl_option_text(config, option, 0, text, sizeof text));
        assert_string_equal(text, rows[i][1]);
        assert_int_equal(config->origin[option], IFL_FROM_FLAG);
    }
    assert_true(isnan(config->brightness));
    assert_int_equal(ifl_config_set(config, "no-such", "1", &error), IFL_ERR_INVALID);
    assert_int_equal(ifl_config_set(config, "threads", "0", &error), IFL_ERR_INVALID);
    assert_int_equal(config->threads, 7); // a refused value changes nothing
    ifl_config_destroy(config);
}

static void a_later_layer_replaces_a_list(void **state)
{
    (void)state;
    struct ifl_config *config = ifl_config_create();
    struct ifl_error error;
    const char *const given[] = {"a", "b"};
    for (int i = 0; i < 2; i++)
        check_ok(ifl_option_set(config, IFL_OPTION_ID_source, given[i], IFL_FROM_FILE, &error),
                 error);
    assert_int_equal(config->source.count, 2);
    check_ok(ifl_option_set(config, IFL_OPTION_ID_source, "c", IFL_FROM_FLAG, &error), error);
    check_ok(ifl_option_set(config, IFL_OPTION_ID_source, "d", IFL_FROM_FLAG, &error), error);
    assert_int_equal(config->source.count, 2);
    assert_string_equal(config->source.item[0], "c");
    for (int i = 2; i < IFL_LIST_MAX; i++)
        check_ok(ifl_config_set(config, "source", "e", &error), error);
    assert_int_equal(ifl_config_set(config, "source", "f", &error), IFL_ERR_TOO_LARGE);
    ifl_config_destroy(config);
}

static enum ifl_result read_text(const char *text, size_t count)
{
    struct ifl_config *config = ifl_config_create();
    struct ifl_error error = {0};
    enum ifl_result result =
        ifl_config_read_text(config, "test.yaml", (const uint8_t *)text, count, &error);
    ifl_config_destroy(config);
    return result;
}

static void hostile_files_are_refused_quickly(void **state)
{
    (void)state;
    static char brackets[5000];
    memset(brackets, '[', sizeof brackets);
    assert_int_equal(read_text(brackets, sizeof brackets), IFL_ERR_TOO_LARGE);
    memset(brackets, '{', sizeof brackets);
    assert_int_equal(read_text(brackets, sizeof brackets), IFL_ERR_TOO_LARGE);
    static const char zero[] = "prompt: \"dark\\0moody\"", plain[] = "prompt: \"[dark] moody\"";
    assert_int_equal(read_text(zero, strlen(zero)), IFL_ERR_INVALID);
    assert_int_equal(read_text(plain, strlen(plain)), IFL_OK);
}

static void regions_are_inside_the_picture(void **state)
{
    (void)state;
    double region[4];
    struct ifl_error error;
    check_ok(ifl_parse_rectangle("0,0.5,1,0.5", region, &error), error);
    check_near(region[1], 0.5, 0);
    static const char *const bad[] = {"",           "0,0,1",   "0,0,1,1,1", "0.5,0,0.6,1",
                                      "-0.1,0,1,1", "0,0,0,1", "nan,0,1,1", "0,0,inf,1",
                                      "a,b,c,d"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ifl_parse_rectangle(bad[i], region, &error), IFL_ERR_INVALID);
}

static void requests_are_checked(void **state)
{
    (void)state;
    struct ifl_request request;
    struct ifl_error error;
    ifl_request_init(&request);
    check_ok(ifl_request_check(&request, &error), error);
    assert_int_equal(request.privacy, IFL_PRIVACY_DEIDENTIFY); // safe by default
#define REFUSED(field, value)                                                                      \
    do {                                                                                           \
        struct ifl_request bad = request;                                                          \
        bad.field = value;                                                                         \
        assert_int_equal(ifl_request_check(&bad, &error), IFL_ERR_INVALID);                        \
    } while (0)
    REFUSED(width, 100000);
    REFUSED(height, -1);
    REFUSED(k, 1);
    REFUSED(guidance_scale, NAN);
    REFUSED(guidance_scale, 1e9);
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        REFUSED(target[t], ifl_target_row((enum ifl_target)t)->least - 0.01);
        REFUSED(target[t], ifl_target_row((enum ifl_target)t)->greatest + 1);
        REFUSED(target[t], INFINITY);
    }
    REFUSED(privacy, (enum ifl_privacy)9);
#undef REFUSED
    memset(request.prompt, 'x', sizeof request.prompt);
    assert_int_equal(ifl_request_check(&request, &error), IFL_ERR_TOO_LARGE);
}

// The two tables agree: each target has an option of its name, unit and range.
static void targets_are_options(void **state)
{
    (void)state;
    struct ifl_config *config = ifl_config_create();
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const struct ifl_target_row *target = ifl_target_row((enum ifl_target)t);
        int option = ifl_option_find(target->name, strlen(target->name));
        assert_true(option >= 0);
        const struct ifl_option_row *row = ifl_option_row(option);
        check_near(row->least, target->least, 0);
        check_near(row->greatest, target->greatest, 0);
        assert_string_equal(row->unit, target->unit);
        assert_non_null(strstr(row->help, t < IFL_LOOK_COUNT ? target->of : "foreground"));
        char text[32];
        struct ifl_error error;
        struct ifl_request request;
        snprintf(text, sizeof text, "%g", target->greatest / 2);
        check_ok(ifl_option_set(config, option, text, IFL_FROM_FLAG, &error), error);
        ifl_config_request(config, &request);
        check_near(request.target[t], target->greatest / 2, 1e-9);
    }
    ifl_config_destroy(config);
}

static const struct ifl_metric metrics[] = {
    {"test_total", IFL_METRIC_COUNTER, "name,kind", "A count."},
    {"test_seconds", IFL_METRIC_GAUGE, "", "A time."},
};

static void collect(struct ifl_metrics_writer *writer, void *context)
{
    (void)context;
    const char *labels[] = {"a\"b\\c\nd", "x"};
    ifl_metric_emit(writer, &metrics[0], labels, 3);
    labels[1] = "y";
    ifl_metric_emit(writer, &metrics[0], labels, 4);
    ifl_metric_emit(writer, &metrics[1], NULL, NAN);
}

static void metrics_make_prometheus_text(void **state)
{
    (void)state;
    struct ifl_metrics *registry = ifl_metrics_create();
    assert_int_equal(ifl_metrics_add(registry, collect, NULL), IFL_OK);
    char *text = ifl_metrics_text(registry);
    assert_string_equal(text, "# HELP test_total A count.\n# TYPE test_total counter\n"
                              "test_total{name=\"a\\\"b\\\\c\\nd\",kind=\"x\"} 3\n"
                              "test_total{name=\"a\\\"b\\\\c\\nd\",kind=\"y\"} 4\n"
                              "# HELP test_seconds A time.\n# TYPE test_seconds gauge\n"
                              "test_seconds NaN\n");
    free(text);
    ifl_metrics_destroy(registry);
}

static void the_registry_refuses_what_is_no_plugin(void **state)
{
    (void)state;
    static const struct ifl_plugin *const none[] = {NULL};
    struct ifl_registry *registry = ifl_registry_create(none);
    struct ifl_error error;
    assert_int_equal(ifl_registry_load(registry, "/no/such.so", &error), IFL_ERR_NOT_FOUND);
    assert_int_equal(ifl_registry_load(registry, "libm.so.6", &error), IFL_ERR_INVALID);
    assert_null(ifl_registry_find(registry, IFL_PLUGIN_SOURCE, "camera"));
    ifl_registry_destroy(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(text_goes_in_and_comes_out),
        cmocka_unit_test(a_later_layer_replaces_a_list),
        cmocka_unit_test(hostile_files_are_refused_quickly),
        cmocka_unit_test(regions_are_inside_the_picture),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(targets_are_options),
        cmocka_unit_test(metrics_make_prometheus_text),
        cmocka_unit_test(the_registry_refuses_what_is_no_plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
