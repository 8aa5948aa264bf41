// SPDX-License-Identifier: Apache-2.0
// Options from text: lines of "name=value", each layer in turn. What is accepted reads back as the
// same text, and all of it together is a request that passes its own check.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "core/options.h"

enum { TEXT_BYTES = 8192 };

static void check_round_trip(struct ifl_config *config, int option, enum ifl_origin origin)
{
    char first[TEXT_BYTES], second[TEXT_BYTES];
    struct ifl_error error;
    if (ifl_option_row(option)->type == IFL_OPTION_LIST)
        return;
    MUST(ifl_option_text(config, option, 0, first, sizeof first));
    MUST(ifl_option_set(config, option, first, origin, &error) == IFL_OK);
    MUST(ifl_option_text(config, option, 0, second, sizeof second));
    MUST(!strcmp(first, second));
}

static void try_rectangle(const char *text)
{
    double share[4];
    struct ifl_error error;
    enum ifl_result result = ifl_parse_rectangle(text, share, &error);
    fuzz_must_explain(result, &error);
    for (int i = 0; result == IFL_OK && i < 2; i++) {
        MUST(share[i] >= 0 && share[i + 2] > 0);
        MUST(share[i] + share[i + 2] <= 1.001);
    }
}

static void try_line(struct ifl_config *config, char *line, enum ifl_origin origin)
{
    struct ifl_error error;
    size_t length = strcspn(line, "=");
    const char *value = line[length] ? line + length + 1 : "";
    int option = ifl_option_find(line, length);
    try_rectangle(value);
    if (option < 0)
        return;
    enum ifl_result result = ifl_option_set(config, option, value, origin, &error);
    fuzz_must_explain(result, &error);
    if (result == IFL_OK)
        check_round_trip(config, option, origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *text = fuzz_text(bytes, count), *rest = text, *line;
    struct ifl_config *config = ifl_config_create();
    struct ifl_request request;
    struct ifl_error error;
    MUST(config != NULL);
    for (int i = 0; (line = fuzz_line(&rest)); i++)
        try_line(config, line, (enum ifl_origin)(i % 4));
    ifl_config_request(config, &request);
    MUST(ifl_request_check(&request, &error) == IFL_OK);
    ifl_config_destroy(config);
    free(text);
    return 0;
}
