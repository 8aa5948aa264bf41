// SPDX-License-Identifier: Apache-2.0
#include "deliver/dataset_folder.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

static const char stage[] = "deliver";

// ---- opening and locking ----

// flock knows no deadline, so it is asked again and again, often enough to find the gaps that a
// busy process leaves.
static enum ifl_result wait_for_lock(int fd, const char *path, struct ifl_error *error)
{
    const struct ifl_clock *clock = ifl_clock_real();
    int64_t deadline = ifl_now_ns(clock) + IFL_DATASET_LOCK_NS;
    struct timespec pause = {.tv_nsec = 200000};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return ifl_fail_errno(error, errno, stage, "cannot lock the dataset folder %s", path);
        if (ifl_now_ns(clock) > deadline)
            return ifl_fail(error, IFL_ERR_TIMEOUT, stage,
                            "another process has locked the dataset folder %s for %d s; end it or "
                            "choose another folder",
                            path, (int)(IFL_DATASET_LOCK_NS / IFL_SECOND_NS));
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 1000000)
            pause.tv_nsec *= 2;
    }
    return IFL_OK;
}

static enum ifl_result cannot_write(const char *path, int os_errno, struct ifl_error *error)
{
    return ifl_fail_errno(error, os_errno, stage,
                          "cannot write into the dataset folder %s; make it writable or choose "
                          "another one",
                          path);
}

// True if the lock we hold is the one that others find: the folder may have been deleted and made
// anew while we waited.
static bool still_there(const struct ifl_dataset_folder *folder)
{
    char lock[4096 + sizeof "/" IFL_DATASET_LOCK];
    struct stat ours, theirs;
    snprintf(lock, sizeof lock, "%s/%s", folder->path, IFL_DATASET_LOCK);
    return fstat(folder->lock_fd, &ours) == 0 && stat(lock, &theirs) == 0 &&
           ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static enum ifl_result open_once(struct ifl_dataset_folder *folder, struct ifl_error *error)
{
    const char *path = folder->path;
    folder->folder_fd = folder->lock_fd = -1;
    folder->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->folder_fd < 0 && errno == ENOENT) {
        enum ifl_result result = ifl_make_directories(path, error);
        if (result != IFL_OK)
            return result;
        folder->folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (folder->folder_fd < 0 && errno == ENOTDIR)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "%s is a file; give a folder for the dataset", path);
    if (folder->folder_fd < 0)
        return ifl_fail_errno(error, errno, stage, "cannot open the dataset folder %s", path);
    folder->lock_fd = openat(folder->folder_fd, IFL_DATASET_LOCK,
                             O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (folder->lock_fd < 0 || faccessat(folder->folder_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return cannot_write(path, errno, error);
    return wait_for_lock(folder->lock_fd, path, error);
}

enum ifl_result ifl_dataset_folder_open(struct ifl_dataset_folder *folder, const char *path,
                                        struct ifl_error *error)
{
    folder->path = path;
    if (!path || !path[0] || strlen(path) >= 4096)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "a dataset folder's path has 1 to 4095 bytes");
    for (int attempt = 0; attempt < 8; attempt++) {
        enum ifl_result result = open_once(folder, error);
        if (result == IFL_OK && still_there(folder))
            return IFL_OK;
        ifl_dataset_folder_close(folder);
        // Only a folder that vanishes between two calls is worth another attempt.
        if (result != IFL_OK && (result != IFL_ERR_NOT_FOUND || attempt == 7))
            return result;
    }
    return ifl_fail(error, IFL_ERR_IO, stage, "the dataset folder %s is deleted again and again",
                    path);
}

void ifl_dataset_folder_close(struct ifl_dataset_folder *folder)
{
    if (folder->lock_fd >= 0) {
        flock(folder->lock_fd, LOCK_UN); // closing is not enough where a fork holds a copy
        close(folder->lock_fd);
    }
    if (folder->folder_fd >= 0)
        close(folder->folder_fd);
    folder->folder_fd = folder->lock_fd = -1;
}

// ---- names ----

void ifl_dataset_name(int64_t wall_ns, uint32_t run, uint64_t counter, const char *extension,
                      char name[IFL_DATASET_NAME_MAX])
{
    char stamp[32], *out = stamp;
    ifl_wall_format(wall_ns, stamp);
    for (const char *in = stamp; *in; in++) // "-" and ":" out: they would only make it longer
        if (*in != '-' && *in != ':')
            *out++ = *in;
    *out = 0;
    snprintf(name, IFL_DATASET_NAME_MAX, "%s-%08x-%06llu.%s", stamp, run,
             (unsigned long long)counter, extension);
}

// '#' is a decimal digit, '%' a hexadecimal one, everything else itself.
static const char *follow(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++) {
        bool fits = *pattern == '#'   ? isdigit((unsigned char)*text) != 0
                    : *pattern == '%' ? *text && strchr("0123456789abcdef", *text)
                                      : *text == *pattern;
        if (!fits)
            return NULL;
    }
    return text;
}

bool ifl_dataset_name_is_ours(const char *name)
{
    const char *at = follow(name, "########T######.###Z-%%%%%%%%-######");
    if (!at)
        return false;
    while (isdigit((unsigned char)*at))
        at++;
    if (at - name > IFL_DATASET_NAME_MAX - 8)
        return false;
    return strcmp(at, ".png") == 0 || strcmp(at, ".jpg") == 0 || strcmp(at, ".webp") == 0;
}

// ---- adding ----

size_t ifl_dataset_padding(uint64_t offset, size_t length)
{
    size_t used = offset % IFL_DATASET_PAGE;
    return used + length > IFL_DATASET_PAGE ? IFL_DATASET_PAGE - used : 0;
}

int ifl_dataset_write(int fd, const void *bytes, size_t count)
{
    const char *at = bytes;
    while (count) {
        ssize_t written = write(fd, at, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        at += written;
        count -= (size_t)written;
    }
    return 0;
}

static int open_new(const struct ifl_dataset_folder *folder, const char *name)
{
    return openat(folder->folder_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                  0644);
}

int ifl_dataset_write_new(const struct ifl_dataset_folder *folder, const char *name,
                          const void *bytes, size_t count)
{
    char hidden[IFL_DATASET_NAME_MAX + 8];
    snprintf(hidden, sizeof hidden, ".%s.tmp", name);
    int fd = open_new(folder, hidden);
    if (fd < 0)
        return -1;
    int failed = ifl_dataset_write(fd, bytes, count) != 0 || fsync(fd) != 0 ? errno : 0;
    if (close(fd) != 0 && !failed)
        failed = errno;
    if (!failed && renameat(folder->folder_fd, hidden, folder->folder_fd, name) != 0)
        failed = errno;
    if (failed)
        unlinkat(folder->folder_fd, hidden, 0);
    errno = failed;
    return failed ? -1 : 0;
}

enum appended { APPENDED, UNDONE, NOT_UNDONE };

// Appends to what is there in one write. If that fails the file is as it was (UNDONE), unless not
// even that could be done.
static enum appended append_line(int fd, const char *line)
{
    char buffer[2 * IFL_DATASET_PAGE];
    struct stat info;
    size_t length = strlen(line);
    if (fstat(fd, &info) != 0)
        return UNDONE;
    size_t padding = ifl_dataset_padding((uint64_t)info.st_size, length + 1);
    memset(buffer, ' ', padding);
    memcpy(buffer + padding, line, length);
    buffer[padding + length] = '\n';
    if (ifl_dataset_write(fd, buffer, padding + length + 1) == 0 && fdatasync(fd) == 0)
        return APPENDED;
    int failed = errno;
    enum appended result = ftruncate(fd, info.st_size) == 0 ? UNDONE : NOT_UNDONE;
    errno = failed;
    return result;
}

// The first line makes the file, which is there whole or not at all.
static enum appended add_first_line(const struct ifl_dataset_folder *folder, const char *line)
{
    char text[IFL_DATASET_PAGE + 1];
    int length = snprintf(text, sizeof text, "%s\n", line);
    if (ifl_dataset_write_new(folder, IFL_DATASET_METADATA, text, (size_t)length) != 0)
        return UNDONE;
    if (fsync(folder->folder_fd) == 0)
        return APPENDED;
    int failed = errno;
    enum appended result =
        unlinkat(folder->folder_fd, IFL_DATASET_METADATA, 0) == 0 ? UNDONE : NOT_UNDONE;
    errno = failed;
    return result;
}

static enum appended add_line(const struct ifl_dataset_folder *folder, const char *line)
{
    int fd = openat(folder->folder_fd, IFL_DATASET_METADATA,
                    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? add_first_line(folder, line) : UNDONE;
    enum appended result = append_line(fd, line);
    int failed = errno;
    close(fd); // everything that could fail did so in fdatasync
    errno = failed;
    return result;
}

enum ifl_result ifl_dataset_add(const struct ifl_dataset_folder *folder, const char *name,
                                const void *bytes, size_t count, const char *line,
                                struct ifl_error *error)
{
    if (strlen(line) >= IFL_DATASET_PAGE)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, stage,
                        "the record of %s has %zu bytes, the limit is %d", name, strlen(line),
                        IFL_DATASET_PAGE - 1);
    if (faccessat(folder->folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return ifl_fail(error, IFL_ERR_IN_USE, stage, "%s is there already", name);
    if (ifl_dataset_write_new(folder, name, bytes, count) != 0)
        return ifl_fail_errno(error, errno, stage, "cannot write the image %s/%s", folder->path,
                              name);
    enum appended line_is = UNDONE;
    if (fsync(folder->folder_fd) == 0) // the image is safe before its line says so
        line_is = add_line(folder, line);
    if (line_is == APPENDED)
        return IFL_OK;
    int failed = errno;
    if (line_is == UNDONE)
        unlinkat(folder->folder_fd, name, 0);
    return ifl_fail_errno(error, failed, stage, "cannot write the record of %s into %s/%s", name,
                          folder->path, IFL_DATASET_METADATA);
}

bool ifl_dataset_tail_is_whole(const struct ifl_dataset_folder *folder)
{
    int fd = openat(folder->folder_fd, IFL_DATASET_METADATA, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    struct stat info;
    char last = 0;
    bool whole = fstat(fd, &info) == 0 && info.st_size > 0 &&
                 pread(fd, &last, 1, info.st_size - 1) == 1 && last == '\n';
    close(fd);
    return whole;
}
