// SPDX-License-Identifier: Apache-2.0
// What must hold for any memory and any request, on worlds drawn at random. Every run prints
// its first world; INFERLOOP_TEST_SEED begins elsewhere.
#include "support.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "generate/builtin.h"
#include "generate/objects_internal.h"
#include "generate/support.h"
#include "kernels/cpu.h"
#include "make_profile.h"

enum { WORLDS = 8, IMAGES = 5, CROWD = 7, FRAMES = 28 };

static uint64_t first_world(void)
{
    const char *text = getenv("INFERLOOP_TEST_SEED");
    return text ? strtoull(text, NULL, 10) : 7100;
}

static int between(struct ifl_rng *rng, int least, int most)
{
    return least + (int)ifl_rng_below(rng, (uint32_t)(most - least + 1));
}

// Somebody grey, green or brown: never more magenta than the ground.
static struct made_object draw_person(struct ifl_rng *rng, uint32_t event)
{
    uint8_t dark = (uint8_t)between(rng, 10, 90), green = (uint8_t)between(rng, 90, 200);
    struct made_object person = {.event = event,
                                 .first = between(rng, 0, FRAMES - 8),
                                 .x = between(rng, 10, 118),
                                 .y = between(rng, 30, 71),
                                 .step_x = between(rng, -3, 3),
                                 .width = between(rng, 4, 14),
                                 .height = between(rng, 8, 40),
                                 .rgb = {dark, green, dark}};
    person.last = person.first + between(rng, 3, 7);
    return person;
}

// A crowd, of which some stand at one place one after the other, and one object of a colour that
// nobody else has: of any size, anywhere, in half of the worlds touching somebody.
static struct ifl_profile *draw_world(uint64_t world, struct made_object *unique)
{
    struct ifl_rng rng;
    ifl_rng_init(&rng, world);
    struct made_object object[CROWD + 1];
    for (int i = 0; i < CROWD; i++) {
        object[i] = draw_person(&rng, (uint32_t)i + 1);
        if (i > 0 && world % 4 < 2) {
            object[i].x = object[0].x;
            object[i].y = object[0].y;
            object[i].step_x = 0;
            object[i].width = object[0].width;
            object[i].height = object[0].height;
            memcpy(object[i].rgb, object[0].rgb, sizeof object[i].rgb);
        }
    }
    *unique = draw_person(&rng, 99);
    unique->first = between(&rng, 0, 4);
    unique->last = FRAMES - 1 - between(&rng, 0, 4);
    unique->width = between(&rng, 3, 40);
    unique->height = between(&rng, 4, 70);
    memcpy(unique->rgb, (uint8_t[]){250, 0, 250}, 3);
    if (world % 2) { // beside or upon somebody
        unique->x = object[0].x + object[0].width * (between(&rng, -10, 10) / 10.0);
        unique->y = object[0].y;
        unique->step_x = object[0].step_x;
    }
    object[CROWD] = *unique;
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 128 * 72,
                                 .frames = FRAMES,
                                 .objects = CROWD + 1,
                                 .object = object,
                                 .noise = 1,
                                 .flicker = 0,
                                 .seed = world};
    return make_profile(&config);
}

static void *make_engine(const struct ifl_profile *profile)
{
    void *engine;
    struct ifl_error error = {0};
    assert_non_null(profile);
    check_ok(ifl_engine_analytic.create(profile, &engine, &error), error);
    return engine;
}

static struct ifl_synthetic make_image(void *engine, const struct ifl_request *request)
{
    struct ifl_synthetic made = {0};
    struct ifl_error error = {0};
    check_ok(ifl_engine_analytic.generate(engine, request, &made, &error), error);
    return made;
}

static uint64_t image_hash(void *engine, const struct ifl_request *request)
{
    struct ifl_synthetic made = make_image(engine, request);
    uint64_t hash = ifl_hash_bytes(made.image->rgb,
                                   3 * (size_t)made.image->width * (size_t)made.image->height, 1);
    ifl_synthetic_fini(&made);
    return hash;
}

static int magenta(const struct ifl_image *image)
{
    int count = 0;
    for (int i = 0; i < image->width * image->height; i++) {
        const uint8_t *p = image->rgb + (ptrdiff_t)i * 3;
        count += (p[0] + p[2]) / 2 - p[1] > 40;
    }
    return count;
}

static int most_magenta(void *engine, enum ifl_privacy privacy, int k)
{
    int most = 0;
    for (uint64_t seed = 0; seed < IMAGES; seed++) {
        struct ifl_request request;
        ifl_request_init(&request);
        request.privacy = privacy;
        request.k = k;
        request.seed = seed;
        struct ifl_synthetic made = make_image(engine, &request);
        int count = magenta(made.image);
        most = count > most ? count : most;
        ifl_synthetic_fini(&made);
    }
    return most;
}

static void a_planted_object_never_shows(void **state)
{
    (void)state;
    int seen = 0;
    for (uint64_t world = first_world(); world < first_world() + WORLDS; world++) {
        struct made_object unique;
        struct ifl_profile *profile = draw_world(world, &unique);
        void *engine = make_engine(profile);
        seen += most_magenta(engine, IFL_PRIVACY_VERBATIM, 2) > 0;
        for (int k = 2; k <= 6; k += 2)
            if (most_magenta(engine, IFL_PRIVACY_K_ANONYMOUS, k) != 0)
                fail_msg("world %llu: it shows at k = %d; %d x %d pixels",
                         (unsigned long long)world, k, unique.width, unique.height);
        ifl_engine_analytic.destroy(engine);
        ifl_profile_unref(profile);
    }
    assert_true(seen > WORLDS / 2); // it could have been seen
}

enum { STREET = 16, STREET_FRAMES = 40, PLANTED = 99 };

// Somebody dark, of anybody's build, seen for a while.
static struct made_object draw_passer(struct ifl_rng *rng, uint32_t event)
{
    int height = between(rng, 18, 28);
    struct made_object passer = {.event = event,
                                 .first = between(rng, 0, STREET_FRAMES - 8),
                                 .x = between(rng, 15, 175),
                                 .y = between(rng, 40, 105),
                                 .step_x = between(rng, -3, 3),
                                 .width = height / 3 + between(rng, 0, 2),
                                 .height = height};
    passer.last = passer.first + between(rng, 4, 7);
    for (int c = 0; c < 3; c++)
        passer.rgb[c] = (uint8_t)between(rng, 10, 90);
    return passer;
}

// Stripes over all that one event shows: the colour that only it has, and black.
static void paint_stripes(struct ifl_profile *profile, const uint8_t rgb[3], int wide)
{
    int base = profile->levels - 1, width = profile->level_width[base];
    int pixels = width * profile->level_height[base];
    for (int f = 0; f < profile->memory_frames; f++) {
        const struct ifl_memory_frame *frame = profile->memory[f];
        for (int i = 0; i < pixels; i++) {
            int label = frame->label[i];
            bool its = label > 0 && label <= frame->components &&
                       frame->component[label - 1].event == PLANTED;
            for (int c = 0; c < 3 && its; c++)
                ((uint8_t *)frame->level[base])[(ptrdiff_t)i * 3 + c] =
                    i / width / wide % 3 == 2 ? 0 : rgb[c];
        }
    }
}

// A street of dark people, and one striped in a colour that nobody and nothing else has.
static struct ifl_profile *draw_street(uint64_t world, uint8_t rgb[3])
{
    static const uint8_t vivid[][3] = {{250, 0, 250}, {250, 20, 10}, {255, 250, 0},
                                       {0, 250, 250}, {20, 40, 255}, {10, 240, 30}};
    struct ifl_rng rng;
    ifl_rng_init(&rng, world);
    struct made_object object[STREET + 1];
    for (int i = 0; i <= STREET; i++)
        object[i] = draw_passer(&rng, (uint32_t)i + 1);
    struct made_object *planted = &object[STREET];
    planted->event = PLANTED;
    planted->height = between(&rng, 14, 40);
    planted->width = planted->height / 3 + between(&rng, 0, 3);
    planted->last = planted->first + between(&rng, 1, 7);
    memcpy(rgb, vivid[ifl_rng_below(&rng, 6)], 3);
    memcpy(planted->rgb, rgb, 3);
    if (world % 4 == 3) { // beside or upon somebody
        planted->x = object[0].x + object[0].width * (between(&rng, -10, 10) / 10.0);
        planted->y = object[0].y;
        planted->step_x = object[0].step_x;
        planted->first = object[0].first;
        planted->last = object[0].last;
    }
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 192 * 108,
                                 .frames = STREET_FRAMES,
                                 .objects = STREET + 1,
                                 .object = object,
                                 .noise = 1,
                                 .seed = world};
    struct ifl_profile *profile = make_profile(&config);
    assert_non_null(profile);
    paint_stripes(profile, rgb, between(&rng, 1, 4));
    return profile;
}

// Pixels nearer to a colour than anything else in the street.
static int count_like(const uint8_t *picture, int pixels, const uint8_t rgb[3])
{
    int count = 0;
    for (int i = 0; i < pixels; i++) {
        int far = 0;
        for (int c = 0; c < 3; c++) {
            int d = abs(picture[i * 3 + c] - rgb[c]);
            far = d > far ? d : far;
        }
        count += far < 90;
    }
    return count;
}

static bool takes_part(const struct ifl_objects *objects, const struct ifl_object_record *record)
{
    for (int i = 0; i < record->body.count; i++)
        if (objects->identity[record->body.identity[i]].id == PLANTED)
            return true;
    return false;
}

// Paints images without a random stream of the engine's: returns in how many objects it takes part.
static int paint_street(const struct ifl_profile *profile, const uint8_t rgb[3], int k,
                        uint64_t world, int *objects_made)
{
    struct ifl_objects *objects;
    struct ifl_error error = {0};
    check_ok(ifl_objects_create(profile, &objects, &error), error);
    int base = profile->levels - 1, pixels = objects->width * objects->height, parts = 0;
    uint8_t *canvas = malloc((size_t)pixels * 3);
    struct ifl_object_record record[PLACEMENTS_MAX];
    for (uint64_t seed = 0; seed < 2 * IMAGES; seed++) {
        struct ifl_rng rng;
        struct ifl_audit audit;
        ifl_rng_split(&rng, world, seed);
        memcpy(canvas, profile->plate[base], (size_t)pixels * 3);
        check_ok(ifl_objects_paint_recorded(objects, k, 0, &rng, canvas, &audit, record,
                                            PLACEMENTS_MAX, &error),
                 error);
        for (int i = 0; i < audit.objects; i++)
            parts += takes_part(objects, &record[i]);
        *objects_made += audit.objects;
        int seen = count_like(canvas, pixels, rgb);
        if (seen > 0)
            fail_msg("world %llu, k = %d, image %llu: %d pixels of %d %d %d",
                     (unsigned long long)world, k, (unsigned long long)seed, seen, rgb[0], rgb[1],
                     rgb[2]);
    }
    free(canvas);
    ifl_objects_destroy(objects);
    return parts;
}

static void nobody_wears_what_one_person_wore(void **state)
{
    (void)state;
    int parts = 0, made = 0;
    uint64_t worlds = getenv("INFERLOOP_TEST_WORLDS")
                          ? strtoull(getenv("INFERLOOP_TEST_WORLDS"), NULL, 10)
                          : WORLDS;
    for (uint64_t world = first_world(); world < first_world() + worlds; world++) {
        uint8_t rgb[3];
        struct ifl_profile *profile = draw_street(world, rgb);
        int base = profile->levels - 1, shown = 0;
        int pixels = profile->level_width[base] * profile->level_height[base];
        assert_int_equal(count_like(profile->plate[base], pixels, rgb), 0);
        for (int f = 0; f < profile->memory_frames; f++)
            shown += count_like(profile->memory[f]->level[base], pixels, rgb);
        assert_true(shown > 20); // it can be seen
        for (int k = 2; k <= 4; k++)
            parts += paint_street(profile, rgb, k, world, &made);
        ifl_profile_unref(profile);
    }
    assert_true(made > 20 * (int)worlds);
    assert_true(parts > (int)worlds); // and it takes part
}

// No cell of the support claims more events than the memory shows, and none of the planted object
// more than itself.
static void support_is_no_more_than_what_was_seen(void **state)
{
    (void)state;
    for (uint64_t world = first_world(); world < first_world() + WORLDS; world++) {
        struct made_object unique;
        struct ifl_profile *profile = draw_world(world, &unique);
        struct ifl_memory *memory;
        struct ifl_error error = {0};
        check_ok(ifl_memory_create(profile, &memory, &error), error);
        struct ifl_support *support = ifl_support_create(memory);
        assert_non_null(support);
        for (int l = 0; l < memory->levels; l++)
            for (int place = 0; place < memory->grid[l].across * memory->grid[l].down; place++)
                for (int f = 0; f < memory->frames; f++)
                    assert_true(ifl_support_cells(support, l, place)[f].limit <= CROWD + 1);
        for (int f = 0; f < memory->frames; f++)
            for (int i = 0; i < profile->memory[f]->components; i++)
                if (profile->memory[f]->component[i].event == 99)
                    assert_true(ifl_support_component(support, f, i) < 2);
        ifl_support_destroy(support);
        ifl_memory_destroy(memory);
        ifl_profile_unref(profile);
    }
}

static void shares_stay_within_the_cap_exactly(void **state)
{
    (void)state;
    struct ifl_rng rng;
    ifl_rng_init(&rng, first_world());
    static double log_mass[IFL_MEMORY_MAX], share[IFL_MEMORY_MAX];
    for (int trial = 0; trial < 500; trial++) {
        int k = between(&rng, IFL_K_MIN, IFL_K_MAX), count = between(&rng, k, IFL_MEMORY_MAX);
        for (int i = 0; i < count; i++) // equal ones, tiny ones, and all that lies between
            log_mass[i] = trial % 3 == 0   ? -3
                          : trial % 3 == 1 ? -1e9 * ifl_rng_uniform(&rng)
                                           : -ldexp(ifl_rng_uniform(&rng), between(&rng, -30, 30));
        ifl_water_fill(log_mass, count, k, share);
        double sum = 0;
        for (int i = 0; i < count; i++) {
            assert_true(share[i] >= 0 && share[i] <= 1.0 / k);
            sum += share[i];
        }
        check_near(sum, 1, 1e-9);
    }
}

static void every_world_gives_the_same_bytes_by_any_instructions(void **state)
{
    (void)state;
    for (uint64_t world = first_world(); world < first_world() + WORLDS; world += 2)
        for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
            uint64_t wanted = 0;
            for (int level = 0; level <= (int)ifl_cpu_detect(); level++) {
                // From the profile on: tables of the engine are made by these instructions, too.
                struct made_object unique;
                ifl_cpu_force((enum ifl_cpu_level)level);
                struct ifl_profile *profile = draw_world(world, &unique);
                void *engine = make_engine(profile);
                struct ifl_request request;
                ifl_request_init(&request);
                request.privacy = (enum ifl_privacy)mode;
                request.seed = world;
                uint64_t hash = image_hash(engine, &request);
                if (level == 0)
                    wanted = hash;
                if (hash != wanted)
                    fail_msg("world %llu: mode %d differs by %s", (unsigned long long)world, mode,
                             ifl_cpu_level_name((enum ifl_cpu_level)level));
                ifl_engine_analytic.destroy(engine);
                ifl_profile_unref(profile);
            }
        }
    ifl_cpu_force(IFL_CPU_LEVELS - 1);
}

// Labels without components, boxes beyond the picture, events of nobody, pixels of noise, weights
// that are none.
static void poison(struct ifl_profile *profile, struct ifl_rng *rng)
{
    int base = profile->levels - 1;
    size_t pixels = (size_t)(profile->level_width[base] * profile->level_height[base]);
    static const float odd[] = {NAN, -1, INFINITY, 0, 1e30f, 1};
    profile->memory_weight = calloc((size_t)profile->memory_frames, sizeof(float));
    for (int f = 0; f < profile->memory_frames; f++) {
        struct ifl_memory_frame *frame = profile->memory[f];
        profile->memory_weight[f] = odd[ifl_rng_below(rng, 6)];
        uint8_t *label = (uint8_t *)frame->label, *rgb = (uint8_t *)frame->level[base];
        struct ifl_component *component = (struct ifl_component *)frame->component;
        for (size_t i = 0; i < pixels && f % 3 == 0; i++)
            label[i] = (uint8_t)ifl_rng_next(rng);
        for (size_t i = 0; i < 3 * pixels && f % 3 == 1; i++)
            rgb[i] = (uint8_t)ifl_rng_next(rng);
        for (int i = 0; i < frame->components; i++) {
            component[i].x = between(rng, -500, 500);
            component[i].width = between(rng, -5, 2000000000);
            component[i].event = (uint32_t)ifl_rng_next(rng) & 3;
        }
    }
}

static void poisoned_memories_do_no_harm(void **state)
{
    (void)state;
    for (uint64_t world = first_world(); world < first_world() + 3; world++) {
        struct ifl_rng rng;
        struct made_object unique;
        ifl_rng_init(&rng, world);
        struct ifl_profile *profile = draw_world(world, &unique);
        poison(profile, &rng);
        void *engine = make_engine(profile);
        for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
            struct ifl_request request;
            ifl_request_init(&request);
            request.privacy = (enum ifl_privacy)mode;
            image_hash(engine, &request);
        }
        ifl_engine_analytic.destroy(engine);
        ifl_profile_unref(profile);
    }
}

static void any_seed_and_any_words_give_an_image(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    static const char *const prompts[] = {
        "тёмная площадь, толпа",    "暗い広場、人混み", "ساحة مظلمة", "dunkle Straße bei Nacht 🌃",
        "\xff\xfe\x80 broken \xc3", "          ",       "%s%n%d",     "a\nb\tc\r\"'\\"};
    struct made_object unique;
    struct ifl_profile *profile = draw_world(first_world(), &unique);
    void *engine = make_engine(profile);
    struct ifl_request request;
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        ifl_request_init(&request);
        snprintf(request.prompt, sizeof request.prompt, "%s", prompts[i]);
        request.seed = seeds[i % (sizeof seeds / sizeof *seeds)];
        request.privacy = (enum ifl_privacy)(i % 3);
        assert_true(image_hash(engine, &request) == image_hash(engine, &request));
    }
    struct ifl_rng rng;
    ifl_rng_init(&rng, first_world());
    for (int trial = 0; trial < 300; trial++) { // words of any bytes
        struct ifl_conditioning asked;
        int length = between(&rng, 0, IFL_PROMPT_MAX - 1);
        for (int i = 0; i < length; i++)
            request.prompt[i] = (char)between(&rng, 1, 255);
        request.prompt[length] = 0;
        ifl_prompt_parse(request.prompt, 20, &asked);
        assert_true(isfinite(asked.brightness_offset) && isfinite(asked.occupancy_weight));
        assert_true(memchr(asked.unknown_words, 0, sizeof asked.unknown_words) != NULL);
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void guidance_beyond_its_range_is_refused(void **state)
{
    (void)state;
    const double values[] = {1e9, NAN, INFINITY, -INFINITY, -1, 20.000001};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct ifl_request request;
        struct ifl_error error = {0};
        ifl_request_init(&request);
        request.guidance_scale = values[i];
        assert_int_equal(ifl_request_check(&request, &error), IFL_ERR_INVALID);
        assert_non_null(strstr(error.text, "guidance"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planted_object_never_shows),
        cmocka_unit_test(nobody_wears_what_one_person_wore),
        cmocka_unit_test(support_is_no_more_than_what_was_seen),
        cmocka_unit_test(shares_stay_within_the_cap_exactly),
        cmocka_unit_test(every_world_gives_the_same_bytes_by_any_instructions),
        cmocka_unit_test(poisoned_memories_do_no_harm),
        cmocka_unit_test(any_seed_and_any_words_give_an_image),
        cmocka_unit_test(guidance_beyond_its_range_is_refused),
    };
    print_message("first world: %llu\n", (unsigned long long)first_world());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
