// SPDX-License-Identifier: Apache-2.0
// The joined rooms in one process: both laws while it runs, demand, refusals, prompt stopping.
#include "scene.h"

#include <pthread.h>
#include <unistd.h>

#include "inferloop/pipeline.h"

struct house {
    char folder[64];
    struct ifl_config *config;
    struct ifl_pipeline *pipeline;
    struct ifl_error error;
};

static void set(struct house *house, const char *name, const char *value)
{
    check_ok(ifl_config_set(house->config, name, value, &house->error), house->error);
}

static int open_house(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    snprintf(house->folder, sizeof house->folder, "/tmp/inferloop-pipeline-XXXXXX");
    assert_non_null(mkdtemp(house->folder));
    house->config = ifl_config_create();
    set(house, "output", house->folder);
    set(house, "state-dir", "none");
    set(house, "privacy", "verbatim");
    set(house, "profile-interval", "0.5");
    set(house, "generate-interval", "0.05");
    *state = house;
    return 0;
}

static int close_house(void **state)
{
    struct house *house = *state;
    ifl_pipeline_destroy(house->pipeline);
    ifl_config_destroy(house->config);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", house->folder);
    int status = system(command);
    free(house);
    return status;
}

static void begin(struct house *house)
{
    check_ok(ifl_pipeline_create(house->config, &house->pipeline, &house->error), house->error);
    check_ok(ifl_pipeline_start(house->pipeline, &house->error), house->error);
}

static void check_laws_of(struct ifl_pipeline *pipeline, int edges)
{
    struct ifl_summary summary;
    ifl_pipeline_summary(pipeline, &summary);
    assert_true(summary.edges >= edges);
    for (int i = 0; i < summary.edges; i++) {
        const struct ifl_flow_row *row = &summary.edge[i];
        assert_int_equal(row->received,
                         row->passed + row->dropped_total + row->waiting + row->busy);
    }
    assert_int_equal(summary.requested,
                     summary.delivered + summary.rejected + summary.failed + summary.in_flight);
}

static void check_laws(struct ifl_pipeline *pipeline)
{
    check_laws_of(pipeline, 5);
}

static void two_sources_flow_by_the_laws(void **state)
{
    struct house *house = *state;
    set(house, "source", "near=pattern:size=160x96,rate=60,seed=1");
    set(house, "source", "far=pattern:size=192x112,rate=60,seed=2");
    set(house, "threads", "2");
    set(house, "memory-frames", "16"); // what a workshop costs grows with them
    begin(house);
    uint64_t near_serial = 0, far_serial = 0;
    for (int i = 0; i < 3; i++) {
        struct ifl_delivered *near =
            ifl_pipeline_newest(house->pipeline, "near", &near_serial, 100 * IFL_SECOND_NS);
        struct ifl_delivered *far =
            ifl_pipeline_newest(house->pipeline, "far", &far_serial, 100 * IFL_SECOND_NS);
        assert_non_null(near);
        assert_non_null(far);
        assert_string_equal(far->synthetic.source, "far");
        check_laws(house->pipeline);
        ifl_delivered_unref(near);
        ifl_delivered_unref(far);
    }
    struct ifl_source_status rows[2];
    assert_int_equal(ifl_pipeline_sources(house->pipeline, rows, 2), 2);
    assert_int_equal(rows[1].state, IFL_SOURCE_LIVE);
    assert_int_equal(rows[1].width, 192);
    ifl_pipeline_stop(house->pipeline);
    check_laws(house->pipeline);
    struct ifl_summary summary;
    ifl_pipeline_summary(house->pipeline, &summary);
    assert_int_equal(summary.in_flight, 0);
    for (int i = 0; i < summary.edges; i++)
        assert_int_equal(summary.edge[i].waiting + summary.edge[i].busy, 0);
}

static void demand_is_served_or_refused_with_a_reason(void **state)
{
    struct house *house = *state;
    set(house, "source", "pattern:size=160x96,rate=60");
    set(house, "generate-interval", "1000");
    begin(house);
    struct ifl_request request;
    struct ifl_delivered *delivered = NULL;
    ifl_pipeline_request_init(house->pipeline, &request);
    assert_int_equal(request.privacy, IFL_PRIVACY_VERBATIM);
    assert_int_equal(ifl_pipeline_generate(house->pipeline, "nobody", &request, IFL_SECOND_NS,
                                           &delivered, &house->error),
                     IFL_ERR_NOT_FOUND);
    uint64_t serial = 0;
    ifl_delivered_unref(ifl_pipeline_newest(house->pipeline, NULL, &serial, 100 * IFL_SECOND_NS));
    request.seed = 99;
    check_ok(ifl_pipeline_generate(house->pipeline, NULL, &request, 100 * IFL_SECOND_NS, &delivered,
                                   &house->error),
             house->error);
    struct ifl_delivered *same = ifl_pipeline_image(house->pipeline, delivered->name);
    assert_ptr_equal(same, delivered);
    ifl_delivered_unref(same);
    ifl_delivered_unref(delivered);
    request.target[IFL_TARGET_brightness] = NAN;
    request.guidance_scale = 1e9;
    assert_int_equal(ifl_pipeline_generate(house->pipeline, NULL, &request, IFL_SECOND_NS,
                                           &delivered, &house->error),
                     IFL_ERR_INVALID);
    struct ifl_profile *fresh =
        ifl_pipeline_profile(house->pipeline, NULL, true, 100 * IFL_SECOND_NS);
    assert_non_null(fresh);
    assert_true(fresh->memory_frames >= IFL_MEMORY_MIN);
    ifl_profile_unref(fresh);
    check_laws(house->pipeline);
}

static void *ask(void *context)
{
    struct house *house = context;
    struct ifl_request request;
    ifl_pipeline_request_init(house->pipeline, &request);
    struct ifl_error error;
    for (int i = 0; i < 20; i++) {
        struct ifl_delivered *delivered = NULL;
        request.seed = (uint64_t)i;
        enum ifl_result result = ifl_pipeline_generate(house->pipeline, NULL, &request,
                                                       100 * IFL_SECOND_NS, &delivered, &error);
        assert_true(result == IFL_OK || delivered == NULL);
        ifl_delivered_unref(delivered);
        if (result == IFL_ERR_CANCELLED)
            break;
    }
    return NULL;
}

static void stopping_answers_those_who_wait(void **state)
{
    struct house *house = *state;
    set(house, "source", "pattern:size=160x96,rate=60");
    set(house, "generate-interval", "0.01");
    begin(house);
    uint64_t serial = 0;
    ifl_delivered_unref(ifl_pipeline_newest(house->pipeline, NULL, &serial, 100 * IFL_SECOND_NS));
    pthread_t asker[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&asker[i], NULL, ask, house);
    usleep(100000);
    ifl_pipeline_stop(house->pipeline);
    for (int i = 0; i < 6; i++)
        pthread_join(asker[i], NULL);
    check_laws(house->pipeline);
}

// ---- changes while it runs ----

struct asking {
    struct ifl_pipeline *pipeline;
    const char *source;
};

static void *ask_until_gone(void *context)
{
    const struct asking *asking = context;
    struct ifl_request request;
    ifl_pipeline_request_init(asking->pipeline, &request);
    enum ifl_result result = IFL_OK;
    while (result != IFL_ERR_NOT_FOUND) {
        struct ifl_delivered *delivered = NULL;
        struct ifl_error error;
        result = ifl_pipeline_generate(asking->pipeline, asking->source, &request,
                                       60 * IFL_SECOND_NS, &delivered, &error);
        assert_true(result == IFL_OK || result == IFL_ERR_CANCELLED ||
                    result == IFL_ERR_NOT_FOUND || result == IFL_ERR_REJECTED);
        ifl_delivered_unref(delivered);
    }
    return NULL;
}

struct watcher {
    struct ifl_pipeline *pipeline;
    bool stop; // atomic
    pthread_t thread;
};

// Looks at everything as HTTP does, while sources come and go.
static void *watch(void *context)
{
    struct watcher *watcher = context;
    struct ifl_source_status rows[8];
    uint64_t serial = 0;
    while (!__atomic_load_n(&watcher->stop, __ATOMIC_ACQUIRE)) {
        check_laws_of(watcher->pipeline, 3);
        ifl_pipeline_sources(watcher->pipeline, rows, 8);
        free(ifl_pipeline_metrics(watcher->pipeline));
        ifl_frame_unref(ifl_pipeline_frame(watcher->pipeline, "guest", &serial, 1000000));
        ifl_profile_unref(ifl_pipeline_profile(watcher->pipeline, "guest", false, 0));
        char reason[160];
        ifl_pipeline_ready(watcher->pipeline, reason);
    }
    return NULL;
}

static uint64_t frames_of(struct ifl_pipeline *pipeline, const char *name)
{
    struct ifl_source_status rows[8];
    int count = ifl_pipeline_sources(pipeline, rows, 8);
    for (int i = 0; i < count; i++)
        if (!strcmp(rows[i].name, name))
            return rows[i].frames;
    return 0;
}

static void wait_for_width(struct ifl_pipeline *pipeline, int width)
{
    uint64_t serial = 1000000; // as of a source that was there before
    struct ifl_frame *frame = ifl_pipeline_frame(pipeline, "guest", &serial, 100 * IFL_SECOND_NS);
    assert_non_null(frame);
    assert_int_equal(frame->width, width);
    ifl_frame_unref(frame);
}

static void sources_come_and_go(void **state)
{
    struct house *house = *state;
    struct ifl_error *error = &house->error;
    set(house, "source", "host=pattern:size=192x112,rate=10");
    set(house, "generate-interval", "0.5");
    set(house, "memory-frames", "16");
    begin(house);
    struct watcher watcher[2] = {{.pipeline = house->pipeline}, {.pipeline = house->pipeline}};
    for (int i = 0; i < 2; i++)
        pthread_create(&watcher[i].thread, NULL, watch, &watcher[i]);
    uint64_t last = 0;
    for (int round = 0; round < 4; round++) {
        char name[IFL_SOURCE_NAME_MAX];
        check_ok(ifl_pipeline_add_source(house->pipeline, "guest=pattern:size=192x112,rate=20",
                                         name, error),
                 *error);
        assert_string_equal(name, "guest");
        wait_for_width(house->pipeline, 192);
        check_ok(ifl_pipeline_change_source(house->pipeline, "guest", "pattern:size=128x72,rate=20",
                                            error),
                 *error);
        wait_for_width(house->pipeline, 128);
        check_ok(ifl_pipeline_remove_source(house->pipeline, "guest", error), *error);
        assert_int_equal(ifl_pipeline_remove_source(house->pipeline, "guest", error),
                         IFL_ERR_NOT_FOUND);
        assert_true(frames_of(house->pipeline, "host") >= last); // which nobody disturbed
        last = frames_of(house->pipeline, "host");
        check_laws(house->pipeline);
    }
    uint64_t serial = last;
    struct ifl_frame *frame =
        ifl_pipeline_frame(house->pipeline, "host", &serial, 100 * IFL_SECOND_NS);
    assert_non_null(frame); // it goes on
    ifl_frame_unref(frame);
    for (int i = 0; i < 2; i++) {
        __atomic_store_n(&watcher[i].stop, true, __ATOMIC_RELEASE);
        pthread_join(watcher[i].thread, NULL);
    }
    ifl_pipeline_stop(house->pipeline);
    check_laws(house->pipeline);
    assert_int_equal(ifl_pipeline_add_source(house->pipeline, "pattern", NULL, error),
                     IFL_ERR_CANCELLED);
}

static void a_source_that_leaves_answers_those_who_wait(void **state)
{
    struct house *house = *state;
    set(house, "source", "host=pattern:size=192x112,rate=10");
    set(house, "generate-interval", "1000");
    set(house, "memory-frames", "16");
    begin(house);
    check_ok(ifl_pipeline_add_source(house->pipeline, "pattern:size=192x112,rate=20", NULL,
                                     &house->error),
             house->error);
    uint64_t serial = 0;
    ifl_delivered_unref(
        ifl_pipeline_newest(house->pipeline, "pattern", &serial, 300 * IFL_SECOND_NS));
    pthread_t asker[6];
    struct asking asking = {house->pipeline, "pattern"};
    for (int i = 0; i < 6; i++)
        pthread_create(&asker[i], NULL, ask_until_gone, &asking);
    usleep(200000);
    check_ok(ifl_pipeline_remove_source(house->pipeline, "pattern", &house->error), house->error);
    for (int i = 0; i < 6; i++)
        pthread_join(asker[i], NULL);
    check_laws(house->pipeline);
    struct ifl_summary summary;
    do
        ifl_pipeline_summary(house->pipeline, &summary);
    while (summary.in_flight); // what was begun is finished
    assert_int_equal(summary.edges, 5);
    assert_false(ifl_pipeline_finished(house->pipeline));
    check_ok(ifl_pipeline_remove_source(house->pipeline, "host", &house->error), house->error);
    assert_false(ifl_pipeline_finished(house->pipeline)); // it waits for another source
    char reason[160];
    ifl_pipeline_ready(house->pipeline, reason);
    assert_non_null(strstr(reason, "no source"));
}

static void names_of_sources_are_unique(void **state)
{
    struct house *house = *state;
    struct ifl_error *error = &house->error;
    set(house, "source", "pattern:size=192x112");
    set(house, "memory-frames", "16");
    // Not started: what is added now starts with the others.
    check_ok(ifl_pipeline_create(house->config, &house->pipeline, error), *error);
    char name[IFL_SOURCE_NAME_MAX];
    check_ok(ifl_pipeline_add_source(house->pipeline, "pattern:size=192x112", name, error), *error);
    assert_string_equal(name, "pattern-2");
    check_ok(ifl_pipeline_add_source(house->pipeline, "pattern:size=192x112", name, error), *error);
    assert_string_equal(name, "pattern-3");
    assert_int_equal(ifl_pipeline_add_source(house->pipeline, "pattern-2=pattern", name, error),
                     IFL_ERR_IN_USE);
    assert_int_equal(ifl_pipeline_add_source(house->pipeline, "", name, error), IFL_ERR_INVALID);
    assert_int_equal(ifl_pipeline_change_source(house->pipeline, "pattern-4", "pattern", error),
                     IFL_ERR_NOT_FOUND);
    for (int i = 3; i < 64; i++)
        check_ok(ifl_pipeline_add_source(house->pipeline, "pattern:size=64x64,rate=1", name, error),
                 *error);
    assert_int_equal(ifl_pipeline_add_source(house->pipeline, "pattern", name, error),
                     IFL_ERR_BUSY);
    struct ifl_summary summary;
    ifl_pipeline_summary(house->pipeline, &summary);
    assert_int_equal(summary.edges, 131);
    check_laws(house->pipeline);
}

static void options_change_together_or_not_at_all(void **state)
{
    struct house *house = *state;
    set(house, "source", "pattern:size=192x112,rate=20");
    set(house, "generate-interval", "1000");
    set(house, "memory-frames", "16");
    begin(house);
    const char *names[] = {"generate-interval", "prompt", "guidance_scale"};
    const char *good[] = {"0.05", "dark", "3"}, *bad[] = {"0.06", "bright", "77"};
    check_ok(ifl_pipeline_configure(house->pipeline, names, good, 3, &house->error), house->error);
    assert_int_equal(ifl_pipeline_configure(house->pipeline, names, bad, 3, &house->error),
                     IFL_ERR_INVALID);
    struct ifl_request request;
    ifl_pipeline_request_init(house->pipeline, &request);
    assert_string_equal(request.prompt, "dark");
    assert_true(request.guidance_scale == 3);
    uint64_t serial = 0;
    for (int i = 0; i < 3; i++) { // no longer every 1000 s
        struct ifl_delivered *image =
            ifl_pipeline_newest(house->pipeline, NULL, &serial, 100 * IFL_SECOND_NS);
        assert_non_null(image);
        ifl_delivered_unref(image);
    }
    const char *fixed[] = {"threads", "output", "nonsense"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            ifl_pipeline_configure(house->pipeline, &fixed[i], &good[2], 1, &house->error),
            IFL_ERR_INVALID);
    struct ifl_config *config = ifl_pipeline_config(house->pipeline);
    assert_true(config->generate_interval == 0.05);
    assert_int_equal(config->origin[IFL_OPTION_ID_generate_interval], IFL_FROM_HTTP);
    ifl_config_destroy(config);
}

static void what_cannot_be_is_refused_at_the_start(void **state)
{
    struct house *house = *state;
    struct ifl_error *error = &house->error;
    assert_int_equal(ifl_pipeline_create(house->config, &house->pipeline, error), IFL_ERR_INVALID);
    set(house, "source", "pattern");
    set(house, "engine", "steam");
    assert_int_equal(ifl_pipeline_create(house->config, &house->pipeline, error),
                     IFL_ERR_NOT_FOUND);
    set(house, "engine", "analytic");
    set(house, "source", "pattern=pattern");
    assert_int_equal(ifl_pipeline_create(house->config, &house->pipeline, error), IFL_ERR_INVALID);
    assert_non_null(strstr(error->text, "NAME=URI"));
    assert_null(house->pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_sources_flow_by_the_laws, open_house, close_house),
        cmocka_unit_test_setup_teardown(demand_is_served_or_refused_with_a_reason, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(stopping_answers_those_who_wait, open_house, close_house),
        cmocka_unit_test_setup_teardown(sources_come_and_go, open_house, close_house),
        cmocka_unit_test_setup_teardown(a_source_that_leaves_answers_those_who_wait, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(names_of_sources_are_unique, open_house, close_house),
        cmocka_unit_test_setup_teardown(options_change_together_or_not_at_all, open_house,
                                        close_house),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused_at_the_start, open_house,
                                        close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
