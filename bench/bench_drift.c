// SPDX-License-Identifier: Apache-2.0
// Drift beside naive rules; bench/drift.py drives it and makes the tables of docs/drift.md.
//   bench_drift scenes SEEDS           every scenario of the test's world, every detector
//   bench_drift measure URI FILE       features of each frame, and its foreground
//   bench_drift play RATE FILE LOOPS [FILE LOOPS]
//                                      the first looped, then the second: the change is known
// Prints one JSON object a line.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "drift_world.h"
#include "inferloop/capture.h"

// Names, causes and words of ours hold nothing that JSON would have to escape.
static void print_score(const char *scene, enum detector_kind kind, int seed,
                        const struct score *score, const struct said *said, double us)
{
    char delay[32] = "null";
    if (!isnan(score->delay_s))
        snprintf(delay, sizeof delay, "%.0f", score->delay_s);
    printf("{\"scene\": \"%s\", \"detector\": \"%s\", \"seed\": %d, \"false_alarms\": %d, "
           "\"hours\": %.3f, \"delay_s\": %s, \"cause\": \"%s\", \"settled_cause\": \"%s\", "
           "\"feature\": \"%s\", \"alarms\": %d, \"warnings\": %d, \"anomalies\": %d, "
           "\"recurring\": %d, \"us_per_frame\": %.2f}\n",
           scene, detector_name(kind), seed, score->false_alarms, score->hours, delay, score->cause,
           said->last.cause, score->feature, said->count, said->warnings, said->anomalies,
           said->recurring, us);
    fflush(stdout);
}

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void scenes(int seeds)
{
    struct ifl_drift_config config;
    ifl_drift_config_init(&config);
    for (int scenario = 0; scenario < WORLD_COUNT; scenario++)
        for (int kind = 0; kind < DETECTOR_COUNT; kind++)
            for (int seed = 0; seed < seeds; seed++) {
                struct detector *detector = detector_create((enum detector_kind)kind, &config);
                struct world world;
                struct score score;
                world_begin(&world, (enum world_scenario)scenario, (uint64_t)seed * 100 + 7);
                double seconds =
                    scenario == WORLD_RECURRING ? world.change_s + 3.9 * world.period_s : 9000;
                double before = cpu_us();
                detector_run(detector, &world, seconds, &score);
                print_score(world_name((enum world_scenario)scenario), (enum detector_kind)kind,
                            seed, &score, detector_said(detector),
                            (cpu_us() - before) / (double)world.frame);
                detector_destroy(detector);
            }
}

// ---- real clips ----

struct measured {
    struct ifl_features features;
    int components;
    double share;
};

static int fail(const struct ifl_error *error)
{
    fprintf(stderr, "bench_drift: %s\n", error->text);
    return 1;
}

// The second time round, when the profiler knows the background.
static int measure(const char *uri, const char *path)
{
    struct ifl_error error = {0};
    struct ifl_capture_config config;
    struct ifl_capture *capture;
    struct ifl_profiler_config settings;
    struct ifl_profiler *profiler;
    ifl_capture_config_init(&config);
    ifl_profiler_config_init(&settings);
    config.source = uri;
    config.loop = true;
    config.realtime = false;
    FILE *out = fopen(path, "wb");
    struct ifl_extractor *extractor = ifl_extractor_create();
    if (!out || !extractor || ifl_profiler_create(&settings, &profiler, &error) != IFL_OK ||
        ifl_capture_open(&config, &capture, &error) != IFL_OK)
        return fail(&error);
    for (;;) {
        struct ifl_frame *frame;
        struct measured measured;
        if (ifl_capture_next(capture, 10, &frame, &error) != IFL_OK)
            return fail(&error);
        uint32_t loop = frame->loop;
        bool good = ifl_extractor_take(extractor, frame, &measured.features, &error) == IFL_OK &&
                    ifl_profiler_take(profiler, frame, &measured.features, IFL_VERDICT_GOOD,
                                      &error) == IFL_OK;
        ifl_frame_unref(frame);
        if (!good)
            return fail(&error);
        if (loop > 1)
            break;
        ifl_profiler_foreground(profiler, &measured.components, &measured.share);
        if (loop == 1 && fwrite(&measured, sizeof measured, 1, out) != 1)
            return 1;
    }
    ifl_capture_release(capture);
    ifl_profiler_destroy(profiler);
    ifl_extractor_destroy(extractor);
    return fclose(out) != 0;
}

struct clip {
    int frames, loops;
    struct measured *frame;
};

static struct clip read_clip(const char *path, const char *loops)
{
    struct clip clip = {.loops = atoi(loops)};
    FILE *in = fopen(path, "rb");
    if (!in)
        return clip;
    fseek(in, 0, SEEK_END);
    clip.frames = (int)(ftell(in) / (long)sizeof *clip.frame);
    rewind(in);
    clip.frame = calloc((size_t)clip.frames + 1, sizeof *clip.frame);
    if (clip.frame &&
        fread(clip.frame, sizeof *clip.frame, (size_t)clip.frames, in) != (size_t)clip.frames)
        clip.frames = 0;
    fclose(in);
    return clip;
}

static void play(double rate, const struct clip clips[2], enum detector_kind kind)
{
    struct ifl_drift_config config;
    ifl_drift_config_init(&config);
    struct detector *detector = detector_create(kind, &config);
    struct said *said = detector_said(detector);
    double change_s = (double)clips[0].frames * clips[0].loops / rate, before = cpu_us();
    uint64_t number = 0;
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < clips[c].frames * clips[c].loops; i++, number++) {
            const struct measured *frame = &clips[c].frame[i % clips[c].frames];
            struct ifl_drift_input input = {
                .features = &frame->features,
                .stream_ns = (int64_t)((double)number / rate * 1e9),
                .wall_ns = (int64_t)((1.7e9 + (double)number / rate) * 1e9),
                .sequence = number,
                .components = frame->components,
                .foreground_share = frame->share,
            };
            detector_take(detector, &input);
        }
    struct score score = {.delay_s = NAN, .hours = change_s / 3600};
    for (int i = 0; i < said->count; i++) {
        if (said->at_s[i] < change_s)
            score.false_alarms++;
        else if (isnan(score.delay_s))
            score.delay_s = said->at_s[i] - change_s;
    }
    snprintf(score.cause, sizeof score.cause, "%s", said->first.cause);
    snprintf(score.feature, sizeof score.feature, "%s", said->first.feature[0].name);
    print_score("clip", kind, 0, &score, said, (cpu_us() - before) / (double)(number + 1));
    detector_destroy(detector);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "scenes")) {
        scenes(atoi(argv[2]));
        return 0;
    }
    if (argc == 4 && !strcmp(argv[1], "measure"))
        return measure(argv[2], argv[3]);
    if ((argc == 5 || argc == 7) && !strcmp(argv[1], "play")) {
        struct clip clips[2] = {read_clip(argv[3], argv[4])};
        if (argc == 7)
            clips[1] = read_clip(argv[5], argv[6]);
        for (int kind = 0; kind < DETECTOR_COUNT; kind++)
            play(atof(argv[2]), clips, (enum detector_kind)kind);
        free(clips[0].frame);
        free(clips[1].frame);
        return 0;
    }
    fputs(
        "usage: bench_drift scenes SEEDS | measure URI FILE | play RATE FILE LOOPS [FILE LOOPS]\n",
        stderr);
    return 2;
}
