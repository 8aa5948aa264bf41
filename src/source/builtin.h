// SPDX-License-Identifier: Apache-2.0
// The built-in sources. In: a URI. Out: frames in the source's own format, on the thread that
// reads. Their limits: pictures of IFL_FRAME_SIDE_MIN to IFL_FRAME_SIDE_MAX pixels a side and at
// most IFL_SOURCE_PIXELS_MAX in all; waiting never exceeds the deadlines of the configuration, but
// for what the kernel does with files and webcams, and for FFmpeg's own second look-up of a name
// that had an address a moment before (source/resolve.h does the first).
#ifndef IFL_SOURCE_BUILTIN_H
#define IFL_SOURCE_BUILTIN_H

#include "inferloop/source.h"

enum { IFL_SOURCE_PIXELS_MAX = 1 << 26 };

extern const struct ifl_source_plugin ifl_source_camera;  // files, networks, webcams
extern const struct ifl_source_plugin ifl_source_folder;  // folder:PATH
extern const struct ifl_source_plugin ifl_source_pipe;    // pipe: (Y4M on standard input)
extern const struct ifl_source_plugin ifl_source_pattern; // pattern:key=value,...

// Opens the source, reads until it gives one picture (at most `config`'s read deadline), closes it.
enum ifl_result ifl_source_probe(const struct ifl_source_plugin *plugin,
                                 const struct ifl_source_config *config,
                                 struct ifl_source_info *info,
                                 struct ifl_error *error) IFL_CHECK_RESULT;

// IFL_OK when a source may deliver pictures of this size, else says why not.
enum ifl_result ifl_source_check_size(int64_t width, int64_t height,
                                      struct ifl_error *error) IFL_CHECK_RESULT;

enum { IFL_DEVICES_MAX = 64 };
struct ifl_source_device {
    char path[32]; // "/dev/video0"
    char name[64]; // what the driver calls it, or ""
};
// Cameras of this machine, by number; returns how many it filled in. Nodes of which the driver says
// that they give no pictures are left out.
int ifl_source_devices(struct ifl_source_device *devices, int most);

// What a webcam can send: one row a format and size. `format`: as "?format=" of its URI takes it;
// "" where FFmpeg knows none of that name.
enum { IFL_MODES_MAX = 128, IFL_MODE_RATES_MAX = 16 };
struct ifl_source_mode {
    char format[16];
    char fourcc[5];    // what the driver calls it
    int width, height; // of a range of sizes: the largest
    int rates;
    double rate[IFL_MODE_RATES_MAX]; // frames/s, as the driver lists them
};
int ifl_source_modes(const char *path, struct ifl_source_mode *modes, int most);
// IFL_ERR_NOT_FOUND, and the sentence of a machine without one.
enum ifl_result ifl_source_no_device(struct ifl_error *error);

#endif
