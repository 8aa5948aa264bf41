// SPDX-License-Identifier: Apache-2.0
// The YAML file of options.
#include "support.h"

#include "core/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_error error;
    struct ifl_config *config = ifl_config_create();
    MUST(config != NULL);
    enum ifl_result result = ifl_config_read_text(config, "fuzz.yaml", bytes, count, &error);
    fuzz_must_explain(result, &error);
    struct ifl_request request;
    ifl_config_request(config, &request);
    MUST(ifl_request_check(&request, &error) == IFL_OK);
    ifl_config_destroy(config);
    return 0;
}
