// SPDX-License-Identifier: Apache-2.0
// The source `camera`: files, network cameras and webcams, all through FFmpeg's libraries.
#include "source/builtin.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavdevice/avdevice.h>

#include "base/clock.h"
#include "base/log.h"
#include "source/av.h"
#include "source/av_frame.h"
#include "source/challenge.h"
#include "source/resolve.h"

enum {
    DROPS_MAX = 1000, // packets in a row that can't be decoded, before we give up
    DEVICE_BYTES = 256
};

// How each kind of address is opened. `protocols`: all that FFmpeg may open on the way, so that
// what a server or a playlist says leads neither from a file into the network nor the other way.
static const struct way {
    const char *scheme;
    bool live;
    const char *protocols;
    const char *options; // of the demuxer or protocol, "key=value;key=value"
} ways[] = {
    {"", false, "none", NULL},
    {"file", false, "none", NULL},
    {"webcam", true, "none", NULL},
    // UDP only with a camera that refuses TCP; never behind TLS, since the pictures would go open.
    {"rtsp", true, "rtsp,tcp,udp,rtp", "rtsp_transport=tcp+udp;rtsp_flags=prefer_tcp"},
    {"rtsps", true, "rtsps,tls,tcp,udp,rtp,srtp", "rtsp_transport=tcp"},
    {"rtmp", true, "rtmp,tcp", "rtmp_live=live"},
    {"rtmps", true, "rtmps,tls,tcp", "rtmp_live=live;tls_verify=1"},
    {"srt", true, "srt", NULL},
    {"udp", true, "udp", "overrun_nonfatal=1"},
    {"http", true, "none", "http_persistent=0"}, // all of it through libcurl: source/web.h
    {"https", true, "none", "http_persistent=0"},
};

struct camera {
    const struct way *way;
    char *uri;
    struct ifl_address address; // the same, taken apart
    struct ifl_resolved resolved;
    char shown[256];
    char name[IFL_SOURCE_NAME_MAX];
    bool loop;
    int width, height;
    double rate;
    int64_t open_deadline_ns, read_deadline_ns, first_deadline_ns;

    struct ifl_av_guard guard;
    int fd;
    struct ifl_av *av;
    struct ifl_av_frames *frames;
    AVFrame *picture;
    uint64_t sequence, media_index;
    uint32_t loops;
    int drops;  // in a row
    bool clean; // the first clean picture has come; a file begins with one
    bool keys;  // the last picture came while only key frames are decoded
    atomic_bool keys_wanted;
    int64_t connected_ns;
    int64_t loop_start_ns; // presentation time at which this loop began
    int64_t last_pts_ns;   // of the last picture, over all loops; -1 before the first
    int64_t frame_ns;      // what a picture lasts, as far as known
};

static const struct way *find_way(const char *uri)
{
    size_t length = strcspn(uri, ":");
    bool bare = !uri[length];
    for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++)
        if (strlen(ways[i].scheme) == length && !strncasecmp(uri, ways[i].scheme, length) &&
            (!bare || !strcmp(ways[i].scheme, "webcam")))
            return &ways[i];
    return &ways[0];
}

static bool camera_live(const char *uri)
{
    return find_way(uri)->live;
}

// ---- open ----

static const char *path_of(const char *uri)
{
    if (strncasecmp(uri, "file:", 5) != 0)
        return uri;
    uri += 5;
    return strncmp(uri, "//", 2) ? uri : uri + 2;
}

static enum ifl_result check_file(const struct camera *camera, struct ifl_error *error)
{
    struct stat status;
    if (fstat(camera->fd, &status) != 0)
        return ifl_fail_errno(error, errno, "source", "\"%s\" can't be read", camera->shown);
    if (S_ISDIR(status.st_mode))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "\"%s\" is a folder; for a folder of images write folder:%s", camera->shown,
                        camera->shown);
    if (S_ISCHR(status.st_mode))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "\"%s\" is a device; for a webcam write webcam:%s", camera->shown,
                        camera->shown);
    if (!S_ISREG(status.st_mode))
        return ifl_fail(
            error, IFL_ERR_UNSUPPORTED, "source",
            "\"%s\" is no regular file; send Y4M to standard input with pipe:", camera->shown);
    if (status.st_size == 0)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "\"%s\" is empty; give a file with video", camera->shown);
    return IFL_OK;
}

static enum ifl_result open_file(struct camera *camera, struct ifl_error *error)
{
    if (camera->fd < 0) {
        const char *path = path_of(camera->uri);
        camera->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO would wait
        if (camera->fd < 0)
            return ifl_fail_errno(error, errno, "source",
                                  "the video \"%s\" can't be opened; check the name and that this "
                                  "user may read it",
                                  camera->shown);
    }
    return check_file(camera, error);
}

// The device that the URI names, else the first camera there is: a number may change when it is
// plugged in again.
static enum ifl_result find_device(const struct camera *camera, char device[DEVICE_BYTES],
                                   struct ifl_error *error)
{
    struct ifl_source_device first = {0};
    if (camera->address.url[0])
        snprintf(device, DEVICE_BYTES, "%.255s", camera->address.url);
    else if (ifl_source_devices(&first, 1) > 0)
        snprintf(device, DEVICE_BYTES, "%s", first.path);
    else
        return ifl_source_no_device(error);
    return IFL_OK;
}

static void set_webcam_options(const struct camera *camera, AVDictionary **options)
{
    const struct ifl_address *address = &camera->address;
    int width = address->width ? address->width : camera->width;
    int height = address->width ? address->height : camera->height;
    double rate = address->rate > 0 ? address->rate : camera->rate;
    char text[48];
    if (width > 0 && height > 0) {
        snprintf(text, sizeof text, "%dx%d", width, height);
        av_dict_set(options, "video_size", text, 0);
    }
    if (rate > 0) {
        snprintf(text, sizeof text, "%.6g", rate);
        av_dict_set(options, "framerate", text, 0);
    }
    if (address->format[0])
        av_dict_set(options, "input_format", address->format, 0);
}

// FFmpeg's RTSP can't be told to check certificates, so what it can't promise must be asked for.
static enum ifl_result set_trust(const struct camera *camera, AVDictionary **options,
                                 struct ifl_error *error)
{
    static const char authorities[] = "/etc/ssl/certs/ca-certificates.crt";
    const struct ifl_address *address = &camera->address;
    bool rtsps = !strcmp(camera->way->scheme, "rtsps"),
         rtmps = !strcmp(camera->way->scheme, "rtmps");
    if (rtsps && !address->any_certificate)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "opening \"%s\" failed: FFmpeg can't check certificates of rtsps; add "
                        "#tls=any to the URI to take any",
                        camera->shown);
    if (rtmps && address->any_certificate)
        av_dict_set(options, "tls_verify", "0", 0);
    else if (rtmps)
        av_dict_set(options, "ca_file", address->ca_file[0] ? address->ca_file : authorities, 0);
    return IFL_OK;
}

static bool is_web(const struct camera *camera)
{
    return !strncmp(camera->way->scheme, "http", 4);
}

// What comes before the connection: a file, a device, or a host that has an address.
static enum ifl_result prepare(struct camera *camera, char device[DEVICE_BYTES],
                               AVDictionary **options, struct ifl_error *error)
{
    if (camera->way->options)
        av_dict_parse_string(options, camera->way->options, "=", ";", 0);
    if (!camera->way->live)
        return open_file(camera, error);
    if (!strcmp(camera->way->scheme, "webcam")) {
        set_webcam_options(camera, options);
        avdevice_register_all();
        return find_device(camera, device, error);
    }
    if (is_web(camera))
        return IFL_OK; // libcurl looks names up by itself
    char host[256];
    ifl_address_host(camera->address.url, host, sizeof host);
    enum ifl_result result =
        ifl_resolve(host, camera->shown, &camera->guard, &camera->resolved, error);
    if (result == IFL_OK)
        ifl_resolve_bound(&camera->guard); // FFmpeg looks it up once more
    return result == IFL_OK ? set_trust(camera, options, error) : result;
}

static enum ifl_result connect_av(struct camera *camera, struct ifl_error *error)
{
    bool webcam = !strcmp(camera->way->scheme, "webcam");
    bool file = !camera->way->live;
    AVDictionary *options = NULL;
    char device[DEVICE_BYTES] = "";
    ifl_av_guard_arm(&camera->guard, camera->open_deadline_ns);
    camera->guard.phase = file ? IFL_AV_FILE : IFL_AV_CONNECTING;
    enum ifl_result result = prepare(camera, device, &options, error);
    struct ifl_av_request request = {.shown = camera->shown,
                                     .fd = file ? camera->fd : -1,
                                     .url = webcam ? device
                                            : file ? NULL
                                                   : camera->address.url,
                                     .address = is_web(camera) ? &camera->address : NULL,
                                     .format = webcam ? "v4l2" : NULL,
                                     .protocols = camera->way->protocols,
                                     .options = options,
                                     .live = camera->way->live,
                                     .probe = !webcam,
                                     .first_ns = file ? 0 : camera->first_deadline_ns,
                                     .guard = &camera->guard};
    if (result == IFL_OK)
        result = ifl_av_open(&request, &camera->av, error);
    if (result == IFL_ERR_UNAUTHORIZED && !strncmp(camera->way->scheme, "rtsp", 4))
        result =
            ifl_challenge_explain(camera->address.url, &camera->resolved, camera->shown, error);
    // Since when the time for the first clean picture runs; see ifl_av_request.
    camera->connected_ns = camera->guard.deadline_ns - camera->first_deadline_ns;
    av_dict_free(&options);
    return result;
}

static void camera_close(void *self)
{
    struct camera *camera = self;
    if (!camera)
        return;
    // Saying goodbye to a server that hangs must not take long either.
    ifl_av_guard_arm(&camera->guard, IFL_SECOND_NS / 4);
    ifl_av_close(camera->av);
    av_frame_free(&camera->picture);
    ifl_av_frames_destroy(camera->frames);
    if (camera->fd >= 0)
        close(camera->fd);
    free(camera->uri);
    free(camera);
}

static struct camera *camera_create(const struct ifl_source_config *config)
{
    struct camera *camera = calloc(1, sizeof *camera);
    if (!camera)
        return NULL;
    camera->fd = -1;
    camera->way = find_way(config->uri);
    camera->uri = strdup(config->uri);
    ifl_uri_redact(config->uri, camera->shown, sizeof camera->shown);
    snprintf(camera->name, sizeof camera->name, "%s", config->name);
    camera->loop = config->loop && !camera->way->live;
    camera->width = config->width;
    camera->height = config->height;
    camera->rate = config->rate;
    camera->open_deadline_ns =
        config->open_deadline_ns > 0 ? config->open_deadline_ns : 10 * IFL_SECOND_NS;
    camera->read_deadline_ns =
        config->read_deadline_ns > 0 ? config->read_deadline_ns : 10 * IFL_SECOND_NS;
    camera->first_deadline_ns =
        config->first_deadline_ns > 0 ? config->first_deadline_ns : 10 * IFL_SECOND_NS;
    camera->clean = !camera->way->live;
    camera->last_pts_ns = -1;
    camera->guard.cancelled = config->cancelled;
    camera->guard.cancelled_context = config->cancelled_context;
    camera->picture = av_frame_alloc();
    camera->frames = ifl_av_frames_create();
    if (camera->uri && camera->picture && camera->frames)
        return camera;
    camera_close(camera);
    return NULL;
}

static void learn_rate(struct camera *camera)
{
    struct ifl_source_info info = {0};
    ifl_av_info(camera->av, &info);
    camera->frame_ns = info.rate > 0 ? (int64_t)(1e9 / info.rate) : IFL_SECOND_NS / 25;
}

// Drivers take what is near; what it became must be known.
static void report_mode(const struct camera *camera)
{
    const struct ifl_address *asked = &camera->address;
    struct ifl_source_info got = {0};
    if (!asked->width && !(asked->rate > 0))
        return;
    ifl_av_info(camera->av, &got);
    bool size = !asked->width || (asked->width == got.width && asked->height == got.height);
    bool rate = !(asked->rate > 0) || (got.rate > 0 && fabs(asked->rate - got.rate) < 0.5);
    ifl_log(size && rate ? IFL_LOG_INFO : IFL_LOG_WARNING, "source.mode", camera->name,
            "%s gives %dx%d at %.4g frames/s%s", camera->shown, got.width, got.height, got.rate,
            size && rate ? ""
                         : ", not what was asked for; `inferloop probe webcam` lists its modes");
}

static enum ifl_result camera_open(const struct ifl_source_config *config, void **self,
                                   struct ifl_error *error)
{
    struct camera *camera = camera_create(config);
    if (!camera)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to open a camera");
    enum ifl_result result = IFL_OK;
    if (camera->way->live)
        result = ifl_address_parse(config->uri, &camera->address, error);
    if (result == IFL_OK && !strncmp(camera->way->scheme, "rtmp", 4))
        result = ifl_address_bare_login(&camera->address, error);
    if (result == IFL_OK)
        result = connect_av(camera, error);
    if (result != IFL_OK) {
        camera_close(camera);
        return result;
    }
    learn_rate(camera);
    report_mode(camera);
    *self = camera;
    return IFL_OK;
}

// ---- read ----

// Presentation time of this picture: grows from picture to picture, over all loops. -1 for all of
// a stream without timestamps.
static int64_t next_pts(struct camera *camera)
{
    int64_t pts = ifl_av_pts_ns(camera->av, camera->picture);
    if (ifl_av_untimed(camera->av))
        return -1;
    if (pts >= 0)
        pts += camera->loop_start_ns;
    if (pts <= camera->last_pts_ns)
        pts = camera->last_pts_ns < 0 ? 0 : camera->last_pts_ns + camera->frame_ns;
    camera->last_pts_ns = pts;
    return pts;
}

// Nothing of a live stream goes out before its first clean picture: what comes before is grey or
// torn. Some cameras refresh bit by bit and never send a key frame: with H.264 the decoder knows
// when the picture is whole again, the others' are taken as they are after half of the time.
static bool is_clean(struct camera *camera)
{
    const AVFrame *picture = camera->picture;
    int64_t waited_ns = ifl_now_ns(ifl_clock_real()) - camera->connected_ns;
    if (camera->clean)
        return true;
    bool whole = !(picture->flags & AV_FRAME_FLAG_CORRUPT) && !picture->decode_error_flags;
    bool told = ifl_av_codec(camera->av) == AV_CODEC_ID_H264; // it marks what is not recovered yet
    camera->clean = whole && (picture->key_frame || told);
    if (!camera->clean && waited_ns >= camera->first_deadline_ns / 2) {
        ifl_log(IFL_LOG_WARNING, "source.no-key-frame", camera->name,
                "%s sent no key frame in %.1f s; its pictures are taken as they are", camera->shown,
                (double)waited_ns / 1e9);
        camera->clean = true;
    }
    return camera->clean;
}

static enum ifl_result deliver(struct camera *camera, struct ifl_frame **out,
                               struct ifl_error *error)
{
    int64_t pts = next_pts(camera);
    enum ifl_result result =
        ifl_av_frame_wrap(camera->frames, camera->picture, ifl_av_codec(camera->av), out, error);
    if (result != IFL_OK)
        return result;
    struct ifl_frame *frame = *out;
    memcpy(frame->source, camera->name, sizeof frame->source);
    frame->sequence = camera->sequence++;
    frame->media_index = camera->media_index++;
    frame->loop = camera->loops;
    frame->pts_ns = pts;
    frame->capture_ns = ifl_now_ns(ifl_clock_real());
    frame->capture_wall_ns = ifl_wall_ns(ifl_clock_real());
    camera->drops = 0;
    return IFL_OK;
}

// A packet was lost. Counts, so that a file or stream of nothing else comes to an end.
static enum ifl_result count_drop(struct camera *camera, struct ifl_error *error)
{
    camera->sequence++;
    camera->media_index++;
    if (++camera->drops < DROPS_MAX)
        return IFL_DROPPED;
    return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                    "\"%s\": %d packets in a row can't be decoded; the video is damaged",
                    camera->shown, DROPS_MAX);
}

// The end of a file: the next loop, or the end of all. Opening it anew costs a little, but gives
// the very same pictures, which seeking does not in every format.
static enum ifl_result next_loop(struct camera *camera, struct ifl_error *error)
{
    if (camera->way->live)
        return ifl_fail(error, IFL_ERR_IO, "source",
                        "\"%s\" ended the stream; is the camera still on?", camera->shown);
    if (camera->last_pts_ns < 0 || camera->last_pts_ns < camera->loop_start_ns)
        return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                        "\"%s\" holds no picture that can be decoded; the video is damaged",
                        camera->shown);
    if (!camera->loop)
        return IFL_END;
    camera->loop_start_ns = camera->last_pts_ns + camera->frame_ns;
    camera->loops++;
    camera->media_index = 0;
    ifl_av_close(camera->av);
    camera->av = NULL;
    return connect_av(camera, error);
}

// How long the next read may take: the first clean picture has a deadline of its own.
static int64_t patience(const struct camera *camera)
{
    int64_t waited_ns = ifl_now_ns(ifl_clock_real()) - camera->connected_ns;
    int64_t left_ns = camera->first_deadline_ns - waited_ns;
    bool waits = camera->way->live && !camera->clean;
    return waits && left_ns < camera->read_deadline_ns ? left_ns : camera->read_deadline_ns;
}

// Where only key frames are decoded each must be whole by itself; where it isn't (intra refresh
// marks the begin of a refresh so), and when all are decoded again after the decoder has forgotten
// what came before, be it for a single key frame's sake, the next clean one is awaited.
static bool fits(struct camera *camera)
{
    const AVFrame *picture = camera->picture;
    bool anew = ifl_av_anew(camera->av), whole = picture->key_frame &&
                                                 !(picture->flags & AV_FRAME_FLAG_CORRUPT) &&
                                                 !picture->decode_error_flags;
    camera->keys = ifl_av_keys(camera->av);
    bool refused = camera->keys && !whole;
    if (refused)
        ifl_av_refuse_keys(camera->av);
    camera->keys &= !refused;
    if (refused || (anew && !camera->keys)) {
        camera->clean = false;
        camera->connected_ns = ifl_now_ns(ifl_clock_real());
    }
    return !refused && is_clean(camera);
}

// One that came and is not delivered.
static enum ifl_result pass_over(struct camera *camera, enum ifl_result result)
{
    av_frame_unref(camera->picture);
    camera->sequence++;
    camera->media_index++;
    return result;
}

static enum ifl_result camera_read(void *self, struct ifl_frame **out, struct ifl_error *error)
{
    struct camera *camera = self;
    for (;;) {
        ifl_av_guard_arm(&camera->guard, patience(camera));
        if (camera->way->live)
            camera->guard.phase = camera->clean ? IFL_AV_PICTURE : IFL_AV_FIRST_PICTURE;
        ifl_av_want_keys(camera->av, atomic_load(&camera->keys_wanted));
        enum ifl_result result = ifl_av_read(camera->av, camera->picture, error);
        if (result == IFL_OK && fits(camera))
            return deliver(camera, out, error);
        if (result == IFL_OK)
            return pass_over(camera, IFL_DROPPED);
        if (result == IFL_SKIPPED)
            return pass_over(camera, IFL_SKIPPED);
        if (result == IFL_DROPPED)
            return count_drop(camera, error);
        if (result == IFL_END)
            result = next_loop(camera, error);
        if (result != IFL_OK)
            return result;
    }
}

static void camera_info(void *self, struct ifl_source_info *info)
{
    const struct camera *camera = self;
    *info = (struct ifl_source_info){.live = camera->way->live};
    if (camera->av)
        ifl_av_info(camera->av, info);
}

static void camera_keys_only(void *self, bool wanted)
{
    struct camera *camera = self;
    atomic_store(&camera->keys_wanted, wanted);
}

static void camera_interrupt(void *self)
{
    struct camera *camera = self;
    atomic_store(&camera->guard.interrupted, true);
}

static const char *const schemes[] = {"",      "file", "webcam", "rtsp", "rtsps", "rtmp",
                                      "rtmps", "srt",  "udp",    "http", "https", NULL};

const struct ifl_source_plugin ifl_source_camera = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "camera",
             "video files, rtsp, rtmp, srt, udp and http cameras, webcam:/dev/videoN"},
    .schemes = schemes,
    .open = camera_open,
    .read = camera_read,
    .info = camera_info,
    .interrupt = camera_interrupt,
    .close = camera_close,
    .live = camera_live,
    .keys_only = camera_keys_only,
};
