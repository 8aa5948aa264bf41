// SPDX-License-Identifier: Apache-2.0
// What the sources over FFmpeg's libraries share: one connection with its decoder.
//
// In: a local file's descriptor or a URL. Out: decoded pictures as frames that keep FFmpeg's own
// memory (no copy) where frame.h has their format, else converted by swscale. HTTP goes through
// libcurl (source/web.h). A video stream that changes its codec, or is replaced by another one in
// the same container, gets a new decoder. One thread; `interrupted` is set by any. Every wait ends
// at a deadline or by that.
#ifndef IFL_SOURCE_AV_H
#define IFL_SOURCE_AV_H

#include <stdatomic.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "inferloop/source.h"
#include "source/address.h"

enum { IFL_KEY_INTERVAL_S = 4 }; // key frames that are further apart are rare

// What is waited for, so that who waits too long can say so; sentences are in av_error.c.
enum ifl_av_phase {
    IFL_AV_CONNECTING,    // over FFmpeg: up to what the protocol needs before pictures
    IFL_AV_LOOKING_UP,    // the address of a name
    IFL_AV_ANSWER,        // connected, but nothing has come
    IFL_AV_FIRST_PICTURE, // it has answered
    IFL_AV_PICTURE,       // pictures have come
    IFL_AV_FILE,
};

// Whoever waits inside FFmpeg: until when, for what, and whether somebody called it off.
struct ifl_av_guard {
    atomic_bool interrupted;
    bool (*cancelled)(void *context); // as in struct ifl_source_config
    void *cancelled_context;
    int64_t deadline_ns; // monotonic; the reading thread's own
    bool tripped;        // FFmpeg was told to give up since this was armed
    enum ifl_av_phase phase;
};
bool ifl_av_guard_cancelled(const struct ifl_av_guard *guard);
void ifl_av_guard_arm(struct ifl_av_guard *guard, int64_t wait_ns);
// False once the deadline has passed or it was called off; then it is `tripped`.
bool ifl_av_guard_waits(struct ifl_av_guard *guard);
// Sleeps a little; false once the deadline has passed or it was called off.
bool ifl_av_guard_sleep(struct ifl_av_guard *guard, int64_t wait_ns);

struct ifl_av_request {
    const char *shown;                 // the URI, redacted, for sentences
    int fd;                            // a local file (stays the caller's), or -1
    const char *url;                   // otherwise
    const struct ifl_address *address; // of HTTP, which outlives it; else NULL
    const char *format;                // demuxer to force ("v4l2"), or NULL
    const char *protocols;             // all that may be opened on the way, comma-separated
    AVDictionary *options;             // read and changed; stays the caller's
    bool live, probe;                  // probe: decode a little to learn sizes and rates
    int64_t first_ns;                  // for that, once it is connected
    struct ifl_av_guard *guard;        // armed for connecting
};

struct ifl_av;
enum ifl_result ifl_av_open(const struct ifl_av_request *request, struct ifl_av **av,
                            struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_av_close(struct ifl_av *av); // takes NULL

// The next picture into `picture`. IFL_OK, IFL_DROPPED (a packet could not be decoded), IFL_SKIPPED
// (one was left out, see below), IFL_END, or an error.
enum ifl_result ifl_av_read(struct ifl_av *av, AVFrame *picture,
                            struct ifl_error *error) IFL_CHECK_RESULT;
// Key frames only, at most one a second of the stream's time, from the next one on that comes
// IFL_KEY_INTERVAL_S or less after the one before; or all again from the next one on. Any thread.
void ifl_av_want_keys(struct ifl_av *av, bool wanted);
// Whether the last picture was such a key frame that the decoder had to make of nothing else.
// Reading thread, as the next two.
bool ifl_av_keys(const struct ifl_av *av);
// Whether the decoder has forgotten what came before since this was asked last: the next pictures
// may refer to what it no longer has.
bool ifl_av_anew(struct ifl_av *av);
// What the stream marks as key frames are none, or they have ceased: decodes all for as long as it
// is open. Pictures that are not whole yet are marked.
void ifl_av_refuse_keys(struct ifl_av *av);
// Live, in a format that holds no timestamps, such as motion JPEG over HTTP: neither its pictures'
// times nor its rate are known, and the time that key frames alone go by is that of the packets'
// arrival.
bool ifl_av_untimed(const struct ifl_av *av);
// Presentation time since the first picture, or -1.
int64_t ifl_av_pts_ns(struct ifl_av *av, const AVFrame *picture);
void ifl_av_info(const struct ifl_av *av, struct ifl_source_info *info);
enum AVCodecID ifl_av_codec(const struct ifl_av *av);

#endif
