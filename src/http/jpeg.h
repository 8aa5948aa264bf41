// SPDX-License-Identifier: Apache-2.0
// Canonical frames to JPEG for live streams. Full-range BT.601 4:2:0 is what JPEG holds, so the
// planes go into the encoder as they are, without a detour over RGB.
//
// An encoder belongs to one thread and keeps its buffers: after the first frame of a size it
// allocates nothing of its own.
#ifndef IFL_HTTP_JPEG_H
#define IFL_HTTP_JPEG_H

#include "inferloop/frame.h"

struct ifl_buffer {
    uint8_t *bytes;
    size_t count, capacity;
};

struct ifl_frame_encoder;
struct ifl_frame_encoder *ifl_frame_encoder_create(void); // NULL: out of memory
void ifl_frame_encoder_destroy(struct ifl_frame_encoder *encoder);

// Appends the JPEG to `out`, which grows as it must. Wider frames are scaled down to `width_max`.
enum ifl_result ifl_frame_encode(struct ifl_frame_encoder *encoder, const struct ifl_frame *frame,
                                 int width_max, int quality, struct ifl_buffer *out,
                                 struct ifl_error *error) IFL_CHECK_RESULT;

// The same for an RGB24 picture with tight rows, at its own size.
enum ifl_result ifl_picture_encode(struct ifl_frame_encoder *encoder, const uint8_t *rgb, int width,
                                   int height, int quality, struct ifl_buffer *out,
                                   struct ifl_error *error) IFL_CHECK_RESULT;

// Makes room for `count` more bytes. False: out of memory.
bool ifl_buffer_reserve(struct ifl_buffer *buffer, size_t count);

#endif
