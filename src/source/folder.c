// SPDX-License-Identifier: Apache-2.0
// The source `folder`: the images of a folder in the order of their names, subfolders left out.
//
// Names are read once at the start, at most NAMES_MAX; later changes of the folder are not seen. A
// file that is no image is counted as dropped. Sizes may differ from picture to picture.
#include "source/builtin.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/av.h"
#include "source/av_frame.h"

enum { NAMES_MAX = 1000000 };

struct folder {
    char *path;
    char name[IFL_SOURCE_NAME_MAX];
    int fd; // of the folder
    bool loop;
    double rate;
    int64_t read_wait_ns;
    struct ifl_av_guard guard;
    struct ifl_av_frames *frames;
    AVFrame *picture;
    char **names;
    size_t count, next;
    size_t read_in_loop; // images of this loop that were good
    uint64_t sequence;
    uint32_t loops;
    struct ifl_source_info info;
};

static const char *const endings[] = {"jpg",  "jpeg", "png", "webp", "bmp", "tif",
                                      "tiff", "gif",  "pgm", "ppm",  "pnm", NULL};

static bool is_image_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (name[0] == '.' || !dot)
        return false;
    for (const char *const *ending = endings; *ending; ending++)
        if (!strcasecmp(*ending, dot + 1))
            return true;
    return false;
}

static bool add_name(struct folder *folder, size_t *room, const char *name)
{
    if (folder->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        char **names = realloc(folder->names, more * sizeof *names);
        if (!names)
            return false;
        folder->names = names;
        *room = more;
    }
    folder->names[folder->count] = strdup(name);
    return folder->names[folder->count] && ++folder->count;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum ifl_result list_names(struct folder *folder, struct ifl_error *error)
{
    int fd = dup(folder->fd);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return ifl_fail_errno(error, errno, "source", "the folder \"%s\" can't be listed",
                              folder->path);
    }
    size_t room = 0;
    bool good = true;
    struct dirent *entry;
    while (good && folder->count < NAMES_MAX && (entry = readdir(directory)))
        if (is_image_name(entry->d_name) && entry->d_type != DT_DIR)
            good = add_name(folder, &room, entry->d_name);
    closedir(directory);
    if (!good)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to list a folder");
    if (!folder->count)
        return ifl_fail(
            error, IFL_ERR_NOT_FOUND, "source",
            "the folder \"%s\" holds no images; put jpeg, png, webp or bmp files into it",
            folder->path);
    qsort(folder->names, folder->count, sizeof *folder->names, compare_names);
    return IFL_OK;
}

static void folder_close(void *self)
{
    struct folder *folder = self;
    if (!folder)
        return;
    for (size_t i = 0; i < folder->count; i++)
        free(folder->names[i]);
    free(folder->names);
    av_frame_free(&folder->picture);
    ifl_av_frames_destroy(folder->frames);
    if (folder->fd >= 0)
        close(folder->fd);
    free(folder->path);
    free(folder);
}

static const char *path_of(const char *uri)
{
    const char *path = strchr(uri, ':');
    path = path ? path + 1 : "";
    return strncmp(path, "//", 2) ? path : path + 2;
}

static struct folder *folder_create(const struct ifl_source_config *config)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (!folder)
        return NULL;
    folder->fd = -1;
    folder->path = strdup(path_of(config->uri));
    snprintf(folder->name, sizeof folder->name, "%s", config->name);
    folder->loop = config->loop;
    folder->rate = config->rate > 0 ? config->rate : 10;
    folder->read_wait_ns =
        config->read_deadline_ns > 0 ? config->read_deadline_ns : 10 * IFL_SECOND_NS;
    folder->guard.phase = IFL_AV_FILE;
    folder->guard.cancelled = config->cancelled;
    folder->guard.cancelled_context = config->cancelled_context;
    folder->frames = ifl_av_frames_create();
    folder->picture = av_frame_alloc();
    if (folder->path && folder->frames && folder->picture)
        return folder;
    folder_close(folder);
    return NULL;
}

static enum ifl_result folder_open(const struct ifl_source_config *config, void **self,
                                   struct ifl_error *error)
{
    struct folder *folder = folder_create(config);
    if (!folder)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "source", "no memory to open a folder");
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum ifl_result result = IFL_OK;
    if (!folder->path[0])
        result = ifl_fail(error, IFL_ERR_INVALID, "source", "write the folder's path: folder:PATH");
    else if (folder->fd < 0)
        result = ifl_fail_errno(error, errno, "source",
                                "the folder \"%s\" can't be opened; check its name and rights",
                                folder->path);
    if (result == IFL_OK)
        result = list_names(folder, error);
    if (result != IFL_OK) {
        folder_close(folder);
        return result;
    }
    *self = folder;
    return IFL_OK;
}

// ---- read ----

static enum ifl_result decode_file(struct folder *folder, int fd, const char *name,
                                   struct ifl_frame **out, struct ifl_error *error)
{
    struct ifl_av *av;
    struct ifl_av_request request = {
        .shown = name, .fd = fd, .protocols = "none", .probe = true, .guard = &folder->guard};
    enum ifl_result result = ifl_av_open(&request, &av, error);
    if (result != IFL_OK)
        return result;
    result = ifl_av_read(av, folder->picture, error);
    if (result == IFL_OK) {
        folder->info = (struct ifl_source_info){0};
        ifl_av_info(av, &folder->info);
        result = ifl_av_frame_wrap(folder->frames, folder->picture, ifl_av_codec(av), out, error);
    }
    ifl_av_close(av);
    return result;
}

static enum ifl_result read_file(struct folder *folder, const char *name, struct ifl_frame **out,
                                 struct ifl_error *error)
{
    struct stat status;
    int fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return IFL_DROPPED;
    enum ifl_result result = IFL_DROPPED;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        result = decode_file(folder, fd, name, out, error);
    close(fd);
    bool gives_up = result == IFL_ERR_CANCELLED || result == IFL_ERR_NO_MEMORY;
    return result == IFL_OK || gives_up ? result : IFL_DROPPED;
}

static enum ifl_result begin_anew(struct folder *folder, struct ifl_error *error)
{
    if (!folder->read_in_loop)
        return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                        "none of the %zu image files in \"%s\" can be read", folder->count,
                        folder->path);
    if (!folder->loop)
        return IFL_END;
    folder->next = folder->read_in_loop = 0;
    folder->loops++;
    return IFL_OK;
}

static enum ifl_result folder_read(void *self, struct ifl_frame **out, struct ifl_error *error)
{
    struct folder *folder = self;
    enum ifl_result result = IFL_OK;
    if (folder->next == folder->count)
        result = begin_anew(folder, error);
    if (result != IFL_OK)
        return result;
    size_t index = folder->next++;
    uint64_t sequence = folder->sequence++;
    ifl_av_guard_arm(&folder->guard, folder->read_wait_ns);
    result = read_file(folder, folder->names[index], out, error);
    if (result != IFL_OK)
        return result;
    struct ifl_frame *frame = *out;
    memcpy(frame->source, folder->name, sizeof frame->source);
    frame->sequence = sequence;
    frame->media_index = index;
    frame->loop = folder->loops;
    frame->pts_ns = (int64_t)((double)sequence * 1e9 / folder->rate);
    frame->capture_ns = ifl_now_ns(ifl_clock_real());
    frame->capture_wall_ns = ifl_wall_ns(ifl_clock_real());
    folder->read_in_loop++;
    return IFL_OK;
}

static void folder_info(void *self, struct ifl_source_info *info)
{
    const struct folder *folder = self;
    *info = folder->info;
    info->live = false;
    info->rate = folder->rate;
    info->frames = folder->count;
}

static void folder_interrupt(void *self)
{
    struct folder *folder = self;
    atomic_store(&folder->guard.interrupted, true);
}

static const char *const schemes[] = {"folder", NULL};

const struct ifl_source_plugin ifl_source_folder = {
    .head = {IFL_PLUGIN_ABI, sizeof(struct ifl_source_plugin), IFL_PLUGIN_SOURCE, "folder",
             "images in the order of their names: folder:PATH"},
    .schemes = schemes,
    .open = folder_open,
    .read = folder_read,
    .info = folder_info,
    .interrupt = folder_interrupt,
    .close = folder_close,
};
