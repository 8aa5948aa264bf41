// SPDX-License-Identifier: Apache-2.0
// Images and records for the tests of this room, and folders to put them in.
#ifndef IFL_TESTS_DELIVER_MADE_H
#define IFL_TESTS_DELIVER_MADE_H

#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "deliver/dataset_folder.h"
#include "inferloop/deliver.h"

// Smooth colours with a little noise, as of a camera.
static inline struct ifl_image *make_image(int width, int height, uint64_t seed)
{
    struct ifl_image *image = ifl_image_create(width, height);
    assert_non_null(image);
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                image->rgb[(y * width + x) * 3 + c] =
                    (uint8_t)(40 + (x * (c + 1) + y * 2) * 150 / (4 * width + 2 * height) +
                              (int)ifl_rng_below(&rng, 5));
    return image;
}

static inline void make_synthetic(struct ifl_synthetic *synthetic, int width, int height,
                                  uint64_t seed)
{
    *synthetic = (struct ifl_synthetic){
        .image = make_image(width, height, seed),
        .engine = "analytic",
        .profile_id = "0123456789abcdef",
        .source = "camera-1",
        .licence = "CC-BY-4.0",
        .attempt = 1,
        .created_wall_ns = INT64_C(1764000000123000000),
        .generate_seconds = 0.0029,
        .validate_seconds = 0.001,
        .scores = {.sharpness = 0.97, .clipped = 0, .artefact = 2.5, .artefact_limit = 4},
        .audit = {.foreground_share = 0.04, .support_1 = 1, .support_2 = 0.9, .nearest_rms = 3.25},
        .likeness = NAN,
    };
    ifl_request_init(&synthetic->request);
    synthetic->request.seed = seed;
}

static inline int remove_entry(const char *path, const struct stat *info, int type,
                               struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void remove_folder(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// A fresh folder that is not there yet, below one that is.
static inline void make_folder(char path[64])
{
    strcpy(path, "/tmp/inferloop-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    strcat(path, "/out");
}

static inline void drop_folder(char path[64])
{
    *strrchr(path, '/') = 0;
    remove_folder(path);
}

// How many entries have a name that ends so; hidden ones only if `hidden`.
static inline int count_files(const char *folder, const char *ending, bool hidden)
{
    DIR *open = opendir(folder);
    if (!open)
        return 0;
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(open))) {
        size_t length = strlen(entry->d_name), wanted = strlen(ending);
        count += (entry->d_name[0] == '.') == hidden && length >= wanted &&
                 strcmp(entry->d_name + length - wanted, ending) == 0;
    }
    closedir(open);
    return count;
}

static inline long file_size(const char *folder, const char *name)
{
    char path[4352];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

// A write can only be left undone at the boundary of a page, so no line may cross one.
static inline void check_pages(const char *folder)
{
    static char line[1 << 16];
    char path[512];
    snprintf(path, sizeof path, "%s/" IFL_DATASET_METADATA, folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (long start = 0; fgets(line, sizeof line, file); start = ftell(file)) {
        long first = start + (long)strspn(line, " "), last = ftell(file) - 1;
        assert_int_equal(first / IFL_DATASET_PAGE, last / IFL_DATASET_PAGE);
    }
    fclose(file);
}

static inline void write_text(const char *folder, const char *name, const char *mode,
                              const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#endif
