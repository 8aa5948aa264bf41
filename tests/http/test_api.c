// SPDX-License-Identifier: Apache-2.0
// What changes things over HTTP: sources, options, jobs; and the document that describes it all.
#include "rig.h"

#include <stdio.h>
#include <unistd.h>

#include "core/journal.h"
#include "http/openapi.h"
#include "http/routes.h"
#include "http/source_uri.h"

// Sends a JSON body by any method; the answer is checked for its status.
static struct answer ask(const char *method, const char *path, const char *body, int status)
{
    char request[2048];
    snprintf(
        request, sizeof request,
        "%s %s HTTP/1.1\r\nHOSTContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        method, path, strlen(body), body);
    struct answer answer = client_ask(under.port, request);
    if (answer.status != status)
        fail_msg("%s %s %s: %d, wanted %d: %s", method, path, body, answer.status, status,
                 answer.body);
    return answer;
}

static void ask_error(const char *method, const char *path, const char *body, int status,
                      const char *code, const char *part)
{
    struct answer answer = ask(method, path, body, status);
    check_error(&answer, status, code, part);
    answer_free(&answer);
}

// ---- sources ----

static void sources_are_added_changed_and_removed(void **state)
{
    (void)state;
    struct answer answer =
        ask("POST", "/api/v1/sources", "{\"uri\":\"rtsp://a:b@host/x\",\"name\":\"gate\"}", 201);
    assert_string_equal(under.fake->changed_source, "add gate=rtsp://a:b@host/x");
    assert_string_equal(answer_header(&answer, "Location"), "/api/v1/sources/gate");
    assert_null(strstr(answer.text, "a:b"));
    answer_free(&answer);
    answer = ask("POST", "/api/v1/sources", "{\"uri\":\"pattern\"}", 201);
    assert_string_equal(under.fake->changed_source, "add pattern");
    answer_free(&answer);
    answer = ask("PATCH", "/api/v1/sources/cam", "{\"uri\":\"webcam:/dev/video2\"}", 200);
    assert_string_equal(under.fake->changed_source, "change cam webcam:/dev/video2");
    answer_free(&answer);
    answer = ask("DELETE", "/api/v1/sources/cam", "", 204);
    assert_string_equal(under.fake->changed_source, "remove cam");
    answer_free(&answer);
    json_t *source = get_json("/api/v1/sources/cam", 200);
    assert_string_equal(text_at(source, "name"), "cam");
    const json_t *audit = json_object_get(source, "audit");
    assert_int_equal(json_integer_value(json_object_get(audit, "images")), 3);
    const json_t *verdicts = json_object_get(audit, "verdicts");
    assert_int_equal(json_integer_value(json_object_get(verdicts, "none")), 2);
    assert_int_equal(json_integer_value(json_object_get(verdicts, "artefact")), 1);
    check_near(json_real_value(json_object_get(json_object_get(audit, "support_2"), "median")),
               0.75, 0);
    assert_true(json_is_null(json_object_get(json_object_get(audit, "nearest_rms"), "worst")));
    json_decref(source);
}

static void wrong_sources_are_refused(void **state)
{
    (void)state;
    static const char path[] = "/api/v1/sources";
    ask_error("POST", path, "", 400, "ERR_INVALID", "not JSON");
    ask_error("POST", path, "[]", 400, "ERR_INVALID", "object");
    ask_error("POST", path, "{}", 400, "ERR_INVALID", "uri");
    ask_error("POST", path, "{\"uri\":5}", 400, "ERR_INVALID", "string");
    ask_error("POST", path, "{\"uri\":\"pattern\",\"loop\":1}", 400, "ERR_INVALID", "loop");
    ask_error("POST", path, "{\"uri\":\"pattern\",\"name\":\"../x\"}", 400, "ERR_INVALID", "name");
    ask_error("POST", path, "{\"uri\":\"/etc/passwd\"}", 403, "ERR_UNAUTHORIZED", "--source");
    ask_error("PATCH", "/api/v1/sources/cam", "{\"uri\":\"pattern\",\"name\":\"b\"}", 400,
              "ERR_INVALID", "name");
    ask_error("PATCH", "/api/v1/sources/none", "{\"uri\":\"pattern\"}", 404, "ERR_NOT_FOUND",
              "none");
    ask_error("DELETE", "/api/v1/sources/none", "", 404, "ERR_NOT_FOUND", "none");
    ask_error("PUT", "/api/v1/sources/cam", "{}", 405, "ERR_UNSUPPORTED", "PATCH");
    assert_string_equal(under.fake->changed_source, "");
    under.fake->change_result = IFL_ERR_IN_USE;
    ask_error("POST", path, "{\"uri\":\"pattern\"}", 409, "ERR_IN_USE", "as the test");
}

static void only_the_network_and_cameras_come_over_http(void **state)
{
    (void)state;
    static const char *const good[] = {"rtsp://h/x",   "RTSPS://u:p@h", "rtmp://h/a/b",
                                       "srt://h:9000", "udp://@:5000",  "http://h/a.mjpg?x=y",
                                       "https://h",    "webcam",        "webcam:/dev/video0",
                                       "pattern",      "pattern:rate=5"};
    static const char *const bad[] = {"file:///etc/passwd",
                                      "/dev/video0",
                                      "x.mp4",
                                      "folder:/home",
                                      "pipe:",
                                      "-",
                                      "webcam:/etc/passwd",
                                      "webcam:/dev/video0/../../etc/passwd",
                                      "webcam:/dev/video",
                                      "http:/etc/passwd",
                                      "http:///etc/passwd",
                                      "rtsp:",
                                      "concat:http://a|/etc/passwd",
                                      "a=/etc/passwd",
                                      "webcam=/etc/passwd",
                                      "example://x",
                                      "patterns"};
    struct ifl_error error;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(ifl_source_uri_check(good[i], &error), IFL_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (ifl_source_uri_check(bad[i], &error) != IFL_ERR_UNAUTHORIZED)
            fail_msg("%s is taken", bad[i]);
    assert_int_equal(ifl_source_uri_check("", &error), IFL_ERR_INVALID);
    assert_int_equal(ifl_source_uri_check("http://h/a b", &error), IFL_ERR_INVALID);
}

// ---- incidents ----

static void incidents_are_listed_with_their_pictures(void **state)
{
    (void)state;
    struct ifl_incident drift = {.source = "gate",
                                 .kind = IFL_INCIDENT_DRIFT,
                                 .severity = IFL_SEVERITY_ALARM,
                                 .region = {0.5, 0.25, 0.125, 0.25},
                                 .features = 1,
                                 .feature = {{"brightness_mean", 0.5, 0.25, 3}},
                                 .after = ifl_image_create(20, 10)};
    ifl_journal_report(under.fake->journal, &drift);
    ifl_incident_fini(&drift);
    ifl_journal_note(under.fake->journal, "cam", IFL_INCIDENT_BLACK, "", "%s", "");
    ifl_journal_clear(under.fake->journal, "cam", IFL_INCIDENT_BLACK);
    json_t *all = get_json("/api/v1/incidents", 200), *list = json_object_get(all, "incidents");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_at(json_array_get(list, 0), "kind"), "black");
    assert_string_equal(text_at(json_array_get(list, 0), "text"), "the picture is black");
    json_decref(all);
    all = get_json("/api/v1/incidents?lasting=true&source=gate&kind=drift&limit=1", 200);
    json_t *one = json_array_get(json_object_get(all, "incidents"), 0);
    assert_string_equal(text_at(one, "realm"), "world");
    assert_true(json_is_null(json_object_get(one, "before")));
    assert_string_equal(text_at(one, "after"), "/api/v1/incidents/1/after.jpeg");
    json_decref(all);
    struct answer picture =
        client_ask(under.port, "GET /api/v1/incidents/1/after.jpeg HTTP/1.1\r\nHOST\r\n");
    assert_int_equal(picture.status, 200);
    assert_memory_equal(picture.body, "\xff\xd8", 2);
    answer_free(&picture);
    json_decref(get_json("/api/v1/incidents/2", 200));
}

static void drift_is_shown_and_accepted(void **state)
{
    (void)state;
    json_t *drift = get_json("/api/v1/sources/gate/drift", 200);
    assert_string_equal(text_at(drift, "state"), "watching");
    check_near(json_number_value(json_object_get(drift, "evidence")), 0.25, 1e-9);
    json_decref(drift);
    struct answer answer = ask("POST", "/api/v1/sources/gate/drift/accept", "", 202);
    assert_string_equal(under.fake->changed_source, "accept gate");
    answer_free(&answer);
    answer = ask("POST", "/api/v1/sources/gate/profile/reset", "", 202);
    assert_string_equal(under.fake->changed_source, "reset gate");
    answer_free(&answer);
    check_get_error("/api/v1/sources/attic/drift", 404, "ERR_NOT_FOUND", "attic");
    under.fake->change_result = IFL_ERR_NOT_FOUND;
    ask_error("POST", "/api/v1/sources/attic/drift/accept", "", 404, "ERR_NOT_FOUND", "as the");
    ask_error("POST", "/api/v1/sources/attic/profile/reset", "", 404, "ERR_NOT_FOUND", "as the");
}

static void wrong_incidents_are_refused(void **state)
{
    (void)state;
    ifl_journal_note(under.fake->journal, "cam", IFL_INCIDENT_BLACK, "", "%s", "");
    check_get_error("/api/v1/incidents/1/before.jpeg", 404, "ERR_NOT_FOUND", "picture");
    check_get_error("/api/v1/incidents/7", 404, "ERR_NOT_FOUND", "7");
    check_get_error("/api/v1/incidents/-1", 404, "ERR_NOT_FOUND", "-1");
    check_get_error("/api/v1/incidents?kind=rain", 400, "ERR_INVALID", "rain");
    check_get_error("/api/v1/incidents?lasting=1", 400, "ERR_INVALID", "true or false");
    check_get_error("/api/v1/incidents?limit=0", 400, "ERR_INVALID", "limit");
    check_get_error("/api/v1/incidents?source=attic", 404, "ERR_NOT_FOUND", "attic");
}

// ---- options ----

static void options_are_shown_and_set(void **state)
{
    (void)state;
    struct answer answer = ask("PATCH", "/api/v1/config",
                               "{\"generate-interval\":2.5,\"prompt\":\"dark\",\"count\":3.0,"
                               "\"privacy\":\"k-anonymous:4\"}",
                               200);
    answer_free(&answer);
    json_t *all = get_json("/api/v1/config", 200), *options = json_object_get(all, "options");
    json_t *interval = json_object_get(options, "generate-interval");
    check_near(json_real_value(json_object_get(interval, "value")), 2.5, 0);
    assert_string_equal(text_at(interval, "origin"), "http");
    assert_true(json_is_true(json_object_get(interval, "settable")));
    assert_string_equal(text_at(json_object_get(options, "privacy"), "value"), "k-anonymous:4");
    assert_true(json_is_false(json_object_get(json_object_get(options, "threads"), "settable")));
    assert_null(json_object_get(options, "source")); // may hold a password
    assert_null(json_object_get(options, "output"));
    json_decref(all);
    for (int i = 0; i < 2; i++) { // a list is replaced, not grown
        answer = ask("PATCH", "/api/v1/config", "{\"adapt\":[\"haze > 0.5 => haze = 0.2\"]}", 200);
        answer_free(&answer);
    }
    all = get_json("/api/v1/config", 200);
    json_t *rules =
        json_object_get(json_object_get(json_object_get(all, "options"), "adapt"), "value");
    assert_int_equal(json_array_size(rules), 1);
    assert_string_equal(json_string_value(json_array_get(rules, 0)), "haze > 0.5 => haze = 0.2");
    json_decref(all);
    ask_error("PATCH", "/api/v1/config", "{\"adapt\":[\"haze > 5 => haze = 0.2\"]}", 422,
              "ERR_INVALID", "never 5");
    ask_error("PATCH", "/api/v1/config", "{\"adapt\":\"haze = 0.2\"}", 400, "ERR_INVALID", "list");
    ask_error("PATCH", "/api/v1/config", "{\"adapt\":[7]}", 400, "ERR_INVALID", "string");
    ask_error("PATCH", "/api/v1/config", "{\"threads\":2}", 400, "ERR_INVALID", "--threads");
    ask_error("PATCH", "/api/v1/config", "{\"output\":\"/tmp\"}", 400, "ERR_INVALID", "output");
    ask_error("PATCH", "/api/v1/config", "{\"count\":\"3\"}", 400, "ERR_INVALID", "whole");
    ask_error("PATCH", "/api/v1/config", "{\"count\":1.5}", 400, "ERR_INVALID", "whole");
    ask_error("PATCH", "/api/v1/config", "{\"count\":0}", 400, "ERR_INVALID", "count");
}

// ---- jobs ----

static json_t *wait_for_job(const char *id, const char *wanted)
{
    char path[64];
    snprintf(path, sizeof path, "/api/v1/jobs/%s", id);
    for (int i = 0; i < 1000; i++) {
        json_t *job = get_json(path, 200);
        if (strcmp(text_at(job, "state"), wanted) == 0)
            return job;
        json_decref(job);
        usleep(10000);
    }
    fail_msg("job %s is not %s", id, wanted);
    return NULL;
}

static void a_job_makes_several_images(void **state)
{
    (void)state;
    struct answer answer =
        ask("POST", "/api/v1/jobs", "{\"count\":4,\"seed\":70,\"source\":\"gate\"}", 202);
    assert_string_equal(answer_header(&answer, "Location"), "/api/v1/jobs/1");
    answer_free(&answer);
    json_t *job = wait_for_job("1", "done"), *results = json_object_get(job, "results");
    assert_int_equal(json_array_size(results), 4);
    assert_string_equal(text_at(json_array_get(results, 3), "seed"), "73");
    json_decref(job);
    assert_string_equal(under.fake->last_source, "gate");
    under.fake->generate_result = IFL_ERR_NO_SPACE;
    answer = ask("POST", "/api/v1/jobs", "{\"count\":4}", 202);
    answer_free(&answer);
    job = wait_for_job("2", "failed");
    assert_string_equal(text_at(json_object_get(job, "error"), "code"), "ERR_NO_SPACE");
    json_decref(job);
    json_t *list = get_json("/api/v1/jobs", 200);
    assert_string_equal(text_at(json_array_get(json_object_get(list, "jobs"), 0), "id"), "2");
    json_decref(list);
}

static void jobs_are_cancelled_and_bounded(void **state)
{
    (void)state;
    fake_hold(under.fake, true);
    struct answer answer = ask("POST", "/api/v1/jobs", "{\"count\":64}", 202);
    answer_free(&answer);
    json_decref(wait_for_job("1", "running"));
    for (int i = 0; i < 16; i++) {
        answer = ask("POST", "/api/v1/jobs", "{\"count\":2}", 202);
        answer_free(&answer);
    }
    answer = ask("POST", "/api/v1/jobs", "{}", 429);
    check_error(&answer, 429, "ERR_BUSY", "16 jobs");
    assert_string_equal(answer_header(&answer, "Retry-After"), "5");
    answer_free(&answer);
    for (int i = 17; i >= 1; i--) {
        char path[64];
        snprintf(path, sizeof path, "/api/v1/jobs/%d", i);
        answer = ask("DELETE", path, "", 200);
        answer_free(&answer);
    }
    fake_hold(under.fake, false);
    json_t *job = wait_for_job("1", "cancelled");
    assert_int_equal(json_array_size(json_object_get(job, "results")), 1); // was being made
    json_decref(job);
    json_decref(wait_for_job("17", "cancelled"));
    assert_int_equal(fake_images(under.fake), 3 + 1);
    ask_error("GET", "/api/v1/jobs/99", "", 404, "ERR_NOT_FOUND", "no such job");
    ask_error("DELETE", "/api/v1/jobs/x", "", 404, "ERR_NOT_FOUND", "no such job");
    ask_error("POST", "/api/v1/jobs", "{\"count\":65}", 400, "ERR_INVALID", "count");
    ask_error("POST", "/api/v1/generate", "{\"count\":2}", 400, "ERR_INVALID", "count");
}

// ---- looking ----

static void profiles_are_listed_and_fetched(void **state)
{
    (void)state;
    json_t *list = get_json("/api/v1/profiles", 200);
    assert_int_equal(json_array_size(json_object_get(list, "profiles")), 2);
    json_decref(list);
    json_decref(get_json("/api/v1/profiles/gate", 200));
    check_get_error("/api/v1/profiles/none", 404, "ERR_NOT_FOUND", "none");
    check_get_error("/api/v1/profiles/none/file", 404, "ERR_NOT_FOUND", "none");
    struct answer answer = get("/api/v1/profiles/gate/file");
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "a profile of gate");
    assert_non_null(strstr(answer_header(&answer, "Content-Disposition"), "gate.iflprof"));
    answer_free(&answer);
    under.fake->profiled = false;
    check_get_error("/api/v1/profiles/gate/file", 503, "ERR_NOT_READY", "gate");
}

static void check_total(const char *query, int total)
{
    char path[160];
    snprintf(path, sizeof path, "/api/v1/images?%s", query);
    json_t *page = get_json(path, 200);
    if (json_integer_value(json_object_get(page, "total")) != total)
        fail_msg("%s: %lld images, wanted %d", query,
                 (long long)json_integer_value(json_object_get(page, "total")), total);
    json_decref(page);
}

static void images_are_filtered_and_paged(void **state)
{
    (void)state;
    check_total("source=cam", 2);
    check_total("privacy=verbatim", 0);
    check_total("privacy=deidentify", 3);
    check_total("seed=18446744073709551615", 3);
    check_total("seed=7", 0);
    check_total("since=2001-01-01T00:00:00Z", 0); // the fake's are of 1970
    check_total("until=2001-01-01T00:00:00.5Z", 3);
    check_total("since=0&until=86400.25", 3);
    json_t *page = get_json("/api/v1/images?limit=2", 200);
    assert_int_equal(json_integer_value(json_object_get(page, "next")), 2);
    json_decref(page);
    page = get_json("/api/v1/images?limit=2&cursor=2", 200);
    assert_int_equal(json_array_size(json_object_get(page, "images")), 1);
    assert_true(json_is_null(json_object_get(page, "next")));
    json_decref(page);
    check_get_error("/api/v1/images?privacy=none", 400, "ERR_INVALID", "privacy");
    check_get_error("/api/v1/images?since=yesterday", 400, "ERR_INVALID", "since");
    check_get_error("/api/v1/images?since=1e5", 400, "ERR_INVALID", "since");
    check_get_error("/api/v1/images?since=5Z", 400, "ERR_INVALID", "since");
    check_get_error("/api/v1/images?until=2026-01-31T08:15:00", 400, "ERR_INVALID", "until");
    check_get_error("/api/v1/images?seed=-1", 400, "ERR_INVALID", "seed");
}

static void the_document_and_the_table_agree(void **state)
{
    (void)state;
    int count;
    char strays[512];
    const struct ifl_route *routes = ifl_routes(&count);
    json_t *document = ifl_openapi(routes, count, strays);
    assert_non_null(document);
    assert_string_equal(strays, "");
    json_t *paths = json_object_get(document, "paths");
    for (int i = 0; i < count; i++)
        assert_non_null(json_object_get(paths, routes[i].path));
    json_decref(document);
    static const struct ifl_route odd = {"GET", "/odd/{hole}", "oddity", NULL, ""};
    document = ifl_openapi(&odd, 1, strays); // it does notice
    assert_non_null(strstr(strays, "GET /odd/{hole}, {hole}, oddity, GET /api/v1"));
    json_decref(document);
    json_decref(get_json("/api/v1/openapi.json", 200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sources_are_added_changed_and_removed),
        TEST(wrong_sources_are_refused),
        TEST(only_the_network_and_cameras_come_over_http),
        TEST(incidents_are_listed_with_their_pictures),
        TEST(drift_is_shown_and_accepted),
        TEST(wrong_incidents_are_refused),
        TEST(options_are_shown_and_set),
        TEST(a_job_makes_several_images),
        TEST(jobs_are_cancelled_and_bounded),
        TEST(profiles_are_listed_and_fetched),
        TEST(images_are_filtered_and_paged),
        TEST(the_document_and_the_table_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
