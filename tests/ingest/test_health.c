// SPDX-License-Identifier: Apache-2.0
// Camera truth on the pattern scene: each fault is found in time and called by its name, its frames
// are kept out, and it clears; what the world does is left to the world. docs/camera-truth.md has
// the same on real clips and for hours.
#include "support.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rng.h"
#include "camera_faults.h"
#include "ingest/view.h"
#include "kernels/picture.h"
#include "source/pattern.h"

struct street {
    struct ifl_pattern_scene *scene;
    struct ifl_pattern_config config;
    uint64_t number;
};

static struct ifl_frame *next_frame(void *context)
{
    struct street *street = context;
    struct ifl_frame *frame =
        ifl_frame_create(IFL_PIXEL_YUV420P, street->config.width, street->config.height);
    assert_non_null(frame);
    frame->range = IFL_RANGE_FULL;
    frame->matrix = IFL_MATRIX_BT601;
    ifl_pattern_draw(street->scene, street->number++, frame);
    return frame;
}

static struct camera_scene open_street(struct street *street, double rate)
{
    struct ifl_error error = {0};
    ifl_pattern_config_init(&street->config);
    street->config.width = 240;
    street->config.height = 136;
    street->config.rate = rate;
    street->number = 0;
    check_ok(ifl_pattern_create(&street->config, &street->scene, &error), error);
    return (struct camera_scene){next_frame, street, rate};
}

static void check_fault(const struct camera_fault_row *row, const struct camera_trial *trial)
{
    if (!(trial->found_s >= 0 && trial->found_s <= row->found_s))
        fail_msg("%s was found after %.1f s (-1: never)", row->name, trial->found_s);
    if (!(trial->cleared_s >= 0 && trial->cleared_s <= 4))
        fail_msg("%s was cleared after %.1f s (-1: never)", row->name, trial->cleared_s);
    if (trial->first_gap < 0 || trial->first_gap > 5)
        fail_msg("%s: its first frame is off by %d", row->name, trial->first_gap);
    if (trial->held_good > 0)
        fail_msg("%s: %.1f %% of the good frames were held", row->name, 100 * trial->held_good);
    bool passes = row->kind == IFL_INCIDENT_INFRARED || row->kind == IFL_INCIDENT_EXPOSURE ||
                  row->kind == IFL_INCIDENT_FROZEN; // known only after a while, or learned soon
    if (trial->held < (passes ? 0.08 : 0.85))
        fail_msg("%s: only %.0f %% were held", row->name, 100 * trial->held);
}

static void check_others(const struct camera_fault_row *row, const struct camera_trial *trial)
{
    for (int i = 0; i < IFL_INCIDENT_COUNT; i++)
        if (i != row->kind && trial->begun[i])
            fail_msg("%s was called %s", row->name,
                     ifl_incident_row((enum ifl_incident_kind)i)->name);
}

// One after the other in one stream: none leaves a trace.
static void tells_each_fault_from_the_world(void **state)
{
    (void)state;
    struct street street;
    struct camera_scene scene = open_street(&street, 8);
    struct camera_rig rig;
    camera_rig_open(&rig, 8);
    double warm_s = 25;
    for (int i = 0; i < CAMERA_FAULT_COUNT; i++) {
        const struct camera_fault_row *row = camera_fault_row((enum camera_fault)i);
        struct camera_trial trial;
        if (i == CAMERA_sunset || i == CAMERA_pan) // the first takes its time
            continue;
        camera_try(&rig, &scene, (enum camera_fault)i, warm_s, i == CAMERA_truck ? 14 : 6, 4.5,
                   &trial);
        if (row->kind != IFL_INCIDENT_COUNT)
            check_fault(row, &trial);
        check_others(row, &trial);
        warm_s = 1;
    }
    camera_rig_close(&rig);
    ifl_pattern_destroy(street.scene);
}

// Before it knows the camera, what can't be a scene is held all the same.
static void begins_with_absolute_thresholds(void **state)
{
    (void)state;
    static const struct {
        enum camera_fault fault;
        enum ifl_incident_kind kind;
    } cases[] = {{CAMERA_black, IFL_INCIDENT_BLACK},
                 {CAMERA_white, IFL_INCIDENT_WHITE},
                 {CAMERA_half_grey, IFL_INCIDENT_TORN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct street street;
        struct camera_rig rig;
        open_street(&street, 10);
        camera_rig_open(&rig, 10);
        for (int k = 0; k < 30; k++) {
            struct ifl_frame *frame = next_frame(&street);
            struct ifl_frame *bad = camera_fault_apply(cases[i].fault, frame, frame, k / 10.0);
            assert_int_equal(camera_rig_take(&rig, bad), IFL_VERDICT_HELD);
            ifl_frame_unref(bad);
            ifl_frame_unref(frame);
        }
        assert_true(ifl_journal_lasts(rig.journal, "camera", cases[i].kind));
        camera_rig_close(&rig);
        ifl_pattern_destroy(street.scene);
    }
}

// Good frames, seen as `fault` has them where it is not COUNT; returns how many were held.
static uint64_t watch(struct camera_rig *rig, struct street *street, enum camera_fault fault,
                      double seconds)
{
    uint64_t before = rig->held;
    for (int k = 0; k < seconds * rig->rate; k++) {
        struct ifl_frame *frame = next_frame(street), *seen = frame;
        if (fault != CAMERA_FAULT_COUNT)
            seen = camera_fault_apply(fault, frame, frame, 0);
        camera_rig_take(rig, seen);
        if (seen != frame)
            ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    return rig->held - before;
}

static uint64_t count_moved(const struct camera_rig *rig)
{
    struct ifl_journal_counts counts = {0};
    ifl_journal_count(rig->journal, &counts, 1);
    return counts.begun[IFL_INCIDENT_MOVED];
}

static void open_known(struct street *street, struct camera_rig *rig, double rate)
{
    open_street(street, rate);
    camera_rig_open(rig, rate);
    assert_int_equal(watch(rig, street, CAMERA_FAULT_COUNT, 30), 0);
}

static void close_known(struct street *street, struct camera_rig *rig)
{
    camera_rig_close(rig);
    ifl_pattern_destroy(street->scene);
}

static void check_views(const struct camera_rig *rig, uint64_t now, uint64_t former)
{
    struct ifl_health_views views;
    ifl_health_views(rig->health, &views);
    assert_int_equal(views.now, now);
    assert_int_equal(views.former, former);
    assert_int_equal(ifl_journal_lasts(rig->journal, "camera", IFL_INCIDENT_MOVED), former > 0);
}

// After ten minutes it is the usual one, and the one of before is another view.
static void learns_a_view_that_stays(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 1);
    check_views(&rig, 1, 0);
    assert_true(watch(&rig, &street, CAMERA_away, 30) >= 24);
    check_views(&rig, 2, 1);
    assert_int_equal(watch(&rig, &street, CAMERA_away, 560), 0);
    check_views(&rig, 2, 1);
    watch(&rig, &street, CAMERA_away, 45);
    check_views(&rig, 2, 0);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 30);
    check_views(&rig, 3, 2);
    assert_int_equal(count_moved(&rig), 2);
    close_known(&street, &rig);
}

// For however long, and wherever it has looked in between.
static void a_camera_turned_back_finds_all_as_it_was(void **state)
{
    (void)state;
    static const struct {
        enum camera_fault first, second;
        double seconds;
        uint64_t greatest;
    } cases[] = {{CAMERA_moved, CAMERA_moved, 3, 1},
                 {CAMERA_away, CAMERA_away, 5, 1},
                 {CAMERA_moved, CAMERA_moved, 15, 2},
                 {CAMERA_away, CAMERA_away, 60, 3},
                 {CAMERA_lowered, CAMERA_away, 40, 5}};
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        watch(&rig, &street, cases[i].first, cases[i].seconds);
        watch(&rig, &street, cases[i].second, cases[i].seconds);
        assert_true(ifl_journal_lasts(rig.journal, "camera", IFL_INCIDENT_MOVED));
        if (cases[i].greatest > 1)
            check_views(&rig, cases[i].greatest, 1);
        watch(&rig, &street, CAMERA_FAULT_COUNT, 5);
        check_views(&rig, 1, 0);
        assert_int_equal(watch(&rig, &street, CAMERA_FAULT_COUNT, 10), 0);
        assert_int_equal(count_moved(&rig), i + 1);
    }
    close_known(&street, &rig);
}

// A black picture is no view that could be back, and a torn one does not stop a view from staying.
static void other_faults_are_no_views(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    watch(&rig, &street, CAMERA_away, 12);
    watch(&rig, &street, CAMERA_torn, 0.5);
    watch(&rig, &street, CAMERA_away, 5);
    check_views(&rig, 2, 1);
    watch(&rig, &street, CAMERA_black, 20);
    check_views(&rig, 2, 1);
    close_known(&street, &rig);
}

// A chequered wall slides before the scene from the right: all is gone after `in_s`, for `stays_s`.
static void slide(struct camera_rig *rig, struct street *street, double in_s, double stays_s)
{
    for (int k = 0; k < (in_s + stays_s) * rig->rate; k++) {
        struct ifl_frame *frame = next_frame(street);
        struct ifl_frame *seen = camera_fault_apply(CAMERA_shake, frame, frame, 0); // a copy
        int left = (int)(fmax(0, 1 - (k + 1) / rig->rate / in_s) * seen->width);
        for (int y = 0; y < seen->height; y++)
            for (int x = left; x < seen->width; x++)
                ((uint8_t *)seen->plane[0])[(ptrdiff_t)y * seen->stride[0] + x] =
                    (uint8_t)(((x - left) / 11 + y / 9) % 2 ? 150 + x / 4 : 60 + y / 4 + k % 3);
        camera_rig_take(rig, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
}

// A truck comes bit by bit and need not be said for a minute; a turned camera loses all at once.
static void what_comes_before_the_lens_has_not_moved_it(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    slide(&rig, &street, 8, 50);
    assert_int_equal(count_moved(&rig), 0);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 5);
    slide(&rig, &street, 0.4, 7);
    assert_int_equal(count_moved(&rig), 1);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 5);
    slide(&rig, &street, 8, 70); // stands there for good
    assert_int_equal(count_moved(&rig), 2);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 5);
    check_views(&rig, 1, 0);
    close_known(&street, &rig);
}

// The edges of the ground are hidden by what moves, and what was usual tells nothing of it.
static void sees_a_tear_in_a_busy_picture(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    struct ifl_error error = {0};
    open_street(&street, 10);
    ifl_pattern_destroy(street.scene);
    street.config.light = 3;
    street.config.objects = 8;
    street.config.seed = 5;
    check_ok(ifl_pattern_create(&street.config, &street.scene, &error), error);
    camera_rig_open(&rig, 10);
    assert_int_equal(watch(&rig, &street, CAMERA_FAULT_COUNT, 30), 0);
    struct camera_trial trial;
    struct camera_scene scene = {next_frame, &street, 10};
    camera_try(&rig, &scene, CAMERA_torn, 1, 5, 4, &trial);
    assert_true(trial.found_s >= 0 && trial.found_s <= 3);
    assert_true(trial.cleared_s >= 0);
    close_known(&street, &rig);
}

static void open_street_as(struct street *street, const struct ifl_pattern_config *config)
{
    struct ifl_error error = {0};
    street->config = *config;
    street->number = 0;
    check_ok(ifl_pattern_create(config, &street->scene, &error), error);
}

static void open_known_as(struct street *street, struct camera_rig *rig,
                          const struct ifl_pattern_config *config)
{
    open_street_as(street, config);
    camera_rig_open(rig, config->rate);
    assert_int_equal(watch(rig, street, CAMERA_FAULT_COUNT, 25), 0);
}

// Also where the encoder has left hardly any noise, and where pictures come slowly.
static void a_frozen_picture_may_twitch(void **state)
{
    (void)state;
    static const struct {
        double rate, noise;
    } cases[] = {{5, 1.5}, {10, 0.3}, {5, 0.3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct street street;
        struct camera_rig rig;
        struct camera_trial trial;
        struct ifl_pattern_config config;
        ifl_pattern_config_init(&config);
        config.width = 240;
        config.height = 136;
        config.rate = cases[i].rate;
        config.noise = cases[i].noise;
        open_known_as(&street, &rig, &config);
        struct camera_scene scene = {next_frame, &street, config.rate};
        camera_try(&rig, &scene, CAMERA_frozen_coded, 1, 6, 3, &trial);
        check_fault(camera_fault_row(CAMERA_frozen_coded), &trial);
        check_others(camera_fault_row(CAMERA_frozen_coded), &trial);
        close_known(&street, &rig);
    }
}

// Nor is one frozen whose encoder sends nothing else while nothing else changes.
static void a_clock_that_ticks_is_no_twitch(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    struct ifl_pattern_config config;
    ifl_pattern_config_init(&config);
    config.width = 240;
    config.height = 136;
    config.noise = 0.3;
    open_known_as(&street, &rig, &config);
    struct ifl_frame *still = next_frame(&street);
    for (int k = 0; k < 60; k++) {
        struct ifl_frame *seen = camera_fault_apply(CAMERA_frozen, still, still, 0); // a copy
        for (int y = 0; y < 8; y++)
            memset((uint8_t *)seen->plane[0] + (ptrdiff_t)y * seen->stride[0],
                   k / 10 % 2 ? 100 : 120, 8);
        camera_rig_take(&rig, seen);
        ifl_frame_unref(seen);
    }
    assert_int_equal(rig.held, 0);
    ifl_frame_unref(still);
    close_known(&street, &rig);
}

// Five pictures a second of which one is new: what comes once a second is no key frame's twitch.
static void a_camera_that_repeats_pictures_is_not_frozen(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    struct ifl_pattern_config config;
    ifl_pattern_config_init(&config);
    config.width = 240;
    config.height = 136;
    config.objects = 0; // what moves is more than a twitch
    open_street_as(&street, &config);
    camera_rig_open(&rig, 5);
    for (int k = 0; k < 60; k++) {
        struct ifl_frame *frame = next_frame(&street);
        for (int again = 0; again < 5; again++) {
            struct ifl_frame *seen = camera_fault_apply(CAMERA_frozen, frame, frame, 0); // a copy
            camera_rig_take(&rig, seen);
            ifl_frame_unref(seen);
        }
        ifl_frame_unref(frame);
    }
    assert_int_equal(rig.held, 0);
    close_known(&street, &rig);
}

// y = y * gain + offset, but for the left eighth.
static void relight(struct ifl_frame *frame, double gain, double offset)
{
    for (int y = 0; y < frame->height; y++)
        for (int x = frame->width / 8; x < frame->width; x++) {
            uint8_t *pixel = (uint8_t *)frame->plane[0] + (ptrdiff_t)y * frame->stride[0] + x;
            *pixel = (uint8_t)fmin(255, *pixel * gain + offset);
        }
}

// White has no noise, and what was bright can't become brighter by a third.
static void a_bright_picture_that_clips_is_not_frozen(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    struct ifl_journal_counts counts = {0};
    open_street(&street, 5);
    camera_rig_open(&rig, 5);
    for (int k = 0; k < 5 * 30; k++) {
        struct ifl_frame *frame = next_frame(&street);
        struct ifl_frame *seen = camera_fault_apply(CAMERA_frozen, frame, frame, 0); // a copy
        relight(seen, 0.4, 150);
        if (k >= 5 * 25)
            relight(seen, 1.35, 0);
        camera_rig_take(&rig, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    ifl_journal_count(rig.journal, &counts, 1);
    assert_int_equal(counts.begun[IFL_INCIDENT_FROZEN], 0);
    assert_int_equal(counts.begun[IFL_INCIDENT_EXPOSURE], 1);
    assert_int_equal(rig.held, 25);
    close_known(&street, &rig);
}

// A frosted pane before nearly all of the lens: grain, and the light of the scene.
static struct ifl_frame *frost(const struct ifl_frame *frame, struct ifl_rng *rng)
{
    struct ifl_frame *once = camera_fault_apply(CAMERA_defocused, frame, frame, 0);
    struct ifl_frame *seen = camera_fault_apply(CAMERA_defocused, once, once, 0);
    ifl_frame_unref(once);
    for (int y = 0; y < frame->height; y++) {
        uint8_t *row = (uint8_t *)seen->plane[0] + (ptrdiff_t)y * seen->stride[0];
        int pane = frame->width * 19 / 20;
        for (int x = 0; x < pane; x++)
            row[x] = (uint8_t)fmax(0, fmin(255, row[x] + 16 * ifl_rng_uniform(rng) - 8));
        memcpy(row + pane, frame->plane[0] + (ptrdiff_t)y * frame->stride[0] + pane,
               (size_t)(frame->width - pane));
    }
    return seen;
}

// How the light lies is not all: the edges are gone, and no blur took them.
static void what_covers_may_have_the_light_of_the_scene(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    open_known(&street, &rig, 5);
    for (int k = 0; k < 5 * 8; k++) {
        struct ifl_frame *frame = next_frame(&street);
        struct ifl_frame *seen = frost(frame, &rng);
        camera_rig_take(&rig, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    assert_true(ifl_journal_lasts(rig.journal, "camera", IFL_INCIDENT_COVERED));
    assert_int_equal(count_moved(&rig), 0);
    close_known(&street, &rig);
}

// Where much happens a turning camera sees now and then what looks like the usual view.
static void a_camera_that_keeps_turning_has_moved(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    struct camera_trial trial;
    struct ifl_pattern_config config;
    ifl_pattern_config_init(&config);
    config.width = 320;
    config.height = 180;
    config.light = 3;
    config.objects = 8;
    config.seed = 5;
    open_known_as(&street, &rig, &config);
    struct camera_scene scene = {next_frame, &street, config.rate};
    camera_try(&rig, &scene, CAMERA_pan, 15, 12, 3, &trial);
    assert_true(trial.found_s >= 0 && trial.found_s <= camera_fault_row(CAMERA_pan)->found_s);
    assert_true(trial.held > 0.8);
    close_known(&street, &rig);
}

// What one picture shows of a wall of bricks: rows [from, to) stand `aside` to the right.
static void take_wall(struct ifl_sight *sight, int from, int to, int aside)
{
    enum { SIDE = IFL_SIGHT_SIDE };
    static uint8_t wall[SIDE][2 * SIDE], luma[SIDE * SIDE];
    struct ifl_plane plane = {.y = luma, .width = SIDE, .height = SIDE};
    struct ifl_rng rng;
    ifl_rng_init(&rng, 1);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < 2 * SIDE; x++)
            wall[y][x] = y % 3   ? wall[y - 1][x]
                         : x % 5 ? wall[y][x - 1]
                                 : (uint8_t)(256 * ifl_rng_uniform(&rng));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            luma[y * SIDE + x] = wall[y][x + SIDE - (y >= from && y < to ? aside : 0)];
    ifl_sight_take(sight, &plane);
}

// What drives has come to where it is bit by bit; what is torn is there at once.
static void what_drives_is_no_tear(void **state)
{
    (void)state;
    enum { SIDE = IFL_SIGHT_SIDE };
    static const struct {
        int to, before, now, row; // what is set off ends where; by how much; -1: no tear
    } cases[] = {
        {SIDE, 0, 0, -1},        {SIDE, 0, 16, 64}, // all below
        {SIDE, 16, 16, -1},                         // it has stood there in the picture before
        {SIDE, 13, 16, -1},                         // and has driven there
        {SIDE, 16, 0, 64},      // it was elsewhere, but all is set off from there
        {SIDE - 16, 0, 16, 64}, // a stripe where all was as ever
        {SIDE - 16, 12, 16, -1}, {SIDE - 16, 16, 0, -1}, // something that leaves fast
    };
    static struct ifl_sight usual, before, now;
    static float usual_edges[SIDE * SIDE];
    take_wall(&usual, 0, 0, 0);
    for (int i = 0; i < SIDE * SIDE; i++)
        usual_edges[i] = usual.edges[i];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        take_wall(&before, 64, cases[i].to, cases[i].before);
        take_wall(&now, 64, cases[i].to, cases[i].now);
        int row = ifl_sight_tear(&now, usual_edges, before.edges);
        if (row != cases[i].row)
            fail_msg("case %zu: a tear at %d", i, row);
    }
}

// A shift is believed where edges stand as far aside as it says.
static void counts_the_edges_that_stand_aside(void **state)
{
    (void)state;
    static struct ifl_sight usual, now;
    static struct ifl_view view;
    take_wall(&usual, 0, 0, 0);
    take_wall(&now, 0, IFL_SIGHT_SIDE, 14);
    memcpy(view.tile_energy, usual.energy, sizeof view.tile_energy);
    for (int i = 0; i < IFL_SIGHT_SIDE * IFL_SIGHT_SIDE; i++)
        view.edges[i] = usual.edges[i];
    assert_true(ifl_view_kept(&view, &usual, 0, 0) == 1);
    assert_true(ifl_view_kept(&view, &now, 0, 0) < 0.05);
    assert_true(ifl_view_kept(&view, &now, 14.0 / IFL_SIGHT_SIDE, 0) == 1);
    assert_true(ifl_view_kept(&view, &now, -14.0 / IFL_SIGHT_SIDE, 0) < 0.05);
    assert_true(ifl_view_kept(&view, &now, 0, 14.0 / IFL_SIGHT_SIDE) < 0.05);
}

// A picture whose tear isn't seen looks moved.
static void a_camera_whose_pictures_tear_has_not_moved(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    for (int i = 0; i < 8; i++) {
        watch(&rig, &street, CAMERA_concealed, 0.4);
        watch(&rig, &street, CAMERA_moved, 0.8);
    }
    assert_true(ifl_journal_lasts(rig.journal, "camera", IFL_INCIDENT_TORN));
    assert_int_equal(count_moved(&rig), 0);
    watch(&rig, &street, CAMERA_moved, 8); // but this one has
    assert_int_equal(count_moved(&rig), 1);
    close_known(&street, &rig);
}

static void night_is_no_black_picture(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    for (int k = 0; k < 200; k++) { // five times as fast as the sunset
        struct ifl_frame *frame = next_frame(&street);
        struct ifl_frame *seen =
            camera_fault_apply(CAMERA_sunset, frame, frame, fmin(300, k / rig.rate * 5));
        camera_rig_take(&rig, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    struct ifl_journal_counts counts = {0};
    ifl_journal_count(rig.journal, &counts, 1);
    assert_int_equal(counts.begun[IFL_INCIDENT_BLACK], 0);
    assert_int_equal(rig.held, 0);
    close_known(&street, &rig);
}

static void begins_anew_when_told(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    watch(&rig, &street, CAMERA_away, 10);
    assert_true(ifl_journal_lasts(rig.journal, "camera", IFL_INCIDENT_MOVED));
    ifl_health_reset(rig.health);
    watch(&rig, &street, CAMERA_away, 2);
    check_views(&rig, 1, 0);
    assert_int_equal(watch(&rig, &street, CAMERA_away, 25), 0);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 25); // what it was before is another one now
    check_views(&rig, 2, 1);
    ifl_health_reset(rig.health);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 2);
    check_views(&rig, 2, 0);
    assert_int_equal(count_moved(&rig), 2);
    close_known(&street, &rig);
}

// A drone's view never stays: it has not moved, it moves.
static void lets_a_moving_camera_move(void **state)
{
    (void)state;
    struct street street;
    struct camera_rig rig;
    open_street(&street, 10);
    street.config.objects = 0;
    camera_rig_open(&rig, 10);
    for (int k = 0; k < 400; k++) {
        struct ifl_frame *frame = next_frame(&street);
        struct ifl_frame *seen = camera_fault_apply(CAMERA_pan, frame, frame, k / 10.0);
        camera_rig_take(&rig, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    assert_true(rig.held <= 4);
    camera_rig_close(&rig);
    ifl_pattern_destroy(street.scene);
}

static void knows_the_camera_after_a_restart(void **state)
{
    (void)state;
    char path[] = "/tmp/ifl-view-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct ifl_error error = {0};
    struct street street;
    struct camera_rig rig;
    open_street(&street, 10);
    camera_rig_open(&rig, 10);
    for (int k = 0; k < 200; k++) {
        struct ifl_frame *frame = next_frame(&street);
        camera_rig_take(&rig, frame);
        ifl_frame_unref(frame);
    }
    check_ok(ifl_health_save(rig.health, path, &error), error);
    camera_rig_close(&rig);
    camera_rig_open(&rig, 10);
    check_ok(ifl_health_load(rig.health, path, &error), error);
    assert_int_equal(watch(&rig, &street, CAMERA_black, 3), 30); // and is no night
    assert_true(ifl_journal_lasts(rig.journal, "camera", IFL_INCIDENT_BLACK));
    for (int k = 0; k < 80; k++) { // it was turned in the meantime
        struct ifl_frame *frame = next_frame(&street);
        struct ifl_frame *seen = camera_fault_apply(CAMERA_moved, frame, frame, 0);
        camera_rig_take(&rig, seen);
        ifl_frame_unref(seen);
        ifl_frame_unref(frame);
    }
    assert_true(ifl_journal_lasts(rig.journal, "camera", IFL_INCIDENT_MOVED));
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(ifl_health_load(rig.health, path, &error), IFL_ERR_CORRUPT);
    unlink(path);
    assert_int_equal(ifl_health_load(rig.health, path, &error), IFL_ERR_NOT_FOUND);
    camera_rig_close(&rig);
    ifl_pattern_destroy(street.scene);
}

// While the usual view may come back it is what is kept.
static void keeps_the_usual_view_while_it_looks_elsewhere(void **state)
{
    (void)state;
    char path[] = "/tmp/ifl-view-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct ifl_error error = {0};
    struct street street;
    struct camera_rig rig;
    open_known(&street, &rig, 2.5);
    watch(&rig, &street, CAMERA_away, 25);
    check_views(&rig, 2, 1);
    check_ok(ifl_health_save(rig.health, path, &error), error);
    camera_rig_close(&rig);
    camera_rig_open(&rig, 2.5);
    check_ok(ifl_health_load(rig.health, path, &error), error);
    assert_int_equal(watch(&rig, &street, CAMERA_FAULT_COUNT, 8), 0);
    watch(&rig, &street, CAMERA_away, 8);
    assert_int_equal(count_moved(&rig), 1);
    unlink(path);
    close_known(&street, &rig);
}

static double distance(const struct ifl_image *a, const struct ifl_image *b)
{
    assert_non_null(a);
    assert_non_null(b);
    assert_true(a->width == b->width && a->height == b->height);
    double sum = 0;
    for (int i = 0; i < a->width * a->height * 3; i++)
        sum += abs(a->rgb[i] - b->rgb[i]);
    return sum / (a->width * a->height * 3);
}

// `fault` for a while; the newest incident is the caller's to fini.
static void take_incident(struct camera_rig *rig, struct street *street, enum camera_fault fault,
                          struct ifl_incident *incident)
{
    struct ifl_journal_filter filter = {.kind = -1, .lasting = true};
    struct ifl_frame *good = next_frame(street);
    for (int k = 0; k < 7 * rig->rate; k++) {
        struct ifl_frame *frame = next_frame(street);
        struct ifl_frame *bad = camera_fault_apply(fault, frame, good, k / rig->rate);
        camera_rig_take(rig, bad);
        ifl_frame_unref(bad);
        ifl_frame_unref(frame);
    }
    ifl_frame_unref(good);
    assert_int_equal(ifl_journal_read(rig->journal, &filter, incident, 1), 1);
    assert_int_equal((int)incident->kind, camera_fault_row(fault)->kind);
}

// Before: as good pictures are. After: a bad one. What is forgotten is shown no more.
static void an_incident_shows_what_was_and_what_is(void **state)
{
    (void)state;
    static const enum camera_fault faults[] = {CAMERA_away, CAMERA_frozen, CAMERA_black};
    static uint8_t planes[IFL_EXEMPLAR_BYTES];
    struct street street;
    struct camera_rig rig;
    struct ifl_incident incident;
    open_street(&street, 5);
    camera_rig_open(&rig, 5);
    watch(&rig, &street, CAMERA_FAULT_COUNT, 25);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct ifl_frame *good = next_frame(&street);
        struct ifl_frame *bad = camera_fault_apply(faults[i], good, good, 0);
        struct ifl_image *was = ifl_picture_exemplar(good, NULL, planes);
        struct ifl_image *is = ifl_picture_exemplar(bad, NULL, planes);
        take_incident(&rig, &street, faults[i], &incident);
        // The scene lives, so that each is only far nearer to what it is of.
        if (faults[i] == CAMERA_frozen)
            assert_true(distance(incident.before, was) < 10);
        else
            assert_true(distance(incident.before, was) < 0.6 * distance(incident.before, is) &&
                        distance(incident.after, is) < 0.6 * distance(incident.after, was));
        ifl_incident_fini(&incident);
        ifl_image_unref(was);
        ifl_image_unref(is);
        ifl_frame_unref(bad);
        ifl_frame_unref(good);
        watch(&rig, &street, CAMERA_FAULT_COUNT, 5);
    }
    ifl_health_forget(rig.health, INT64_MAX);
    take_incident(&rig, &street, CAMERA_black, &incident);
    assert_null(incident.before);
    assert_non_null(incident.after);
    ifl_incident_fini(&incident);
    close_known(&street, &rig);
}

int main(void)
{
    ifl_log_setup(IFL_LOG_ERROR, IFL_LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_each_fault_from_the_world),
        cmocka_unit_test(begins_with_absolute_thresholds),
        cmocka_unit_test(learns_a_view_that_stays),
        cmocka_unit_test(a_camera_turned_back_finds_all_as_it_was),
        cmocka_unit_test(other_faults_are_no_views),
        cmocka_unit_test(begins_anew_when_told),
        cmocka_unit_test(what_comes_before_the_lens_has_not_moved_it),
        cmocka_unit_test(sees_a_tear_in_a_busy_picture),
        cmocka_unit_test(a_frozen_picture_may_twitch),
        cmocka_unit_test(a_clock_that_ticks_is_no_twitch),
        cmocka_unit_test(a_camera_that_repeats_pictures_is_not_frozen),
        cmocka_unit_test(a_bright_picture_that_clips_is_not_frozen),
        cmocka_unit_test(what_covers_may_have_the_light_of_the_scene),
        cmocka_unit_test(a_camera_that_keeps_turning_has_moved),
        cmocka_unit_test(what_drives_is_no_tear),
        cmocka_unit_test(counts_the_edges_that_stand_aside),
        cmocka_unit_test(a_camera_whose_pictures_tear_has_not_moved),
        cmocka_unit_test(night_is_no_black_picture),
        cmocka_unit_test(lets_a_moving_camera_move),
        cmocka_unit_test(knows_the_camera_after_a_restart),
        cmocka_unit_test(keeps_the_usual_view_while_it_looks_elsewhere),
        cmocka_unit_test(an_incident_shows_what_was_and_what_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
