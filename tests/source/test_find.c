// SPDX-License-Identifier: Apache-2.0
// Which source takes which URI, and what of a URI may be shown.
#include "support.h"

#include "source/builtin.h"

static const struct ifl_plugin other_kind = {IFL_PLUGIN_ABI, sizeof other_kind, IFL_PLUGIN_SINK,
                                             "camera", ""};
static const struct ifl_plugin *const plugins[] = {
    &other_kind,           &ifl_source_camera.head,  &ifl_source_folder.head,
    &ifl_source_pipe.head, &ifl_source_pattern.head, NULL};

static void finds_by_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *name;
    } rows[] = {
        {"clip.avi", "camera"},
        {"/a/b c.mp4", "camera"},
        {"file:/a.mp4", "camera"},
        {"rtsp://h/x", "camera"},
        {"RTSP://h/x", "camera"},
        {"rtsps://h", "camera"},
        {"srt://h:1", "camera"},
        {"udp://h:1", "camera"},
        {"https://h/x.m3u8", "camera"},
        {"webcam", "camera"},
        {"webcam:/dev/video2", "camera"},
        {"folder:/x", "folder"},
        {"pipe:", "pipe"},
        {"-", "pipe"},
        {"pattern", "pattern"},
        {"pattern:rate=5", "pattern"},
        {"./pattern", "camera"},
        {"a:b.mp4", "camera"},
        {"patterns", "camera"},
        {"foo://host", NULL},
        {"", NULL},
        {"file", "camera"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct ifl_source_plugin *found = ifl_source_find(plugins, rows[i].uri);
        if (!rows[i].name != !found || (found && strcmp(found->head.name, rows[i].name) != 0))
            fail_msg("\"%s\" goes to %s", rows[i].uri, found ? found->head.name : "nobody");
    }
    static const struct ifl_plugin *const none[] = {NULL};
    assert_null(ifl_source_find(none, "clip.avi"));
}

static void shows_no_secret(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *shown;
    } rows[] = {
        {"rtsp://user:secret@cam/1", "rtsp://cam/1"},
        {"rtsp://user:se@cr/et@cam:554/1", "rtsp://cam:554/1"},
        {"rtsp://user:se@cr/e?t@cam:554/1", "rtsp://***"},
        {"http://cam/x?user=joe@example.com&password=secret", "http://***"},
        {"rtsp://cam/1", "rtsp://cam/1"},
        {"srt://h:9?mode=caller&passphrase=secret", "srt://h:9?mode=***&passphrase=***"},
        {"http://h/x?secret", "http://h/x?***"},
        {"http://h/x?k=secret#secret", "http://h/x?k=***"},
        {"http://h/x?a=b=secret&c", "http://h/x?a=***&***"},
        {"http:user:secret@h/", "http:h/"},
        {"/home/a@b?c=d.mp4", "/home/a@b?c=d.mp4"},
        {"folder:/a@b", "folder:/a@b"},
        {"http://h/\n\x1b[2Jx", "http://h/??[2Jx"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char shown[128];
        ifl_uri_redact(rows[i].uri, shown, sizeof shown);
        assert_string_equal(shown, rows[i].shown);
    }
    char small[8];
    ifl_uri_redact("rtsp://user:secret@camera/1", small, sizeof small);
    assert_string_equal(small, "rtsp://");
    ifl_uri_redact("rtsp://camera", small, 0);
    assert_string_equal(small, "rtsp://");
}

static void knows_what_is_live(void **state)
{
    (void)state;
    assert_true(ifl_source_camera.live("rtsp://h"));
    assert_true(ifl_source_camera.live("webcam"));
    assert_false(ifl_source_camera.live("clip.avi"));
    assert_false(ifl_source_camera.live("file:clip.avi"));
    assert_false(ifl_source_camera.live("rtsp")); // a file of that name
}

static void lists_devices(void **state)
{
    (void)state;
    struct ifl_source_device devices[IFL_DEVICES_MAX];
    int count = ifl_source_devices(devices, IFL_DEVICES_MAX);
    assert_in_range(count, 0, IFL_DEVICES_MAX);
    for (int i = 0; i < count; i++)
        assert_int_equal(strncmp(devices[i].path, "/dev/video", 10), 0);
    assert_int_equal(ifl_source_devices(devices, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_scheme),
        cmocka_unit_test(shows_no_secret),
        cmocka_unit_test(knows_what_is_live),
        cmocka_unit_test(lists_devices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
