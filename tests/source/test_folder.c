// SPDX-License-Identifier: Apache-2.0
// Folders of images: order, sizes, what is broken or no image at all.
#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#include "clips.h"
#include "source/builtin.h"

static char folder[CLIP_PATH_MAX], uri[CLIP_PATH_MAX + 8];
static bool have_images;

static int set_up(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    clips_make_folder(folder);
    snprintf(uri, sizeof uri, "folder:%s", folder);
    have_images = clips_make(folder, "b.png", "-f lavfi -i testsrc2=s=64x48 -frames:v 1", path) &&
                  clips_make(folder, "a.jpg", "-f lavfi -i testsrc2=s=80x60 -frames:v 1", path) &&
                  clips_make(folder, "d.webp", "-f lavfi -i testsrc2=s=66x50 -frames:v 1", path) &&
                  clips_make(folder, "e.bmp", "-f lavfi -i testsrc2=s=68x52 -frames:v 1", path) &&
                  clips_make(folder, "x%03d:y.png",
                             "-f lavfi -i testsrc2=s=70x54 -frames:v 1 -update 1", path);
    clips_write(folder, "c.jpg", "no image at all", 15, path);
    clips_write(folder, "notes.txt", "left out", 8, path);
    clips_write(folder, ".hidden.png", "left out", 8, path);
    snprintf(path, sizeof path, "%.200s/sub.png", folder);
    return mkdir(path, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    clips_remove_folder(folder);
    return 0;
}

static void *open_folder(bool loop)
{
    struct ifl_source_config config = {.name = "f", .uri = uri, .loop = loop, .rate = 4};
    struct ifl_error error = {0};
    void *self;
    check_ok(ifl_source_folder.open(&config, &self, &error), error);
    return self;
}

static void reads_in_the_order_of_names(void **state)
{
    (void)state;
    static const int widths[] = {80, 64, 0, 66, 68, 70};
    if (!have_images)
        skip();
    void *self = open_folder(true);
    struct ifl_source_info info;
    ifl_source_folder.info(self, &info);
    assert_int_equal(info.frames, 6);
    assert_false(info.live);
    for (uint64_t i = 0; i < 15; i++) {
        struct ifl_frame *frame;
        struct ifl_error error = {0};
        int width = widths[i % 6];
        assert_int_equal(ifl_source_folder.read(self, &frame, &error),
                         width ? IFL_OK : IFL_DROPPED);
        if (!width)
            continue;
        assert_int_equal(frame->width, width);
        assert_int_equal(frame->sequence, i);
        assert_int_equal(frame->media_index, i % 6);
        assert_int_equal(frame->loop, i / 6);
        assert_int_equal(frame->pts_ns, (int64_t)i * 250000000);
        ifl_frame_unref(frame);
    }
    ifl_source_folder.close(self);
}

static void ends_without_loop(void **state)
{
    (void)state;
    if (!have_images)
        skip();
    void *self = open_folder(false);
    struct ifl_frame *frame;
    struct ifl_error error = {0};
    enum ifl_result result;
    int frames = 0;
    while ((result = ifl_source_folder.read(self, &frame, &error)) != IFL_END) {
        if (result == IFL_OK) {
            ifl_frame_unref(frame);
            frames++;
        }
    }
    assert_int_equal(frames, 5);
    ifl_source_folder.close(self);
}

static void refuse(const char *bad, enum ifl_result wanted)
{
    struct ifl_source_config config = {.name = "f", .uri = bad};
    struct ifl_error error = {0};
    void *self;
    assert_int_equal(ifl_source_folder.open(&config, &self, &error), wanted);
    assert_true(strlen(error.text) > 20);
}

static void refuses_other_things(void **state)
{
    (void)state;
    char other[CLIP_PATH_MAX], file[CLIP_PATH_MAX + 24];
    refuse("folder:", IFL_ERR_INVALID);
    refuse("folder:/nonexistent", IFL_ERR_NOT_FOUND);
    snprintf(file, sizeof file, "folder:%s/notes.txt", folder);
    refuse(file, IFL_ERR_IO);
    clips_make_folder(other);
    snprintf(file, sizeof file, "folder:%s", other);
    refuse(file, IFL_ERR_NOT_FOUND);
    clips_write(other, "broken.png", "x", 1, file);
    snprintf(file, sizeof file, "folder:%s", other);
    struct ifl_source_config config = {.name = "f", .uri = file, .loop = true};
    struct ifl_error error = {0};
    struct ifl_frame *frame;
    void *self;
    check_ok(ifl_source_folder.open(&config, &self, &error), error);
    assert_int_equal(ifl_source_folder.read(self, &frame, &error), IFL_DROPPED);
    assert_int_equal(ifl_source_folder.read(self, &frame, &error), IFL_ERR_CORRUPT);
    ifl_source_folder.close(self);
    clips_remove_folder(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_the_order_of_names),
        cmocka_unit_test(ends_without_loop),
        cmocka_unit_test(refuses_other_things),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
