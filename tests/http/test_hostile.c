// SPDX-License-Identifier: Apache-2.0
// Who may ask, what damaged requests do, and how the server starts and stops.
#include "rig.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

// ---- who may ask ----

static void check_ask(const char *request, int status, const char *code)
{
    struct answer answer = client_ask(under.port, request);
    check_error(&answer, status, code, "");
    answer_free(&answer);
}

static void foreign_hosts_and_origins_are_refused(void **state)
{
    (void)state;
    check_ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, "ERR_UNAUTHORIZED");
    check_ask("GET / HTTP/1.1\r\nHost: evil.example:8000\r\n\r\n", 403, "ERR_UNAUTHORIZED");
    check_ask("GET / HTTP/1.0\r\n\r\n", 403, "ERR_UNAUTHORIZED");
    check_ask("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 403,
              "ERR_UNAUTHORIZED");
    check_ask("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
              "Content-Length: 0\r\n\r\n",
              403, "ERR_UNAUTHORIZED");
    check_ask("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n"
              "Content-Length: 0\r\n\r\n",
              403, "ERR_UNAUTHORIZED");
    struct answer answer =
        client_ask(under.port, "POST /api/v1/generate HTTP/1.1\r\nHost: localhost:81\r\n"
                               "Origin: http://localhost:81\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(answer.status, 201);
    answer_free(&answer);
    assert_int_equal(under.fake->images, 4); // only that one was made
}

// ---- damage ----

// Sends the bytes, then its end; waits a moment only, since there may be no answer to such bytes.
static struct answer ask_oddly(const void *bytes, size_t count)
{
    int client = client_connect(under.port);
    assert_true(client >= 0);
    struct timeval limit = {.tv_usec = 20 * 1000};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    client_send(client, bytes, count);
    shutdown(client, SHUT_WR);
    struct answer answer = client_read(client, false);
    close(client);
    return answer;
}

static void malformed_requests_do_no_harm(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
    } rows[] = {
#define ROW(text) {text, sizeof text - 1}
        ROW("\r\n\r\n"),
        ROW("GET\r\n\r\n"),
        ROW("GET /\r\n\r\n"),
        ROW("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nHost\r\n\r\n"),
        ROW("GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n"),
        ROW("\0\0\0\0\r\n\r\n"),
        ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"),
        ROW("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
        ROW("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9e9\r\n\r\n"),
        ROW("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
            "Content-Length: 99999999999999999999999\r\n\r\n"),
        ROW("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ROW("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
            "Transfer-Encoding: chunked\r\n\r\nzzzz\r\n\r\n"),
        ROW("POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"),
        ROW("GET /%zz%1 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ROW("GET /?%&=&&=%00&a=%f HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ROW("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = ask_oddly(rows[i].bytes, rows[i].count);
        if (answer.status >= 200 && answer.status < 300)
            fail_msg("request %zu was taken: %.60s", i, answer.text);
        if (strstr(answer.text, "/src/") || strstr(answer.text, ".c:"))
            fail_msg("request %zu learns too much: %s", i, answer.text);
        answer_free(&answer);
    }
    json_decref(get_json("/healthz", 200));
}

static void long_headers_and_paths_are_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {"GET /", "GET / HTTP/1.1\r\nX-Long: "};
    for (int i = 0; i < 2; i++) {
        enum { LONG = 200 * 1000 };
        char *text = malloc(LONG);
        memset(text, 'a', LONG);
        int client = client_connect(under.port);
        client_send(client, heads[i], strlen(heads[i]));
        client_send(client, text, LONG);
        client_send(client, "\r\n\r\n", 4);
        struct answer answer = client_read(client, false);
        assert_true(answer.status == 0 || answer.status >= 400);
        answer_free(&answer);
        close(client);
        free(text);
    }
    json_decref(get_json("/healthz", 200));
}

static void random_damage_does_no_harm(void **state)
{
    (void)state;
    static const char good[] = "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n"
                               "{\"seed\": 12}";
    uint32_t random = 7;
    for (int i = 0; i < 300; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int n = 0; n <= i % 4; n++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % (sizeof good - 1)] = (char)(random >> 24);
        }
        struct answer answer = ask_oddly(text, sizeof good - 1);
        answer_free(&answer);
        if (fake_images(under.fake) > FAKE_IMAGES_MAX - 4)
            break;
    }
    json_decref(get_json("/healthz", 200));
}

// ---- life ----

static void a_taken_port_is_named(void **state)
{
    (void)state;
    char listen[32];
    struct ifl_http *second = NULL;
    struct ifl_error error;
    snprintf(listen, sizeof listen, "127.0.0.1:%d", under.port);
    struct ifl_http_config config = {.listen = listen};
    assert_int_equal(ifl_http_start(under.fake, &config, &second, &error), IFL_ERR_IN_USE);
    assert_null(second);
    assert_non_null(strstr(error.text, listen));
    assert_non_null(strstr(error.text, "--listen"));
}

static void too_many_host_names_are_refused(void **state)
{
    (void)state;
    const char *hosts[32];
    for (int i = 0; i < 31; i++)
        hosts[i] = "lab.example";
    hosts[31] = NULL;
    struct ifl_http_config config = {.listen = "127.0.0.1:0", .hosts = hosts};
    struct ifl_http *second = NULL;
    struct ifl_error error;
    assert_int_equal(ifl_http_start(under.fake, &config, &second, &error), IFL_ERR_TOO_LARGE);
    hosts[1] = NULL;
    check_ok(ifl_http_start(under.fake, &config, &second, &error), error);
    struct answer answer =
        client_ask(ifl_http_port(second), "GET /healthz HTTP/1.1\r\nHost: lab.example\r\n\r\n");
    assert_int_equal(answer.status, 200);
    answer_free(&answer);
    ifl_http_stop(second);
}

static void stops_while_requests_wait(void **state)
{
    (void)state;
    struct ifl_http *http;
    struct ifl_error error;
    struct ifl_http_config config = {.listen = "127.0.0.1:0"};
    check_ok(ifl_http_start(under.fake, &config, &http, &error), error);
    static const char request[] = "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Length: 0\r\n\r\n";
    fake_hold(under.fake, true);
    int client[6];
    for (int i = 0; i < 6; i++) {
        client[i] = client_connect(ifl_http_port(http));
        client_send(client[i], request, sizeof request - 1);
    }
    while (fake_generating(under.fake) < 2)
        usleep(1000);
    fake_stop(under.fake);
    ifl_http_stop(http); // hangs here, and the test with it, if one is forgotten
    for (int i = 0; i < 6; i++)
        close(client[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(foreign_hosts_and_origins_are_refused),
        TEST(malformed_requests_do_no_harm),
        TEST(long_headers_and_paths_are_refused),
        TEST(random_damage_does_no_harm),
        TEST(a_taken_port_is_named),
        TEST(too_many_host_names_are_refused),
        TEST(stops_while_requests_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
