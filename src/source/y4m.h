// SPDX-License-Identifier: Apache-2.0
// Headers of YUV4MPEG2 streams. In: one line without its newline. Out: what the pictures are like,
// or a sentence that says what is wrong. Any thread.
#ifndef IFL_SOURCE_Y4M_H
#define IFL_SOURCE_Y4M_H

#include "inferloop/frame.h"

enum { IFL_Y4M_LINE_MAX = 512 };

struct ifl_y4m {
    int width, height;
    double rate; // frames/s; 0: not said
    enum ifl_pixel_format format;
    enum ifl_range range;
    char name[16]; // "420mpeg2"
};

enum ifl_result ifl_y4m_parse(const char *line, struct ifl_y4m *y4m,
                              struct ifl_error *error) IFL_CHECK_RESULT;
// A frame's own line, which is "FRAME" and parameters that don't change the picture's layout.
bool ifl_y4m_is_frame(const char *line);

#endif
