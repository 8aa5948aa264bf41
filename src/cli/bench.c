// SPDX-License-Identifier: Apache-2.0
// Times the parts that work on each frame and each image, on a seeded pattern scene. Medians of one
// thread, in processor time; `make bench` compares them with a stored baseline.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "ingest/ingest.h"
#include "pipeline/builtins.h"
#include "pipeline/workshop.h"
#include "source/builtin.h"

enum { FRAMES = 240, IMAGES = 24, REPEATS = 15 };

struct bench {
    json_t *results; // name -> milliseconds
    bool json;
    uint64_t sum; // of what the floor has read, so that it must read it
};

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

// Time of this thread on a processor: what else runs on the machine hardly counts.
static int64_t cpu_ns(const struct ifl_clock *clock)
{
    struct timespec now;
    (void)clock;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * IFL_SECOND_NS + now.tv_nsec;
}

static double now_ms(void)
{
    return (double)cpu_ns(NULL) / (double)IFL_MILLISECOND_NS;
}

static void note(struct bench *bench, const char *name, double *times, int count)
{
    qsort(times, (size_t)count, sizeof times[0], compare);
    double median = times[count / 2];
    json_object_set_new(bench->results, name, json_real(median));
    if (!bench->json)
        printf("%-44s %8.2f ms\n", name, median);
}

// One pass that must read every byte: the floor under everything that looks at a frame.
static uint64_t sum_plane(const struct ifl_frame *frame)
{
    uint64_t sum = 0;
    for (int y = 0; y < frame->height; y++) {
        const uint8_t *row = frame->plane[0] + (size_t)y * (size_t)frame->stride[0];
        uint32_t row_sum = 0;
        for (int x = 0; x < frame->width; x++)
            row_sum += row[x];
        sum += row_sum;
    }
    return sum;
}

struct scene {
    void *source;
    struct ifl_ingest *ingest;
    struct ifl_edge *in, *out;
};

static enum ifl_result open_scene(struct scene *scene, const char *uri, struct ifl_error *error)
{
    struct ifl_edge_config edge = {.from = "source", .to = "ingest", .source = "bench"};
    scene->in = ifl_edge_create(&edge);
    scene->out = ifl_edge_create(&edge);
    if (!scene->in || !scene->out)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "bench", "no memory for the scene");
    struct ifl_ingest_config config = {.plugin = &ifl_source_pattern,
                                       .source = {.name = "bench", .uri = uri},
                                       .in = scene->in,
                                       .out = scene->out,
                                       .clock = ifl_clock_real()};
    enum ifl_result result = ifl_ingest_create(&config, &scene->ingest, error);
    if (result == IFL_OK)
        result = ifl_source_pattern.open(&config.source, &scene->source, error);
    return result;
}

static void close_scene(struct scene *scene)
{
    ifl_source_pattern.close(scene->source);
    ifl_ingest_destroy(scene->ingest);
    ifl_edge_destroy(scene->in);
    ifl_edge_destroy(scene->out);
}

static enum ifl_result next_frame(struct scene *scene, struct ifl_frame **frame,
                                  struct ifl_error *error)
{
    struct ifl_frame *raw;
    enum ifl_result result = ifl_source_pattern.read(scene->source, &raw, error);
    if (result != IFL_OK)
        return result;
    result = ifl_ingest_canonical(scene->ingest, raw, frame, error);
    ifl_frame_unref(raw);
    return result;
}

static enum ifl_result time_features(struct bench *bench, struct ifl_error *error)
{
    struct scene scene = {0};
    struct ifl_frame *frame = NULL;
    enum ifl_result result = open_scene(&scene, "pattern:size=1920x1080", error);
    if (result == IFL_OK)
        result = next_frame(&scene, &frame, error);
    double times[REPEATS], floor_times[REPEATS];
    struct ifl_features features;
    struct ifl_extractor *extractor = ifl_extractor_create();
    if (result == IFL_OK && !extractor)
        result = ifl_fail(error, IFL_ERR_NO_MEMORY, "bench", "no memory to measure a frame");
    for (int i = 0; i < REPEATS && result == IFL_OK; i++) {
        double start = now_ms();
        bench->sum += sum_plane(frame);
        floor_times[i] = now_ms() - start;
        start = now_ms();
        result = ifl_extractor_take(extractor, frame, &features, error);
        times[i] = now_ms() - start;
    }
    if (result == IFL_OK) {
        note(bench, "one-pass mean of 1080p (floor)", floor_times, REPEATS);
        note(bench, "features of 1080p", times, REPEATS);
    }
    ifl_extractor_destroy(extractor);
    ifl_frame_unref(frame);
    close_scene(&scene);
    return result;
}

static const struct ifl_engine_plugin *first_engine(void)
{
    const struct ifl_plugin *const *row = ifl_builtins;
    while ((*row)->kind != IFL_PLUGIN_ENGINE)
        row++;
    return (const void *)*row;
}

// What an image is made with.
struct table {
    struct ifl_workshop *workshop;
    struct ifl_edge *edge;
    struct ifl_ledger *ledger;
    struct ifl_clock clock;
};

static enum ifl_result open_table(struct table *table, const struct ifl_profile *profile,
                                  struct ifl_error *error)
{
    struct ifl_edge_config config = {.from = "generate", .to = "validate", .source = ""};
    *table = (struct table){.edge = ifl_edge_create(&config),
                            .ledger = ifl_ledger_create(),
                            .clock = *ifl_clock_real()};
    table->clock.now_ns = cpu_ns;
    if (!table->edge || !table->ledger)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "bench", "no memory for the bench");
    return ifl_workshop_create(profile, first_engine(), &table->workshop, error);
}

static void close_table(struct table *table)
{
    ifl_workshop_unref(table->workshop);
    ifl_ledger_destroy(table->ledger);
    ifl_edge_destroy(table->edge);
}

// Milliseconds of making and of checking one image; a rejected one counts all the same.
static enum ifl_result make_image(struct table *table, enum ifl_privacy privacy, uint64_t seed,
                                  double *made, double *checked, struct ifl_error *error)
{
    struct ifl_making making = {
        .attempts = 1, .edge = table->edge, .ledger = table->ledger, .clock = &table->clock};
    struct ifl_request request;
    struct ifl_synthetic synthetic;
    ifl_request_init(&request);
    request.privacy = privacy;
    request.seed = seed;
    enum ifl_result result =
        ifl_workshop_make(table->workshop, &request, &making, &synthetic, error);
    *made = 1000 * synthetic.generate_seconds;
    *checked = 1000 * synthetic.validate_seconds;
    ifl_synthetic_fini(&synthetic);
    return result == IFL_ERR_REJECTED ? IFL_OK : result;
}

// From the sixteenth frame to the first image.
static enum ifl_result time_first_image(struct bench *bench, struct ifl_profiler *profiler,
                                        struct ifl_error *error)
{
    struct ifl_profile *profile = NULL;
    struct table table = {0};
    double start = now_ms(), made, checked, whole;
    enum ifl_result result = ifl_profiler_snapshot(profiler, &profile, error);
    if (result == IFL_OK)
        result = open_table(&table, profile, error);
    if (result == IFL_OK)
        result = make_image(&table, IFL_PRIVACY_DEIDENTIFY, 1, &made, &checked, error);
    whole = now_ms() - start;
    if (result == IFL_OK)
        note(bench, "first image after 16 frames", &whole, 1);
    close_table(&table);
    ifl_profile_unref(profile);
    return result;
}

static enum ifl_result make_profile(struct bench *bench, struct ifl_profile **profile,
                                    struct ifl_error *error)
{
    struct scene scene = {0};
    struct ifl_profiler_config config;
    struct ifl_profiler *profiler = NULL;
    ifl_profiler_config_init(&config);
    config.source = "bench";
    enum ifl_result result = open_scene(&scene, "pattern:size=1280x720,rate=4,objects=5", error);
    if (result == IFL_OK)
        result = ifl_profiler_create(&config, &profiler, error);
    double times[FRAMES], features_times[FRAMES];
    for (int i = 0; i < FRAMES && result == IFL_OK; i++) {
        struct ifl_frame *frame;
        result = next_frame(&scene, &frame, error);
        if (result != IFL_OK)
            break;
        struct ifl_features features;
        double start = now_ms();
        result = ifl_extract_statistics(frame, &features, error);
        features_times[i] = now_ms() - start;
        if (result == IFL_OK)
            result = ifl_profiler_take(profiler, frame, &features, IFL_VERDICT_GOOD, error);
        times[i] = now_ms() - start;
        ifl_frame_unref(frame);
        if (result == IFL_OK && i == IFL_MEMORY_MIN - 1)
            result = time_first_image(bench, profiler, error);
    }
    if (result == IFL_OK) {
        note(bench, "profile of a 720p frame", times, FRAMES);
        note(bench, "of which its statistics", features_times, FRAMES);
        double start = now_ms();
        result = ifl_profiler_snapshot(profiler, profile, error);
        times[0] = now_ms() - start;
        note(bench, "profile snapshot", times, 1);
    }
    ifl_profiler_destroy(profiler);
    close_scene(&scene);
    return result;
}

static enum ifl_result time_mode(struct bench *bench, struct table *table, enum ifl_privacy privacy,
                                 struct ifl_error *error)
{
    double made[IMAGES], checked[IMAGES], first = 0;
    enum ifl_result result = IFL_OK;
    for (int i = -1; i < IMAGES && result == IFL_OK; i++) { // the first makes what the mode needs
        double a, b;
        result = make_image(table, privacy, (uint64_t)(i + 1), &a, &b, error);
        if (i < 0) {
            first = a;
            continue;
        }
        made[i] = a;
        checked[i] = b;
    }
    char name[64];
    if (result == IFL_OK) {
        snprintf(name, sizeof name, "first image of a new profile, %s", ifl_privacy_name(privacy));
        note(bench, name, &first, 1);
        snprintf(name, sizeof name, "generate, %s", ifl_privacy_name(privacy));
        note(bench, name, made, IMAGES);
        snprintf(name, sizeof name, "validate, %s", ifl_privacy_name(privacy));
        note(bench, name, checked, IMAGES);
    }
    return result;
}

static enum ifl_result time_images(struct bench *bench, const struct ifl_profile *profile,
                                   struct ifl_error *error)
{
    struct table table;
    double start = now_ms();
    enum ifl_result result = open_table(&table, profile, error);
    double once = now_ms() - start;
    if (result == IFL_OK)
        note(bench, "engine and validator for a new profile", &once, 1);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS && result == IFL_OK; mode++)
        result = time_mode(bench, &table, (enum ifl_privacy)mode, error);
    close_table(&table);
    return result;
}

enum ifl_result ifl_command_bench(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    struct bench bench = {.results = json_object(), .json = arguments->config->json};
    struct ifl_profile *profile = NULL;
    enum ifl_result result = time_features(&bench, error);
    if (result == IFL_OK)
        result = make_profile(&bench, &profile, error);
    if (result == IFL_OK)
        result = time_images(&bench, profile, error);
    ifl_profile_unref(profile);
    if (result == IFL_OK && bench.json)
        return ifl_print_json(bench.results, error);
    json_decref(bench.results);
    return result;
}
