// SPDX-License-Identifier: Apache-2.0
// Mending in three steps: look at everything and change nothing; write metadata.jsonl anew if lines
// must go; remove the images that no line names.
#include "deliver/dataset_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/dataset_lines.h"
#include "deliver/record.h"

static const char stage[] = "deliver";
static const char hidden_metadata[] = "." IFL_DATASET_METADATA ".tmp";

struct names {
    char (*name)[IFL_DATASET_NAME_MAX];
    size_t count, capacity;
};

static bool add_name(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 256;
        void *grown = realloc(names->name, capacity * sizeof *names->name);
        if (!grown)
            return false;
        names->name = grown;
        names->capacity = capacity;
    }
    size_t length = strnlen(name, IFL_DATASET_NAME_MAX - 1); // ours are shorter
    memcpy(names->name[names->count], name, length);
    names->name[names->count++][length] = 0;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort_names(struct names *names)
{
    if (names->count)
        qsort(names->name, names->count, sizeof *names->name, compare_names);
}

static bool has_name(const struct names *names, const char *name)
{
    return names->count &&
           bsearch(name, names->name, names->count, sizeof *names->name, compare_names) != NULL;
}

struct scan {
    const struct ifl_dataset_folder *folder;
    struct ifl_dataset_repair *repair;
    struct names images, listed, temporaries;
    uint64_t ours, other; // lines
    uint64_t good_bytes;  // up to the end of the last line that stays
    bool cut;             // what follows good_bytes must go
    bool rewrite;         // so must a line before it
    bool end_missing;     // the last line that stays lacks its newline
};

static enum ifl_result no_memory(struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to look through the dataset");
}

// ---- looking ----

static bool is_temporary(const char *name)
{
    size_t length = strlen(name);
    if (strcmp(name, hidden_metadata) == 0 || strcmp(name, "." IFL_DATASET_CARD ".tmp") == 0)
        return true;
    if (name[0] != '.' || length < 5 || length >= IFL_DATASET_NAME_MAX ||
        strcmp(name + length - 4, ".tmp") != 0)
        return false;
    char inner[IFL_DATASET_NAME_MAX];
    memcpy(inner, name + 1, length - 5);
    inner[length - 5] = 0;
    return ifl_dataset_name_is_ours(inner);
}

// An empty file is no image: a power cut may leave one where the disk lies about syncing.
static bool is_whole_image(int folder_fd, const char *name)
{
    struct stat info;
    return fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
           info.st_size > 0;
}

static bool look_at_entry(struct scan *scan, const char *name)
{
    if (is_temporary(name))
        return add_name(&scan->temporaries, name);
    if (!ifl_dataset_name_is_ours(name))
        return true;
    bool whole = is_whole_image(scan->folder->folder_fd, name);
    return add_name(whole ? &scan->images : &scan->temporaries, name);
}

static enum ifl_result look_at_files(struct scan *scan, struct ifl_error *error)
{
    int fd = openat(scan->folder->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        int failed = errno;
        if (fd >= 0)
            close(fd);
        return ifl_fail_errno(error, failed, stage, "cannot read the folder %s",
                              scan->folder->path);
    }
    enum ifl_result result = IFL_OK;
    struct dirent *entry;
    while (result == IFL_OK && (entry = readdir(folder)))
        if (!look_at_entry(scan, entry->d_name))
            result = no_memory(error);
    closedir(folder);
    sort_names(&scan->images);
    return result;
}

static bool is_ours(const struct ifl_line *line)
{
    return line->kind == IFL_LINE_RECORD &&
           strncmp(line->schema, IFL_RECORD_SCHEMA_FAMILY, strlen(IFL_RECORD_SCHEMA_FAMILY)) == 0;
}

// What must go behind the last line that stays is cut off; what must go before it makes a new file.
static enum ifl_result look_at_line(struct scan *scan, const struct ifl_line *line,
                                    struct ifl_error *error)
{
    bool ours = is_ours(line);
    if (ours && has_name(&scan->images, line->name)) {
        scan->rewrite |= scan->cut;
        scan->end_missing = !line->ended;
        scan->good_bytes = line->end;
        scan->repair->lines++;
        return add_name(&scan->listed, line->name) ? IFL_OK : no_memory(error);
    }
    if (line->kind == IFL_LINE_BLANK && line->ended)
        return IFL_OK;
    scan->cut = true;
    scan->ours += ours;
    scan->other += !ours && (line->kind == IFL_LINE_RECORD || line->kind == IFL_LINE_OTHER);
    scan->repair->lines_without_image += ours;
    scan->repair->lines_damaged += line->kind == IFL_LINE_DAMAGED;
    return IFL_OK;
}

// IFL_END where there is no metadata.jsonl.
static enum ifl_result open_lines(const struct ifl_dataset_folder *folder, struct ifl_lines **lines,
                                  struct ifl_error *error)
{
    int fd = openat(folder->folder_fd, IFL_DATASET_METADATA, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return IFL_END;
    if (fd < 0)
        return ifl_fail_errno(error, errno, stage, "cannot read %s/%s", folder->path,
                              IFL_DATASET_METADATA);
    *lines = ifl_lines_create(fd);
    return *lines ? IFL_OK : no_memory(error);
}

static enum ifl_result look_at_lines(struct scan *scan, struct ifl_error *error)
{
    struct ifl_lines *lines = NULL;
    struct ifl_line line;
    enum ifl_result result = open_lines(scan->folder, &lines, error);
    while (result == IFL_OK) {
        result = ifl_lines_next(lines, &line, error);
        if (result == IFL_OK)
            result = look_at_line(scan, &line, error);
    }
    ifl_lines_destroy(lines);
    if (result != IFL_END)
        return result;
    sort_names(&scan->listed);
    const char *path = scan->folder->path;
    if (scan->other)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "%s/%s holds records that inferloop did not write; choose another folder",
                        path, IFL_DATASET_METADATA);
    if (scan->repair->lines_damaged && !scan->ours && !scan->repair->lines)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage,
                        "%s/%s holds no record that can be read; move it away", path,
                        IFL_DATASET_METADATA);
    return IFL_OK;
}

// ---- mending the lines ----

static enum ifl_result cannot_mend(const struct scan *scan, int os_errno, struct ifl_error *error)
{
    return ifl_fail_errno(error, os_errno, stage, "cannot mend %s/%s", scan->folder->path,
                          IFL_DATASET_METADATA);
}

static int copy_line(FILE *out, uint64_t *offset, const struct ifl_line *line)
{
    size_t padding = ifl_dataset_padding(*offset, line->length + 1);
    *offset += padding + line->length + 1;
    return fprintf(out, "%*s%s\n", (int)padding, "", line->text) < 0 ? -1 : 0;
}

static enum ifl_result copy_lines(struct scan *scan, struct ifl_lines *lines, FILE *out,
                                  struct ifl_error *error)
{
    struct ifl_line line;
    uint64_t offset = 0;
    enum ifl_result result;
    while ((result = ifl_lines_next(lines, &line, error)) == IFL_OK)
        if (is_ours(&line) && has_name(&scan->images, line.name) &&
            copy_line(out, &offset, &line) != 0)
            break;
    if (result < IFL_OK)
        return result;
    if (ferror(out) || fflush(out) != 0 || fsync(fileno(out)) != 0)
        return cannot_mend(scan, errno, error);
    return IFL_OK;
}

static enum ifl_result rewrite_lines(struct scan *scan, struct ifl_error *error)
{
    int folder = scan->folder->folder_fd;
    struct ifl_lines *lines = NULL;
    enum ifl_result result = open_lines(scan->folder, &lines, error);
    if (result != IFL_OK)
        return result;
    int fd = openat(folder, hidden_metadata, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    0644);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out)
        result = copy_lines(scan, lines, out, error);
    else
        result = cannot_mend(scan, errno, error);
    if (out)
        fclose(out); // synced already
    else if (fd >= 0)
        close(fd);
    ifl_lines_destroy(lines);
    if (result == IFL_OK && renameat(folder, hidden_metadata, folder, IFL_DATASET_METADATA) != 0)
        result = cannot_mend(scan, errno, error);
    if (result != IFL_OK)
        unlinkat(folder, hidden_metadata, 0);
    return result;
}

static enum ifl_result cut_tail(struct scan *scan, struct ifl_error *error)
{
    int fd = openat(scan->folder->folder_fd, IFL_DATASET_METADATA,
                    O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    int failed = fd < 0 || (scan->cut && ftruncate(fd, (off_t)scan->good_bytes) != 0) ||
                         (scan->end_missing && ifl_dataset_write(fd, "\n", 1) != 0) ||
                         fsync(fd) != 0
                     ? errno
                     : 0;
    if (fd >= 0)
        close(fd);
    return failed ? cannot_mend(scan, failed, error) : IFL_OK;
}

static enum ifl_result mend_lines(struct scan *scan, struct ifl_error *error)
{
    if (!scan->repair->lines) { // `datasets` stops on an empty file
        if (unlinkat(scan->folder->folder_fd, IFL_DATASET_METADATA, 0) != 0 && errno != ENOENT)
            return cannot_mend(scan, errno, error);
        return IFL_OK;
    }
    if (scan->rewrite)
        return rewrite_lines(scan, error);
    return scan->cut || scan->end_missing ? cut_tail(scan, error) : IFL_OK;
}

// ---- images that no line names ----

static size_t count_orphans(const struct scan *scan)
{
    size_t count = 0;
    for (size_t i = 0; i < scan->images.count; i++)
        count += !has_name(&scan->listed, scan->images.name[i]);
    return count;
}

static int set_aside(int folder, const char *name)
{
    char path[sizeof IFL_DATASET_ORPHANS + 1 + IFL_DATASET_NAME_MAX];
    snprintf(path, sizeof path, "%s/%s", IFL_DATASET_ORPHANS, name);
    if (mkdirat(folder, IFL_DATASET_ORPHANS, 0755) != 0 && errno != EEXIST)
        return -1;
    return renameat(folder, name, folder, path);
}

static enum ifl_result clear_orphans(struct scan *scan, struct ifl_error *error)
{
    int folder = scan->folder->folder_fd;
    bool few = count_orphans(scan) <= IFL_DATASET_ORPHANS_MAX;
    for (size_t i = 0; i < scan->images.count; i++) {
        const char *name = scan->images.name[i];
        if (has_name(&scan->listed, name))
            continue;
        if ((few ? unlinkat(folder, name, 0) : set_aside(folder, name)) != 0)
            return ifl_fail_errno(error, errno, stage, "cannot remove %s/%s, which has no record",
                                  scan->folder->path, name);
        ++*(few ? &scan->repair->images_removed : &scan->repair->images_set_aside);
    }
    for (size_t i = 0; i < scan->temporaries.count; i++)
        scan->repair->temporaries += unlinkat(folder, scan->temporaries.name[i], 0) == 0;
    return IFL_OK;
}

enum ifl_result ifl_dataset_repair(const struct ifl_dataset_folder *folder,
                                   struct ifl_dataset_repair *repair, struct ifl_error *error)
{
    *repair = (struct ifl_dataset_repair){0};
    struct scan scan = {.folder = folder, .repair = repair};
    enum ifl_result result = look_at_files(&scan, error);
    if (result == IFL_OK)
        result = look_at_lines(&scan, error);
    if (result == IFL_OK)
        result = mend_lines(&scan, error);
    if (result == IFL_OK)
        result = clear_orphans(&scan, error);
    free(scan.images.name);
    free(scan.listed.name);
    free(scan.temporaries.name);
    return result;
}
