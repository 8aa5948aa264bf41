// SPDX-License-Identifier: Apache-2.0
// The JSON body of POST /api/v1/generate. What is accepted passes the check of requests.
#include "support.h"

#include <string.h>

#include "http/request_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_generate_body body = {.deadline_seconds = 15};
    struct ifl_error error;
    char field[64];
    ifl_request_init(&body.request);
    enum ifl_result result =
        ifl_generate_body_parse((const char *)bytes, count, &body, field, &error);
    fuzz_must_explain(result, &error);
    MUST(memchr(field, 0, sizeof field) != NULL);
    MUST(memchr(body.source, 0, sizeof body.source) != NULL);
    MUST(memchr(body.request.prompt, 0, sizeof body.request.prompt) != NULL);
    if (result != IFL_OK)
        return 0;
    MUST(ifl_request_check(&body.request, &error) == IFL_OK);
    MUST(body.deadline_seconds >= 0.1 && body.deadline_seconds <= 60);
    MUST(!body.request.width == !body.request.height);
    return 0;
}
