// SPDX-License-Identifier: Apache-2.0
// Whether what is rare in a stream is as rare in its images. A long drawn stream: people walk all
// the time, a red cart comes by in so many per cent of the frames. Every SNAPSHOT frames images are
// laid out from the profile of then: how many show the cart, how many objects and how much
// foreground they have, beside the stream's. Layouts, not rendered images: what is in one is
// decided there.
//
//   bench_rates [FRAMES]        a table; its last line is JSON
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "generate/layout.h"
#include "generate/objects.h"
#include "generate/occupancy.h"
#include "inferloop/profile.h"

enum {
    WIDTH = 256,
    HEIGHT = 144,
    CLASS = 128 * 72,
    PEOPLE = 4,      // ways that people take
    WALK = 90,       // frames that somebody takes to cross
    DRIVE = 30,      // and a cart
    SNAPSHOT = 1000, // frames
    FIRST_SNAPSHOT = 3000,
    LAYOUTS = 200, // of each snapshot and mode
    CART_WIDTH = 56,
    CART_HEIGHT = 24,
    SNAPSHOTS_MAX = 200,
};

struct box {
    int x, y, width, height;
    uint8_t color[3]; // Y, Cb, Cr
};

static double uniform(uint64_t a, uint64_t b, uint64_t c)
{
    return (double)(ifl_hash_mix(ifl_hash_mix(a * 7919 + b) + c) >> 11) * 0x1p-53;
}

// Each way has somebody for WALK frames of 1 to 3 times as many.
static bool person_at(int way, int64_t frame, struct box *box)
{
    int64_t period = WALK * (2 + way % 3) / 2, visit = frame / period, at = frame % period;
    if (at >= WALK || uniform((uint64_t)way, (uint64_t)visit, 1) < 0.35)
        return false;
    double depth = 0.2 + 0.25 * way;
    box->height = (int)(20 + 14 * depth);
    box->width = (int)(0.42 * box->height);
    box->y = (int)(44 + 70 * depth) - box->height;
    double x = (double)at / WALK * (WIDTH + 2 * box->width) - box->width;
    box->x = (int)(visit % 2 ? x : WIDTH - x);
    box->color[0] = (uint8_t)(30 + 190 * uniform((uint64_t)way, (uint64_t)visit, 2));
    box->color[1] = (uint8_t)(105 + 75 * uniform((uint64_t)way, (uint64_t)visit, 3));
    box->color[2] = (uint8_t)(105 + 25 * uniform((uint64_t)way, (uint64_t)visit, 4));
    return true;
}

static bool cart_at(double rate, int64_t frame, struct box *box)
{
    int64_t period = (int64_t)(DRIVE / rate), visit = frame / period;
    int64_t at =
        frame % period - (int64_t)(uniform(99, (uint64_t)visit, 1) * (double)(period - DRIVE));
    if (at < 0 || at >= DRIVE)
        return false;
    *box = (struct box){.y = 112, .width = CART_WIDTH, .height = CART_HEIGHT};
    box->x = (int)((double)at / (DRIVE - 1) * (WIDTH - CART_WIDTH));
    box->color[0] = (uint8_t)(60 + 120 * uniform(99, (uint64_t)visit, 2));
    box->color[1] = (uint8_t)(80 + 60 * uniform(99, (uint64_t)visit, 3));
    box->color[2] = (uint8_t)(195 + 40 * uniform(99, (uint64_t)visit, 4));
    return true;
}

static void fill(struct ifl_frame *frame, int p, int x0, int y0, int x1, int y1, uint8_t value)
{
    int width = p ? WIDTH / 2 : WIDTH, height = p ? HEIGHT / 2 : HEIGHT;
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < height; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < width; x++)
            ((uint8_t *)frame->plane[p])[y * frame->stride[p] + x] = value;
}

static void draw_box(struct ifl_frame *frame, const struct box *box)
{
    for (int p = 0; p < 3; p++) {
        int s = p ? 1 : 0, x = box->x >> s, y = box->y >> s, w = box->width >> s,
            h = box->height >> s;
        fill(frame, p, x, y, x + w, y + h, box->color[p]);
        if (p == 0) // a darker lower half
            fill(frame, p, x, y + h / 2, x + w, y + h, (uint8_t)(box->color[0] * 3 / 4));
    }
}

static void draw_ground(struct ifl_frame *frame, int64_t number)
{
    uint64_t noise = ifl_hash_mix((uint64_t)number);
    for (int p = 0; p < 3; p++) {
        int s = p ? 1 : 0;
        for (int y = 0; y < HEIGHT >> s; y++)
            for (int x = 0; x < WIDTH >> s; x++) {
                noise = noise * 6364136223846793005u + 1442695040888963407u;
                int grain = (int)(noise >> 61) - 3;
                int tile = ((x / 9 + y / 7) % 3) * 12;
                ((uint8_t *)frame->plane[p])[y * frame->stride[p] + x] =
                    (uint8_t)(p ? 128 + grain / 2 : 120 + tile + grain);
            }
    }
}

// What the stream shows: sums over frames.
struct truth {
    double frames, carts, objects, area;
};

static void draw(struct ifl_frame *frame, double rate, int64_t number, struct truth *truth)
{
    struct box box;
    draw_ground(frame, number);
    frame->sequence = frame->media_index = (uint64_t)number;
    frame->capture_wall_ns = 1700000000000000000 + number * 100000000;
    truth->frames++;
    for (int way = 0; way < PEOPLE; way++)
        if (person_at(way, number, &box)) {
            draw_box(frame, &box);
            truth->objects++;
        }
    if (cart_at(rate, number, &box)) {
        draw_box(frame, &box);
        truth->carts++;
        truth->objects++;
    }
}

static int red_pixels(const uint8_t *rgb, int pixels)
{
    int count = 0;
    for (int i = 0; i < pixels; i++)
        count += rgb[3 * i] > rgb[3 * i + 1] + 40 && rgb[3 * i] > rgb[3 * i + 2] + 25;
    return count;
}

enum { MODES = 2 };
static const char *const mode_name[MODES] = {"verbatim", "deidentify"};

// Means over the images of each snapshot.
struct seen {
    int snapshots;
    double cart[MODES][SNAPSHOTS_MAX], objects[MODES][SNAPSHOTS_MAX], area[MODES][SNAPSHOTS_MAX];
    double remembered; // memory frames that show a cart
    double recorded;   // share of the picture that is foreground in the stream, as profiled
    double counted;    // objects in a frame, as profiled
    double weighed_carts, weighed_objects, weighed_area; // of the memory's frames, by weight
};

struct studio {
    struct ifl_memory *memory;
    struct ifl_objects *objects;
    struct ifl_gauge *gauge;
    struct ifl_layout layout;
    uint8_t *canvas;
    void *scratch;
    int pixels;
};

static bool open_studio(struct studio *studio, const struct ifl_profile *profile,
                        struct ifl_error *error)
{
    if (ifl_memory_create(profile, &studio->memory, error) != IFL_OK ||
        ifl_objects_create(profile, &studio->objects, error) != IFL_OK ||
        ifl_layout_init(&studio->layout, studio->memory, error) != IFL_OK)
        return false;
    studio->gauge = ifl_gauge_create(studio->memory);
    int base = profile->levels - 1;
    studio->pixels = profile->level_width[base] * profile->level_height[base];
    studio->canvas = malloc((size_t)studio->pixels * 3);
    studio->scratch = studio->gauge ? malloc(ifl_gauge_scratch_bytes(studio->gauge)) : NULL;
    return studio->canvas && studio->scratch;
}

static void close_studio(struct studio *studio)
{
    ifl_gauge_destroy(studio->gauge);
    ifl_layout_fini(&studio->layout);
    ifl_objects_destroy(studio->objects);
    ifl_memory_destroy(studio->memory);
    free(studio->canvas);
    free(studio->scratch);
}

// One image of a mode; returns its picture and counts its objects.
static const uint8_t *make(struct studio *studio, const struct ifl_profile *profile, int mode,
                           uint64_t seed, int *objects)
{
    struct ifl_rng rng;
    struct ifl_error error = {0};
    ifl_rng_split(&rng, seed, (uint64_t)mode);
    if (mode == 0) {
        struct ifl_layout_config config = {0};
        ifl_layout_make(studio->memory, &config, &rng, &studio->layout);
        *objects = studio->layout.objects;
        return studio->layout.picture;
    }
    struct ifl_audit audit = {0};
    memcpy(studio->canvas, profile->plate[profile->levels - 1], (size_t)studio->pixels * 3);
    if (ifl_objects_paint(studio->objects, 3, 0, &rng, studio->canvas, &audit, &error) != IFL_OK)
        fprintf(stderr, "bench_rates: %s\n", error.text);
    *objects = audit.objects;
    return studio->canvas;
}

static void look(struct studio *studio, const struct ifl_profile *profile, int number,
                 struct seen *seen)
{
    int cart_pixels = CART_WIDTH * CART_HEIGHT * CLASS / (WIDTH * HEIGHT),
        base = profile->levels - 1;
    int s = seen->snapshots++;
    seen->recorded += profile->occupancy.area_mean;
    seen->counted += profile->occupancy.count_mean;
    for (int f = 0; f < profile->memory_frames; f++) {
        const uint8_t *rgb = profile->memory[f]->level[base];
        double weight = studio->memory->weight[f];
        bool cart = 3 * red_pixels(rgb, studio->pixels) > cart_pixels;
        seen->remembered += cart;
        seen->weighed_carts += weight * cart;
        seen->weighed_objects += weight * profile->memory[f]->components;
        seen->weighed_area += weight * ifl_gauge_share(studio->gauge, rgb, studio->scratch);
    }
    for (int mode = 0; mode < MODES; mode++) {
        for (int i = 0; i < LAYOUTS; i++) {
            int objects = 0;
            const uint8_t *rgb =
                make(studio, profile, mode, (uint64_t)(number * 1000 + i), &objects);
            seen->cart[mode][s] += 3 * red_pixels(rgb, studio->pixels) > cart_pixels;
            seen->objects[mode][s] += objects;
            seen->area[mode][s] += ifl_gauge_share(studio->gauge, rgb, studio->scratch);
        }
        seen->cart[mode][s] /= LAYOUTS;
        seen->objects[mode][s] /= LAYOUTS;
        seen->area[mode][s] /= LAYOUTS;
    }
}

static void spread(const double *value, int count, double *mean, double *half)
{
    double sum = 0, square = 0;
    for (int i = 0; i < count; i++) {
        sum += value[i];
        square += value[i] * value[i];
    }
    *mean = sum / count;
    *half = count > 1 ? 1.96 * sqrt(fmax(square / count - *mean * *mean, 0) / (count - 1)) : NAN;
}

// Appends to `json` how often a mode shows carts, by the stream.
static void report(double rate, const struct truth *truth, const struct seen *seen, char *json)
{
    printf("%4.0f %%  stream       carts %.4f  objects %.2f  area %.4f; memory frames with one: "
           "%.1f\n",
           100 * rate, truth->carts / truth->frames, truth->objects / truth->frames,
           seen->recorded / seen->snapshots, seen->remembered / seen->snapshots);
    printf("        as profiled  objects %.2f; memory by weight: carts %.4f  objects %.2f  area "
           "%.4f\n",
           seen->counted / seen->snapshots, seen->weighed_carts / seen->snapshots,
           seen->weighed_objects / seen->snapshots, seen->weighed_area / seen->snapshots);
    for (int mode = 0; mode < MODES; mode++) {
        double cart, cart_half, objects, objects_half, area, area_half;
        spread(seen->cart[mode], seen->snapshots, &cart, &cart_half);
        spread(seen->objects[mode], seen->snapshots, &objects, &objects_half);
        spread(seen->area[mode], seen->snapshots, &area, &area_half);
        printf("        %-12s carts %.4f +-%.4f (x%.2f)  objects %.2f +-%.2f  area %.4f +-%.4f\n",
               mode_name[mode], cart, cart_half, cart / (truth->carts / truth->frames), objects,
               objects_half, area, area_half);
        sprintf(json + strlen(json), "%s\"rare in %.0f %%: shown in %s / in the stream\": %.4f",
                *json ? ", " : "", 100 * rate, mode_name[mode],
                cart / (truth->carts / truth->frames));
    }
    fflush(stdout);
}

static bool run(double rate, int64_t frames, char *json)
{
    struct ifl_error error = {0};
    struct ifl_profiler_config config;
    struct ifl_profiler *profiler = NULL;
    struct ifl_features features = {0};
    struct truth truth = {0};
    static struct seen seen;
    memset(&seen, 0, sizeof seen);
    ifl_profiler_config_init(&config);
    config.base_area = CLASS;
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, WIDTH, HEIGHT);
    bool good = frame && ifl_profiler_create(&config, &profiler, &error) == IFL_OK;
    if (frame) {
        frame->range = IFL_RANGE_FULL;
        frame->matrix = IFL_MATRIX_BT601;
    }
    for (int64_t n = 0; good && n < frames; n++) {
        draw(frame, rate, n, &truth);
        good = ifl_profiler_take(profiler, frame, &features, IFL_VERDICT_GOOD, &error) == IFL_OK;
        if (!good || n + 1 < FIRST_SNAPSHOT || (n + 1) % SNAPSHOT ||
            seen.snapshots == SNAPSHOTS_MAX)
            continue;
        struct ifl_profile *profile = NULL;
        struct studio studio = {0};
        good = ifl_profiler_snapshot(profiler, &profile, &error) == IFL_OK &&
               open_studio(&studio, profile, &error);
        if (good)
            look(&studio, profile, (int)n, &seen);
        close_studio(&studio);
        ifl_profile_unref(profile);
    }
    if (good)
        report(rate, &truth, &seen, json);
    else
        fprintf(stderr, "bench_rates: %s\n", error.text);
    ifl_profiler_destroy(profiler);
    ifl_frame_unref(frame);
    return good;
}

int main(int argc, char **argv)
{
    static const double rate[] = {0.01, 0.03, 0.1};
    int64_t frames = argc > 1 ? atoll(argv[1]) : 20000;
    char json[1024] = "";
    bool good = true;
    for (int i = 0; good && i < 3; i++)
        good = run(rate[i], frames, json);
    printf("{%s}\n", json);
    return !good;
}
