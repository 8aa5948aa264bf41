// SPDX-License-Identifier: Apache-2.0
// Which cameras the kernel knows: /dev/video*, with the names in /sys. Opens no device.
#include "source/builtin.h"

#include <stdio.h>
#include <string.h>
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
    fclose(file);
}

int ifl_source_devices(struct ifl_source_device *devices, int most)
{
    int count = 0;
    for (int number = 0; number < IFL_DEVICES_MAX && count < most; number++) {
        struct ifl_source_device *device = &devices[count];
        snprintf(device->path, sizeof device->path, "/dev/video%d", number);
        if (access(device->path, F_OK) != 0)
            continue;
        read_name(number, device->name, sizeof device->name);
        count++;
    }
    return count;
}
