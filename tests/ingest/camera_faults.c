// SPDX-License-Identifier: Apache-2.0
#include "camera_faults.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static const struct camera_fault_row rows[] = {
#define ROW(name, kind, found_s, lasts_s, what)                                                    \
    {#name, IFL_INCIDENT_##kind, found_s, lasts_s, what},
    CAMERA_FAULTS(ROW)
#undef ROW
};

const struct camera_fault_row *camera_fault_row(enum camera_fault fault)
{
    return &rows[fault];
}

// ---- drawing ----

struct picture {
    struct ifl_frame *frame;
    uint8_t *plane[3];
    int width[3], height[3], stride[3];
    struct ifl_rng rng;
};

static void fail(const char *text)
{
    fprintf(stderr, "%s\n", text);
    abort();
}

static struct picture copy(const struct ifl_frame *frame, double seconds)
{
    struct picture picture = {.frame =
                                  ifl_frame_create(IFL_PIXEL_YUV420P, frame->width, frame->height)};
    struct ifl_frame *made = picture.frame;
    if (!made)
        fail("no memory for a frame");
    made->range = IFL_RANGE_FULL;
    made->matrix = IFL_MATRIX_BT601;
    for (int i = 0; i < 3; i++) {
        ifl_plane_size(IFL_PIXEL_YUV420P, frame->width, frame->height, i, &picture.width[i],
                       &picture.height[i]);
        picture.plane[i] = (uint8_t *)made->plane[i];
        picture.stride[i] = made->stride[i];
        for (int y = 0; y < picture.height[i]; y++)
            memcpy(picture.plane[i] + (ptrdiff_t)y * picture.stride[i],
                   frame->plane[i] + (ptrdiff_t)y * frame->stride[i], (size_t)picture.width[i]);
    }
    ifl_rng_init(&picture.rng, (uint64_t)(seconds * 1000) + 17);
    return picture;
}

static uint8_t clip(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

static double noise(struct picture *picture, double sigma)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += ifl_rng_uniform(&picture->rng);
    return (sum - 2) * sigma * 1.732;
}

static uint8_t *at(struct picture *picture, int i, int x, int y)
{
    return picture->plane[i] + (ptrdiff_t)y * picture->stride[i] + x;
}

static void fill(struct picture *picture, int i, int value)
{
    for (int y = 0; y < picture->height[i]; y++)
        memset(at(picture, i, 0, y), value, (size_t)picture->width[i]);
}

// y = y * gain + offset, and noise.
static void light(struct picture *picture, double gain, double offset, double sigma)
{
    for (int y = 0; y < picture->height[0]; y++)
        for (int x = 0; x < picture->width[0]; x++) {
            uint8_t *pixel = at(picture, 0, x, y);
            *pixel = clip(*pixel * gain + offset + noise(picture, sigma));
        }
}

// A smooth slope of luma from one corner to the other.
static void cover(struct picture *picture, double from, double to, int cb, int cr, double share)
{
    int width = picture->width[0], height = picture->height[0];
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width * share; x++)
            *at(picture, 0, x, y) =
                clip(from + (to - from) * (x + y) / (width + height) + noise(picture, 1.5));
    for (int i = 1; i < 3; i++)
        for (int y = 0; y < picture->height[i]; y++)
            memset(at(picture, i, 0, y), i == 1 ? cb : cr, (size_t)(picture->width[i] * share));
}

// A box blur of one plane, three times: nearly a Gaussian.
static void blur(struct picture *picture, int i, int radius)
{
    int width = picture->width[i], height = picture->height[i];
    int most = width > height ? width : height;
    double *line = malloc((size_t)most * sizeof *line);
    if (!line)
        fail("no memory to blur");
    for (int pass = 0; pass < 6; pass++) {
        int count = pass % 2 ? height : width, lines = pass % 2 ? width : height;
        ptrdiff_t step = pass % 2 ? picture->stride[i] : 1;
        for (int l = 0; l < lines; l++) {
            uint8_t *first = pass % 2 ? at(picture, i, l, 0) : at(picture, i, 0, l);
            double sum = 0;
            for (int k = -radius; k <= radius; k++)
                sum += first[step * (k < 0 ? 0 : k)];
            for (int k = 0; k < count; k++) {
                int in = k + radius + 1, out = k - radius;
                line[k] = sum / (2 * radius + 1);
                sum +=
                    first[step * (in < count ? in : count - 1)] - first[step * (out > 0 ? out : 0)];
            }
            for (int k = 0; k < count; k++)
                first[step * k] = clip(line[k]);
        }
    }
    free(line);
}

static int inside(int value, int count) // mirrored at the borders
{
    value = value < 0 ? -value : value;
    value %= 2 * count;
    return value < count ? value : 2 * count - 1 - value;
}

// Moves rows [from, height) of every plane by shares of the picture.
static void move(struct picture *picture, double across, double down, double from)
{
    struct picture old = copy(picture->frame, 0);
    for (int i = 0; i < 3; i++)
        for (int y = (int)(from * picture->height[i]); y < picture->height[i]; y++)
            for (int x = 0; x < picture->width[i]; x++)
                *at(picture, i, x, y) =
                    *at(&old, i, inside(x + (int)lrint(across * picture->width[i]), old.width[i]),
                        inside(y + (int)lrint(down * picture->height[i]), old.height[i]));
    ifl_frame_unref(old.frame);
}

static void turn_away(struct picture *picture) // upside down and mirrored: other walls
{
    struct picture old = copy(picture->frame, 0);
    for (int i = 0; i < 3; i++)
        for (int y = 0; y < picture->height[i]; y++)
            for (int x = 0; x < picture->width[i]; x++)
                *at(picture, i, x, y) = *at(&old, i, old.width[i] - 1 - x, old.height[i] - 1 - y);
    ifl_frame_unref(old.frame);
}

static void tear(struct picture *picture, double seconds)
{
    double row = 0.3 + 0.5 * ifl_rng_uniform(&picture->rng);
    double across = 0.1 + 0.15 * ifl_rng_uniform(&picture->rng);
    if ((int)(seconds * 10 + 0.5) % 2 == 0)
        move(picture, across, 0, row);
}

static void grey_half(struct picture *picture)
{
    for (int i = 0; i < 3; i++)
        for (int y = picture->height[i] / 2; y < picture->height[i]; y++)
            memset(at(picture, i, 0, y), i ? 128 : 130, (size_t)picture->width[i]);
}

// A box body with panel lines, a dark gap beneath and wheels; `left` in shares of the width.
static void drive_truck(struct picture *picture, double left)
{
    int width = picture->width[0], height = picture->height[0];
    int from = (int)(left * width), body = (int)(0.95 * width), foot = (int)(0.88 * height);
    for (int y = 0; y < height; y++)
        for (int x = from; x < from + body; x++) {
            if (x < 0 || x >= width)
                continue;
            int u = x - from, luma = 150 + 20 * y / height;
            bool panel = u % (width / 8) < 2 || y % (height / 3) < 2;
            double wheel = fmin(hypot(u - 0.2 * body, y - 0.9 * height),
                                hypot(u - 0.75 * body, y - 0.9 * height));
            if (y >= foot && wheel > 0.1 * height)
                continue; // the street under it
            if (panel)
                luma -= 40;
            if (wheel <= 0.1 * height)
                luma = 30;
            *at(picture, 0, x, y) = clip(luma + noise(picture, 1.5));
            *at(picture, 1, x / 2, y / 2) = 140;
            *at(picture, 2, x / 2, y / 2) = 120;
        }
}

static double truck_at(double seconds)
{
    if (seconds < 4)
        return 1 - seconds / 4 * 0.97;
    return seconds < 10 ? 0.03 : 0.03 - (seconds - 10) / 4;
}

static void shine(struct picture *picture)
{
    for (int y = 0; y < picture->height[0]; y++)
        for (int x = 0; x < picture->width[0] / 5; x++) {
            uint8_t *pixel = at(picture, 0, x, y);
            *pixel = clip(*pixel * 1.9 + 20);
        }
}

static double night(double seconds) // 0 by day, 1 by night
{
    return fmin(seconds, 600 - seconds) / 300;
}

static void apply(enum camera_fault fault, struct picture *picture, double seconds)
{
    int width = picture->width[0];
    switch (fault) {
    case CAMERA_frozen_coded:
        ifl_rng_init(&picture->rng, (uint64_t)(seconds + 0.7));
        light(picture, 1, 0, 0.8);
        break;
    case CAMERA_black:
        light(picture, 0, 3, 1.5);
        fill(picture, 1, 128);
        fill(picture, 2, 128);
        break;
    case CAMERA_white:
        light(picture, 0, 252, 1.5);
        fill(picture, 1, 128);
        fill(picture, 2, 128);
        break;
    case CAMERA_hand:
        cover(picture, 20, 55, 118, 150, 1);
        break;
    case CAMERA_cloth:
        cover(picture, 150, 190, 126, 132, 1);
        break;
    case CAMERA_spray:
        cover(picture, 90, 110, 128, 128, 0.92);
        break;
    case CAMERA_defocused:
    case CAMERA_fogged:
        for (int i = 0; i < 3; i++)
            blur(picture, i, (width / (fault == CAMERA_fogged ? 100 : 64)) >> (i > 0));
        light(picture, fault == CAMERA_fogged ? 0.5 : 1, fault == CAMERA_fogged ? 60 : 0, 1.5);
        break;
    case CAMERA_moved:
        move(picture, 0.1, 0, 0);
        break;
    case CAMERA_lowered:
        move(picture, 0, 0.125, 0);
        break;
    case CAMERA_away:
        turn_away(picture);
        break;
    case CAMERA_torn:
        tear(picture, seconds);
        break;
    case CAMERA_half_grey:
        grey_half(picture);
        break;
    case CAMERA_concealed:
        picture->frame->decoder_errors = (int)(seconds * 10 + 0.5) % 5 == 0;
        break;
    case CAMERA_infrared:
        light(picture, 1.1, 5, 2);
        fill(picture, 1, 128);
        fill(picture, 2, 128);
        break;
    case CAMERA_overexposed:
        light(picture, 1.8, 0, 0);
        break;
    case CAMERA_underexposed:
        light(picture, 0.5, 0, 0);
        break;
    case CAMERA_sunset:
        light(picture, pow(0.1, night(seconds)), 3, 3 * night(seconds));
        break;
    case CAMERA_truck:
        drive_truck(picture, truck_at(seconds));
        break;
    case CAMERA_lamp:
        shine(picture);
        break;
    case CAMERA_shake:
        move(picture, 0.01 * sin(9 * seconds), 0.01 * sin(7 * seconds), 0);
        break;
    case CAMERA_pan:
        move(picture, 0.1 * seconds + 0.05, 0, 0);
        break;
    default:
        break;
    }
}

struct ifl_frame *camera_fault_apply(enum camera_fault fault, const struct ifl_frame *frame,
                                     const struct ifl_frame *before, double seconds)
{
    bool still = fault == CAMERA_frozen || fault == CAMERA_frozen_coded;
    struct picture picture = copy(still ? before : frame, seconds);
    apply(fault, &picture, seconds);
    return picture.frame;
}

// ---- the rig ----

void camera_rig_open(struct camera_rig *rig, double rate)
{
    *rig = (struct camera_rig){.journal = ifl_journal_create(ifl_clock_real()),
                               .extractor = ifl_extractor_create(),
                               .rate = rate};
    rig->health = ifl_health_create("camera", rig->journal);
    if (!rig->journal || !rig->extractor || !rig->health)
        fail("no memory for a rig");
}

void camera_rig_close(struct camera_rig *rig)
{
    ifl_health_destroy(rig->health);
    ifl_extractor_destroy(rig->extractor);
    ifl_journal_destroy(rig->journal);
}

enum ifl_verdict camera_rig_take(struct camera_rig *rig, struct ifl_frame *frame)
{
    struct ifl_features features;
    struct ifl_error error = {0};
    frame->sequence = rig->frames++;
    frame->pts_ns = (int64_t)((double)frame->sequence / rig->rate * 1e9);
    if (ifl_extractor_take(rig->extractor, frame, &features, &error) != IFL_OK)
        fail(error.text);
    enum ifl_verdict verdict = ifl_health_take(rig->health, frame, &features, rig->extractor);
    rig->held += verdict == IFL_VERDICT_HELD;
    return verdict;
}

// ---- trials ----

static void note_found(struct camera_rig *rig, int kind, uint64_t bad, double seconds,
                       struct camera_trial *trial)
{
    struct ifl_incident incident;
    struct ifl_journal_filter filter = {.kind = kind, .lasting = true};
    if (trial->found_s >= 0 || ifl_journal_read(rig->journal, &filter, &incident, 1) != 1)
        return;
    trial->found_s = seconds;
    trial->first_gap = (int)((int64_t)incident.first_sequence - (int64_t)bad);
    snprintf(trial->cause, sizeof trial->cause, "%s", incident.cause);
    ifl_incident_fini(&incident);
}

static void count_begun(struct camera_rig *rig, int sign, struct camera_trial *trial)
{
    struct ifl_journal_counts counts;
    if (ifl_journal_count(rig->journal, &counts, 1) == 1)
        for (int i = 0; i < IFL_INCIDENT_COUNT; i++)
            trial->begun[i] += sign * (int)counts.begun[i];
}

// Takes `count` frames, bad ones where `fault` is not NULL; returns the share that was held.
static double take(struct camera_rig *rig, const struct camera_scene *scene,
                   const enum camera_fault *fault, struct ifl_frame **before, double seconds,
                   int kind, struct camera_trial *trial)
{
    uint64_t count = (uint64_t)(seconds * scene->rate), held = rig->held, first = rig->frames;
    for (uint64_t i = 0; i < count; i++) {
        struct ifl_frame *frame = scene->next(scene->context), *seen = frame;
        double at_s = (double)i / scene->rate;
        if (fault)
            seen = camera_fault_apply(*fault, frame, *before, at_s);
        camera_rig_take(rig, seen);
        if (fault && kind < IFL_INCIDENT_COUNT)
            note_found(rig, kind, first, at_s, trial);
        else if (trial->found_s >= 0 && trial->cleared_s < 0 &&
                 !ifl_journal_lasts(rig->journal, "camera", (enum ifl_incident_kind)kind))
            trial->cleared_s = at_s;
        if (seen != frame)
            ifl_frame_unref(seen);
        if (!fault) {
            ifl_frame_unref(*before);
            *before = ifl_frame_ref(frame);
        }
        ifl_frame_unref(frame);
    }
    return count ? (double)(rig->held - held) / (double)count : 0;
}

void camera_try(struct camera_rig *rig, const struct camera_scene *scene, enum camera_fault fault,
                double warm_s, double lasts_s, double after_s, struct camera_trial *trial)
{
    int kind = camera_fault_row(fault)->kind;
    struct ifl_frame *before = NULL;
    *trial = (struct camera_trial){.found_s = -1, .cleared_s = -1};
    count_begun(rig, -1, trial);
    trial->held_good = take(rig, scene, NULL, &before, warm_s, kind, trial);
    trial->held = take(rig, scene, &fault, &before, lasts_s, kind, trial);
    take(rig, scene, NULL, &before, after_s, kind, trial);
    count_begun(rig, 1, trial);
    ifl_frame_unref(before);
}
