// SPDX-License-Identifier: Apache-2.0
// Y4M through a pipe: formats, every truncation, bytes that are not Y4M, waiting.
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "source/builtin.h"
#include "source/y4m.h"

struct feed {
    int fd;
    const uint8_t *bytes;
    size_t count;
    bool keep_open;
};

static void *feed_bytes(void *context)
{
    const struct feed *feed = context;
    size_t at = 0;
    while (at < feed->count) {
        ssize_t put = write(feed->fd, feed->bytes + at, feed->count - at);
        if (put <= 0)
            break;
        at += (size_t)put;
    }
    if (!feed->keep_open)
        close(feed->fd);
    return NULL;
}

static enum ifl_result open_fd(int fd, void **self, struct ifl_error *error)
{
    char uri[32];
    snprintf(uri, sizeof uri, "pipe:%d", fd);
    struct ifl_source_config config = {.name = "p",
                                       .uri = uri,
                                       .open_deadline_ns = 2 * IFL_SECOND_NS,
                                       .read_deadline_ns = 2 * IFL_SECOND_NS};
    memset(error, 0, sizeof *error);
    return ifl_source_pipe.open(&config, self, error);
}

struct outcome {
    enum ifl_result opened, last;
    int frames;
    struct ifl_error error;
    uint8_t first; // sample of the last frame
};

static struct outcome run(const uint8_t *bytes, size_t count)
{
    int ends[2];
    struct outcome outcome = {0};
    assert_int_equal(pipe(ends), 0);
    struct feed feed = {ends[1], bytes, count, false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, feed_bytes, &feed), 0);
    void *self;
    struct ifl_frame *frame;
    outcome.opened = open_fd(ends[0], &self, &outcome.error);
    if (outcome.opened == IFL_OK) {
        while ((outcome.last = ifl_source_pipe.read(self, &frame, &outcome.error)) == IFL_OK) {
            outcome.frames++;
            outcome.first = frame->plane[0][0];
            ifl_frame_unref(frame);
        }
        ifl_source_pipe.close(self);
    }
    close(ends[0]);
    pthread_join(thread, NULL);
    return outcome;
}

// A stream of `frames` pictures of 17 x 19.
static size_t make_stream(const char *format, size_t frame_bytes, int frames, uint8_t *bytes)
{
    size_t at = (size_t)sprintf((char *)bytes, "YUV4MPEG2 W17 H19 F10:1 Ip A1:1 %s\n", format);
    for (int i = 0; i < frames; i++) {
        at += (size_t)sprintf((char *)bytes + at, "FRAME\n");
        memset(bytes + at, 40 + i, frame_bytes);
        at += frame_bytes;
    }
    return at;
}

static void reads_every_format(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        size_t bytes;
    } rows[] = {
        {"C420jpeg", 17 * 19 + 2 * 9 * 10},
        {"C420mpeg2", 17 * 19 + 2 * 9 * 10},
        {"", 17 * 19 + 2 * 9 * 10},
        {"C422", 17 * 19 + 2 * 9 * 19},
        {"C444", 3 * 17 * 19},
        {"Cmono XCOLORRANGE=FULL", 17 * 19},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[8192];
        size_t count = make_stream(rows[i].format, rows[i].bytes, 5, bytes);
        struct outcome outcome = run(bytes, count);
        assert_int_equal(outcome.opened, IFL_OK);
        assert_int_equal(outcome.frames, 5);
        assert_int_equal(outcome.last, IFL_END);
        assert_int_equal(outcome.first, 44);
    }
}

static void truncations_are_named(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    size_t frame = 17 * 19 + 2 * 9 * 10;
    size_t count = make_stream("C420", frame, 2, bytes);
    for (size_t cut = 0; cut < count; cut += cut < 80 ? 1 : 13) {
        struct outcome outcome = run(bytes, cut);
        size_t header = count - 2 * (frame + 6);
        assert_int_equal(outcome.opened == IFL_OK, cut >= header);
        bool whole = cut == header || cut == header + frame + 6;
        if (outcome.opened == IFL_OK)
            assert_int_equal(outcome.last, whole ? IFL_END : IFL_ERR_CORRUPT);
        assert_true(whole || strlen(outcome.error.text) > 10);
    }
}

static void noise_is_refused(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 3);
    for (int i = 0; i < 200; i++) {
        uint8_t bytes[1500];
        size_t frame = 17 * 19 + 2 * 9 * 10;
        size_t count = make_stream("C420", frame, 2, bytes);
        for (int j = 0; j < 3; j++)
            bytes[ifl_rng_below(&rng, 44)] = (uint8_t)ifl_rng_next(&rng);
        if (count > 1200)
            count = 1200;
        struct outcome outcome = run(bytes, count);
        assert_in_range(outcome.frames, 0, 400);
        if (outcome.opened != IFL_OK)
            assert_true(strlen(outcome.error.text) > 10);
    }
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum ifl_result result;
    } rows[] = {
        {"YUV4MPEG2 W64 H48 F25:1 C420", IFL_OK},
        {"YUV4MPEG2 W64 H48", IFL_OK},
        {"YUV4MPEG2 W64 H48 F0:0 XYSCSS=420JPEG Im A0:0", IFL_OK},
        {"YUV4MPEG2", IFL_ERR_UNSUPPORTED},
        {"", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG W64 H48", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG23 W64 H48", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG2 W0 H0", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG2 W-64 H48", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG2 W100000 H100000", IFL_ERR_TOO_LARGE},
        {"YUV4MPEG2 W16384 H16384", IFL_ERR_TOO_LARGE},
        {"YUV4MPEG2 W99999999999999999999 H48", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG2 W64 H48 C420p10", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG2 W64 H48 C411", IFL_ERR_UNSUPPORTED},
        {"YUV4MPEG2 W64 H48 Fx:1", IFL_ERR_CORRUPT},
        {"YUV4MPEG2 W64 H48 F25", IFL_ERR_CORRUPT},
        {"YUV4MPEG2 W64 H48 Z1", IFL_ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ifl_y4m y4m;
        struct ifl_error error = {0};
        if (ifl_y4m_parse(rows[i].line, &y4m, &error) != rows[i].result)
            fail_msg("\"%s\": %s", rows[i].line, error.text);
        assert_true(rows[i].result == IFL_OK || strlen(error.text) > 20);
    }
    assert_true(ifl_y4m_is_frame("FRAME Ip"));
    assert_false(ifl_y4m_is_frame("FRAMES"));
}

static void silence_meets_the_deadline(void **state)
{
    (void)state;
    int ends[2];
    char uri[32];
    struct ifl_error error = {0};
    void *self;
    assert_int_equal(pipe(ends), 0);
    snprintf(uri, sizeof uri, "pipe:%d", ends[0]);
    struct ifl_source_config config = {
        .name = "p", .uri = uri, .open_deadline_ns = IFL_SECOND_NS / 10};
    assert_int_equal(ifl_source_pipe.open(&config, &self, &error), IFL_ERR_TIMEOUT);
    assert_true(write(ends[1], "YUV4MPEG2 W16 H16\nFRAME\nab", 26) == 26);
    config.open_deadline_ns = 20 * IFL_SECOND_NS; // all of the header is there
    config.read_deadline_ns = IFL_SECOND_NS / 10;
    check_ok(ifl_source_pipe.open(&config, &self, &error), error);
    struct ifl_frame *frame;
    assert_int_equal(ifl_source_pipe.read(self, &frame, &error), IFL_ERR_TIMEOUT);
    ifl_source_pipe.interrupt(self);
    assert_int_equal(ifl_source_pipe.read(self, &frame, &error), IFL_ERR_CANCELLED);
    ifl_source_pipe.close(self);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(ifl_source_pipe.open(&config, &self, &error), IFL_ERR_NOT_FOUND);
    config.uri = "pipe:clip.y4m";
    assert_int_equal(ifl_source_pipe.open(&config, &self, &error), IFL_ERR_INVALID);
}

// The reader may hang up on the writer.
static int ignore_hangups(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_format),         cmocka_unit_test(truncations_are_named),
        cmocka_unit_test(noise_is_refused),           cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(silence_meets_the_deadline),
    };
    return cmocka_run_group_tests(tests, ignore_hangups, NULL);
}
