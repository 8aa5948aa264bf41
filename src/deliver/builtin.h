// SPDX-License-Identifier: Apache-2.0
// The built-in sinks of this room. See inferloop/deliver.h for the contract.
#ifndef IFL_DELIVER_BUILTIN_H
#define IFL_DELIVER_BUILTIN_H

#include "inferloop/deliver.h"

// A dataset folder; see deliver/dataset_folder.h.
extern const struct ifl_sink_plugin ifl_sink_dataset;

#endif
