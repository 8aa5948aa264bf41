// SPDX-License-Identifier: Apache-2.0
// The pipeline's configuration while it runs: read by its threads, changed now and then.
//
// In: values of the options that may change at run time. Out: a configuration that is whole at any
// moment: a change of several options is seen as a whole or not at all. Any thread; what is read
// between begin and end is copied out, since the next change frees it.
#ifndef IFL_PIPELINE_SETTINGS_H
#define IFL_PIPELINE_SETTINGS_H

#include "core/options.h"

struct ifl_settings;
struct ifl_settings *ifl_settings_create(const struct ifl_config *config); // NULL: out of memory
void ifl_settings_destroy(struct ifl_settings *settings);                  // takes NULL

// Locks; keep it short.
const struct ifl_config *ifl_settings_begin(struct ifl_settings *settings);
void ifl_settings_end(struct ifl_settings *settings);

struct ifl_config *ifl_settings_copy(struct ifl_settings *settings); // NULL: out of memory
// See ifl_pipeline_configure.
enum ifl_result ifl_settings_set(struct ifl_settings *settings, const char *const *names,
                                 const char *const *values, int count,
                                 struct ifl_error *error) IFL_CHECK_RESULT;

#endif
