// SPDX-License-Identifier: Apache-2.0
#include "pipeline/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "inferloop/profile.h"
#include "profile/erase.h"

static const char stage[] = "state";
static const char pictures_suffix[] = ".iflprof", statistics_suffix[] = ".iflmodel",
                  drift_suffix[] = ".ifldrift", view_suffix[] = ".iflview";

enum { QUIET_S = 300 }; // a file written later has a watcher

const char *ifl_data_folder(void)
{
    struct stat info;
    return stat("/app/data", &info) == 0 && S_ISDIR(info.st_mode) ? "/app/data" : "data";
}

void ifl_state_folder(const struct ifl_config *config, char *folder, size_t size)
{
    folder[0] = 0;
    size_t output = strlen(config->output);
    if (!strcmp(config->state_dir, "none"))
        return;
    if (config->state_dir[0])
        snprintf(folder, size, "%s", config->state_dir);
    else if (output)
        snprintf(folder, size, "%.*s.state", (int)(output - (config->output[output - 1] == '/')),
                 config->output);
    else
        snprintf(folder, size, "%s/state", ifl_data_folder());
}

enum ifl_result ifl_state_make(const char *folder, struct ifl_error *error)
{
    enum ifl_result result = ifl_make_directories(folder, error);
    if (result == IFL_OK && chmod(folder, 0700) != 0) // a mounted volume may be somebody else's
        ifl_log(IFL_LOG_WARNING, "state.open-to-others", NULL,
                "the mode of %s can't be set to 0700: %s; see that nobody else can look into it",
                folder, strerror(errno));
    return result;
}

enum ifl_result ifl_state_hold(const char *folder, bool alone, int *hold, struct ifl_error *error)
{
    *hold = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*hold < 0)
        return ifl_fail_errno(error, errno, stage, "cannot open the state folder %s", folder);
    if (flock(*hold, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return IFL_OK;
    int os_errno = errno;
    ifl_state_let_go(*hold);
    *hold = -1;
    if (os_errno != EWOULDBLOCK)
        return ifl_fail_errno(error, os_errno, stage, "cannot hold the state folder %s", folder);
    return ifl_fail(error, IFL_ERR_IN_USE, stage,
                    alone ? "inferloop runs with the state folder %s and would write from its "
                            "memory what is erased here; stop it first"
                          : "pictures are being erased from the state folder %s; try again when "
                            "that is done",
                    folder);
}

void ifl_state_let_go(int hold)
{
    if (hold >= 0)
        close(hold);
}

// ---- erasing ----

struct span {
    int64_t from_ns, to_ns;
};

static bool is_all(const struct span *span)
{
    return span->from_ns == INT64_MIN && span->to_ns == INT64_MAX;
}

static void note(struct ifl_erased *erased, const char *source)
{
    for (int i = 0; i < erased->sources; i++)
        if (!strcmp(erased->source[i], source))
            return; // its other file
    if (erased->sources < IFL_LIST_MAX)
        snprintf(erased->source[erased->sources++], sizeof erased->source[0], "%s", source);
}

static enum ifl_result remove_file(const char *path, const char *source, struct ifl_erased *erased,
                                   struct ifl_error *error)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return ifl_fail_errno(error, errno, stage, "cannot remove %s", path);
    erased->files++;
    note(erased, source);
    return IFL_OK;
}

// Saves what is left of a profile, or removes its file.
static enum ifl_result keep_rest(const char *path, const char *source,
                                 const struct ifl_profile *profile, const struct span *span,
                                 struct ifl_erased *erased, struct ifl_error *error)
{
    int gone = ifl_profile_count_span(profile, span->from_ns, span->to_ns);
    int left = profile->memory_frames - gone;
    if (left < IFL_MEMORY_MIN) {
        erased->pictures += (uint64_t)profile->memory_frames;
        return remove_file(path, source, erased, error);
    }
    erased->files_left++;
    erased->pictures_left += (uint64_t)left;
    if (!gone)
        return IFL_OK;
    struct ifl_profile *rest;
    enum ifl_result result = ifl_profile_without(profile, span->from_ns, span->to_ns, &rest, error);
    if (result == IFL_OK)
        result = ifl_profile_save(rest, path, error);
    if (result == IFL_OK) {
        erased->pictures += (uint64_t)gone;
        note(erased, source);
        ifl_profile_unref(rest);
    }
    return result;
}

static enum ifl_result erase_file(const char *path, const char *source, const struct span *span,
                                  struct ifl_erased *erased, struct ifl_error *error)
{
    struct ifl_profile *profile;
    enum ifl_result result = ifl_profile_load(path, &profile, error);
    if (result != IFL_OK)
        return is_all(span) ? remove_file(path, source, erased, error) : result;
    result = keep_rest(path, source, profile, span, erased, error);
    ifl_profile_unref(profile);
    return result;
}

// The source of a kept file's name; false where it is none of this kind.
static bool source_of(const char *file, const char *suffix, char source[256])
{
    size_t length = strlen(file), end = strlen(suffix);
    if (file[0] == '.' || length <= end || length >= 256 ||
        strcmp(file + length - end, suffix) != 0)
        return false;
    snprintf(source, 256, "%.*s", (int)(length - end), file);
    return true;
}

// One that was being written when the power went: a hidden name, and perhaps pictures in it.
static bool is_torn(const char *file)
{
    return file[0] == '.' && (strstr(file, ".iflprof.") || strstr(file, ".iflmodel.") ||
                              strstr(file, ".ifldrift.") || strstr(file, ".iflview."));
}

static bool is_quiet(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && time(NULL) - info.st_mtime > QUIET_S;
}

static bool is_wanted(const char *wanted, const char *source)
{
    return !wanted || !strcmp(wanted, source);
}

static enum ifl_result erase_all(DIR *list, const char *folder, const char *wanted,
                                 const struct span *span, bool only_quiet,
                                 struct ifl_erased *erased, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    const struct dirent *entry;
    while (result == IFL_OK && (entry = readdir(list))) {
        char source[256], path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            continue;
        if (only_quiet && !is_quiet(path))
            continue;
        if (is_torn(entry->d_name))
            unlink(path);
        else if (source_of(entry->d_name, pictures_suffix, source) && is_wanted(wanted, source))
            result = erase_file(path, source, span, erased, error);
        else if (is_all(span) &&
                 (source_of(entry->d_name, statistics_suffix, source) ||
                  source_of(entry->d_name, drift_suffix, source) ||
                  source_of(entry->d_name, view_suffix, source)) &&
                 is_wanted(wanted, source))
            result = remove_file(path, source, erased, error);
    }
    return result;
}

enum ifl_result ifl_state_erase(const char *folder, const char *source, int64_t from_ns,
                                int64_t to_ns, struct ifl_erased *erased, struct ifl_error *error)
{
    *erased = (struct ifl_erased){0};
    DIR *list = opendir(folder);
    if (!list)
        return ifl_fail_errno(error, errno, stage, "cannot open the state folder %s", folder);
    struct span span = {from_ns, to_ns};
    enum ifl_result result = erase_all(list, folder, source, &span, false, erased, error);
    closedir(list);
    if (result == IFL_OK && source && !erased->files && !erased->files_left)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, stage, "nothing of a source \"%.60s\" is in %s",
                        source, folder);
    return result;
}

void ifl_state_expire(const char *folder, double hours)
{
    DIR *list = hours > 0 ? opendir(folder) : NULL;
    if (!list)
        return;
    struct span span = {INT64_MIN, ifl_wall_ns(ifl_clock_real()) -
                                       (int64_t)(hours * 3600 * (double)IFL_SECOND_NS)};
    struct ifl_erased erased = {0};
    struct ifl_error error = {0};
    if (erase_all(list, folder, NULL, &span, true, &erased, &error) != IFL_OK)
        ifl_log(IFL_LOG_ERROR, "state.retention-failed", NULL, "%s", error.text);
    if (erased.pictures)
        ifl_log(IFL_LOG_INFO, "state.retention", NULL,
                "%llu pictures were older than %g h and are gone",
                (unsigned long long)erased.pictures, hours);
    closedir(list);
}
