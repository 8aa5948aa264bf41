// SPDX-License-Identifier: Apache-2.0
// The plain versions: the truth that the others are tested against.
#include "kernels/patch_match.h"

// Product of two numbers with 15 fractional bits, rounded: what pmulhrsw does.
static int16_t multiply(int a, int b)
{
    return (int16_t)((a * b + 0x4000) >> 15);
}

static uint32_t distance(const int16_t *x, const uint8_t *patch, int stride, int rows)
{
    uint32_t sum = 0;
    for (int y = 0; y < rows; y++)
        for (int i = 0; i < IFL_PATCH_SAMPLES; i++) {
            int difference = x[y * stride + i] - patch[y * stride + i];
            sum += (uint32_t)(difference * difference);
        }
    return sum;
}

void ifl_patch_distances_c(const int16_t *x, const uint8_t *const *patch, int count, int stride,
                           int rows, uint32_t *d2)
{
    for (int i = 0; i < count; i++)
        d2[i] = distance(x, patch[i], stride, rows);
}

void ifl_patch_blend_c(const uint8_t *const *patch, const int16_t *weight, int count,
                       const int16_t *window_x, const int16_t *window_y, int stride, int rows,
                       int16_t *sum)
{
    for (int y = 0; y < rows; y++) {
        int16_t mean[IFL_PATCH_SAMPLES] = {0};
        for (int f = 0; f < count; f++)
            for (int i = 0; i < IFL_PATCH_SAMPLES; i++)
                mean[i] = (int16_t)(mean[i] + multiply(patch[f][y * stride + i] << 7, weight[f]));
        for (int i = 0; i < IFL_PATCH_SAMPLES; i++) {
            int window = multiply(window_x[i], window_y[y]);
            sum[y * stride + i] = (int16_t)(sum[y * stride + i] + multiply(mean[i], window));
        }
    }
}

void ifl_patch_step_c(const int16_t *sum, int16_t keep, int16_t *x, int16_t *rounded, int count)
{
    for (int i = 0; i < count; i++) {
        int target = (sum[i] + 4) >> 3;
        int next = target + multiply(x[i] - target, keep);
        x[i] = (int16_t)next;
        rounded[i] = (int16_t)((next + 8) >> 4);
    }
}
