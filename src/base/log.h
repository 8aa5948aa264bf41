// SPDX-License-Identifier: Apache-2.0
// Structured log lines on standard error: text or JSON lines, each with a stable id. The same id of
// the same source is limited to a few lines per ten seconds; what was held back is counted in the
// next line. Any thread. Never pass secrets: redact URIs first.
#ifndef IFL_BASE_LOG_H
#define IFL_BASE_LOG_H

#include "inferloop/error.h"

enum ifl_log_level { IFL_LOG_DEBUG, IFL_LOG_INFO, IFL_LOG_WARNING, IFL_LOG_ERROR };
enum ifl_log_format { IFL_LOG_TEXT, IFL_LOG_JSON };

// Call before threads start.
void ifl_log_setup(enum ifl_log_level least, enum ifl_log_format format);

// `id` is a literal such as "ingest.open-failed"; `source` may be NULL.
void ifl_log(enum ifl_log_level level, const char *id, const char *source, const char *format, ...)
    IFL_PRINTF(4, 5);

// Logs what ifl_fail described.
void ifl_log_error(const char *id, const struct ifl_error *error);

#endif
