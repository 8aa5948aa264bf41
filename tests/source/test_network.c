// SPDX-License-Identifier: Apache-2.0
// Cameras in the network: those that work, those that refuse, hang or lead astray.
#include "support.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "clips.h"
#include "source/address.h"
#include "source/builtin.h"

static char folder[CLIP_PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    clips_make_folder(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_remove_folder(folder);
    return 0;
}

static enum ifl_result open_uri(const char *uri, bool loop, void **self, struct ifl_error *error)
{
    struct ifl_source_config config = {.name = "clip",
                                       .uri = uri,
                                       .loop = loop,
                                       .open_deadline_ns = 5 * IFL_SECOND_NS,
                                       .read_deadline_ns = 5 * IFL_SECOND_NS};
    memset(error, 0, sizeof *error);
    return ifl_source_camera.open(&config, self, error);
}

// FFmpeg's RTMP takes the login as it stands; others decode it themselves.
static void logins_of_rtmp_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *url; // NULL: refused
    } rows[] = {
        {"rtmp://h/live/x", "rtmp://h/live/x"},
        {"rtmp://h/live/x@y", "rtmp://h/live/x@y"},
        {"rtmp://joe@h/x", "rtmp://joe@h/x"},
        {"rtmp://joe:pass@h:1935/live/x%20y", "rtmp://joe:pass@h:1935/live/x%20y"},
        {"rtmps://j%6Fe:p%40s%3As%20%2541@[::1]:1/x", "rtmps://joe:p@s:s %41@[::1]:1/x"},
        {"rtmp://joe:50%@h", "rtmp://joe:50%@h"},
        {"rtmp://:@h", "rtmp://:@h"},
        {"rtmp://j@e:a@b@h", "rtmp://j@e:a@b@h"},
        {"rtmp:h", "rtmp:h"},
        {"rtmp://joe:a%2Fb@h/x", NULL},
        {"rtmp://joe:a%3fb@h/x", NULL},
        {"rtmp://joe:a%23b@h/x", NULL},
        {"rtmp://jo%3Ae:b@h/x", NULL},
        {"rtmp://joe:a%0Ab@h/x", NULL},
        {"rtmp://joe:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@h/x", NULL},
    };
    static struct ifl_address address;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ifl_error error = {0};
        check_ok(ifl_address_parse(rows[i].uri, &address, &error), error);
        enum ifl_result result = ifl_address_bare_login(&address, &error);
        assert_int_equal(result, rows[i].url ? IFL_OK : IFL_ERR_UNSUPPORTED);
        if (rows[i].url)
            assert_string_equal(address.url, rows[i].url);
        else
            assert_non_null(strstr(error.text, "can't hand this login"));
    }
}

static int listen_silently(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static bool was_called(int fd)
{
    struct timeval none = {.tv_usec = 1};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    int caller = accept(fd, NULL, NULL);
    if (caller >= 0)
        close(caller);
    return caller >= 0;
}

// A local file must not lead into the network or to other files.
static void playlists_lead_nowhere(void **state)
{
    (void)state;
    char target[CLIP_PATH_MAX], path[CLIP_PATH_MAX], text[1024];
    if (!clips_make(folder, "target.ts", "-f lavfi -i testsrc2=s=64x48:d=1 -c:v libx264", target))
        skip();
    int port, fd = listen_silently(&port);
    int length = snprintf(text, sizeof text,
                          "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
                          "http://127.0.0.1:%d/x.ts\n#EXT-X-ENDLIST\n",
                          port);
    clips_write(folder, "net.m3u8", text, (size_t)length, path);
    struct ifl_error error;
    void *self;
    assert_true(open_uri(path, false, &self, &error) < 0);
    assert_false(was_called(fd));
    length =
        snprintf(text, sizeof text,
                 "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:%s\n#EXT-X-ENDLIST\n", target);
    clips_write(folder, "file.m3u8", text, (size_t)length, path);
    assert_true(open_uri(path, false, &self, &error) < 0);
    length = snprintf(text, sizeof text, "ffconcat version 1.0\nfile '%s'\n", target);
    clips_write(folder, "list.avi", text, (size_t)length, path);
    assert_true(open_uri(path, false, &self, &error) < 0);
    close(fd);
}

static void silent_servers_meet_the_deadline(void **state)
{
    (void)state;
    int port, fd = listen_silently(&port);
    static const char *const schemes[] = {"rtsp", "http", "rtmp"};
    for (size_t i = 0; i < 3; i++) {
        char uri[96];
        snprintf(uri, sizeof uri, "%s://user:secret@127.0.0.1:%d/x", schemes[i], port);
        struct ifl_source_config config = {
            .name = "c", .uri = uri, .open_deadline_ns = IFL_SECOND_NS / 5};
        struct ifl_error error = {0};
        void *self;
        assert_int_equal(ifl_source_camera.open(&config, &self, &error), IFL_ERR_TIMEOUT);
        assert_null(strstr(error.text, "secret"));
        assert_non_null(strstr(error.text, "127.0.0.1"));
        if (strcmp(schemes[i], "http") != 0) // FFmpeg says no more
            assert_non_null(strstr(error.text, "took too long: connecting"));
    }
    close(fd);
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static void opening_can_be_called_off(void **state)
{
    (void)state;
    int port, fd = listen_silently(&port);
    char uri[96];
    snprintf(uri, sizeof uri, "rtsp://127.0.0.1:%d/x", port);
    struct ifl_source_config config = {
        .name = "c", .uri = uri, .open_deadline_ns = 3600 * IFL_SECOND_NS, .cancelled = always};
    struct ifl_error error = {0};
    void *self;
    assert_int_equal(ifl_source_camera.open(&config, &self, &error), IFL_ERR_CANCELLED);
    close(fd);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/x", port); // nobody listens there any more
    config.cancelled = NULL;
    assert_int_equal(ifl_source_camera.open(&config, &self, &error), IFL_ERR_IO);
    assert_non_null(strstr(error.text, "refused"));
}

// ---- servers of our own: each caller gets the same bytes, then the line is cut or goes silent
// ----

struct server {
    int fd, port;
    const char *head, *body; // body: sent `times` times behind the head
    size_t body_bytes;
    int times;
    bool silent; // hold the line until the end
    pthread_t thread;
};

static bool send_all(int fd, const char *bytes, size_t count)
{
    while (count) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

static void *serve(void *context)
{
    struct server *server = context;
    char request[4096];
    int caller, held[8], holds = 0;
    while ((caller = accept(server->fd, NULL, NULL)) >= 0) {
        bool good = recv(caller, request, sizeof request, 0) > 0 &&
                    send_all(caller, server->head, strlen(server->head));
        for (int i = 0; i < server->times && good; i++)
            good = send_all(caller, server->body, server->body_bytes);
        if (server->silent && holds < 8) {
            held[holds++] = caller;
            continue;
        }
        shutdown(caller, SHUT_WR);
        while (recv(caller, request, sizeof request, 0) > 0)
            continue;
        close(caller);
    }
    while (holds)
        close(held[--holds]);
    return NULL;
}

static void start(struct server *server)
{
    server->fd = listen_silently(&server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR); // wakes accept
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static const char jpeg_stream[] =
    "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n"
    "Connection: close\r\n\r\n";

// A slow machine may not come as far in a short time: it gets more of it.
static void check_waits_for(int port, const char *word)
{
    char uri[96];
    struct ifl_error error = {0};
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/x", port);
    for (int64_t wait_ns = IFL_SECOND_NS / 10; !strstr(error.text, word); wait_ns *= 2) {
        struct ifl_source_config config = {
            .name = "c", .uri = uri, .open_deadline_ns = wait_ns, .first_deadline_ns = wait_ns};
        void *self;
        assert_int_equal(ifl_source_camera.open(&config, &self, &error), IFL_ERR_TIMEOUT);
        if (wait_ns > 20 * IFL_SECOND_NS)
            fail_msg("no \"%s\": %s", word, error.text);
    }
}

static void what_was_waited_for_is_named(void **state)
{
    (void)state;
    int port, fd = listen_silently(&port);
    check_waits_for(port, "took the connection and did not answer");
    close(fd);
    struct server server = {.head = jpeg_stream, .silent = true};
    start(&server);
    check_waits_for(server.port, "answered and sent no picture");
    stop(&server);
}

// A part of a motion JPEG stream. free() it.
static char *make_jpeg_part(size_t *bytes)
{
    char path[CLIP_PATH_MAX], *jpeg;
    size_t count;
    if (!clips_make(folder, "one.jpg", "-f lavfi -i testsrc2=s=160x120 -frames:v 1", path))
        return NULL;
    clips_read(path, &jpeg, &count);
    char *part = malloc(count + 128);
    assert_non_null(part);
    *bytes = (size_t)sprintf(
        part, "--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n", count);
    memcpy(part + *bytes, jpeg, count);
    memcpy(part + *bytes + count, "\r\n", 2);
    *bytes += count + 2;
    free(jpeg);
    return part;
}

static void reads_a_camera_over_http(void **state)
{
    (void)state;
    struct server server = {.head = jpeg_stream, .times = 30};
    char *part = make_jpeg_part(&server.body_bytes), uri[96];
    if (!part)
        skip();
    server.body = part;
    start(&server);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/video", server.port);
    struct ifl_error error;
    void *self;
    check_ok(open_uri(uri, true, &self, &error), error);
    struct ifl_source_info info;
    ifl_source_camera.info(self, &info);
    assert_true(info.live);
    assert_true(info.rate <= 0); // it promises none
    int frames = 0;
    enum ifl_result result;
    struct ifl_frame *frame;
    while ((result = ifl_source_camera.read(self, &frame, &error)) == IFL_OK) {
        assert_int_equal(frame->width, 160);
        assert_int_equal(frame->range, IFL_RANGE_FULL);
        assert_int_equal(frame->pts_ns, -1); // and has no timestamps: not 25 a second
        ifl_frame_unref(frame);
        frames++;
    }
    ifl_source_camera.close(self);
    stop(&server);
    free(part);
    assert_in_range(frames, 25, 30);
    assert_int_equal(result, IFL_ERR_IO); // the end of a live source is a failure, also with `loop`
    assert_non_null(strstr(error.text, "is the camera still on"));
}

static void a_camera_that_goes_silent_meets_the_deadline(void **state)
{
    (void)state;
    struct server server = {.head = jpeg_stream, .times = 30, .silent = true};
    char *part = make_jpeg_part(&server.body_bytes), uri[96];
    if (!part)
        skip();
    server.body = part;
    start(&server);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/video", server.port);
    struct ifl_source_config config = {.name = "c",
                                       .uri = uri,
                                       .open_deadline_ns = 5 * IFL_SECOND_NS,
                                       .read_deadline_ns = IFL_SECOND_NS / 5};
    struct ifl_error error = {0};
    void *self;
    check_ok(ifl_source_camera.open(&config, &self, &error), error);
    struct ifl_frame *frame;
    enum ifl_result result;
    int frames = 0;
    for (; (result = ifl_source_camera.read(self, &frame, &error)) == IFL_OK; frames++)
        ifl_frame_unref(frame);
    assert_int_equal(result, IFL_ERR_TIMEOUT);
    assert_non_null(strstr(error.text, frames ? "have ceased" : "sent no picture"));
    ifl_source_camera.interrupt(self);
    assert_int_equal(ifl_source_camera.read(self, &frame, &error), IFL_ERR_CANCELLED);
    ifl_source_camera.close(self);
    stop(&server);
    free(part);
}

// FFmpeg's parser holds the last picture back until the next one begins; that it comes out when the
// deadline passes is no sign of life.
static void what_a_parser_held_does_not_double_the_deadline(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX], *bytes, uri[96];
    if (!clips_make(folder, "held.h264",
                    "-f lavfi -i testsrc2=s=160x120:r=25:d=8 -c:v libx264 -g 5 -tune zerolatency",
                    path))
        skip();
    struct server server = {
        .head = "HTTP/1.1 200 OK\r\nContent-Type: video/h264\r\n\r\n", .times = 1, .silent = true};
    clips_read(path, &bytes, &server.body_bytes);
    server.body = bytes;
    start(&server);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/x.h264", server.port);
    struct ifl_source_config config = {.name = "c",
                                       .uri = uri,
                                       .open_deadline_ns = 10 * IFL_SECOND_NS,
                                       .read_deadline_ns = 2 * IFL_SECOND_NS};
    struct ifl_error error = {0};
    void *self;
    check_ok(ifl_source_camera.open(&config, &self, &error), error);
    int frames = 0;
    for (;;) {
        struct ifl_frame *frame;
        int64_t began_ns = ifl_now_ns(ifl_clock_real());
        enum ifl_result result = ifl_source_camera.read(self, &frame, &error);
        if (result != IFL_OK) {
            assert_int_equal(result, IFL_ERR_TIMEOUT);
            break;
        }
        assert_true(ifl_now_ns(ifl_clock_real()) - began_ns < config.read_deadline_ns);
        assert_int_equal(frame->pts_ns, -1); // bare H.264 has no timestamps
        ifl_frame_unref(frame);
        frames++;
    }
    ifl_source_camera.close(self);
    stop(&server);
    free(bytes);
    assert_true(frames > 10);
}

static void refusals_of_servers_are_named(void **state)
{
    (void)state;
    static const char playlist[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-mpegURL\r\n\r\n"
                                   "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
                                   "file:///etc/passwd\n#EXT-X-ENDLIST\n";
    static const struct {
        const char *scheme, *reply;
        enum ifl_result result; // IFL_OK: any error
    } rows[] = {
        {"http", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", IFL_ERR_UNAUTHORIZED},
        {"http", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", IFL_ERR_UNAUTHORIZED},
        {"http", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", IFL_ERR_NOT_FOUND},
        {"http", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", IFL_ERR_BUSY},
        {"http", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n", IFL_ERR_UNSUPPORTED},
        {"http", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", IFL_OK},
        {"http", playlist, IFL_OK},
        {"http", "\xff\xfe nonsense", IFL_OK},
        {"rtsp", "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n", IFL_ERR_UNAUTHORIZED},
        {"rtsp", "RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n", IFL_ERR_NOT_FOUND},
        {"rtsp", "nonsense\r\n\r\n", IFL_OK},
        {"rtmp", "nonsense", IFL_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server server = {.head = rows[i].reply};
        start(&server);
        char uri[96];
        snprintf(uri, sizeof uri, "%s://user:secret@127.0.0.1:%d/x", rows[i].scheme, server.port);
        struct ifl_error error;
        void *self;
        enum ifl_result result = open_uri(uri, false, &self, &error);
        if (result >= 0 || (rows[i].result && result != rows[i].result))
            fail_msg("%s: %s: %s", rows[i].reply, ifl_result_name(result), error.text);
        assert_null(strstr(error.text, "secret"));
        assert_true(strlen(error.text) > 20);
        stop(&server);
    }
}

// ---- other protocols: the ffmpeg program plays the camera ----

static pid_t play(const char *output)
{
    pid_t pid = fork();
    if (pid == 0) {
        char command[512];
        snprintf(
            command, sizeof command,
            "exec ffmpeg -nostdin -loglevel quiet -re -f lavfi -i testsrc2=s=160x120:r=25 -t 20 "
            "-c:v libx264 -preset ultrafast -tune zerolatency -g 5 -pix_fmt yuv420p %s",
            output);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static int free_port(int type)
{
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void reads_other_protocols(void **state)
{
    (void)state;
    static const struct {
        const char *output, *uri;
        int type;
    } rows[] = {
        {"-f mpegts 'udp://127.0.0.1:%d?pkt_size=1316'", "udp://127.0.0.1:%d", SOCK_DGRAM},
        {"-f flv -listen 1 rtmp://127.0.0.1:%d/live/x", "rtmp://127.0.0.1:%d/live/x", SOCK_STREAM},
        {"-f mpegts 'srt://127.0.0.1:%d?mode=listener&passphrase=longsecret'",
         "srt://127.0.0.1:%d?mode=caller&passphrase=longsecret", SOCK_DGRAM},
        {"-f mpegts -listen 1 http://127.0.0.1:%d/x.ts", "http://127.0.0.1:%d/x.ts", SOCK_STREAM},
    };
    if (system("command -v ffmpeg >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: there is no ffmpeg program to play a camera\n");
        skip();
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int port = free_port(rows[i].type);
        char output[160], uri[160];
        snprintf(output, sizeof output, rows[i].output, port);
        snprintf(uri, sizeof uri, rows[i].uri, port);
        pid_t pid = play(output);
        struct ifl_error error;
        void *self = NULL;
        enum ifl_result result = IFL_ERR_IO;
        int64_t limit = ifl_now_ns(ifl_clock_real()) + 60 * IFL_SECOND_NS;
        while (result != IFL_OK && ifl_now_ns(ifl_clock_real()) < limit) {
            result = open_uri(uri, false, &self, &error); // until it listens
            if (result == IFL_OK)
                break;
            usleep(50000);
            // It listens once: who was too slow for it, on a busy machine, needs another.
            if (waitpid(pid, NULL, WNOHANG) == pid)
                pid = play(output);
        }
        int frames = 0;
        for (; result == IFL_OK && frames < 8; frames++) {
            struct ifl_frame *frame;
            result = ifl_source_camera.read(self, &frame, &error);
            if (result == IFL_OK)
                ifl_frame_unref(frame);
        }
        ifl_source_camera.close(self);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        if (frames < 8)
            fail_msg("%s: %s", uri, error.text);
    }
}

// FFmpeg has one error for all that can go wrong there.
static void refusals_of_srt_are_named(void **state)
{
    (void)state;
    if (system("command -v ffmpeg >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: there is no ffmpeg program to play a camera\n");
        skip();
    }
    char output[160], uri[160];
    int port = free_port(SOCK_DGRAM);
    snprintf(uri, sizeof uri, "srt://127.0.0.1:%d?passphrase=not-the-secret", port);
    struct ifl_error error;
    void *self;
    assert_int_equal(open_uri(uri, false, &self, &error), IFL_ERR_IO);
    assert_non_null(strstr(error.text, "nobody answers"));
    snprintf(output, sizeof output,
             "-f mpegts 'srt://127.0.0.1:%d?mode=listener&passphrase=longsecret'", port);
    pid_t pid = play(output);
    enum ifl_result result = IFL_ERR_IO;
    for (int i = 0; i < 5 && result == IFL_ERR_IO; i++) // until it listens
        result = open_uri(uri, false, &self, &error);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(result, IFL_ERR_UNAUTHORIZED);
    assert_non_null(strstr(error.text, "refused the credentials"));
    assert_null(strstr(error.text, "not-the-secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_of_rtmp_are_decoded),
        cmocka_unit_test(playlists_lead_nowhere),
        cmocka_unit_test(silent_servers_meet_the_deadline),
        cmocka_unit_test(opening_can_be_called_off),
        cmocka_unit_test(what_was_waited_for_is_named),
        cmocka_unit_test(reads_a_camera_over_http),
        cmocka_unit_test(a_camera_that_goes_silent_meets_the_deadline),
        cmocka_unit_test(what_a_parser_held_does_not_double_the_deadline),
        cmocka_unit_test(refusals_of_servers_are_named),
        cmocka_unit_test(reads_other_protocols),
        cmocka_unit_test(refusals_of_srt_are_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
