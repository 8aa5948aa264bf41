// SPDX-License-Identifier: Apache-2.0
// Both laws, under every policy and with threads.
#include "support.h"

#include <pthread.h>

#include "core/flow.h"

static int released;

static void count_release(void *packet)
{
    (void)packet;
    __atomic_add_fetch(&released, 1, __ATOMIC_RELAXED);
}

static struct ifl_edge *make_edge(int depth, enum ifl_policy policy)
{
    released = 0;
    struct ifl_edge_config config = {.from = "a",
                                     .to = "b",
                                     .source = "s",
                                     .depth = depth,
                                     .policy = policy,
                                     .release = count_release};
    struct ifl_edge *edge = ifl_edge_create(&config);
    assert_non_null(edge);
    return edge;
}

static int packets[8];

static void drops_the_oldest(void **state)
{
    (void)state;
    struct ifl_edge *edge = make_edge(2, IFL_POLICY_DROP_OLDEST);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ifl_edge_push(edge, &packets[i]), IFL_OK);
    assert_int_equal(released, 3);
    void *packet;
    assert_int_equal(ifl_edge_pop(edge, &packet, 0), IFL_OK);
    assert_ptr_equal(packet, &packets[3]);
    struct ifl_edge_counts counts;
    ifl_edge_count(edge, &counts);
    assert_true(ifl_edge_law_holds(&counts));
    assert_int_equal(counts.received, 5);
    assert_int_equal(counts.busy, 1);
    assert_int_equal(counts.waiting, 1);
    assert_int_equal(counts.dropped[IFL_DROP_QUEUE_FULL], 3);
    ifl_edge_pass(edge);
    ifl_edge_close(edge, true);
    ifl_edge_count(edge, &counts);
    assert_int_equal(counts.dropped[IFL_DROP_STOPPING], 1);
    assert_true(ifl_edge_law_holds(&counts));
    ifl_edge_destroy(edge);
}

static void rejects_when_full_and_ends_when_closed(void **state)
{
    (void)state;
    struct ifl_edge *edge = make_edge(1, IFL_POLICY_REJECT);
    void *packet;
    assert_int_equal(ifl_edge_pop(edge, &packet, 0), IFL_AGAIN);
    assert_int_equal(ifl_edge_push(edge, &packets[0]), IFL_OK);
    assert_int_equal(ifl_edge_push(edge, &packets[1]), IFL_ERR_BUSY);
    ifl_edge_close(edge, false);
    assert_int_equal(ifl_edge_push(edge, &packets[1]), IFL_END);
    assert_int_equal(ifl_edge_pop(edge, &packet, INT64_MAX), IFL_OK);
    ifl_edge_drop(edge, IFL_DROP_ERROR);
    assert_int_equal(ifl_edge_pop(edge, &packet, INT64_MAX), IFL_END);
    struct ifl_edge_counts counts;
    ifl_edge_count(edge, &counts);
    assert_int_equal(counts.received, 1);
    assert_true(ifl_edge_law_holds(&counts));
    ifl_edge_destroy(edge);
}

static void a_broken_count_breaks_the_law(void **state)
{
    (void)state;
    struct ifl_edge_counts counts = {.received = 3, .passed = 1, .busy = 1};
    assert_false(ifl_edge_law_holds(&counts));
    counts.waiting = 1;
    assert_true(ifl_edge_law_holds(&counts));
    struct ifl_ledger_counts images = {.requested = 2, .delivered = 1};
    assert_false(ifl_ledger_law_holds(&images));
    images.in_flight = 1;
    assert_true(ifl_ledger_law_holds(&images));
}

enum { MANY = 20000 };

static void *push_many(void *context)
{
    for (int i = 0; i < MANY; i++)
        assert_int_equal(ifl_edge_push(context, &packets[i % 8]), IFL_OK);
    return NULL;
}

static void *pop_all(void *context)
{
    void *packet;
    for (int i = 0; ifl_edge_pop(context, &packet, INT64_MAX) == IFL_OK; i++) {
        if (i % 7 == 0)
            ifl_edge_drop(context, IFL_DROP_DECODE);
        else
            ifl_edge_pass(context);
    }
    return NULL;
}

static void the_law_holds_at_every_moment(void **state)
{
    (void)state;
    struct ifl_edge *edge = make_edge(4, IFL_POLICY_BLOCK);
    pthread_t push[2], pop[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&push[i], NULL, push_many, edge);
        pthread_create(&pop[i], NULL, pop_all, edge);
    }
    struct ifl_edge_counts counts;
    do {
        ifl_edge_count(edge, &counts);
        assert_true(ifl_edge_law_holds(&counts));
    } while (counts.received < 2 * MANY);
    for (int i = 0; i < 2; i++)
        pthread_join(push[i], NULL);
    ifl_edge_close(edge, false);
    for (int i = 0; i < 2; i++)
        pthread_join(pop[i], NULL);
    ifl_edge_count(edge, &counts);
    assert_true(ifl_edge_law_holds(&counts));
    assert_int_equal(counts.waiting + counts.busy, 0);
    assert_int_equal(counts.dropped[IFL_DROP_QUEUE_FULL], 0);
    ifl_edge_destroy(edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_the_oldest),
        cmocka_unit_test(rejects_when_full_and_ends_when_closed),
        cmocka_unit_test(a_broken_count_breaks_the_law),
        cmocka_unit_test(the_law_holds_at_every_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
