// SPDX-License-Identifier: Apache-2.0
#include "deliver/dataset_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deliver/dataset_folder.h"

struct ifl_lines {
    FILE *file;
    uint64_t number, offset;
    json_t *record;
    char text[IFL_DATASET_LINE_MAX];
};

struct ifl_lines *ifl_lines_create(int fd)
{
    struct ifl_lines *lines = malloc(sizeof *lines);
    FILE *file = fdopen(fd, "r");
    if (!lines || !file) {
        free(lines);
        if (file)
            fclose(file);
        else
            close(fd);
        return NULL;
    }
    lines->file = file;
    lines->number = lines->offset = 0;
    lines->record = NULL;
    return lines;
}

void ifl_lines_destroy(struct ifl_lines *lines)
{
    if (!lines)
        return;
    json_decref(lines->record);
    fclose(lines->file);
    free(lines);
}

// Reads up to the newline or the end. What does not fit is passed over; *length says how long the
// line is.
static bool read_text(struct ifl_lines *lines, size_t *length)
{
    *length = 0;
    int byte;
    while ((byte = getc_unlocked(lines->file)) != EOF && byte != '\n') {
        if (*length < sizeof lines->text - 1)
            lines->text[*length] = (char)byte;
        ++*length;
    }
    return byte == '\n';
}

// A name that could lead out of the folder is no name.
static bool is_inside(const char *name)
{
    if (!name || !name[0] || name[0] == '/')
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strcmp(part, "..") == 0 || strncmp(part, "../", 3) == 0)
            return false;
    }
    return true;
}

static void classify(struct ifl_lines *lines, struct ifl_line *line)
{
    if (!line->length) {
        line->kind = IFL_LINE_BLANK;
        return;
    }
    line->kind = IFL_LINE_DAMAGED;
    lines->record = json_loadb(line->text, line->length, 0, NULL);
    if (!lines->record)
        return;
    line->kind = IFL_LINE_OTHER;
    line->record = lines->record;
    line->name = json_string_value(json_object_get(lines->record, "file_name"));
    const char *schema = json_string_value(json_object_get(lines->record, "schema"));
    line->schema = schema ? schema : "";
    if (is_inside(line->name))
        line->kind = IFL_LINE_RECORD;
}

enum ifl_result ifl_lines_next(struct ifl_lines *lines, struct ifl_line *line,
                               struct ifl_error *error)
{
    json_decref(lines->record);
    lines->record = NULL;
    size_t length;
    bool ended = read_text(lines, &length);
    if (ferror(lines->file))
        return ifl_fail_errno(error, errno, "deliver", "cannot read " IFL_DATASET_METADATA);
    if (!ended && !length)
        return IFL_END;
    lines->offset += length + ended;
    *line = (struct ifl_line){
        .number = ++lines->number, .end = lines->offset, .ended = ended, .schema = ""};
    if (length >= sizeof lines->text) {
        line->kind = IFL_LINE_DAMAGED;
        line->text = "";
        return IFL_OK;
    }
    while (length && strchr(" \t\r", lines->text[length - 1]) && lines->text[length - 1])
        length--;
    lines->text[length] = 0;
    size_t blanks = strspn(lines->text, " \t");
    line->text = lines->text + blanks;
    line->length = length - blanks;
    classify(lines, line);
    return IFL_OK;
}
