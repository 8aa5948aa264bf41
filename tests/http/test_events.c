// SPDX-License-Identifier: Apache-2.0
// Server-sent events: whole ones, in order, bounded, ended at once; and the history of profiles.
#include "rig.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/journal.h"
#include "http/events.h"

// ---- a reader of text/event-stream ----

struct reader {
    int client;
    char bytes[1 << 20];
    size_t count;
    char name[32]; // of the event that was read last
    json_t *data;  // its own
};

static struct reader *open_events(void)
{
    static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n"
                                  "Accept: text/event-stream\r\n\r\n";
    struct reader *reader = calloc(1, sizeof *reader);
    reader->client = client_connect(under.port);
    assert_true(reader->client >= 0);
    assert_true(client_send(reader->client, request, sizeof request - 1));
    return reader;
}

static void close_events(struct reader *reader)
{
    json_decref(reader->data);
    close(reader->client);
    free(reader);
}

// False at the end of the stream.
static bool fill(struct reader *reader)
{
    size_t room = sizeof reader->bytes - 1 - reader->count;
    ssize_t got = recv(reader->client, reader->bytes + reader->count, room, 0);
    if (got <= 0)
        return false;
    reader->count += (size_t)got;
    reader->bytes[reader->count] = 0;
    return true;
}

// Up to `end`, without it (static memory).
static const char *read_to(struct reader *reader, const char *end)
{
    static char text[1 << 18];
    char *at;
    while (!(at = strstr(reader->bytes, end)))
        if (!fill(reader))
            fail_msg("the stream ended: %.200s", reader->bytes);
    snprintf(text, sizeof text, "%.*s", (int)(at - reader->bytes), reader->bytes);
    size_t count = (size_t)(at - reader->bytes) + strlen(end);
    reader->count -= count;
    memmove(reader->bytes, reader->bytes + count, reader->count + 1);
    return text;
}

static struct reader *begin(void)
{
    struct reader *reader = open_events();
    const char *head = read_to(reader, "\r\n\r\n");
    assert_non_null(strstr(head, "200 OK"));
    assert_non_null(strstr(head, "Content-Type: text/event-stream"));
    assert_non_null(strstr(head, "no-store"));
    assert_string_equal(read_to(reader, "\n\n"), "retry: 2000");
    return reader;
}

static void read_event(struct reader *reader)
{
    const char *text = read_to(reader, "\n\n");
    const char *data = strstr(text, "\ndata: ");
    if (strncmp(text, "event: ", 7) != 0 || !data || strchr(data + 1, '\n'))
        fail_msg("no event: %s", text);
    snprintf(reader->name, sizeof reader->name, "%.*s", (int)(data - text - 7), text + 7);
    json_decref(reader->data);
    reader->data = json_loads(data + 7, 0, NULL);
    if (!reader->data)
        fail_msg("no JSON: %s", data);
}

static void read_until(struct reader *reader, const char *name)
{
    do
        read_event(reader);
    while (strcmp(reader->name, name) != 0);
}

static void deliver(const char *name)
{
    struct ifl_request request;
    ifl_request_init(&request);
    fake_deliver(under.fake, "cam", name, &request);
}

static double metric(const char *name)
{
    struct answer answer = client_get(under.port, "/metrics");
    char line[128];
    snprintf(line, sizeof line, "\n%s ", name);
    char *at = strstr(answer.body, line);
    if (!at)
        fail_msg("no metric %s", name);
    double value = at ? strtod(at + strlen(line), NULL) : NAN;
    answer_free(&answer);
    return value;
}

static void wait_for_clients(int count)
{
    while ((int)metric("inferloop_http_event_clients") != count)
        usleep(10000);
}

// ---- tests ----

static void tells_the_status_as_the_api_does(void **state)
{
    (void)state;
    struct reader *reader = begin();
    read_event(reader);
    assert_string_equal(reader->name, "status");
    json_t *status = get_json("/api/v1/status", 200), *sources = get_json("/api/v1/sources", 200);
    assert_true(json_equal(json_object_get(reader->data, "status"), status));
    assert_true(
        json_equal(json_object_get(reader->data, "sources"), json_object_get(sources, "sources")));
    json_decref(status);
    json_decref(sources);
    close_events(reader);
}

static void tells_it_at_most_twice_a_second(void **state)
{
    (void)state;
    struct reader *reader = begin();
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < 4; i++)
        read_until(reader, "status");
    clock_gettime(CLOCK_MONOTONIC, &after);
    double seconds =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(seconds > 1.0);
    close_events(reader);
}

static void tells_each_image_once_and_in_order(void **state)
{
    (void)state;
    struct reader *reader = begin();
    read_until(reader, "status"); // it listens; what was there before is no news
    char name[32];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "new-%d.png", i);
        deliver(name);
    }
    for (int i = 0; i < 20; i++) {
        read_until(reader, "image");
        snprintf(name, sizeof name, "new-%d.png", i);
        assert_string_equal(text_at(reader->data, "file_name"), name);
    }
    char path[64];
    snprintf(path, sizeof path, "/api/v1/images/%s/metadata", name);
    json_t *record = get_json(path, 200);
    assert_true(json_equal(record, reader->data));
    json_decref(record);
    close_events(reader);
}

static void tells_new_profiles(void **state)
{
    (void)state;
    fake_publish(under.fake);
    struct reader *reader = begin();
    read_until(reader, "status");
    fake_publish(under.fake);
    read_until(reader, "profile");
    assert_string_equal(text_at(reader->data, "source"), "cam");
    json_t *point = json_object_get(reader->data, "point");
    assert_string_equal(text_at(point, "time"), "1970-01-01T00:00:02.000Z");
    json_t *brightness = json_object_get(point, "brightness_mean");
    check_near(json_number_value(json_object_get(brightness, "p95")), 0.75, 0);
    read_until(reader, "profile");
    assert_string_equal(text_at(reader->data, "source"), "gate");
    close_events(reader);
}

static void tells_incidents_as_they_begin_and_clear(void **state)
{
    (void)state;
    ifl_journal_note(under.fake->journal, "cam", IFL_INCIDENT_OFFLINE, "stalled", "old news");
    struct reader *reader = begin();
    read_until(reader, "status");
    ifl_journal_note(under.fake->journal, "gate", IFL_INCIDENT_FROZEN, "", "no change for 2 s");
    read_until(reader, "incident");
    assert_string_equal(text_at(reader->data, "source"), "gate");
    assert_true(json_is_null(json_object_get(reader->data, "cleared")));
    ifl_journal_clear(under.fake->journal, "gate", IFL_INCIDENT_FROZEN);
    read_until(reader, "incident");
    assert_true(json_is_string(json_object_get(reader->data, "cleared")));
    close_events(reader);
}

static void history_is_that_of_the_source(void **state)
{
    (void)state;
    json_t *history = get_json("/api/v1/history?source=gate", 200);
    assert_string_equal(text_at(history, "source"), "gate");
    assert_int_equal(json_array_size(json_object_get(history, "points")), 0);
    json_decref(history);
    for (int i = 0; i < 600; i++)
        fake_publish(under.fake);
    history = get_json("/api/v1/history", 200);
    assert_string_equal(text_at(history, "source"), "cam");
    json_t *points = json_object_get(history, "points");
    assert_int_equal(json_array_size(points), IFL_HISTORY_MAX);
    json_t *newest = json_array_get(points, IFL_HISTORY_MAX - 1);
    assert_int_equal(json_integer_value(json_object_get(newest, "frames")), 600);
    check_near(json_number_value(json_object_get(newest, "occupancy_rate")), 0.5, 0);
    json_decref(history);
    check_get_error("/api/v1/history?source=attic", 404, "ERR_NOT_FOUND", "attic");
}

static void a_client_that_does_not_read_holds_up_nobody(void **state)
{
    (void)state;
    struct reader *slow = begin(), *fast = begin();
    read_until(slow, "status");
    read_until(fast, "status");
    for (int i = 0; i < 40; i++)
        deliver("flood.png");
    for (int i = 0; i < 40; i++)
        read_until(fast, "image");
    deliver("last.png");
    int images = 0;
    do {
        read_until(slow, "image");
        images++;
    } while (strcmp(text_at(slow->data, "file_name"), "last.png") != 0);
    assert_int_equal(images, 41);
    close_events(slow);
    close_events(fast);
}

static void more_clients_than_fit_are_refused(void **state)
{
    (void)state;
    enum { ALL = IFL_EVENT_CLIENTS_MAX + 6 };
    static int client[ALL];
    int taken = 0, refused = 0;
    static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int i = 0; i < ALL; i++) {
        client[i] = client_connect(under.port);
        assert_true(client_send(client[i], request, sizeof request - 1));
    }
    for (int i = 0; i < ALL; i++) {
        char head[13] = "";
        assert_int_equal(recv(client[i], head, 12, MSG_WAITALL | MSG_PEEK), 12);
        taken += strcmp(head, "HTTP/1.1 200") == 0;
        if (strcmp(head, "HTTP/1.1 503") != 0)
            continue;
        struct answer answer = client_read(client[i], false);
        assert_non_null(strstr(answer.text, "Retry-After: 5"));
        assert_non_null(strstr(answer.text, "\"ERR_BUSY\""));
        answer_free(&answer);
        refused++;
    }
    assert_int_equal(taken, IFL_EVENT_CLIENTS_MAX);
    assert_int_equal(refused, ALL - IFL_EVENT_CLIENTS_MAX);
    for (int i = 0; i < ALL; i++)
        close(client[i]);
    wait_for_clients(0);
    struct reader *reader = begin(); // there is room again
    read_until(reader, "status");
    close_events(reader);
}

static void a_stopped_pipeline_keeps_nobody_busy(void **state)
{
    (void)state;
    struct reader *reader = begin();
    read_until(reader, "status");
    fake_stop(under.fake);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    usleep(300 * 1000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    double used =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(used < 0.15); // a loop would take all of 0.3 s
    close_events(reader);
}

static void stops_while_clients_listen(void **state)
{
    (void)state;
    struct ifl_http *http;
    struct ifl_error error;
    struct ifl_http_config config = {.listen = "127.0.0.1:0"};
    check_ok(ifl_http_start(under.fake, &config, &http, &error), error);
    int port = under.port;
    under.port = ifl_http_port(http);
    struct reader *reader[6];
    for (int i = 0; i < 6; i++)
        reader[i] = begin();
    read_until(reader[1], "status");
    ifl_http_stop(http); // hangs here, and the test with it, if one is forgotten
    for (int i = 0; i < 6; i++) {
        while (fill(reader[i])) // all of them end
            reader[i]->count = 0;
        close_events(reader[i]);
    }
    under.port = port;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_the_status_as_the_api_does),
        TEST(tells_it_at_most_twice_a_second),
        TEST(tells_each_image_once_and_in_order),
        TEST(tells_new_profiles),
        TEST(tells_incidents_as_they_begin_and_clear),
        TEST(history_is_that_of_the_source),
        TEST(a_client_that_does_not_read_holds_up_nobody),
        TEST(more_clients_than_fit_are_refused),
        TEST(a_stopped_pipeline_keeps_nobody_busy),
        TEST(stops_while_clients_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
