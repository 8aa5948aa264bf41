// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "deliver/dataset.h"
#include "inferloop/validate.h"

enum { SET_MAX = 256 }; // images the likeness is measured on: the first of the folder

struct totals {
    const struct ifl_validator *validator;
    const struct ifl_config *config;
    int images, unreadable, rejected[IFL_REJECTION_COUNT];
    struct ifl_image *set[SET_MAX];
    int in_set;
    json_t *rows; // with --json
};

static double number_of(json_t *parameters, const char *name)
{
    json_t *value = json_object_get(parameters, name);
    double number = json_is_number(value) ? json_number_value(value) : -1;
    return number < 0 ? NAN : number;
}

// What the image promises: its record; where it has none, the options.
static void read_request(json_t *record, const struct ifl_config *config,
                         struct ifl_request *request)
{
    ifl_config_request(config, request);
    json_t *parameters = json_object_get(record, "parameters");
    const char *privacy = json_string_value(json_object_get(record, "privacy"));
    const char *prompt = json_string_value(json_object_get(parameters, "prompt"));
    json_t *k = json_object_get(record, "k");
    for (int mode = 0; privacy && mode <= IFL_PRIVACY_K_ANONYMOUS; mode++)
        if (!strcmp(privacy, ifl_privacy_name((enum ifl_privacy)mode)))
            request->privacy = (enum ifl_privacy)mode;
    if (json_is_integer(k) && json_integer_value(k) >= IFL_K_MIN &&
        json_integer_value(k) <= IFL_K_MAX)
        request->k = (int)json_integer_value(k);
    if (prompt)
        snprintf(request->prompt, sizeof request->prompt, "%s", prompt);
    double guidance = number_of(parameters, "guidance_scale");
    if (guidance <= 20)
        request->guidance_scale = guidance;
    json_t *attained = json_object_get(record, "attained"); // holds what words asked for, too
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const char *name = ifl_target_row((enum ifl_target)t)->name;
        request->target[t] = number_of(json_object_get(attained, name), "asked");
        if (!attained)
            request->target[t] = number_of(parameters, name);
    }
}

static void say_unreadable(struct totals *totals, const char *name, const struct ifl_error *error)
{
    totals->unreadable++;
    if (totals->rows)
        json_array_append_new(totals->rows,
                              json_pack("{ss ss}", "file_name", name, "unreadable", error->text));
    else
        printf("%s: unreadable: %s\n", name, error->text);
}

static void say_checked(struct totals *totals, const char *name, const struct ifl_synthetic *made)
{
    const char *verdict = ifl_rejection_name(made->rejection);
    totals->images++;
    totals->rejected[made->rejection]++;
    if (totals->rows)
        json_array_append_new(totals->rows,
                              json_pack("{ss ss sf sf sf si sf}", "file_name", name, "rejection",
                                        verdict, "sharpness", made->scores.sharpness, "artefact",
                                        made->scores.artefact, "clipped", made->scores.clipped,
                                        "verbatim_pixels", made->audit.verbatim_pixels,
                                        "nearest_rms", made->audit.nearest_rms));
    else
        printf("%-48s %-10s sharpness %5.2f  artefact %5.1f  verbatim %4d px\n", name, verdict,
               made->scores.sharpness, made->scores.artefact, made->audit.verbatim_pixels);
}

static void check_image(struct totals *totals, const char *name, const char *path, json_t *record)
{
    struct ifl_error error = {0};
    struct ifl_synthetic made = {0};
    read_request(record, totals->config, &made.request);
    enum ifl_result result = ifl_image_decode_file(path, &made.image, &error);
    if (result == IFL_OK)
        result = ifl_validator_check(totals->validator, &made, &error);
    if (result == IFL_OK) {
        say_checked(totals, name, &made);
        if (totals->in_set < SET_MAX && !ifl_request_is_conditioned(&made.request))
            totals->set[totals->in_set++] = ifl_image_ref(made.image);
    } else {
        say_unreadable(totals, name, &error);
    }
    ifl_synthetic_fini(&made);
}

static enum ifl_result check_all(struct totals *totals, const char *folder, struct ifl_error *error)
{
    struct ifl_dataset *dataset;
    enum ifl_result result = ifl_dataset_open(folder, &dataset, error);
    if (result != IFL_OK)
        return result;
    char name[IFL_PATH_MAX], path[IFL_PATH_MAX];
    json_t *record;
    struct ifl_error inner = {0};
    while ((result = ifl_dataset_next(dataset, name, path, &record, &inner)) != IFL_END) {
        if (result == IFL_OK)
            check_image(totals, name, path, record);
        else if (result == IFL_ERR_CORRUPT)
            say_unreadable(totals, "metadata.jsonl", &inner);
        else
            break;
    }
    ifl_dataset_close(dataset);
    if (result != IFL_END && error)
        *error = inner;
    return result == IFL_END ? IFL_OK : result;
}

static enum ifl_result sum_up(struct totals *totals, struct ifl_error *error)
{
    double likeness = NAN;
    char note[160] = "";
    enum ifl_result result =
        ifl_likeness(totals->validator, totals->set, totals->in_set, &likeness, note, error);
    if (result != IFL_OK)
        return result;
    int accepted = totals->rejected[IFL_REJECT_NONE];
    if (totals->rows)
        result =
            ifl_print_json(json_pack("{si si si so ss sO}", "images", totals->images, "accepted",
                                     accepted, "unreadable", totals->unreadable, "likeness",
                                     isnan(likeness) ? json_null() : json_real(likeness),
                                     "likeness_note", note, "rows", totals->rows),
                           error);
    else if (isnan(likeness))
        printf("%d images, %d accepted, %d unreadable; likeness not known: %s\n", totals->images,
               accepted, totals->unreadable, note);
    else
        printf("%d images, %d accepted, %d unreadable; likeness ratio %.2f\n", totals->images,
               accepted, totals->unreadable, likeness);
    if (result == IFL_OK && !totals->images)
        return ifl_fail(error, IFL_ERR_NOT_FOUND, "validate", "the folder holds no readable image");
    if (result == IFL_OK && (accepted < totals->images || totals->unreadable))
        return ifl_fail(error, IFL_ERR_REJECTED, "validate", "%d of %d images are not acceptable",
                        totals->images - accepted + totals->unreadable,
                        totals->images + totals->unreadable);
    return result;
}

enum ifl_result ifl_command_validate(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_config *config = arguments->config;
    if (!config->profile[0])
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "say what to compare with: --profile FILE, made by `inferloop profile`");
    struct ifl_profile *profile = NULL;
    struct ifl_validator *validator = NULL;
    struct totals *totals = calloc(1, sizeof *totals);
    enum ifl_result result =
        totals ? ifl_profile_load(config->profile, &profile, error)
               : ifl_fail(error, IFL_ERR_NO_MEMORY, "validate", "no memory to validate");
    if (result == IFL_OK)
        result = ifl_validator_create(profile, &validator, error);
    if (result == IFL_OK) {
        totals->validator = validator;
        totals->config = config;
        totals->rows = config->json ? json_array() : NULL;
        result = check_all(totals, arguments->word[0], error);
        if (result == IFL_OK)
            result = sum_up(totals, error);
        json_decref(totals->rows);
        while (totals->in_set)
            ifl_image_unref(totals->set[--totals->in_set]);
    }
    ifl_validator_destroy(validator);
    ifl_profile_unref(profile);
    free(totals);
    return result;
}
