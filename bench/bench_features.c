// SPDX-License-Identifier: Apache-2.0
// The whole set of features, and the modeler that takes them: CPU time of one thread, the least of
// many runs.  Usage: bench_features FRAMES WIDTH HEIGHT: raw canonical pictures (full-range BT.601
// yuv420p), two at least. One line of JSON: times, sizes, and the second picture's features.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inferloop/profile.h"
#include "profile/modeler.h"

enum { RUNS = 60, WINDOW = 3000 };

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void keep_least(double *least, double began)
{
    double took = cpu_ms() - began;
    *least = *least == 0 || took < *least ? took : *least;
}

static struct ifl_frame *read_frame(FILE *file, int width, int height)
{
    struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, width, height);
    for (int i = 0; frame && i < 3; i++) {
        int w, h;
        ifl_plane_size(frame->format, width, height, i, &w, &h);
        for (int y = 0; y < h; y++)
            if (fread((uint8_t *)frame->plane[i] + (size_t)y * (size_t)frame->stride[i], 1,
                      (size_t)w, file) != (size_t)w)
                exit(1);
    }
    return frame;
}

// One pass that must read every byte of luma: the floor.
static uint64_t sum_of(const struct ifl_frame *frame)
{
    uint64_t sum = 0;
    for (int y = 0; y < frame->height; y++) {
        uint32_t row = 0;
        for (int x = 0; x < frame->width; x++)
            row += frame->plane[0][(size_t)y * (size_t)frame->stride[0] + (size_t)x];
        sum += row;
    }
    return sum;
}

static void time_features(struct ifl_frame *const frame[2], struct ifl_features *features,
                          double *mean_ms, double *features_ms)
{
    struct ifl_extractor *extractor = ifl_extractor_create();
    struct ifl_error error;
    uint64_t sum = 0;
    for (int i = 0; i < 2 * RUNS; i++) {
        double began = cpu_ms();
        sum += sum_of(frame[i % 2]);
        keep_least(mean_ms, began);
        began = cpu_ms();
        if (!extractor || ifl_extractor_take(extractor, frame[i % 2], features, &error) != IFL_OK)
            exit(1);
        keep_least(features_ms, began);
    }
    ifl_extractor_destroy(extractor);
    if (sum == 0)
        printf("# a black picture\n");
}

struct modeler_times {
    double update_ms, merge_ms, read_ms, document_ms;
    size_t document_bytes;
};

static void time_modeler(const struct ifl_features *features, struct modeler_times *times)
{
    static struct ifl_profile profile;
    struct ifl_modeler_config config;
    struct ifl_modeler *a, *b;
    struct ifl_error error;
    ifl_modeler_config_init(&config);
    if (ifl_modeler_create(&config, &a, &error) != IFL_OK ||
        ifl_modeler_create(&config, &b, &error) != IFL_OK)
        exit(1);
    struct ifl_features varied = *features;
    for (int i = 0; i < 2 * WINDOW; i++) {
        for (int f = 0; f < IFL_FEATURE_COUNT; f++)
            varied.value[f] = features->value[f] * (1 + 1e-3 * (double)(i * (2 * f + 7) % 101));
        double began = cpu_ms();
        ifl_modeler_update(a, &varied);
        times->update_ms += (cpu_ms() - began) / (2 * WINDOW);
        ifl_modeler_update(b, &varied);
    }
    struct ifl_block one, *into = &one;
    for (int i = 0; i < RUNS; i++) {
        *into = a->block[0];
        double began = cpu_ms();
        ifl_block_merge(into, &b->reference); // a whole window
        keep_least(&times->merge_ms, began);
        began = cpu_ms();
        ifl_modeler_read(a, &profile);
        keep_least(&times->read_ms, began);
        began = cpu_ms();
        char *text = ifl_profile_json(&profile);
        keep_least(&times->document_ms, began);
        times->document_bytes = text ? strlen(text) : 0;
        free(text);
    }
    ifl_modeler_destroy(a);
    ifl_modeler_destroy(b);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL;
    if (!file)
        return 2;
    int width = atoi(argv[2]), height = atoi(argv[3]);
    struct ifl_frame *frame[2] = {read_frame(file, width, height), read_frame(file, width, height)};
    struct ifl_features features;
    struct modeler_times times = {0};
    double mean_ms = 0, features_ms = 0;
    fclose(file);
    if (!frame[0] || !frame[1])
        return 1;
    time_features(frame, &features, &mean_ms, &features_ms);
    time_modeler(&features, &times);
    printf("{\"mean_ms\": %.4f, \"features_ms\": %.4f, \"update_ms\": %.5f, \"merge_ms\": %.4f, "
           "\"read_ms\": %.4f, \"document_ms\": %.3f, \"document_bytes\": %zu, "
           "\"modeler_bytes\": %zu, \"features\": {",
           mean_ms, features_ms, times.update_ms, times.merge_ms, times.read_ms, times.document_ms,
           times.document_bytes, sizeof(struct ifl_modeler));
    for (int f = 0; f < IFL_FEATURE_COUNT; f++)
        printf("%s\"%s\": %.9g", f ? ", " : "", ifl_feature_row((enum ifl_feature)f)->name,
               features.value[f]);
    printf("}, \"lbp\": [");
    for (int i = 0; i < IFL_LBP_BINS; i++)
        printf("%s%.6f", i ? ", " : "", (double)features.lbp[i]);
    printf("], \"phash\": \"%016llx\"}\n", (unsigned long long)features.phash);
    ifl_frame_unref(frame[0]);
    ifl_frame_unref(frame[1]);
    return 0;
}
