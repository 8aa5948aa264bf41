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

static void check_laws(struct ifl_pipeline *pipeline)
{
    struct ifl_summary summary;
    ifl_pipeline_summary(pipeline, &summary);
    assert_true(summary.edges >= 5);
    for (int i = 0; i < summary.edges; i++) {
        const struct ifl_flow_row *row = &summary.edge[i];
        assert_int_equal(row->received,
                         row->passed + row->dropped_total + row->waiting + row->busy);
    }
    assert_int_equal(summary.requested,
                     summary.delivered + summary.rejected + summary.failed + summary.in_flight);
}

static void two_sources_flow_by_the_laws(void **state)
{
    struct house *house = *state;
    set(house, "source", "near=pattern:size=160x96,rate=60,seed=1");
    set(house, "source", "far=pattern:size=192x112,rate=60,seed=2");
    set(house, "threads", "2");
    begin(house);
    uint64_t near_serial = 0, far_serial = 0;
    for (int i = 0; i < 3; i++) {
        struct ifl_delivered *near =
            ifl_pipeline_newest(house->pipeline, "near", &near_serial, 20 * IFL_SECOND_NS);
        struct ifl_delivered *far =
            ifl_pipeline_newest(house->pipeline, "far", &far_serial, 20 * IFL_SECOND_NS);
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
    ifl_delivered_unref(ifl_pipeline_newest(house->pipeline, NULL, &serial, 20 * IFL_SECOND_NS));
    request.seed = 99;
    check_ok(ifl_pipeline_generate(house->pipeline, NULL, &request, 20 * IFL_SECOND_NS, &delivered,
                                   &house->error),
             house->error);
    struct ifl_delivered *same = ifl_pipeline_image(house->pipeline, delivered->name);
    assert_ptr_equal(same, delivered);
    ifl_delivered_unref(same);
    ifl_delivered_unref(delivered);
    request.brightness = NAN;
    request.guidance_scale = 1e9;
    assert_int_equal(ifl_pipeline_generate(house->pipeline, NULL, &request, IFL_SECOND_NS,
                                           &delivered, &house->error),
                     IFL_ERR_INVALID);
    struct ifl_profile *fresh =
        ifl_pipeline_profile(house->pipeline, NULL, true, 10 * IFL_SECOND_NS);
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
                                                       20 * IFL_SECOND_NS, &delivered, &error);
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
    ifl_delivered_unref(ifl_pipeline_newest(house->pipeline, NULL, &serial, 20 * IFL_SECOND_NS));
    pthread_t asker[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&asker[i], NULL, ask, house);
    usleep(100000);
    ifl_pipeline_stop(house->pipeline);
    for (int i = 0; i < 6; i++)
        pthread_join(asker[i], NULL);
    check_laws(house->pipeline);
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
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused_at_the_start, open_house,
                                        close_house),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
