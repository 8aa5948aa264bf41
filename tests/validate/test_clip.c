// SPDX-License-Identifier: Apache-2.0
// The gate on a real clip: its profile is named by INFERLOOP_CLIP_PROFILE (make one with
// `inferloop profile CLIP -o FILE`); without it the tests skip and say so. Each time block of the
// memory is held out in turn and judged by the rest, its light put back.
#include "support.h"

#include <time.h>

#include "base/rng.h"
#include "inferloop/validate.h"
#include "validate/world.h"

enum { FOLDS = 8, MEASURES = 11 };

static struct ifl_profile *profile;
static struct ifl_error error;

// Of the processor, not of the wall: other work on the machine shall not count.
static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int set_up(void **state)
{
    (void)state;
    const char *path = getenv("INFERLOOP_CLIP_PROFILE");
    if (!path) {
        print_message("SKIPPED: INFERLOOP_CLIP_PROFILE names no profile of a real clip\n");
        return 0;
    }
    check_ok(ifl_profile_load(path, &profile, &error), error);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ifl_profile_unref(profile);
    return 0;
}

static int fold_of(int t)
{
    return t * FOLDS / profile->memory_frames;
}

// The profile without one fold. Borrows from the whole one: never unref its parts.
static struct ifl_profile *without_fold(int fold, struct ifl_memory_frame **memory)
{
    struct ifl_profile *rest = malloc(sizeof *rest);
    *rest = *profile;
    rest->refs = 2; // so that the validator's reference is never the last
    rest->memory = memory;
    rest->memory_frames = 0;
    for (int t = 0; t < profile->memory_frames; t++)
        if (fold_of(t) != fold)
            memory[rest->memory_frames++] = profile->memory[t];
    return rest;
}

static void recorded(const struct ifl_memory_frame *frame, const uint8_t *canonical, int pixels,
                     uint8_t *rgb)
{
    for (int i = 0; i < 3 * pixels; i++) {
        double raw = (double)frame->gain[i % 3] * canonical[i] + (double)frame->offset[i % 3];
        rgb[i] = (uint8_t)(raw < 0 ? 0 : raw > 255 ? 255 : raw + .5);
    }
}

static struct ifl_image *recorded_image(int t)
{
    int base = profile->levels - 1;
    struct ifl_image *image =
        ifl_image_create(profile->level_width[base], profile->level_height[base]);
    recorded(profile->memory[t], profile->memory[t]->level[base], image->width * image->height,
             image->rgb);
    return image;
}

static const char *const names[MEASURES] = {"sharpness",     "clipped",    "artefact",  "texture",
                                            "seam",          "foreground", "support_1", "support_4",
                                            "largest_event", "verbatim",   "seconds"};

static void note(const struct ifl_synthetic *s, double value[MEASURES])
{
    const double all[MEASURES] = {
        s->scores.sharpness,      s->scores.clipped,  s->scores.artefact,
        s->scores.texture,        s->scores.seam,     s->audit.foreground_share,
        s->audit.support_1,       s->audit.support_4, s->audit.largest_event_share,
        s->audit.verbatim_pixels, s->validate_seconds};
    memcpy(value, all, sizeof all);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_distributions(double (*value)[MEASURES], int count)
{
    double column[IFL_MEMORY_MAX];
    for (int m = 0; m < MEASURES; m++) {
        for (int i = 0; i < count; i++)
            column[i] = value[i][m];
        qsort(column, (size_t)count, sizeof *column, compare_doubles);
        print_message("%-14s min %8.4f  5%% %8.4f  50%% %8.4f  95%% %8.4f  max %8.4f\n", names[m],
                      column[0], column[count / 20], column[count / 2],
                      column[count - 1 - count / 20], column[count - 1]);
    }
}

static void held_out_frames_pass(void **state)
{
    (void)state;
    if (!profile)
        skip();
    struct ifl_memory_frame *memory[IFL_MEMORY_MAX];
    double value[IFL_MEMORY_MAX][MEASURES], create_seconds = 0;
    int rejected[IFL_REJECTION_COUNT] = {0}, all = profile->memory_frames;
    for (int fold = 0; fold < FOLDS; fold++) {
        struct ifl_profile *rest = without_fold(fold, memory);
        struct ifl_validator *validator;
        int64_t begin_ns = cpu_ns();
        check_ok(ifl_validator_create(rest, &validator, &error), error);
        create_seconds += (double)(cpu_ns() - begin_ns) * 1e-9 / FOLDS;
        struct ifl_synthetic last = {0};
        for (int t = 0; t < all; t++) {
            if (fold_of(t) != fold)
                continue;
            struct ifl_synthetic synthetic = {.image = recorded_image(t)};
            ifl_request_init(&synthetic.request);
            // Neighbouring blocks show the same people: copies are counted, not judged.
            synthetic.request.privacy = IFL_PRIVACY_VERBATIM;
            begin_ns = cpu_ns();
            check_ok(ifl_validator_check(validator, &synthetic, &error), error);
            synthetic.validate_seconds = (double)(cpu_ns() - begin_ns) * 1e-9;
            note(&synthetic, value[t]);
            rejected[synthetic.rejection]++;
            if (synthetic.rejection == IFL_REJECT_ARTEFACT)
                print_message("frame %d: artefact %.1f of %.1f, texture %.1f of %.1f, seam %.2f\n",
                              t, synthetic.scores.artefact, synthetic.scores.artefact_limit,
                              synthetic.scores.texture, synthetic.scores.texture_limit,
                              synthetic.scores.seam);
            ifl_synthetic_fini(&synthetic);
            last = synthetic;
        }
        print_message("fold %d: limits artefact %.1f texture %.1f verbatim %d\n", fold,
                      last.scores.artefact_limit, last.scores.texture_limit,
                      last.audit.verbatim_limit);
        ifl_validator_destroy(validator);
        free(rest);
    }
    print_distributions(value, all);
    print_message("created in %.3f s; of %d held-out frames", create_seconds, all);
    for (int r = 0; r < IFL_REJECTION_COUNT; r++)
        print_message(" %s %d", ifl_rejection_name((enum ifl_rejection)r), rejected[r]);
    print_message("\n");
    assert_true(rejected[IFL_REJECT_NONE] >= .95 * all);
}

// What is done to a held-out frame; each returns false where the frame has nothing to do it to.
struct damage {
    const char *name;
    bool (*apply)(uint8_t *rgb, int t);
    double least; // share that must be rejected
};

static const struct ifl_component *tall_component(int t)
{
    const struct ifl_memory_frame *frame = profile->memory[t];
    const struct ifl_component *best = NULL;
    for (int i = 0; i < frame->components; i++)
        if (!frame->component[i].edges && frame->component[i].height >= 24 &&
            (!best || frame->component[i].area > best->area))
            best = &frame->component[i];
    return best;
}

// Puts the plate into a box, as one who removes half an object would.
static void erase(uint8_t *rgb, int t, int left, int top, int right, int bottom)
{
    int base = profile->levels - 1, width = profile->level_width[base];
    int height = profile->level_height[base];
    const struct ifl_memory_frame *frame = profile->memory[t];
    for (int y = top < 0 ? 0 : top; y < bottom && y < height; y++)
        for (int x = left < 0 ? 0 : left; x < right && x < width; x++)
            for (int c = 0; c < 3; c++) {
                int at = 3 * (y * width + x) + c;
                double raw =
                    (double)frame->gain[c] * profile->plate[base][at] + (double)frame->offset[c];
                rgb[at] = (uint8_t)(raw < 0 ? 0 : raw > 255 ? 255 : raw + .5);
            }
}

static bool cut_legs(uint8_t *rgb, int t)
{
    const struct ifl_component *c = tall_component(t);
    if (c)
        erase(rgb, t, c->x - 4, c->y + c->height / 2, c->x + c->width + 4, c->y + c->height + 6);
    return c;
}

static bool cut_head(uint8_t *rgb, int t)
{
    const struct ifl_component *c = tall_component(t);
    if (c)
        erase(rgb, t, c->x - 4, c->y - 6, c->x + c->width + 4, c->y + c->height / 2);
    return c;
}

static bool cut_side(uint8_t *rgb, int t)
{
    const struct ifl_component *c = tall_component(t);
    if (c)
        erase(rgb, t, c->x - 6, c->y - 6, c->x + c->width / 2, c->y + c->height + 6);
    return c;
}

static bool add_noise_patch(uint8_t *rgb, int t)
{
    int width = profile->level_width[profile->levels - 1];
    struct ifl_rng rng;
    ifl_rng_init(&rng, (uint64_t)t);
    for (int y = 60; y < 80; y++)
        for (int x = 60; x < 80; x++)
            for (int c = 0; c < 3; c++)
                rgb[3 * (y * width + x) + c] = (uint8_t)(ifl_rng_next(&rng) & 255);
    return true;
}

static bool blur(uint8_t *rgb, int t)
{
    int width = profile->level_width[profile->levels - 1];
    int height = profile->level_height[profile->levels - 1];
    (void)t;
    for (int round = 0; round < 6; round++) // six times [1 1 1] / 3 each way: sigma 2
        for (int i = 0; i < 3 * width * height; i++) {
            int x = i / 3 % width, y = i / 3 / width;
            int left = x > 0 ? rgb[i - 3] : rgb[i], right = x + 1 < width ? rgb[i + 3] : rgb[i];
            int up = y > 0 ? rgb[i - 3 * width] : rgb[i];
            int down = y + 1 < height ? rgb[i + 3 * width] : rgb[i];
            rgb[i] = (uint8_t)((left + right + up + down + 2 * rgb[i] + 3) / 6);
        }
    return true;
}

static bool blacken(uint8_t *rgb, int t)
{
    (void)t;
    memset(rgb, 0,
           3 * (size_t)profile->level_width[profile->levels - 1] *
               (size_t)profile->level_height[profile->levels - 1]);
    return true;
}

// The largest object of the middle of the memory, as it was recorded, elsewhere.
static bool paste_person(uint8_t *rgb, int t)
{
    int base = profile->levels - 1, width = profile->level_width[base];
    int from = (t + profile->memory_frames / 2) % profile->memory_frames;
    const struct ifl_component *c = tall_component(from);
    const struct ifl_memory_frame *frame = profile->memory[from];
    int dx = c && c->x > width / 2 ? -width / 4 : width / 4;
    for (int y = c ? c->y : 0; c && y < c->y + c->height; y++)
        for (int x = c->x; x < c->x + c->width; x++)
            for (int k = 0; k < 3 && x + dx >= 0 && x + dx < width; k++)
                if (frame->label[y * width + x])
                    rgb[3 * (y * width + x + dx) + k] = frame->level[base][3 * (y * width + x) + k];
    return c;
}

static const struct damage damages[] = {
    {"legs cut", cut_legs, .6},          {"head cut", cut_head, .6}, {"side cut", cut_side, .5},
    {"noise patch", add_noise_patch, 1}, {"blur", blur, 1},          {"black", blacken, 1},
    {"person pasted", paste_person, 1},
};

static void damage_is_found(void **state)
{
    (void)state;
    if (!profile)
        skip();
    struct ifl_validator *validator;
    check_ok(ifl_validator_create(profile, &validator, &error), error);
    for (size_t d = 0; d < sizeof damages / sizeof *damages; d++) {
        int rejected[IFL_REJECTION_COUNT] = {0}, all = 0;
        for (int t = 0; t < profile->memory_frames; t++) {
            struct ifl_synthetic synthetic = {.image = recorded_image(t)};
            ifl_request_init(&synthetic.request);
            synthetic.request.privacy = d == 6 ? IFL_PRIVACY_DEIDENTIFY : IFL_PRIVACY_VERBATIM;
            if (damages[d].apply(synthetic.image->rgb, t)) {
                check_ok(ifl_validator_check(validator, &synthetic, &error), error);
                rejected[synthetic.rejection]++;
                all++;
            }
            ifl_synthetic_fini(&synthetic);
        }
        print_message("%-14s of %d:", damages[d].name, all);
        for (int r = 0; r < IFL_REJECTION_COUNT; r++)
            print_message(" %s %d", ifl_rejection_name((enum ifl_rejection)r), rejected[r]);
        print_message("\n");
        assert_true(all - rejected[IFL_REJECT_NONE] >= damages[d].least * all);
    }
    ifl_validator_destroy(validator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_out_frames_pass),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
