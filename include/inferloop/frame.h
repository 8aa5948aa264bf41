/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: pictures from a source with what is known about their capture.
 *
 * A frame is reference-counted and immutable once it has been handed on. Handing on borrows;
 * whoever keeps a frame takes a reference. Every function is safe on any thread. */
#ifndef INFERLOOP_FRAME_H
#define INFERLOOP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inferloop/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IFL_FRAME_SIDE_MIN = 16,
    IFL_FRAME_SIDE_MAX = 16384,
    IFL_SOURCE_NAME_MAX = 64, /* bytes with the final 0 */
};

/* What a source may deliver. Ingest makes IFL_PIXEL_YUV420P, full range, BT.601 of all of them;
 * this is the *canonical* form, the only one behind ingest. */
enum ifl_pixel_format {
    IFL_PIXEL_YUV420P, /* planes Y, Cb, Cr; chroma is (w+1)/2 x (h+1)/2 */
    IFL_PIXEL_YUV422P, /* chroma is (w+1)/2 x h */
    IFL_PIXEL_YUV444P,
    IFL_PIXEL_NV12, /* planes Y and interleaved CbCr */
    IFL_PIXEL_GRAY8,
    IFL_PIXEL_RGB24,  /* one plane, R first; range and matrix are ignored, as for all RGB below */
    IFL_PIXEL_RGBA32, /* alpha is not looked at: colours count as they are stored */
    IFL_PIXEL_RGB48,  /* 16 bits a sample, in the machine's byte order */
    IFL_PIXEL_GRAY16, /* the same */
};

enum ifl_range { IFL_RANGE_LIMITED, IFL_RANGE_FULL };
enum ifl_matrix { IFL_MATRIX_BT601, IFL_MATRIX_BT709, IFL_MATRIX_BT2020 };

struct ifl_frame {
    int width, height; /* pixels */
    enum ifl_pixel_format format;
    enum ifl_range range;
    enum ifl_matrix matrix;
    const uint8_t *plane[3]; /* row-major, 8 bits a sample but where the format says 16 */
    int stride[3];           /* bytes from row to row, positive */

    char source[IFL_SOURCE_NAME_MAX]; /* name of the source it came from */
    uint64_t sequence;       /* counts what the source delivered, from 0; gaps are losses */
    uint64_t media_index;    /* the same picture of a looped file has the same index */
    uint32_t loop;           /* how often a looped file has begun anew */
    int64_t pts_ns;          /* presentation time, or -1; ingest gives live pictures without one
                                the time since the first at which they came */
    int64_t capture_ns;      /* monotonic clock when it was read */
    int64_t capture_wall_ns; /* wall clock then, since 1970 */
    uint32_t decoder_errors; /* errors the decoder concealed in this picture */

    /* Set by whoever makes the frame; called once, when the last reference goes. */
    void (*release)(struct ifl_frame *frame);
    void *owner;
    int refs; /* atomic; 1 when made */
};

IFL_API struct ifl_frame *ifl_frame_ref(struct ifl_frame *frame); /* returns its argument */
IFL_API void ifl_frame_unref(struct ifl_frame *frame);            /* takes NULL */

/* A frame with memory of its own (uninitialised), 64-byte aligned planes and strides. NULL if the
 * size is out of range or memory is short. The maker writes through the cast-away const before
 * handing it on. */
IFL_API struct ifl_frame *ifl_frame_create(enum ifl_pixel_format format, int width, int height);

/* Width and height in samples of plane `index`, 0 x 0 where the format has no such plane.
 * For NV12 plane 1 a sample is a pair; for RGB a triple, with alpha four. */
IFL_API void ifl_plane_size(enum ifl_pixel_format format, int width, int height, int index,
                            int *plane_width, int *plane_height);
IFL_API int ifl_plane_sample_bytes(enum ifl_pixel_format format, int index); /* 0: no such plane */
IFL_API const char *ifl_pixel_format_name(enum ifl_pixel_format format);

/* The canonical form of any frame of 1x1 to IFL_FRAME_SIDE_MAX a side, as ingest makes it: for
 * those who have pictures of their own to measure. The caller has its only reference. */
IFL_API enum ifl_result ifl_frame_canonical(const struct ifl_frame *raw, struct ifl_frame **out,
                                            struct ifl_error *error) IFL_CHECK_RESULT;

#ifdef __cplusplus
}
#endif
#endif
