// SPDX-License-Identifier: Apache-2.0
#include "inferloop/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct result_row {
    enum ifl_result result;
    const char *name;
    int http_status;
    int exit_code;
    const char *sentence;
};

static const struct result_row rows[] = {
#define ROW(name, value, http, exit_code, sentence) {IFL_##name, #name, http, exit_code, sentence},
    IFL_RESULTS(ROW)
#undef ROW
};

static const struct result_row *find(enum ifl_result result)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].result == result)
            return &rows[i];
    return &rows[sizeof rows / sizeof rows[0] - 1]; // unknown: ERR_INTERNAL
}

const char *ifl_result_name(enum ifl_result result)
{
    return find(result)->name;
}

const char *ifl_result_sentence(enum ifl_result result)
{
    return find(result)->sentence;
}

int ifl_result_http_status(enum ifl_result result)
{
    return find(result)->http_status;
}

int ifl_result_exit_code(enum ifl_result result)
{
    return find(result)->exit_code;
}

static void describe(struct ifl_error *error, enum ifl_result result, const char *stage,
                     const char *format, va_list args)
{
    memset(error, 0, sizeof *error);
    error->result = result;
    snprintf(error->stage, sizeof error->stage, "%s", stage);
    vsnprintf(error->text, sizeof error->text, format, args);
}

enum ifl_result ifl_fail(struct ifl_error *error, enum ifl_result result, const char *stage,
                         const char *format, ...)
{
    if (!error)
        return result;
    va_list args;
    va_start(args, format);
    describe(error, result, stage, format, args);
    va_end(args);
    return result;
}

static enum ifl_result result_of_errno(int os_errno)
{
    switch (os_errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return IFL_ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return IFL_ERR_NO_SPACE;
    case ENOMEM:
        return IFL_ERR_NO_MEMORY;
    case ETIMEDOUT:
        return IFL_ERR_TIMEOUT;
    case EADDRINUSE:
    case EBUSY:
        return IFL_ERR_IN_USE;
    default:
        return IFL_ERR_IO;
    }
}

enum ifl_result ifl_fail_errno(struct ifl_error *error, int os_errno, const char *stage,
                               const char *format, ...)
{
    enum ifl_result result = result_of_errno(os_errno);
    if (!error)
        return result;
    va_list args;
    va_start(args, format);
    describe(error, result, stage, format, args);
    va_end(args);
    error->os_errno = os_errno;
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, ": %s", strerror(os_errno));
    return result;
}
