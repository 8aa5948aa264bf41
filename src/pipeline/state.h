// SPDX-License-Identifier: Apache-2.0
// The state folder: kept profiles, NAME.iflprof, which hold pictures of people, and keys.
//
// Erasing loads a file, drops the pictures of a span of time and saves the rest; a file with too
// few pictures left to generate from is removed. Who watches holds the folder shared, who erases
// alone: what is erased here must not come back from somebody's memory. Any thread.
#ifndef IFL_PIPELINE_STATE_H
#define IFL_PIPELINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/options.h"

// Where data goes when nothing is said: inside a container /app/data, else the folder data.
const char *ifl_data_folder(void);
// The folder that the options ask for, "" when nothing shall be kept. Nothing is made.
void ifl_state_folder(const struct ifl_config *config, char *folder, size_t size);
// Makes it, for nobody else to look into.
enum ifl_result ifl_state_make(const char *folder, struct ifl_error *error) IFL_CHECK_RESULT;

// Holds the folder until it is let go: shared, or alone (IFL_ERR_IN_USE where others hold it).
enum ifl_result ifl_state_hold(const char *folder, bool alone, int *hold,
                               struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_state_let_go(int hold); // -1: nothing

struct ifl_erased {
    int files, files_left;          // removed; still there, with fewer pictures or as they were
    uint64_t pictures;              // removed
    uint64_t pictures_left;         // still there
    char source[IFL_LIST_MAX][256]; // whose files were removed or changed
    int sources;
};
// Removes pictures taken in [from_ns, to_ns) of the wall clock from what is kept of `source` (NULL:
// of all). The whole of time (INT64_MIN, INT64_MAX) removes files that can't be read too.
// IFL_ERR_NOT_FOUND: there is no such folder, or nothing kept of this source.
enum ifl_result ifl_state_erase(const char *folder, const char *source, int64_t from_ns,
                                int64_t to_ns, struct ifl_erased *erased,
                                struct ifl_error *error) IFL_CHECK_RESULT;

// The same for all pictures older than `hours`, except in files that were written just now: their
// watcher sees to them. Failures are logged.
void ifl_state_expire(const char *folder, double hours);

#endif
