// SPDX-License-Identifier: Apache-2.0
// From a clip with known colours to canonical frames: whatever range, matrix and format the clip is
// stored in, the colours come out.
#include "../source/clips.h"
#include "support.h"

#include "ingest/canonical.h"
#include "kernels/color.h"
#include "source/builtin.h"

enum { RED = 200, GREEN = 50, BLUE = 100 };

static const struct clip {
    const char *name, *arguments; // between the colour's input and the path
    int tolerance;
    bool grey;
} clips[] = {
    {"709-limited.mkv",
     "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -colorspace bt709 -color_range "
     "tv "
     "-c:v ffv1",
     4, false},
    {"709-full.mkv",
     "-vf scale=out_color_matrix=bt709:out_range=pc,format=yuv444p -colorspace bt709 -color_range "
     "pc "
     "-c:v ffv1",
     4, false},
    {"601-limited.mkv",
     "-vf scale=out_color_matrix=bt601:out_range=tv,format=yuv422p -colorspace smpte170m "
     "-color_range tv -c:v ffv1",
     4, false},
    {"2020-10bit.mkv",
     "-vf scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le -colorspace bt2020nc "
     "-color_range tv -c:v ffv1",
     4, false},
    {"unspecified-sd.avi", "-vf scale=out_color_matrix=bt601:out_range=tv,format=yuv420p -c:v ffv1",
     4, false},
    {"unspecified-hd.avi",
     "-vf scale=1280:720:out_color_matrix=bt709:out_range=tv,format=yuv420p -c:v ffv1", 4, false},
    {"h264.mp4",
     "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -colorspace bt709 -color_range "
     "tv "
     "-c:v libx264 -crf 4",
     5, false},
    {"mjpeg.avi", "-vf scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p -c:v mjpeg -q:v 1",
     6, false},
    {"rgb.mkv", "-vf format=bgr0 -c:v ffv1", 4, false},
    {"palette.gif", "-vf \"split[a][b];[a]palettegen[p];[b][p]paletteuse\"", 4, false},
    {"picture.png", "-frames:v 1", 4, false},
    {"picture.webp", "-frames:v 1 -quality 100", 6, false},
    {"nv12.nut", "-vf scale=out_color_matrix=bt601:out_range=tv,format=nv12 -c:v rawvideo", 4,
     false},
    {"yuyv.nut", "-vf scale=out_color_matrix=bt601:out_range=tv,format=yuyv422 -c:v rawvideo", 4,
     false},
    {"grey.png", "-vf format=gray -frames:v 1", 4, true},
};

static void check_colors(const char *path, const struct clip *clip)
{
    struct ifl_source_config config = {.name = "c", .uri = path};
    struct ifl_canonical_config plain = {0};
    struct ifl_canonical *canonical;
    struct ifl_frame *raw, *frame;
    struct ifl_error error;
    void *self;
    check_ok(ifl_source_camera.open(&config, &self, &error), error);
    check_ok(ifl_source_camera.read(self, &raw, &error), error);
    check_ok(ifl_canonical_create(&plain, &canonical, &error), error);
    check_ok(ifl_canonical_make(canonical, raw, &frame, &error), error);
    uint8_t rgb[3];
    int x = frame->width / 2, y = frame->height / 2;
    ifl_ycc_to_rgb(frame->plane[0] + y * frame->stride[0] + x,
                   frame->plane[1] + y / 2 * frame->stride[1] + x / 2,
                   frame->plane[2] + y / 2 * frame->stride[2] + x / 2, rgb, 1);
    static const int wanted[2][3] = {{RED, GREEN, BLUE}, {100, 100, 100}}; // luma by BT.601: 100.4
    for (int i = 0; i < 3; i++)
        if (abs(rgb[i] - wanted[clip->grey][i]) > clip->tolerance)
            fail_msg("%s: %d %d %d", clip->name, rgb[0], rgb[1], rgb[2]);
    ifl_frame_unref(frame);
    ifl_canonical_destroy(canonical);
    ifl_frame_unref(raw);
    ifl_source_camera.close(self);
}

static void colors_come_through(void **state)
{
    (void)state;
    char folder[CLIP_PATH_MAX];
    clips_make_folder(folder);
    bool made = true;
    for (size_t i = 0; i < sizeof clips / sizeof clips[0] && made; i++) {
        char path[CLIP_PATH_MAX], arguments[512];
        snprintf(arguments, sizeof arguments,
                 "-f lavfi -i color=c=0xC83264:s=64x48:r=5:d=0.4,format=rgb24 %s",
                 clips[i].arguments);
        made = clips_make(folder, clips[i].name, arguments, path);
        if (made)
            check_colors(path, &clips[i]);
    }
    clips_remove_folder(folder);
    if (!made)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(colors_come_through)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
