/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: where frames come from. In: a URI. Out: frames in any of the formats of frame.h.
 *
 * One thread opens, reads and closes a source; only `interrupt` may be called from another.
 * A source never waits longer than the deadlines of its configuration. */
#ifndef INFERLOOP_SOURCE_H
#define INFERLOOP_SOURCE_H

#include "inferloop/frame.h"
#include "inferloop/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ifl_source_config {
    const char *name;  /* names the source in metrics, logs, metadata; see frame.h */
    const char *uri;   /* with its scheme; may hold credentials: never log it, see uri_redact */
    int width, height; /* wanted of a webcam; 0 = the device's own */
    double rate;       /* wanted frames/s of a webcam; 0 = its own */
    bool loop;         /* files and folders: begin anew at the end */
    uint64_t seed;     /* for `pattern` */
    int64_t open_deadline_ns;  /* longest time to connect; with the deadline below: of `open` */
    int64_t read_deadline_ns;  /* longest time one `read` may take */
    int64_t first_deadline_ns; /* longest time from being connected to the first clean frame */
    /* Asked by a source while it waits, in `open` too; true: give up with IFL_ERR_CANCELLED. May be
     * NULL. */
    bool (*cancelled)(void *context);
    void *cancelled_context;
};

struct ifl_source_info {
    bool live;         /* pictures come when they come; an end of file is a failure */
    int width, height; /* of the next frame; 0 if not known yet */
    double rate;       /* nominal frames/s; 0 if unknown */
    uint64_t frames;   /* how many there will be in one loop; 0 if unknown */
    char format[32];   /* pixel format as the decoder names it, e.g. "yuvj420p" */
    char codec[32];    /* e.g. "h264"; "" where there is none */
    char licence[96];  /* licence or origin of the pictures if the source knows it; else "" */
    int64_t waited_ns; /* of a live source: how long its reads have waited for data since it was
                          opened, the processor aside; 0: not known */
};

struct ifl_source_plugin {
    struct ifl_plugin head; /* kind IFL_PLUGIN_SOURCE */
    /* NULL-terminated: which URIs are its own, as "rtsp" for rtsp://..., rtsp:... or the bare word.
     * "" takes plain paths. */
    const char *const *schemes;
    enum ifl_result (*open)(const struct ifl_source_config *config, void **self,
                            struct ifl_error *error);
    /* IFL_OK: *frame is the caller's. IFL_END: no more (after which it is only closed).
     * IFL_DROPPED: a picture was lost to a decoding error; read on. IFL_SKIPPED: one came and was
     * left out, see keys_only; read on. Otherwise an error. */
    enum ifl_result (*read)(void *self, struct ifl_frame **frame, struct ifl_error *error);
    void (*info)(void *self, struct ifl_source_info *info);
    void (*interrupt)(void *self); /* any thread: open/read return IFL_ERR_CANCELLED soon; may be
                                      NULL if read never blocks */
    void (*close)(void *self);     /* takes NULL */
    /* Whether this URI is live, known before it opens: a live source that can't be opened is tried
     * again. May be NULL: never live. */
    bool (*live)(const char *uri);
    /* Asks to decode about one picture a second and only those that need no other (key frames), or
     * all again. A source follows as soon as no torn picture comes of it, and decodes all where key
     * frames are rare. Any thread; never waits. May be NULL: always all. */
    void (*keys_only)(void *self, bool wanted);
};

/* The row of `plugins` (NULL-terminated) that takes this URI, or NULL. */
IFL_API const struct ifl_source_plugin *ifl_source_find(const struct ifl_plugin *const *plugins,
                                                        const char *uri);

/* Copies `uri` without user, password and the values of its query: fit for logs and metrics. */
IFL_API void ifl_uri_redact(const char *uri, char *out, size_t out_bytes);

#ifdef __cplusplus
}
#endif
#endif
