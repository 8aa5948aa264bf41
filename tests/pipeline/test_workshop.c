// SPDX-License-Identifier: Apache-2.0
// Making images: the bounded retry, the ledger, the order of a batch, failing sinks.
#include "scene.h"

#include "base/rng.h"
#include "pipeline/batch.h"
#include "pipeline/gallery.h"
#include "pipeline/workshop.h"

// An engine that makes noise `bad` times, then a memory frame: what validation must tell apart.
struct odd_engine {
    const struct ifl_profile *profile;
    int bad;
};
static int bad_images, fails_from = INT32_MAX, calls;

static enum ifl_result odd_create(const struct ifl_profile *profile, void **self,
                                  struct ifl_error *error)
{
    (void)error;
    struct odd_engine *engine = calloc(1, sizeof *engine);
    engine->profile = profile;
    engine->bad = bad_images;
    *self = engine;
    return IFL_OK;
}

static enum ifl_result odd_generate(void *self, const struct ifl_request *request,
                                    struct ifl_synthetic *synthetic, struct ifl_error *error)
{
    struct odd_engine *engine = self;
    const struct ifl_profile *profile = engine->profile;
    int top = profile->levels - 1;
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) >= fails_from)
        return ifl_fail(error, IFL_ERR_NOT_READY, "generate", "this engine fails");
    synthetic->image = ifl_image_create(profile->level_width[top], profile->level_height[top]);
    size_t bytes = (size_t)profile->level_width[top] * (size_t)profile->level_height[top] * 3;
    struct ifl_rng rng;
    ifl_rng_init(&rng, request->seed);
    int bad = __atomic_fetch_sub(&engine->bad, 1, __ATOMIC_RELAXED); // of several threads
    for (size_t i = 0; bad > 0 && i < bytes; i++)
        synthetic->image->rgb[i] = (uint8_t)ifl_rng_next(&rng);
    if (bad <= 0)
        memcpy(synthetic->image->rgb, profile->memory[profile->memory_frames / 2]->level[top],
               bytes);
    return IFL_OK;
}

static const struct ifl_engine_plugin odd = {
    .head = {IFL_PLUGIN_ABI, sizeof odd, IFL_PLUGIN_ENGINE, "odd", "noise, then a frame"},
    .create = odd_create,
    .generate = odd_generate,
    .destroy = free,
};

struct bench {
    struct ifl_profile *profile;
    struct ifl_workshop *workshop;
    struct ifl_edge *edge;
    struct ifl_ledger *ledger;
    struct ifl_request request;
};

static int open_bench(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->profile = make_scene_profile("pattern:size=192x112,rate=10,objects=3,frames=240");
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;
    ifl_profile_unref(bench->profile);
    free(bench);
    return 0;
}

static struct ifl_making begin(struct bench *bench, int bad, int attempts)
{
    struct ifl_error error = {0};
    bad_images = bad;
    calls = 0;
    fails_from = INT32_MAX;
    check_ok(ifl_workshop_create(bench->profile, &odd, &bench->workshop, &error), error);
    struct ifl_edge_config edge = {.from = "generate", .to = "validate", .source = ""};
    bench->edge = ifl_edge_create(&edge);
    bench->ledger = ifl_ledger_create();
    ifl_request_init(&bench->request);
    bench->request.privacy = IFL_PRIVACY_VERBATIM;
    bench->request.seed = 5;
    return (struct ifl_making){.attempts = attempts,
                               .edge = bench->edge,
                               .ledger = bench->ledger,
                               .clock = ifl_clock_real()};
}

static void end(struct bench *bench)
{
    ifl_workshop_unref(bench->workshop);
    ifl_edge_destroy(bench->edge);
    ifl_ledger_destroy(bench->ledger);
}

static void a_rejected_image_is_made_anew(void **state)
{
    struct bench *bench = *state;
    struct ifl_making making = begin(bench, 2, 4);
    struct ifl_synthetic synthetic;
    struct ifl_error error = {0};
    check_ok(ifl_workshop_make(bench->workshop, &bench->request, &making, &synthetic, &error),
             error);
    assert_int_equal(synthetic.attempt, 3);
    assert_true(synthetic.request.seed != 5); // the record holds the seed that made it
    assert_string_equal(synthetic.profile_id, bench->profile->id);
    struct ifl_edge_counts edge;
    ifl_edge_count(bench->edge, &edge);
    assert_int_equal(edge.received, 3);
    assert_int_equal(edge.dropped[IFL_DROP_REJECTED], 2);
    assert_true(ifl_edge_law_holds(&edge));
    struct ifl_ledger_counts counts;
    ifl_ledger_count(bench->ledger, &counts);
    uint64_t reasons = 0;
    for (int i = 1; i < IFL_REJECTION_COUNT; i++)
        reasons += counts.rejected_by[i];
    assert_int_equal(reasons, 2);
    ifl_synthetic_fini(&synthetic);
    end(bench);
}

static void the_attempts_are_bounded(void **state)
{
    struct bench *bench = *state;
    struct ifl_making making = begin(bench, 1000, 3);
    struct ifl_synthetic synthetic;
    struct ifl_error error = {0};
    assert_int_equal(
        ifl_workshop_make(bench->workshop, &bench->request, &making, &synthetic, &error),
        IFL_ERR_REJECTED);
    assert_int_equal(calls, 3);
    assert_true(synthetic.rejection != IFL_REJECT_NONE);
    assert_non_null(strstr(error.text, ifl_rejection_name(synthetic.rejection)));
    ifl_synthetic_fini(&synthetic);
    end(bench);
}

// ---- batches ----

static uint64_t delivered_seed[32];
static int delivered, sink_fails_at = INT32_MAX;

static enum ifl_result sink_open(const struct ifl_sink_config *config, void **self,
                                 struct ifl_error *error)
{
    (void)config;
    (void)self;
    (void)error;
    return IFL_OK;
}

static enum ifl_result sink_deliver(void *self, const struct ifl_synthetic *synthetic, char *name,
                                    struct ifl_error *error)
{
    (void)self;
    if (delivered == sink_fails_at)
        return ifl_fail(error, IFL_ERR_NO_SPACE, "deliver", "the disk is full");
    snprintf(name, IFL_PATH_MAX, "%d", delivered);
    delivered_seed[delivered++] = synthetic->request.seed;
    return IFL_OK;
}

static void sink_close(void *self)
{
    (void)self;
}

static const struct ifl_sink_plugin sink = {
    .head = {IFL_PLUGIN_ABI, sizeof sink, IFL_PLUGIN_SINK, "test", "counts"},
    .open = sink_open,
    .deliver = sink_deliver,
    .close = sink_close,
};

static void run_batch(struct bench *bench, int threads, enum ifl_result wanted,
                      struct ifl_ledger_counts *counts)
{
    delivered = 0;
    struct ifl_batch batch = {.workshop = bench->workshop,
                              .sink_plugin = &sink,
                              .request = bench->request,
                              .count = 12,
                              .threads = threads,
                              .attempts = 1};
    struct ifl_error error = {0};
    assert_int_equal(ifl_batch_run(&batch, counts, &error), wanted);
    assert_true(ifl_ledger_law_holds(counts));
    assert_int_equal(counts->in_flight, 0);
}

static void a_batch_is_delivered_in_order(void **state)
{
    struct bench *bench = *state;
    begin(bench, 0, 1);
    struct ifl_ledger_counts counts;
    for (int threads = 1; threads <= 4; threads += 3) {
        run_batch(bench, threads, IFL_OK, &counts);
        assert_int_equal(counts.delivered, 12);
        for (int i = 0; i < 12; i++)
            assert_int_equal(delivered_seed[i], 5 + i);
    }
    end(bench);
}

static void a_failing_sink_ends_a_batch(void **state)
{
    struct bench *bench = *state;
    begin(bench, 0, 1);
    struct ifl_ledger_counts counts;
    sink_fails_at = 4;
    run_batch(bench, 3, IFL_ERR_NO_SPACE, &counts);
    sink_fails_at = INT32_MAX;
    assert_int_equal(counts.delivered, 4);
    assert_true(counts.failed >= 1);
    fails_from = calls + 3;
    run_batch(bench, 2, IFL_ERR_NOT_READY, &counts);
    end(bench);
}

// ---- the gallery ----

static void the_gallery_keeps_the_newest(void **state)
{
    (void)state;
    struct ifl_gallery *gallery = ifl_gallery_create();
    struct ifl_image *plain = ifl_image_create(8, 8);
    for (int i = 1; i <= IFL_GALLERY_MAX + 6; i++) {
        struct ifl_synthetic synthetic = {.image = ifl_image_create(8, 8),
                                          .plain = ifl_image_ref(plain)};
        snprintf(synthetic.source, sizeof synthetic.source, "%s", i % 2 ? "odd" : "even");
        char name[32];
        snprintf(name, sizeof name, "image-%d", i);
        struct ifl_delivered *added = ifl_gallery_reserve();
        assert_non_null(added);
        ifl_gallery_add(gallery, added, &synthetic, name);
        ifl_synthetic_fini(&synthetic); // what the gallery did not take
        ifl_delivered_unref(added);
        assert_int_equal(plain->refs, 1);
    }
    struct ifl_delivered *images[IFL_GALLERY_MAX];
    int count = ifl_gallery_list(gallery, NULL, 0, images, IFL_GALLERY_MAX);
    assert_int_equal(count, IFL_GALLERY_MAX);
    assert_string_equal(images[0]->name, "image-70");
    for (int i = 0; i < count; i++)
        ifl_delivered_unref(images[i]);
    count = ifl_gallery_list(gallery, "odd", 2, images, 3);
    assert_int_equal(count, 3);
    assert_string_equal(images[0]->name, "image-65");
    for (int i = 0; i < count; i++)
        ifl_delivered_unref(images[i]);
    assert_null(ifl_gallery_find(gallery, "image-6")); // gone
    struct ifl_delivered *found = ifl_gallery_find(gallery, "image-7");
    assert_non_null(found);
    ifl_delivered_unref(found);
    uint64_t serial = 0;
    found = ifl_gallery_newest(gallery, "odd", &serial, 0);
    assert_int_equal(serial, 69);
    ifl_delivered_unref(found);
    assert_null(ifl_gallery_newest(gallery, "odd", &serial, IFL_MILLISECOND_NS));
    ifl_image_unref(plain);
    ifl_gallery_destroy(gallery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rejected_image_is_made_anew),
        cmocka_unit_test(the_attempts_are_bounded),
        cmocka_unit_test(a_batch_is_delivered_in_order),
        cmocka_unit_test(a_failing_sink_ends_a_batch),
        cmocka_unit_test(the_gallery_keeps_the_newest),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
