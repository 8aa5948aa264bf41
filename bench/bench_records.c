// SPDX-License-Identifier: Apache-2.0
// What the judges must know and no delivered image may say: who stood where in the memory, and of
// whom an image's objects were made. For bench/ and tests only; it prints JSON.
//
//   bench_records memory PROFILE FOLDER      frames.raw, labels.raw, plate.raw; their list on
//   stdout bench_records objects PROFILE MODE K SEED...   a line for each seed: the objects of that
//   image bench_records truth URI FRAMES           a line for each frame of the pattern: who is
//   where
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/layout.h"
#include "generate/objects_internal.h"
#include "source/pattern.h"

// As in generate/analytic.c; the judges compare what comes out with the pixels, so a drift shows.
enum { LAYOUT_STREAM = 0, OBJECT_STREAM = 2 };

static int complain(const struct ifl_error *error)
{
    fprintf(stderr, "bench_records: %s\n", error->text);
    return 1;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file)
        fprintf(stderr, "bench_records: cannot write %s\n", path);
    return file;
}

static void print_components(const struct ifl_memory_frame *frame)
{
    for (int i = 0; i < frame->components; i++) {
        const struct ifl_component *c = &frame->component[i];
        printf("%s[%d,%d,%d,%d,%d,%u,%u]", i ? "," : "", c->x, c->y, c->width, c->height, c->area,
               c->edges, c->event);
    }
}

static void print_memory(const struct ifl_profile *profile)
{
    int base = profile->levels - 1;
    printf("{\"width\":%d,\"height\":%d,\"occupancy\":{\"rate\":%.6f,\"count\":%.6f,\"area\":%.6f},"
           "\"frames\":[",
           profile->level_width[base], profile->level_height[base], profile->occupancy.rate,
           profile->occupancy.count_mean, profile->occupancy.area_mean);
    for (int f = 0; f < profile->memory_frames; f++) {
        const struct ifl_memory_frame *frame = profile->memory[f];
        printf("%s{\"index\":%" PRIu64 ",\"components\":[", f ? "," : "", frame->media_index);
        print_components(frame);
        printf("]}");
    }
    printf("],\"events\":[");
    for (int i = 0; i < profile->events; i++) {
        const struct ifl_event *event = &profile->event[i];
        printf("%s[%u,%u,%" PRIu64 ",%" PRIu64 "]", i ? "," : "", event->id, event->identity,
               event->first_index, event->last_index);
    }
    printf("]}\n");
}

static int dump_memory(const struct ifl_profile *profile, const char *folder)
{
    int base = profile->levels - 1;
    size_t pixels = (size_t)profile->level_width[base] * (size_t)profile->level_height[base];
    FILE *frames = open_in(folder, "frames.raw"), *labels = open_in(folder, "labels.raw");
    FILE *plate = open_in(folder, "plate.raw");
    bool good = frames && labels && plate;
    for (int f = 0; good && f < profile->memory_frames; f++)
        good = fwrite(profile->memory[f]->level[base], 3, pixels, frames) == pixels &&
               fwrite(profile->memory[f]->label, 1, pixels, labels) == pixels;
    good = good && fwrite(profile->plate[base], 3, pixels, plate) == pixels;
    FILE *const files[] = {frames, labels, plate};
    for (int i = 0; i < 3; i++)
        good = files[i] && fclose(files[i]) == 0 && good;
    print_memory(profile);
    return !good;
}

// ---- deidentify ----

static void print_blend(const struct ifl_objects *objects, const struct ifl_blend *blend)
{
    printf("[");
    for (int i = 0; i < blend->count; i++)
        printf("%s[%u,%.4f]", i ? "," : "", objects->identity[blend->identity[i]].id,
               blend->weight[i]);
    printf("]");
}

static void print_record(const struct ifl_objects *objects, const struct ifl_object_record *record)
{
    const struct ifl_placement *p = &record->placement;
    float half = p->height * BOX / (2 * BODY);
    printf("{\"box\":[%.1f,%.1f,%.1f,%.1f],\"kind\":%d,\"slot\":%u,\"body\":",
           (double)(p->foot_x - half), (double)(p->foot_y - p->height), (double)(2 * half),
           (double)p->height, (int)p->kind,
           record->slot_identity < 0 ? 0 : objects->identity[record->slot_identity].id);
    print_blend(objects, &record->body);
    printf(",\"palette\":");
    print_blend(objects, &record->palette);
    printf("}");
}

static int print_blends(const struct ifl_profile *profile, int k, uint64_t seed,
                        struct ifl_objects **objects, struct ifl_error *error)
{
    static struct ifl_object_record record[PLACEMENTS_MAX];
    if (!*objects && ifl_objects_create(profile, objects, error) != IFL_OK)
        return complain(error);
    size_t pixels = (size_t)(*objects)->width * (size_t)(*objects)->height;
    uint8_t *canvas = malloc(pixels * 3);
    if (!canvas)
        return 1;
    memcpy(canvas, profile->plate[profile->levels - 1], pixels * 3);
    struct ifl_rng rng;
    struct ifl_audit audit = {0};
    ifl_rng_split(&rng, seed, OBJECT_STREAM);
    enum ifl_result result = ifl_objects_paint_recorded(*objects, k, 0, &rng, canvas, &audit,
                                                        record, PLACEMENTS_MAX, error);
    free(canvas);
    if (result != IFL_OK)
        return complain(error);
    for (int i = 0; i < audit.objects; i++) {
        printf("%s", i ? "," : "");
        print_record(*objects, &record[i]);
    }
    return 0;
}

// ---- verbatim and k-anonymous ----

// The components of which at least nine tenths are in the layout.
static void print_kept(const struct ifl_memory *memory, const struct ifl_layout *layout)
{
    int base = ifl_base_level(memory),
        pixels = memory->grid[base].width * memory->grid[base].height;
    bool first = true;
    for (int f = 0; f < memory->frames; f++) {
        const struct ifl_memory_frame *frame = memory->profile->memory[f];
        int kept[IFL_COMPONENTS_MAX + 1] = {0};
        for (int i = 0; i < pixels; i++)
            kept[frame->label[i]] += layout->frame[i] == f;
        for (int i = 0; i < frame->components; i++) {
            const struct ifl_component *c = &frame->component[i];
            const struct ifl_event *event = ifl_profile_event(memory->profile, c->event);
            if (kept[i + 1] * 10 < c->area * 9 || !event)
                continue;
            printf("%s{\"box\":[%d,%d,%d,%d],\"frame\":%d,\"slot\":%u}", first ? "" : ",", c->x,
                   c->y, c->width, c->height, f, event->identity);
            first = false;
        }
    }
}

static int print_layout(const struct ifl_memory *memory, const struct ifl_support *support, int k,
                        uint64_t seed, struct ifl_error *error)
{
    struct ifl_layout_config config = {.support = support, .k = k};
    struct ifl_layout layout;
    struct ifl_rng rng;
    if (ifl_layout_init(&layout, memory, error) != IFL_OK)
        return complain(error);
    ifl_rng_split(&rng, seed, LAYOUT_STREAM);
    ifl_layout_make(memory, &config, &rng, &layout);
    print_kept(memory, &layout);
    ifl_layout_fini(&layout);
    return 0;
}

static int print_objects(const struct ifl_profile *profile, const char *mode, int k, char **seed,
                         int seeds)
{
    struct ifl_error error = {0};
    struct ifl_objects *objects = NULL;
    struct ifl_memory *memory = NULL;
    struct ifl_support *support = NULL;
    bool blends = !strcmp(mode, "deidentify"), failed = false;
    if (!blends && ifl_memory_create(profile, &memory, &error) != IFL_OK)
        return complain(&error);
    if (!strcmp(mode, "k-anonymous") && !(support = ifl_support_create(memory)))
        failed = true;
    for (int i = 0; i < seeds && !failed; i++) {
        uint64_t value = strtoull(seed[i], NULL, 10);
        printf("[");
        failed = blends ? print_blends(profile, k, value, &objects, &error)
                        : print_layout(memory, support, k, value, &error);
        printf("]\n");
    }
    ifl_objects_destroy(objects);
    ifl_support_destroy(support);
    ifl_memory_destroy(memory);
    return failed;
}

static bool write_frame(FILE *file, const struct ifl_frame *frame)
{
    bool good = fputs("FRAME\n", file) >= 0;
    for (int i = 0; i < 3; i++) {
        int width, height;
        ifl_plane_size(frame->format, frame->width, frame->height, i, &width, &height);
        for (int y = 0; y < height && good; y++)
            good = fwrite(frame->plane[i] + (ptrdiff_t)y * frame->stride[i], 1, (size_t)width,
                          file) == (size_t)width;
    }
    return good;
}

static int draw_pattern(const char *uri, uint64_t frames, const char *path)
{
    struct ifl_error error = {0};
    struct ifl_pattern_config config;
    struct ifl_pattern_scene *scene = NULL;
    ifl_pattern_config_init(&config);
    if (ifl_pattern_parse(uri, &config, &error) != IFL_OK ||
        ifl_pattern_create(&config, &scene, &error) != IFL_OK)
        return complain(&error);
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, config.width, config.height);
    FILE *file = fopen(path, "wb");
    bool good = frame && file &&
                fprintf(file, "YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n",
                        config.width, config.height) > 0;
    for (uint64_t f = 0; f < frames && good; f++) {
        ifl_pattern_draw(scene, f, frame);
        good = write_frame(file, frame);
    }
    good = file && fclose(file) == 0 && good;
    ifl_frame_unref(frame);
    ifl_pattern_destroy(scene);
    return !good;
}

static int print_truth(const char *uri, uint64_t frames)
{
    struct ifl_error error = {0};
    struct ifl_pattern_config config;
    struct ifl_pattern_object object[IFL_PATTERN_OBJECTS_MAX];
    ifl_pattern_config_init(&config);
    if (ifl_pattern_parse(uri, &config, &error) != IFL_OK)
        return complain(&error);
    for (uint64_t f = 0; f < frames; f++) {
        int count = ifl_pattern_truth(&config, f, object);
        printf("[");
        for (int i = 0; i < count; i++)
            printf("%s[%u,%d,%d,%d,%d,%d]", i ? "," : "", object[i].identity, object[i].x,
                   object[i].y, object[i].width, object[i].height, object[i].cut);
        printf("]\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "truth"))
        return print_truth(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 5 && !strcmp(argv[1], "draw"))
        return draw_pattern(argv[2], strtoull(argv[3], NULL, 10), argv[4]);
    struct ifl_error error = {0};
    struct ifl_profile *profile = NULL;
    if (argc < 4)
        return fprintf(stderr,
                       "bench_records: memory PROFILE FOLDER, objects PROFILE MODE K SEED..., "
                       "or truth URI FRAMES\n"),
               2;
    if (ifl_profile_load(argv[2], &profile, &error) != IFL_OK)
        return complain(&error);
    int status = !strcmp(argv[1], "memory") ? dump_memory(profile, argv[3])
                 : argc > 4 ? print_objects(profile, argv[3], atoi(argv[4]), argv + 5, argc - 5)
                            : 2;
    ifl_profile_unref(profile);
    return status;
}
