// SPDX-License-Identifier: Apache-2.0
// The JSON body of POST /api/v1/generate and /api/v1/jobs to a request. Pure function, any thread.
#ifndef IFL_HTTP_REQUEST_BODY_H
#define IFL_HTTP_REQUEST_BODY_H

#include "inferloop/generate.h"

struct ifl_generate_body {
    char source[IFL_SOURCE_NAME_MAX]; // "": the first
    struct ifl_request request;
    double deadline_seconds;
    bool job;  // in: of a job, which may take longer and give several images
    int count; // of a job
};

// `body` holds the defaults. Unknown fields, wrong types and numbers out of range are refused by
// name; `field` receives that name, or "". No bytes at all are an empty object.
enum ifl_result ifl_generate_body_parse(const char *text, size_t bytes,
                                        struct ifl_generate_body *body, char field[64],
                                        struct ifl_error *error) IFL_CHECK_RESULT;

#endif
