// SPDX-License-Identifier: Apache-2.0
// Sources used from C: iterate, one, batch, callbacks; and what happens when they fail.
#include "support.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "inferloop/capture.h"

static struct ifl_capture *open_capture(const char *source, bool realtime, int buffer)
{
    struct ifl_capture_config config;
    ifl_capture_config_init(&config);
    config.source = source;
    config.realtime = realtime;
    config.buffer = buffer;
    config.open_seconds = config.read_seconds = config.first_seconds = 0.5;
    struct ifl_capture *capture;
    struct ifl_error error;
    check_ok(ifl_capture_open(&config, &capture, &error), error);
    return capture;
}

static void iterates_to_the_end(void **state)
{
    (void)state;
    struct ifl_capture *capture =
        open_capture("cam=pattern:size=64x48,rate=25,frames=40", false, 4);
    struct ifl_frame *frame;
    struct ifl_error error;
    for (uint64_t i = 0; i < 40; i++) {
        check_ok(ifl_capture_next(capture, 10, &frame, &error), error);
        assert_int_equal(frame->sequence, i); // files wait: nothing is lost
        assert_string_equal(frame->source, "cam");
        assert_int_equal(frame->format, IFL_PIXEL_YUV420P);
        ifl_frame_unref(frame);
    }
    assert_int_equal(ifl_capture_next(capture, 10, &frame, &error), IFL_END);
    ifl_capture_release(capture);
}

static void one_is_of_now(void **state)
{
    (void)state;
    struct ifl_capture *capture = open_capture("pattern:size=64x48,rate=100", true, 8);
    struct ifl_frame *frame;
    struct ifl_error error;
    check_ok(ifl_capture_next(capture, 10, &frame, &error), error);
    ifl_frame_unref(frame);
    struct ifl_source_status status;
    do { // the buffer is full of older ones
        usleep(1000);
        ifl_capture_status(capture, &status);
    } while (status.frames < 20);
    int64_t now = ifl_now_ns(ifl_clock_real());
    check_ok(ifl_capture_one(capture, 10, &frame, &error), error);
    assert_true(frame->capture_ns >= now);
    assert_true(frame->sequence > 12);
    ifl_capture_status(capture, &status);
    assert_int_equal(status.state, IFL_SOURCE_LIVE);
    assert_true(status.rate > 0);
    ifl_capture_release(capture);
    assert_int_equal(frame->width, 64); // frames outlive the capture
    ifl_frame_unref(frame);
}

static void a_batch_keeps_its_interval(void **state)
{
    (void)state;
    struct ifl_capture *capture = open_capture("pattern:size=64x48,rate=50", false, 4);
    struct ifl_frame *frames[20];
    struct ifl_error error;
    int got;
    check_ok(ifl_capture_batch(capture, 20, 0.1, 10, frames, &got, &error), error);
    assert_int_equal(got, 20);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(frames[i]->sequence, 5 * (uint64_t)i);
        ifl_frame_unref(frames[i]);
    }
    assert_int_equal(ifl_capture_batch(capture, 0, 1, 1, frames, &got, &error), IFL_ERR_INVALID);
    assert_int_equal(ifl_capture_batch(capture, 2, NAN, 1, frames, &got, &error), IFL_ERR_INVALID);
    ifl_capture_release(capture);
    // One that ends too early says so, and gives what there is.
    capture = open_capture("pattern:size=64x48,rate=10,frames=30", false, 4);
    assert_int_equal(ifl_capture_batch(capture, 20, 1, 10, frames, &got, &error), IFL_END);
    assert_int_equal(got, 3);
    while (got > 0)
        ifl_frame_unref(frames[--got]);
    ifl_capture_release(capture);
}

// ---- callbacks ----

struct heard {
    struct ifl_capture *capture;
    atomic_int frames, errors, ends;
    int stop_after;
    char text[384];
};

static void on_frame(struct ifl_frame *frame, void *context)
{
    struct heard *heard = context;
    assert_int_equal(frame->width, 64);
    if (++heard->frames == heard->stop_after)
        ifl_capture_stop(heard->capture);
}

static void on_error(const struct ifl_error *error, void *context)
{
    struct heard *heard = context;
    memcpy(heard->text, error->text, sizeof heard->text);
    if (error->result == IFL_END)
        heard->ends++;
    else
        heard->errors++;
}

static void wait_for(const atomic_int *count, int wanted)
{
    int64_t limit = ifl_now_ns(ifl_clock_real()) + 20 * IFL_SECOND_NS;
    while (*count < wanted) {
        assert_true(ifl_now_ns(ifl_clock_real()) < limit);
        usleep(1000);
    }
}

static void calls_back_until_the_end(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct ifl_capture_callbacks callbacks = {on_frame, on_error, &heard};
    struct ifl_error error;
    heard.capture = open_capture("pattern:size=64x48,frames=200", false, 4);
    check_ok(ifl_capture_start(heard.capture, &callbacks, &error), error);
    struct ifl_frame *frame;
    assert_int_equal(ifl_capture_next(heard.capture, 1, &frame, &error), IFL_ERR_IN_USE);
    assert_int_equal(ifl_capture_start(heard.capture, &callbacks, &error), IFL_ERR_IN_USE);
    wait_for(&heard.ends, 1);
    assert_int_equal(heard.frames, 200);
    assert_int_equal(heard.errors, 0);
    ifl_capture_release(heard.capture);
}

static void the_end_of_one_that_fails_is_told_once(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct ifl_capture_callbacks callbacks = {on_frame, on_error, &heard};
    struct ifl_error error;
    heard.capture = open_capture("/nowhere/clip.avi", true, 4);
    check_ok(ifl_capture_start(heard.capture, &callbacks, &error), error);
    wait_for(&heard.errors, 1);
    usleep(50000);
    ifl_capture_stop(heard.capture);
    assert_int_equal(heard.errors, 1);
    assert_int_equal(heard.ends, 0);
    ifl_capture_release(heard.capture);
}

static void stops_in_a_callback_and_starts_again(void **state)
{
    (void)state;
    struct heard heard = {.stop_after = 10};
    struct ifl_capture_callbacks callbacks = {on_frame, on_error, &heard};
    struct ifl_error error;
    heard.capture = open_capture("pattern:size=64x48", false, 4);
    check_ok(ifl_capture_start(heard.capture, &callbacks, &error), error);
    wait_for(&heard.frames, 10);
    ifl_capture_stop(heard.capture);
    assert_int_equal(heard.frames, 10);
    struct ifl_frame *frame;
    check_ok(ifl_capture_next(heard.capture, 10, &frame, &error), error);
    ifl_frame_unref(frame);
    check_ok(ifl_capture_start(heard.capture, &callbacks, &error), error);
    wait_for(&heard.frames, 12);
    ifl_capture_release(heard.capture); // while it calls back
}

// ---- failures ----

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

static void *cancel_soon(void *capture)
{
    usleep(100000);
    ifl_capture_cancel(capture);
    return NULL;
}

static void a_camera_that_hangs_is_no_reason_to_wait(void **state)
{
    (void)state;
    char uri[64];
    int port, fd = listen_silently(&port);
    snprintf(uri, sizeof uri, "rtsp://127.0.0.1:%d/x", port);
    struct heard heard = {.capture = open_capture(uri, true, 4)};
    struct ifl_frame *frame;
    struct ifl_error error;
    int64_t began = ifl_now_ns(ifl_clock_real());
    assert_int_equal(ifl_capture_next(heard.capture, 0.2, &frame, &error), IFL_ERR_TIMEOUT);
    assert_non_null(strstr(error.text, "connecting"));
    assert_true(ifl_now_ns(ifl_clock_real()) - began < 20 * IFL_SECOND_NS);
    struct ifl_capture_callbacks callbacks = {on_frame, on_error, &heard};
    check_ok(ifl_capture_start(heard.capture, &callbacks, &error), error);
    wait_for(&heard.errors, 1); // its deadline passed
    assert_non_null(strstr(heard.text, "took too long"));
    ifl_capture_stop(heard.capture);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, heard.capture), 0);
    assert_int_equal(ifl_capture_one(heard.capture, 3600, &frame, &error), IFL_ERR_CANCELLED);
    pthread_join(thread, NULL);
    ifl_capture_release(heard.capture);
    close(fd);
}

static void refuses_what_cannot_be(void **state)
{
    (void)state;
    struct ifl_capture_config config;
    struct ifl_capture *capture;
    struct ifl_error error;
    ifl_capture_config_init(&config);
    assert_int_equal(ifl_capture_open(&config, &capture, &error), IFL_ERR_INVALID);
    config.source = "foo://bar";
    assert_int_equal(ifl_capture_open(&config, &capture, &error), IFL_ERR_UNSUPPORTED);
    config.source = "pattern";
    config.buffer = 0;
    assert_int_equal(ifl_capture_open(&config, &capture, &error), IFL_ERR_INVALID);
    config.buffer = 4;
    config.read_seconds = NAN;
    assert_int_equal(ifl_capture_open(&config, &capture, &error), IFL_ERR_INVALID);
    config.read_seconds = 1;
    config.rate = -1;
    assert_int_equal(ifl_capture_open(&config, &capture, &error), IFL_ERR_INVALID);
    ifl_capture_release(NULL);
    capture = open_capture("/nowhere/clip.avi", true, 4);
    struct ifl_frame *frame;
    assert_int_equal(ifl_capture_next(capture, 10, &frame, &error), IFL_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nowhere/clip.avi"));
    ifl_capture_release(capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterates_to_the_end),
        cmocka_unit_test(one_is_of_now),
        cmocka_unit_test(a_batch_keeps_its_interval),
        cmocka_unit_test(calls_back_until_the_end),
        cmocka_unit_test(the_end_of_one_that_fails_is_told_once),
        cmocka_unit_test(stops_in_a_callback_and_starts_again),
        cmocka_unit_test(a_camera_that_hangs_is_no_reason_to_wait),
        cmocka_unit_test(refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
