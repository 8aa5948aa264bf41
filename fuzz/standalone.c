// SPDX-License-Identifier: Apache-2.0
// Replays files, and the files of folders, through a fuzz target: for the tests, for debuggers and
// for compilers without libFuzzer. Each name goes to standard error first, so that the last one is
// that of the crash; how many there were goes to standard output.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "support.h"

enum { INPUT_BYTES_MAX = 64 << 20 };

static int replayed;

static int replay_file(const char *path)
{
    uint8_t *bytes;
    size_t count;
    struct ifl_error error;
    fprintf(stderr, "%s\n", path);
    if (ifl_read_file(path, INPUT_BYTES_MAX, &bytes, &count, &error) != IFL_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    uint8_t *exact = malloc(count ? count : 1); // without the 0 behind: reading on is seen
    if (!exact)
        abort();
    memcpy(exact, bytes, count);
    free(bytes);
    LLVMFuzzerTestOneInput(exact, count);
    free(exact);
    replayed++;
    return 0;
}

static int replay_folder(const char *path)
{
    struct dirent **entry;
    int count = scandir(path, &entry, NULL, alphasort), failed = count < 0;
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.')
            failed |= replay_file(name);
        free(entry[i]);
    }
    if (count >= 0)
        free(entry);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        bool folder = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode);
        failed |= folder ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    printf("%d inputs\n", replayed);
    return failed || replayed == 0;
}
