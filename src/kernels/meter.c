// SPDX-License-Identifier: Apache-2.0
#include "kernels/meter.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/color.h"
#include "kernels/features_parts.h"

struct ifl_meter {
    struct ifl_workplace at;
    uint8_t planes[3][IFL_PLANE_AREA];
    struct ifl_frame frame;
    uint8_t *luma, *half[2]; // the frame's own
    uint8_t *row[2][2];      // chroma of two rows at full size
};

// One piece of memory for all that depends on the size.
static bool allocate(struct ifl_meter *meter, int width, int height)
{
    size_t luma = (size_t)width * (size_t)height, across = (size_t)(width + 1) / 2;
    size_t half = across * ((size_t)(height + 1) / 2);
    uint8_t *memory = malloc(luma + 2 * half + 4 * (size_t)width);
    if (!memory)
        return false;
    meter->luma = memory;
    for (int c = 0; c < 2; c++) {
        meter->half[c] = memory + luma + (size_t)c * half;
        for (int i = 0; i < 2; i++)
            meter->row[c][i] = memory + luma + 2 * half + (size_t)(2 * c + i) * (size_t)width;
    }
    meter->frame = (struct ifl_frame){
        .width = width,
        .height = height,
        .format = IFL_PIXEL_YUV420P,
        .range = IFL_RANGE_FULL,
        .matrix = IFL_MATRIX_BT601,
        .plane = {meter->luma, meter->half[0], meter->half[1]},
        .stride = {width, (int)across, (int)across},
        .pts_ns = -1,
        .refs = 1,
    };
    return true;
}

struct ifl_meter *ifl_meter_create(int width, int height)
{
    struct ifl_meter *meter = calloc(1, sizeof *meter);
    if (!meter || !allocate(meter, width, height)) {
        free(meter);
        return NULL;
    }
    meter->at.plane.y = meter->planes[0];
    meter->at.plane.cb = meter->planes[1];
    meter->at.plane.cr = meter->planes[2];
    ifl_plane_fit(&meter->at.plane, width, height);
    return meter;
}

void ifl_meter_destroy(struct ifl_meter *meter)
{
    if (!meter)
        return;
    free(meter->luma);
    free(meter);
}

// Means of 2x2 samples, rounded; the last column of an odd width counts twice.
static void halve(const uint8_t *above, const uint8_t *below, uint8_t *out, int width)
{
    int pairs = width / 2;
    for (int x = 0; x < pairs; x++)
        out[x] =
            (uint8_t)((above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1] + 2) / 4);
    if (width % 2)
        out[pairs] = (uint8_t)((above[width - 1] + below[width - 1] + 1) / 2);
}

const struct ifl_frame *ifl_meter_frame(struct ifl_meter *meter, const uint8_t *rgb)
{
    int width = meter->frame.width, height = meter->frame.height;
    for (int y = 0; y < height; y += 2) {
        int rows = y + 1 < height ? 2 : 1;
        for (int i = 0; i < rows; i++)
            ifl_rgb_to_ycc(rgb + (ptrdiff_t)(y + i) * width * 3,
                           meter->luma + (ptrdiff_t)(y + i) * width, meter->row[0][i],
                           meter->row[1][i], width);
        for (int c = 0; c < 2; c++)
            halve(meter->row[c][0], meter->row[c][rows - 1],
                  meter->half[c] + (ptrdiff_t)(y / 2) * meter->frame.stride[1], width);
    }
    return &meter->frame;
}

void ifl_meter_take(struct ifl_meter *meter, const uint8_t *rgb, struct ifl_features *features)
{
    const struct ifl_frame *frame = ifl_meter_frame(meter, rgb);
    ifl_features_luma(&meter->at, frame, features);
    ifl_features_color(&meter->at, frame, features);
}

enum ifl_result ifl_extract_image_statistics(const struct ifl_image *image,
                                             struct ifl_features *features, struct ifl_error *error)
{
    if (!image->rgb || image->width < 1 || image->height < 1 || image->width > IFL_FRAME_SIDE_MAX ||
        image->height > IFL_FRAME_SIDE_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, "profile",
                        "the image is %dx%d; its sides must be 1 to %d", image->width,
                        image->height, IFL_FRAME_SIDE_MAX);
    struct ifl_meter *meter = ifl_meter_create(image->width, image->height);
    if (!meter)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "profile", "no memory to measure an image");
    enum ifl_result result =
        ifl_extract_statistics(ifl_meter_frame(meter, image->rgb), features, error);
    ifl_meter_destroy(meter);
    return result;
}
