/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a source, without a pipeline: one after another, one now, a batch, or by callback.
 *
 * In: a URI as the option `source` takes it, with ${NAME} and ${file:PATH} for secrets. Out:
 * canonical frames (frame.h). A thread of the capture keeps the connection as a pipeline's does: a
 * live source that is lost is opened again, and its deadlines hold whatever the server does. Frames
 * are reference-counted: who got one unrefs it, also after the release of the capture.
 *
 * One thread at a time may wait in `next`, `one` or `batch`; `stop`, `status` and `cancel` may be
 * called on any. */
#ifndef INFERLOOP_CAPTURE_H
#define INFERLOOP_CAPTURE_H

#include "inferloop/pipeline.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { IFL_CAPTURE_BUFFER_MAX = 256, IFL_CAPTURE_BATCH_MAX = 4096 };

struct ifl_capture_config {
    const char *source;   /* URI or NAME=URI */
    int width, height;    /* frames are scaled to this; both 0: as they come; one 0: by aspect */
    double rate;          /* at most so many frames/s; 0: all */
    int buffer;           /* frames that may wait, 1 to IFL_CAPTURE_BUFFER_MAX. When it is full
                           * the oldest of a live source gives way; files wait */
    bool loop;            /* files and folders begin anew at their end */
    bool realtime;        /* files are played as a camera would; else as fast as they are read */
    double open_seconds;  /* the deadlines of docs/options.md: open-timeout, */
    double read_seconds;  /* read-timeout, */
    double first_seconds; /* and first-frame-timeout */
};
/* The defaults: buffer 4, realtime, 5 s, 5 s, 10 s. */
IFL_API void ifl_capture_config_init(struct ifl_capture_config *config);

struct ifl_capture;
/* Begins; does not wait for the source. IFL_ERR_INVALID, IFL_ERR_UNSUPPORTED (no such source),
 * IFL_ERR_NO_MEMORY. Keeps no reference to `config`. */
IFL_API enum ifl_result ifl_capture_open(const struct ifl_capture_config *config,
                                         struct ifl_capture **capture,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
/* Ends what runs and frees it; takes NULL. Not in a callback. */
IFL_API void ifl_capture_release(struct ifl_capture *capture);

/* The next frame. IFL_END: the source has ended. IFL_ERR_TIMEOUT: none came in wait_seconds; the
 * text says why, where the source is not live. Otherwise why a file or folder can't be read. */
IFL_API enum ifl_result ifl_capture_next(struct ifl_capture *capture, double wait_seconds,
                                         struct ifl_frame **frame,
                                         struct ifl_error *error) IFL_CHECK_RESULT;
/* One of now: what waits in the buffer is older and is thrown away. As next. */
IFL_API enum ifl_result ifl_capture_one(struct ifl_capture *capture, double wait_seconds,
                                        struct ifl_frame **frame,
                                        struct ifl_error *error) IFL_CHECK_RESULT;
/* `count` frames, each at least interval_seconds after the one before, into frames[]; wait_seconds
 * for each beyond the interval. *got of them are there (the caller's) also when it fails. */
IFL_API enum ifl_result ifl_capture_batch(struct ifl_capture *capture, int count,
                                          double interval_seconds, double wait_seconds,
                                          struct ifl_frame **frames, int *got,
                                          struct ifl_error *error) IFL_CHECK_RESULT;

/* ---- by callback, on a thread of the capture ---- */
struct ifl_capture_callbacks {
    void (*on_frame)(struct ifl_frame *frame, void *context); /* borrowed; ref it to keep it */
    /* Each time the source stops being live: stalled, unauthorized, broken. And once with IFL_END
     * after its last frame. May be NULL. */
    void (*on_error)(const struct ifl_error *error, void *context);
    void *context;
};
/* IFL_ERR_IN_USE where it was started before. */
IFL_API enum ifl_result ifl_capture_start(struct ifl_capture *capture,
                                          const struct ifl_capture_callbacks *callbacks,
                                          struct ifl_error *error) IFL_CHECK_RESULT;
/* No callback begins after this returns; in a callback: it is the last one. Then next, one, batch
 * and start can be used again. */
IFL_API void ifl_capture_stop(struct ifl_capture *capture);

/* Whoever waits in next, one or batch, now or later, gets IFL_ERR_CANCELLED. */
IFL_API void ifl_capture_cancel(struct ifl_capture *capture);
/* State, why, age of the last good frame, measured rate. */
IFL_API void ifl_capture_status(struct ifl_capture *capture, struct ifl_source_status *status);

#ifdef __cplusplus
}
#endif
#endif
