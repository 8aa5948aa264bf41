// SPDX-License-Identifier: Apache-2.0
#include "kernels/foreground.h"

#include <stdlib.h>

#include "kernels/pixels.h"

enum { FRAMES = 32 }; // that thresholds are measured on

// What the plate pixels of one frame differ by from the plate.
struct change {
    uint32_t sum, count;
};

static void add_changes(const uint8_t *frame, const uint8_t *label, const uint8_t *plate,
                        int pixels, uint16_t *far, struct change *change)
{
    ifl_pixel_kernels()->differences(frame, plate, pixels, far);
    for (int p = 0; p < pixels; p++) {
        uint32_t ground = label[p] == 0;
        change[p].sum += far[p] * ground;
        change[p].count += ground;
    }
}

bool ifl_foreground_threshold(const uint8_t *const *frame, const uint8_t *const *label, int frames,
                              const uint8_t *plate, int pixels, uint8_t *threshold)
{
    struct change *change = calloc((size_t)pixels, sizeof *change);
    uint16_t *far = malloc((size_t)pixels * sizeof *far);
    int step = frames > FRAMES ? frames / FRAMES : 1;
    bool ready = change && far;
    for (int t = 0; t < frames && ready; t += step)
        add_changes(frame[t], label[t], plate, pixels, far, change);
    for (int p = 0; p < pixels && ready; p++) {
        uint32_t value = 45 + (change[p].count ? 3 * change[p].sum / change[p].count : 0);
        threshold[p] = (uint8_t)(value < 150 ? value : 150);
    }
    free(change);
    free(far);
    return ready;
}

// A raw foreground pixel stays, and a hole closes, where at least five of the nine around it are;
// there are none beyond the border.
static bool most_around(const uint8_t *raw, int width, int height, int x, int y)
{
    int count = 0;
    for (int v = y - 1; v <= y + 1; v++)
        for (int u = x - 1; u <= x + 1; u++)
            count += v >= 0 && v < height && u >= 0 && u < width && raw[v * width + u];
    return count >= 5;
}

static void smooth(const uint8_t *raw, int width, int height, uint8_t *mask)
{
    for (int y = 0; y < height; y++) {
        bool border = y == 0 || y == height - 1;
        if (!border)
            ifl_pixel_kernels()->majority(raw + y * width, width, width, mask + y * width);
        int step = border || width < 2 ? 1 : width - 1;
        for (int x = 0; x < width; x += step)
            mask[y * width + x] = most_around(raw, width, height, x, y);
    }
}

// Marks one region in `mask` with `mark`, starting from `stack[0]`; returns its size.
static int fill(uint8_t *mask, int width, int height, int start, uint8_t mark, int32_t *stack)
{
    uint8_t from = mask[start];
    int used = 1, size = 0;
    stack[0] = start;
    mask[start] = mark;
    while (used > 0) {
        int at = stack[--used], x = at % width, y = at / width;
        size++;
        for (int dy = -1; dy <= 1; dy++) {
            for (int dx = -1; dx <= 1; dx++) {
                int v = y + dy, u = x + dx, next = v * width + u;
                if (v < 0 || v >= height || u < 0 || u >= width || mask[next] != from)
                    continue;
                mask[next] = mark;
                stack[used++] = next;
            }
        }
    }
    return size;
}

int ifl_foreground_find(const uint8_t *picture, const uint8_t *plate, const uint8_t *threshold,
                        int width, int height, uint8_t *mask, void *scratch)
{
    int32_t *stack = scratch;
    int pixels = width * height;
    uint8_t *raw = (uint8_t *)(stack + pixels);
    uint16_t *far = scratch; // until the stack is needed
    ifl_pixel_kernels()->differences(picture, plate, pixels, far);
    for (int p = 0; p < pixels; p++)
        raw[p] = far[p] > threshold[p];
    smooth(raw, width, height, mask);
    int least = pixels / 2500, total = 0;
    for (int p = 0; p < pixels; p++) {
        if (mask[p] != 1)
            continue;
        int size = fill(mask, width, height, p, 2, stack);
        if (size < least)
            fill(mask, width, height, p, 0, stack);
        else
            total += size;
    }
    for (int p = 0; p < pixels; p++)
        mask[p] = mask[p] == 2;
    return total;
}
