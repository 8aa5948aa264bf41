// SPDX-License-Identifier: Apache-2.0
// Who may ask, and where to listen.
#include "support.h"

#include <unistd.h>

#include "http/guard.h"
#include "http/listen.h"

static void loopback_servers_answer_to_loopback_names(void **state)
{
    (void)state;
    const char *const hosts[] = {"lab.example", NULL};
    struct ifl_guard guard = {.loopback = true, .address = "127.0.0.1", .hosts = hosts};
    const char *const good[] = {"localhost",   "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000",
                                "127.8.8.8",   "[::1]:8000",     "[::1]",       "localhost.",
                                "lab.example", "Lab.Example:80"};
    const char *const bad[] = {"",
                               ":",
                               ":8000",
                               "evil.example",
                               "evil.example:8000",
                               "127.0.0.1.evil.example",
                               "localhost.evil.example",
                               "localhost:80:80",
                               "localhost:80x",
                               "localhost@evil",
                               "evil",
                               "192.168.1.5",
                               "[::1",
                               "[]",
                               "[::2]",
                               "[localhost]x",
                               "127.1",
                               "0x7f000001"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!ifl_guard_host(&guard, good[i]))
            fail_msg("%s was refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ifl_guard_host(&guard, bad[i]))
            fail_msg("%s was taken", bad[i]);
}

static void open_servers_also_answer_to_addresses_and_plain_names(void **state)
{
    (void)state;
    struct ifl_guard guard = {.loopback = false, .address = "0.0.0.0"};
    assert_true(ifl_guard_host(&guard, "192.168.1.5:8000"));
    assert_true(ifl_guard_host(&guard, "inferloop:8000"));
    assert_true(ifl_guard_host(&guard, "[fe80::1]:8000"));
    assert_true(ifl_guard_host(&guard, "localhost"));
    assert_false(ifl_guard_host(&guard, "evil.example"));
    char name[400];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = 0;
    assert_false(ifl_guard_host(&guard, name));
}

static void origins_must_be_the_same_host(void **state)
{
    (void)state;
    assert_true(ifl_guard_origin("http://localhost:8000", "localhost:8000"));
    assert_true(ifl_guard_origin("https://Lab.example", "lab.example"));
    assert_false(ifl_guard_origin("http://localhost:8001", "localhost:8000"));
    assert_false(ifl_guard_origin("http://evil.example", "localhost:8000"));
    assert_false(ifl_guard_origin("null", "localhost:8000"));
    assert_false(ifl_guard_origin("", "localhost:8000"));
    assert_false(ifl_guard_origin("file://localhost:8000", "localhost:8000"));
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    const char *const bad[] = {"",        "8000",          "localhost",       "1.2.3:80",
                               "::1:80",  "127.0.0.1:",    "127.0.0.1:65536", "127.0.0.1:-1",
                               "[::1]80", "example.com:1", "[::1:80",         "127.0.0.1:1a",
                               "[]:80",   "127.0.0.1 :80"};
    struct ifl_listener listener;
    struct ifl_error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ifl_listen(bad[i], &listener, &error), IFL_ERR_INVALID);
        assert_int_equal(listener.socket, -1);
        assert_non_null(strstr(error.text, "127.0.0.1:8000"));
    }
    // An address of the documentation's range: no machine has it.
    assert_int_equal(ifl_listen("192.0.2.1:0", &listener, &error), IFL_ERR_INVALID);
    assert_non_null(strstr(error.text, "no address 192.0.2.1"));
}

static void listens_and_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *listen;
        bool loopback;
    } rows[] = {{"127.0.0.1:0", true}, {"localhost:0", true}, {":0", true}, {"0.0.0.0:0", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ifl_listener listener;
        struct ifl_error error;
        check_ok(ifl_listen(rows[i].listen, &listener, &error), error);
        assert_true(listener.port > 0);
        assert_int_equal(listener.loopback, rows[i].loopback);
        close(listener.socket);
    }
}

static void says_when_a_port_is_taken(void **state)
{
    (void)state;
    struct ifl_listener first, second;
    struct ifl_error error;
    check_ok(ifl_listen("127.0.0.1:0", &first, &error), error);
    char listen[32];
    snprintf(listen, sizeof listen, "127.0.0.1:%d", first.port);
    assert_int_equal(ifl_listen(listen, &second, &error), IFL_ERR_IN_USE);
    assert_int_equal(second.socket, -1);
    assert_non_null(strstr(error.text, listen));
    assert_non_null(strstr(error.text, "--listen"));
    close(first.socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_servers_answer_to_loopback_names),
        cmocka_unit_test(open_servers_also_answer_to_addresses_and_plain_names),
        cmocka_unit_test(origins_must_be_the_same_host),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(listens_and_says_where),
        cmocka_unit_test(says_when_a_port_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
