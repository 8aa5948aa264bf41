// SPDX-License-Identifier: Apache-2.0
// Why an RTSP camera refuses: asks it once, without credentials, how it wants them. FFmpeg knows
// Basic and Digest with MD5 alone and can't say that it was asked for anything else.
#ifndef IFL_SOURCE_CHALLENGE_H
#define IFL_SOURCE_CHALLENGE_H

#include <stdbool.h>

#include "source/resolve.h"

// The ways in the WWW-Authenticate lines of an answer: whether FFmpeg knows one of them, and
// whether any was offered. Pure.
struct ifl_challenge {
    bool offered, known;
};
void ifl_challenge_read(const char *answer, struct ifl_challenge *challenge);

// Describes the refusal again where the camera asks for what FFmpeg lacks: IFL_ERR_UNSUPPORTED,
// else leaves `error` and returns IFL_ERR_UNAUTHORIZED. Takes at most a second.
enum ifl_result ifl_challenge_explain(const char *url, const struct ifl_resolved *camera,
                                      const char *shown, struct ifl_error *error);

#endif
