// SPDX-License-Identifier: Apache-2.0
// Profiles as files: little-endian, the same on every machine.
//
//   magic "IFLPROF" 0, u32 version, u32 sections, u64 bytes of the file, u32 CRC of these 24 bytes
//   per section: 4 bytes tag, u32 CRC of tag, length and content, u64 length, content
//
// The first 28 bytes stay as they are in every future version. Sections in order:
//   STAT  the document (document.h)
//   SIZE  u32 base width, base height, levels, memory frames, events
//   PLAT  the plate at the base level, RGB24
//   EVNT  events
//   MEMO  memory frames, each u32 length and a zstd frame: numbers, light, components, difference
//         of the picture to the plate (modulo 256), labels
// Version 2 adds, where the number of components has LOCAL set, the local light to the light of a
// frame; and where it has WEIGHED set, its weight after that. A profile in which no frame has any
// is written as version 1. Coarser levels are means of finer ones and are made again on loading.
// Every length is checked against what is really there before anything is allocated for it.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "core/profile.h"
#include "kernels/local_light.h"
#include "profile/bytes.h"
#include "profile/document.h"
#include "profile/file.h"
#include "profile/identify.h"
#include "profile/pyramid.h"

static const char stage[] = "profile";
static const uint8_t magic[8] = "IFLPROF";

enum {
    VERSION = 2,
    VERSION_UNIFORM = 1,
    HEADER_BYTES = 28,
    SECTION_BYTES = 16,
    SECTIONS = 5,
    EVENT_BYTES = 32,
    COMPONENT_BYTES = 28,
    FRAME_BYTES = 52, // of a memory frame without components and pixels
    LIGHT_CELLS = 3 * IFL_LIGHT_DOWN * IFL_LIGHT_ACROSS,
    LIGHT_LEAST = -3072, // of a cell
    LIGHT_MOST = 12288,
    LOCAL = 1 << 16, // beside the number of components
    WEIGHED = 1 << 17,
    BASE_PIXELS_MAX = 1 << 21,
    EVENTS_MAX = 1 << 16,
    ZSTD_LEVEL = 3,
};
static const size_t file_bytes_max = (size_t)2 << 30;

// ---- writing ----

static size_t base_pixels(const struct ifl_profile *profile)
{
    int base = profile->levels - 1;
    return base < 0 ? 0 : (size_t)profile->level_width[base] * (size_t)profile->level_height[base];
}

// Content is appended between begin and end; returns where the section began.
static size_t begin_section(struct ifl_writer *out, const char tag[4])
{
    size_t at = out->count;
    ifl_write_bytes(out, tag, 4);
    ifl_write_u32(out, 0);
    ifl_write_u64(out, 0);
    return at;
}

static uint32_t section_crc(const uint8_t *section, size_t length)
{
    uLong crc = crc32(0, section, 4);
    return (uint32_t)crc32_z(crc, section + 8, length + 8);
}

static void end_section(struct ifl_writer *out, size_t at)
{
    if (out->failed)
        return;
    size_t length = out->count - at - SECTION_BYTES;
    ifl_put_u64(out->bytes + at + 8, length);
    ifl_put_u32(out->bytes + at + 4, section_crc(out->bytes + at, length));
}

static void write_size(struct ifl_writer *out, const struct ifl_profile *profile)
{
    int base = profile->levels > 0 ? profile->levels - 1 : 0;
    ifl_write_u32(out, (uint32_t)profile->level_width[base]);
    ifl_write_u32(out, (uint32_t)profile->level_height[base]);
    ifl_write_u32(out, (uint32_t)profile->levels);
    ifl_write_u32(out, (uint32_t)profile->memory_frames);
    ifl_write_u32(out, (uint32_t)profile->events);
}

static void write_event(struct ifl_writer *out, const struct ifl_event *event)
{
    ifl_write_u32(out, event->id);
    ifl_write_u32(out, event->identity);
    ifl_write_u64(out, event->first_index);
    ifl_write_u64(out, event->last_index);
    ifl_write_u32(out, event->frames);
    ifl_write_u32(out, (uint32_t)event->height_max);
}

static void write_component(struct ifl_writer *out, const struct ifl_component *component)
{
    ifl_write_u32(out, (uint32_t)component->x);
    ifl_write_u32(out, (uint32_t)component->y);
    ifl_write_u32(out, (uint32_t)component->width);
    ifl_write_u32(out, (uint32_t)component->height);
    ifl_write_u32(out, (uint32_t)component->area);
    ifl_write_u32(out, component->edges);
    ifl_write_u32(out, component->event);
}

static void write_frame(struct ifl_writer *out, const struct ifl_profile *profile,
                        const struct ifl_memory_frame *frame, const float *weight)
{
    int base = profile->levels - 1;
    size_t pixels = base_pixels(profile);
    ifl_write_u64(out, frame->sequence);
    ifl_write_u64(out, frame->media_index);
    ifl_write_u64(out, (uint64_t)frame->capture_wall_ns);
    for (int c = 0; c < 3; c++)
        ifl_write_f32(out, frame->gain[c]);
    for (int c = 0; c < 3; c++)
        ifl_write_f32(out, frame->offset[c]);
    bool local = !ifl_local_light_is_uniform(&frame->local);
    const int16_t *cell = &frame->local.cell[0][0][0];
    ifl_write_u32(out,
                  (uint32_t)frame->components | (local ? LOCAL : 0u) | (weight ? WEIGHED : 0u));
    for (int i = 0; local && i < LIGHT_CELLS; i++)
        ifl_write_u32(out, (uint32_t)cell[i]);
    if (weight)
        ifl_write_f32(out, *weight);
    for (int i = 0; i < frame->components; i++)
        write_component(out, &frame->component[i]);
    uint8_t *to = ifl_write_space(out, 3 * pixels);
    for (size_t i = 0; to && i < 3 * pixels; i++)
        to[i] = (uint8_t)(frame->level[base][i] - profile->plate[base][i]);
    ifl_write_bytes(out, frame->label, pixels);
}

static void write_memory(struct ifl_writer *out, const struct ifl_profile *profile)
{
    struct ifl_writer raw = {0};
    for (int i = 0; i < profile->memory_frames && !out->failed; i++) {
        raw.count = 0;
        write_frame(&raw, profile, profile->memory[i],
                    profile->memory_weight ? &profile->memory_weight[i] : NULL);
        size_t at = out->count, bound = ZSTD_compressBound(raw.count);
        ifl_write_u32(out, 0);
        uint8_t *to = raw.failed ? NULL : ifl_write_space(out, bound);
        size_t length = to ? ZSTD_compress(to, bound, raw.bytes, raw.count, ZSTD_LEVEL) : 0;
        if (!to || ZSTD_isError(length)) {
            out->failed = 1;
            break;
        }
        out->count = at + 4 + length;
        ifl_put_u32(out->bytes + at, (uint32_t)length);
    }
    free(raw.bytes);
}

static uint32_t version_of(const struct ifl_profile *profile)
{
    if (profile->memory_weight && profile->memory_frames > 0)
        return VERSION;
    for (int i = 0; i < profile->memory_frames; i++)
        if (!ifl_local_light_is_uniform(&profile->memory[i]->local))
            return VERSION;
    return VERSION_UNIFORM;
}

static void write_all(struct ifl_writer *out, const struct ifl_profile *profile,
                      const char *document)
{
    ifl_write_bytes(out, magic, sizeof magic);
    ifl_write_u32(out, version_of(profile));
    ifl_write_u32(out, SECTIONS);
    ifl_write_u64(out, 0);
    ifl_write_u32(out, 0);
    size_t at = begin_section(out, "STAT");
    ifl_write_bytes(out, document, strlen(document));
    end_section(out, at);
    at = begin_section(out, "SIZE");
    write_size(out, profile);
    end_section(out, at);
    at = begin_section(out, "PLAT");
    if (profile->levels > 0)
        ifl_write_bytes(out, profile->plate[profile->levels - 1], 3 * base_pixels(profile));
    end_section(out, at);
    at = begin_section(out, "EVNT");
    for (int i = 0; i < profile->events; i++)
        write_event(out, &profile->event[i]);
    end_section(out, at);
    at = begin_section(out, "MEMO");
    write_memory(out, profile);
    end_section(out, at);
    if (out->failed)
        return;
    ifl_put_u64(out->bytes + 16, out->count);
    ifl_put_u32(out->bytes + 24, (uint32_t)crc32(0, out->bytes, 24));
}

enum ifl_result ifl_profile_save(const struct ifl_profile *profile, const char *path,
                                 struct ifl_error *error)
{
    struct ifl_writer out = {0};
    char *document = ifl_profile_json(profile);
    if (document)
        write_all(&out, profile, document);
    enum ifl_result result =
        !document || out.failed
            ? ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to write %s", path)
            : ifl_write_file(path, out.bytes, out.count, 0600, error);
    free(document);
    free(out.bytes);
    return result;
}

// ---- reading ----

struct section {
    const uint8_t *content;
    size_t length;
};

static enum ifl_result corrupt(struct ifl_error *error, const char *path, const char *what)
{
    return ifl_fail(error, IFL_ERR_CORRUPT, stage,
                    "%s is damaged: %s; take a copy of it, or profile the source again", path,
                    what);
}

static enum ifl_result check_header(const char *path, const uint8_t *bytes, size_t count,
                                    struct ifl_error *error)
{
    if (count == 0)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage, "%s is empty; profile the source again",
                        path);
    if (count < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage,
                        "%s is no inferloop profile; make one with `inferloop profile SOURCE -o "
                        "FILE`",
                        path);
    if (count < HEADER_BYTES)
        return corrupt(error, path, "it ends within its header");
    if (ifl_get_u32(bytes + 24) != (uint32_t)crc32(0, bytes, 24))
        return corrupt(error, path, "its header does not match its check sum");
    uint32_t version = ifl_get_u32(bytes + 8);
    if (version > VERSION)
        return ifl_fail(error, IFL_ERR_VERSION, stage,
                        "%s has format version %" PRIu32 ", this program reads up to %d; use a "
                        "newer inferloop",
                        path, version, VERSION);
    uint64_t whole = ifl_get_u64(bytes + 16);
    if (whole != count)
        return ifl_fail(error, IFL_ERR_CORRUPT, stage,
                        "%s has %zu of %" PRIu64 " bytes; copy it again", path, count, whole);
    if (version < VERSION_UNIFORM || ifl_get_u32(bytes + 12) != SECTIONS)
        return corrupt(error, path, "its header is not valid");
    return IFL_OK;
}

static enum ifl_result find_sections(const char *path, const uint8_t *bytes, size_t count,
                                     struct section section[SECTIONS], struct ifl_error *error)
{
    static const char tags[SECTIONS][5] = {"STAT", "SIZE", "PLAT", "EVNT", "MEMO"};
    size_t at = HEADER_BYTES;
    for (int s = 0; s < SECTIONS; s++) {
        if (count - at < SECTION_BYTES || memcmp(bytes + at, tags[s], 4) != 0)
            return corrupt(error, path, "a section is missing");
        uint64_t length = ifl_get_u64(bytes + at + 8);
        if (length > count - at - SECTION_BYTES)
            return corrupt(error, path, "a section is longer than the file");
        if (section_crc(bytes + at, (size_t)length) != ifl_get_u32(bytes + at + 4))
            return corrupt(error, path, "a section does not match its check sum");
        section[s] = (struct section){bytes + at + SECTION_BYTES, (size_t)length};
        at += SECTION_BYTES + (size_t)length;
    }
    return at == count ? IFL_OK : corrupt(error, path, "something follows its last section");
}

// Level sizes follow from the base: each coarser one has half the sides.
static int read_size(const struct section *section, struct ifl_profile *profile)
{
    struct ifl_reader in = {section->content, section->length, 0};
    uint32_t width = ifl_read_u32(&in), height = ifl_read_u32(&in), levels = ifl_read_u32(&in);
    uint32_t frames = ifl_read_u32(&in), events = ifl_read_u32(&in);
    if (in.failed || in.count || levels > IFL_LEVELS_MAX || frames > IFL_MEMORY_MAX ||
        events > EVENTS_MAX)
        return -1;
    if (levels == 0)
        return frames || events ? -1 : 0;
    uint32_t step = 1u << (levels - 1);
    if (width < 1 || height < 1 || width > 1u << 14 || height > 1u << 14 ||
        width * height > BASE_PIXELS_MAX || width % step || height % step)
        return -1;
    profile->levels = (int)levels;
    for (uint32_t l = 0; l < levels; l++) {
        profile->level_width[l] = (int)(width / step) << l;
        profile->level_height[l] = (int)(height / step) << l;
    }
    profile->memory_frames = (int)frames;
    profile->events = (int)events;
    return 0;
}

// Makes the coarser levels; -1: out of memory.
static int fill_levels(const struct ifl_profile *profile, const uint8_t *level[IFL_LEVELS_MAX])
{
    for (int l = profile->levels - 1; l > 0; l--) {
        int width = profile->level_width[l], height = profile->level_height[l];
        uint8_t *to = malloc(3 * (size_t)(width / 2) * (size_t)(height / 2));
        if (!to)
            return -1;
        ifl_pyramid_halve(level[l], width, height, to);
        level[l - 1] = to;
    }
    return 0;
}

static int read_plate(const struct section *section, struct ifl_profile *profile)
{
    if (section->length != 3 * base_pixels(profile))
        return -1;
    if (profile->levels == 0)
        return 0;
    uint8_t *plate = malloc(section->length);
    if (!plate)
        return -2;
    memcpy(plate, section->content, section->length);
    profile->plate[profile->levels - 1] = plate;
    return fill_levels(profile, profile->plate) == 0 ? 0 : -2;
}

static int read_events(const struct section *section, struct ifl_profile *profile)
{
    struct ifl_reader in = {section->content, section->length, 0};
    if (section->length != (size_t)profile->events * EVENT_BYTES)
        return -1;
    struct ifl_event *event = calloc((size_t)profile->events + 1, sizeof *event);
    if (!event)
        return -2;
    profile->event = event;
    for (int i = 0; i < profile->events; i++) {
        event[i].id = ifl_read_u32(&in);
        event[i].identity = ifl_read_u32(&in);
        event[i].first_index = ifl_read_u64(&in);
        event[i].last_index = ifl_read_u64(&in);
        event[i].frames = ifl_read_u32(&in);
        event[i].height_max = (int)ifl_read_u32(&in);
        if (event[i].id <= (i ? event[i - 1].id : 0) || event[i].identity == 0 ||
            event[i].height_max < 0)
            return -1;
    }
    return 0;
}

static int component_is_valid(const struct ifl_profile *profile, const struct ifl_component *c)
{
    int base = profile->levels - 1;
    int width = profile->level_width[base], height = profile->level_height[base];
    return c->x >= 0 && c->y >= 0 && c->width >= 1 && c->height >= 1 && c->width <= width &&
           c->height <= height && c->x <= width - c->width && c->y <= height - c->height &&
           c->area >= 1 && c->area <= width * height && c->edges < 16 &&
           ifl_profile_event(profile, c->event);
}

static int read_components(struct ifl_reader *in, const struct ifl_profile *profile,
                           struct ifl_memory_frame *frame)
{
    struct ifl_component *component = calloc((size_t)frame->components + 1, sizeof *component);
    if (!component)
        return -2;
    frame->component = component;
    for (int i = 0; i < frame->components; i++) {
        struct ifl_component *c = &component[i];
        c->x = (int)ifl_read_u32(in);
        c->y = (int)ifl_read_u32(in);
        c->width = (int)ifl_read_u32(in);
        c->height = (int)ifl_read_u32(in);
        c->area = (int)ifl_read_u32(in);
        c->edges = ifl_read_u32(in);
        c->event = ifl_read_u32(in);
        if (in->failed || !component_is_valid(profile, c))
            return -1;
    }
    return 0;
}

static int read_pixels(struct ifl_reader *in, const struct ifl_profile *profile,
                       struct ifl_memory_frame *frame)
{
    int base = profile->levels - 1;
    size_t pixels = base_pixels(profile);
    const uint8_t *difference = ifl_read_bytes(in, 3 * pixels), *from = ifl_read_bytes(in, pixels);
    if (in->failed || in->count)
        return -1;
    uint8_t *rgb = malloc(3 * pixels), *label = malloc(pixels);
    frame->level[base] = rgb;
    frame->label = label;
    if (!rgb || !label)
        return -2;
    for (size_t i = 0; i < 3 * pixels; i++)
        rgb[i] = (uint8_t)(difference[i] + profile->plate[base][i]);
    for (size_t i = 0; i < pixels; i++)
        if ((label[i] = from[i]) > frame->components)
            return -1;
    return fill_levels(profile, frame->level) == 0 ? 0 : -2;
}

static int light_is_valid(const struct ifl_memory_frame *frame)
{
    for (int c = 0; c < 3; c++)
        if (!(frame->gain[c] >= 0.01f && frame->gain[c] <= 100) ||
            !(frame->offset[c] >= -30000 && frame->offset[c] <= 30000))
            return 0;
    return 1;
}

static int read_local(struct ifl_reader *in, struct ifl_local_light *local)
{
    int16_t *cell = &local->cell[0][0][0];
    for (int i = 0; i < LIGHT_CELLS; i++) {
        int32_t value = (int32_t)ifl_read_u32(in);
        if (value < LIGHT_LEAST || value > LIGHT_MOST)
            return -1;
        cell[i] = (int16_t)value;
    }
    return 0;
}

static int read_frame(struct ifl_reader *in, const struct ifl_profile *profile,
                      struct ifl_memory_frame *frame, float *weight)
{
    frame->sequence = ifl_read_u64(in);
    frame->media_index = ifl_read_u64(in);
    frame->capture_wall_ns = (int64_t)ifl_read_u64(in);
    for (int c = 0; c < 3; c++)
        frame->gain[c] = ifl_read_f32(in);
    for (int c = 0; c < 3; c++)
        frame->offset[c] = ifl_read_f32(in);
    uint32_t components = ifl_read_u32(in);
    if (components & LOCAL && read_local(in, &frame->local) != 0)
        return -1;
    *weight = components & WEIGHED ? ifl_read_f32(in) : 0;
    components &= ~(uint32_t)(LOCAL | WEIGHED);
    if (in->failed || components > IFL_COMPONENTS_MAX || !light_is_valid(frame))
        return -1;
    frame->components = (int)components;
    int status = read_components(in, profile, frame);
    return status == 0 ? read_pixels(in, profile, frame) : status;
}

// Shares of one whole, or all 0: the profile has none.
static int check_weights(struct ifl_profile *profile)
{
    double sum = 0;
    for (int i = 0; i < profile->memory_frames; i++) {
        if (!(profile->memory_weight[i] >= 0 && profile->memory_weight[i] <= 1))
            return -1;
        sum += (double)profile->memory_weight[i];
    }
    if (sum > 0)
        return fabs(sum - 1) < 1e-3 ? 0 : -1;
    free(profile->memory_weight);
    profile->memory_weight = NULL;
    return 0;
}

static int read_memory(const struct section *section, struct ifl_profile *profile)
{
    size_t most = FRAME_BYTES + 4 * LIGHT_CELLS + 4 + IFL_COMPONENTS_MAX * COMPONENT_BYTES +
                  4 * base_pixels(profile);
    struct ifl_reader in = {section->content, section->length, 0};
    struct ifl_memory_frame **memory = calloc((size_t)profile->memory_frames + 1, sizeof *memory);
    float *weight = calloc((size_t)profile->memory_frames + 1, sizeof *weight);
    uint8_t *raw = malloc(most);
    int frames = profile->memory_frames, status = memory && weight && raw ? 0 : -2;
    profile->memory = memory;
    profile->memory_weight = weight;
    profile->memory_frames = 0;
    while (status == 0 && profile->memory_frames < frames) {
        uint32_t length = ifl_read_u32(&in);
        const uint8_t *packed = ifl_read_bytes(&in, length);
        size_t count = packed ? ZSTD_decompress(raw, most, packed, length) : 0;
        if (!packed || ZSTD_isError(count)) {
            status = -1;
            break;
        }
        struct ifl_memory_frame *frame = calloc(1, sizeof *frame);
        struct ifl_reader inner = {raw, count, 0};
        if (frame)
            frame->refs = 1;
        status = frame ? read_frame(&inner, profile, frame, &weight[profile->memory_frames]) : -2;
        if (status == 0)
            memory[profile->memory_frames++] = frame;
        else
            ifl_memory_frame_unref(frame);
    }
    free(raw);
    if (status == 0)
        status = in.count ? -1 : check_weights(profile);
    return status;
}

static enum ifl_result read_all(const char *path, const struct section section[SECTIONS],
                                struct ifl_profile *profile, struct ifl_error *error)
{
    enum ifl_result result =
        ifl_document_read((const char *)section[0].content, section[0].length, profile, error);
    if (result != IFL_OK)
        return result;
    int status = read_size(&section[1], profile);
    if (status == 0)
        status = read_plate(&section[2], profile);
    if (status == 0)
        status = read_events(&section[3], profile);
    if (status == 0)
        status = read_memory(&section[4], profile);
    else
        profile->memory_frames = 0;
    if (status == -2)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to load %s", path);
    if (status != 0)
        return corrupt(error, path, "its content is not valid");
    char id[IFL_PROFILE_ID_MAX];
    memcpy(id, profile->id, sizeof id);
    ifl_identify_profile(profile, NULL);
    return strcmp(id, profile->id) == 0
               ? IFL_OK
               : corrupt(error, path, "its content is not what its id says");
}

enum ifl_result ifl_profile_parse(const char *path, const uint8_t *bytes, size_t count,
                                  struct ifl_profile **profile, struct ifl_error *error)
{
    struct section section[SECTIONS];
    *profile = NULL;
    struct ifl_profile *out = calloc(1, sizeof *out);
    if (!out)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory to load %s", path);
    out->refs = 1;
    enum ifl_result result = check_header(path, bytes, count, error);
    if (result == IFL_OK)
        result = find_sections(path, bytes, count, section, error);
    if (result == IFL_OK)
        result = read_all(path, section, out, error);
    if (result == IFL_OK)
        *profile = out;
    else
        ifl_profile_unref(out);
    return result;
}

enum ifl_result ifl_profile_load(const char *path, struct ifl_profile **profile,
                                 struct ifl_error *error)
{
    uint8_t *bytes;
    size_t count;
    *profile = NULL;
    enum ifl_result result = ifl_read_file(path, file_bytes_max, &bytes, &count, error);
    if (result != IFL_OK)
        return result;
    result = ifl_profile_parse(path, bytes, count, profile, error);
    free(bytes);
    return result;
}
