// SPDX-License-Identifier: Apache-2.0
// A dataset folder in the Hugging Face imagefolder convention, shared by several processes.
//
// Comes in: encoded images with their records. Goes out: files that `datasets` loads at any moment.
// Any thread; who changes the folder holds its lock, an flock on the hidden `.lock`, waited for at
// most IFL_DATASET_LOCK_NS.
//
// The protocol. Under the lock an image is written to a hidden name, synced, renamed to its own
// name, and then its line is appended to metadata.jsonl and synced. So the folder may for a moment
// hold an image without a line, which `datasets` >= 3 passes over, but never a line without an
// image, on which it stops. The first line comes by renaming a whole file, because it also stops on
// an empty one. A line never crosses a multiple of 4096 bytes (spaces, legal before a line, fill
// the gap): a killed process leaves a write undone only at the boundary of a page, so a line is
// there or is not. What a kill or a power cut leaves behind is mended when the folder is next
// opened.
#ifndef IFL_DELIVER_DATASET_FOLDER_H
#define IFL_DELIVER_DATASET_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inferloop/error.h"

#define IFL_DATASET_METADATA "metadata.jsonl"
#define IFL_DATASET_CARD     "README.md"
#define IFL_DATASET_LOCK     ".lock"
#define IFL_DATASET_ORPHANS  ".orphans"
#define IFL_DATASET_LOCK_NS  (INT64_C(30) * 1000000000)

enum {
    IFL_DATASET_PAGE = 4096,
    IFL_DATASET_NAME_MAX = 64,
    // Longest line that is read; a longer one counts as damaged.
    IFL_DATASET_LINE_MAX = 1 << 16,
    // Each killed process leaves one image without a line. More than this many are no trace of
    // kills (a lost metadata.jsonl, say): they are kept, in the hidden IFL_DATASET_ORPHANS.
    IFL_DATASET_ORPHANS_MAX = 16,
};

struct ifl_dataset_folder {
    const char *path; // borrowed
    int folder_fd, lock_fd;
};

// Makes the folder where it is missing, opens and locks it. To be closed when IFL_OK.
enum ifl_result ifl_dataset_folder_open(struct ifl_dataset_folder *folder, const char *path,
                                        struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_dataset_folder_close(struct ifl_dataset_folder *folder);

// "20261123T162600.123Z-0badcafe-000001.png": sorts by time; `run` sets processes apart.
void ifl_dataset_name(int64_t wall_ns, uint32_t run, uint64_t counter, const char *extension,
                      char name[IFL_DATASET_NAME_MAX]);
// True for names of that form only: no other file is ever removed.
bool ifl_dataset_name_is_ours(const char *name);

// Writes one image and its line (without newline, at most IFL_DATASET_PAGE - 1 bytes). When it
// fails nothing is left of either. IFL_ERR_IN_USE: the name is taken.
enum ifl_result ifl_dataset_add(const struct ifl_dataset_folder *folder, const char *name,
                                const void *bytes, size_t count, const char *line,
                                struct ifl_error *error) IFL_CHECK_RESULT;
// True if metadata.jsonl ends with a whole line (or is missing): fit to be appended to.
bool ifl_dataset_tail_is_whole(const struct ifl_dataset_folder *folder);

struct ifl_dataset_repair {
    uint64_t lines;               // that are left
    unsigned images_removed;      // without a line
    unsigned images_set_aside;    // the same, but too many to be the trace of a kill
    unsigned lines_without_image; // dropped
    unsigned lines_damaged;       // dropped
    unsigned temporaries;         // half-written files removed
};
// Mends what kills and power cuts left. Changes nothing if metadata.jsonl is not ours
// (IFL_ERR_INVALID).
enum ifl_result ifl_dataset_repair(const struct ifl_dataset_folder *folder,
                                   struct ifl_dataset_repair *repair,
                                   struct ifl_error *error) IFL_CHECK_RESULT;

// Writes a file whole or not at all: under a hidden name, synced, renamed. 0, or -1 with errno.
int ifl_dataset_write_new(const struct ifl_dataset_folder *folder, const char *name,
                          const void *bytes, size_t count);
// For both writers of lines: how many spaces go before a line of `length` bytes at `offset`.
size_t ifl_dataset_padding(uint64_t offset, size_t length);
// Writes all of it at the descriptor's position. 0, or -1 with errno.
int ifl_dataset_write(int fd, const void *bytes, size_t count);

#endif
