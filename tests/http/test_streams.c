// SPDX-License-Identifier: Apache-2.0
// Live streams: whole pictures, at each client's own pace, bounded, ended at once.
#include "rig.h"

#include <sys/socket.h>
#include <unistd.h>

#include "http/streams.h"

// ---- a reader of multipart/x-mixed-replace ----

struct reader {
    int client;
    char bytes[1 << 20];
    size_t count;
};

static struct reader *open_stream(const char *path)
{
    struct reader *reader = calloc(1, sizeof *reader);
    char request[256];
    int length =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    reader->client = client_connect(under.port);
    assert_true(reader->client >= 0);
    assert_true(client_send(reader->client, request, (size_t)length));
    return reader;
}

static void close_stream(struct reader *reader)
{
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

static void consume(struct reader *reader, size_t count)
{
    reader->count -= count;
    memmove(reader->bytes, reader->bytes + count, reader->count + 1);
}

// Passes over what is up to the blank line and returns it (static memory).
static const char *read_head(struct reader *reader)
{
    static char head[2048];
    char *end;
    while (!(end = strstr(reader->bytes, "\r\n\r\n")))
        if (!fill(reader))
            fail_msg("the stream ended in a head: %.200s", reader->bytes);
    snprintf(head, sizeof head, "%.*s", (int)(end - reader->bytes), reader->bytes);
    consume(reader, (size_t)(end + 4 - reader->bytes));
    return head;
}

static void read_answer(struct reader *reader, int status)
{
    const char *head = read_head(reader);
    char wanted[32];
    snprintf(wanted, sizeof wanted, "HTTP/1.1 %d ", status);
    if (strncmp(head, wanted, strlen(wanted)) != 0)
        fail_msg("wanted %s, got %s", wanted, head);
}

// One whole picture: checks its form, returns its time stamp in milliseconds.
static int64_t read_picture(struct reader *reader)
{
    const char *head = read_head(reader);
    if (strncmp(head, "--inferloop-picture\r\n", 21) != 0 ||
        !strstr(head, "Content-Type: image/jpeg"))
        fail_msg("no part: %s", head);
    const char *length = strstr(head, "Content-Length: "), *stamp = strstr(head, "X-Timestamp: ");
    assert_non_null(length);
    assert_non_null(stamp);
    size_t bytes = strtoul(length + 16, NULL, 10);
    long seconds = 0;
    int milliseconds = 0;
    assert_int_equal(sscanf(stamp + 13, "%ld.%3d", &seconds, &milliseconds), 2);
    while (reader->count < bytes + 4) // with what follows: the boundary comes at once
        assert_true(fill(reader));
    assert_memory_equal(reader->bytes, "\xff\xd8\xff", 3);
    assert_memory_equal(reader->bytes + bytes - 2, "\xff\xd9\r\n--", 6);
    consume(reader, bytes + 2);
    return seconds * 1000 + milliseconds;
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

// Waits for it as long as the test's own time limit lets it.
static void wait_for_clients(int count)
{
    while ((int)metric("inferloop_http_stream_clients") != count)
        usleep(10000);
}

// ---- tests ----

static void shows_a_source(void **state)
{
    (void)state;
    struct reader *reader = open_stream("/api/v1/streams/source.mjpeg?source=gate&fresh=1");
    const char *head = read_head(reader);
    assert_non_null(strstr(head, "200 OK"));
    assert_non_null(strstr(head, "multipart/x-mixed-replace; boundary=inferloop-picture"));
    assert_null(strstr(head, "chunked"));
    assert_non_null(strstr(head, "no-store"));
    int64_t last = -1;
    for (int i = 0; i < 10; i++) {
        int64_t now = read_picture(reader);
        assert_true(now > last);
        last = now;
    }
    close_stream(reader);
}

static void shows_synthetic_images(void **state)
{
    (void)state;
    struct ifl_request request;
    ifl_request_init(&request);
    fake_deliver(under.fake, "cam", "a.png", &request);
    struct reader *reader = open_stream("/api/v1/streams/synthetic.mjpeg");
    read_answer(reader, 200);
    read_picture(reader); // what there is
    for (int i = 0; i < 3; i++) {
        fake_deliver(under.fake, "cam", "b.png", &request);
        read_picture(reader);
    }
    close_stream(reader);
}

static void refuses_unknown_sources(void **state)
{
    (void)state;
    struct answer answer = client_get(under.port, "/api/v1/streams/source.mjpeg?source=attic");
    assert_int_equal(answer.status, 404);
    answer_free(&answer);
    answer = client_get(under.port, "/api/v1/streams/synthetic.mjpeg?source=attic");
    assert_int_equal(answer.status, 404);
    answer_free(&answer);
}

static void a_client_that_stalls_holds_up_nobody_and_skips(void **state)
{
    (void)state;
    under.fake->width = 640;
    under.fake->height = 360;
    struct reader *slow = open_stream("/api/v1/streams/source.mjpeg");
    read_answer(slow, 200);
    struct reader *fast = open_stream("/api/v1/streams/source.mjpeg");
    read_answer(fast, 200);
    int64_t newest = 0;
    for (int i = 0; i < 40; i++)
        newest = read_picture(fast);
    int pictures = 0;
    for (int64_t seen = -1; seen < newest; pictures++)
        seen = read_picture(slow);
    assert_true(pictures < 20);
    close_stream(slow);
    close_stream(fast);
}

static void encodes_once_for_all(void **state)
{
    (void)state;
    enum { READERS = 8, PICTURES = 12 };
    struct reader *reader[READERS];
    for (int i = 0; i < READERS; i++) {
        reader[i] = open_stream("/api/v1/streams/source.mjpeg");
        read_answer(reader[i], 200);
    }
    for (int n = 0; n < PICTURES; n++)
        for (int i = 0; i < READERS; i++)
            read_picture(reader[i]);
    double encoded = metric("inferloop_http_stream_pictures_total{stream=\"source\"}");
    assert_true(encoded >= PICTURES);
    assert_true(encoded < READERS * PICTURES / 2);
    for (int i = 0; i < READERS; i++)
        close_stream(reader[i]);
}

static void more_clients_than_fit_are_refused(void **state)
{
    (void)state;
    enum { ALL = IFL_STREAM_CLIENTS_MAX + 6 };
    int client[ALL], taken = 0, refused = 0;
    static const char request[] = "GET /api/v1/streams/source.mjpeg HTTP/1.1\r\n"
                                  "Host: localhost\r\n\r\n";
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
    assert_int_equal(taken, IFL_STREAM_CLIENTS_MAX);
    assert_int_equal(refused, ALL - IFL_STREAM_CLIENTS_MAX);
    check_near(metric("inferloop_http_stream_clients"), IFL_STREAM_CLIENTS_MAX, 0);
    check_near(metric("inferloop_http_streams_refused_total"), refused, 0);
    for (int i = 0; i < ALL; i++)
        close(client[i]);
    wait_for_clients(0);
    struct reader *reader = open_stream("/api/v1/streams/source.mjpeg"); // there is room again
    read_answer(reader, 200);
    read_picture(reader);
    close_stream(reader);
}

static void clients_of_a_dead_source_may_leave(void **state)
{
    (void)state;
    under.fake->frames_from_ns = 0;
    struct reader *reader[3];
    for (int i = 0; i < 3; i++) {
        reader[i] = open_stream("/api/v1/streams/source.mjpeg");
        read_answer(reader[i], 200);
    }
    wait_for_clients(3);
    for (int i = 0; i < 3; i++)
        close_stream(reader[i]);
    wait_for_clients(0);
}

static void a_stopped_pipeline_keeps_nobody_busy(void **state)
{
    (void)state;
    struct reader *reader = open_stream("/api/v1/streams/source.mjpeg");
    read_answer(reader, 200);
    read_picture(reader);
    fake_stop(under.fake);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    usleep(300 * 1000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    double used =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(used < 0.15); // a loop would take all of 0.3 s
    close_stream(reader);
}

static void stops_while_clients_watch(void **state)
{
    (void)state;
    struct ifl_http *http;
    struct ifl_error error;
    struct ifl_http_config config = {.listen = "127.0.0.1:0"};
    check_ok(ifl_http_start(under.fake, &config, &http, &error), error);
    int port = under.port;
    under.port = ifl_http_port(http);
    struct reader *reader[6];
    for (int i = 0; i < 6; i++) {
        reader[i] =
            open_stream(i % 2 ? "/api/v1/streams/source.mjpeg" : "/api/v1/streams/synthetic.mjpeg");
        read_answer(reader[i], 200);
    }
    read_picture(reader[1]);
    ifl_http_stop(http); // hangs here, and the test with it, if one is forgotten
    for (int i = 0; i < 6; i++) {
        while (fill(reader[i])) // all of them end
            reader[i]->count = 0;
        close_stream(reader[i]);
    }
    under.port = port;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shows_a_source),
        TEST(shows_synthetic_images),
        TEST(refuses_unknown_sources),
        TEST(a_client_that_stalls_holds_up_nobody_and_skips),
        TEST(encodes_once_for_all),
        TEST(more_clients_than_fit_are_refused),
        TEST(clients_of_a_dead_source_may_leave),
        TEST(a_stopped_pipeline_keeps_nobody_busy),
        TEST(stops_while_clients_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
