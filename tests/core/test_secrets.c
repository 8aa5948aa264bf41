// SPDX-License-Identifier: Apache-2.0
// Secrets that a URI only points to.
#include "support.h"

#include <unistd.h>

#include "core/secrets.h"

static char path[] = "/tmp/inferloop-secret-XXXXXX";

static void write_secret(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    setenv("IFL_TEST_SECRET", "a b/@:?&=%\xc3\xa9", 1);
    return fd < 0 || close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    unsetenv("IFL_TEST_SECRET");
    return unlink(path);
}

static void expand_is(const char *uri, const char *wanted)
{
    char out[IFL_URI_MAX];
    struct ifl_error error = {0};
    check_ok(ifl_secrets_expand(uri, out, sizeof out, &error), error);
    assert_string_equal(out, wanted);
}

static void refuses(const char *uri, enum ifl_result wanted, const char *word)
{
    char out[IFL_URI_MAX];
    struct ifl_error error = {0};
    assert_int_equal(ifl_secrets_expand(uri, out, sizeof out, &error), wanted);
    if (!strstr(error.text, word))
        fail_msg("\"%s\" does not hold \"%s\"", error.text, word);
}

static void other_uris_stay_as_they_are(void **state)
{
    (void)state;
    expand_is("rtsp://joe:pass$word@camera/1?a=$b", "rtsp://joe:pass$word@camera/1?a=$b");
    expand_is("", "");
    expand_is("$", "$");
    expand_is("$$x", "$$x");
    assert_false(ifl_secrets_wanted("rtsp://a$b"));
}

static void variables_are_put_in_and_cannot_leave_their_place(void **state)
{
    (void)state;
    assert_true(ifl_secrets_wanted("rtsp://joe:${IFL_TEST_SECRET}@c"));
    expand_is("rtsp://joe:${IFL_TEST_SECRET}@c", "rtsp://joe:a%20b%2F%40%3A%3F%26%3D%25%C3%A9@c");
    refuses("rtsp://${IFL_TEST_NOTHING}@c", IFL_ERR_UNAUTHORIZED, "IFL_TEST_NOTHING");
}

static void files_are_read_anew_each_time(void **state)
{
    (void)state;
    char uri[128];
    snprintf(uri, sizeof uri, "srt://c?passphrase=${file:%s}&latency=5", path);
    write_secret("first\n");
    expand_is(uri, "srt://c?passphrase=first&latency=5");
    write_secret("se cond\r\n");
    expand_is(uri, "srt://c?passphrase=se%20cond&latency=5");
    write_secret("\n");
    refuses(uri, IFL_ERR_UNAUTHORIZED, "holds no secret");
    refuses("http://c#bearer=${file:/nowhere/at-all}", IFL_ERR_UNAUTHORIZED, "/nowhere/at-all");
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"http://${",  "http://${}",    "http://${file:}",
                                      "http://${A", "http://${A B}", "http://${${A}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses(bad[i], IFL_ERR_INVALID, "${NAME}");
    char small[8];
    struct ifl_error error = {0};
    assert_int_equal(ifl_secrets_expand("http://camera", small, sizeof small, &error),
                     IFL_ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_uris_stay_as_they_are),
        cmocka_unit_test(variables_are_put_in_and_cannot_leave_their_place),
        cmocka_unit_test(files_are_read_anew_each_time),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
