// SPDX-License-Identifier: Apache-2.0
#include "deliver/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "deliver/dataset_folder.h"
#include "deliver/dataset_lines.h"

static const char stage[] = "deliver";

struct ifl_dataset {
    char folder[IFL_PATH_MAX];
    struct ifl_lines *lines; // or, where there are no records:
    struct dirent **entries;
    int count, next;
};

static int is_image(const struct dirent *entry)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".webp"};
    const char *dot = strrchr(entry->d_name, '.');
    for (size_t i = 0; dot && dot != entry->d_name && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return entry->d_name[0] != '.';
    return 0;
}

static enum ifl_result cannot_read(const char *path, struct ifl_error *error)
{
    return ifl_fail_errno(error, errno, stage, "cannot read the dataset %s", path);
}

static enum ifl_result open_content(struct ifl_dataset *dataset, int folder_fd,
                                    struct ifl_error *error)
{
    int fd = openat(folder_fd, IFL_DATASET_METADATA, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        dataset->lines = ifl_lines_create(fd);
        return dataset->lines ? IFL_OK
                              : ifl_fail(error, IFL_ERR_NO_MEMORY, stage,
                                         "no memory to read the dataset %s", dataset->folder);
    }
    if (errno != ENOENT)
        return cannot_read(dataset->folder, error);
    dataset->count = scandirat(folder_fd, ".", &dataset->entries, is_image, alphasort);
    return dataset->count < 0 ? cannot_read(dataset->folder, error) : IFL_OK;
}

enum ifl_result ifl_dataset_open(const char *folder, struct ifl_dataset **dataset,
                                 struct ifl_error *error)
{
    *dataset = NULL;
    if (!folder || !folder[0] || strlen(folder) >= IFL_PATH_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "a dataset's path has 1 to %d bytes",
                        IFL_PATH_MAX - 1);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(folder, error);
    enum ifl_result result = IFL_OK;
    struct ifl_dataset *opened = calloc(1, sizeof *opened);
    if (opened) {
        strcpy(opened->folder, folder);
        result = open_content(opened, fd, error);
    } else {
        result =
            ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to read the dataset %s", folder);
    }
    close(fd);
    if (result == IFL_OK)
        *dataset = opened;
    else
        ifl_dataset_close(opened);
    return result;
}

static enum ifl_result set_paths(const struct ifl_dataset *dataset, const char *found, char *name,
                                 char *path, struct ifl_error *error)
{
    int named = snprintf(name, IFL_PATH_MAX, "%s", found);
    int pathed = snprintf(path, IFL_PATH_MAX, "%s/%s", dataset->folder, found);
    if (named >= IFL_PATH_MAX || pathed >= IFL_PATH_MAX)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "a file name in %s is too long",
                        dataset->folder);
    return IFL_OK;
}

static enum ifl_result next_record(struct ifl_dataset *dataset, char *name, char *path,
                                   json_t **record, struct ifl_error *error)
{
    struct ifl_line line;
    enum ifl_result result;
    do
        result = ifl_lines_next(dataset->lines, &line, error);
    while (result == IFL_OK && line.kind == IFL_LINE_BLANK);
    if (result != IFL_OK)
        return result;
    if (line.kind != IFL_LINE_RECORD)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%s/%s line %llu %s", dataset->folder,
                        IFL_DATASET_METADATA, (unsigned long long)line.number,
                        line.kind == IFL_LINE_DAMAGED ? "is damaged"
                                                      : "names no file inside the folder");
    *record = line.record;
    return set_paths(dataset, line.name, name, path, error);
}

enum ifl_result ifl_dataset_next(struct ifl_dataset *dataset, char *name, char *path,
                                 json_t **record, struct ifl_error *error)
{
    *record = NULL;
    if (dataset->lines)
        return next_record(dataset, name, path, record, error);
    if (dataset->next == dataset->count)
        return IFL_END;
    return set_paths(dataset, dataset->entries[dataset->next++]->d_name, name, path, error);
}

void ifl_dataset_close(struct ifl_dataset *dataset)
{
    if (!dataset)
        return;
    for (int i = 0; i < dataset->count; i++)
        free(dataset->entries[i]);
    free(dataset->entries);
    ifl_lines_destroy(dataset->lines);
    free(dataset);
}
