// SPDX-License-Identifier: Apache-2.0
// Makes an image anew from its record and the profile it was made from, and compares: the same
// profile, request and seed give the same bytes, on any machine. In: an image that lies beside its
// metadata.jsonl. Out: one sentence and an exit code.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "deliver/codec.h"
#include "deliver/dataset.h"
#include "pipeline/builtins.h"

static const char stage[] = "replay";

struct replay {
    const struct ifl_config *config;
    const char *path; // of the image
    json_t *record;
    struct ifl_profile *profile;
    struct ifl_image *image; // as it was delivered
    enum ifl_image_format format;
    struct ifl_synthetic made;
};

static const char *text_of(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

// ---- the record ----

// The record of the image among those of its folder: the last one of its name, as after a crash.
static enum ifl_result find_record(struct replay *replay, struct ifl_error *error)
{
    char folder[IFL_PATH_MAX], name[IFL_PATH_MAX], path[IFL_PATH_MAX];
    const char *slash = strrchr(replay->path, '/');
    const char *file = slash ? slash + 1 : replay->path;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - replay->path + 1) : 1,
             slash ? replay->path : ".");
    struct ifl_dataset *dataset;
    json_t *record;
    enum ifl_result result = ifl_dataset_open(folder, &dataset, error);
    if (result != IFL_OK)
        return result;
    while ((result = ifl_dataset_next(dataset, name, path, &record, error)) != IFL_END) {
        if (result == IFL_OK && record && !strcmp(name, file)) {
            json_decref(replay->record);
            replay->record = json_incref(record);
        } else if (result != IFL_OK && result != IFL_ERR_CORRUPT) {
            break;
        }
    }
    ifl_dataset_close(dataset);
    if (result != IFL_END)
        return result;
    if (replay->record)
        return IFL_OK;
    return ifl_fail(error, IFL_ERR_NOT_FOUND, stage,
                    "there is no record of %.80s in metadata.jsonl beside it; without one nobody "
                    "knows how it was made",
                    file);
}

static double number_of(json_t *parameters, const char *name)
{
    json_t *value = json_object_get(parameters, name);
    double number = json_is_number(value) ? json_number_value(value) : -1;
    return number < 0 ? NAN : number;
}

static enum ifl_result damaged(struct ifl_error *error, const char *what)
{
    return ifl_fail(error, IFL_ERR_CORRUPT, stage, "the record of the image holds no %s", what);
}

static enum ifl_result read_privacy(json_t *record, struct ifl_request *request,
                                    struct ifl_error *error)
{
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++)
        if (!strcmp(text_of(record, "privacy"), ifl_privacy_name((enum ifl_privacy)mode))) {
            request->privacy = (enum ifl_privacy)mode;
            request->k = (int)json_integer_value(json_object_get(record, "k"));
            return IFL_OK;
        }
    return damaged(error, "privacy mode");
}

static enum ifl_result read_seed(json_t *record, struct ifl_request *request,
                                 struct ifl_error *error)
{
    const char *text = text_of(record, "seed");
    char *end;
    request->seed = strtoull(text, &end, 10);
    return text[0] && !*end ? IFL_OK : damaged(error, "seed");
}

// All that the engine was asked for.
static enum ifl_result read_request(json_t *record, struct ifl_request *request,
                                    struct ifl_error *error)
{
    json_t *parameters = json_object_get(record, "parameters");
    ifl_request_init(request);
    if (json_is_true(json_object_get(parameters, "prompt_cut")))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, stage,
                        "the prompt was too long for the record; the image cannot be made anew");
    snprintf(request->prompt, sizeof request->prompt, "%s", text_of(parameters, "prompt"));
    request->width = (int)json_integer_value(json_object_get(parameters, "width"));
    request->height = (int)json_integer_value(json_object_get(parameters, "height"));
    request->steps = (int)json_integer_value(json_object_get(parameters, "steps"));
    request->guidance_scale = number_of(parameters, "guidance_scale");
    for (int t = 0; t < IFL_TARGET_COUNT; t++)
        request->target[t] = number_of(parameters, ifl_target_row((enum ifl_target)t)->name);
    enum ifl_result result = read_privacy(record, request, error);
    if (result == IFL_OK)
        result = read_seed(record, request, error);
    return result == IFL_OK ? ifl_request_check(request, error) : result;
}

// ---- the image ----

static enum ifl_result read_image(struct replay *replay, struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    enum ifl_result result = ifl_read_file(replay->path, IFL_CODEC_FILE_MAX, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    for (int format = 0; format <= IFL_IMAGE_WEBP; format++)
        if (ifl_codec_get((enum ifl_image_format)format)->matches(bytes, count))
            replay->format = (enum ifl_image_format)format;
    result = ifl_image_decode(bytes, count, replay->path, &replay->image, error);
    free(bytes);
    return result;
}

// What the format loses, the new image shall lose as well.
static enum ifl_result pass_through_format(struct replay *replay, struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    if (replay->format == IFL_IMAGE_PNG)
        return IFL_OK;
    enum ifl_result result = ifl_image_encode(replay->made.image, replay->format,
                                              replay->config->quality, NULL, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    ifl_image_unref(replay->made.image);
    replay->made.image = NULL;
    result = ifl_image_decode(bytes, count, "the new image", &replay->made.image, error);
    free(bytes);
    return result;
}

static enum ifl_result make_anew(struct replay *replay, struct ifl_registry *registry,
                                 struct ifl_error *error)
{
    const char *name = text_of(replay->record, "engine");
    const struct ifl_engine_plugin *engine =
        (const void *)ifl_registry_find(registry, IFL_PLUGIN_ENGINE, name);
    if (!engine)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, stage,
                        "the image was made by the engine \"%.40s\", which is not here; load it "
                        "with --plugin FILE",
                        name);
    void *self;
    enum ifl_result result = engine->create(replay->profile, &self, error);
    if (result != IFL_OK)
        return result;
    result = engine->generate(self, &replay->made.request, &replay->made, error);
    engine->destroy(self);
    return result == IFL_OK ? pass_through_format(replay, error) : result;
}

// ---- the verdict ----

struct difference {
    int64_t pixels;
    int x, y, most; // of the first one; the largest difference of a channel
};

static struct difference compare(const struct ifl_image *a, const struct ifl_image *b)
{
    struct difference found = {0};
    for (int64_t p = 0; p < (int64_t)a->width * a->height; p++) {
        int most = 0;
        for (int c = 0; c < 3; c++) {
            int d = abs(a->rgb[3 * p + c] - b->rgb[3 * p + c]);
            most = d > most ? d : most;
        }
        if (most && found.pixels++ == 0) {
            found.x = (int)(p % a->width);
            found.y = (int)(p / a->width);
        }
        found.most = most > found.most ? most : found.most;
    }
    return found;
}

static enum ifl_result say_equal(const struct replay *replay, struct ifl_error *error)
{
    const struct ifl_image *image = replay->image;
    if (replay->config->json)
        return ifl_print_json(json_pack("{sb si si ss ss}", "equal", 1, "width", image->width,
                                        "height", image->height, "profile_id", replay->profile->id,
                                        "seed", text_of(replay->record, "seed")),
                              error);
    printf("equal: all %d x %d pixels, from profile %s and seed %s\n", image->width, image->height,
           replay->profile->id, text_of(replay->record, "seed"));
    return IFL_OK;
}

static enum ifl_result judge(const struct replay *replay, struct ifl_error *error)
{
    const struct ifl_image *was = replay->image, *is = replay->made.image;
    if (was->width != is->width || was->height != is->height)
        return ifl_fail(error, IFL_ERR_DIFFERENT, stage,
                        "different: the image is %d x %d, made anew it is %d x %d", was->width,
                        was->height, is->width, is->height);
    struct difference found = compare(was, is);
    if (found.pixels == 0)
        return say_equal(replay, error);
    return ifl_fail(error, IFL_ERR_DIFFERENT, stage,
                    "different: %lld of %lld pixels, the first at %d,%d, by at most %d of 255; the "
                    "image was changed, or made by another version%s",
                    (long long)found.pixels, (long long)was->width * was->height, found.x, found.y,
                    found.most,
                    replay->format == IFL_IMAGE_PNG ? "" : ", or with another --quality");
}

static enum ifl_result load_profile(struct replay *replay, struct ifl_error *error)
{
    const char *wanted = text_of(replay->record, "profile_id");
    enum ifl_result result = ifl_profile_load(replay->config->profile, &replay->profile, error);
    if (result != IFL_OK || !strcmp(wanted, replay->profile->id))
        return result;
    return ifl_fail(error, IFL_ERR_INVALID, stage,
                    "the image was made from profile %.16s, and this file holds profile %s: give "
                    "the one it was made from",
                    wanted, replay->profile->id);
}

static enum ifl_result run(struct replay *replay, struct ifl_registry *registry,
                           struct ifl_error *error)
{
    enum ifl_result result = read_image(replay, error);
    if (result == IFL_OK)
        result = find_record(replay, error);
    if (result == IFL_OK)
        result = read_request(replay->record, &replay->made.request, error);
    if (result == IFL_OK)
        result = load_profile(replay, error);
    if (result == IFL_OK)
        result = make_anew(replay, registry, error);
    return result == IFL_OK ? judge(replay, error) : result;
}

enum ifl_result ifl_command_replay(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    struct replay replay = {.config = arguments->config, .path = arguments->word[0]};
    struct ifl_registry *registry = NULL;
    if (!replay.config->profile[0])
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "say what it was made from: --profile FILE");
    enum ifl_result result = ifl_registry_open(replay.config, &registry, error);
    if (result == IFL_OK)
        result = run(&replay, registry, error);
    json_decref(replay.record);
    ifl_image_unref(replay.image);
    ifl_synthetic_fini(&replay.made);
    ifl_profile_unref(replay.profile);
    ifl_registry_destroy(registry);
    return result;
}
