// SPDX-License-Identifier: Apache-2.0
// Pools of frames: nothing is allocated twice, nothing is lost, whoever goes first.
#include "support.h"

#include <pthread.h>

#include "core/pool.h"

static void reuses_frames(void **state)
{
    (void)state;
    struct ifl_pool *pool = ifl_pool_create(4);
    struct ifl_pool_counts counts;
    for (int i = 0; i < 1000; i++) {
        struct ifl_frame *a = ifl_pool_get(pool, IFL_PIXEL_YUV420P, 33, 17);
        struct ifl_frame *b = ifl_pool_get(pool, IFL_PIXEL_YUV420P, 33, 17);
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(a->pts_ns, -1);
        assert_int_equal(a->sequence, 0);
        a->sequence = 5;
        ifl_frame_unref(ifl_frame_ref(a));
        ifl_frame_unref(a);
        ifl_frame_unref(b);
    }
    ifl_pool_count(pool, &counts);
    assert_int_equal(counts.allocations, 2);
    assert_int_equal(counts.idle, 2);
    assert_int_equal(counts.out, 0);
    ifl_pool_destroy(pool);
    ifl_pool_destroy(NULL);
}

static void keeps_only_so_many(void **state)
{
    (void)state;
    struct ifl_pool *pool = ifl_pool_create(3);
    struct ifl_frame *frames[10];
    struct ifl_pool_counts counts;
    for (int i = 0; i < 10; i++)
        frames[i] = ifl_pool_get(pool, IFL_PIXEL_GRAY8, 64, 64);
    for (int i = 0; i < 10; i++)
        ifl_frame_unref(frames[i]);
    ifl_pool_count(pool, &counts);
    assert_int_equal(counts.idle, 3);
    struct ifl_frame *other = ifl_pool_get(pool, IFL_PIXEL_GRAY8, 32, 64); // frees those
    ifl_pool_count(pool, &counts);
    assert_int_equal(counts.idle, 0);
    assert_int_equal(other->width, 32);
    ifl_frame_unref(other);
    ifl_pool_destroy(pool);
}

static void refuses_bad_sizes(void **state)
{
    (void)state;
    struct ifl_pool *pool = ifl_pool_create(1);
    assert_null(ifl_pool_get(pool, IFL_PIXEL_YUV420P, 0, 10));
    assert_null(ifl_pool_get(pool, IFL_PIXEL_YUV420P, 10, 1 << 20));
    struct ifl_pool_counts counts;
    ifl_pool_count(pool, &counts);
    assert_int_equal(counts.out, 0);
    ifl_pool_destroy(pool);
}

enum { HANDS = 400 };
static struct ifl_frame *handed[HANDS];

static void *release_all(void *context)
{
    (void)context;
    for (int i = 0; i < HANDS; i++)
        ifl_frame_unref(handed[i]);
    return NULL;
}

// The pool goes first, then frames on two threads.
static void frames_outlive_the_pool(void **state)
{
    (void)state;
    struct ifl_pool *pool = ifl_pool_create(2);
    for (int i = 0; i < HANDS; i++) {
        handed[i] = ifl_frame_ref(ifl_pool_get(pool, IFL_PIXEL_GRAY8, 16, 16));
        ((uint8_t *)(uintptr_t)handed[i]->plane[0])[255] = 7;
    }
    ifl_pool_destroy(pool);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, release_all, NULL), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reuses_frames),
        cmocka_unit_test(keeps_only_so_many),
        cmocka_unit_test(refuses_bad_sizes),
        cmocka_unit_test(frames_outlive_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
