// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char stage[] = "file";

enum ifl_result ifl_make_directories(const char *path, struct ifl_error *error)
{
    char part[PATH_MAX];
    if (!path[0] || strlen(path) >= sizeof part)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "a folder's path has 1 to %zu bytes",
                        sizeof part - 1);
    strcpy(part, path);
    for (char *at = part + 1;; at++) {
        char separator = *at;
        if (separator != '/' && separator != 0)
            continue;
        *at = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return ifl_fail_errno(error, errno, stage, "cannot make the folder %s", part);
        *at = separator;
        if (!separator)
            break;
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return ifl_fail(error, IFL_ERR_INVALID, stage, "%s is there but is no folder", path);
    return IFL_OK;
}

static int write_all(int fd, const uint8_t *bytes, size_t count)
{
    while (count) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes += written;
        count -= (size_t)written;
    }
    return 0;
}

enum ifl_result ifl_write_file(const char *path, const void *bytes, size_t count, mode_t mode,
                               struct ifl_error *error)
{
    char temporary[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    int length =
        snprintf(temporary, sizeof temporary, "%.*s.%s.XXXXXX", folder, path, path + folder);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "the path is longer than %zu bytes",
                        sizeof temporary - 1);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return ifl_fail_errno(error, errno, stage, "cannot write %s", path);
    enum ifl_result result = IFL_OK;
    if (write_all(fd, bytes, count) != 0 || fchmod(fd, mode) != 0 || fsync(fd) != 0)
        result = ifl_fail_errno(error, errno, stage, "cannot write %s", path);
    if (close(fd) != 0 && result == IFL_OK)
        result = ifl_fail_errno(error, errno, stage, "cannot write %s", path);
    if (result == IFL_OK && rename(temporary, path) != 0)
        result = ifl_fail_errno(error, errno, stage, "cannot write %s", path);
    if (result != IFL_OK)
        unlink(temporary);
    return result;
}

enum ifl_result ifl_read_file(const char *path, size_t limit, uint8_t **bytes, size_t *count,
                              struct ifl_error *error)
{
    *bytes = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ifl_fail_errno(error, errno, stage, "cannot read %s", path);
    enum ifl_result result = IFL_OK;
    struct stat info;
    uint8_t *content = NULL;
    size_t have = 0;
    if (fstat(fd, &info) != 0)
        result = ifl_fail_errno(error, errno, stage, "cannot read %s", path);
    else if (!S_ISREG(info.st_mode))
        result = ifl_fail(error, IFL_ERR_INVALID, stage, "%s is no regular file", path);
    else if ((size_t)info.st_size > limit)
        result = ifl_fail(error, IFL_ERR_TOO_LARGE, stage, "%s has %lld bytes, the limit is %zu",
                          path, (long long)info.st_size, limit);
    else if (!(content = malloc((size_t)info.st_size + 1)))
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to read %s", path);
    while (result == IFL_OK && have < (size_t)info.st_size) {
        ssize_t got = read(fd, content + have, (size_t)info.st_size - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = ifl_fail_errno(error, errno, stage, "cannot read %s", path);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    close(fd);
    if (result != IFL_OK) {
        free(content);
        return result;
    }
    content[have] = 0;
    *bytes = content;
    *count = have;
    return IFL_OK;
}
