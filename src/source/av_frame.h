// SPDX-License-Identifier: Apache-2.0
// Decoded pictures as frames.
//
// In: an AVFrame. Out: a frame that holds the AVFrame until its last reference goes (no copy), or,
// where frame.h has no such format, one converted by swscale to the nearest that it has. The
// wrappers are pooled; frames may outlive the pool. Wrapping is done by one thread, releasing by
// any.
#ifndef IFL_SOURCE_AV_FRAME_H
#define IFL_SOURCE_AV_FRAME_H

#include <libavcodec/avcodec.h>

#include "inferloop/frame.h"

struct ifl_av_frames;

struct ifl_av_frames *ifl_av_frames_create(void);         // NULL: out of memory
void ifl_av_frames_destroy(struct ifl_av_frames *frames); // takes NULL

// Takes the picture over (and leaves `picture` blank) also when it fails. The caller sets name,
// numbers and times. `codec` decides what unspecified colours mean.
enum ifl_result ifl_av_frame_wrap(struct ifl_av_frames *frames, AVFrame *picture,
                                  enum AVCodecID codec, struct ifl_frame **out,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

#endif
