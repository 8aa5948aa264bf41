// SPDX-License-Identifier: Apache-2.0
// The engine as its users see it.
#include "support.h"

#include <pthread.h>

#include "base/hash.h"
#include "generate/builtin.h"
#include "kernels/cpu.h"
#include "make_profile.h"

static void *make_engine(const struct ifl_profile *profile)
{
    struct ifl_error error = {0};
    void *engine;
    assert_non_null(profile);
    check_ok(ifl_engine_analytic.create(profile, &engine, &error), error);
    return engine;
}

static struct ifl_request make_request(enum ifl_privacy privacy, uint64_t seed)
{
    struct ifl_request request;
    ifl_request_init(&request);
    request.privacy = privacy;
    request.seed = seed;
    return request;
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
                                   (size_t)made.image->width * (size_t)made.image->height * 3, 0);
    ifl_synthetic_fini(&made);
    return hash;
}

static void the_seed_decides(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(48, 24, 1), *again = make_walkers(48, 24, 1);
    void *engine = make_engine(profile), *second = make_engine(again);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        struct ifl_request request = make_request((enum ifl_privacy)mode, 1);
        uint64_t hash = image_hash(engine, &request);
        assert_true(hash == image_hash(engine, &request));
        assert_true(hash == image_hash(second, &request));
        request.seed = 2;
        assert_true(hash != image_hash(engine, &request));
    }
    ifl_engine_analytic.destroy(engine);
    ifl_engine_analytic.destroy(second);
    ifl_profile_unref(profile);
    ifl_profile_unref(again);
}

static void instructions_do_not_change_the_bytes(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(24, 12, 2);
    void *engine = make_engine(profile);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        struct ifl_request request = make_request((enum ifl_privacy)mode, 3);
        ifl_cpu_force(IFL_CPU_C);
        uint64_t hash = image_hash(engine, &request);
        for (int level = 1; level <= (int)ifl_cpu_detect(); level++) {
            ifl_cpu_force((enum ifl_cpu_level)level);
            assert_true(hash == image_hash(engine, &request));
        }
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

// Another image, the same by any instructions; as many as the engine's own change nothing.
static void fewer_steps_make_another_image(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(24, 12, 2);
    void *engine = make_engine(profile);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        struct ifl_request request = make_request((enum ifl_privacy)mode, 3);
        uint64_t whole = image_hash(engine, &request);
        for (int steps = 6; steps >= 1; steps--) {
            request.steps = steps;
            ifl_cpu_force(ifl_cpu_detect());
            uint64_t hash = image_hash(engine, &request);
            assert_true(steps < 6 || hash == whole);
            assert_true(steps > 1 || mode != IFL_PRIVACY_VERBATIM || hash != whole);
            ifl_cpu_force(IFL_CPU_C);
            assert_true(hash == image_hash(engine, &request));
        }
    }
    ifl_cpu_force(ifl_cpu_detect());
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

enum { THREADS = 4, IMAGES = 9 };

struct worker {
    pthread_t thread;
    void *engine;
    uint64_t hash[IMAGES];
};

static void *work(void *context)
{
    struct worker *worker = context;
    for (int i = 0; i < IMAGES; i++) {
        struct ifl_request request = make_request((enum ifl_privacy)(i % 3), (uint64_t)i);
        worker->hash[i] = image_hash(worker->engine, &request);
    }
    return NULL;
}

static void threads_do_not_change_the_bytes(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(32, 16, 3);
    struct worker alone = {.engine = make_engine(profile)}, worker[THREADS];
    void *engine = make_engine(profile);
    work(&alone);
    for (int i = 0; i < THREADS; i++) {
        worker[i].engine = engine;
        assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(worker[i].thread, NULL);
        assert_memory_equal(worker[i].hash, alone.hash, sizeof alone.hash);
    }
    ifl_engine_analytic.destroy(alone.engine);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void thin_memories_are_refused(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(7, 3, 4);
    struct ifl_error error = {0};
    void *engine = NULL;
    assert_int_equal(ifl_engine_analytic.create(profile, &engine, &error), IFL_ERR_NOT_READY);
    assert_non_null(strstr(error.text, "7 frames seen, 16 needed"));
    profile->levels = 0;
    assert_int_equal(ifl_engine_analytic.create(profile, &engine, &error), IFL_ERR_NOT_READY);
    profile->levels = 4;
    ifl_profile_unref(profile);
    ifl_engine_analytic.destroy(NULL);
}

static void broken_profiles_are_refused(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(16, 3, 5);
    struct ifl_error error = {0};
    void *engine = NULL;
    profile->level_width[1]++;
    assert_int_equal(ifl_engine_analytic.create(profile, &engine, &error), IFL_ERR_UNSUPPORTED);
    profile->level_width[1]--;
    const uint8_t *level = profile->memory[3]->level[2];
    profile->memory[3]->level[2] = NULL;
    assert_int_equal(ifl_engine_analytic.create(profile, &engine, &error), IFL_ERR_CORRUPT);
    profile->memory[3]->level[2] = level;
    ifl_profile_unref(profile);
}

// Boxes and labels that lie: nothing outside the picture may be touched (run with ASan).
static void foreign_components_do_no_harm(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(16, 12, 6);
    for (int f = 0; f < profile->memory_frames; f++) {
        struct ifl_component *component = (struct ifl_component *)profile->memory[f]->component;
        for (int i = 0; i < profile->memory[f]->components; i++) {
            component[i].x = i % 3 == 0 ? INT32_MIN : i % 3 == 1 ? -5 : INT32_MAX;
            component[i].width = INT32_MAX;
            component[i].height = i % 2 ? -1 : INT32_MAX;
            component[i].area = -7;
            component[i].event = 0;
        }
        memset((uint8_t *)profile->memory[f]->label, f % 2 ? 255 : 1, 50);
    }
    void *engine = make_engine(profile);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode += 2) {
        struct ifl_request request = make_request((enum ifl_privacy)mode, 8);
        image_hash(engine, &request);
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

// Mean absolute difference of two pictures of one size.
static double difference(const uint8_t *a, const uint8_t *b, int pixels)
{
    double sum = 0;
    for (int i = 0; i < pixels * 3; i++)
        sum += abs(a[i] - b[i]);
    return sum / (pixels * 3.0);
}

static void an_empty_scene_stays_empty(void **state)
{
    (void)state;
    struct made_config config = {.width = 640,
                                 .height = 480,
                                 .base_area = 256 * 144,
                                 .frames = IFL_MEMORY_MIN,
                                 .noise = 2,
                                 .seed = 9};
    struct ifl_profile *profile = make_profile(&config);
    void *engine = make_engine(profile);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        struct ifl_request request = make_request((enum ifl_privacy)mode, 1);
        struct ifl_synthetic made = make_image(engine, &request);
        assert_int_equal(made.audit.objects, 0);
        int base = profile->levels - 1;
        assert_int_equal(made.image->width, profile->level_width[base]);
        assert_true(difference(made.image->rgb, profile->plate[base],
                               made.image->width * made.image->height) < 3);
        ifl_synthetic_fini(&made);
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void a_scene_full_of_objects_is_rendered(void **state)
{
    (void)state;
    struct made_object object[20];
    for (int i = 0; i < 20; i++)
        object[i] = (struct made_object){.event = (uint32_t)i + 1,
                                         .first = i,
                                         .last = i,
                                         .x = 128,
                                         .y = 260,
                                         .width = 500,
                                         .height = 400,
                                         .rgb = {(uint8_t)(12 * i), 90, (uint8_t)(255 - 12 * i)}};
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = 20,
                                 .objects = 20,
                                 .object = object,
                                 .seed = 10};
    struct ifl_profile *profile = make_profile(&config);
    void *engine = make_engine(profile);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
        struct ifl_request request = make_request((enum ifl_privacy)mode, 1);
        image_hash(engine, &request);
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void every_aspect_and_class_works(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1080, 1920, 256 * 144}, {1920, 480, 256 * 144},
                                   {100, 1600, 128 * 72},   {4000, 100, 128 * 72},
                                   {1280, 720, 512 * 288},  {64, 36, 32 * 18}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct made_object object = {.event = 1,
                                     .last = 15,
                                     .x = 40,
                                     .y = 40,
                                     .step_x = 2,
                                     .width = 8,
                                     .height = 20,
                                     .rgb = {200, 30, 30}};
        struct made_config config = {.width = sizes[i][0],
                                     .height = sizes[i][1],
                                     .base_area = sizes[i][2],
                                     .frames = 16,
                                     .objects = 1,
                                     .object = &object,
                                     .seed = i};
        struct ifl_profile *profile = make_profile(&config);
        void *engine = make_engine(profile);
        for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
            struct ifl_request request = make_request((enum ifl_privacy)mode, 1);
            image_hash(engine, &request);
        }
        ifl_engine_analytic.destroy(engine);
        ifl_profile_unref(profile);
    }
}

static void images_have_the_size_that_was_asked(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(24, 8, 12);
    void *engine = make_engine(profile);
    static const int sizes[][2] = {{32, 32},   {64, 36},   {128, 72},
                                   {200, 300}, {640, 360}, {1024, 32}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++) {
            struct ifl_request request = make_request((enum ifl_privacy)mode, 1);
            request.width = sizes[i][0];
            request.height = sizes[i][1];
            struct ifl_synthetic made = make_image(engine, &request);
            assert_int_equal(made.image->width, sizes[i][0]);
            assert_int_equal(made.image->height, sizes[i][1]);
            ifl_synthetic_fini(&made);
        }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static double mean_objects(void *engine, const char *prompt, double guidance)
{
    double sum = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct ifl_request request = make_request(IFL_PRIVACY_VERBATIM, seed);
        request.guidance_scale = guidance;
        snprintf(request.prompt, sizeof request.prompt, "%s", prompt);
        request.width = 64;
        request.height = 36;
        struct ifl_synthetic made = make_image(engine, &request);
        sum += made.audit.objects;
        ifl_synthetic_fini(&made);
    }
    return sum / 60;
}

static void images_show_as_much_as_the_stream(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(64, 24, 13);
    void *engine = make_engine(profile);
    double even = mean_objects(engine, "", 7.5);
    ifl_engine_analytic.destroy(engine);
    profile->memory_weight = calloc(64, sizeof *profile->memory_weight);
    double mean = 0;
    for (int f = 0; f < 64; f++)
        mean += profile->memory[f]->components / 64.0;
    for (int f = 0; f < 64; f++) // what is full is rare
        profile->memory_weight[f] = profile->memory[f]->components > mean ? 0.004f : 0.05f;
    engine = make_engine(profile);
    assert_true(mean_objects(engine, "", 7.5) < 0.85 * even);
    assert_true(mean_objects(engine, "crowded", 7.5) > 1.2 * mean_objects(engine, "", 7.5));
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void crowds_follow_the_prompt(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(64, 24, 13);
    void *engine = make_engine(profile);
    double plain = mean_objects(engine, "", 7.5), crowded = mean_objects(engine, "crowded", 7.5);
    assert_true(crowded > 1.3 * plain);
    assert_true(mean_objects(engine, "few people", 7.5) < 0.5 * plain);
    assert_true(mean_objects(engine, "empty", 7.5) < 0.1 * plain);
    check_near(mean_objects(engine, "crowded", 0), plain, 0);
    assert_true(mean_objects(engine, "crowded", 20) >= crowded);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

static void nobody_stands_in_a_picture_twice(void **state)
{
    (void)state;
    struct made_object object[2];
    for (int i = 0; i < 2; i++)
        object[i] = (struct made_object){.event = (uint32_t)i + 1,
                                         .identity = 7,
                                         .first = i * 10,
                                         .last = i * 10 + 9,
                                         .x = 60 + 130 * i,
                                         .y = 100,
                                         .width = 10,
                                         .height = 30,
                                         .rgb = {200, 20, 20}};
    struct made_config config = {.width = 1280,
                                 .height = 720,
                                 .base_area = 256 * 144,
                                 .frames = 20,
                                 .objects = 2,
                                 .object = object,
                                 .seed = 16};
    struct ifl_profile *profile = make_profile(&config);
    void *engine = make_engine(profile);
    int seen = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct ifl_request request = make_request(IFL_PRIVACY_VERBATIM, seed);
        struct ifl_synthetic made = make_image(engine, &request);
        assert_true(made.audit.objects <= 1);
        seen += made.audit.objects;
        ifl_synthetic_fini(&made);
    }
    assert_true(seen > 20);
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

// Verbatim images of a known scene: sharp, and made of what the memory has.
static void images_look_like_the_memory(void **state)
{
    (void)state;
    struct ifl_profile *profile = make_walkers(48, 20, 15);
    for (int f = 0; f < profile->memory_frames; f++)
        for (int c = 0; c < 3; c++) {
            profile->memory[f]->gain[c] = 1;
            profile->memory[f]->offset[c] = 0;
        }
    void *engine = make_engine(profile);
    int base = profile->levels - 1, width = profile->level_width[base];
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct ifl_request request = make_request(IFL_PRIVACY_VERBATIM, seed);
        struct ifl_synthetic made = make_image(engine, &request);
        int strange = 0;
        for (int i = 0; i < width * made.image->height; i += 13) {
            int least = INT32_MAX;
            for (int f = 0; f < profile->memory_frames; f++) {
                int distance = 0;
                for (int c = 0; c < 3; c++)
                    distance += abs(made.image->rgb[i * 3 + c] -
                                    profile->memory[f]->level[base][i * 3 + c]);
                least = distance < least ? distance : least;
            }
            strange += least > 60;
        }
        assert_true(strange < 6); // of 2,800 pixels that are in no memory frame
        ifl_synthetic_fini(&made);
    }
    ifl_engine_analytic.destroy(engine);
    ifl_profile_unref(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(instructions_do_not_change_the_bytes),
        cmocka_unit_test(fewer_steps_make_another_image),
        cmocka_unit_test(threads_do_not_change_the_bytes),
        cmocka_unit_test(thin_memories_are_refused),
        cmocka_unit_test(broken_profiles_are_refused),
        cmocka_unit_test(foreign_components_do_no_harm),
        cmocka_unit_test(an_empty_scene_stays_empty),
        cmocka_unit_test(a_scene_full_of_objects_is_rendered),
        cmocka_unit_test(every_aspect_and_class_works),
        cmocka_unit_test(images_have_the_size_that_was_asked),
        cmocka_unit_test(images_show_as_much_as_the_stream),
        cmocka_unit_test(crowds_follow_the_prompt),
        cmocka_unit_test(nobody_stands_in_a_picture_twice),
        cmocka_unit_test(images_look_like_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
