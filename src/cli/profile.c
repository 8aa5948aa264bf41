// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "pipeline/channel.h"
#include "pipeline/state.h"

enum { STEP_MS = 100, BAR = 30 };

static void draw_progress(const struct ifl_source_status *status, uint64_t frames)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (frames) {
        double share = (double)status->frames / (double)frames;
        int full = share >= 1 ? BAR : (int)(share * BAR);
        fprintf(stderr, "\r[%.*s%*s] %llu of %llu frames", full, "##############################",
                BAR - full, "", (unsigned long long)status->frames, (unsigned long long)frames);
    } else {
        fprintf(stderr, "\r%llu frames, %.1f frames/s ", (unsigned long long)status->frames,
                status->rate);
    }
}

// Until the source ends, the duration is over, or Ctrl-C: what was seen until then is profiled.
static void watch(struct ifl_channel *channel, double duration, const sigset_t *signals)
{
    int64_t end_ns = INT64_MAX;
    if (duration > 0)
        end_ns = ifl_now_ns(ifl_clock_real()) + (int64_t)(duration * (double)IFL_SECOND_NS);
    struct timespec step = {.tv_nsec = STEP_MS * IFL_MILLISECOND_NS};
    struct ifl_source_status status;
    while (!ifl_channel_ended(channel) && ifl_now_ns(ifl_clock_real()) < end_ns &&
           sigtimedwait(signals, NULL, &step) < 0) {
        ifl_channel_status(channel, &status);
        draw_progress(&status, ifl_channel_frames_expected(channel));
    }
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
}

static enum ifl_result report(const struct ifl_profile *profile, const char *path, bool json,
                              struct ifl_error *error)
{
    if (json)
        return ifl_print_json(json_pack("{ss ss sI si si si sf}", "file", path, "profile_id",
                                        profile->id, "frames", (json_int_t)profile->frames_profiled,
                                        "memory_frames", profile->memory_frames, "events",
                                        profile->events, "identities", profile->identities,
                                        "occupancy_rate", profile->occupancy.rate),
                              error);
    printf("%s: profile %s of %llu frames; the memory holds %d frames, %d events, %d identities\n",
           path, profile->id, (unsigned long long)profile->frames_profiled, profile->memory_frames,
           profile->events, profile->identities);
    if (profile->memory_frames < IFL_MEMORY_MIN)
        printf("%d memory frames are too few to generate from; %d are needed\n",
               profile->memory_frames, IFL_MEMORY_MIN);
    return IFL_OK;
}

static enum ifl_result save(struct ifl_channel *channel, const struct ifl_config *config,
                            struct ifl_error *error)
{
    struct ifl_source_status status;
    ifl_channel_status(channel, &status);
    if (!status.frames)
        return ifl_fail(error, status.error < 0 ? status.error : IFL_ERR_NOT_READY, "source", "%s",
                        status.reason[0] ? status.reason : "the source delivered no frame");
    struct ifl_profile *profile = ifl_channel_profile(channel, false, 0);
    if (!profile)
        return ifl_fail(error, IFL_ERR_NOT_READY, "profile", "no frame could be profiled");
    enum ifl_result result = ifl_profile_save(profile, config->output, error);
    if (result == IFL_OK)
        result = report(profile, config->output, config->json, error);
    ifl_profile_unref(profile);
    return result;
}

static enum ifl_result make(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    struct ifl_config *config = arguments->config;
    if (!config->output[0])
        return ifl_fail(error, IFL_ERR_INVALID, "config", "say where to write it: -o FILE");
    config->realtime = config->loop = false;
    config->drift_false_alarms = 0; // all that it shows is what is asked for
    sigset_t signals;
    ifl_block_signals(&signals);
    struct ifl_registry *registry = NULL;
    struct ifl_channel *channel = NULL;
    struct ifl_source_spec spec;
    enum ifl_result result = ifl_registry_open(config, &registry, error);
    if (result == IFL_OK)
        result = ifl_source_spec_parse(arguments->word[0], config->source_type, 0, registry, &spec,
                                       error);
    if (result == IFL_OK)
        result = ifl_channel_create(&spec, config, NULL, NULL, false, &channel, error);
    if (result == IFL_OK) {
        result = ifl_channel_start(channel, error);
        if (result == IFL_OK)
            watch(channel, config->duration, &signals);
        ifl_channel_stop(channel);
    }
    if (result == IFL_OK)
        result = save(channel, config, error);
    ifl_channel_unref(channel);
    ifl_registry_destroy(registry);
    return result;
}

static void print_profile(const struct ifl_profile *profile)
{
    char from[32], to[32];
    ifl_wall_format(profile->first_wall_ns, from);
    ifl_wall_format(profile->last_wall_ns, to);
    printf("profile    %s\nsource     %s, %dx%d\nseen       %s to %s\nframes     %llu seen, %llu "
           "profiled, the statistics are over %llu\n",
           profile->id, profile->source, profile->source_width, profile->source_height, from, to,
           (unsigned long long)profile->frames_seen, (unsigned long long)profile->frames_profiled,
           (unsigned long long)profile->window_frames);
    if (profile->levels)
        printf("memory     %d frames of %dx%d, %d events, %d identities\n", profile->memory_frames,
               profile->level_width[profile->levels - 1],
               profile->level_height[profile->levels - 1], profile->events, profile->identities);
    struct ifl_suitability suits;
    ifl_suitability_measure(profile, &suits);
    if (suits.known)
        printf("suited     %s: plate %.2f, support %.2f, artefacts %.2f, ground %.2f%s%s\n",
               suits.suited ? "yes" : "no", suits.plate, suits.support, suits.artefact,
               suits.ground, suits.suited ? "" : "; ", suits.text);
    printf("occupancy  %.0f %% of frames have foreground, %.1f objects on average, %.1f %% of the "
           "picture\n\n%-20s %10s %10s %10s %10s %10s  unit\n",
           100 * profile->occupancy.rate, profile->occupancy.count_mean,
           100 * profile->occupancy.area_mean, "feature", "mean", "std", "min", "median", "max");
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)i);
        const struct ifl_feature_stats *stats = &profile->feature[i];
        printf("%-20s %10.4g %10.4g %10.4g %10.4g %10.4g  %s\n", row->name, stats->mean,
               sqrt(stats->variance), stats->min, stats->quantile[IFL_QUANTILES / 2], stats->max,
               row->unit);
    }
}

static enum ifl_result show(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    struct ifl_profile *profile;
    enum ifl_result result = ifl_profile_load(arguments->word[1], &profile, error);
    if (result != IFL_OK)
        return result;
    if (arguments->config->json) {
        char *text = ifl_profile_json(profile);
        result = text ? IFL_OK
                      : ifl_fail(error, IFL_ERR_NO_MEMORY, "profile", "no memory for the profile");
        if (text)
            puts(text);
        free(text);
    } else {
        print_profile(profile);
    }
    ifl_profile_unref(profile);
    return result;
}

// ---- validate, reset ----

enum { FINDINGS = 16 };

static enum ifl_result print_findings(const char *path, const struct ifl_profile_finding *finding,
                                      int count, bool json, struct ifl_error *error)
{
    json_t *list = json_array();
    int unfit = 0;
    for (int i = 0; i < count; i++) {
        unfit += finding[i].unfit;
        json_array_append_new(
            list, json_pack("{sb ss}", "unfit", finding[i].unfit, "text", finding[i].text));
        if (!json)
            printf("%s: %s%s\n", path, finding[i].unfit ? "" : "note: ", finding[i].text);
    }
    if (!json && !unfit)
        printf("%s: fit to generate from\n", path);
    enum ifl_result result = IFL_OK;
    if (json)
        result = ifl_print_json(
            json_pack("{ss sb sO}", "file", path, "fit", !unfit, "findings", list), error);
    json_decref(list);
    if (result == IFL_OK && unfit)
        result = ifl_fail(error, IFL_ERR_REJECTED, "profile", "%.200s is not fit to generate from",
                          path);
    return result;
}

static enum ifl_result check(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    struct ifl_profile *profile;
    struct ifl_profile_finding finding[FINDINGS];
    enum ifl_result result = ifl_profile_load(arguments->word[1], &profile, error);
    if (result != IFL_OK)
        return result;
    int count = ifl_profile_check(profile, finding, FINDINGS);
    ifl_profile_unref(profile);
    return print_findings(arguments->word[1], finding, count, arguments->config->json, error);
}

// What is kept of a source in the state folder: its profile, statistics and what drift has learned.
static enum ifl_result reset(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    const char *source = arguments->word[1];
    char folder[4096];
    int hold = -1;
    ifl_state_folder(arguments->config, folder, sizeof folder);
    if (!folder[0])
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "say which folder: --state-dir PATH; none keeps nothing");
    struct ifl_erased *erased = calloc(1, sizeof *erased);
    enum ifl_result result =
        erased ? ifl_state_hold(folder, true, &hold, error)
               : ifl_fail(error, IFL_ERR_NO_MEMORY, "cli", "no memory to reset a profile");
    if (result == IFL_OK)
        result = ifl_state_erase(folder, source, INT64_MIN, INT64_MAX, erased, error);
    ifl_state_let_go(hold);
    if (result == IFL_OK && arguments->config->json)
        result = ifl_print_json(json_pack("{ss ss si}", "folder", folder, "source", source,
                                          "files_removed", erased->files),
                                error);
    else if (result == IFL_OK)
        printf("%s: %d files of %s removed; it begins anew\n", folder, erased->files, source);
    free(erased);
    return result;
}

enum ifl_result ifl_command_profile(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    static const struct {
        const char *word;
        enum ifl_result (*run)(const struct ifl_arguments *arguments, struct ifl_error *error);
    } actions[] = {{"show", show}, {"validate", check}, {"reset", reset}};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (arguments->count == 2 && !strcmp(arguments->word[0], actions[i].word))
            return actions[i].run(arguments, error);
    if (arguments->count == 1)
        return make(arguments, error);
    return ifl_fail(error, IFL_ERR_INVALID, "config",
                    "usage: inferloop profile SOURCE -o FILE, inferloop profile show FILE, "
                    "inferloop profile validate FILE, or inferloop profile reset SOURCE");
}
