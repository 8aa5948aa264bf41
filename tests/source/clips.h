// SPDX-License-Identifier: Apache-2.0
// Clips for tests, made with the ffmpeg program in a folder of their own.
#ifndef IFL_TESTS_SOURCE_CLIPS_H
#define IFL_TESTS_SOURCE_CLIPS_H

#include <stdbool.h>
#include <stddef.h>

enum { CLIP_PATH_MAX = 256 };

// A new folder, and the removal of it with all files.
void clips_make_folder(char folder[CLIP_PATH_MAX]);
void clips_remove_folder(const char *folder);

// Writes bytes to folder/name; `path` receives the whole path.
void clips_write(const char *folder, const char *name, const void *bytes, size_t count,
                 char path[CLIP_PATH_MAX]);
void clips_read(const char *path, char **bytes, size_t *count); // free() them

// `arguments` are put between `ffmpeg -loglevel error -y` and the path of the clip. False (with a
// line that says so) where there is no ffmpeg program; a failing one fails the test.
bool clips_make(const char *folder, const char *name, const char *arguments,
                char path[CLIP_PATH_MAX]);

#endif
