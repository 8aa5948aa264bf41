// SPDX-License-Identifier: Apache-2.0
// Every route, and what is refused: over real sockets, with a pipeline of canned answers behind.
#include "support.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <jansson.h>

#include "client.h"
#include "fake_pipeline.h"
#include "http/routes.h"
#include "http/server.h"

static struct {
    struct ifl_pipeline *fake;
    struct ifl_http *http;
    int port;
} under;

static int start(void **state)
{
    (void)state;
    struct ifl_error error;
    struct ifl_request request;
    ifl_request_init(&request);
    under.fake = fake_create();
    request.seed = UINT64_MAX;
    fake_deliver(under.fake, "cam", "first.png", &request);
    fake_deliver(under.fake, "gate", "second.jpg", &request);
    fake_deliver(under.fake, "cam", "third one.webp", &request);
    struct ifl_http_config config = {.listen = "127.0.0.1:0"};
    check_ok(ifl_http_start(under.fake, &config, &under.http, &error), error);
    under.port = ifl_http_port(under.http);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(under.fake);
    ifl_http_stop(under.http);
    fake_destroy(under.fake);
    return 0;
}

static struct answer get(const char *path)
{
    return client_get(under.port, path);
}

// Asks and checks the status; answers JSON or NULL.
static json_t *get_json(const char *path, int status)
{
    struct answer answer = get(path);
    if (answer.status != status)
        fail_msg("%s: %d, wanted %d: %s", path, answer.status, status, answer.body);
    assert_string_equal(answer_header(&answer, "Content-Type"), "application/json");
    assert_string_equal(answer_header(&answer, "Cache-Control"), "no-store");
    json_t *value = json_loadb(answer.body, answer.bytes, 0, NULL);
    if (!value)
        fail_msg("%s: not JSON: %s", path, answer.body);
    answer_free(&answer);
    return value;
}

static const char *text_at(json_t *value, const char *key)
{
    const char *text = json_string_value(json_object_get(value, key));
    if (!text)
        fail_msg("no string %s", key);
    return text ? text : "";
}

// The error's shape, code and a part of its sentence.
static void check_error(const struct answer *answer, int status, const char *code, const char *part)
{
    json_t *value = json_loadb(answer->body, answer->bytes, 0, NULL);
    json_t *error = json_object_get(value, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    if (answer->status != status || !error || strcmp(text_at(error, "code"), code) != 0 ||
        !message || !strstr(message, part) || !json_is_object(json_object_get(error, "details")))
        fail_msg("wanted %d %s \"%s\", got %d %s", status, code, part, answer->status,
                 answer->body);
    json_decref(value);
}

static void check_get_error(const char *path, int status, const char *code, const char *part)
{
    struct answer answer = get(path);
    check_error(&answer, status, code, part);
    answer_free(&answer);
}

// ---- the page ----

static void serves_the_page_and_its_files(void **state)
{
    (void)state;
    static const struct {
        const char *path, *type, *part;
    } rows[] = {{"/", "text/html; charset=utf-8", "<!doctype html>"},
                {"/style.css", "text/css; charset=utf-8", "{"},
                {"/app.js", "text/javascript; charset=utf-8", "'use strict'"},
                {"/favicon.svg", "image/svg+xml", "<svg"},
                {"/favicon.ico", "image/svg+xml", "<svg"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = get(rows[i].path);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer_header(&answer, "Content-Type"), rows[i].type);
        assert_non_null(strstr(answer.body, rows[i].part));
        assert_string_equal(answer_header(&answer, "X-Content-Type-Options"), "nosniff");
        assert_non_null(
            strstr(answer_header(&answer, "Content-Security-Policy"), "default-src 'self'"));
        assert_string_equal(answer_header(&answer, "Referrer-Policy"), "no-referrer");
        answer_free(&answer);
    }
}

static void the_page_needs_nothing_that_its_policy_forbids(void **state)
{
    (void)state;
    struct answer page = get("/");
    assert_null(strstr(page.body, "style=\""));
    assert_null(strstr(page.body, "<style"));
    assert_null(strstr(page.body, "http://"));
    assert_null(strstr(page.body, "https://"));
    assert_null(strstr(page.body, "onclick"));
    for (char *at = page.body; (at = strstr(at, "<script")); at++)
        assert_int_equal(strncmp(at, "<script src=\"/app.js\"", 20), 0);
    answer_free(&page);
}

static void knows_what_the_browser_has(void **state)
{
    (void)state;
    struct answer answer = get("/app.js");
    char request[512];
    snprintf(request, sizeof request, "GET /app.js HTTP/1.1\r\nHOSTIf-None-Match: %s\r\n\r\n",
             answer_header(&answer, "ETag"));
    answer_free(&answer);
    answer = client_ask(under.port, request);
    assert_int_equal(answer.status, 304);
    assert_int_equal(answer.bytes, 0);
    answer_free(&answer);
}

// ---- reading ----

static void lists_its_routes(void **state)
{
    (void)state;
    json_t *value = get_json("/api/v1", 200);
    int count;
    const struct ifl_route *routes = ifl_routes(&count);
    assert_int_equal(json_array_size(json_object_get(value, "routes")), count);
    for (int i = 0; i < count; i++)
        assert_true(strlen(routes[i].help) > 5);
    json_decref(value);
}

static void tells_the_sources(void **state)
{
    (void)state;
    json_t *value = get_json("/api/v1/sources", 200);
    json_t *list = json_object_get(value, "sources");
    assert_int_equal(json_array_size(list), 2);
    json_t *first = json_array_get(list, 0);
    assert_string_equal(text_at(first, "name"), "cam");
    assert_string_equal(text_at(first, "state"), "live");
    check_near(json_number_value(json_object_get(first, "last_frame_age_seconds")), 0.04, 1e-9);
    assert_int_equal(json_integer_value(json_object_get(first, "frames")), 1234);
    json_t *second = json_array_get(list, 1);
    assert_true(json_is_null(json_object_get(second, "last_frame_age_seconds")));
    json_decref(value);
}

static void tells_the_status(void **state)
{
    (void)state;
    json_t *value = get_json("/api/v1/status", 200);
    json_t *edge = json_array_get(json_object_get(value, "edges"), 0);
    assert_int_equal(json_integer_value(json_object_get(edge, "received")), 100);
    json_t *dropped = json_object_get(edge, "dropped");
    assert_int_equal(json_integer_value(json_object_get(dropped, "queue_full")), 4);
    json_t *images = json_object_get(value, "images");
    assert_int_equal(json_integer_value(json_object_get(images, "requested")), 9);
    assert_int_equal(json_integer_value(json_object_get(images, "in_flight")), 1);
    assert_true(json_is_null(json_object_get(value, "likeness")));
    assert_true(json_is_true(json_object_get(value, "ready")));
    assert_string_equal(text_at(json_object_get(value, "defaults"), "privacy"), "deidentify");
    json_decref(value);
}

static void tells_the_profile(void **state)
{
    (void)state;
    json_t *value = get_json("/api/v1/profile?source=gate", 200);
    assert_string_equal(text_at(value, "source"), "gate");
    json_decref(value);
    value = get_json("/api/v1/profile", 200);
    assert_string_equal(text_at(value, "source"), "cam");
    json_decref(value);
    under.fake->profiled = false;
    check_get_error("/api/v1/profile", 503, "ERR_NOT_READY", "no profile of \"cam\"");
    check_get_error("/api/v1/profile?source=attic", 404, "ERR_NOT_FOUND", "no source \"attic\"");
    under.fake->sources = 0;
    check_get_error("/api/v1/profile", 404, "ERR_NOT_FOUND", "there is no source");
}

static void lists_images(void **state)
{
    (void)state;
    json_t *value = get_json("/api/v1/images?limit=2", 200);
    json_t *list = json_object_get(value, "images");
    assert_int_equal(json_array_size(list), 2);
    json_t *newest = json_array_get(list, 0);
    assert_string_equal(text_at(newest, "file_name"), "third one.webp");
    assert_string_equal(text_at(newest, "url"), "/api/v1/images/third%20one.webp");
    assert_string_equal(text_at(newest, "seed"), "18446744073709551615");
    json_decref(value);
    value = get_json("/api/v1/images?source=gate&offset=0", 200);
    assert_int_equal(json_array_size(json_object_get(value, "images")), 1);
    json_decref(value);
    value = get_json("/api/v1/images?offset=3", 200);
    assert_int_equal(json_array_size(json_object_get(value, "images")), 0);
    json_decref(value);
}

static void check_image(const char *path, const char *type, const char *magic, size_t bytes)
{
    struct answer answer = get(path);
    if (answer.status != 200)
        fail_msg("%s: %d %s", path, answer.status, answer.body);
    assert_string_equal(answer_header(&answer, "Content-Type"), type);
    assert_true(answer.bytes > 100);
    assert_memory_equal(answer.body, magic, bytes);
    answer_free(&answer);
}

static void serves_images_in_each_format(void **state)
{
    (void)state;
    check_image("/api/v1/images/first.png", "image/png", "\x89PNG", 4);
    check_image("/api/v1/images/second.jpg", "image/jpeg", "\xff\xd8\xff", 3);
    check_image("/api/v1/images/third%20one.webp", "image/webp", "RIFF", 4);
    check_image("/api/v1/images/first.png?format=jpeg", "image/jpeg", "\xff\xd8\xff", 3);
    check_image("/api/v1/images/first.png?format=webp", "image/webp", "RIFF", 4);
    check_image("/api/v1/images/latest?format=png", "image/png", "\x89PNG", 4);
    check_image("/api/v1/images/latest", "image/webp", "RIFF", 4);
    check_image("/api/v1/images/latest?source=cam", "image/webp", "RIFF", 4);
    check_get_error("/api/v1/images/first.png?format=gif", 400, "ERR_INVALID", "\"gif\"");
    check_get_error("/api/v1/images/latest?source=x", 404, "ERR_NOT_FOUND", "no source \"x\"");
    check_get_error("/api/v1/images/none.png", 404, "ERR_NOT_FOUND", "no such image");
    check_get_error("/api/v1/images/..%2f..%2fetc%2fpasswd", 404, "ERR_NOT_FOUND", "no such path");
}

static void serves_an_images_record(void **state)
{
    (void)state;
    json_t *value = get_json("/api/v1/images/first.png/metadata", 200);
    assert_string_equal(text_at(value, "file_name"), "first.png");
    assert_string_equal(text_at(value, "engine"), "analytic");
    json_decref(value);
    check_get_error("/api/v1/images/none/metadata", 404, "ERR_NOT_FOUND", "no such image");
    check_get_error("/api/v1/images/first.png/other", 404, "ERR_NOT_FOUND", "no such path");
    check_get_error("/api/v1/images//metadata", 404, "ERR_NOT_FOUND", "no such path");
}

static void says_when_there_is_no_image_yet(void **state)
{
    (void)state;
    for (int i = 0; i < under.fake->images; i++)
        ifl_delivered_unref(under.fake->image[i]);
    under.fake->images = 0;
    check_get_error("/api/v1/images/latest", 503, "ERR_NOT_READY", "no image");
}

static void serves_one_frame_as_a_jpeg(void **state)
{
    (void)state;
    check_image("/api/v1/streams/source.jpeg?source=gate", "image/jpeg", "\xff\xd8\xff", 3);
    under.fake->frames_from_ns = 0;
    check_get_error("/api/v1/streams/source.jpeg", 503, "ERR_NOT_READY", "no frame of \"cam\"");
}

static void tells_metrics_and_health(void **state)
{
    (void)state;
    struct answer answer = get("/metrics");
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer_header(&answer, "Content-Type"), "version=0.0.4"));
    assert_non_null(strstr(answer.body, "\ninferloop_processing_latency_seconds 0.5\n"));
    assert_non_null(strstr(answer.body, "\ninferloop_http_stream_clients 0\n"));
    answer_free(&answer);
    answer = get("/metrics");
    assert_non_null(strstr(answer.body, "\ninferloop_http_responses_total{code=\"200\"} 1\n"));
    answer_free(&answer);
    json_decref(get_json("/healthz", 200));
    json_decref(get_json("/readyz", 200));
    snprintf(under.fake->not_ready, 160, "source cam has sent nothing for 12 s");
    check_get_error("/readyz", 503, "ERR_NOT_READY", "nothing for 12 s");
    json_decref(get_json("/healthz", 200));
}

static void tells_no_folders(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/home/me/clips/a.avi", "a.avi"},
        {"folder:/srv/pictures/", "folder:pictures/"},
        {"file:///home/me/a.avi", "file:a.avi"},
        {"rtsp://camera/a/b", "rtsp://camera/a/b"},
        {"opening /home/me/a.avi failed: no such file", "opening a.avi failed: no such file"},
        {"\"/home/me/a.avi\": 10 frames/s and/or  less", "\"a.avi\": 10 frames/s and/or  less"},
        {"(/a/b) = /", "(b) = /"},
        {"", ""},
        {" /a/b ", " b "},
        {"\xff/a", "?/a"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = ifl_json_public(rows[i][0]);
        if (strcmp(json_string_value(value), rows[i][1]) != 0)
            fail_msg("\"%s\" became \"%s\"", rows[i][0], json_string_value(value));
        json_decref(value);
    }
    snprintf(under.fake->not_ready, 160, "source cam: /home/me/a.avi is not there");
    check_get_error("/readyz", 503, "ERR_NOT_READY", "cam: a.avi is not there");
}

// ---- methods ----

static void head_says_what_get_would(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/api/v1/status", "/api/v1/images/first.png",
                                        "/metrics", "/healthz"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char request[256];
        snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\nHOSTConnection: close\r\n\r\n",
                 paths[i]);
        struct answer answer = client_ask(under.port, request);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.bytes, 0);
        assert_true(strtol(answer_header(&answer, "Content-Length"), NULL, 10) > 0);
        answer_free(&answer);
    }
    struct answer answer = client_ask(
        under.port, "HEAD /api/v1/streams/source.mjpeg HTTP/1.1\r\nHOSTConnection: close\r\n\r\n");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.bytes, 0);
    answer_free(&answer);
}

static void other_methods_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *request, *allow;
    } rows[] = {{"POST /api/v1/status HTTP/1.1\r\nHOSTContent-Length: 0\r\n\r\n", "GET, HEAD"},
                {"DELETE /api/v1/images/first.png HTTP/1.1\r\nHOST\r\n", "GET, HEAD"},
                {"PUT / HTTP/1.1\r\nHOSTContent-Length: 3\r\n\r\nabc", "GET, HEAD"},
                {"GET /api/v1/generate HTTP/1.1\r\nHOST\r\n", "POST"},
                {"BREW /healthz HTTP/1.1\r\nHOST\r\n", "GET, HEAD"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer = client_ask(under.port, rows[i].request);
        check_error(&answer, 405, "ERR_UNSUPPORTED", "does not take");
        assert_non_null(strstr(answer_header(&answer, "Allow"), rows[i].allow));
        answer_free(&answer);
    }
}

static void options_says_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *path, *allow;
    } rows[] = {{"/api/v1/status", "GET, HEAD, OPTIONS"},
                {"/api/v1/generate", "POST, OPTIONS"},
                {"*", "GET, HEAD, POST, OPTIONS"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char request[256];
        snprintf(request, sizeof request, "OPTIONS %s HTTP/1.1\r\nHOST\r\n", rows[i].path);
        struct answer answer = client_ask(under.port, request);
        assert_int_equal(answer.status, 204);
        assert_string_equal(answer_header(&answer, "Allow"), rows[i].allow);
        answer_free(&answer);
    }
    struct answer answer = client_ask(under.port, "OPTIONS /nope HTTP/1.1\r\nHOST\r\n");
    check_error(&answer, 404, "ERR_NOT_FOUND", "no such path");
    answer_free(&answer);
}

static void unknown_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"/nope",
                                        "/api",
                                        "/api/v1/",
                                        "/api/v2/status",
                                        "//",
                                        "/index.html",
                                        "/app.js/",
                                        "/../etc/passwd",
                                        "/api/v1/images/",
                                        "/%00",
                                        "/api/v1/images/a/metadata/b"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        check_get_error(paths[i], 404, "ERR_NOT_FOUND", "no such path");
}

static void odd_parameters_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path, *part;
    } rows[] = {{"/api/v1/images?limt=3", "\"limt\" is not known"},
                {"/api/v1/images?limit=3&limit=4", "\"limit\" is given twice"},
                {"/api/v1/images?limit=", "\"limit\" has no value"},
                {"/api/v1/images?limit", "\"limit\" has no value"},
                {"/api/v1/images?limit=0", "from 1 to 64"},
                {"/api/v1/images?limit=65", "from 1 to 64"},
                {"/api/v1/images?limit=-1", "from 1 to 64"},
                {"/api/v1/images?limit=1e1", "from 1 to 64"},
                {"/api/v1/images?limit=99999999999999999999", "from 1 to 64"},
                {"/api/v1/images?limit=%201", "from 1 to 64"},
                {"/api/v1/images?offset=x", "from 0 to 64"},
                {"/api/v1/images?source=%ff", "\"source\" is not text in UTF-8"},
                {"/api/v1/images?limit=1%00", "from 1 to 64"},
                {"/api/v1/status?x=1", "this path takes none"},
                {"/?source=cam", "\"source\" is not known"},
                {"/healthz?%ff=1", "is not known"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_get_error(rows[i].path, 400, "ERR_INVALID", rows[i].part);
}

// ---- generating ----

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
    check_near(under.fake->last_request.brightness, 0.25, 0);
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
    assert_true(isnan(under.fake->last_request.brightness));
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
        if (strstr(answer.text, "/work") || strstr(answer.text, ".c:"))
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(serves_the_page_and_its_files),
        TEST(the_page_needs_nothing_that_its_policy_forbids),
        TEST(knows_what_the_browser_has),
        TEST(lists_its_routes),
        TEST(tells_the_sources),
        TEST(tells_the_status),
        TEST(tells_the_profile),
        TEST(lists_images),
        TEST(serves_images_in_each_format),
        TEST(serves_an_images_record),
        TEST(says_when_there_is_no_image_yet),
        TEST(serves_one_frame_as_a_jpeg),
        TEST(tells_metrics_and_health),
        TEST(tells_no_folders),
        TEST(head_says_what_get_would),
        TEST(other_methods_are_refused),
        TEST(options_says_what_is_allowed),
        TEST(unknown_paths_are_not_found),
        TEST(odd_parameters_are_refused),
        TEST(generates_and_answers_with_the_record),
        TEST(generates_and_answers_with_the_image),
        TEST(passes_the_pipelines_errors_on),
        TEST(refuses_bad_bodies_by_name),
        TEST(refuses_large_bodies),
        TEST(refuses_large_bodies_without_a_length),
        TEST(many_at_once_are_bounded),
        TEST(deadlines_pass),
        TEST(clients_that_leave_while_they_wait_do_no_harm),
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
