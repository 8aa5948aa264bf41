// SPDX-License-Identifier: Apache-2.0
// Every route that reads, and every method.
#include "rig.h"

#include "http/exchange.h"
#include "http/routes.h"

// ---- the page ----

static void serves_the_page_and_its_files(void **state)
{
    (void)state;
    static const struct {
        const char *path, *type, *part;
    } rows[] = {{"/", "text/html; charset=utf-8", "<!doctype html>"},
                {"/style.css", "text/css; charset=utf-8", "{"},
                {"/app.js", "text/javascript; charset=utf-8", "import"},
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
        assert_int_equal(strncmp(at, "<script src=\"/", 14), 0);
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
                {"*", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"}};
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
