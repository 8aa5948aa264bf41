// SPDX-License-Identifier: Apache-2.0
// The source `pipe`: YUV4MPEG2 on standard input ("pipe:" or "-") or on an inherited descriptor
// ("pipe:3"), which stays open. A pipe has no beginning to go back to: it ends where it ends.
#include "source/builtin.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/pool.h"
#include "source/y4m.h"

enum { SLICE_MS = 50, BUFFER_BYTES = 4096 };

struct pipe_source {
    int fd;
    char name[IFL_SOURCE_NAME_MAX];
    atomic_bool interrupted;
    bool (*cancelled)(void *context);
    void *cancelled_context;
    int64_t read_wait_ns, deadline_ns;
    struct ifl_y4m y4m;
    struct ifl_pool *pool;
    uint64_t sequence;
    size_t begin, end; // of what is in the buffer
    uint8_t buffer[BUFFER_BYTES];
};

static bool is_cancelled(const struct pipe_source *pipe)
{
    return atomic_load(&pipe->interrupted) ||
           (pipe->cancelled && pipe->cancelled(pipe->cancelled_context));
}

// Waits until there is something to read. Slices keep it open to being called off.
static enum ifl_result wait_readable(const struct pipe_source *pipe, struct ifl_error *error)
{
    for (;;) {
        if (is_cancelled(pipe))
            return ifl_fail(error, IFL_ERR_CANCELLED, "source", "reading the pipe was called off");
        int64_t left_ms = (pipe->deadline_ns - ifl_now_ns(ifl_clock_real())) / IFL_MILLISECOND_NS;
        if (left_ms <= 0)
            return ifl_fail(error, IFL_ERR_TIMEOUT, "source",
                            "nothing came through the pipe in time; is its writer still running?");
        struct pollfd poll_row = {.fd = pipe->fd, .events = POLLIN};
        int ready = poll(&poll_row, 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
        if (ready > 0 && poll_row.revents & POLLNVAL)
            return ifl_fail(error, IFL_ERR_NOT_FOUND, "source",
                            "descriptor %d is not open; send Y4M to standard input", pipe->fd);
        if (ready > 0)
            return IFL_OK;
        if (ready < 0 && errno != EINTR)
            return ifl_fail_errno(error, errno, "source", "the pipe can't be read");
    }
}

// IFL_OK with at least one byte, or IFL_END.
static enum ifl_result read_some(const struct pipe_source *pipe, uint8_t *bytes, size_t most,
                                 size_t *got, struct ifl_error *error)
{
    for (;;) {
        enum ifl_result result = wait_readable(pipe, error);
        if (result != IFL_OK)
            return result;
        ssize_t count = read(pipe->fd, bytes, most);
        if (count > 0) {
            *got = (size_t)count;
            return IFL_OK;
        }
        if (count == 0)
            return IFL_END;
        if (errno != EINTR && errno != EAGAIN)
            return ifl_fail_errno(error, errno, "source", "the pipe can't be read");
    }
}

static enum ifl_result read_bytes(struct pipe_source *pipe, uint8_t *bytes, size_t count,
                                  struct ifl_error *error)
{
    while (count) {
        size_t got = pipe->end - pipe->begin;
        if (got) {
            got = got < count ? got : count;
            memcpy(bytes, pipe->buffer + pipe->begin, got);
            pipe->begin += got;
        } else {
            enum ifl_result result = read_some(pipe, bytes, count, &got, error);
            if (result != IFL_OK)
                return result;
        }
        bytes += got;
        count -= got;
    }
    return IFL_OK;
}

static enum ifl_result read_byte(struct pipe_source *pipe, uint8_t *byte, struct ifl_error *error)
{
    if (pipe->begin == pipe->end) {
        size_t got;
        enum ifl_result result = read_some(pipe, pipe->buffer, BUFFER_BYTES, &got, error);
        if (result != IFL_OK)
            return result;
        pipe->begin = 0;
        pipe->end = got;
    }
    *byte = pipe->buffer[pipe->begin++];
    return IFL_OK;
}

// IFL_END only where the stream ends before the first byte of the line.
static enum ifl_result read_line(struct pipe_source *pipe, char line[IFL_Y4M_LINE_MAX],
                                 struct ifl_error *error)
{
    for (size_t at = 0; at < IFL_Y4M_LINE_MAX; at++) {
        uint8_t byte;
        enum ifl_result result = read_byte(pipe, &byte, error);
        if (result == IFL_END && at > 0)
            return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                            "the Y4M stream ends inside of a header");
        if (result != IFL_OK)
            return result;
        line[at] = byte == '\n' ? 0 : (char)byte;
        if (byte == '\n')
            return IFL_OK;
        if (byte == 0)
            break;
    }
    return ifl_fail(error, pipe->sequence ? IFL_ERR_CORRUPT : IFL_ERR_UNSUPPORTED, "source",
                    "this is not a Y4M stream; send one with ffmpeg's -f yuv4mpegpipe -");
}

// ---- the descriptor ----

static void arm(struct pipe_source *pipe, int64_t wait_ns)
{
    pipe->deadline_ns = ifl_now_ns(ifl_clock_real()) + (wait_ns > 0 ? wait_ns : 10 * IFL_SECOND_NS);
}

static void pipe_close(void *self)
{
    struct pipe_source *pipe = self;
    if (!pipe)
        return;
    ifl_pool_destroy(pipe->pool);
    free(pipe);
}

static enum ifl_result parse_fd(const char *uri, int *fd, struct ifl_error *error)
{
    const char *colon = strchr(uri, ':');
    *fd = STDIN_FILENO;
    if (!colon || !colon[1] || !strcmp(colon + 1, "-"))
        return IFL_OK;
    if (strspn(colon + 1, "0123456789") == strlen(colon + 1) && strlen(colon + 1) < 6) {
        *fd = atoi(colon + 1);
        return IFL_OK;
    }
    return ifl_fail(
        error, IFL_ERR_INVALID, "source",
        "pipe: reads standard input, pipe:N an open descriptor; for a file give its path");
}

static enum ifl_result read_header(struct pipe_source *pipe, struct ifl_error *error)
{
    char line[IFL_Y4M_LINE_MAX];
    enum ifl_result result = read_line(pipe, line, error);
    if (result == IFL_END)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "standard input is empty; send Y4M with ffmpeg's -f yuv4mpegpipe -");
    return result == IFL_OK ? ifl_y4m_parse(line, &pipe->y4m, error) : result;
}

static enum ifl_result pipe_open(const struct ifl_source_config *config, void **self,
                                 struct ifl_error *error)
{
    int fd;
    enum ifl_result result = parse_fd(config->uri, &fd, error);
    if (result != IFL_OK)
        return result;
    struct pipe_source *pipe = calloc(1, sizeof *pipe);
    if (pipe)
        pipe->pool = ifl_pool_create(8);
    if (!pipe || !pipe->pool) {
        pipe_close(pipe);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to read a pipe");
    }
    pipe->fd = fd;
    snprintf(pipe->name, sizeof pipe->name, "%s", config->name);
    pipe->cancelled = config->cancelled;
    pipe->cancelled_context = config->cancelled_context;
    pipe->read_wait_ns = config->read_deadline_ns;
    arm(pipe, config->open_deadline_ns);
    result = read_header(pipe, error);
    if (result != IFL_OK) {
        pipe_close(pipe);
        return result;
    }
    *self = pipe;
    return IFL_OK;
}

static enum ifl_result read_planes(struct pipe_source *pipe, const struct ifl_frame *frame,
                                   struct ifl_error *error)
{
    for (int i = 0; i < 3; i++) {
        int width, height;
        ifl_plane_size(frame->format, frame->width, frame->height, i, &width, &height);
        for (int y = 0; y < height; y++) {
            uint8_t *row = (uint8_t *)(uintptr_t)frame->plane[i] + (ptrdiff_t)frame->stride[i] * y;
            enum ifl_result result = read_bytes(pipe, row, (size_t)width, error);
            if (result == IFL_END)
                return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                                "the Y4M stream ends inside of a picture");
            if (result != IFL_OK)
                return result;
        }
    }
    return IFL_OK;
}

static void describe(struct pipe_source *pipe, struct ifl_frame *frame)
{
    memcpy(frame->source, pipe->name, sizeof frame->source);
    frame->range = pipe->y4m.range;
    frame->matrix = frame->height >= 720 ? IFL_MATRIX_BT709 : IFL_MATRIX_BT601;
    frame->sequence = frame->media_index = pipe->sequence++;
    if (pipe->y4m.rate > 0)
        frame->pts_ns = (int64_t)((double)frame->sequence * 1e9 / pipe->y4m.rate);
    frame->capture_ns = ifl_now_ns(ifl_clock_real());
    frame->capture_wall_ns = ifl_wall_ns(ifl_clock_real());
}

static enum ifl_result pipe_read(void *self, struct ifl_frame **out, struct ifl_error *error)
{
    struct pipe_source *pipe = self;
    char line[IFL_Y4M_LINE_MAX];
    arm(pipe, pipe->read_wait_ns);
    enum ifl_result result = read_line(pipe, line, error);
    if (result != IFL_OK)
        return result;
    if (!ifl_y4m_is_frame(line))
        return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                        "the Y4M stream is damaged after %llu pictures",
                        (unsigned long long)pipe->sequence);
    struct ifl_frame *frame =
        ifl_pool_get(pipe->pool, pipe->y4m.format, pipe->y4m.width, pipe->y4m.height);
    if (!frame)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory for a picture");
    result = read_planes(pipe, frame, error);
    if (result != IFL_OK) {
        ifl_frame_unref(frame);
        return result;
    }
    describe(pipe, frame);
    *out = frame;
    return IFL_OK;
}

static void pipe_info(void *self, struct ifl_source_info *info)
{
    const struct pipe_source *pipe = self;
    *info = (struct ifl_source_info){
        .width = pipe->y4m.width, .height = pipe->y4m.height, .rate = pipe->y4m.rate};
    snprintf(info->format, sizeof info->format, "%s", ifl_pixel_format_name(pipe->y4m.format));
    snprintf(info->codec, sizeof info->codec, "y4m");
}

static void pipe_interrupt(void *self)
{
    struct pipe_source *pipe = self;
    atomic_store(&pipe->interrupted, true);
}

static const char *const schemes[] = {"pipe", "-", NULL};

const struct ifl_source_plugin ifl_source_pipe = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "pipe",
             "Y4M on standard input: ffmpeg ... -f yuv4mpegpipe - | inferloop run --source pipe:"},
    .schemes = schemes,
    .open = pipe_open,
    .read = pipe_read,
    .info = pipe_info,
    .interrupt = pipe_interrupt,
    .close = pipe_close,
};
