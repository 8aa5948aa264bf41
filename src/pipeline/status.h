// SPDX-License-Identifier: Apache-2.0
// What an ingest says of itself as the public header shows it; all but name and URI.
#ifndef IFL_PIPELINE_STATUS_H
#define IFL_PIPELINE_STATUS_H

#include "ingest/ingest.h"

void ifl_status_of_ingest(struct ifl_ingest *ingest, const struct ifl_clock *clock,
                          struct ifl_source_status *status);

#endif
