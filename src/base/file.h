// SPDX-License-Identifier: Apache-2.0
// Files written whole or not at all. Any thread; paths are the caller's.
#ifndef IFL_BASE_FILE_H
#define IFL_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "inferloop/error.h"

// mkdir -p with mode 0755.
enum ifl_result ifl_make_directories(const char *path, struct ifl_error *error) IFL_CHECK_RESULT;

// Writes to a hidden temporary name in the same folder, syncs, renames over `path`.
enum ifl_result ifl_write_file(const char *path, const void *bytes, size_t count, mode_t mode,
                               struct ifl_error *error) IFL_CHECK_RESULT;

// Reads a whole file of at most `limit` bytes (else IFL_ERR_TOO_LARGE); a 0 byte is added behind
// the content. free() it.
enum ifl_result ifl_read_file(const char *path, size_t limit, uint8_t **bytes, size_t *count,
                              struct ifl_error *error) IFL_CHECK_RESULT;

#endif
