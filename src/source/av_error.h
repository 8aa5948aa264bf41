// SPDX-License-Identifier: Apache-2.0
// FFmpeg's errors as ours, and its log lines as debug lines without secrets. Any thread.
#ifndef IFL_SOURCE_AV_ERROR_H
#define IFL_SOURCE_AV_ERROR_H

#include "source/av.h"

// Describes FFmpeg's `code` met while doing `doing` ("opening", "reading") on request->shown.
enum ifl_result ifl_av_fail(struct ifl_error *error, int code, const struct ifl_av_request *request,
                            const char *doing);

// It took too long, or was called off: what the guard's phase says was waited for.
enum ifl_result ifl_av_fail_waiting(struct ifl_error *error, const struct ifl_av_guard *guard,
                                    const char *doing, const char *shown);

// Sends FFmpeg's log lines to the debug level. Once a process is enough; more do no harm.
void ifl_av_quiet(void);

#endif
