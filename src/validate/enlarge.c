// SPDX-License-Identifier: Apache-2.0
#include "validate/enlarge.h"

#include <math.h>
#include <string.h>

#include "kernels/scale.h"

enum { ROUNDS = 3, TAPS = 4 };

// Catmull-Rom weights of the four samples around a position that is `t` behind the second.
static void weights(float t, float w[TAPS])
{
    w[0] = .5f * (-t + 2 * t * t - t * t * t);
    w[1] = .5f * (2 - 5 * t * t + 3 * t * t * t);
    w[2] = .5f * (t + 4 * t * t - 3 * t * t * t);
    w[3] = .5f * (-t * t + t * t * t);
}

// The samples and weights that make sample `at` of `size` out of `from_size`; edges repeat.
static void taps(int at, int size, int from_size, int index[TAPS], float w[TAPS])
{
    float position = ((float)at + .5f) * (float)from_size / (float)size - .5f;
    float whole = floorf(position);
    weights(position - whole, w);
    for (int i = 0; i < TAPS; i++) {
        int sample = (int)whole - 1 + i;
        index[i] = sample < 0 ? 0 : sample >= from_size ? from_size - 1 : sample;
    }
}

static uint8_t to_byte(float value)
{
    return (uint8_t)(value <= 0 ? 0 : value >= 255 ? 255 : value + .5f);
}

// `row` holds 3 * width floats.
static void enlarge(const uint8_t *from, int width, int height, uint8_t *to, int to_width,
                    int to_height, float *row)
{
    for (int y = 0; y < to_height; y++) {
        int index[TAPS];
        float w[TAPS];
        taps(y, to_height, height, index, w);
        memset(row, 0, sizeof *row * 3 * (size_t)width);
        for (int i = 0; i < TAPS; i++) {
            const uint8_t *line = from + 3 * width * index[i];
            for (int s = 0; s < 3 * width; s++)
                row[s] += w[i] * (float)line[s];
        }
        for (int x = 0; x < to_width; x++) {
            taps(x, to_width, width, index, w);
            for (int c = 0; c < 3; c++)
                *to++ = to_byte(w[0] * row[3 * index[0] + c] + w[1] * row[3 * index[1] + c] +
                                w[2] * row[3 * index[2] + c] + w[3] * row[3 * index[3] + c]);
        }
    }
}

size_t ifl_enlarge_scratch_bytes(int width, int height, int image_width, int image_height)
{
    return sizeof(float) * 3 * (size_t)width + 3 * (size_t)width * (size_t)height +
           3 * (size_t)image_width * (size_t)image_height;
}

void ifl_enlarge_undo(const uint8_t *scaled, int width, int height, int image_width,
                      int image_height, uint8_t *restored, void *scratch)
{
    float *row = scratch;
    uint8_t *again = (uint8_t *)(row + 3 * width), *large = again + 3 * width * height;
    memcpy(restored, scaled, 3 * (size_t)width * (size_t)height);
    for (int round = 0; round < ROUNDS; round++) {
        enlarge(restored, width, height, large, image_width, image_height, row);
        ifl_scale_area(large, image_width, image_height, 3 * image_width, again, width, height,
                       3 * width, 3);
        for (int i = 0; i < 3 * width * height; i++)
            restored[i] = to_byte((float)(restored[i] + scaled[i] - again[i]));
    }
}
