// SPDX-License-Identifier: Apache-2.0
// Luma at full resolution. All pixels count alike in the histogram and what derives from it; 3x3
// operators count the interior.
#include <math.h>
#include <string.h>

#include "kernels/features_parts.h"
#include "kernels/measure.h"

// The least value that at least `share` of all pixels do not exceed.
static int quantile(const uint32_t histogram[256], double pixels, double share)
{
    double seen = 0;
    for (int i = 0; i < 256; i++) {
        seen += histogram[i];
        if (seen >= share * pixels)
            return i;
    }
    return 255;
}

static double count_between(const uint32_t histogram[256], int least, int greatest)
{
    double count = 0;
    for (int i = least; i <= greatest; i++)
        count += histogram[i];
    return count;
}

// The third and fourth moment are those of the standardised values; 0 where there is no spread.
void ifl_histogram_shape(const uint32_t histogram[256], double pixels, struct ifl_shape *shape)
{
    double mean = 0, second = 0, third = 0, fourth = 0;
    for (int i = 0; i < 256; i++)
        mean += (double)i * histogram[i];
    mean /= pixels;
    for (int i = 0; i < 256; i++) {
        double delta = i - mean, square = delta * delta;
        second += histogram[i] * square;
        third += histogram[i] * square * delta;
        fourth += histogram[i] * square * square;
    }
    second /= pixels;
    *shape = (struct ifl_shape){.mean = mean};
    if (count_between(histogram, (int)mean, (int)mean) == pixels)
        return;
    shape->std = sqrt(second);
    shape->skew = third / pixels / (second * sqrt(second));
    shape->kurtosis = fourth / pixels / (second * second);
}

static void set_moments(struct ifl_features *features, double pixels)
{
    struct ifl_shape shape;
    ifl_histogram_shape(features->luma_histogram, pixels, &shape);
    ifl_feature_set(features, IFL_FEATURE_brightness_mean, shape.mean / 255);
    ifl_feature_set(features, IFL_FEATURE_contrast_mean, shape.std / 127.5);
    ifl_feature_set(features, IFL_FEATURE_luma_skew, shape.skew);
    ifl_feature_set(features, IFL_FEATURE_luma_kurtosis, shape.kurtosis);
}

double ifl_entropy_bits(const uint32_t *histogram, double pixels)
{
    double bits = 0;
    for (int i = 0; i < 256; i++) {
        if (histogram[i] > 0)
            bits -= histogram[i] / pixels * log2(histogram[i] / pixels);
    }
    return bits;
}

static void set_distribution(struct ifl_features *features, double pixels)
{
    const uint32_t *histogram = features->luma_histogram;
    int range = quantile(histogram, pixels, 0.99) - quantile(histogram, pixels, 0.01);
    set_moments(features, pixels);
    ifl_feature_set(features, IFL_FEATURE_dynamic_range, range / 255.0);
    ifl_feature_set(features, IFL_FEATURE_entropy, ifl_entropy_bits(histogram, pixels));
    ifl_feature_set(features, IFL_FEATURE_clipped_low, count_between(histogram, 0, 2) / pixels);
    ifl_feature_set(features, IFL_FEATURE_clipped_high,
                    count_between(histogram, 253, 255) / pixels);
}

static void set_operators(struct ifl_features *features, const struct ifl_luma_sums *sums,
                          double interior)
{
    if (interior == 0) {
        ifl_feature_set(features, IFL_FEATURE_laplacian_variance, 0);
        ifl_feature_set(features, IFL_FEATURE_noise_sigma, 0);
        ifl_feature_set(features, IFL_FEATURE_gradient_energy, 0);
        ifl_feature_set(features, IFL_FEATURE_edge_density, 0);
        return;
    }
    const struct ifl_operator_sums *operators = &sums->operators;
    double mean = (double)sums->laplacian / interior;
    ifl_feature_set(features, IFL_FEATURE_laplacian_variance,
                    (double)operators->laplacian_squares / interior - mean * mean);
    ifl_feature_set(features, IFL_FEATURE_noise_sigma,
                    sqrt(acos(-1) / 2) * (double)operators->noise / (6 * interior));
    ifl_feature_set(features, IFL_FEATURE_gradient_energy,
                    (double)operators->gradient_squares / interior);
    ifl_feature_set(features, IFL_FEATURE_edge_density, (double)operators->edges / interior);
}

static double blockiness(const struct ifl_luma_sums *sums, int width, int height)
{
    double border_pairs = (double)((width - 1) / IFL_BLOCK_SIDE) * height +
                          (double)((height - 1) / IFL_BLOCK_SIDE) * width;
    double pairs = (double)(width - 1) * height + (double)(height - 1) * width;
    double border = (double)(sums->across.border + sums->down.border);
    double inside = (double)(sums->across.all + sums->down.all) - border;
    if (border_pairs == 0 || (border == 0 && inside == 0))
        return 1;
    if (inside == 0)
        return ifl_feature_row(IFL_FEATURE_blockiness)->greatest;
    return (border / border_pairs) / (inside / (pairs - border_pairs));
}

static void set_tiles(struct ifl_features *features, const struct ifl_luma_sums *sums)
{
    for (int j = 0; j < IFL_TILES; j++) {
        for (int i = 0; i < IFL_TILES; i++)
            features->tile_mean[j][i] = (float)((double)sums->tile[j][i] / sums->tile_pixels[j][i]);
    }
}

void ifl_features_luma(struct ifl_workplace *at, const struct ifl_frame *frame,
                       struct ifl_features *features)
{
    struct ifl_luma_sums sums;
    int width = frame->width, height = frame->height;
    ifl_measure_and_reduce(frame, &at->plane, &sums);
    memcpy(features->luma_histogram, sums.histogram, sizeof features->luma_histogram);
    bool interior = width >= 3 && height >= 3;
    set_distribution(features, (double)width * height);
    set_operators(features, &sums, interior ? (double)(width - 2) * (height - 2) : 0);
    ifl_feature_set(features, IFL_FEATURE_blockiness, blockiness(&sums, width, height));
    set_tiles(features, &sums);
}
