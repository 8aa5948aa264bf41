// SPDX-License-Identifier: Apache-2.0
// The rows of the pipeline's metrics, for docs/metrics.md.
#ifndef IFL_PIPELINE_METRICS_H
#define IFL_PIPELINE_METRICS_H

#include "core/metrics.h"

const struct ifl_metric *ifl_pipeline_metric_table(int *count);

#endif
