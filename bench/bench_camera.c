// SPDX-License-Identifier: Apache-2.0
// How well camera truth does: each fault of tests/ingest/camera_faults.h on the pattern scene and
// on the clips that are given, and false alarms on an hour of each without faults. Prints the
// tables of docs/camera-truth.md; the last line is JSON.
//
//     bench_camera [--clean SECONDS] [--only FAULT] [CLIP ...]
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "camera_faults.h"
#include "core/options.h"
#include "ingest/canonical.h"
#include "pipeline/builtins.h"

struct clip {
    const struct ifl_source_plugin *plugin;
    void *self;
    struct ifl_canonical *canonical;
};

static void stop(const struct ifl_error *error)
{
    fprintf(stderr, "%s\n", error->text);
    exit(1);
}

static struct ifl_frame *next_frame(void *context)
{
    struct clip *clip = context;
    struct ifl_frame *raw, *frame = NULL;
    struct ifl_error error = {0};
    enum ifl_result result;
    do
        result = clip->plugin->read(clip->self, &raw, &error);
    while (result == IFL_AGAIN || result == IFL_DROPPED);
    if (result == IFL_OK) {
        result = ifl_canonical_make(clip->canonical, raw, &frame, &error);
        ifl_frame_unref(raw);
    }
    if (result != IFL_OK)
        stop(&error);
    return frame;
}

// Opens a source that never ends; its rate is what it says.
static struct camera_scene open_clip(struct ifl_registry *registry, const char *uri,
                                     struct clip *clip)
{
    struct ifl_error error = {0};
    struct ifl_source_spec spec;
    struct ifl_source_info info = {0};
    struct ifl_canonical_config canonical = {0};
    if (ifl_source_spec_parse(uri, 0, 0, registry, &spec, &error) != IFL_OK)
        stop(&error);
    struct ifl_source_config config = {.name = "camera", .uri = spec.uri, .loop = true};
    clip->plugin = spec.plugin;
    if (clip->plugin->open(&config, &clip->self, &error) != IFL_OK ||
        ifl_canonical_create(&canonical, &clip->canonical, &error) != IFL_OK)
        stop(&error);
    clip->plugin->info(clip->self, &info);
    return (struct camera_scene){next_frame, clip, info.rate > 0 ? info.rate : 10};
}

static void close_clip(struct clip *clip)
{
    clip->plugin->close(clip->self);
    ifl_canonical_destroy(clip->canonical);
}

static void print_others(const struct camera_trial *trial, int kind)
{
    for (int i = 0; i < IFL_INCIDENT_COUNT; i++)
        if (trial->begun[i] && i != kind)
            printf(" %s", ifl_incident_row((enum ifl_incident_kind)i)->name);
}

// Returns whether it went as it must.
static bool run_fault(struct ifl_registry *registry, const char *uri, enum camera_fault fault)
{
    const struct camera_fault_row *row = camera_fault_row(fault);
    struct clip clip;
    struct camera_scene scene = open_clip(registry, uri, &clip);
    struct camera_trial trial;
    struct camera_rig rig;
    camera_rig_open(&rig, scene.rate);
    camera_try(&rig, &scene, fault, 40, row->lasts_s, 15, &trial);
    camera_rig_close(&rig);
    close_clip(&clip);
    bool none = row->kind == IFL_INCIDENT_COUNT;
    const char *wanted = none ? "-" : ifl_incident_row((enum ifl_incident_kind)row->kind)->name;
    bool good =
        none || (trial.found_s >= 0 && trial.found_s <= row->found_s && trial.cleared_s >= 0);
    for (int i = 0; i < IFL_INCIDENT_COUNT; i++)
        good = good && (i == row->kind || !trial.begun[i]);
    printf("| %s | %s |", row->name, wanted);
    if (none)
        printf(" - | - |");
    else if (trial.found_s < 0)
        printf(" **not found** | - |");
    else
        printf(" %.1f s | %.1f s |", trial.found_s, trial.cleared_s);
    printf(" %.0f %% |", 100 * trial.held);
    print_others(&trial, row->kind);
    printf(" | %s |\n", good ? "yes" : "**no**");
    fflush(stdout);
    return good;
}

static int count_begun(struct ifl_journal *journal)
{
    struct ifl_journal_counts counts;
    int sum = 0;
    if (ifl_journal_count(journal, &counts, 1) == 1)
        for (int i = 0; i < IFL_INCIDENT_COUNT; i++)
            sum += (int)counts.begun[i];
    return sum;
}

// False alarms in `seconds` without faults.
static int run_clean(struct ifl_registry *registry, const char *uri, double seconds)
{
    struct clip clip;
    struct camera_scene scene = open_clip(registry, uri, &clip);
    struct camera_rig rig;
    camera_rig_open(&rig, scene.rate);
    for (uint64_t i = 0; (double)i < seconds * scene.rate; i++) {
        struct ifl_frame *frame = next_frame(&clip);
        camera_rig_take(&rig, frame);
        ifl_frame_unref(frame);
    }
    int alarms = count_begun(rig.journal);
    printf("| %s | %.0f min | %llu | %d | %.3f %% |\n", uri, seconds / 60,
           (unsigned long long)rig.frames, alarms, 100 * (double)rig.held / (double)rig.frames);
    struct ifl_incident incidents[8];
    struct ifl_journal_filter filter = {.kind = -1};
    int count = ifl_journal_read(rig.journal, &filter, incidents, 8);
    for (int i = 0; i < count; i++) {
        fprintf(stderr, "frame %llu: %s (%s)\n", (unsigned long long)incidents[i].first_sequence,
                ifl_incident_row(incidents[i].kind)->name, incidents[i].cause);
        ifl_incident_fini(&incidents[i]);
    }
    fflush(stdout);
    camera_rig_close(&rig);
    close_clip(&clip);
    return alarms;
}

int main(int argc, char **argv)
{
    const char *uris[16] = {"pattern:size=320x180",
                            "pattern:size=320x180,light=3,objects=8,seed=5"},
               *only = NULL;
    int count = 2, good = 0, all = 0, alarms = 0;
    double clean_s = 3600;
    for (int i = 1; i < argc && count < 16; i++) {
        if (!strcmp(argv[i], "--clean") && i + 1 < argc)
            clean_s = atof(argv[++i]);
        else if (!strcmp(argv[i], "--only") && i + 1 < argc)
            only = argv[++i];
        else
            uris[count++] = argv[i];
    }
    struct ifl_error error = {0};
    struct ifl_config *config = ifl_config_create();
    struct ifl_registry *registry;
    ifl_log_setup(IFL_LOG_ERROR, IFL_LOG_TEXT);
    if (!config || ifl_registry_open(config, &registry, &error) != IFL_OK)
        stop(&error);
    for (int u = 0; u < count; u++) {
        printf(
            "\n%s\n\n| fault | must be called | found after | cleared after | held | also called | "
            "as it must |\n|---|---|---|---|---|---|---|\n",
            uris[u]);
        for (int i = 0; i < CAMERA_FAULT_COUNT; i++) {
            if (only && strcmp(only, camera_fault_row((enum camera_fault)i)->name) != 0)
                continue;
            good += run_fault(registry, uris[u], (enum camera_fault)i);
            all++;
        }
    }
    printf("\n| without faults | stream time | frames | alarms | held |\n|---|---|---|---|---|\n");
    for (int u = 0; u < count && clean_s > 0; u++)
        alarms += run_clean(registry, uris[u], clean_s);
    printf(
        "\n{\"trials\": %d, \"as_they_must\": %d, \"false_alarms\": %d, \"clean_hours\": %.3g}\n",
        all, good, alarms, clean_s / 3600 * count);
    ifl_registry_destroy(registry);
    ifl_config_destroy(config);
    return 0;
}
