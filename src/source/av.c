// SPDX-License-Identifier: Apache-2.0
#include "source/av.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libavutil/avstring.h>
#include <libavutil/pixdesc.h>

#include "base/clock.h"
#include "base/log.h"
#include "source/av_error.h"
#include "source/builtin.h"
#include "source/web.h"

enum {
    BUFFER_BYTES = 1 << 16,
    READ_ERRORS_MAX = 64,
    POLL_NS = 3000000,
    SRT_PATIENCE_NS = 2000000000,
    KEY_PERIOD_NS = 900000000, // key frames that come sooner are left out, too
    SKIPPED = 1,
};

#define KEY_INTERVAL_NS (IFL_KEY_INTERVAL_S * IFL_SECOND_NS)

struct ifl_av {
    struct ifl_av_request request; // `options` is not kept
    char shown[256];
    AVFormatContext *format;
    AVCodecContext *codec;
    AVIOContext *bytes; // reads request.fd or `web`
    struct ifl_web *web;
    AVPacket *packet;
    int stream;       // whose packets are decoded
    unsigned streams; // that were there when it was opened
    bool draining;
    bool torn;    // the last packet: a JPEG without an end
    bool untimed; // live, and its format holds no time
    atomic_bool keys_wanted;
    bool keys, keys_refused;      // only key frames are decoded; can't be
    bool emptying;                // the decoder hands out what it holds, after a key frame
    bool alone, gave;             // it held nothing before that; it has made a picture of it
    bool anew;                    // it has forgotten all since the last picture was asked about
    int64_t key_ns, key_taken_ns; // time of the last key frame, and of the last decoded so
    int64_t first_pts;            // of the first picture, in the stream's time base
    int64_t waited_ns;            // for packets, so far; 0 would mean that it is not known
};

// ---- deadlines ----

void ifl_av_guard_arm(struct ifl_av_guard *guard, int64_t wait_ns)
{
    guard->deadline_ns = ifl_now_ns(ifl_clock_real()) + wait_ns;
    guard->tripped = false;
}

bool ifl_av_guard_cancelled(const struct ifl_av_guard *guard)
{
    return atomic_load(&guard->interrupted) ||
           (guard->cancelled && guard->cancelled(guard->cancelled_context));
}

static int guard_tripped(void *context)
{
    struct ifl_av_guard *guard = context;
    if (ifl_av_guard_cancelled(guard) || ifl_now_ns(ifl_clock_real()) >= guard->deadline_ns)
        guard->tripped = true;
    return guard->tripped;
}

bool ifl_av_guard_waits(struct ifl_av_guard *guard)
{
    return !guard_tripped(guard);
}

bool ifl_av_guard_sleep(struct ifl_av_guard *guard, int64_t wait_ns)
{
    struct timespec wait = {.tv_sec = wait_ns / IFL_SECOND_NS, .tv_nsec = wait_ns % IFL_SECOND_NS};
    nanosleep(&wait, NULL);
    return !guard_tripped(guard);
}

// ---- local files: FFmpeg gets bytes only, no name, so that no name can be taken for a URL ----

static int file_read(void *context, uint8_t *buffer, int bytes)
{
    struct ifl_av *av = context;
    if (guard_tripped(av->request.guard))
        return AVERROR_EXIT;
    ssize_t got = read(av->request.fd, buffer, (size_t)bytes);
    if (got < 0)
        return AVERROR(errno);
    return got ? (int)got : AVERROR_EOF;
}

static int64_t file_seek(void *context, int64_t offset, int whence)
{
    struct ifl_av *av = context;
    struct stat status;
    if (whence & AVSEEK_SIZE)
        return fstat(av->request.fd, &status) == 0 ? status.st_size : AVERROR(errno);
    off_t at = lseek(av->request.fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : at;
}

// FFmpeg's buffer in front of ours; `format` keeps none of it.
static bool attach(struct ifl_av *av, void *context, int (*read)(void *, uint8_t *, int),
                   int64_t (*seek)(void *, int64_t, int))
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (!buffer)
        return false;
    av->bytes = avio_alloc_context(buffer, BUFFER_BYTES, 0, context, read, NULL, seek);
    if (!av->bytes) {
        av_free(buffer);
        return false;
    }
    av->format->pb = av->bytes;
    return true;
}

static bool attach_file(struct ifl_av *av)
{
    return attach(av, av, file_read, file_seek) && lseek(av->request.fd, 0, SEEK_SET) == 0;
}

// ---- HTTP ----

// What a playlist leads to: by the same rules as the first address.
static int open_part(AVFormatContext *format, AVIOContext **bytes, const char *url, int flags,
                     AVDictionary **options)
{
    struct ifl_av *av = format->opaque;
    struct ifl_web *web;
    (void)options;
    if ((flags & AVIO_FLAG_WRITE) || strncasecmp(url, "http", 4) != 0)
        return AVERROR(EACCES);
    if (ifl_web_open(av->request.address, url, av->shown, av->request.guard, &web, NULL) != IFL_OK)
        return av->request.guard->tripped ? AVERROR_EXIT : AVERROR(EIO);
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    *bytes =
        buffer ? avio_alloc_context(buffer, BUFFER_BYTES, 0, web, ifl_web_read, NULL, NULL) : NULL;
    if (*bytes)
        return 0;
    av_free(buffer);
    ifl_web_close(web);
    return AVERROR(ENOMEM);
}

static int close_part(AVFormatContext *format, AVIOContext *bytes)
{
    (void)format;
    ifl_web_close(bytes->opaque);
    av_freep(&bytes->buffer);
    avio_context_free(&bytes);
    return 0;
}

static enum ifl_result attach_web(struct ifl_av *av, struct ifl_error *error)
{
    const struct ifl_av_request *request = &av->request;
    enum ifl_result result = ifl_web_open(request->address, request->url, request->shown,
                                          request->guard, &av->web, error);
    if (result != IFL_OK)
        return result;
    if (!attach(av, av->web, ifl_web_read, NULL))
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to open a video");
    if (!strncasecmp(ifl_web_type(av->web), "multipart/x-mixed-replace", 25))
        av->request.format = "mpjpeg";
    av->format->opaque = av;
    av->format->io_open = open_part;
    av->format->io_close2 = close_part;
    return IFL_OK;
}

// ---- open ----

static bool prepare(struct ifl_av *av)
{
    av->packet = av_packet_alloc();
    av->format = avformat_alloc_context();
    if (!av->packet || !av->format)
        return false;
    av->format->interrupt_callback = (AVIOInterruptCB){guard_tripped, av->request.guard};
    av->format->protocol_whitelist = av_strdup(av->request.protocols);
    if (av->request.live) {
        av->format->fps_probe_size = 2; // slow cameras would take many seconds otherwise
        av->format->max_analyze_duration = 3 * AV_TIME_BASE;
    }
    if (!av->request.probe) // webcams: FFmpeg would wait inside the driver, deaf to interrupts
        av->format->flags |= AVFMT_FLAG_NONBLOCK;
    return av->format->protocol_whitelist && (av->request.fd < 0 || attach_file(av));
}

static int open_input(struct ifl_av *av, AVDictionary **options)
{
    const AVInputFormat *format =
        av->request.format ? av_find_input_format(av->request.format) : NULL;
    if (av->request.format && !format)
        return AVERROR_DEMUXER_NOT_FOUND;
    int code = avformat_open_input(&av->format, av->request.url, format, options);
    if (code < 0)
        return code;
    if (av->request.first_ns > 0) { // connected: what follows has a time of its own
        ifl_av_guard_arm(av->request.guard, av->request.first_ns);
        av->request.guard->phase = IFL_AV_FIRST_PICTURE;
    }
    return av->request.probe ? avformat_find_stream_info(av->format, NULL) : 0;
}

static int open_decoder(struct ifl_av *av, int stream, const AVCodec *decoder)
{
    const AVStream *row = av->format->streams[stream];
    if (!decoder)
        return AVERROR_DECODER_NOT_FOUND;
    avcodec_free_context(&av->codec);
    av->stream = stream;
    av->codec = avcodec_alloc_context3(decoder);
    if (!av->codec)
        return AVERROR(ENOMEM);
    int code = avcodec_parameters_to_context(av->codec, row->codecpar);
    if (code < 0)
        return code;
    av->codec->thread_count = 1;
    av->codec->max_pixels = IFL_SOURCE_PIXELS_MAX;
    av->codec->pkt_timebase = row->time_base;
    if (av->request.live) // pictures before the first clean one are marked, not withheld for ever
        av->codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    return avcodec_open2(av->codec, decoder, NULL);
}

// Formats without timestamps: FFmpeg counts pictures, 25 a second or what a header promises,
// however many come. Of a file that is right.
static bool is_untimed(const struct ifl_av *av)
{
    static const char bare[] = "mpjpeg,mjpeg,jpeg_pipe,png_pipe,h264,hevc,m4v,mpegvideo,obu";
    const AVInputFormat *format = av->format->iformat;
    return av->request.live &&
           ((format->flags & AVFMT_NOTIMESTAMPS) || av_match_name(format->name, bare));
}

static int open_best(struct ifl_av *av)
{
    const AVCodec *decoder = NULL;
    int stream = av_find_best_stream(av->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (stream < 0)
        return stream;
    if (av->format->streams[stream]->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return AVERROR_STREAM_NOT_FOUND; // the cover of a piece of music
    av->untimed = is_untimed(av);
    // The others only cost: they would be read and thrown away.
    av->streams = av->format->nb_streams;
    for (unsigned i = 0; i < av->streams; i++)
        if ((int)i != stream)
            av->format->streams[i]->discard = AVDISCARD_ALL;
    return open_decoder(av, stream, decoder);
}

// FFmpeg has but EIO for whatever goes wrong with a caller of SRT. A camera that refuses does so at
// once; where nobody answers libsrt waits for three seconds.
static int explain_open(const struct ifl_av_request *request, int code, int64_t took_ns)
{
    if (code == AVERROR_EOF)
        return AVERROR_INVALIDDATA;
    if (code == AVERROR(EINVAL) && request->format && !strcmp(request->format, "v4l2"))
        return AVERROR(EPROTONOSUPPORT);
    // FFmpeg's RTMP says no more of a server that rejects the login, asks for one, or hangs up.
    bool rtmp = request->url && !strncasecmp(request->url, "rtmp", 4);
    if (rtmp && code == AVERROR_UNKNOWN && strchr(request->url, '@'))
        return AVERROR_HTTP_UNAUTHORIZED;
    if (rtmp && (code == AVERROR_UNKNOWN || code == AVERROR(EIO)))
        return AVERROR(ECONNABORTED);
    if (code != AVERROR(EIO) || !request->live)
        return code;
    bool refused =
        request->url && !strncasecmp(request->url, "srt:", 4) && took_ns < SRT_PATIENCE_NS;
    if (!refused)
        return AVERROR(EHOSTDOWN);
    bool login = strstr(request->url, "passphrase=") || strstr(request->url, "streamid=");
    return AVERROR(login ? EKEYREJECTED : ECONNABORTED);
}

enum ifl_result ifl_av_open(const struct ifl_av_request *request, struct ifl_av **out,
                            struct ifl_error *error)
{
    ifl_av_quiet();
    struct ifl_av *av = calloc(1, sizeof *av);
    if (!av)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to open a video");
    av->request = *request;
    snprintf(av->shown, sizeof av->shown, "%s", request->shown);
    av->request.shown = av->shown;
    av->first_pts = AV_NOPTS_VALUE;
    av->waited_ns = 1;
    av->key_ns = av->key_taken_ns = AV_NOPTS_VALUE;
    AVDictionary *options = NULL;
    av_dict_copy(&options, request->options, 0);
    av->request.options = NULL;
    int64_t started_ns = ifl_now_ns(ifl_clock_real());
    int code = prepare(av) ? 0 : AVERROR(ENOMEM);
    enum ifl_result result = code >= 0 && request->address ? attach_web(av, error) : IFL_OK;
    if (code >= 0 && result == IFL_OK)
        code = open_input(av, &options);
    if (code >= 0 && result == IFL_OK)
        code = open_best(av);
    av_dict_free(&options);
    code = explain_open(request, code, ifl_now_ns(ifl_clock_real()) - started_ns);
    if (result != IFL_OK)
        ;
    else if (code < 0)
        result = ifl_av_fail(error, code, &av->request, "opening");
    else if (av->codec->width)
        result = ifl_source_check_size(av->codec->width, av->codec->height, error);
    if (result != IFL_OK) {
        ifl_av_close(av);
        return result;
    }
    *out = av;
    return IFL_OK;
}

void ifl_av_close(struct ifl_av *av)
{
    if (!av)
        return;
    avcodec_free_context(&av->codec);
    avformat_close_input(&av->format);
    if (av->bytes)
        av_freep(&av->bytes->buffer);
    avio_context_free(&av->bytes);
    ifl_web_close(av->web);
    av_packet_free(&av->packet);
    free(av);
}

// ---- read ----

// Whether the packet is of the video. A stream that changed its codec, or a new one that came in
// place of the old, is followed with a new decoder: `code` says if that could be had.
static bool is_wanted(struct ifl_av *av, int *code)
{
    int stream = av->packet->stream_index;
    const AVCodecParameters *now = av->format->streams[stream]->codecpar;
    if (stream == av->stream && now->codec_id == av->codec->codec_id)
        return true;
    bool other = stream != av->stream && (unsigned)stream < av->streams;
    if (other || now->codec_type != AVMEDIA_TYPE_VIDEO || now->codec_id == AV_CODEC_ID_NONE)
        return false;
    *code = open_decoder(av, stream, avcodec_find_decoder(now->codec_id));
    ifl_log(IFL_LOG_INFO, "source.codec-changed", NULL, "%s now sends %s", av->shown,
            avcodec_get_name(now->codec_id));
    av->first_pts = AV_NOPTS_VALUE;
    return true;
}

// FFmpeg makes a picture, half of it grey, of half a JPEG and says nothing.
static bool is_torn(const struct ifl_av *av)
{
    enum { PADDING = 64 };
    static const uint8_t end[2] = {0xff, 0xd9};
    size_t bytes = (size_t)av->packet->size, tail = bytes < PADDING ? bytes : PADDING;
    return av->request.live && av->codec->codec_id == AV_CODEC_ID_MJPEG &&
           !memmem(av->packet->data + bytes - tail, tail, end, sizeof end);
}

// ---- key frames only ----

void ifl_av_want_keys(struct ifl_av *av, bool wanted)
{
    atomic_store(&av->keys_wanted, wanted);
}

bool ifl_av_keys(const struct ifl_av *av)
{
    return av->alone;
}

bool ifl_av_untimed(const struct ifl_av *av)
{
    return av->untimed;
}

bool ifl_av_anew(struct ifl_av *av)
{
    bool anew = av->anew;
    av->anew = false;
    return anew;
}

static void forget(struct ifl_av *av)
{
    avcodec_flush_buffers(av->codec);
    av->emptying = false;
    av->anew = true;
}

void ifl_av_refuse_keys(struct ifl_av *av)
{
    ifl_log(IFL_LOG_INFO, "source.no-key-frame", NULL,
            "%s sends no key frames that stand alone; all of its pictures are decoded", av->shown);
    forget(av);
    av->keys = av->alone = false;
    av->keys_refused = true;
}

static int64_t packet_ns(const struct ifl_av *av)
{
    if (av->untimed)
        return ifl_now_ns(ifl_clock_real());
    int64_t time = av->packet->dts != AV_NOPTS_VALUE ? av->packet->dts : av->packet->pts;
    AVRational base = av->format->streams[av->stream]->time_base;
    return time == AV_NOPTS_VALUE ? AV_NOPTS_VALUE
                                  : av_rescale_q(time, base, (AVRational){1, 1000000000});
}

static bool is_within(int64_t since_ns, int64_t now_ns, int64_t most_ns)
{
    return since_ns != AV_NOPTS_VALUE && now_ns != AV_NOPTS_VALUE && now_ns > since_ns &&
           now_ns - since_ns <= most_ns;
}

// Both ways only at a key frame, so that no picture refers to one that was left out; but a stream
// whose key frames no longer come is not waited for.
static bool is_skipped(struct ifl_av *av)
{
    int64_t now_ns = packet_ns(av);
    if (!(av->packet->flags & AV_PKT_FLAG_KEY)) {
        if (av->keys && now_ns != AV_NOPTS_VALUE && now_ns - av->key_ns > 2 * KEY_INTERVAL_NS) {
            ifl_av_refuse_keys(av);
            // Of a file, too: marked, not withheld for ever.
            av->codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
        }
        return av->keys;
    }
    bool regular = is_within(av->key_ns, now_ns, KEY_INTERVAL_NS);
    bool keys = atomic_load(&av->keys_wanted) && regular && !av->keys_refused;
    bool soon = av->keys && keys && is_within(av->key_taken_ns, now_ns, KEY_PERIOD_NS);
    av->key_ns = now_ns;
    av->keys = keys;
    av->alone &= keys;
    if (!soon)
        av->key_taken_ns = now_ns;
    return soon;
}

// Time that has passed without this thread working. Demuxing is work; being pushed aside by others
// passes for waiting here, but it hits the decoder far more.
static int64_t idle_ns(void)
{
    struct timespec worked;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
    return ifl_now_ns(ifl_clock_real()) - worked.tv_sec * IFL_SECOND_NS - worked.tv_nsec;
}

static int read_packet(struct ifl_av *av)
{
    int code = 0;
    int64_t before_ns = av->request.live ? idle_ns() : 0;
    do
        code = av_read_frame(av->format, av->packet);
    while (code == AVERROR(EAGAIN) && ifl_av_guard_sleep(av->request.guard, POLL_NS));
    int64_t waited_ns = av->request.live ? idle_ns() - before_ns : 0;
    av->waited_ns += waited_ns > 0 ? waited_ns : 0;
    return code == AVERROR(EAGAIN) ? AVERROR_EXIT : code;
}

// The next packet of the video into the decoder. 0, SKIPPED, AVERROR_EOF, or an error.
static int feed(struct ifl_av *av)
{
    int errors = 0;
    for (;;) {
        int code = read_packet(av);
        // Told to give up, FFmpeg may hand out what its parser still held, or call it an end. Taken
        // for a picture that would double the deadline.
        if (av->request.live && av->request.guard->tripped) {
            av_packet_unref(av->packet);
            return AVERROR_EXIT;
        }
        if (code == AVERROR_INVALIDDATA && ++errors < READ_ERRORS_MAX &&
            !guard_tripped(av->request.guard))
            continue; // demuxers often find the next packet
        if (code < 0)
            return code;
        bool wanted = is_wanted(av, &code);
        av->torn = wanted && is_torn(av);
        if (wanted && code >= 0)
            code = is_skipped(av) ? SKIPPED : avcodec_send_packet(av->codec, av->packet);
        if (wanted && code == 0 && av->keys) { // nothing that follows would push the picture out
            av->emptying = avcodec_send_packet(av->codec, NULL) == 0;
            av->gave = false;
        }
        av_packet_unref(av->packet);
        if (wanted)
            return code;
        if (guard_tripped(av->request.guard))
            return AVERROR_EXIT; // sound without pictures may go on for ever
    }
}

static bool is_broken_packet(int code)
{
    return code == AVERROR_INVALIDDATA || code == AVERROR_PATCHWELCOME || code == AVERROR_BUG ||
           code == AVERROR(EINVAL) || code == AVERROR_UNKNOWN || code == AVERROR_EXTERNAL;
}

static void emptied(struct ifl_av *av)
{
    if (av->alone && !av->gave) {
        ifl_av_refuse_keys(av);
        return;
    }
    forget(av);
    av->alone = true;
}

static int drain(struct ifl_av *av)
{
    av->draining = true;
    int code = avcodec_send_packet(av->codec, NULL);
    return code == AVERROR_EOF ? 0 : code;
}

enum ifl_result ifl_av_read(struct ifl_av *av, AVFrame *picture, struct ifl_error *error)
{
    for (;;) {
        int code = avcodec_receive_frame(av->codec, picture);
        if (code == 0 && av->torn)
            picture->flags |= AV_FRAME_FLAG_CORRUPT;
        av->gave |= code == 0;
        if (code == 0)
            return IFL_OK;
        if (code == AVERROR_EOF && !av->emptying)
            return IFL_END;
        if (code == AVERROR_EOF) {
            code = AVERROR(EAGAIN);
            emptied(av);
        }
        if (code == AVERROR(EAGAIN)) {
            code = feed(av);
            // A file that breaks off, by a damaged index or a failing disk, still has its pictures.
            if (code == AVERROR_EOF && !av->draining)
                code = drain(av);
        }
        if (code == SKIPPED)
            return IFL_SKIPPED;
        if (is_broken_packet(code))
            return IFL_DROPPED;
        if (code < 0)
            return ifl_av_fail(error, code, &av->request, "reading");
    }
}

int64_t ifl_av_pts_ns(struct ifl_av *av, const AVFrame *picture)
{
    int64_t pts = picture->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE || av->untimed)
        return -1;
    if (av->first_pts == AV_NOPTS_VALUE)
        av->first_pts = pts;
    AVRational base = av->format->streams[av->stream]->time_base;
    return av_rescale_q(pts - av->first_pts, base, (AVRational){1, 1000000000});
}

static double nominal_rate(const struct ifl_av *av)
{
    if (av->untimed)
        return 0;
    AVStream *stream = av->format->streams[av->stream];
    double rate = av_q2d(av_guess_frame_rate(av->format, stream, NULL));
    return rate > 0 && rate < 1000 ? rate : 0;
}

void ifl_av_info(const struct ifl_av *av, struct ifl_source_info *info)
{
    const AVStream *stream = av->format->streams[av->stream];
    const char *format = av_get_pix_fmt_name(av->codec->pix_fmt);
    info->live = av->request.live;
    info->width = av->codec->width;
    info->height = av->codec->height;
    info->rate = nominal_rate(av);
    info->frames = stream->nb_frames > 0 ? (uint64_t)stream->nb_frames : 0;
    info->waited_ns = av->request.live ? av->waited_ns : 0;
    snprintf(info->format, sizeof info->format, "%s", format ? format : "");
    snprintf(info->codec, sizeof info->codec, "%s", avcodec_get_name(av->codec->codec_id));
}

enum AVCodecID ifl_av_codec(const struct ifl_av *av)
{
    return av->codec->codec_id;
}
