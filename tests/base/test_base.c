// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"

static void errors_name_the_thing(void **state)
{
    (void)state;
    struct ifl_error error = {0};
    assert_int_equal(ifl_fail_errno(&error, ENOSPC, "deliver", "cannot write %s", "a.png"),
                     IFL_ERR_NO_SPACE);
    assert_non_null(strstr(error.text, "a.png"));
    assert_non_null(strstr(error.text, strerror(ENOSPC)));
    assert_int_equal(ifl_fail(NULL, IFL_ERR_BUSY, "x", "y"), IFL_ERR_BUSY);
    assert_int_equal(ifl_result_http_status(IFL_ERR_BUSY), 429);
    assert_string_equal(ifl_result_name(IFL_ERR_NOT_FOUND), "ERR_NOT_FOUND");
    assert_string_equal(ifl_result_name((enum ifl_result)12345), "ERR_INTERNAL");
}

static void a_long_error_is_cut_not_overrun(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct ifl_error error;
    ifl_fail_errno(&error, EIO, "a stage with a very long name", "%s", text);
    assert_true(strlen(error.text) < sizeof error.text);
    assert_true(strlen(error.stage) < sizeof error.stage);
}

static void normal_numbers_are_normal(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 7);
    double sum = 0, squares = 0, fourth = 0;
    int beyond = 0;
    const int n = 400000;
    for (int i = 0; i < n; i++) {
        double z = ifl_rng_normal(&rng);
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
        beyond += fabs(z) > 1.959964;
    }
    check_near(sum / n, 0, 0.01);
    check_near(squares / n, 1, 0.02);
    check_near(fourth / n, 3, 0.1);
    check_near((double)beyond / n, 0.05, 0.003);
}

static void bounded_numbers_are_even_and_streams_differ(void **state)
{
    (void)state;
    struct ifl_rng rng, other;
    ifl_rng_init(&rng, 1);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[ifl_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        check_near(seen[i], 10000, 450);
    assert_int_equal(ifl_rng_below(&rng, 1), 0);
    ifl_rng_split(&rng, 5, 0);
    ifl_rng_split(&other, 5, 1);
    assert_true(ifl_rng_next(&rng) != ifl_rng_next(&other));
}

static void hashes_chain_and_differ(void **state)
{
    (void)state;
    uint64_t a = ifl_hash_bytes("a", 1, 0), ab = ifl_hash_bytes("b", 1, a);
    assert_true(a != ab);
    assert_true(ifl_hash_bytes("ab", 2, 0) != ifl_hash_bytes("ba", 2, 0));
    assert_true(ifl_hash_bytes("", 0, 1) != ifl_hash_bytes("", 0, 2));
}

static void files_are_written_whole(void **state)
{
    (void)state;
    char folder[] = "/tmp/inferloop-base-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[512], deep[256];
    snprintf(deep, sizeof deep, "%s/a/b/c", folder);
    snprintf(path, sizeof path, "%s/file", deep);
    struct ifl_error error;
    check_ok(ifl_make_directories(deep, &error), error);
    check_ok(ifl_make_directories(deep, &error), error);
    check_ok(ifl_write_file(path, "first", 5, 0600, &error), error);
    check_ok(ifl_write_file(path, "second", 6, 0600, &error), error);
    uint8_t *bytes;
    size_t count;
    check_ok(ifl_read_file(path, 100, &bytes, &count, &error), error);
    assert_int_equal(count, 6);
    assert_string_equal((char *)bytes, "second");
    free(bytes);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(ifl_read_file(path, 5, &bytes, &count, &error), IFL_ERR_TOO_LARGE);
    assert_int_equal(ifl_read_file(deep, 5, &bytes, &count, &error), IFL_ERR_INVALID);
    assert_int_equal(ifl_make_directories(path, &error), IFL_ERR_INVALID);
    snprintf(path, sizeof path, "%s/none/file", folder);
    assert_int_equal(ifl_write_file(path, "x", 1, 0600, &error), IFL_ERR_NOT_FOUND);
    char command[300];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void times_are_written_as_utc(void **state)
{
    (void)state;
    char text[32];
    ifl_wall_format(INT64_C(1700000000123456789), text);
    assert_string_equal(text, "2023-11-14T22:13:20.123Z");
    ifl_wall_format(INT64_MAX, text);
    assert_int_equal(text[0], '2');
    assert_true(ifl_now_ns(ifl_clock_real()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_the_thing),
        cmocka_unit_test(a_long_error_is_cut_not_overrun),
        cmocka_unit_test(normal_numbers_are_normal),
        cmocka_unit_test(bounded_numbers_are_even_and_streams_differ),
        cmocka_unit_test(hashes_chain_and_differ),
        cmocka_unit_test(files_are_written_whole),
        cmocka_unit_test(times_are_written_as_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
