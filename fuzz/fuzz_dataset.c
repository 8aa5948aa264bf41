// SPDX-License-Identifier: Apache-2.0
// The metadata.jsonl of a dataset folder, whatever stands in it: it is read, mended, and read
// again. Mending twice is mending once, and files that are not ours stay.
//
// The folder is the one thing here that needs a file system; it lies in memory where there is one.
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/dataset.h"
#include "deliver/dataset_folder.h"

static const char *const ours[] = {"20261123T162600.123Z-0badcafe-000001.png",
                                   "20261123T162600.123Z-0badcafe-000002.jpg",
                                   "20261123T162600.123Z-0badcafe-000003.webp"};
static const char foreign[] = "holiday.png";
enum { OURS = sizeof ours / sizeof ours[0] };

static char folder_path[] = "/dev/shm/inferloop-fuzz-XXXXXX";
static char elsewhere[] = "/tmp/inferloop-fuzz-XXXXXX";
static const char *path;

static void remove_folder(void)
{
    static const char *const names[] = {".lock", "metadata.jsonl", "README.md", "holiday.png"};
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlinkat(fd, names[i], 0);
    for (int i = 0; i < OURS; i++)
        unlinkat(fd, ours[i], 0);
    close(fd);
    rmdir(path);
}

static void make_folder(void)
{
    path = mkdtemp(folder_path) ? folder_path : mkdtemp(elsewhere);
    MUST(path != NULL);
    atexit(remove_folder);
}

static void put(int folder, const char *name, const uint8_t *bytes, size_t count)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    MUST(fd >= 0 && (count == 0 || write(fd, bytes, count) == (ssize_t)count));
    close(fd);
}

static void fill(const uint8_t *bytes, size_t count)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    MUST(fd >= 0);
    for (int i = 0; i < OURS; i++)
        put(fd, ours[i], (const uint8_t *)"image", 5);
    put(fd, foreign, (const uint8_t *)"image", 5);
    put(fd, IFL_DATASET_METADATA, bytes, count);
    close(fd);
}

static bool exists(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, 0) == 0;
}

// Counts the records; where the folder is mended, each is whole and names an image.
static uint64_t read_all(int folder, bool mended)
{
    static char name[IFL_PATH_MAX], file[IFL_PATH_MAX];
    struct ifl_dataset *dataset;
    struct ifl_error error;
    json_t *record;
    uint64_t records = 0;
    MUST(ifl_dataset_open(path, &dataset, &error) == IFL_OK);
    enum ifl_result result;
    while ((result = ifl_dataset_next(dataset, name, file, &record, &error)) != IFL_END) {
        fuzz_must_explain(result, &error);
        MUST(result == IFL_OK || (result == IFL_ERR_CORRUPT && !mended));
        MUST(result != IFL_OK || (name[0] && name[0] != '/' && !strstr(name, "/../")));
        MUST(!mended || exists(folder, name));
        records += result == IFL_OK;
    }
    ifl_dataset_close(dataset);
    return records;
}

static bool is_quiet(const struct ifl_dataset_repair *repair)
{
    return !repair->images_removed && !repair->images_set_aside && !repair->lines_without_image &&
           !repair->lines_damaged && !repair->temporaries;
}

static void mend(const struct ifl_dataset_folder *folder)
{
    struct ifl_dataset_repair first, second;
    struct ifl_error error;
    enum ifl_result result = ifl_dataset_repair(folder, &first, &error);
    fuzz_must_explain(result, &error);
    MUST(exists(folder->folder_fd, foreign));
    if (result != IFL_OK) { // then nothing changed
        for (int i = 0; i < OURS; i++)
            MUST(exists(folder->folder_fd, ours[i]));
        return;
    }
    MUST(ifl_dataset_tail_is_whole(folder));
    MUST(ifl_dataset_repair(folder, &second, &error) == IFL_OK);
    MUST(is_quiet(&second) && first.lines == second.lines);
    if (exists(folder->folder_fd, IFL_DATASET_METADATA))
        MUST(read_all(folder->folder_fd, true) == second.lines);
    else
        MUST(second.lines == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_dataset_folder folder;
    struct ifl_error error;
    if (!path)
        make_folder();
    fill(bytes, count);
    MUST(ifl_dataset_folder_open(&folder, path, &error) == IFL_OK);
    read_all(folder.folder_fd, false);
    mend(&folder);
    ifl_dataset_folder_close(&folder);
    return 0;
}
