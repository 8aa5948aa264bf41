// SPDX-License-Identifier: Apache-2.0
// Generating over HTTP: what is taken, what is refused, and how much at once.
#include "rig.h"

#include <poll.h>
#include <unistd.h>

static struct answer generate(const char *body)
{
    return client_post(under.port, "/api/v1/generate", body, strlen(body));
}

static void generates_and_answers_with_the_record(void **state)
{
    (void)state;
    struct answer answer = generate("{\"seed\": 7, \"source\": \"gate\", \"brightness\": 0.25, "
                                    "\"prompt\": \"night\", \"width\": 64, \"height\": 48}");
    assert_int_equal(answer.status, 201);
    json_t *record = json_loadb(answer.body, answer.bytes, 0, NULL);
    assert_string_equal(text_at(record, "seed"), "7");
    assert_string_equal(text_at(record, "url"), "/api/v1/images/made-3.png");
    json_decref(record);
    assert_string_equal(under.fake->last_source, "gate");
    assert_string_equal(under.fake->last_request.prompt, "night");
    check_near(under.fake->last_request.target[IFL_TARGET_brightness], 0.25, 0);
    assert_int_equal(under.fake->last_request.height, 48);
    answer_free(&answer);
    check_image("/api/v1/images/made-3.png", "image/png", "\x89PNG", 4);
}

static void generates_and_answers_with_the_image(void **state)
{
    (void)state;
    struct answer answer =
        client_ask(under.port, "POST /api/v1/generate HTTP/1.1\r\nHOSTAccept: image/jpeg;q=0.9\r\n"
                               "Content-Length: 0\r\n\r\n");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_header(&answer, "Content-Type"), "image/jpeg");
    assert_string_equal(answer_header(&answer, "Content-Location"), "/api/v1/images/made-3.png");
    assert_memory_equal(answer.body, "\xff\xd8\xff", 3);
    answer_free(&answer);
    assert_string_equal(under.fake->last_source, "cam");
    assert_true(isnan(under.fake->last_request.target[IFL_TARGET_brightness]));
}

static void passes_the_pipelines_errors_on(void **state)
{
    (void)state;
    static const struct {
        enum ifl_result result;
        int status;
        const char *code;
    } rows[] = {{IFL_ERR_NOT_READY, 503, "ERR_NOT_READY"},
                {IFL_ERR_BUSY, 429, "ERR_BUSY"},
                {IFL_ERR_REJECTED, 422, "ERR_REJECTED"},
                {IFL_ERR_TIMEOUT, 504, "ERR_TIMEOUT"},
                {IFL_ERR_INTERNAL, 500, "ERR_INTERNAL"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        under.fake->generate_result = rows[i].result;
        struct answer answer = generate("{}");
        check_error(&answer, rows[i].status, rows[i].code, "as the test wants it");
        bool later = rows[i].status == 503 || rows[i].status == 429;
        assert_int_equal(answer_header(&answer, "Retry-After")[0] != 0, later);
        answer_free(&answer);
    }
}

static void refuses_bad_bodies_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *code, *part;
    } rows[] = {
        {"{\"sead\": 1}", 400, "ERR_INVALID", "no field \"sead\""},
        {"{\"brightness\": 2}", 400, "ERR_INVALID", "\"brightness\" is 2"},
        {"{\"k\": \"3\"}", 400, "ERR_INVALID", "\"k\" must be"},
        {"{\"brightness\": NaN}", 400, "ERR_INVALID", "not JSON"},
        {"[1, 2", 400, "ERR_INVALID", "not JSON"},
        {"{\"prompt\": \"\xc3\x28\"}", 400, "ERR_INVALID", "not JSON"},
        {"\xff\xfe{}", 400, "ERR_INVALID", "not JSON"},
        {"{\"source\": \"attic\"}", 404, "ERR_NOT_FOUND", "no source \"attic\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = generate(rows[i].body);
        check_error(&answer, rows[i].status, rows[i].code, rows[i].part);
        answer_free(&answer);
    }
    struct answer answer =
        client_ask(under.port, "POST /api/v1/generate HTTP/1.1\r\nHOSTContent-Type: text/plain\r\n"
                               "Content-Length: 2\r\n\r\n{}");
    check_error(&answer, 415, "ERR_UNSUPPORTED", "application/json");
    answer_free(&answer);
}

static void refuses_large_bodies(void **state)
{
    (void)state;
    static const size_t sizes[] = {64 * 1024 + 1, 100 * 1000, 1 << 20, 16 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *body = malloc(sizes[i]);
        memset(body, ' ', sizes[i]);
        struct answer answer = client_post(under.port, "/api/v1/generate", body, sizes[i]);
        check_error(&answer, 413, "ERR_TOO_LARGE", "larger than 65536 bytes");
        answer_free(&answer);
        free(body);
    }
    char *body = malloc(64 * 1024); // the largest that fits
    memset(body, ' ', 64 * 1024);
    memcpy(body, "{}", 2);
    struct answer answer = client_post(under.port, "/api/v1/generate", body, 64 * 1024);
    assert_int_equal(answer.status, 201);
    answer_free(&answer);
    free(body);
}

static void refuses_large_bodies_without_a_length(void **state)
{
    (void)state;
    static const char head[] =
        "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    char chunk[4096 + 16];
    int used = sprintf(chunk, "1000\r\n");
    memset(chunk + used, ' ', 4096);
    memcpy(chunk + used + 4096, "\r\n", 2);
    int client = client_connect(under.port);
    client_send(client, head, sizeof head - 1);
    for (int i = 0; i < 20; i++)
        client_send(client, chunk, (size_t)used + 4096 + 2);
    client_send(client, "0\r\n\r\n", 5);
    struct answer answer = client_read(client, false);
    check_error(&answer, 413, "ERR_TOO_LARGE", "larger than");
    answer_free(&answer);
    close(client);
    client = client_connect(under.port); // without an end: cut off
    client_send(client, head, sizeof head - 1);
    int sent = 0;
    while (sent < 16 * 1024 && client_send(client, chunk, (size_t)used + 4096 + 2))
        sent++;
    assert_true(sent < 16 * 1024);
    close(client);
}

enum { CLIENTS = 24, TAKEN = 18 }; // 2 run, 16 wait

// Reads the next answer that comes to any of the clients, and closes that one.
static int next_status(int client[CLIENTS])
{
    struct pollfd wait[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        wait[i] = (struct pollfd){.fd = client[i], .events = POLLIN};
    assert_true(poll(wait, CLIENTS, 5000) > 0);
    int i = 0;
    while (!wait[i].revents)
        i++;
    struct answer answer = client_read(client[i], false);
    int status = answer.status;
    if (status == 429)
        assert_string_equal(answer_header(&answer, "Retry-After"), "5");
    answer_free(&answer);
    close(client[i]);
    client[i] = -1; // poll passes over it
    return status;
}

static void many_at_once_are_bounded(void **state)
{
    (void)state;
    fake_hold(under.fake, true);
    static const char request[] = "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Length: 0\r\n\r\n";
    int client[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        client[i] = client_connect(under.port);
        client_send(client[i], request, sizeof request - 1);
        while (i == 1 && fake_generating(under.fake) < 2)
            usleep(1000); // both threads have one
    }
    for (int i = TAKEN; i < CLIENTS; i++) // those are answered at once, the others wait
        assert_int_equal(next_status(client), 429);
    json_decref(get_json("/healthz", 200)); // and nobody else is held up
    fake_hold(under.fake, false);
    for (int i = 0; i < TAKEN; i++)
        assert_int_equal(next_status(client), 201);
}

static void deadlines_pass(void **state)
{
    (void)state;
    fake_hold(under.fake, true);
    struct answer answer = generate("{\"deadline_seconds\": 0.1}");
    check_error(&answer, 504, "ERR_TIMEOUT", "in time");
    answer_free(&answer);
}

static void clients_that_leave_while_they_wait_do_no_harm(void **state)
{
    (void)state;
    fake_hold(under.fake, true);
    static const char request[] = "POST /api/v1/generate HTTP/1.1\r\nHost: localhost\r\n"
                                  "Content-Length: 0\r\n\r\n";
    int client = client_connect(under.port);
    client_send(client, request, sizeof request - 1);
    while (fake_generating(under.fake) < 1)
        usleep(1000);
    close(client);
    fake_hold(under.fake, false);
    struct answer answer = generate("{}");
    assert_int_equal(answer.status, 201);
    answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(generates_and_answers_with_the_record),
        TEST(generates_and_answers_with_the_image),
        TEST(passes_the_pipelines_errors_on),
        TEST(refuses_bad_bodies_by_name),
        TEST(refuses_large_bodies),
        TEST(refuses_large_bodies_without_a_length),
        TEST(many_at_once_are_bounded),
        TEST(deadlines_pass),
        TEST(clients_that_leave_while_they_wait_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
