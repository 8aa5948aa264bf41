// SPDX-License-Identifier: Apache-2.0
// The pipeline's summary as JSON: the same in the API's status and at the end of `run --json`.
#ifndef IFL_PIPELINE_SUMMARY_H
#define IFL_PIPELINE_SUMMARY_H

#include <jansson.h>

#include "inferloop/pipeline.h"

// {"edges": [...], "images": {...}, "likeness": number or null}; NULL: out of memory.
json_t *ifl_summary_json(const struct ifl_summary *summary);

#endif
