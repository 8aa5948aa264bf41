// SPDX-License-Identifier: Apache-2.0
// Processes that share a dataset, and processes that are killed while they write it.
#include "made.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "deliver/builtin.h"
#include "deliver/dataset.h"

static struct ifl_error error;

static void *open_sink(const char *path)
{
    void *sink = NULL;
    struct ifl_sink_config config = {.target = path, .quality = 90};
    check_ok(ifl_sink_dataset.open(&config, &sink, &error), error);
    return sink;
}

// Delivers `count` images (0: for ever) with records of changing lengths. Runs in a child.
static int write_images(const char *path, int count)
{
    void *sink = NULL;
    char name[IFL_PATH_MAX];
    struct ifl_synthetic synthetic;
    struct ifl_sink_config config = {.target = path, .quality = 90};
    make_synthetic(&synthetic, 32, 18, (uint64_t)getpid());
    if (ifl_sink_dataset.open(&config, &sink, &error) != IFL_OK)
        return 1;
    for (int i = 0; !count || i < count; i++) {
        synthetic.request.seed++;
        memset(synthetic.request.prompt, 0, sizeof synthetic.request.prompt);
        memset(synthetic.request.prompt, 'p', (size_t)(i * 37 % 1900));
        if (ifl_sink_dataset.deliver(sink, &synthetic, name, &error) != IFL_OK)
            return 2;
    }
    ifl_sink_dataset.close(sink);
    ifl_synthetic_fini(&synthetic);
    return 0;
}

static pid_t start_writer(const char *path, int count)
{
    pid_t child = fork();
    if (child == 0) {
        int failed = write_images(path, count);
        if (failed)
            fprintf(stderr, "writer: %s\n", error.text);
        _exit(failed);
    }
    assert_true(child > 0);
    return child;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Every line is whole, names one image that decodes, and no two have a name. Returns their number.
static int check_whole(const char *path)
{
    static char *names[100000];
    char name[IFL_PATH_MAX], file[IFL_PATH_MAX];
    struct ifl_dataset *dataset;
    struct ifl_image *image;
    json_t *record;
    int count = 0;
    enum ifl_result result;
    check_ok(ifl_dataset_open(path, &dataset, &error), error);
    while ((result = ifl_dataset_next(dataset, name, file, &record, &error)) == IFL_OK) {
        check_ok(ifl_image_decode_file(file, &image, &error), error);
        ifl_image_unref(image);
        assert_true(count < 100000);
        names[count++] = strdup(name);
    }
    if (result != IFL_END)
        fail_msg("%s", error.text);
    ifl_dataset_close(dataset);
    qsort(names, (size_t)count, sizeof names[0], compare_names);
    for (int i = 1; i < count; i++)
        assert_string_not_equal(names[i - 1], names[i]);
    for (int i = 0; i < count; i++)
        free(names[i]);
    return count;
}

static void two_processes_share_a_folder(void **state)
{
    (void)state;
    enum { EACH = 200 };
    char path[64];
    make_folder(path);
    pid_t child[2] = {start_writer(path, EACH), start_writer(path, EACH)};
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(check_whole(path), 2 * EACH);
    check_pages(path); // without the lock a line's place would be worked out from an old size
    assert_int_equal(count_files(path, ".png", false), 2 * EACH);
    drop_folder(path);
}

static void nothing_is_delivered_without_the_lock(void **state)
{
    (void)state;
    char path[64];
    make_folder(path);
    struct ifl_dataset_folder folder;
    check_ok(ifl_dataset_folder_open(&folder, path, &error), error);
    pid_t child = start_writer(path, 1);
    struct timespec pause = {.tv_nsec = 50000000};
    nanosleep(&pause, NULL);
    assert_int_equal(count_files(path, "", false), 0);
    ifl_dataset_folder_close(&folder);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(check_whole(path), 1);
    drop_folder(path);
}

// Waits until the child has delivered something (of two images one has its line), then a random
// moment more.
static void kill_some_time(pid_t child, const char *path, int least, struct ifl_rng *rng)
{
    struct timespec step = {.tv_nsec = 1000000};
    for (int i = 0; i < 5000 && count_files(path, ".png", false) <= least + 1; i++)
        nanosleep(&step, NULL);
    struct timespec pause = {.tv_nsec = ifl_rng_below(rng, 20000000)};
    nanosleep(&pause, NULL);
    int status;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void killed_at_any_moment(void **state)
{
    (void)state;
    char path[64];
    make_folder(path);
    struct ifl_rng rng;
    ifl_rng_init(&rng, 20);
    int images = 0;
    for (int i = 0; i < 20; i++) {
        kill_some_time(start_writer(path, 0), path, count_files(path, ".png", false), &rng);
        int found = check_whole(path); // as the kill left it: every line has its image
        assert_true(found >= images);
        assert_true(count_files(path, ".png", false) <= found + 1);
        ifl_sink_dataset.close(open_sink(path));
        assert_int_equal(check_whole(path), found); // mending takes nothing from it
        assert_int_equal(count_files(path, ".png", false), found);
        assert_int_equal(count_files(path, ".tmp", true), 0);
        images = found;
    }
    assert_true(images >= 20);
    drop_folder(path);
}

// One is killed again and again while the other goes on.
static void a_kill_does_not_disturb_the_other(void **state)
{
    (void)state;
    char path[64];
    make_folder(path);
    struct ifl_rng rng;
    ifl_rng_init(&rng, 21);
    enum { STEADY = 150 };
    pid_t steady = start_writer(path, STEADY);
    for (int i = 0; i < 5; i++)
        kill_some_time(start_writer(path, 0), path, count_files(path, ".png", false), &rng);
    int status;
    assert_int_equal(waitpid(steady, &status, 0), steady);
    assert_int_equal(status, 0);
    assert_true(check_whole(path) >= STEADY);
    ifl_sink_dataset.close(open_sink(path));
    assert_int_equal(count_files(path, ".png", false), check_whole(path));
    drop_folder(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_share_a_folder),
        cmocka_unit_test(nothing_is_delivered_without_the_lock),
        cmocka_unit_test(killed_at_any_moment),
        cmocka_unit_test(a_kill_does_not_disturb_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
