// SPDX-License-Identifier: Apache-2.0
// The dataset folder: what is delivered is there, damage of every kind is mended, nothing that is
// not ours is touched, a full disk leaves no trace.
#include "made.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "deliver/builtin.h"
#include "deliver/dataset.h"
#include "deliver/dataset_folder.h"

static struct ifl_error error;

struct fixture {
    char path[64];
    void *sink;
    struct ifl_synthetic synthetic;
    char name[IFL_PATH_MAX];
};

static enum ifl_result open_sink(struct fixture *fixture)
{
    struct ifl_sink_config config = {.target = fixture->path, .quality = 90};
    return ifl_sink_dataset.open(&config, &fixture->sink, &error);
}

static void reopen(struct fixture *fixture)
{
    ifl_sink_dataset.close(fixture->sink);
    check_ok(open_sink(fixture), error);
}

static enum ifl_result deliver_one(struct fixture *fixture)
{
    fixture->synthetic.request.seed++;
    return ifl_sink_dataset.deliver(fixture->sink, &fixture->synthetic, fixture->name, &error);
}

static void deliver_many(struct fixture *fixture, int count)
{
    for (int i = 0; i < count; i++)
        check_ok(deliver_one(fixture), error);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    make_folder(fixture->path);
    make_synthetic(&fixture->synthetic, 32, 18, 1);
    check_ok(open_sink(fixture), error);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ifl_sink_dataset.close(fixture->sink);
    ifl_sink_dataset.close(NULL);
    ifl_synthetic_fini(&fixture->synthetic);
    drop_folder(fixture->path);
    free(fixture);
    return 0;
}

// Reads all of it: every line is whole, every image decodes. Returns how many there are.
static int read_all(const char *folder)
{
    struct ifl_dataset *dataset;
    check_ok(ifl_dataset_open(folder, &dataset, &error), error);
    char name[IFL_PATH_MAX], path[IFL_PATH_MAX];
    json_t *record;
    int count = 0;
    enum ifl_result result;
    while ((result = ifl_dataset_next(dataset, name, path, &record, &error)) == IFL_OK) {
        struct ifl_image *image;
        check_ok(ifl_image_decode_file(path, &image, &error), error);
        ifl_image_unref(image);
        count++;
    }
    if (result != IFL_END)
        fail_msg("%s", error.text);
    ifl_dataset_close(dataset);
    return count;
}

static void check_clean(const char *folder, int images)
{
    assert_int_equal(read_all(folder), images);
    assert_int_equal(count_files(folder, ".png", false), images);
    assert_int_equal(count_files(folder, ".tmp", true), 0);
}

static void what_is_delivered_is_there(void **state)
{
    struct fixture *fixture = *state;
    check_clean(fixture->path, 0);
    char before[IFL_PATH_MAX];
    deliver_many(fixture, 1);
    strcpy(before, fixture->name);
    assert_true(ifl_dataset_name_is_ours(before));
    deliver_many(fixture, 9);
    assert_true(strcmp(before, fixture->name) < 0);
    check_clean(fixture->path, 10);
    reopen(fixture);
    deliver_many(fixture, 3);
    check_clean(fixture->path, 13);
    assert_true(file_size(fixture->path, "README.md") > 500);
}

static void no_line_crosses_a_page(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 12; i++) {
        memset(fixture->synthetic.request.prompt, 'p', (size_t)i * 160);
        deliver_many(fixture, 1);
    }
    check_pages(fixture->path);
    assert_int_equal(ifl_dataset_padding(4095, 1), 0);
    assert_int_equal(ifl_dataset_padding(4095, 2), 1);
    assert_int_equal(ifl_dataset_padding(8192, 4096), 0);
    assert_int_equal(ifl_dataset_padding(8193, 4096), 4095);
}

static void remove_image(struct fixture *fixture, const char *name)
{
    char path[IFL_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", fixture->path, name);
    assert_int_equal(unlink(path), 0);
}

static void an_image_without_a_line_is_removed(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 3);
    write_text(fixture->path, "20261123T162600.123Z-0badcafe-000001.png", "w", "half");
    write_text(fixture->path, ".20261123T162600.123Z-0badcafe-000002.png.tmp", "w", "ha");
    write_text(fixture->path, ".metadata.jsonl.tmp", "w", "h");
    write_text(fixture->path, ".README.md.tmp", "w", "h");
    reopen(fixture);
    check_clean(fixture->path, 3);
}

static void a_line_without_an_image_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    char first[IFL_PATH_MAX];
    deliver_many(fixture, 1);
    strcpy(first, fixture->name);
    deliver_many(fixture, 6);
    remove_image(fixture, fixture->name); // the last line is cut off
    reopen(fixture);
    check_clean(fixture->path, 6);
    remove_image(fixture, first); // the first one makes a new file
    reopen(fixture);
    check_clean(fixture->path, 5);
    deliver_many(fixture, 1);
    check_clean(fixture->path, 6);
}

static void an_empty_image_counts_as_none(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 2);
    write_text(fixture->path, fixture->name, "w", "");
    reopen(fixture);
    check_clean(fixture->path, 1);
}

static void a_torn_line_is_cut_at_open(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 3);
    static const char *const tails[] = {"{\"file_name\":\"2026", "   ", "{\"a\":1,", "\x01\x02\n"};
    for (int i = 0; i < 4; i++) {
        write_text(fixture->path, "metadata.jsonl", "a", tails[i]);
        reopen(fixture);
        check_clean(fixture->path, 3);
        deliver_many(fixture, 1);
        remove_image(fixture, fixture->name);
        reopen(fixture);
    }
}

static void a_torn_line_is_cut_by_whoever_comes_next(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 2);
    write_text(fixture->path, "metadata.jsonl", "a", "{\"file_name\":\"2026");
    deliver_many(fixture, 2);
    check_clean(fixture->path, 4);
}

static void a_missing_newline_is_added(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 2);
    char path[128];
    snprintf(path, sizeof path, "%s/metadata.jsonl", fixture->path);
    assert_int_equal(truncate(path, file_size(fixture->path, "metadata.jsonl") - 1), 0);
    deliver_many(fixture, 1);
    check_clean(fixture->path, 3);
}

static void damage_in_the_middle_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 4);
    char path[128], zeros[300] = {0};
    snprintf(path, sizeof path, "%s/metadata.jsonl", fixture->path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 300), sizeof zeros);
    close(fd);
    reopen(fixture);
    check_clean(fixture->path, 3);
}

static void without_any_line_there_is_no_metadata(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 1);
    remove_image(fixture, fixture->name);
    reopen(fixture);
    assert_int_equal(file_size(fixture->path, "metadata.jsonl"), -1);
    write_text(fixture->path, "metadata.jsonl", "w", ""); // an empty one would not load
    deliver_many(fixture, 2);
    check_clean(fixture->path, 2);
}

static void a_lost_metadata_file_costs_no_images(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, IFL_DATASET_ORPHANS_MAX + 4);
    remove_image(fixture, "metadata.jsonl");
    reopen(fixture);
    check_clean(fixture->path, 0);
    char aside[128];
    snprintf(aside, sizeof aside, "%s/%s", fixture->path, IFL_DATASET_ORPHANS);
    assert_int_equal(count_files(aside, ".png", false), IFL_DATASET_ORPHANS_MAX + 4);
}

static void files_of_others_are_left_alone(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"holiday.png", "20261123T162600.123Z-0badcafe-000001.txt",
                                        "20261123T162600.123Z-0badcafe-1.png", ".hidden.tmp"};
    for (int i = 0; i < 4; i++)
        write_text(fixture->path, names[i], "w", "mine");
    write_text(fixture->path, "README.md", "w", "mine");
    reopen(fixture);
    deliver_many(fixture, 1);
    for (int i = 0; i < 4; i++)
        assert_int_equal(file_size(fixture->path, names[i]), 4);
    assert_int_equal(file_size(fixture->path, "README.md"), 4);
}

static void refuse(struct fixture *fixture, const char *metadata, enum ifl_result wanted)
{
    write_text(fixture->path, "metadata.jsonl", "w", metadata);
    void *sink;
    struct ifl_sink_config config = {.target = fixture->path, .quality = 90};
    assert_int_equal(ifl_sink_dataset.open(&config, &sink, &error), wanted);
    assert_null(sink);
    assert_int_equal(file_size(fixture->path, "metadata.jsonl"), (long)strlen(metadata));
}

static void a_dataset_of_others_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const char *orphan = "20261123T162600.123Z-0badcafe-000001.png";
    write_text(fixture->path, orphan, "w", "kept");
    refuse(fixture, "{\"file_name\":\"a.png\",\"text\":\"b\"}\n", IFL_ERR_INVALID);
    refuse(fixture, "[1,2]\n", IFL_ERR_INVALID);
    refuse(fixture, "not json at all\n", IFL_ERR_CORRUPT);
    assert_int_equal(file_size(fixture->path, orphan), 4);
}

static void a_deleted_folder_is_made_anew(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 2);
    remove_folder(fixture->path);
    deliver_many(fixture, 2);
    check_clean(fixture->path, 2);
}

static void bad_targets_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char file[128], long_path[IFL_PATH_MAX + 1];
    write_text(fixture->path, "file", "w", "");
    snprintf(file, sizeof file, "%s/file", fixture->path);
    memset(long_path, 'a', sizeof long_path);
    long_path[IFL_PATH_MAX] = 0;
    const struct ifl_sink_config configs[] = {
        {.target = NULL, .quality = 90},      {.target = "", .quality = 90},
        {.target = long_path, .quality = 90}, {.target = file, .quality = 90},
        {.target = "/tmp", .quality = 0},     {.target = "/tmp", .quality = 90, .format = 9},
    };
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        void *sink;
        assert_int_equal(ifl_sink_dataset.open(&configs[i], &sink, &error), IFL_ERR_INVALID);
        assert_null(sink);
    }
    void *sink;
    struct ifl_sink_config config = {.target = "/proc/inferloop", .quality = 90};
    assert_true(ifl_sink_dataset.open(&config, &sink, &error) < 0);
    assert_non_null(strstr(error.text, "/proc/inferloop"));
}

// Root may write anywhere, so another user tries. The parent is opened to that user.
static void a_read_only_folder_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char parent[64];
    deliver_many(fixture, 1);
    strcpy(parent, fixture->path);
    *strrchr(parent, '/') = 0;
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(chmod(fixture->path, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        void *sink;
        struct ifl_sink_config config = {.target = fixture->path, .quality = 90};
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        bool refused = ifl_sink_dataset.open(&config, &sink, &error) == IFL_ERR_IO;
        _exit(refused && error.os_errno == EACCES && strstr(error.text, "cannot write") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(fixture->path, 0755), 0);
    assert_int_equal(status, 0);
}

// Every step of a delivery meets its full disk: a limit on the size of files stands in for it,
// first below an image's size, then between the size of metadata.jsonl and its next line.
static void a_failed_write_leaves_no_trace(void **state)
{
    struct fixture *fixture = *state;
    deliver_many(fixture, 3);
    assert_true(file_size(fixture->path, fixture->name) > 1000);
    long lines = file_size(fixture->path, "metadata.jsonl");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    const long sizes[] = {0, 1000, lines, lines + 1, lines + 600};
    for (int i = 0; i < 5; i++) {
        limit = (struct rlimit){(rlim_t)sizes[i], before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
        enum ifl_result result = deliver_one(fixture);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_true(result < 0);
        assert_int_equal(error.os_errno, EFBIG);
        assert_string_equal(fixture->name, "");
        assert_int_equal(file_size(fixture->path, "metadata.jsonl"), lines);
        check_clean(fixture->path, 3);
    }
    deliver_many(fixture, 1);
    check_clean(fixture->path, 4);
}

// The real thing, where we may mount a small file system.
static void a_full_disk_is_survived(void **state)
{
    struct fixture *fixture = *state;
    char ballast[128];
    if (mount("none", fixture->path, "tmpfs", 0, "size=256k") != 0)
        skip();
    int delivered = 0;
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < 200 && result == IFL_OK; i++)
        delivered += (result = deliver_one(fixture)) == IFL_OK;
    assert_int_equal(result, IFL_ERR_NO_SPACE);
    assert_non_null(strstr(error.text, "No space left"));
    assert_true(delivered > 10);
    check_clean(fixture->path, delivered);
    snprintf(ballast, sizeof ballast, "%s/README.md", fixture->path);
    unlink(ballast); // the card must make way too
    reopen(fixture);
    check_clean(fixture->path, delivered);
    char size[] = "size=1m";
    assert_int_equal(mount("none", fixture->path, "tmpfs", MS_REMOUNT, size), 0);
    deliver_many(fixture, 5);
    check_clean(fixture->path, delivered + 5);
    umount(fixture->path);
}

static void reading_is_robust(void **state)
{
    struct fixture *fixture = *state;
    struct ifl_dataset *dataset;
    assert_int_equal(ifl_dataset_open("/tmp/inferloop-none", &dataset, &error), IFL_ERR_NOT_FOUND);
    assert_null(dataset);
    static char lines[IFL_DATASET_LINE_MAX + 600];
    int used =
        sprintf(lines, "\n  \n{\"file_name\":\"../x.png\"}\n{\"file_name\":\"/etc/passwd\"}\n"
                       "{\"file_name\":\"a/../../x\"}\n{\"file_name\":7}\n{\n[]\n");
    memset(lines + used, '[', IFL_DATASET_LINE_MAX + 9);
    strcpy(lines + used + IFL_DATASET_LINE_MAX + 9, "\n{\"file_name\":\"a/b..c.png\"}");
    write_text(fixture->path, "metadata.jsonl", "w", lines);
    check_ok(ifl_dataset_open(fixture->path, &dataset, &error), error);
    char name[IFL_PATH_MAX], path[IFL_PATH_MAX];
    json_t *record;
    for (int i = 0; i < 7; i++)
        assert_int_equal(ifl_dataset_next(dataset, name, path, &record, &error), IFL_ERR_CORRUPT);
    check_ok(ifl_dataset_next(dataset, name, path, &record, &error), error);
    assert_string_equal(name, "a/b..c.png");
    assert_non_null(record);
    assert_int_equal(ifl_dataset_next(dataset, name, path, &record, &error), IFL_END);
    assert_int_equal(ifl_dataset_next(dataset, name, path, &record, &error), IFL_END);
    ifl_dataset_close(dataset);
    ifl_dataset_close(NULL);
}

static void a_plain_folder_of_images_can_be_read(void **state)
{
    struct fixture *fixture = *state;
    write_text(fixture->path, "b.PNG", "w", "x");
    write_text(fixture->path, "a.jpeg", "w", "x");
    write_text(fixture->path, ".c.png", "w", "x");
    write_text(fixture->path, "d.txt", "w", "x");
    struct ifl_dataset *dataset;
    char name[IFL_PATH_MAX], path[IFL_PATH_MAX];
    json_t *record;
    check_ok(ifl_dataset_open(fixture->path, &dataset, &error), error);
    check_ok(ifl_dataset_next(dataset, name, path, &record, &error), error);
    assert_string_equal(name, "a.jpeg");
    assert_null(record);
    check_ok(ifl_dataset_next(dataset, name, path, &record, &error), error);
    assert_string_equal(name, "b.PNG");
    assert_int_equal(ifl_dataset_next(dataset, name, path, &record, &error), IFL_END);
    ifl_dataset_close(dataset);
}

static void every_format_is_delivered(void **state)
{
    struct fixture *fixture = *state;
    for (int format = IFL_IMAGE_PNG; format <= IFL_IMAGE_WEBP; format++) {
        struct ifl_sink_config config = {
            .target = fixture->path, .quality = 90, .format = (enum ifl_image_format)format};
        ifl_sink_dataset.close(fixture->sink);
        check_ok(ifl_sink_dataset.open(&config, &fixture->sink, &error), error);
        deliver_many(fixture, 2);
    }
    assert_int_equal(read_all(fixture->path), 6);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_delivered_is_there),
        TEST(no_line_crosses_a_page),
        TEST(an_image_without_a_line_is_removed),
        TEST(a_line_without_an_image_is_dropped),
        TEST(an_empty_image_counts_as_none),
        TEST(a_torn_line_is_cut_at_open),
        TEST(a_torn_line_is_cut_by_whoever_comes_next),
        TEST(a_missing_newline_is_added),
        TEST(damage_in_the_middle_is_dropped),
        TEST(without_any_line_there_is_no_metadata),
        TEST(a_lost_metadata_file_costs_no_images),
        TEST(files_of_others_are_left_alone),
        TEST(a_dataset_of_others_is_refused),
        TEST(a_deleted_folder_is_made_anew),
        TEST(bad_targets_are_refused),
        TEST(a_read_only_folder_is_refused),
        TEST(a_failed_write_leaves_no_trace),
        TEST(a_full_disk_is_survived),
        TEST(reading_is_robust),
        TEST(a_plain_folder_of_images_can_be_read),
        TEST(every_format_is_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
