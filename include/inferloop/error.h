/* SPDX-License-Identifier: Apache-2.0 */
/* Results and errors.
 *
 * A function that can fail returns an `enum ifl_result`: 0 is ok, a positive value is "not an
 * error", a negative one an error. The place that detects an error describes it in the caller's
 * `struct ifl_error`; those that propagate it stay silent. Nothing here is global; every function
 * is safe on any thread. */
#ifndef INFERLOOP_ERROR_H
#define INFERLOOP_ERROR_H

#include <stdarg.h>

#if defined(__GNUC__)
#define IFL_API             __attribute__((visibility("default")))
#define IFL_PRINTF(fmt, at) __attribute__((format(printf, fmt, at)))
#define IFL_CHECK_RESULT    __attribute__((warn_unused_result))
#else
#define IFL_API
#define IFL_PRINTF(fmt, at)
#define IFL_CHECK_RESULT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The one error table: name, value, HTTP status, CLI exit code, sentence. `docs/errors.md` is
 * generated from it. */
#define IFL_RESULTS(X)                                                                             \
    X(OK, 0, 200, 0, "ok")                                                                         \
    X(AGAIN, 1, 503, 0, "nothing there yet, ask again")                                            \
    X(END, 2, 200, 0, "the end of the stream")                                                     \
    X(DROPPED, 3, 200, 0, "dropped, as the policy says")                                           \
    X(SKIPPED, 4, 200, 0, "left out, as asked")                                                    \
    X(ERR_INVALID, -1, 400, 2, "an argument is not valid")                                         \
    X(ERR_NOT_FOUND, -2, 404, 3, "not found")                                                      \
    X(ERR_UNSUPPORTED, -3, 415, 4, "not supported")                                                \
    X(ERR_IO, -4, 500, 5, "reading or writing failed")                                             \
    X(ERR_NO_SPACE, -5, 507, 6, "no space left")                                                   \
    X(ERR_NO_MEMORY, -6, 503, 7, "out of memory")                                                  \
    X(ERR_TIMEOUT, -7, 504, 8, "a deadline passed")                                                \
    X(ERR_UNAUTHORIZED, -8, 401, 9, "the credentials were refused")                                \
    X(ERR_CORRUPT, -9, 422, 10, "the data is damaged or not of this kind")                         \
    X(ERR_VERSION, -10, 422, 11, "made by a newer version")                                        \
    X(ERR_IN_USE, -11, 409, 12, "already in use")                                                  \
    X(ERR_BUSY, -12, 429, 13, "too much to do already")                                            \
    X(ERR_NOT_READY, -13, 503, 14, "not enough has been seen yet")                                 \
    X(ERR_REJECTED, -14, 422, 15, "validation rejected the image")                                 \
    X(ERR_TOO_LARGE, -15, 413, 16, "larger than the limit")                                        \
    X(ERR_CANCELLED, -16, 503, 17, "cancelled")                                                    \
    X(ERR_DIFFERENT, -18, 409, 18, "not the same")                                                 \
    X(ERR_UNSUITED, -19, 409, 19, "the engine does not suit this stream")                          \
    X(ERR_INTERNAL, -17, 500, 70, "an error in inferloop itself")

enum ifl_result {
#define IFL_RESULT_VALUE(name, value, http, exit_code, sentence) IFL_##name = (value),
    IFL_RESULTS(IFL_RESULT_VALUE)
#undef IFL_RESULT_VALUE
};

/* Detail of one error, owned by the caller. All zero means "no error". */
struct ifl_error {
    enum ifl_result result;
    char stage[16];          /* the room that detected it: "source", "profile", ... */
    char source[64];         /* the source it concerns, or "" */
    int os_errno;            /* or 0 */
    int retry_after_seconds; /* the other side asks to be left alone so long; 0: it does not */
    char text[384];          /* one sentence that names the thing and the remedy; holds no secret */
};

/* Describes an error and returns `result`. `error` may be NULL. */
IFL_API enum ifl_result ifl_fail(struct ifl_error *error, enum ifl_result result, const char *stage,
                                 const char *format, ...) IFL_PRINTF(4, 5);

/* The same from errno: picks the result (ENOSPC, ENOENT, ENOMEM, ...; else IFL_ERR_IO) and appends
 * the system's sentence. */
IFL_API enum ifl_result ifl_fail_errno(struct ifl_error *error, int os_errno, const char *stage,
                                       const char *format, ...) IFL_PRINTF(4, 5);

IFL_API const char *ifl_result_name(enum ifl_result result);     /* "ERR_NOT_FOUND" */
IFL_API const char *ifl_result_sentence(enum ifl_result result); /* "not found" */
IFL_API int ifl_result_http_status(enum ifl_result result);
IFL_API int ifl_result_exit_code(enum ifl_result result);

#ifdef __cplusplus
}
#endif
#endif
