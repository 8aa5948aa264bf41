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

#include <libavutil/pixdesc.h>

#include "base/clock.h"
#include "source/av_error.h"
#include "source/builtin.h"

enum {
    BUFFER_BYTES = 1 << 16,
    READ_ERRORS_MAX = 64,
    POLL_NS = 3000000,
    SRT_PATIENCE_NS = 2000000000
};

struct ifl_av {
    struct ifl_av_request request; // `options` is not kept
    char shown[256];
    AVFormatContext *format;
    AVCodecContext *codec;
    AVIOContext *file; // reads request.fd
    AVPacket *packet;
    int stream;
    bool draining;
    int64_t first_pts; // of the first picture, in the stream's time base
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

bool ifl_av_guard_sleep(const struct ifl_av_guard *guard, int64_t wait_ns)
{
    struct timespec wait = {.tv_sec = wait_ns / IFL_SECOND_NS, .tv_nsec = wait_ns % IFL_SECOND_NS};
    nanosleep(&wait, NULL);
    return !guard_tripped((void *)(uintptr_t)guard);
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

static bool attach_file(struct ifl_av *av)
{
    uint8_t *buffer = av_malloc(BUFFER_BYTES);
    if (!buffer)
        return false;
    av->file = avio_alloc_context(buffer, BUFFER_BYTES, 0, av, file_read, NULL, file_seek);
    if (!av->file) {
        av_free(buffer);
        return false;
    }
    av->format->pb = av->file;
    return lseek(av->request.fd, 0, SEEK_SET) == 0;
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
    if (code >= 0 && av->request.probe)
        code = avformat_find_stream_info(av->format, NULL);
    return code;
}

static int open_decoder(struct ifl_av *av)
{
    const AVCodec *decoder = NULL;
    int stream = av_find_best_stream(av->format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (stream < 0)
        return stream;
    const AVStream *row = av->format->streams[stream];
    if (row->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return AVERROR_STREAM_NOT_FOUND; // the cover of a piece of music
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
    // The others only cost: they would be read and thrown away.
    for (unsigned i = 0; i < av->format->nb_streams; i++)
        if ((int)i != stream)
            av->format->streams[i]->discard = AVDISCARD_ALL;
    return avcodec_open2(av->codec, decoder, NULL);
}

// FFmpeg has but EIO for whatever goes wrong with a caller of SRT. A camera that refuses does so at
// once; where nobody answers libsrt waits for three seconds.
static int explain_open(const struct ifl_av_request *request, int code, int64_t took_ns)
{
    if (code == AVERROR_EOF)
        return AVERROR_INVALIDDATA;
    if (code != AVERROR(EIO) || !request->live)
        return code;
    bool refused =
        request->url && !strncasecmp(request->url, "srt:", 4) && took_ns < SRT_PATIENCE_NS;
    return AVERROR(refused ? EKEYREJECTED : EHOSTDOWN);
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
    AVDictionary *options = NULL;
    av_dict_copy(&options, request->options, 0);
    av->request.options = NULL;
    int64_t started_ns = ifl_now_ns(ifl_clock_real());
    int code = prepare(av) ? open_input(av, &options) : AVERROR(ENOMEM);
    if (code >= 0)
        code = open_decoder(av);
    av_dict_free(&options);
    enum ifl_result result = IFL_OK;
    code = explain_open(request, code, ifl_now_ns(ifl_clock_real()) - started_ns);
    if (code < 0)
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
    if (av->file)
        av_freep(&av->file->buffer);
    avio_context_free(&av->file);
    av_packet_free(&av->packet);
    free(av);
}

// ---- read ----

// The next packet of the video into the decoder. 0, AVERROR_EOF, or an error.
static int feed(struct ifl_av *av)
{
    int errors = 0;
    for (;;) {
        int code = av_read_frame(av->format, av->packet);
        // Told to give up, FFmpeg may hand out what its parser still held, or call it an end. Taken
        // for a picture that would double the deadline.
        if (av->request.live && av->request.guard->tripped) {
            av_packet_unref(av->packet);
            return AVERROR_EXIT;
        }
        if (code == AVERROR(EAGAIN)) {
            if (!ifl_av_guard_sleep(av->request.guard, POLL_NS))
                return AVERROR_EXIT;
            continue;
        }
        if (code == AVERROR_INVALIDDATA && ++errors < READ_ERRORS_MAX &&
            !guard_tripped(av->request.guard))
            continue; // demuxers often find the next packet
        if (code < 0)
            return code;
        bool wanted = av->packet->stream_index == av->stream;
        if (wanted)
            code = avcodec_send_packet(av->codec, av->packet);
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
        if (code == 0)
            return IFL_OK;
        if (code == AVERROR_EOF)
            return IFL_END;
        if (code == AVERROR(EAGAIN)) {
            code = feed(av);
            // A file that breaks off, by a damaged index or a failing disk, still has its pictures.
            if (code == AVERROR_EOF && !av->draining)
                code = drain(av);
        }
        if (is_broken_packet(code))
            return IFL_DROPPED;
        if (code < 0)
            return ifl_av_fail(error, code, &av->request, "reading");
    }
}

int64_t ifl_av_pts_ns(struct ifl_av *av, const AVFrame *picture)
{
    int64_t pts = picture->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE)
        return -1;
    if (av->first_pts == AV_NOPTS_VALUE)
        av->first_pts = pts;
    AVRational base = av->format->streams[av->stream]->time_base;
    return av_rescale_q(pts - av->first_pts, base, (AVRational){1, 1000000000});
}

static double nominal_rate(const struct ifl_av *av)
{
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
    snprintf(info->format, sizeof info->format, "%s", format ? format : "");
    snprintf(info->codec, sizeof info->codec, "%s", avcodec_get_name(av->codec->codec_id));
}

enum AVCodecID ifl_av_codec(const struct ifl_av *av)
{
    return av->codec->codec_id;
}
