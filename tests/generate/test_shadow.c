// SPDX-License-Identifier: Apache-2.0
// Soft shadows travel with who casts them, and none is seen without.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "generate/denoise.h"
#include "generate/layout.h"
#include "generate/objects_internal.h"
#include "generate/outline.h"
#include "make_profile.h"

enum { WALKERS = 10, FRAMES = 40, IMAGES = 120 };

// What images show of shadows.
struct tally {
    double shown, cast; // darkening of the ground beside objects that are shown, in images and true
    int objects, torn;  // torn: less than three quarters of its shadow shows
    int stray, images;  // images in which the ground is dark where nobody's shadow falls
};

static void draw_walkers(struct made_object *object, uint64_t seed)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    for (int i = 0; i < WALKERS; i++) {
        bool right = i % 2;
        double y = 60 + 78 * ifl_rng_uniform(&rng);
        int first = (int)ifl_rng_below(&rng, FRAMES - 8);
        object[i] = (struct made_object){
            .event = (uint32_t)i + 1,
            .first = first,
            .last = first + 16 < FRAMES ? first + 16 : FRAMES - 1,
            .x = right ? -14 : 270,
            .y = y,
            .step_x = (right ? 1 : -1) * (4 + 10 * ifl_rng_uniform(&rng)),
            .width = (int)(5 + 6 * y / 144),
            .height = (int)(12 + 22 * y / 144),
            .rgb = {(uint8_t)ifl_rng_below(&rng, 70), (uint8_t)ifl_rng_below(&rng, 70),
                    (uint8_t)(60 + ifl_rng_below(&rng, 120))},
            .shadow = 0.04 + 0.08 * ifl_rng_uniform(&rng),
        };
    }
}

struct world {
    struct made_object object[WALKERS];
    struct ifl_memory *memory;
    struct ifl_layout layout;
    int width, height;
    uint8_t *picture;
};

static void make_world(struct world *world, uint64_t seed)
{
    draw_walkers(world->object, seed);
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = FRAMES,
                                 .objects = WALKERS,
                                 .object = world->object,
                                 .noise = 2,
                                 .seed = seed};
    struct ifl_profile *profile = make_profile(&config);
    struct ifl_error error = {0};
    assert_non_null(profile);
    check_ok(ifl_memory_create(profile, &world->memory, &error), error);
    ifl_profile_unref(profile);
    check_ok(ifl_layout_init(&world->layout, world->memory, &error), error);
    const struct ifl_grid *base = &world->memory->grid[ifl_base_level(world->memory)];
    world->width = base->width;
    world->height = base->height;
    world->picture = malloc((size_t)(base->stride_samples * base->height));
    assert_non_null(world->picture);
}

static void free_world(struct world *world)
{
    free(world->picture);
    ifl_layout_fini(&world->layout);
    ifl_memory_destroy(world->memory);
}

static void make_image(struct world *world, uint64_t seed)
{
    struct ifl_layout_config config = {0};
    struct ifl_denoise_config denoise = {.seed = seed, .level = ifl_base_level(world->memory)};
    struct ifl_error error = {0};
    struct ifl_rng rng;
    ifl_rng_init(&rng, seed);
    ifl_layout_make(world->memory, &config, &rng, &world->layout);
    check_ok(ifl_denoise(world->memory, &denoise, &world->layout, world->picture, &error), error);
}

// Whether the layout shows a component, and all of it.
static bool is_shown(const struct world *world, int f, int index)
{
    const uint8_t *label = world->memory->profile->memory[f]->label;
    int hidden = 0, shown = 0;
    for (int at = 0; at < world->width * world->height; at++)
        if (label[at] == index + 1) {
            hidden += world->layout.frame[at] != f;
            shown += world->layout.frame[at] == f;
        }
    return shown > 0 && hidden == 0;
}

static double ground_darkening(const struct world *world, int at)
{
    const uint8_t *plate = world->memory->profile->plate[ifl_base_level(world->memory)];
    double now = 0, then = 0;
    for (int c = 0; c < 3; c++) {
        now += world->picture[at * 3 + c];
        then += plate[at * 3 + c];
    }
    return 1 - now / then;
}

// Adds what an image shows of the shadow of one object; `mine` gets all shadows that are true.
static void tally_object(const struct world *world, const struct made_object *object, int f,
                         const uint8_t *body, double *mine, struct tally *tally)
{
    double shown = 0, whole = 0;
    for (int at = 0; at < world->width * world->height; at++) {
        double cast = made_shadow(object, f, at % world->width, at / world->width);
        mine[at] += cast;
        if (cast <= 0 || body[at])
            continue;
        shown += cast * ground_darkening(world, at);
        whole += cast * cast;
    }
    tally->shown += shown;
    tally->cast += whole;
    tally->objects++;
    tally->torn += shown < 0.75 * whole;
}

// Whether some block of the ground is darker than all shadows that belong there.
static bool has_stray(const struct world *world, const uint8_t *body, const double *mine)
{
    enum { BLOCK = 8 };
    for (int y = 0; y + BLOCK <= world->height; y += BLOCK)
        for (int x = 0; x + BLOCK <= world->width; x += BLOCK) {
            double sum = 0;
            bool clear = true;
            for (int i = 0; i < BLOCK * BLOCK; i++) {
                int at = (y + i / BLOCK) * world->width + x + i % BLOCK;
                clear = clear && !body[at];
                sum += ground_darkening(world, at) - mine[at];
            }
            if (clear && sum > 0.025 * BLOCK * BLOCK)
                return true;
        }
    return false;
}

static void tally_image(const struct world *world, struct tally *tally)
{
    size_t pixels = (size_t)world->width * (size_t)world->height;
    const struct ifl_profile *profile = world->memory->profile;
    uint8_t *body = calloc(pixels, 1);
    double *mine = calloc(pixels, sizeof *mine);
    assert_non_null(body);
    assert_non_null(mine);
    for (int f = 0; f < profile->memory_frames; f++)
        for (int at = 0; at < (int)pixels; at++)
            if (profile->memory[f]->label[at] && world->layout.frame[at] == f)
                for (int n = 0; n < 9; n++) { // and a margin
                    int x = at % world->width + n % 3 - 1, y = at / world->width + n / 3 - 1;
                    if (x >= 0 && y >= 0 && x < world->width && y < world->height)
                        body[y * world->width + x] = 1;
                }
    for (int f = 0; f < profile->memory_frames; f++)
        for (int i = 0; i < profile->memory[f]->components; i++)
            if (is_shown(world, f, i))
                tally_object(world, &world->object[profile->memory[f]->component[i].event - 1], f,
                             body, mine, tally);
    tally->images++;
    tally->stray += has_stray(world, body, mine);
    free(body);
    free(mine);
}

static void shadows_travel_with_their_objects(void **state)
{
    (void)state;
    struct tally tally = {0};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world world = {0};
        make_world(&world, seed);
        for (uint64_t image = 0; image < IMAGES / 3; image++) {
            make_image(&world, 100 * seed + image);
            tally_image(&world, &tally);
        }
        free_world(&world);
    }
    printf("%d objects in %d images: %.3f of their shadows shows, %d torn; stray shadows in %d "
           "images\n",
           tally.objects, tally.images, tally.shown / tally.cast, tally.torn, tally.stray);
    assert_true(tally.objects > 300);
    assert_true(tally.shown > 0.98 * tally.cast);
    assert_true(tally.torn * 40 <= tally.objects);
    assert_true(tally.stray * 20 <= tally.images);
}

// Somebody stands behind a sign in some of the frames. The segmentation knows the head, and perhaps
// not even that; the legs are too small for it.
enum { SIGN_FRAMES = 24, SIGN_X = 100, HEAD_Y = 70, SIGN_Y = 76, LEGS_Y = 88, FOOT_Y = 94 };

static void hide_behind_sign(struct ifl_profile *profile, bool head_known)
{
    int base = profile->levels - 1, width = profile->level_width[base];
    for (int f = 0; f < profile->memory_frames; f++) {
        struct ifl_memory_frame *frame = profile->memory[f];
        uint8_t *picture = (uint8_t *)(uintptr_t)frame->level[base];
        uint8_t *label = (uint8_t *)(uintptr_t)frame->label;
        struct ifl_component *component = (struct ifl_component *)(uintptr_t)frame->component;
        if (frame->components != 1)
            continue;
        for (int at = SIGN_Y * width; at < FOOT_Y * width; at++) {
            if (at < LEGS_Y * width)
                memcpy(picture + at * 3, profile->plate[base] + at * 3, 3);
            label[at] = 0;
        }
        if (!head_known)
            memset(label, 0, (size_t)(SIGN_Y * width));
        frame->components = head_known;
        component->height = SIGN_Y - HEAD_Y;
    }
}

// In how many images of `frames` there are the head, the legs, and one of them alone.
static void count_parts(struct ifl_profile *profile, int *head, int *legs, int *alone)
{
    struct ifl_memory *memory;
    struct ifl_layout layout;
    struct ifl_layout_config config = {0};
    struct ifl_error error = {0};
    check_ok(ifl_memory_create(profile, &memory, &error), error);
    check_ok(ifl_layout_init(&layout, memory, &error), error);
    int base = ifl_base_level(memory), width = memory->grid[base].width;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct ifl_rng rng;
        ifl_rng_init(&rng, seed);
        ifl_layout_make(memory, &config, &rng, &layout);
        int seen[2] = {0};
        for (int y = HEAD_Y; y < FOOT_Y; y++)
            for (int x = SIGN_X - 6; x < SIGN_X + 6; x++)
                seen[y >= LEGS_Y] +=
                    (y < SIGN_Y || y >= LEGS_Y) && layout.picture[(y * width + x) * 3 + 1] < 40;
        *head += seen[0] > 0;
        *legs += seen[1] > 0;
        *alone += (seen[0] > 0) != (seen[1] > 0);
    }
    ifl_layout_fini(&layout);
    ifl_memory_destroy(memory);
}

static struct ifl_profile *make_sign(bool head_known)
{
    struct made_object person = {.event = 1,
                                 .last = SIGN_FRAMES / 2,
                                 .x = SIGN_X,
                                 .y = FOOT_Y,
                                 .width = 10,
                                 .height = FOOT_Y - HEAD_Y,
                                 .rgb = {10, 10, 10}};
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = SIGN_FRAMES,
                                 .objects = 1,
                                 .object = &person,
                                 .noise = 1,
                                 .seed = 5};
    struct ifl_profile *profile = make_profile(&config);
    assert_non_null(profile);
    hide_behind_sign(profile, head_known);
    return profile;
}

static void who_is_half_hidden_comes_whole(void **state)
{
    (void)state;
    int head = 0, legs = 0, alone = 0;
    struct ifl_profile *profile = make_sign(true);
    count_parts(profile, &head, &legs, &alone);
    printf("head in %d images, legs in %d, one of them alone in %d\n", head, legs, alone);
    assert_true(head > 50);
    assert_int_equal(alone, 0);
    ifl_profile_unref(profile);
}

static void pieces_of_nobody_do_not_show(void **state)
{
    (void)state;
    int head = 0, legs = 0, alone = 0;
    struct ifl_profile *profile = make_sign(false);
    count_parts(profile, &head, &legs, &alone);
    assert_int_equal(head, 0);
    assert_int_equal(legs, 0);
    ifl_profile_unref(profile);
}

// Where the plate is wrong (somebody stood there for long), what differs most is no piece of
// anybody.
static void a_wrong_plate_makes_no_strangers(void **state)
{
    (void)state;
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = SIGN_FRAMES,
                                 .noise = 1,
                                 .seed = 6};
    struct ifl_profile *profile = make_profile(&config);
    struct ifl_memory *memory;
    struct ifl_error error = {0};
    assert_non_null(profile);
    int base = profile->levels - 1, width = profile->level_width[base];
    int pixels = width * profile->level_height[base];
    uint8_t *plate = (uint8_t *)(uintptr_t)profile->plate[base];
    uint8_t *picture = (uint8_t *)(uintptr_t)profile->memory[3]->level[base];
    for (int y = 40; y < 80; y++)
        for (int x = 100; x < 140; x++)
            for (int c = 0; c < 3; c++) {
                int at = (y * width + x) * 3 + c;
                if (y / 6 == 10 && x / 6 == 20)
                    picture[at] = 0;
                plate[at] = (uint8_t)(plate[at] + 45);
            }
    check_ok(ifl_memory_create(profile, &memory, &error), error);
    int32_t *scratch = malloc(3 * (size_t)pixels * sizeof *scratch);
    assert_non_null(scratch);
    assert_int_equal(ifl_outline_find(memory, 3, NULL, scratch)->numbers, 0);
    free(scratch);
    ifl_memory_destroy(memory);
    ifl_profile_unref(profile);
}

// ---- objects made anew

enum { PEOPLE = 14, PEOPLE_FRAMES = 3 * PEOPLE };

// People who cross the picture one after the other, and how dark their shadows are.
static struct ifl_objects *make_people(const double *shadow, struct ifl_profile **profile)
{
    struct made_object person[PEOPLE];
    for (int i = 0; i < PEOPLE; i++)
        person[i] = (struct made_object){.event = (uint32_t)i + 1,
                                         .first = 3 * i,
                                         .last = 3 * i + 2,
                                         .x = 60 + 20 * (i % 4),
                                         .y = 70 + 5 * i,
                                         .step_x = 4,
                                         .width = 10,
                                         .height = 26,
                                         .rgb = {(uint8_t)(10 * i), 20, 40},
                                         .shadow = shadow[i]};
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = PEOPLE_FRAMES,
                                 .objects = PEOPLE,
                                 .object = person,
                                 .noise = 1,
                                 .seed = 3};
    struct ifl_objects *objects;
    struct ifl_error error = {0};
    *profile = make_profile(&config);
    assert_non_null(*profile);
    check_ok(ifl_objects_create(*profile, &objects, &error), error);
    return objects;
}

// How much darker than the plate painted images are half a height beside the feet.
static double painted_beside(const struct ifl_objects *objects, int side)
{
    int width = objects->width;
    const uint8_t *plate = objects->profile->plate[objects->profile->levels - 1];
    size_t bytes = (size_t)width * (size_t)objects->height * 3;
    uint8_t *canvas = malloc(bytes);
    double dark = 0;
    int count = 0;
    assert_non_null(canvas);
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct ifl_object_record record[8];
        struct ifl_audit audit;
        struct ifl_error error = {0};
        struct ifl_rng rng;
        ifl_rng_init(&rng, seed);
        memcpy(canvas, plate, bytes);
        check_ok(ifl_objects_paint_recorded(objects, 3, 0, &rng, canvas, &audit, record, 8, &error),
                 error);
        if (audit.objects != 1)
            continue; // nobody else's shadow
        const struct ifl_placement *p = &record[0].placement;
        int x = (int)(p->foot_x + (float)side * p->height * 0.5f), y = (int)p->foot_y;
        for (int at = (y * width + x) * 3, i = -3; i < 4; i++) {
            dark += 1 - (double)canvas[at + 3 * i] / plate[at + 3 * i];
            count++;
        }
    }
    free(canvas);
    assert_true(count > 50);
    return dark / count;
}

static void objects_made_anew_cast_the_shadows_of_the_stream(void **state)
{
    (void)state;
    double shadow[PEOPLE];
    for (int i = 0; i < PEOPLE; i++)
        shadow[i] = 0.12;
    struct ifl_profile *profile;
    struct ifl_objects *objects = make_people(shadow, &profile);
    double right = painted_beside(objects, 1), left = painted_beside(objects, -1);
    printf("darker by %.3f to the right, %.3f to the left (cast: .12 and 0)\n", right, left);
    assert_true(right > 0.08 && right < 0.14);
    assert_true(left < 0.01);
    ifl_objects_destroy(objects);
    ifl_profile_unref(profile);
}

static float darkest(const struct ifl_shading *shading)
{
    float most = 0;
    for (int row = 0; row < SHADE_ROWS; row++) // where no contact shadow reaches
        for (int column = SHADE_COLUMNS / 2 + 4; column < SHADE_COLUMNS; column++)
            most = greater(most, shading->dark[row * SHADE_COLUMNS + column]);
    return most;
}

static void nobody_has_more_than_his_share_of_a_shadow(void **state)
{
    (void)state;
    double shadow[PEOPLE] = {0};
    shadow[PEOPLE - 1] = 0.5; // the last one, who weighs most
    struct ifl_profile *profile;
    struct ifl_objects *objects = make_people(shadow, &profile);
    uint8_t excluded[IDENTITIES_MAX] = {0};
    struct ifl_shading shading;
    assert_int_equal(objects->identities, PEOPLE);
    for (int k = 2; k <= 5; k++) {
        for (int i = 0; i < PEOPLE; i++) // ever fewer others
            excluded[i] = i < PEOPLE - 1 - 2 * k;
        bool shaded = ifl_shade_blend(objects, KIND_UPRIGHT, excluded, k, &shading);
        assert_true(!shaded || darkest(&shading) <= 0.5 / k);
    }
    memset(excluded, 0, sizeof excluded);
    assert_true(ifl_shade_blend(objects, KIND_UPRIGHT, excluded, 3, &shading));
    assert_true(darkest(&shading) > 0.01);
    excluded[PEOPLE - 1] = 1; // who stood there does not count at all
    assert_true(ifl_shade_blend(objects, KIND_UPRIGHT, excluded, 3, &shading));
    assert_true(darkest(&shading) < 0.01);
    memset(excluded, 1, PEOPLE - 2);
    excluded[PEOPLE - 1] = 0;
    assert_false(ifl_shade_blend(objects, KIND_UPRIGHT, excluded, 3, &shading));
    ifl_objects_destroy(objects);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shadows_travel_with_their_objects),
        cmocka_unit_test(who_is_half_hidden_comes_whole),
        cmocka_unit_test(pieces_of_nobody_do_not_show),
        cmocka_unit_test(a_wrong_plate_makes_no_strangers),
        cmocka_unit_test(objects_made_anew_cast_the_shadows_of_the_stream),
        cmocka_unit_test(nobody_has_more_than_his_share_of_a_shadow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
