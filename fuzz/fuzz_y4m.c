// SPDX-License-Identifier: Apache-2.0
// A Y4M stream, read by the source `pipe` from memory.
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/builtin.h"
#include "source/y4m.h"

enum { PIXELS_MAX = 1 << 20, FRAMES_MAX = 64 };

// Whether the first line is a header; large pictures are left out, they only take time.
static bool try_header(const uint8_t *bytes, size_t count)
{
    char line[IFL_Y4M_LINE_MAX] = "";
    const uint8_t *end = count ? memchr(bytes, '\n', count) : NULL;
    size_t length = end ? (size_t)(end - bytes) : count;
    if (length >= sizeof line)
        return true; // the source refuses it
    if (length)
        memcpy(line, bytes, length);
    struct ifl_y4m y4m;
    struct ifl_error error;
    enum ifl_result result = ifl_y4m_parse(line, &y4m, &error);
    fuzz_must_explain(result, &error);
    if (result != IFL_OK)
        return true;
    MUST(y4m.width >= IFL_FRAME_SIDE_MIN && y4m.width <= IFL_FRAME_SIDE_MAX);
    MUST(y4m.height >= IFL_FRAME_SIDE_MIN && y4m.height <= IFL_FRAME_SIDE_MAX);
    MUST(isfinite(y4m.rate) && y4m.rate >= 0);
    return y4m.width * y4m.height <= PIXELS_MAX;
}

static void read_all(void *self)
{
    struct ifl_error error;
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < FRAMES_MAX && result == IFL_OK; i++) {
        struct ifl_frame *frame;
        result = ifl_source_pipe.read(self, &frame, &error);
        fuzz_must_explain(result, &error);
        if (result != IFL_OK)
            return;
        MUST(frame->sequence == (uint64_t)i && frame->pts_ns >= -1);
        ifl_frame_unref(frame);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (!try_header(bytes, count))
        return 0;
    int fd = memfd_create("stream", MFD_CLOEXEC);
    MUST(fd >= 0 && (count == 0 || write(fd, bytes, count) == (ssize_t)count));
    MUST(lseek(fd, 0, SEEK_SET) == 0);
    char uri[32];
    snprintf(uri, sizeof uri, "pipe:%d", fd);
    struct ifl_source_config config = {.name = "fuzz",
                                       .uri = uri,
                                       .open_deadline_ns = 10 * IFL_SECOND_NS,
                                       .read_deadline_ns = 10 * IFL_SECOND_NS};
    void *self;
    struct ifl_error error;
    enum ifl_result result = ifl_source_pipe.open(&config, &self, &error);
    fuzz_must_explain(result, &error);
    if (result == IFL_OK) {
        struct ifl_source_info info;
        ifl_source_pipe.info(self, &info);
        read_all(self);
        ifl_source_pipe.close(self);
    }
    close(fd);
    return 0;
}
