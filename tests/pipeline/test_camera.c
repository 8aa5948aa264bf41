// SPDX-License-Identifier: Apache-2.0
// What a moved camera does to its profile, through the real rooms and in the stream's own time: one
// that is turned back loses nothing, one that stays where it is begins anew.
#include "scene.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../ingest/camera_faults.h"
#include "base/log.h"
#include "source/pattern.h"

enum { WIDTH = 160, HEIGHT = 90, RATE = 2 };
static const double learn_s = 600; // of drift, by default

static void put(int file, const void *bytes, size_t count)
{
    assert_int_equal(write(file, bytes, count), (ssize_t)count);
}

static void put_frame(int file, const struct ifl_frame *frame)
{
    put(file, "FRAME\n", 6);
    for (int i = 0; i < 3; i++) {
        int width, height;
        ifl_plane_size(frame->format, frame->width, frame->height, i, &width, &height);
        for (int y = 0; y < height; y++)
            put(file, frame->plane[i] + (ptrdiff_t)y * frame->stride[i], (size_t)width);
    }
}

// A Y4M stream of the pattern scene that looks elsewhere during [from_s, to_s).
static int make_stream(double from_s, double to_s, double seconds)
{
    char header[80];
    struct ifl_error error = {0};
    struct ifl_pattern_scene *scene;
    struct ifl_pattern_config config;
    int file = memfd_create("stream", 0);
    assert_true(file >= 0);
    put(file, header,
        (size_t)snprintf(header, sizeof header, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", WIDTH,
                         HEIGHT, RATE));
    ifl_pattern_config_init(&config);
    config.width = WIDTH;
    config.height = HEIGHT;
    config.rate = RATE;
    check_ok(ifl_pattern_create(&config, &scene, &error), error);
    for (uint64_t i = 0; (double)i < seconds * RATE; i++) {
        struct ifl_frame *frame = ifl_frame_create(IFL_PIXEL_YUV420P, WIDTH, HEIGHT), *seen;
        assert_non_null(frame);
        ifl_pattern_draw(scene, i, frame);
        bool away = (double)i >= from_s * RATE && (double)i < to_s * RATE;
        seen = away ? camera_fault_apply(CAMERA_moved, frame, frame, 0) : ifl_frame_ref(frame);
        put_frame(file, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    ifl_pattern_destroy(scene);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    return file;
}

static struct ifl_profile *learn(double from_s, double to_s, double seconds,
                                 struct ifl_drift_status *drift)
{
    char uri[32];
    int file = make_stream(from_s, to_s, seconds);
    snprintf(uri, sizeof uri, "pipe:%d", file);
    struct ifl_profile *profile = run_scene(uri, drift);
    close(file);
    return profile;
}

static void one_that_is_turned_back_keeps_its_profile(void **state)
{
    (void)state;
    struct ifl_drift_status drift;
    struct ifl_profile *profile = learn(30, 60, 80, &drift);
    assert_in_range(profile->frames_profiled, 43 * RATE, 50 * RATE);
    assert_true(profile->memory[0]->sequence < 20 * RATE);
    for (int i = 0; i < profile->memory_frames; i++)
        assert_false(profile->memory[i]->sequence >= 30 * RATE &&
                     profile->memory[i]->sequence < 60 * RATE);
    assert_true(drift.learned >= 40 / learn_s);
    ifl_profile_unref(profile);
}

static void one_that_stays_begins_anew(void **state)
{
    (void)state;
    struct ifl_drift_status drift;
    struct ifl_profile *profile = learn(30, 70, 70, &drift);
    assert_in_range(profile->frames_profiled, 20 * RATE, 28 * RATE);
    for (int i = 0; i < profile->memory_frames; i++)
        assert_true(profile->memory[i]->sequence >= 40 * RATE);
    assert_true(drift.learned > 0 && drift.learned <= 28 / learn_s);
    ifl_profile_unref(profile);
}

int main(void)
{
    ifl_log_setup(IFL_LOG_ERROR, IFL_LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_turned_back_keeps_its_profile),
        cmocka_unit_test(one_that_stays_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
