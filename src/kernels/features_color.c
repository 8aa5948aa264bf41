// SPDX-License-Identifier: Apache-2.0
// Colour. Means and colourfulness are taken from the chroma samples as they are (each counts once),
// unclamped, since red, green and blue are linear in Y, Cb and Cr; all else from clamped red, green
// and blue on the plane.
#include <math.h>
#include <string.h>

#include "kernels/features_parts.h"
#include "kernels/measure.h"

enum {
    CELL_BITS = 4, // of each of red, green and blue, for the dominant colours
    CELLS = 1 << CELL_BITS,
    CELL_REACH = 2, // cells that a dominant colour takes in, to each side
    BOX = 8,        // side of the boxes of the dark channel
    GREY = 128,
};

static const double WHITE_KELVIN = 6504.4; // D65 by McCamy; what a black picture has too

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

static void set_mean_color(struct ifl_features *features, double cb, double cr)
{
    double luma = features->value[IFL_FEATURE_brightness_mean];
    double red = clamp_unit(luma + 1.402 * cr / 255);
    double green = clamp_unit(luma - (0.344136 * cb + 0.714136 * cr) / 255);
    double blue = clamp_unit(luma + 1.772 * cb / 255);
    ifl_feature_set(features, IFL_FEATURE_red_mean, red);
    ifl_feature_set(features, IFL_FEATURE_green_mean, green);
    ifl_feature_set(features, IFL_FEATURE_blue_mean, blue);
    ifl_feature_set(features, IFL_FEATURE_color_temperature, color_temperature(red, green, blue));
}

// Chroma of the frame into sums, and of the plane beside it.
static void measure_chroma(const struct ifl_plane *plane, const struct ifl_frame *frame,
                           struct ifl_chroma_sums *sums)
{
    int width = (frame->width + 1) / 2, height = (frame->height + 1) / 2, reduced = 0;
    *sums = (struct ifl_chroma_sums){0};
    for (ptrdiff_t i = 0; i < height; i++) {
        ifl_measure_kernels()->chroma(frame->plane[1] + i * frame->stride[1],
                                      frame->plane[2] + i * frame->stride[2], width, sums);
        if (((i + 1) % (plane->box / 2) == 0 || i + 1 == height) && reduced < plane->height) {
            ifl_plane_reduce_row(plane, frame, 1, reduced);
            ifl_plane_reduce_row(plane, frame, 2, reduced++);
        }
    }
}

// Histograms of red, green and blue, twice each, so that equal neighbours do not wait.
struct counts {
    uint32_t level[3][2][256];
};

static void count_row(const struct ifl_workplace *at, struct counts *counts, uint32_t *cell)
{
    const uint8_t *r = at->bytes[0], *g = at->bytes[1], *b = at->bytes[2];
    for (int x = 0; x < at->plane.width; x++) {
        counts->level[0][x & 1][r[x]]++;
        counts->level[1][x & 1][g[x]]++;
        counts->level[2][x & 1][b[x]]++;
        cell[(r[x] & 0xf0) << 4 | (g[x] & 0xf0) | b[x] >> 4]++;
    }
}

// The least red, green or blue of each box of BOX rows and columns; what remains at the edges is in
// the last box.
struct darkness {
    uint8_t least[IFL_PLANE_SIDE_MAX / BOX + 1];
    uint64_t sum, boxes;
};

static uint8_t lesser(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static void take_darkness(const struct ifl_workplace *at, int y, struct darkness *dark)
{
    const uint8_t *r = at->bytes[0], *g = at->bytes[1], *b = at->bytes[2];
    int width = at->plane.width, height = at->plane.height, count = width < BOX ? 1 : width / BOX;
    int rows = height < BOX ? 1 : height / BOX;
    if (y % BOX == 0 && y / BOX < rows)
        memset(dark->least, 255, sizeof dark->least);
    for (int i = 0; i < count; i++) {
        int end = i + 1 < count ? (i + 1) * BOX : width;
        uint8_t least = dark->least[i];
        for (int x = i * BOX; x < end; x++)
            least = lesser(least, lesser(r[x], lesser(g[x], b[x])));
        dark->least[i] = least;
    }
    int next = y + IFL_ROW_STEP;
    if (next < height && (next % BOX != 0 || next / BOX >= rows))
        return;
    for (int i = 0; i < count; i++)
        dark->sum += dark->least[i];
    dark->boxes += (uint64_t)count;
}

static void set_channel(struct ifl_channel_features *channel, uint32_t level[2][256], double pixels)
{
    struct ifl_shape shape;
    memset(channel->histogram, 0, sizeof channel->histogram);
    for (int i = 0; i < 256; i++) {
        level[0][i] += level[1][i];
        channel->histogram[i * IFL_HISTOGRAM_BINS / 256] += level[0][i];
    }
    ifl_histogram_shape(level[0], pixels, &shape);
    channel->mean = shape.mean;
    channel->std = shape.std;
    channel->skew = shape.skew;
    channel->kurtosis = shape.kurtosis;
}

// Takes the cells around one out of the table; the middles of the cells stand for their colours.
static void take_color(uint32_t *cell, int center, double pixels, struct ifl_dominant_color *color)
{
    double sum[3] = {0}, count = 0;
    int c[3] = {center >> 8, center >> 4 & 15, center & 15}, from[3], to[3];
    for (int i = 0; i < 3; i++) {
        from[i] = c[i] > CELL_REACH ? c[i] - CELL_REACH : 0;
        to[i] = c[i] + CELL_REACH < CELLS ? c[i] + CELL_REACH : CELLS - 1;
    }
    for (int r = from[0]; r <= to[0]; r++)
        for (int g = from[1]; g <= to[1]; g++)
            for (int b = from[2]; b <= to[2]; b++) {
                uint32_t *here = &cell[r << 8 | g << 4 | b];
                const int middle[3] = {r * 16 + 8, g * 16 + 8, b * 16 + 8};
                for (int i = 0; i < 3; i++)
                    sum[i] += (double)middle[i] * *here;
                count += *here;
                *here = 0;
            }
    for (int i = 0; i < 3; i++)
        color->rgb[i] = (uint8_t)(sum[i] / count);
    color->share = (float)(count / pixels);
}

// The fullest cell with those near it, again and again.
static void set_dominant(struct ifl_features *features, uint32_t *cell, double pixels)
{
    memset(features->dominant, 0, sizeof features->dominant);
    for (int i = 0; i < IFL_DOMINANT_COLORS; i++) {
        uint32_t most = 0;
        int fullest = 0;
        for (int c = 0; c < CELLS * CELLS * CELLS; c++)
            most = cell[c] > most ? cell[c] : most;
        if (most == 0)
            break;
        while (cell[fullest] != most)
            fullest++;
        take_color(cell, fullest, pixels, &features->dominant[i]);
    }
    for (int i = 1; i < IFL_DOMINANT_COLORS; i++) // cells do not tell the order of their sums
        for (int k = i; k > 0 && features->dominant[k].share > features->dominant[k - 1].share;
             k--) {
            struct ifl_dominant_color swap = features->dominant[k];
            features->dominant[k] = features->dominant[k - 1];
            features->dominant[k - 1] = swap;
        }
    ifl_feature_set(features, IFL_FEATURE_dominant_share, (double)features->dominant[0].share);
}

static void measure_plane(struct ifl_workplace *at, struct ifl_features *features)
{
    const struct ifl_plane *plane = &at->plane;
    struct counts counts = {0};
    struct darkness dark = {0};
    uint64_t saturation = 0;
    double pixels = (double)plane->width * ((plane->height - 1) / IFL_ROW_STEP + 1);
    memset(at->cell, 0, sizeof at->cell);
    for (int y = 0; y < plane->height; y += IFL_ROW_STEP) {
        ptrdiff_t begin = (ptrdiff_t)y * plane->width;
        const uint8_t *luma = plane->y + begin, *cb = plane->cb + begin, *cr = plane->cr + begin;
        saturation += ifl_measure_kernels()->saturation(luma, cb, cr, plane->width);
        ifl_plane_kernels()->rgb(luma, cb, cr, at->bytes[0], at->bytes[1], at->bytes[2],
                                 plane->width);
        count_row(at, &counts, at->cell);
        take_darkness(at, y, &dark);
    }
    ifl_feature_set(features, IFL_FEATURE_dark_channel,
                    (double)dark.sum / (double)dark.boxes / 255);
    for (int c = 0; c < 3; c++) {
        set_channel(&features->channel[c], counts.level[c], pixels);
        ifl_feature_set(features, (enum ifl_feature)(IFL_FEATURE_red_std + c),
                        features->channel[c].std / 127.5);
    }
    ifl_feature_set(features, IFL_FEATURE_saturation_mean, (double)saturation / 65536 / pixels);
    set_dominant(features, at->cell, pixels);
}

void ifl_features_color(struct ifl_workplace *at, const struct ifl_frame *frame,
                        struct ifl_features *features)
{
    struct ifl_chroma_sums sums = {0};
    struct ifl_plane *plane = &at->plane;
    double count = (double)((frame->width + 1) / 2) * ((frame->height + 1) / 2);
    if (frame->format == IFL_PIXEL_YUV420P) {
        measure_chroma(plane, frame, &sums);
    } else {
        memset(plane->cb, GREY, (size_t)(plane->width * plane->height));
        memset(plane->cr, GREY, (size_t)(plane->width * plane->height));
    }
    set_mean_color(features, (double)sums.cb / count, (double)sums.cr / count);
    ifl_feature_set(features, IFL_FEATURE_colorfulness, colorfulness(&sums, count));
    measure_plane(at, features);
}
