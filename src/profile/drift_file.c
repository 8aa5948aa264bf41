// SPDX-License-Identifier: Apache-2.0
// What drift has learned, as one block: a head, then the state as it lies in memory. It is read
// only by the program that wrote it, on the same kind of machine: the head holds the sizes, the
// names of the channels and a checksum, and anything else begins anew.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "profile/drift_state.h"

static const char stage[] = "drift";
static const char magic[8] = "IFLDRFT1";

struct head {
    char magic[8];
    uint64_t layout, checksum;
};

struct body {
    int current, alarm;
    struct ifl_regime regime[IFL_REGIMES_MAX];
    struct ifl_outlier judge;
    struct ifl_season season;
    struct ifl_evidence series[IFL_SERIES];
    struct ifl_cusum cusum[IFL_SERIES];
};

struct file {
    struct head head;
    struct body body;
};

static uint64_t layout(void)
{
    uint64_t hash = sizeof(struct body);
    for (int c = 0; c < IFL_CHANNELS; c++)
        hash = ifl_hash_bytes(ifl_channel_label(c), strlen(ifl_channel_label(c)), hash);
    return ifl_hash_mix(hash + IFL_SERIES);
}

enum ifl_result ifl_drift_save(const struct ifl_drift *drift, const char *path,
                               struct ifl_error *error)
{
    struct file *file = calloc(1, sizeof *file);
    if (!file)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage,
                        "no memory to keep what drift has learned");
    struct body *body = &file->body;
    body->current = drift->current;
    body->alarm = drift->alarm;
    memcpy(body->regime, drift->regime, sizeof body->regime);
    for (int i = 0; i < IFL_REGIMES_MAX; i++)
        body->regime[i].picture = NULL;
    body->judge = drift->judge;
    body->season = drift->season;
    if (drift->state == IFL_DRIFT_WATCHING) {
        memcpy(body->series, drift->series, sizeof body->series);
        memcpy(body->cusum, drift->cusum, sizeof body->cusum);
    }
    memcpy(file->head.magic, magic, sizeof magic);
    file->head.layout = layout();
    file->head.checksum = ifl_hash_bytes(body, sizeof *body, 0);
    enum ifl_result result = ifl_write_file(path, file, sizeof *file, 0600, error);
    free(file);
    return result;
}

// A right checksum is no proof: numbers that index must be in range.
static bool is_sane(const struct body *body)
{
    if (body->current < -1 || body->current >= IFL_REGIMES_MAX ||
        (body->current >= 0 && !body->regime[body->current].used) || body->season.hour < -1 ||
        body->season.hour >= IFL_HOURS || body->judge.phase > IFL_OUTLIER_JUDGE ||
        body->judge.tail.kept < 0 || body->judge.tail.kept > IFL_TAIL ||
        body->judge.model.dims < 0 || body->judge.model.dims > IFL_MODEL_DIMS)
        return false;
    for (int i = 0; i < IFL_REGIMES_MAX; i++) {
        const struct ifl_regime *regime = &body->regime[i];
        if (!regime->used)
            continue;
        if (regime->level < 0 || regime->level > IFL_LEVEL_MAX || regime->blocks < 2 ||
            regime->blocks > IFL_REFERENCE_MAX || regime->model.dims != IFL_MODEL_DIMS ||
            regime->model.kept < 0 || regime->model.kept > IFL_MODEL_DIMS ||
            !(regime->block_seconds > 0) || !(regime->kernel_scale > 0))
            return false;
        for (int s = 0; s < IFL_SERIES; s++)
            if (regime->ranked[s] < 0 || regime->ranked[s] > IFL_REFERENCE_MAX)
                return false;
    }
    return true;
}

static enum ifl_result check(const struct file *file, size_t count, const char *path,
                             struct ifl_error *error)
{
    if (count < sizeof file->head || memcmp(file->head.magic, magic, sizeof magic) != 0)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%.200s is no state of drift", path);
    if (file->head.layout != layout())
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, stage,
                        "%.200s is of another version; drift learns anew", path);
    if (count < sizeof *file || !is_sane(&file->body) ||
        file->head.checksum != ifl_hash_bytes(&file->body, sizeof file->body, 0))
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%.200s is damaged; drift learns anew",
                        path);
    return IFL_OK;
}

static void take_over(struct ifl_drift *drift, const struct body *body)
{
    memcpy(drift->regime, body->regime, sizeof drift->regime);
    for (int i = 0; i < IFL_REGIMES_MAX; i++)
        drift->regime[i].picture = NULL;
    drift->judge = body->judge;
    drift->season = body->season;
    if (body->current < 0)
        return;
    ifl_drift_watch(drift, body->current);
    drift->next.phase = IFL_OUTLIER_NONE;
    drift->alarm = body->alarm && !body->regime[body->current].accepted;
    memcpy(drift->series, body->series, sizeof drift->series);
    memcpy(drift->cusum, body->cusum, sizeof drift->cusum);
    if (drift->alarm)
        ifl_drift_report_known(drift, body->current);
}

enum ifl_result ifl_drift_load(struct ifl_drift *drift, const char *path, struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(path, sizeof(struct file), &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    // Aligned for its type: malloc's is.
    const struct file *file = (const void *)bytes;
    result = check(file, count, path, error);
    if (result == IFL_OK) {
        ifl_drift_reset(drift);
        take_over(drift, &file->body);
    }
    free(bytes);
    return result;
}
