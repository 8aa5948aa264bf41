// SPDX-License-Identifier: Apache-2.0
// Which cameras the kernel knows: /dev/video*, with the names in /sys. A device is only asked what
// it can do, and in what formats, sizes and rates, which disturbs no other program.
#include "source/builtin.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void read_name(int number, char *name, size_t bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/sys/class/video4linux/video%d/name", number);
    name[0] = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(name, (int)bytes, file))
        name[strcspn(name, "\n")] = 0;
    for (char *c = name; *c; c++) // it comes out of the device
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    fclose(file);
}

// Webcams have a second node, for metadata. One that can't be asked counts as a camera, so that
// opening it says why not.
static bool gives_pictures(const char *path)
{
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return true;
    struct v4l2_capability answer = {0};
    bool asked = ioctl(fd, VIDIOC_QUERYCAP, &answer) == 0;
    close(fd);
    unsigned can =
        answer.capabilities & V4L2_CAP_DEVICE_CAPS ? answer.device_caps : answer.capabilities;
    return !asked || (can & (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE));
}

int ifl_source_devices(struct ifl_source_device *devices, int most)
{
    int count = 0;
    for (int number = 0; number < IFL_DEVICES_MAX && count < most; number++) {
        struct ifl_source_device *device = &devices[count];
        snprintf(device->path, sizeof device->path, "/dev/video%d", number);
        if (access(device->path, F_OK) != 0 || !gives_pictures(device->path))
            continue;
        read_name(number, device->name, sizeof device->name);
        count++;
    }
    return count;
}

// ---- modes ----

static const struct {
    uint32_t theirs;
    const char *ours; // FFmpeg's name
} formats[] = {
    {V4L2_PIX_FMT_YUYV, "yuyv422"},   {V4L2_PIX_FMT_UYVY, "uyvy422"},
    {V4L2_PIX_FMT_MJPEG, "mjpeg"},    {V4L2_PIX_FMT_JPEG, "mjpeg"},
    {V4L2_PIX_FMT_H264, "h264"},      {V4L2_PIX_FMT_HEVC, "hevc"},
    {V4L2_PIX_FMT_YUV420, "yuv420p"}, {V4L2_PIX_FMT_NV12, "nv12"},
    {V4L2_PIX_FMT_NV21, "nv21"},      {V4L2_PIX_FMT_YUV422P, "yuv422p"},
    {V4L2_PIX_FMT_GREY, "gray"},      {V4L2_PIX_FMT_RGB24, "rgb24"},
    {V4L2_PIX_FMT_BGR24, "bgr24"},    {V4L2_PIX_FMT_RGB565, "rgb565le"},
};

static void name_format(uint32_t fourcc, struct ifl_source_mode *mode)
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(fourcc >> (8 * i) & 0x7f);
        mode->fourcc[i] = c > 0x20 && c < 0x7f ? c : ' ';
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].theirs == fourcc)
            snprintf(mode->format, sizeof mode->format, "%s", formats[i].ours);
}

static double rate_of(const struct v4l2_fract *interval)
{
    return interval->numerator ? (double)interval->denominator / interval->numerator : 0;
}

static void ask_rates(int fd, uint32_t fourcc, struct ifl_source_mode *mode)
{
    struct v4l2_frmivalenum ask = {
        .pixel_format = fourcc, .width = (uint32_t)mode->width, .height = (uint32_t)mode->height};
    for (; mode->rates < IFL_MODE_RATES_MAX && ioctl(fd, VIDIOC_ENUM_FRAMEINTERVALS, &ask) == 0;
         ask.index++) {
        bool discrete = ask.type == V4L2_FRMIVAL_TYPE_DISCRETE;
        double rate = rate_of(discrete ? &ask.discrete : &ask.stepwise.min); // min: the fastest
        if (rate > 0)
            mode->rate[mode->rates++] = rate;
        if (!discrete)
            return;
    }
}

static int ask_sizes(int fd, uint32_t fourcc, struct ifl_source_mode *modes, int most)
{
    int count = 0;
    struct v4l2_frmsizeenum ask = {.pixel_format = fourcc};
    for (; count < most && ioctl(fd, VIDIOC_ENUM_FRAMESIZES, &ask) == 0; ask.index++) {
        bool discrete = ask.type == V4L2_FRMSIZE_TYPE_DISCRETE;
        struct ifl_source_mode *mode = &modes[count++];
        *mode = (struct ifl_source_mode){
            .width = (int)(discrete ? ask.discrete.width : ask.stepwise.max_width),
            .height = (int)(discrete ? ask.discrete.height : ask.stepwise.max_height)};
        name_format(fourcc, mode);
        ask_rates(fd, fourcc, mode);
        if (!discrete)
            break;
    }
    return count;
}

int ifl_source_modes(const char *path, struct ifl_source_mode *modes, int most)
{
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), count = 0;
    struct v4l2_fmtdesc ask = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
    for (; fd >= 0 && count < most && ioctl(fd, VIDIOC_ENUM_FMT, &ask) == 0; ask.index++)
        count += ask_sizes(fd, ask.pixelformat, modes + count, most - count);
    if (fd >= 0)
        close(fd);
    return count;
}

enum ifl_result ifl_source_no_device(struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_NOT_FOUND, "source",
                    "there is no webcam on this machine (no /dev/video*); plug one in, or give "
                    "another source such as a file or rtsp://...");
}
