// SPDX-License-Identifier: Apache-2.0
#include "profile/signature.h"

#include <math.h>
#include <string.h>

#include "kernels/pixels.h"

enum { CHANNELS = 3, BINS = IFL_SIGNATURE_BINS / CHANNELS };

// Shares a value between the two bins whose centres it lies between.
static void put(float *bins, float position)
{
    position -= 0.5f;
    position = position > 0 ? position : 0;
    position = position < BINS - 1.001f ? position : BINS - 1.001f;
    int low = (int)position;
    float high_share = position - (float)low;
    bins[low] += 1 - high_share;
    bins[low + 1] += high_share;
}

static void put_pixel(float *bins, const uint8_t *rgb)
{
    float r = rgb[0], g = rgb[1], b = rgb[2];
    float y = 0.299f * r + 0.587f * g + 0.114f * b;
    float cb = 0.564f * (b - y), cr = 0.713f * (r - y);
    put(bins, y * BINS / 256);
    // Clothes have weak chroma: +-48 levels fill the scale.
    put(bins + BINS, (cb + 48) * BINS / 96);
    put(bins + 2 * BINS, (cr + 48) * BINS / 96);
}

static void normalise(float *bins)
{
    float sum = 0;
    for (int i = 0; i < BINS; i++)
        sum += bins[i];
    for (int i = 0; i < BINS; i++)
        bins[i] = sum > 0 ? bins[i] / sum : 1.0f / BINS;
}

void ifl_signature_take(struct ifl_signature *signature, const uint8_t *rgb, const uint8_t *label,
                        int width, const struct ifl_component *component, int index)
{
    memset(signature, 0, sizeof *signature);
    const struct ifl_component *box = component + index;
    for (int y = 0; y < box->height; y++) {
        float *bins = signature->share[y * IFL_SIGNATURE_BANDS / box->height];
        int row = (box->y + y) * width + box->x;
        for (int x = 0; x < box->width; x++)
            if (label[row + x] == index + 1)
                put_pixel(bins, rgb + 3 * (row + x));
    }
    for (int band = 0; band < IFL_SIGNATURE_BANDS; band++)
        for (int c = 0; c < CHANNELS; c++)
            normalise(signature->share[band] + c * BINS);
}

float ifl_signature_distance(const struct ifl_signature *a, const struct ifl_signature *b)
{
    enum { ALL = IFL_SIGNATURE_BANDS * IFL_SIGNATURE_BINS };
    float root[ALL], sum = 0;
    ifl_pixel_kernels()->roots(a->share[0], b->share[0], ALL, root);
    for (int first = 0; first < ALL; first += BINS) { // a channel of a band
        float common = 0;
        for (int i = first; i < first + BINS; i++)
            common += root[i];
        sum += common < 1 ? sqrtf(1 - common) : 0;
    }
    return sum / (IFL_SIGNATURE_BANDS * CHANNELS);
}

void ifl_signature_blend(struct ifl_signature *a, const struct ifl_signature *b, float rate)
{
    for (int band = 0; band < IFL_SIGNATURE_BANDS; band++)
        for (int i = 0; i < IFL_SIGNATURE_BINS; i++)
            a->share[band][i] += rate * (b->share[band][i] - a->share[band][i]);
}
