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

enum ifl_result ifl_command_profile(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    bool shows = !strcmp(arguments->word[0], "show");
    if (shows != (arguments->count == 2))
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "usage: inferloop profile SOURCE -o FILE, or inferloop profile show FILE");
    return shows ? show(arguments, error) : make(arguments, error);
}
