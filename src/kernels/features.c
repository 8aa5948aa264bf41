// SPDX-License-Identifier: Apache-2.0
// Features out of integer sums. All pixels count alike in the histogram and what derives from it;
// 3x3 operators count the interior; colour is taken from the chroma samples as they are (each
// counts once), unclamped, since red, green and blue are linear in Y, Cb and Cr.
#include "inferloop/features.h"

#include <math.h>

#include "kernels/measure.h"
#include "kernels/scale.h"

enum {
    PLANE_AREA = 480 * 270, // for the saturation
    ROW_MAX = (IFL_FRAME_SIDE_MAX + 1) / 2,
};

static const double WHITE_KELVIN = 6504.4; // D65 by McCamy; what a black picture has too

static void set(struct ifl_features *features, enum ifl_feature feature, double value)
{
    const struct ifl_feature_row *row = ifl_feature_row(feature);
    if (!(value >= row->least)) // catches NaN
        value = row->least;
    features->value[feature] = value > row->greatest ? row->greatest : value;
}

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

static void set_moments(struct ifl_features *features, double pixels)
{
    const uint32_t *histogram = features->luma_histogram;
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
    bool constant = count_between(histogram, (int)mean, (int)mean) == pixels;
    set(features, IFL_FEATURE_brightness_mean, mean / 255);
    set(features, IFL_FEATURE_contrast_mean, constant ? 0 : sqrt(second) / 127.5);
    set(features, IFL_FEATURE_luma_skew, constant ? 0 : third / pixels / (second * sqrt(second)));
    set(features, IFL_FEATURE_luma_kurtosis, constant ? 0 : fourth / pixels / (second * second));
}

static double entropy_bits(const uint32_t histogram[256], double pixels)
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
    set(features, IFL_FEATURE_dynamic_range, range / 255.0);
    set(features, IFL_FEATURE_entropy, entropy_bits(histogram, pixels));
    set(features, IFL_FEATURE_clipped_low, count_between(histogram, 0, 2) / pixels);
    set(features, IFL_FEATURE_clipped_high, count_between(histogram, 253, 255) / pixels);
}

static void set_operators(struct ifl_features *features, const struct ifl_luma_sums *sums,
                          double interior)
{
    if (interior == 0) {
        set(features, IFL_FEATURE_laplacian_variance, 0);
        set(features, IFL_FEATURE_noise_sigma, 0);
        set(features, IFL_FEATURE_gradient_energy, 0);
        set(features, IFL_FEATURE_edge_density, 0);
        return;
    }
    const struct ifl_operator_sums *operators = &sums->operators;
    double mean = (double)sums->laplacian / interior;
    set(features, IFL_FEATURE_laplacian_variance,
        (double)operators->laplacian_squares / interior - mean * mean);
    set(features, IFL_FEATURE_noise_sigma,
        sqrt(acos(-1) / 2) * (double)operators->noise / (6 * interior));
    set(features, IFL_FEATURE_gradient_energy, (double)operators->gradient_squares / interior);
    set(features, IFL_FEATURE_edge_density, (double)operators->edges / interior);
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

static void set_luma(struct ifl_features *features, const struct ifl_frame *frame)
{
    struct ifl_luma_sums sums;
    int width = frame->width, height = frame->height;
    ifl_measure_luma(frame->plane[0], width, height, frame->stride[0], &sums);
    for (int i = 0; i < 256; i++)
        features->luma_histogram[i] = sums.histogram[i];
    bool interior = width >= 3 && height >= 3;
    set_distribution(features, (double)width * height);
    set_operators(features, &sums, interior ? (double)(width - 2) * (height - 2) : 0);
    set(features, IFL_FEATURE_blockiness, blockiness(&sums, width, height));
    set_tiles(features, &sums);
}

static double clamp_unit(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static double linear_of_srgb(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

// McCamy's polynomial on the chromaticity of an sRGB colour in 0..1.
static double color_temperature(double red, double green, double blue)
{
    double r = linear_of_srgb(red), g = linear_of_srgb(green), b = linear_of_srgb(blue);
    double x = 0.4124564 * r + 0.3575761 * g + 0.1804375 * b;
    double y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b;
    double z = 0.0193339 * r + 0.1191920 * g + 0.9503041 * b;
    double sum = x + y + z, below = 0.1858 * sum - y;
    if (sum <= 0 || below == 0)
        return WHITE_KELVIN;
    double n = (x - 0.3320 * sum) / below;
    return ((449 * n + 3525) * n + 6823.3) * n + 5520.33;
}

// Hasler and Suesstrunk from the moments of chroma: R - G and (R + G) / 2 - B do not hold Y.
static double colorfulness(const struct ifl_chroma_sums *sums, double count)
{
    const double rg_cb = 0.344136, rg_cr = 2.116136, yb_cb = -1.944068, yb_cr = 0.343932;
    double cb = (double)sums->cb / count, cr = (double)sums->cr / count;
    double bb = (double)sums->cb_cb / count - cb * cb, rr = (double)sums->cr_cr / count - cr * cr;
    double br = (double)sums->cb_cr / count - cb * cr;
    double spread = (rg_cb * rg_cb + yb_cb * yb_cb) * bb + (rg_cr * rg_cr + yb_cr * yb_cr) * rr +
                    2 * (rg_cb * rg_cr + yb_cb * yb_cr) * br;
    double rg = rg_cb * cb + rg_cr * cr, yb = yb_cb * cb + yb_cr * cr;
    return sqrt(spread > 0 ? spread : 0) + 0.3 * sqrt(rg * rg + yb * yb);
}

struct size {
    int width, height;
};

static int limit(int value, int least, int greatest)
{
    return value < least ? least : value > greatest ? greatest : value;
}

// The part of a plane that whole boxes of this side cover.
static struct size covered(struct size plane, struct size boxes, int side)
{
    return (struct size){limit(boxes.width * side, 1, plane.width),
                         limit(boxes.height * side, 1, plane.height)};
}

// On the mean of whole boxes of luma and the chroma under it: 2x2, or 4x4, 8x8, ... until there are
// no more boxes than in 480x270.
static double saturation(const struct ifl_frame *frame)
{
    int step = 1;
    while ((frame->width / (2 * step)) * (frame->height / (2 * step)) > PLANE_AREA)
        step *= 2;
    struct size luma = {frame->width, frame->height};
    struct size chroma = {(luma.width + 1) / 2, (luma.height + 1) / 2};
    struct size boxes = {limit(luma.width / (2 * step), 1, ROW_MAX),
                         limit(luma.height / (2 * step), 1, ROW_MAX)};
    luma = covered(luma, boxes, 2 * step);
    chroma = covered(chroma, boxes, step);
    uint8_t row[3][ROW_MAX];
    uint64_t sum = 0;
    for (int y = 0; y < boxes.height; y++) {
        for (int i = 0; i < 3; i++) {
            struct size size = i ? chroma : luma;
            ifl_scale_area_row(frame->plane[i], size.width, size.height, frame->stride[i], row[i],
                               boxes.width, boxes.height, y, 1);
        }
        sum += ifl_measure_kernels()->saturation(row[0], row[1], row[2], boxes.width);
    }
    return (double)sum / 65536 / ((double)boxes.width * boxes.height);
}

static void set_mean_color(struct ifl_features *features, double cb, double cr)
{
    double luma = features->value[IFL_FEATURE_brightness_mean];
    double red = clamp_unit(luma + 1.402 * cr / 255);
    double green = clamp_unit(luma - (0.344136 * cb + 0.714136 * cr) / 255);
    double blue = clamp_unit(luma + 1.772 * cb / 255);
    set(features, IFL_FEATURE_red_mean, red);
    set(features, IFL_FEATURE_green_mean, green);
    set(features, IFL_FEATURE_blue_mean, blue);
    set(features, IFL_FEATURE_color_temperature, color_temperature(red, green, blue));
}

static void set_color(struct ifl_features *features, const struct ifl_frame *frame)
{
    struct ifl_chroma_sums sums = {0};
    int width = (frame->width + 1) / 2, height = (frame->height + 1) / 2;
    double count = (double)width * height, saturated = 0;
    if (frame->format == IFL_PIXEL_YUV420P) {
        ifl_measure_chroma(frame->plane[1], frame->stride[1], frame->plane[2], frame->stride[2],
                           width, height, &sums);
        saturated = saturation(frame);
    }
    set_mean_color(features, (double)sums.cb / count, (double)sums.cr / count);
    set(features, IFL_FEATURE_saturation_mean, saturated);
    set(features, IFL_FEATURE_colorfulness, colorfulness(&sums, count));
}

static enum ifl_result check_frame(const struct ifl_frame *frame, struct ifl_error *error)
{
    bool grey = frame->format == IFL_PIXEL_GRAY8;
    if (!grey && (frame->format != IFL_PIXEL_YUV420P || frame->matrix != IFL_MATRIX_BT601))
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "profile",
                        "features are measured on yuv420p of BT.601; make the frame canonical");
    if (frame->range != IFL_RANGE_FULL)
        return ifl_fail(error, IFL_ERR_UNSUPPORTED, "profile",
                        "features are measured on full range; make the frame canonical");
    if (frame->width < 1 || frame->height < 1 || frame->width > IFL_FRAME_SIDE_MAX ||
        frame->height > IFL_FRAME_SIDE_MAX)
        return ifl_fail(error, IFL_ERR_INVALID, "profile",
                        "the frame is %dx%d; its sides must be 1 to %d", frame->width,
                        frame->height, IFL_FRAME_SIDE_MAX);
    for (int i = 0; i < (grey ? 1 : 3); i++) {
        if (!frame->plane[i] || frame->stride[i] < (i ? (frame->width + 1) / 2 : frame->width))
            return ifl_fail(error, IFL_ERR_INVALID, "profile",
                            "plane %d of the frame is missing or its stride too short", i);
    }
    return IFL_OK;
}

enum ifl_result ifl_extract_statistics(const struct ifl_frame *frame, struct ifl_features *features,
                                       struct ifl_error *error)
{
    enum ifl_result result = check_frame(frame, error);
    if (result != IFL_OK)
        return result;
    set_luma(features, frame);
    set_color(features, frame);
    return IFL_OK;
}
