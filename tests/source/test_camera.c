// SPDX-License-Identifier: Apache-2.0
// Video files, good ones and all kinds of bad ones.
#include "support.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "clips.h"
#include "source/builtin.h"

static char folder[CLIP_PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    clips_make_folder(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_remove_folder(folder);
    return 0;
}

static enum ifl_result open_uri(const char *uri, bool loop, void **self, struct ifl_error *error)
{
    struct ifl_source_config config = {.name = "clip",
                                       .uri = uri,
                                       .loop = loop,
                                       .open_deadline_ns = 5 * IFL_SECOND_NS,
                                       .read_deadline_ns = 5 * IFL_SECOND_NS};
    memset(error, 0, sizeof *error);
    return ifl_source_camera.open(&config, self, error);
}

struct tally {
    int frames, drops;
    enum ifl_result end;
    int width, height; // of the last picture
};

// Reads to the end; checks that numbers and times grow as promised.
static struct tally read_all(const char *uri)
{
    struct ifl_error error;
    void *self;
    struct tally tally = {0};
    check_ok(open_uri(uri, false, &self, &error), error);
    int64_t last_pts = -1;
    for (;;) {
        struct ifl_frame *frame;
        tally.end = ifl_source_camera.read(self, &frame, &error);
        tally.drops += tally.end == IFL_DROPPED;
        if (tally.end == IFL_DROPPED)
            continue;
        if (tally.end != IFL_OK)
            break;
        assert_int_equal(frame->sequence, tally.frames + tally.drops);
        assert_true(frame->pts_ns > last_pts);
        last_pts = frame->pts_ns;
        tally.width = frame->width;
        tally.height = frame->height;
        tally.frames++;
        ifl_frame_unref(frame);
    }
    ifl_source_camera.close(self);
    return tally;
}

// ---- key frames only ----

struct picture {
    int64_t pts_ns;
    uint64_t sum; // of its luma
};

enum { PICTURES_MAX = 256 };

struct reading {
    struct picture picture[PICTURES_MAX];
    int count, skipped, dropped;
    uint64_t last_sequence;
};

// Reads all; wants key frames only from the first picture at or after `from_ns`, and all again from
// the first at or after `to_ns`.
static void read_keys(const char *uri, int64_t from_ns, int64_t to_ns, struct reading *reading)
{
    struct ifl_error error;
    void *self;
    enum ifl_result result;
    *reading = (struct reading){0};
    check_ok(open_uri(uri, false, &self, &error), error);
    for (;;) {
        struct ifl_frame *frame;
        result = ifl_source_camera.read(self, &frame, &error);
        reading->skipped += result == IFL_SKIPPED;
        reading->dropped += result == IFL_DROPPED;
        if (result == IFL_SKIPPED || result == IFL_DROPPED)
            continue;
        if (result != IFL_OK)
            break;
        struct picture *picture = &reading->picture[reading->count++];
        *picture = (struct picture){.pts_ns = frame->pts_ns};
        for (int y = 0; y < frame->height; y++)
            for (int x = 0; x < frame->width; x++)
                picture->sum = picture->sum * 31 + frame->plane[0][y * frame->stride[0] + x];
        reading->last_sequence = frame->sequence;
        if (frame->pts_ns >= from_ns)
            ifl_source_camera.keys_only(self, frame->pts_ns < to_ns);
        ifl_frame_unref(frame);
    }
    assert_int_equal(result, IFL_END);
    ifl_source_camera.close(self);
}

// Each picture is exactly the one that decoding everything gives for that time.
static void check_among(const struct reading *some, const struct reading *all)
{
    for (int i = 0, j = 0; i < some->count; i++, j++) {
        while (j < all->count && all->picture[j].pts_ns != some->picture[i].pts_ns)
            j++;
        assert_true(j < all->count);
        assert_int_equal(some->picture[i].sum, all->picture[j].sum);
    }
}

static void only_key_frames_are_decoded_when_asked(void **state)
{
    (void)state;
    static const char *const codecs[] = {
        "-c:v libx264 -bf 2 -g 10 -sc_threshold 0", "-c:v libx264 -bf 0 -g 5 -sc_threshold 0",
        "-c:v libx265 -x265-params log-level=none:keyint=10:open-gop=1", "-c:v mjpeg"};
    static struct reading all, keys, back;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        char path[CLIP_PATH_MAX], arguments[256];
        snprintf(arguments, sizeof arguments, "-f lavfi -i testsrc2=s=160x120:r=10:d=8 %s",
                 codecs[i]);
        if (!clips_make(folder, "keys.mkv", arguments, path))
            skip();
        read_keys(path, INT64_MAX, INT64_MAX, &all);
        assert_int_equal(all.count, 80);
        assert_int_equal(all.skipped, 0);
        read_keys(path, 0, INT64_MAX, &keys);
        check_among(&keys, &all);
        assert_int_equal(keys.dropped, 0);
        assert_int_equal(keys.count + keys.skipped, 80);
        assert_in_range(keys.count, 8, 25); // what the first second holds, then one a second
        read_keys(path, 0, 3 * IFL_SECOND_NS, &back);
        check_among(&back, &all);
        // The decoder keeps pictures to itself that lead an open group at whose key frame it began.
        assert_in_range(back.count + back.skipped + back.dropped,
                        strstr(codecs[i], "open") ? 76 : 80, 80);
        assert_true(back.count > keys.count + 25);
        assert_true(back.skipped > 10);
        assert_int_equal(back.picture[back.count - 1].pts_ns, all.picture[79].pts_ns);
        assert_int_equal(back.last_sequence, back.count + back.skipped + back.dropped - 1);
    }
}

// Refreshed bit by bit, or with a key frame now and then: all pictures come as before.
static void rare_key_frames_change_nothing(void **state)
{
    (void)state;
    static const char *const codecs[] = {"-c:v libx264 -bf 0 -g 50 -sc_threshold 0",
                                         "-c:v libx264 -bf 0 -g 300 -x264-params intra-refresh=1"};
    static struct reading all, keys;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        char path[CLIP_PATH_MAX], arguments[256];
        snprintf(arguments, sizeof arguments, "-f lavfi -i testsrc2=s=160x120:r=10:d=12 %s",
                 codecs[i]);
        if (!clips_make(folder, "rare.ts", arguments, path))
            skip();
        read_keys(path, INT64_MAX, INT64_MAX, &all);
        read_keys(path, 0, INT64_MAX, &keys);
        check_among(&keys, &all);
        assert_int_equal(keys.count, all.count);
        assert_int_equal(keys.skipped, 0);
    }
}

// Marked as key frames, but they only begin a refresh: noticed, and whole pictures again after it.
static void a_refresh_is_no_key_frame(void **state)
{
    (void)state;
    static struct reading all, keys;
    char path[CLIP_PATH_MAX];
    if (!clips_make(folder, "refresh.ts",
                    "-f lavfi -i testsrc2=s=160x120:r=10:d=12 -c:v libx264 -bf 0 -g 10 "
                    "-x264-params intra-refresh=1",
                    path))
        skip();
    read_keys(path, INT64_MAX, INT64_MAX, &all);
    read_keys(path, 0, INT64_MAX, &keys);
    check_among(&keys, &all);
    assert_true(keys.count > 80);
    assert_int_equal(keys.picture[keys.count - 1].pts_ns, all.picture[119].pts_ns);
}

// They come for a while and then no more: not waited for, and what can't be whole says so.
static void key_frames_may_cease(void **state)
{
    (void)state;
    static struct reading keys;
    char path[CLIP_PATH_MAX];
    if (!clips_make(folder, "cease.ts",
                    "-f lavfi -i testsrc2=s=160x120:r=10:d=30 -c:v libx264 -bf 0 -g 300 "
                    "-sc_threshold 0 -force_key_frames 1,2,3,4",
                    path))
        skip();
    read_keys(path, 0, INT64_MAX, &keys);
    assert_in_range(keys.skipped, 90, 120); // from the second key frame to 8 s after the last
    assert_in_range(keys.dropped, 150, 190);
    assert_int_equal(keys.count + keys.skipped + keys.dropped, 300);
}

static void expect_refusal(const char *uri, enum ifl_result result, const char *word)
{
    struct ifl_error error;
    void *self;
    enum ifl_result got = open_uri(uri, false, &self, &error);
    if (got != result || !strstr(error.text, word))
        fail_msg("%s: %s: \"%s\", wanted %s with \"%s\"", uri, ifl_result_name(got), error.text,
                 ifl_result_name(result), word);
}

static void decodes_the_surveillance_clip(void **state)
{
    (void)state;
    const char *clip = getenv("INFERLOOP_CLIP");
    if (!clip || access(clip, R_OK) != 0) {
        print_message("SKIPPED: INFERLOOP_CLIP names no clip\n");
        skip();
    }
    struct tally tally = read_all(clip);
    assert_int_equal(tally.frames, 795);
    assert_int_equal(tally.drops, 0);
    assert_int_equal(tally.end, IFL_END);
    assert_int_equal(tally.width, 768);
    assert_int_equal(tally.height, 576);
}

static void loops_give_the_same_pictures(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    // B-frames and a transport stream: where seeking back would lose pictures.
    if (!clips_make(folder, "loop.ts",
                    "-f lavfi -i testsrc2=s=160x120:r=10:d=1.2 -c:v libx264 -bf 2 -g 6", path))
        skip();
    struct ifl_error error;
    void *self;
    check_ok(open_uri(path, true, &self, &error), error);
    int sum[12] = {0};
    int64_t last_pts = -1;
    for (int i = 0; i < 36; i++) {
        struct ifl_frame *frame;
        check_ok(ifl_source_camera.read(self, &frame, &error), error);
        assert_int_equal(frame->media_index, i % 12);
        assert_int_equal(frame->loop, i / 12);
        check_near((double)(frame->pts_ns - last_pts), i ? 1e8 : 1, i ? 2e6 : 0);
        last_pts = frame->pts_ns;
        int total = 0;
        for (int y = 0; y < frame->height; y++)
            for (int x = 0; x < frame->width; x++)
                total += frame->plane[0][y * frame->stride[0] + x] * (1 + (x * 7 + y) % 5);
        if (i < 12)
            sum[i] = total;
        assert_int_equal(total, sum[i % 12]);
        ifl_frame_unref(frame);
    }
    ifl_source_camera.close(self);
}

// FFmpeg counts 25 a second, and of a file that is as good as any.
static void a_file_without_timestamps_keeps_its_count(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    if (!clips_make(folder, "bare.mjpeg",
                    "-f lavfi -i testsrc2=s=160x120:r=25:d=0.4 -c:v mjpeg -f mjpeg", path))
        skip();
    struct ifl_error error;
    void *self;
    check_ok(open_uri(path, false, &self, &error), error);
    for (int i = 0; i < 10; i++) {
        struct ifl_frame *frame;
        check_ok(ifl_source_camera.read(self, &frame, &error), error);
        assert_int_equal(frame->pts_ns, i * 40 * IFL_MILLISECOND_NS);
        ifl_frame_unref(frame);
    }
    ifl_source_camera.close(self);
}

static void frames_outlive_the_source(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    if (!clips_make(folder, "few.avi", "-f lavfi -i testsrc2=s=64x48:r=10:d=1 -c:v mpeg4", path))
        skip();
    struct ifl_error error;
    struct ifl_frame *frames[10];
    void *self;
    check_ok(open_uri(path, false, &self, &error), error);
    for (int i = 0; i < 10; i++)
        check_ok(ifl_source_camera.read(self, &frames[i], &error), error);
    ifl_source_camera.close(self);
    unsigned sum = 0;
    for (int i = 0; i < 10; i++) {
        sum += frames[i]->plane[0][47 * frames[i]->stride[0] + 63];
        ifl_frame_unref(frames[i]);
    }
    assert_true(sum > 0);
}

static void probes(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    if (!clips_make(folder, "probe.mp4",
                    "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264",
                    path))
        skip();
    struct ifl_source_config config = {.name = "p", .uri = path};
    struct ifl_source_info info;
    struct ifl_error error;
    check_ok(ifl_source_probe(&ifl_source_camera, &config, &info, &error), error);
    assert_int_equal(info.width, 160);
    assert_int_equal(info.height, 120);
    assert_int_equal(info.frames, 25);
    assert_string_equal(info.codec, "h264");
    assert_string_equal(info.format, "yuv420p");
    check_near(info.rate, 25, 0.01);
    assert_false(info.live);
}

static void truncated_files_give_what_they_have(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        {"cut.avi", "-f lavfi -i testsrc2=s=160x120:r=10:d=3 -c:v mpeg4"},
        {"cut.ts", "-f lavfi -i testsrc2=s=160x120:r=10:d=3 -c:v libx264"},
        {"cut.mkv", "-f lavfi -i testsrc2=s=160x120:r=10:d=3 -c:v libx264"},
        {"cut.mp4", "-f lavfi -i testsrc2=s=160x120:r=10:d=3 -c:v libx264 -movflags +faststart"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[CLIP_PATH_MAX], *bytes;
        size_t count;
        if (!clips_make(folder, kinds[i][0], kinds[i][1], path))
            skip();
        clips_read(path, &bytes, &count);
        clips_write(folder, kinds[i][0], bytes, count * 6 / 10, path);
        free(bytes);
        struct tally tally = read_all(path);
        if (tally.frames < 5 || tally.frames > 29 || tally.end != IFL_END)
            fail_msg("%s: %d frames, %d drops, then %s", path, tally.frames, tally.drops,
                     ifl_result_name(tally.end));
    }
    char path[CLIP_PATH_MAX], *bytes;
    size_t count;
    assert_true(
        clips_make(folder, "end.mp4", "-f lavfi -i testsrc2=s=64x48:d=1 -c:v libx264", path));
    clips_read(path, &bytes, &count); // its index is at the end, which is gone
    clips_write(folder, "end.mp4", bytes, count / 2, path);
    free(bytes);
    expect_refusal(path, IFL_ERR_UNSUPPORTED, "no video FFmpeg can read");
}

// Every 97th byte of the packets is another: errors are counted or concealed, nothing else happens.
static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX], *bytes;
    size_t count;
    if (!clips_make(folder, "bad.ts", "-f lavfi -i testsrc2=s=160x120:r=10:d=3 -c:v libx264", path))
        skip();
    clips_read(path, &bytes, &count);
    for (size_t i = count / 3; i < count; i += 97)
        bytes[i] = (char)(bytes[i] ^ 0x5a);
    clips_write(folder, "bad.ts", bytes, count, path);
    free(bytes);
    struct tally tally = read_all(path);
    assert_int_equal(tally.end, IFL_END);
    assert_in_range(tally.frames, 1, 40);
}

static void sizes_may_change_and_be_odd(void **state)
{
    (void)state;
    char small[CLIP_PATH_MAX], large[CLIP_PATH_MAX], both[CLIP_PATH_MAX], *bytes[2];
    size_t count[2];
    const char *format = "-f lavfi -i testsrc2=s=%s:r=10:d=1 -c:v libx264 -bf 0 -g 5";
    char arguments[2][160];
    snprintf(arguments[0], sizeof arguments[0], format, "160x120");
    snprintf(arguments[1], sizeof arguments[1], format, "322x242");
    if (!clips_make(folder, "a.h264", arguments[0], small) ||
        !clips_make(folder, "b.h264", arguments[1], large))
        skip();
    clips_read(small, &bytes[0], &count[0]);
    clips_read(large, &bytes[1], &count[1]);
    char *joined = malloc(count[0] + count[1]);
    assert_non_null(joined);
    memcpy(joined, bytes[0], count[0]);
    memcpy(joined + count[0], bytes[1], count[1]);
    clips_write(folder, "both.h264", joined, count[0] + count[1], both);
    free(joined);
    free(bytes[0]);
    free(bytes[1]);
    struct tally tally = read_all(both);
    assert_int_equal(tally.frames, 20);
    assert_int_equal(tally.width, 322);
    assert_true(clips_make(folder, "odd.mkv",
                           "-f lavfi -i testsrc=s=161x121:r=10:d=0.5 -pix_fmt yuv420p -c:v ffv1",
                           both));
    tally = read_all(both);
    assert_int_equal(tally.frames, 5);
    assert_int_equal(tally.width, 161);
    assert_int_equal(tally.height, 121);
}

static void refuses_what_is_no_video(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    static const char text[] = "This is a letter, not a film.\nIt has two lines.\n";
    clips_write(folder, "letter.avi", text, sizeof text - 1, path);
    expect_refusal(path, IFL_ERR_UNSUPPORTED, "no video FFmpeg can read");
    clips_write(folder, "empty.avi", "", 0, path);
    expect_refusal(path, IFL_ERR_UNSUPPORTED, "is empty");
    expect_refusal("/nonexistent/clip.avi", IFL_ERR_NOT_FOUND, "/nonexistent/clip.avi");
    expect_refusal(folder, IFL_ERR_UNSUPPORTED, "folder:");
    expect_refusal("/dev/null", IFL_ERR_UNSUPPORTED, "device");
    snprintf(path, sizeof path, "%.200s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(path, IFL_ERR_UNSUPPORTED, "pipe:");
    expect_refusal("webcam:/nonexistent/video9", IFL_ERR_NOT_FOUND, "webcam:/nonexistent/video9");
}

static void refuses_sound_and_bad_sizes(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX];
    if (!clips_make(folder, "sound.wav", "-f lavfi -i sine=d=0.2", path))
        skip();
    expect_refusal(path, IFL_ERR_UNSUPPORTED, "no video in it");
    assert_true(clips_make(folder, "tiny.avi", "-f lavfi -i testsrc2=s=8x8:d=0.2 -c:v ffv1", path));
    expect_refusal(path, IFL_ERR_UNSUPPORTED, "too small");
    assert_true(clips_make(folder, "long.avi",
                           "-f lavfi -i color=s=20000x16:d=0.04 -c:v ffv1 -frames:v 1", path));
    expect_refusal(path, IFL_ERR_TOO_LARGE, "too large");
}

static void refuses_unreadable_files(void **state)
{
    (void)state;
    bool root = geteuid() == 0; // who may read everything
    char path[CLIP_PATH_MAX];
    clips_write(folder, "secret.avi", "x", 1, path);
    assert_int_equal(chmod(path, 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    struct ifl_error error;
    void *self;
    enum ifl_result result = open_uri(path, false, &self, &error);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(result, IFL_ERR_IO);
    assert_non_null(strstr(error.text, "may read it"));
}

// A name with a scheme inside or with a pattern of numbers is still just a name.
static void names_are_not_addresses(void **state)
{
    (void)state;
    char path[CLIP_PATH_MAX], uri[CLIP_PATH_MAX + 8];
    if (!clips_make(folder, "http:%02d?x=1.avi", "-f lavfi -i testsrc2=s=64x48:r=10:d=0.5 -f avi",
                    path))
        skip();
    assert_int_equal(read_all(path).frames, 5);
    snprintf(uri, sizeof uri, "file:%s", path);
    assert_int_equal(read_all(uri).frames, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_the_surveillance_clip),
        cmocka_unit_test(loops_give_the_same_pictures),
        cmocka_unit_test(only_key_frames_are_decoded_when_asked),
        cmocka_unit_test(rare_key_frames_change_nothing),
        cmocka_unit_test(a_refresh_is_no_key_frame),
        cmocka_unit_test(key_frames_may_cease),
        cmocka_unit_test(a_file_without_timestamps_keeps_its_count),
        cmocka_unit_test(frames_outlive_the_source),
        cmocka_unit_test(probes),
        cmocka_unit_test(truncated_files_give_what_they_have),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(sizes_may_change_and_be_odd),
        cmocka_unit_test(refuses_what_is_no_video),
        cmocka_unit_test(refuses_sound_and_bad_sizes),
        cmocka_unit_test(refuses_unreadable_files),
        cmocka_unit_test(names_are_not_addresses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
