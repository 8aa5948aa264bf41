// SPDX-License-Identifier: Apache-2.0
// Which cameras the kernel knows: /dev/video*, with the names in /sys. A device is only asked what
// it can do, which disturbs no other program.
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

enum ifl_result ifl_source_no_device(struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_NOT_FOUND, "source",
                    "there is no webcam on this machine (no /dev/video*); plug one in, or give "
                    "another source such as a file or rtsp://...");
}
