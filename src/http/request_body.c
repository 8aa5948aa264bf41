// SPDX-License-Identifier: Apache-2.0
#include "http/request_body.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char room[] = "http";

enum kind { NUMBER, INTEGER, SEED, TEXT, PRIVACY };

// One row a field: its name, its place, its range (for texts: of bytes).
struct field {
    const char *name;
    enum kind kind;
    size_t offset;
    double least, greatest;
    enum { BOTH, NOW, LATER } taken_by; // generate, jobs
};

#define PLACE(member) offsetof(struct ifl_generate_body, member)

static const struct field fields[] = {
    {"source", TEXT, PLACE(source), 1, IFL_SOURCE_NAME_MAX - 1, BOTH},
    {"seed", SEED, PLACE(request.seed), 0, 0, BOTH},
    {"prompt", TEXT, PLACE(request.prompt), 0, IFL_PROMPT_MAX - 1, BOTH},
    {"guidance_scale", NUMBER, PLACE(request.guidance_scale), 0, 20, BOTH},
    {"privacy", PRIVACY, PLACE(request.privacy), 0, 0, BOTH},
    {"k", INTEGER, PLACE(request.k), IFL_K_MIN, IFL_K_MAX, BOTH},
    {"width", INTEGER, PLACE(request.width), IFL_IMAGE_SIDE_MIN, IFL_IMAGE_SIDE_MAX, BOTH},
    {"height", INTEGER, PLACE(request.height), IFL_IMAGE_SIDE_MIN, IFL_IMAGE_SIDE_MAX, BOTH},
#define TARGET(name, unit, least, greatest, of)                                                    \
    {#name, NUMBER, PLACE(request.target[IFL_TARGET_##name]), least, greatest, BOTH},
    IFL_TARGETS(TARGET)
#undef TARGET
        {"deadline_seconds", NUMBER, PLACE(deadline_seconds), 0.1, 60, NOW},
    {"deadline_seconds", NUMBER, PLACE(deadline_seconds), 0.1, 86400, LATER},
    {"count", INTEGER, PLACE(count), 1, 64, LATER},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static enum ifl_result wrong_type(const struct field *field, const char *wanted,
                                  struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_INVALID, room, "\"%s\" must be %s", field->name, wanted);
}

static enum ifl_result out_of_range(const struct field *field, double value,
                                    struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_INVALID, room, "\"%s\" is %.10g; give a number from %g to %g",
                    field->name, value, field->least, field->greatest);
}

static enum ifl_result read_number(const struct field *field, const json_t *value, void *place,
                                   struct ifl_error *error)
{
    if (!json_is_number(value))
        return wrong_type(field, "a number", error);
    double number = json_number_value(value);
    if (!(number >= field->least && number <= field->greatest))
        return out_of_range(field, number, error);
    *(double *)place = number;
    return IFL_OK;
}

static enum ifl_result read_integer(const struct field *field, const json_t *value, void *place,
                                    struct ifl_error *error)
{
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    if (number != floor(number)) // 64.0 is whole too
        return wrong_type(field, "a whole number", error);
    if (number < field->least || number > field->greatest)
        return out_of_range(field, number, error);
    *(int *)place = (int)number;
    return IFL_OK;
}

// A number, or its digits as a string, as records hold it: not all readers of JSON have 64 bits.
static enum ifl_result read_seed(const struct field *field, const json_t *value, void *place,
                                 struct ifl_error *error)
{
    uint64_t *seed = place;
    const char *text = json_string_value(value);
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *seed = (uint64_t)json_integer_value(value);
        return IFL_OK;
    }
    double number = json_is_real(value) ? json_real_value(value) : NAN;
    if (number == floor(number) && number >= 0 && number < 0x1p63) {
        *seed = (uint64_t)number;
        return IFL_OK;
    }
    errno = 0;
    if (text && text[0] && strspn(text, "0123456789") == strlen(text)) {
        *seed = strtoull(text, NULL, 10);
        if (errno == 0)
            return IFL_OK;
    }
    return wrong_type(field,
                      "a whole number from 0 to 18446744073709551615 (as a string above "
                      "9223372036854775807)",
                      error);
}

static enum ifl_result read_text(const struct field *field, const json_t *value, void *place,
                                 struct ifl_error *error)
{
    if (!json_is_string(value)) // bytes 0 inside were refused by the parser
        return wrong_type(field, "a string", error);
    size_t bytes = json_string_length(value);
    if ((double)bytes < field->least)
        return wrong_type(field, "a string that is not empty", error);
    if ((double)bytes > field->greatest)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, room, "\"%s\" has %zu bytes; at most %g fit",
                        field->name, bytes, field->greatest);
    memcpy(place, json_string_value(value), bytes + 1);
    return IFL_OK;
}

static enum ifl_result read_privacy(const struct field *field, const json_t *value, void *place,
                                    struct ifl_error *error)
{
    char list[128] = "";
    for (int mode = IFL_PRIVACY_VERBATIM; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        const char *name = ifl_privacy_name((enum ifl_privacy)mode);
        if (json_is_string(value) && strcmp(json_string_value(value), name) == 0) {
            *(enum ifl_privacy *)place = (enum ifl_privacy)mode;
            return IFL_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s\"%s\"", used ? ", " : "one of ", name);
    }
    return wrong_type(field, list, error);
}

static enum ifl_result (*const read_kind[])(const struct field *, const json_t *, void *,
                                            struct ifl_error *) = {
    [NUMBER] = read_number, [INTEGER] = read_integer, [SEED] = read_seed,
    [TEXT] = read_text,     [PRIVACY] = read_privacy,
};

static bool is_taken(const struct field *field, const struct ifl_generate_body *body)
{
    return field->taken_by == BOTH || (field->taken_by == LATER) == body->job;
}

static enum ifl_result unknown_field(const char *name, const struct ifl_generate_body *body,
                                     struct ifl_error *error)
{
    char list[320] = "";
    for (int i = 0; i < FIELDS; i++) {
        size_t used = strlen(list);
        if (is_taken(&fields[i], body))
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", fields[i].name);
    }
    return ifl_fail(error, IFL_ERR_INVALID, room, "there is no field \"%.64s\"; there are %s", name,
                    list);
}

static enum ifl_result read_field(const char *name, const json_t *value,
                                  struct ifl_generate_body *body, struct ifl_error *error)
{
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0 && is_taken(&fields[i], body))
            return read_kind[fields[i].kind](&fields[i], value, (char *)body + fields[i].offset,
                                             error);
    return unknown_field(name, body, error);
}

static enum ifl_result read_fields(json_t *root, struct ifl_generate_body *body, char field[64],
                                   struct ifl_error *error)
{
    if (!json_is_object(root))
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "the body must be a JSON object as {\"seed\": 7}");
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        snprintf(field, 64, "%s", name);
        enum ifl_result result = read_field(name, value, body, error);
        if (result != IFL_OK)
            return result;
    }
    bool one_side = !json_object_get(root, "width") != !json_object_get(root, "height");
    snprintf(field, 64, "%s", one_side ? "width" : "");
    if (one_side)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "give \"width\" and \"height\" together, or neither");
    return ifl_request_check(&body->request, error);
}

enum ifl_result ifl_generate_body_parse(const char *text, size_t bytes,
                                        struct ifl_generate_body *body, char field[64],
                                        struct ifl_error *error)
{
    field[0] = 0;
    if (bytes == 0)
        return ifl_request_check(&body->request, error);
    json_error_t fault;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!root)
        return ifl_fail(error, IFL_ERR_INVALID, room,
                        "the body is not JSON: line %d, column %d: %s", fault.line, fault.column,
                        fault.text);
    enum ifl_result result = read_fields(root, body, field, error);
    json_decref(root);
    return result;
}
