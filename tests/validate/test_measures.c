// SPDX-License-Identifier: Apache-2.0
// Each measure against its definition or its closed form.
#include "support.h"

#include "base/rng.h"
#include "validate/artefact.h"
#include "validate/detail.h"
#include "validate/enlarge.h"
#include "validate/light.h"
#include "validate/seam.h"
#include "validate/seen.h"
#include "validate/world.h"

static struct ifl_error error;
static uint8_t picture[3 * WORLD_PIXELS], mask[WORLD_PIXELS];

struct fixture {
    struct ifl_profile *profile;
    struct ifl_roster roster;
    struct ifl_view view;
};

static void open_fixture(struct fixture *f, const struct world *world, int frames, int level)
{
    f->profile = world_profile(world, frames, 0, 8, false);
    check_ok(ifl_roster_init(&f->roster, f->profile, &error), error);
    check_ok(ifl_view_init(&f->view, &f->roster, level, &error), error);
    check_ok(ifl_view_find_threshold(&f->view, &error), error);
}

static void close_fixture(struct fixture *f)
{
    ifl_view_fini(&f->view);
    ifl_roster_fini(&f->roster);
    ifl_profile_unref(f->profile);
}

static const struct world world = {.seed = 4, .people = WORLD_PEOPLE, .noise = 1};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double plain_artefact(const struct ifl_view *view, const uint8_t *rgb, int without)
{
    enum { P = IFL_ARTEFACT_PATCH };
    double *least = malloc(sizeof *least * (size_t)view->pixels);
    int count = 0;
    for (int y = 0; y + P <= view->height; y++) {
        for (int x = 0; x + P <= view->width; x++) {
            double best = INFINITY;
            for (int t = 0; t < view->roster->frames; t++) {
                double sum = 0;
                if (without >= 0 && ifl_roster_near(view->roster, without, t))
                    continue;
                for (int v = 0; v < P; v++)
                    for (int i = 0; i < 3 * P; i++) {
                        int at = 3 * ((y + v) * view->width + x) + i;
                        sum += pow(rgb[at] - view->frame[t][at], 2);
                    }
                best = fmin(best, sqrt(sum / (3 * P * P)));
            }
            least[count++] = best;
        }
    }
    qsort(least, (size_t)count, sizeof *least, compare_doubles);
    double result = least[(int)(.99 * (count - 1) + .5)];
    free(least);
    return result;
}

static void artefacts_as_defined(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, &world, 20, 1);
    check_ok(ifl_view_split(&f.view, &error), error);
    void *scratch = malloc(ifl_artefact_scratch_bytes(&f.view));
    double rms;
    int nearest;
    check_near(ifl_artefact_score(&f.view, f.view.frame[9], scratch, &rms, &nearest), 0, 0);
    check_near(rms, 0, 0);
    assert_int_equal(nearest, 9);
    memcpy(picture, f.view.plate, 3 * (size_t)f.view.pixels);
    for (int i = 900; i < 1400; i++)
        picture[i] = (uint8_t)(255 - picture[i]);
    check_near(ifl_artefact_score(&f.view, picture, scratch, NULL, NULL),
               plain_artefact(&f.view, picture, -1), 1e-9);
    double score[20];
    void *memory = malloc(ifl_artefact_held_out_bytes(&f.view));
    ifl_artefact_held_out(&f.view, 20, memory, score);
    for (int t = 0; t < 20; t += 6)
        check_near(score[t], plain_artefact(&f.view, f.view.frame[t], t), 1e-9);
    double few[20];
    ifl_artefact_held_out(&f.view, 3, memory, few);
    qsort(score, 20, sizeof *score, compare_doubles);
    qsort(few, 20, sizeof *few, compare_doubles);
    for (int t = 0; t < 20; t++)
        if (t < 17)
            assert_true(few[t] >= score[t] && few[t] <= few[17]);
        else
            check_near(few[t], score[t], 0);
    free(memory);
    free(scratch);
    close_fixture(&f);
}

static void noise_has_twenty_times_its_variance(void **state)
{
    (void)state;
    struct ifl_detail grid = ifl_detail_grid(WORLD_SIDE_X, WORLD_SIDE_Y);
    float *energy = malloc(sizeof *energy * (size_t)grid.windows);
    void *scratch = malloc(4 * WORLD_PIXELS);
    struct ifl_rng rng;
    ifl_rng_init(&rng, 2);
    for (int p = 0; p < WORLD_PIXELS; p++)
        memset(picture + 3 * p, (int)lround(128 + 10 * ifl_rng_normal(&rng)), 3);
    double variance = ifl_detail_measure(picture, WORLD_SIDE_X, WORLD_SIDE_Y, energy, scratch);
    check_near(variance, 20 * (100 + 1.0 / 12), 100);
    double mean = 0;
    for (int i = 0; i < grid.windows; i++)
        mean += (double)energy[i] / grid.windows;
    check_near(mean, 60, 3);                   // Immerkaer's filter: 6 sigma
    for (int i = 0; i < 3 * WORLD_PIXELS; i++) // a straight edge and a ramp have no texture
        picture[i] = (uint8_t)(i / 3 % WORLD_SIDE_X / 2 + (i / 3 / WORLD_SIDE_X > 80 ? 90 : 0));
    memset(energy, 0, sizeof *energy * (size_t)grid.windows);
    ifl_detail_measure(picture, WORLD_SIDE_X, WORLD_SIDE_Y, energy, scratch);
    for (int i = 0; i < grid.windows; i++)
        assert_true(energy[i] < 2);
    assert_int_equal(ifl_detail_grid(9, 400).windows, 0);
    check_near(ifl_detail_measure(picture, 2, 2, energy, scratch), 0, 0);
    free(scratch);
    free(energy);
}

static void paint_box(int left, int top, int right, int bottom, int value)
{
    for (int y = top; y < bottom; y++)
        memset(picture + 3 * (y * WORLD_SIDE_X + left), value, 3 * (size_t)(right - left));
}

static void cuts_are_as_long_as_they_are(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, &world, 2, 3);
    void *scratch = malloc(4 * WORLD_PIXELS + 8 * WORLD_SIDE_X);
    memset((void *)f.view.plate, 100, 3 * WORLD_PIXELS);
    memset(picture, 100, sizeof picture);
    struct ifl_seam seam = ifl_seam_measure(&f.view, picture, scratch);
    assert_int_equal(seam.across + seam.down, 0);
    paint_box(30, 40, 47, 63, 220);
    seam = ifl_seam_measure(&f.view, picture, scratch);
    assert_int_equal(seam.across, 17);
    assert_int_equal(seam.down, 23);
    memset(picture, 100, sizeof picture);
    for (int y = -20; y <= 20; y++) { // a disc of radius 20
        int half = (int)sqrt(400 - y * y);
        paint_box(100 - half, 80 + y, 101 + half, 81 + y, 10);
    }
    seam = ifl_seam_measure(&f.view, picture, scratch);
    assert_in_range(seam.across, 1, 13);
    assert_in_range(seam.down, 1, 13);
    free(scratch);
    close_fixture(&f);
}

// One object that `events` different events carried past the same place.
static void support_counts_events_not_frames(void **state)
{
    (void)state;
    for (int events = 1; events <= 5; events++) {
        struct fixture f;
        const struct world empty = {.seed = 4, .people = 0, .noise = 0};
        f.profile = world_profile(&empty, 10, 0, 8, false);
        for (int t = 0; t < 10; t++) {
            struct ifl_memory_frame *frame = f.profile->memory[t];
            uint8_t *label = (uint8_t *)frame->label;
            uint8_t *rgb = (uint8_t *)frame->level[f.profile->levels - 1];
            ((struct ifl_component *)frame->component)[0].event = (uint32_t)(1 + t % events);
            frame->components = 1;
            person_put(&empty, 50, 90, 60, 0, PERSON_HEIGHT, rgb, label, 1);
        }
        check_ok(ifl_roster_init(&f.roster, f.profile, &error), error);
        check_ok(ifl_view_init(&f.view, &f.roster, f.profile->levels - 1, &error), error);
        struct ifl_seen seen;
        check_ok(ifl_seen_init(&seen, &f.view, &error), error);
        world_plate(&empty, picture);
        person_put(&empty, 50, 90, 60, 0, PERSON_HEIGHT, picture, NULL, 0);
        memset(mask, 0, sizeof mask);
        for (int y = 76; y < 92; y++)
            memset(mask + y * WORLD_SIDE_X + 94, 1, 8);
        int counts[16];
        struct ifl_seen_shares shares;
        ifl_seen_audit(&seen, picture, mask, 3, counts, &shares);
        assert_true(shares.patches >= 4);
        check_near(shares.at_least[0], 1, .01);
        check_near(shares.at_least[1], events >= 2, .01); // never at k = 2 with one event
        check_near(shares.at_least[2], events >= 4, .01);
        check_near(shares.at_least_k, events >= 3, .01);
        ifl_seen_fini(&seen);
        close_fixture(&f);
    }
}

static void apply(const double matrix[3][3], const double offset[3], uint8_t *rgb)
{
    for (int p = 0; p < WORLD_PIXELS; p++) {
        double in[3] = {rgb[3 * p], rgb[3 * p + 1], rgb[3 * p + 2]};
        for (int c = 0; c < 3; c++) {
            double v =
                matrix[c][0] * in[0] + matrix[c][1] * in[1] + matrix[c][2] * in[2] + offset[c];
            rgb[3 * p + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + .5);
        }
    }
}

static void fit_light(const uint8_t *plate, bool full, struct ifl_light *light)
{
    void *scratch = malloc(ifl_light_scratch_bytes(WORLD_PIXELS));
    ifl_light_fit(picture, plate, WORLD_PIXELS, full, scratch, light);
    free(scratch);
}

static void light_is_found_and_taken_out(void **state)
{
    (void)state;
    static uint8_t plate[3 * WORLD_PIXELS], canonical[3 * WORLD_PIXELS], back[3 * WORLD_PIXELS];
    const double matrix[2][3][3] = {{{.8, 0, 0}, {0, 1.1, 0}, {0, 0, .9}},
                                    {{.6, .2, .05}, {.1, .7, .05}, {.1, .2, .5}}};
    const double offset[3] = {12, -8, 5};
    world_plate(&world, plate);
    world_frame(&world, 3, canonical, NULL, NULL);
    for (int i = 3 * WORLD_SIDE_X * 120; i < 3 * WORLD_PIXELS; i++)
        canonical[i] = (uint8_t)(i % 3 * 90 + 10); // and a quarter of it is a lorry
    for (int full = 0; full < 2; full++) {
        memcpy(picture, canonical, sizeof picture);
        apply(matrix[full], offset, picture);
        struct ifl_light light;
        fit_light(plate, full, &light);
        assert_true(light.usable);
        ifl_light_undo(&light, picture, plate, WORLD_PIXELS, back);
        double squares = 0;
        for (int i = 0; i < 3 * WORLD_PIXELS; i++)
            squares += pow(back[i] - canonical[i], 2) / (3.0 * WORLD_PIXELS);
        assert_true(sqrt(squares) < 1.5);
        for (int c = 0; c < 3 && !full; c++)
            check_near(light.map.matrix[c][c], matrix[0][c][c], .02);
    }
}

static void no_light_is_found_where_there_is_no_relation(void **state)
{
    (void)state;
    static uint8_t plate[3 * WORLD_PIXELS];
    struct ifl_light light;
    world_plate(&world, plate);
    const int values[] = {0, 128, 255};
    for (int i = 0; i < 3; i++) {
        memset(picture, values[i], sizeof picture);
        for (int full = 0; full < 2; full++) {
            fit_light(plate, full, &light);
            assert_false(light.usable);
        }
    }
    memset(plate, 77, sizeof plate); // a plate without contrast: only its level can be told
    memset(picture, 87, sizeof picture);
    fit_light(plate, false, &light);
    ifl_light_undo(&light, picture, plate, WORLD_PIXELS, picture);
    assert_in_range(picture[1], 76, 78);
}

static void foreground_is_what_differs_from_the_plate(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, &world, 16, 3);
    static uint8_t label[WORLD_PIXELS];
    void *scratch = malloc(5 * WORLD_PIXELS);
    world_frame(&world, 500, picture, label, NULL);
    int found = ifl_view_foreground(&f.view, picture, mask, scratch), both = 0, either = 0;
    int sum = 0;
    for (int p = 0; p < WORLD_PIXELS; p++) {
        both += mask[p] && label[p];
        either += mask[p] || label[p];
        sum += mask[p];
    }
    assert_int_equal(found, sum);
    assert_true(both > .7 * either);
    assert_int_equal(ifl_view_foreground(&f.view, f.view.plate, mask, scratch), 0);
    free(scratch);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(artefacts_as_defined),
        cmocka_unit_test(noise_has_twenty_times_its_variance),
        cmocka_unit_test(cuts_are_as_long_as_they_are),
        cmocka_unit_test(support_counts_events_not_frames),
        cmocka_unit_test(light_is_found_and_taken_out),
        cmocka_unit_test(no_light_is_found_where_there_is_no_relation),
        cmocka_unit_test(foreground_is_what_differs_from_the_plate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
