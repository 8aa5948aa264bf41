// SPDX-License-Identifier: Apache-2.0
// The lines of a metadata.jsonl, one after the other. In: an open file. Out: lines, each with what
// kind it is. One thread; a line longer than IFL_DATASET_LINE_MAX is damaged and not kept.
#ifndef IFL_DELIVER_DATASET_LINES_H
#define IFL_DELIVER_DATASET_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "inferloop/error.h"

enum ifl_line_kind {
    IFL_LINE_BLANK,
    IFL_LINE_RECORD,  // an object with a file_name that stays inside the folder
    IFL_LINE_DAMAGED, // no JSON
    IFL_LINE_OTHER,   // JSON, but no record of an image
};

struct ifl_line {
    enum ifl_line_kind kind;
    uint64_t number;  // from 1
    uint64_t end;     // offset behind it and its newline
    const char *text; // without padding and newline, ended with 0; valid until the next line
    size_t length;
    bool ended;         // a newline followed
    const char *name;   // file_name of a record; valid as long as the record
    const char *schema; // or ""
    json_t *record;     // of a record; borrowed, valid until the next line
};

struct ifl_lines;
struct ifl_lines *ifl_lines_create(int fd); // takes the descriptor, in any case; NULL: no memory
// IFL_OK, IFL_END, IFL_ERR_IO or IFL_ERR_NO_MEMORY.
enum ifl_result ifl_lines_next(struct ifl_lines *lines, struct ifl_line *line,
                               struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_lines_destroy(struct ifl_lines *lines); // takes NULL

#endif
