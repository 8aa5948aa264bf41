// SPDX-License-Identifier: Apache-2.0
// The sink `dataset`. Between two images it keeps nothing open, so that the folder may be deleted,
// moved or unmounted meanwhile, and whatever another process left behind is seen.
#include "deliver/builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "deliver/codec.h"
#include "deliver/dataset_card.h"
#include "deliver/dataset_folder.h"
#include "deliver/record.h"

static const char stage[] = "deliver";

struct dataset_sink {
    char path[IFL_PATH_MAX];
    enum ifl_image_format format;
    int quality;
    uint32_t run;     // sets the names of processes apart that deliver in the same millisecond
    uint64_t counter; // of names, from 1
};

static void log_repair(const char *path, const struct ifl_dataset_repair *repair)
{
    unsigned changes = repair->images_removed + repair->images_set_aside +
                       repair->lines_without_image + repair->lines_damaged;
    if (changes)
        ifl_log(IFL_LOG_WARNING, "deliver.dataset-repaired", NULL,
                "the dataset %s was mended: %u images without a record removed, %u more set aside "
                "in %s, %u records without an image and %u damaged lines dropped; it holds %llu "
                "images",
                path, repair->images_removed, repair->images_set_aside, IFL_DATASET_ORPHANS,
                repair->lines_without_image, repair->lines_damaged,
                (unsigned long long)repair->lines);
}

static enum ifl_result repair_and_log(const struct ifl_dataset_folder *folder,
                                      struct ifl_error *error)
{
    struct ifl_dataset_repair repair;
    enum ifl_result result = ifl_dataset_repair(folder, &repair, error);
    if (result == IFL_OK)
        log_repair(folder->path, &repair);
    return result;
}

static enum ifl_result check_config(const struct ifl_sink_config *config, struct ifl_error *error)
{
    if (!config->target || !config->target[0] || strlen(config->target) >= IFL_PATH_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "a dataset needs a folder, with a path of at most %d bytes",
                        IFL_PATH_MAX - 1);
    if (!ifl_codec_get(config->format))
        return ifl_fail(error, IFL_ERR_INVALID, stage, "image format %d does not exist",
                        (int)config->format);
    if (config->quality < 1 || config->quality > 100)
        return ifl_fail(error, IFL_ERR_INVALID, stage, "quality is %d; give 1 to 100",
                        config->quality);
    return IFL_OK;
}

// Names must differ between processes, so this is the one number that no seed decides.
static uint32_t pick_run(void)
{
    uint32_t run;
    if (getrandom(&run, sizeof run, GRND_NONBLOCK) != sizeof run)
        run = (uint32_t)getpid() * 2654435761u ^ (uint32_t)ifl_now_ns(ifl_clock_real());
    return run;
}

static enum ifl_result dataset_open(const struct ifl_sink_config *config, void **self,
                                    struct ifl_error *error)
{
    *self = NULL;
    enum ifl_result result = check_config(config, error);
    if (result != IFL_OK)
        return result;
    struct dataset_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to open the dataset");
    strcpy(sink->path, config->target);
    sink->format = config->format;
    sink->quality = config->quality;
    sink->run = pick_run();
    struct ifl_dataset_folder folder;
    result = ifl_dataset_folder_open(&folder, sink->path, error);
    if (result == IFL_OK) {
        result = repair_and_log(&folder, error);
        ifl_dataset_folder_close(&folder);
    }
    if (result == IFL_OK)
        *self = sink;
    else
        free(sink);
    return result;
}

static void describe_image(const struct ifl_synthetic *synthetic, char *text, size_t text_bytes)
{
    snprintf(text, text_bytes,
             "Engine %.*s, privacy mode %s, profile %.*s of source %.*s, seed %llu.",
             (int)sizeof synthetic->engine, synthetic->engine,
             ifl_privacy_name(synthetic->request.privacy), (int)sizeof synthetic->profile_id,
             synthetic->profile_id, (int)sizeof synthetic->source, synthetic->source,
             (unsigned long long)synthetic->request.seed);
}

static enum ifl_result add_image(struct dataset_sink *sink, const struct ifl_dataset_folder *folder,
                                 const struct ifl_synthetic *synthetic, const uint8_t *bytes,
                                 size_t count, char *name, struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    if (!ifl_dataset_tail_is_whole(folder)) // another process was killed by the machine itself
        result = repair_and_log(folder, error);
    if (result != IFL_OK)
        return result;
    ifl_dataset_name(ifl_wall_ns(ifl_clock_real()), sink->run, ++sink->counter,
                     ifl_codec_get(sink->format)->extension, name);
    char *line = ifl_synthetic_json(synthetic, name);
    if (!line)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for the record of an image");
    result = ifl_dataset_add(folder, name, bytes, count, line, error);
    free(line);
    return result;
}

static enum ifl_result add_locked(struct dataset_sink *sink, const struct ifl_synthetic *synthetic,
                                  const uint8_t *bytes, size_t count, char *name,
                                  struct ifl_error *error)
{
    struct ifl_dataset_folder folder;
    enum ifl_result result = ifl_dataset_folder_open(&folder, sink->path, error);
    if (result != IFL_OK)
        return result;
    result = add_image(sink, &folder, synthetic, bytes, count, name, error);
    if (result == IFL_OK)
        ifl_dataset_card_add(&folder);
    ifl_dataset_folder_close(&folder);
    return result;
}

static enum ifl_result dataset_deliver(void *self, const struct ifl_synthetic *synthetic,
                                       char *name, struct ifl_error *error)
{
    struct dataset_sink *sink = self;
    name[0] = 0;
    char description[256];
    describe_image(synthetic, description, sizeof description);
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_image_encode(synthetic->image, sink->format, sink->quality,
                                              description, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    result = add_locked(sink, synthetic, bytes, count, name, error);
    if (result == IFL_ERR_NOT_FOUND) // the folder was deleted under our hands
        result = add_locked(sink, synthetic, bytes, count, name, error);
    free(bytes);
    if (result != IFL_OK)
        name[0] = 0;
    return result;
}

static void dataset_close(void *self)
{
    free(self);
}

const struct ifl_sink_plugin ifl_sink_dataset = {
    .head = {.abi_version = IFL_PLUGIN_ABI,
             .struct_size = sizeof(struct ifl_sink_plugin),
             .kind = IFL_PLUGIN_SINK,
             .name = "dataset",
             .help = "a folder that ML tools load: images and metadata.jsonl"},
    .open = dataset_open,
    .deliver = dataset_deliver,
    .close = dataset_close,
};
