// SPDX-License-Identifier: Apache-2.0
#include "source/y4m.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/builtin.h"

static const struct row {
    const char *name;
    enum ifl_pixel_format format;
} formats[] = {
    {"420", IFL_PIXEL_YUV420P},      {"420jpeg", IFL_PIXEL_YUV420P},
    {"420mpeg2", IFL_PIXEL_YUV420P}, {"420paldv", IFL_PIXEL_YUV420P},
    {"422", IFL_PIXEL_YUV422P},      {"444", IFL_PIXEL_YUV444P},
    {"mono", IFL_PIXEL_GRAY8},
};

static enum ifl_result parse_format(const char *text, struct ifl_y4m *y4m, struct ifl_error *error)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (!strcmp(formats[i].name, text)) {
            y4m->format = formats[i].format;
            snprintf(y4m->name, sizeof y4m->name, "%s", text);
            return IFL_OK;
        }
    return ifl_fail(
        error, IFL_ERR_UNSUPPORTED, "source",
        "the Y4M format C%.20s is not supported; send 8 bits a sample, e.g. with ffmpeg's "
        "-pix_fmt yuv420p",
        text);
}

// A slower stream has no rate to speak of, and its time stamps would soon not fit.
static const double rate_min = 1e-3;

// Digits only; -1 where it is not a number of at most 9 digits.
static long parse_whole(const char *text, size_t length)
{
    if (length < 1 || length > 9 || strspn(text, "0123456789") < length)
        return -1;
    return strtol(text, NULL, 10);
}

static enum ifl_result parse_rate(const char *text, struct ifl_y4m *y4m, struct ifl_error *error)
{
    size_t length = strcspn(text, ":");
    long count = parse_whole(text, length);
    long seconds = text[length] ? parse_whole(text + length + 1, strlen(text + length + 1)) : -1;
    if (count < 0 || seconds < 0)
        return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                        "the Y4M header has a bad frame rate \"F%.20s\"; it is written as F25:1",
                        text);
    double rate = count > 0 && seconds > 0 ? (double)count / (double)seconds : 0; // F0:0: unknown
    y4m->rate = rate >= rate_min ? rate : 0;
    return IFL_OK;
}

static enum ifl_result parse_token(const char *token, struct ifl_y4m *y4m, struct ifl_error *error)
{
    switch (token[0]) {
    case 'W':
        y4m->width = (int)parse_whole(token + 1, strlen(token + 1));
        return IFL_OK;
    case 'H':
        y4m->height = (int)parse_whole(token + 1, strlen(token + 1));
        return IFL_OK;
    case 'F':
        return parse_rate(token + 1, y4m, error);
    case 'C':
        return parse_format(token + 1, y4m, error);
    case 'X':
        if (!strcmp(token, "XCOLORRANGE=FULL"))
            y4m->range = IFL_RANGE_FULL;
        return IFL_OK;
    case 'I': // interlacing and the shape of pixels do not matter here
    case 'A':
        return IFL_OK;
    default:
        return ifl_fail(error, IFL_ERR_CORRUPT, "source",
                        "the Y4M header has an unknown parameter \"%.20s\"", token);
    }
}

enum ifl_result ifl_y4m_parse(const char *line, struct ifl_y4m *y4m, struct ifl_error *error)
{
    static const char magic[] = "YUV4MPEG2";
    if (strncmp(line, magic, sizeof magic - 1) != 0 ||
        (line[sizeof magic - 1] != ' ' && line[sizeof magic - 1] != 0))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "source",
                        "standard input is not Y4M; send it with ffmpeg's -f yuv4mpegpipe -");
    *y4m = (struct ifl_y4m){.format = IFL_PIXEL_YUV420P, .range = IFL_RANGE_LIMITED, .name = "420"};
    char copy[IFL_Y4M_LINE_MAX], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", line + sizeof magic - 1);
    for (char *token = strtok_r(copy, " ", &rest); token; token = strtok_r(NULL, " ", &rest)) {
        enum ifl_result result = parse_token(token, y4m, error);
        if (result != IFL_OK)
            return result;
    }
    return ifl_source_check_size(y4m->width, y4m->height, error);
}

bool ifl_y4m_is_frame(const char *line)
{
    return !strncmp(line, "FRAME", 5) && (line[5] == 0 || line[5] == ' ');
}
