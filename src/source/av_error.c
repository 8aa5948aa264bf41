// SPDX-License-Identifier: Apache-2.0
#include "source/av_error.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

// What a user can do about it.
static const struct row {
    int code;
    enum ifl_result result;
    const char *sentence;
} rows[] = {
    {AVERROR_HTTP_UNAUTHORIZED, IFL_ERR_UNAUTHORIZED,
     "it refused the credentials; check user and password in the URI"},
    {AVERROR(EKEYREJECTED), IFL_ERR_UNAUTHORIZED,
     "it refused the credentials; check passphrase and streamid in the URI"},
    {AVERROR(ECONNABORTED), IFL_ERR_IO,
     "it rejected the connection; are login, token, passphrase or streamid right?"},
    {AVERROR(EHOSTDOWN), IFL_ERR_IO, "nobody answers there; is it on, and is the port right?"},
    {AVERROR_HTTP_FORBIDDEN, IFL_ERR_UNAUTHORIZED,
     "it denies access; check user, password and the user's rights"},
    {AVERROR_HTTP_NOT_FOUND, IFL_ERR_NOT_FOUND, "it does not know this path; check the URI"},
    {AVERROR_HTTP_BAD_REQUEST, IFL_ERR_IO, "it did not understand the request; check the URI"},
    {AVERROR_HTTP_OTHER_4XX, IFL_ERR_IO, "it refused the request; check the URI"},
    {AVERROR_HTTP_SERVER_ERROR, IFL_ERR_IO, "it has an error of its own; try again later"},
    {AVERROR_INVALIDDATA, IFL_ERR_UNSUPPORTED,
     "this is no video FFmpeg can read; give a video file or the address of a stream"},
    {AVERROR_DEMUXER_NOT_FOUND, IFL_ERR_UNSUPPORTED, "this build of FFmpeg lacks the format"},
    {AVERROR_DECODER_NOT_FOUND, IFL_ERR_UNSUPPORTED, "this build of FFmpeg lacks the decoder"},
    {AVERROR_PROTOCOL_NOT_FOUND, IFL_ERR_UNSUPPORTED, "this build of FFmpeg lacks the protocol"},
    {AVERROR_STREAM_NOT_FOUND, IFL_ERR_UNSUPPORTED, "there is no video in it; give one with video"},
    {AVERROR_PATCHWELCOME, IFL_ERR_UNSUPPORTED, "FFmpeg does not support this kind of video yet"},
    {AVERROR_EOF, IFL_ERR_IO, "the stream ended; is the camera still on?"},
    {AVERROR(ECONNREFUSED), IFL_ERR_IO,
     "it refused the connection; is it on, and is the port right?"},
    {AVERROR(EHOSTUNREACH), IFL_ERR_IO, "there is no way to this host; check address and network"},
    {AVERROR(ENETUNREACH), IFL_ERR_IO, "the network can't be reached; is it connected?"},
    {AVERROR(ETIMEDOUT), IFL_ERR_TIMEOUT, "it did not answer in time; is it on and reachable?"},
    {AVERROR(EACCES), IFL_ERR_IO, "permission is denied; allow this user to read it"},
    {AVERROR(ENOENT), IFL_ERR_NOT_FOUND, "it is not there; check the name"},
    {AVERROR(ENODEV), IFL_ERR_NOT_FOUND, "the device is gone; is it plugged in?"},
    {AVERROR(EPROTONOSUPPORT), IFL_ERR_UNSUPPORTED,
     "it has no such format, size or rate; `inferloop probe webcam` lists what it has"},
    {AVERROR(EBUSY), IFL_ERR_IN_USE, "another program uses it; close that one"},
    {AVERROR(ENOMEM), IFL_ERR_NO_MEMORY, "out of memory"},
};

static const char *const waits[] = {
    [IFL_AV_CONNECTING] = "connecting to it; is it on and reachable, and is the port right?",
    [IFL_AV_LOOKING_UP] = "looking up its name; does the name server answer?",
    [IFL_AV_ANSWER] = "it took the connection and did not answer; is it the right port?",
    [IFL_AV_FIRST_PICTURE] = "it answered and sent no picture; does it send any now?",
    [IFL_AV_PICTURE] = "its pictures have ceased; is the camera still on and reachable?",
    [IFL_AV_FILE] = "no picture came of the file; does its disk answer?",
};

enum ifl_result ifl_av_fail_waiting(struct ifl_error *error, const struct ifl_av_guard *guard,
                                    const char *doing, const char *shown)
{
    if (ifl_av_guard_cancelled(guard))
        return ifl_fail(error, IFL_ERR_CANCELLED, "source", "%s \"%s\" was called off", doing,
                        shown);
    return ifl_fail(error, IFL_ERR_TIMEOUT, "source", "%s \"%s\" took too long: %s", doing, shown,
                    waits[guard->phase]);
}

enum ifl_result ifl_av_fail(struct ifl_error *error, int code, const struct ifl_av_request *request,
                            const char *doing)
{
    // FFmpeg reports an interrupted wait in more ways than AVERROR_EXIT.
    bool interrupted = ifl_av_guard_cancelled(request->guard) ||
                       ifl_now_ns(ifl_clock_real()) >= request->guard->deadline_ns;
    if (code == AVERROR_EXIT || interrupted)
        return ifl_av_fail_waiting(error, request->guard, doing, request->shown);
    if (code == AVERROR(EIO) && request->live)
        code = AVERROR_EOF; // some protocols call a hang-up that
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return ifl_fail(error, rows[i].result, "source", "%s \"%s\" failed: %s", doing,
                            request->shown, rows[i].sentence);
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, text, sizeof text);
    return ifl_fail(error, IFL_ERR_IO, "source", "%s \"%s\" failed: %s", doing, request->shown,
                    text);
}

// Copies a log line with every URL in it redacted.
static void redact_line(const char *line, char *out, size_t bytes)
{
    size_t at = 0;
    while (*line && at + 1 < bytes) {
        size_t word = strcspn(line, " \t'\"\n");
        char url[512], safe[512];
        snprintf(url, sizeof url, "%.*s", (int)(word < 511 ? word : 511), line);
        ifl_uri_redact(url, safe, sizeof safe);
        at += (size_t)snprintf(out + at, bytes - at, "%s", safe);
        if (at >= bytes)
            return;
        line += word;
        if (*line) {
            out[at++] = *line == '\n' ? ' ' : *line;
            line++;
        }
    }
    out[at < bytes ? at : bytes - 1] = 0;
}

static void take_line(void *context, int level, const char *format, va_list args)
{
    if (level > AV_LOG_WARNING)
        return;
    char line[1024], safe[1024];
    const AVClass *class = context ? *(const AVClass **)context : NULL;
    vsnprintf(line, sizeof line, format, args);
    redact_line(line, safe, sizeof safe);
    ifl_log(IFL_LOG_DEBUG, "source.ffmpeg", NULL, "%s: %s", class ? class->class_name : "ffmpeg",
            safe);
}

// libsrt, where FFmpeg brought it along, writes to standard error at each refusal; what matters of
// that is in our error.
static void quiet_srt(void)
{
    void (*set_level)(int) = NULL;
    *(void **)&set_level = dlsym(RTLD_DEFAULT, "srt_setloglevel");
    if (set_level)
        set_level(2); // LOG_CRIT
}

static void set_up(void)
{
    av_log_set_callback(take_line);
    quiet_srt();
}

void ifl_av_quiet(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
}
