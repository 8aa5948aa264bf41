// SPDX-License-Identifier: Apache-2.0
// The record of an image. Three rules keep a column of many records loadable:
// - every key is always there and always of one type. A value that is not known, or not asked for,
//   is -1 (no value here can be negative), never null: a reader that infers types from the first
//   10 MB of nulls refuses the first number after them;
// - seeds are strings: 64 bits fit neither a double nor a signed integer;
// - a line has at most IFL_RECORD_MAX bytes; the prompt is cut to keep it so, and says that it was.
#include "deliver/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "deliver/text.h"

enum { DUMP_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(9), TEXT_MAX = 256 };

static json_t *text(const char *value, size_t bytes)
{
    char clean[TEXT_MAX];
    size_t length = ifl_text_clean(value, bytes, clean, sizeof clean);
    return json_stringn(clean, length);
}

#define FIELD(array) text((array), sizeof(array))

static json_t *number(double value)
{
    return json_real(isfinite(value) ? value : -1.0);
}

static json_t *count(uint64_t value)
{
    return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static json_t *make_parameters(const struct ifl_synthetic *synthetic)
{
    const struct ifl_request *request = &synthetic->request;
    const struct ifl_image *image = synthetic->image;
    int width = image ? image->width : request->width;
    int height = image ? image->height : request->height;
    json_t *parameters =
        json_pack("{si si si so ss sb so}", "width", width, "height", height, "steps",
                  request->steps, "guidance_scale", number(request->guidance_scale), "prompt", "",
                  "prompt_cut", 0, "unknown_words", FIELD(synthetic->unknown_words));
    for (int t = 0; t < IFL_TARGET_COUNT; t++)
        json_object_set_new(parameters, ifl_target_row((enum ifl_target)t)->name,
                            number(request->target[t]));
    return parameters;
}

// What became of what was asked, by numbers or by words.
static json_t *make_attained(const struct ifl_synthetic *synthetic)
{
    json_t *all = json_object();
    for (int t = 0; t < IFL_TARGET_COUNT; t++) {
        const struct ifl_attained *target = &synthetic->attained[t];
        json_object_set_new(all, ifl_target_row((enum ifl_target)t)->name,
                            json_pack("{so so sb}", "asked", number(target->asked), "got",
                                      number(target->got), "met", target->met));
    }
    return all;
}

static json_t *make_scores(const struct ifl_scores *scores)
{
    return json_pack("{so so so so so so so so}", "sharpness", number(scores->sharpness), "clipped",
                     number(scores->clipped), "artefact", number(scores->artefact),
                     "artefact_limit", number(scores->artefact_limit), "texture",
                     number(scores->texture), "texture_limit", number(scores->texture_limit),
                     "seam", number(scores->seam), "light", number(scores->light));
}

static json_t *make_audit(const struct ifl_audit *audit)
{
    return json_pack("{so so so so so si si sb so so si si so}", "foreground_share",
                     number(audit->foreground_share), "support_1", number(audit->support_1),
                     "support_2", number(audit->support_2), "support_4", number(audit->support_4),
                     "largest_event_share", number(audit->largest_event_share), "verbatim_pixels",
                     audit->verbatim_pixels, "verbatim_limit", audit->verbatim_limit,
                     "verbatim_gate", (int)audit->verbatim_gate, "nearest_rms",
                     number(audit->nearest_rms), "nearest_sequence", count(audit->nearest_sequence),
                     "objects", audit->objects, "objects_refused", audit->objects_refused, "note",
                     FIELD(audit->note));
}

static json_t *make_record(const struct ifl_synthetic *synthetic, const char *file_name)
{
    const struct ifl_request *request = &synthetic->request;
    char seed[24], time[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)request->seed);
    ifl_wall_format(synthetic->created_wall_ns, time);
    return json_pack(
        "{so ss sb ss so ss si so so so so so so ss si so so so ss so so}", "file_name",
        text(file_name, TEXT_MAX), "schema", IFL_RECORD_SCHEMA, "synthetic", 1, "seed", seed,
        "engine", FIELD(synthetic->engine), "privacy", ifl_privacy_name(request->privacy), "k",
        request->k, "parameters", make_parameters(synthetic), "attained", make_attained(synthetic),
        "adapted", FIELD(synthetic->adapted), "profile_id", FIELD(synthetic->profile_id), "source",
        FIELD(synthetic->source), "licence", FIELD(synthetic->licence), "time", time, "attempt",
        synthetic->attempt, "likeness", number(synthetic->likeness), "scores",
        make_scores(&synthetic->scores), "audit", make_audit(&synthetic->audit), "rejection",
        ifl_rejection_name(synthetic->rejection), "generate_seconds",
        number(synthetic->generate_seconds), "validate_seconds",
        number(synthetic->validate_seconds));
}

// Ends `prompt` between characters where its JSON form would exceed `room` bytes.
static bool cut_to_room(char *prompt, size_t length, size_t room)
{
    size_t at = 0, used = 0;
    while (at < length) {
        size_t bytes = ifl_text_character((unsigned char *)prompt + at, length - at);
        size_t coded = prompt[at] == '"' || prompt[at] == '\\' ? 2 : bytes;
        if (used + coded > room)
            break;
        used += coded;
        at += bytes;
    }
    prompt[at] = 0;
    return at < length;
}

static int set_prompt(json_t *record, const char *prompt, size_t room)
{
    char clean[IFL_PROMPT_MAX];
    size_t length = ifl_text_clean(prompt, IFL_PROMPT_MAX, clean, sizeof clean);
    bool cut = cut_to_room(clean, length, room);
    json_t *parameters = json_object_get(record, "parameters");
    return json_object_set_new(parameters, "prompt", json_string(clean)) |
           json_object_set_new(parameters, "prompt_cut", json_boolean(cut));
}

char *ifl_synthetic_json(const struct ifl_synthetic *synthetic, const char *file_name)
{
    json_t *record = make_record(synthetic, file_name);
    char *line = record ? json_dumps(record, DUMP_FLAGS) : NULL;
    size_t length = line ? strlen(line) : 0;
    if (line && length <= IFL_RECORD_MAX && synthetic->request.prompt[0]) {
        size_t room = IFL_RECORD_MAX - length;
        free(line);
        line = set_prompt(record, synthetic->request.prompt, room) == 0
                   ? json_dumps(record, DUMP_FLAGS)
                   : NULL;
    }
    json_decref(record);
    return line;
}
