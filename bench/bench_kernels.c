// SPDX-License-Identifier: Apache-2.0
// Times the kernels at 1920x1080 for each instruction set of this machine: the least of many runs,
// beside the plain mean of the luma plane (one pass in C) as a floor. A table, then one line of
// JSON with the ratios, which hold from machine to machine better than the times.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "inferloop/features.h"
#include "kernels/cpu.h"
#include "kernels/measure.h"
#include "kernels/normalise.h"
#include "kernels/scale.h"

enum { WIDTH = 1920, HEIGHT = 1080, RUNS = 40, SMALL_WIDTH = 256, SMALL_HEIGHT = 144 };

struct bench {
    struct ifl_frame *frame, *out;
    struct ifl_extractor *extractor;
    struct ifl_features features;
    struct ifl_luma_sums luma;
    struct ifl_chroma_sums chroma;
    uint64_t sum; // of a floor, so that it is not left out
};

static void run_mean(struct bench *bench)
{
    const struct ifl_frame *frame = bench->frame;
    for (int y = 0; y < HEIGHT; y++)
        bench->sum +=
            ifl_measure_kernels_c.sum(frame->plane[0] + (ptrdiff_t)y * frame->stride[0], WIDTH);
}

static void run_features(struct bench *bench)
{
    struct ifl_error error;
    if (ifl_extractor_take(bench->extractor, bench->frame, &bench->features, &error) != IFL_OK)
        exit(1);
}

static void run_luma(struct bench *bench)
{
    ifl_measure_luma(bench->frame->plane[0], WIDTH, HEIGHT, bench->frame->stride[0], &bench->luma);
}

static void run_chroma(struct bench *bench)
{
    const struct ifl_frame *frame = bench->frame;
    ifl_measure_chroma(frame->plane[1], frame->stride[1], frame->plane[2], frame->stride[2],
                       WIDTH / 2, HEIGHT / 2, &bench->chroma);
}

static void run_scale(struct bench *bench)
{
    ifl_scale_area(bench->frame->plane[0], WIDTH, HEIGHT, bench->frame->stride[0],
                   (uint8_t *)bench->out->plane[0], SMALL_WIDTH, SMALL_HEIGHT,
                   bench->out->stride[0], 1);
}

static void normalise(struct bench *bench, enum ifl_matrix matrix)
{
    uint8_t *const out[3] = {(uint8_t *)bench->out->plane[0], (uint8_t *)bench->out->plane[1],
                             (uint8_t *)bench->out->plane[2]};
    ifl_normalise_420(bench->frame->plane, bench->frame->stride, false, IFL_RANGE_LIMITED, matrix,
                      WIDTH, HEIGHT, out, bench->out->stride);
}

static void run_normalise_601(struct bench *bench)
{
    normalise(bench, IFL_MATRIX_BT601);
}

static void run_normalise_709(struct bench *bench)
{
    normalise(bench, IFL_MATRIX_BT709);
}

static const struct row {
    const char *name;
    void (*run)(struct bench *bench);
} rows[] = {
    {"features", run_features},
    {"luma", run_luma},
    {"chroma", run_chroma},
    {"scale_256x144", run_scale},
    {"normalise_601", run_normalise_601},
    {"normalise_709", run_normalise_709},
};
enum { ROWS = sizeof rows / sizeof *rows };

static double least_ms(struct bench *bench, void (*run)(struct bench *bench))
{
    const struct ifl_clock *clock = ifl_clock_real();
    int64_t least = INT64_MAX;
    for (int i = 0; i < RUNS; i++) {
        int64_t begin = ifl_now_ns(clock);
        run(bench);
        int64_t took = ifl_now_ns(clock) - begin;
        least = took < least ? took : least;
    }
    return (double)least / 1e6;
}

// A picture with light, texture and noise, not only noise.
static void paint(struct ifl_frame *frame)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    for (int i = 0; i < 3; i++) {
        int width, height;
        ifl_plane_size(frame->format, frame->width, frame->height, i, &width, &height);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                ((uint8_t *)frame->plane[i])[(ptrdiff_t)y * frame->stride[i] + x] =
                    (uint8_t)(60 + x / 24 + (x / 40 + y / 40) % 2 * 30 + ifl_rng_below(&rng, 16));
    }
}

int main(void)
{
    struct bench bench = {.frame = ifl_frame_create(IFL_PIXEL_YUV420P, WIDTH, HEIGHT),
                          .out = ifl_frame_create(IFL_PIXEL_YUV420P, WIDTH, HEIGHT),
                          .extractor = ifl_extractor_create()};
    if (!bench.frame || !bench.out || !bench.extractor)
        return 1;
    paint(bench.frame);
    double floor_ms = least_ms(&bench, run_mean), ms[ROWS][IFL_CPU_LEVELS] = {{0}};
    enum ifl_cpu_level best = ifl_cpu_detect();
    printf("%-14s %-7s %8s %8s %8s\n", "kernel", "level", "ms", "to C", "to mean");
    printf("%-14s %-7s %8.3f %8s %8.2f\n", "mean", "c", floor_ms, "", 1.0);
    for (int i = 0; i < ROWS; i++) {
        for (int level = 0; level <= (int)best; level++) {
            ifl_cpu_force((enum ifl_cpu_level)level);
            ms[i][level] = least_ms(&bench, rows[i].run);
            printf("%-14s %-7s %8.3f %8.2f %8.2f\n", rows[i].name,
                   ifl_cpu_level_name((enum ifl_cpu_level)level), ms[i][level],
                   ms[i][level] / ms[i][0], ms[i][level] / floor_ms);
        }
    }
    printf("{\"bench\": \"kernels\", \"size\": \"%dx%d\", \"level\": \"%s\", \"mean_ms\": %.4f",
           WIDTH, HEIGHT, ifl_cpu_level_name(best), floor_ms);
    for (int i = 0; i < ROWS; i++)
        printf(", \"%s_ms\": %.4f, \"%s_to_mean\": %.3f, \"%s_to_c\": %.4f", rows[i].name,
               ms[i][best], rows[i].name, ms[i][best] / floor_ms, rows[i].name,
               ms[i][best] / ms[i][0]);
    printf("}\n");
    ifl_frame_unref(bench.frame);
    ifl_frame_unref(bench.out);
    ifl_extractor_destroy(bench.extractor);
    return bench.sum == 0;
}
