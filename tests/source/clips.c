// SPDX-License-Identifier: Apache-2.0
#include "clips.h"

#include "support.h"

#include <dirent.h>
#include <unistd.h>

void clips_make_folder(char folder[CLIP_PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, CLIP_PATH_MAX, "%.200s/inferloop-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
}

void clips_remove_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    struct dirent *entry;
    while ((entry = readdir(directory))) {
        char path[2 * CLIP_PATH_MAX + 8];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && unlink(path) != 0)
            rmdir(path);
    }
    closedir(directory);
    assert_int_equal(rmdir(folder), 0);
}

static void join(const char *folder, const char *name, char path[CLIP_PATH_MAX])
{
    int length = snprintf(path, CLIP_PATH_MAX, "%s/%s", folder, name);
    assert_in_range(length, 1, CLIP_PATH_MAX - 1);
}

void clips_write(const char *folder, const char *name, const void *bytes, size_t count,
                 char path[CLIP_PATH_MAX])
{
    join(folder, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

void clips_read(const char *path, char **bytes, size_t *count)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    rewind(file);
    *bytes = malloc(*count + 1);
    assert_non_null(*bytes);
    assert_int_equal(fread(*bytes, 1, *count, file), *count);
    fclose(file);
}

bool clips_make(const char *folder, const char *name, const char *arguments,
                char path[CLIP_PATH_MAX])
{
    join(folder, name, path);
    if (system("command -v ffmpeg >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: there is no ffmpeg program to make %s with\n", name);
        return false;
    }
    char command[2048];
    int length = snprintf(command, sizeof command,
                          "ffmpeg -nostdin -loglevel error -y %s '%s' </dev/null", arguments, path);
    assert_in_range(length, 1, (int)sizeof command - 1);
    assert_int_equal(system(command), 0);
    return true;
}
