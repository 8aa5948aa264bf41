// SPDX-License-Identifier: Apache-2.0
// The test pattern: the same every time, and its truth is what the pixels show.
#include "support.h"

#include "source/builtin.h"
#include "source/pattern.h"

static struct ifl_pattern_config config;
static struct ifl_pattern_scene *scene;
static struct ifl_frame *full, *empty;

static int set_up(void **state)
{
    (void)state;
    struct ifl_error error;
    ifl_pattern_config_init(&config);
    config.width = 321;
    config.height = 183;
    config.seed = 7;
    check_ok(ifl_pattern_create(&config, &scene, &error), error);
    full = ifl_frame_create(IFL_PIXEL_YUV420P, config.width, config.height);
    empty = ifl_frame_create(IFL_PIXEL_YUV420P, config.width, config.height);
    return !full || !empty;
}

static int tear_down(void **state)
{
    (void)state;
    ifl_frame_unref(full);
    ifl_frame_unref(empty);
    ifl_pattern_destroy(scene);
    return 0;
}

static bool same_picture(const struct ifl_frame *a, const struct ifl_frame *b)
{
    for (int i = 0; i < 3; i++) {
        int width, height;
        ifl_plane_size(IFL_PIXEL_YUV420P, a->width, a->height, i, &width, &height);
        for (int y = 0; y < height; y++)
            if (memcmp(a->plane[i] + y * a->stride[i], b->plane[i] + y * b->stride[i],
                       (size_t)width))
                return false;
    }
    return true;
}

static void is_the_same_whatever_came_before(void **state)
{
    (void)state;
    struct ifl_error error;
    struct ifl_pattern_scene *fresh;
    check_ok(ifl_pattern_create(&config, &fresh, &error), error);
    static const uint64_t indices[] = {0, 1, 500, 123456789};
    for (int i = 0; i < 4; i++) {
        ifl_pattern_draw(scene, indices[i], full);
        ifl_pattern_draw(fresh, indices[3 - i], empty);
        ifl_pattern_draw(fresh, indices[i], empty);
        assert_true(same_picture(full, empty));
    }
    ifl_pattern_draw(fresh, 501, empty);
    assert_false(same_picture(full, empty));
    ifl_pattern_destroy(fresh);
    struct ifl_pattern_config other = config;
    other.seed++;
    check_ok(ifl_pattern_create(&other, &fresh, &error), error);
    ifl_pattern_draw(fresh, 123456789, empty);
    assert_false(same_picture(full, empty));
    ifl_pattern_destroy(fresh);
}

static bool differs(int x, int y)
{
    return full->plane[0][y * full->stride[0] + x] != empty->plane[0][y * empty->stride[0] + x];
}

// Shadows fall beside the box, by parts of its size.
static bool near_box(const struct ifl_pattern_object *box, int x, int y)
{
    int side = box->width * 6 / 10 + 4, below = box->height / 10 + 4;
    return x >= box->x - side && x < box->x + box->width + side && y >= box->y - 1 &&
           y < box->y + box->height + below;
}

static bool overlaps_another(const struct ifl_pattern_object *objects, int count, int index)
{
    const struct ifl_pattern_object *a = &objects[index];
    for (int i = 0; i < count; i++) {
        const struct ifl_pattern_object *b = &objects[i];
        if (i != index && a->x < b->x + b->width * 2 && b->x < a->x + a->width * 2)
            return true;
    }
    return false;
}

static void check_alone(const struct ifl_pattern_object *box)
{
    int changed = 0, left = config.width, right = 0, top = config.height;
    for (int y = box->y; y < box->y + box->height; y++)
        for (int x = box->x; x < box->x + box->width; x++)
            if (differs(x, y)) {
                changed++;
                left = x < left ? x : left;
                right = x > right ? x : right;
                top = y < top ? y : top;
            }
    assert_true(changed > box->width * box->height * 3 / 10);
    assert_true(right - left >= box->width * 6 / 10);
    assert_true(top - box->y <= box->height / 10 + 1);
}

static void truth_is_where_pixels_change(void **state)
{
    (void)state;
    int alone = 0;
    for (uint64_t index = 0; index < 600; index += 12) {
        struct ifl_pattern_object objects[IFL_PATTERN_OBJECTS_MAX];
        int count = ifl_pattern_truth(&config, index, objects);
        assert_in_range(count, 0, config.objects);
        ifl_pattern_draw(scene, index, full);
        ifl_pattern_draw_empty(scene, index, empty);
        for (int y = 0; y < config.height; y++)
            for (int x = 0; x < config.width; x++) {
                // At the sides the shadow of somebody outside may fall in.
                bool near =
                    x < config.height * 3 / 10 || x >= config.width - config.height * 3 / 10;
                for (int i = 0; i < count; i++)
                    near |= near_box(&objects[i], x, y);
                if (!near && differs(x, y))
                    fail_msg("frame %d: nobody is at %d, %d", (int)index, x, y);
            }
        for (int i = 0; i < count; i++)
            if (!objects[i].cut && !overlaps_another(objects, count, i)) {
                check_alone(&objects[i]);
                alone++;
            }
    }
    assert_true(alone > 20);
}

static void objects_walk_and_stand(void **state)
{
    (void)state;
    int standing = 0, walking = 0, cut = 0;
    struct ifl_pattern_object last[IFL_PATTERN_OBJECTS_MAX], now[IFL_PATTERN_OBJECTS_MAX];
    int before = 0;
    for (uint64_t index = 0; index < 2000; index++) {
        int count = ifl_pattern_truth(&config, index, now);
        for (int i = 0; i < count; i++) {
            assert_in_range(now[i].x, 0, config.width - 1);
            assert_in_range(now[i].x + now[i].width, 1, config.width);
            assert_in_range(now[i].y + now[i].height, 1, config.height);
            for (int j = 0; j < before; j++) {
                if (last[j].id != now[i].id)
                    continue;
                assert_int_equal(last[j].identity, now[i].identity);
                assert_in_range(abs(last[j].x - now[i].x), 0, config.width / 25);
                if (now[i].standing && last[j].standing)
                    assert_int_equal(last[j].x, now[i].x);
            }
            standing += now[i].standing;
            walking += !now[i].standing;
            cut += now[i].cut;
        }
        memcpy(last, now, sizeof last);
        before = count;
    }
    assert_true(standing > 200 && walking > 2000 && cut > 50);
}

static void many_come_and_come_back(void **state)
{
    (void)state;
    bool seen[IFL_PATTERN_IDENTITIES_MAX + 1] = {false};
    uint32_t visit[IFL_PATTERN_IDENTITIES_MAX + 1] = {0};
    int identities = 0, returns = 0;
    for (uint64_t index = 0; index < 3000; index++) { // 5 minutes
        struct ifl_pattern_object objects[IFL_PATTERN_OBJECTS_MAX];
        int count = ifl_pattern_truth(&config, index, objects);
        for (int i = 0; i < count; i++) {
            uint32_t who = objects[i].identity;
            assert_in_range(who, 1, config.identities);
            for (int j = 0; j < i; j++)
                assert_int_not_equal(objects[j].identity, who);
            returns += seen[who] && visit[who] != objects[i].id;
            identities += !seen[who];
            seen[who] = true;
            visit[who] = objects[i].id;
        }
    }
    assert_true(identities >= 30);
    assert_true(returns >= 10);
}

static void parses_and_refuses(void **state)
{
    (void)state;
    struct ifl_pattern_config parsed;
    struct ifl_error error;
    ifl_pattern_config_init(&parsed);
    check_ok(ifl_pattern_parse("pattern:size=100x50,rate=2.5,objects=3,identities=9,frames=12,"
                               "light=0,noise=0,seed=5",
                               &parsed, &error),
             error);
    assert_int_equal(parsed.width, 100);
    assert_int_equal(parsed.height, 50);
    assert_int_equal(parsed.frames, 12);
    assert_int_equal(parsed.seed, 5);
    check_near(parsed.rate, 2.5, 0);
    check_ok(ifl_pattern_parse("pattern", &parsed, &error), error);
    check_ok(ifl_pattern_parse("pattern:", &parsed, &error), error);
    static const char *const bad[] = {
        "pattern:size=0x0",
        "pattern:size=100000x100",
        "pattern:size=640",
        "pattern:size=64x64x",
        "pattern:size=-64x64",
        "pattern:rate=nan",
        "pattern:rate=0",
        "pattern:rate=-1",
        "pattern:rate=inf",
        "pattern:objects=1e9",
        "pattern:objects=1.5",
        "pattern:objects=",
        "pattern:color=red",
        "pattern:rate",
        "pattern:,",
        "pattern:noise=1000",
        "pattern:seed=x",
        "pattern:rate=1 ",
        "pattern:rate=1.000000000000000000000000000000x",
        "pattern:size=64x00000000000000000000000000064x",
        "pattern:size=16384x16384",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        memset(&error, 0, sizeof error);
        assert_true(ifl_pattern_parse(bad[i], &parsed, &error) < 0);
        assert_true(strlen(error.text) > 20);
    }
}

static void *open_pattern(const char *uri, bool loop)
{
    struct ifl_source_config source = {.name = "p", .uri = uri, .loop = loop};
    struct ifl_error error;
    void *self;
    check_ok(ifl_source_pattern.open(&source, &self, &error), error);
    return self;
}

static void the_source_ends_or_loops(void **state)
{
    (void)state;
    struct ifl_frame *frame;
    struct ifl_error error;
    void *self = open_pattern("pattern:size=64x48,frames=3,rate=10", false);
    for (int i = 0; i < 3; i++) {
        check_ok(ifl_source_pattern.read(self, &frame, &error), error);
        ifl_frame_unref(frame);
    }
    assert_int_equal(ifl_source_pattern.read(self, &frame, &error), IFL_END);
    ifl_source_pattern.close(self);
    self = open_pattern("pattern:size=64x48,frames=3,rate=10", true);
    for (uint64_t i = 0; i < 7; i++) {
        check_ok(ifl_source_pattern.read(self, &frame, &error), error);
        assert_int_equal(frame->sequence, i);
        assert_int_equal(frame->media_index, i % 3);
        assert_int_equal(frame->loop, i / 3);
        assert_int_equal(frame->pts_ns, (int64_t)i * 100000000);
        assert_string_equal(frame->source, "p");
        ifl_frame_unref(frame);
    }
    ifl_source_pattern.close(self);
    ifl_source_pattern.close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_same_whatever_came_before),
        cmocka_unit_test(truth_is_where_pixels_change),
        cmocka_unit_test(objects_walk_and_stand),
        cmocka_unit_test(many_come_and_come_back),
        cmocka_unit_test(parses_and_refuses),
        cmocka_unit_test(the_source_ends_or_loops),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
