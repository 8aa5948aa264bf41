// SPDX-License-Identifier: Apache-2.0
// Composition, texture, likeness and motion, on the plane.
#include <math.h>
#include <string.h>

#include "kernels/features_parts.h"
#include "kernels/measure.h"
#include "kernels/scale.h"

static const uint8_t *row_of(const struct ifl_plane *plane, int y)
{
    return plane->y + (ptrdiff_t)y * plane->width;
}

// ---- composition ----

static double symmetry(const struct ifl_plane *plane)
{
    uint64_t sum = 0, squares = 0, products = 0;
    for (int y = 0; y < plane->height; y++) {
        const uint8_t *row = row_of(plane, y);
        sum += ifl_measure_kernels()->sum(row, plane->width);
        squares += ifl_plane_kernels()->squares(row, plane->width);
        products += ifl_plane_kernels()->mirror(row, plane->width);
    }
    // Times the pixels all three are whole numbers below 2^52.
    double pixels = (double)plane->width * plane->height;
    double spread = pixels * (double)squares - (double)sum * (double)sum;
    return spread > 0 ? (pixels * (double)products - (double)sum * (double)sum) / spread : 1;
}

// Of the sums of each column or row: their centre, and how much lies near the lines of thirds.
struct marginal {
    double centre, thirds;
};

static bool near_a_third(int i, int side)
{
    double at = (i + 0.5) / side;
    return fabs(at - 1.0 / 3) <= 1.0 / 24 || fabs(at - 2.0 / 3) <= 1.0 / 24;
}

static struct marginal look_at(const uint32_t *sum, int side)
{
    double all = 0, moment = 0, near = 0;
    int inside = 0;
    for (int i = 0; i < side; i++) {
        bool third = near_a_third(i, side);
        all += sum[i];
        moment += sum[i] * (i + 0.5);
        near += third ? sum[i] : 0;
        inside += third;
    }
    if (all == 0)
        return (struct marginal){0.5, 1};
    return (struct marginal){moment / all / side, inside ? near / all * side / inside : 1};
}

static void set_balance(struct ifl_workplace *at, struct ifl_features *features)
{
    const struct ifl_plane *plane = &at->plane;
    memset(at->column, 0, (size_t)plane->width * sizeof *at->column);
    memset(at->row, 0, (size_t)plane->height * sizeof *at->row);
    for (int y = 1; y < plane->height - 1; y++)
        at->row[y] = ifl_plane_kernels()->gradient(row_of(plane, y - 1), row_of(plane, y),
                                                   row_of(plane, y + 1), plane->width, at->column);
    struct marginal across = look_at(at->column, plane->width);
    struct marginal down = look_at(at->row, plane->height);
    ifl_feature_set(features, IFL_FEATURE_centroid_x, across.centre);
    ifl_feature_set(features, IFL_FEATURE_centroid_y, down.centre);
    ifl_feature_set(features, IFL_FEATURE_thirds_ratio, (across.thirds + down.thirds) / 2);
}

static void count(const uint8_t *byte, int bytes, uint32_t histogram[2][256])
{
    for (int i = 0; i < bytes; i++)
        histogram[i & 1][byte[i]]++;
}

static double complexity(struct ifl_workplace *at)
{
    const struct ifl_plane *plane = &at->plane;
    uint32_t histogram[2][256] = {{0}};
    if (plane->width < 2)
        return 0;
    int rows = 0;
    for (int y = 0; y < plane->height; y += IFL_ROW_STEP, rows++) {
        ifl_plane_kernels()->steps(row_of(plane, y), at->bytes[0], plane->width);
        count(at->bytes[0], plane->width - 1, histogram);
    }
    for (int i = 0; i < 256; i++)
        histogram[0][i] += histogram[1][i];
    return ifl_entropy_bits(histogram[0], (double)(plane->width - 1) * rows);
}

void ifl_features_composition(struct ifl_workplace *at, struct ifl_features *features)
{
    ifl_feature_set(features, IFL_FEATURE_symmetry, symmetry(&at->plane));
    set_balance(at, features);
    ifl_feature_set(features, IFL_FEATURE_complexity, complexity(at));
}

// ---- texture ----

static void set_patterns(struct ifl_workplace *at, struct ifl_features *features)
{
    const struct ifl_plane *plane = &at->plane;
    uint32_t histogram[2][256] = {{0}};
    double pixels = (double)(plane->width - 2) * ((plane->height - 1) / IFL_ROW_STEP);
    memset(features->lbp, 0, sizeof features->lbp);
    if (plane->width >= 3 && plane->height >= 3) {
        for (int y = 1; y < plane->height - 1; y += IFL_ROW_STEP) {
            ifl_plane_kernels()->patterns(row_of(plane, y - 1), row_of(plane, y),
                                          row_of(plane, y + 1), at->bytes[0], plane->width);
            count(at->bytes[0], plane->width - 2, histogram);
        }
        for (int i = 0; i < IFL_LBP_BINS; i++)
            features->lbp[i] = (float)((histogram[0][i] + histogram[1][i]) / pixels);
    }
    const float *lbp = features->lbp;
    ifl_feature_set(features, IFL_FEATURE_lbp_flat, (double)lbp[8]);
    ifl_feature_set(features, IFL_FEATURE_lbp_edge, (double)(lbp[3] + lbp[4] + lbp[5]));
    ifl_feature_set(features, IFL_FEATURE_lbp_rough, (double)lbp[9]);
}

double ifl_ratio_of_shape(double alpha)
{
    int sign;
    return exp(2 * lgamma_r(2 / alpha, &sign) - lgamma_r(1 / alpha, &sign) -
               lgamma_r(3 / alpha, &sign));
}

double ifl_shape_of_ratio(double ratio)
{
    const struct ifl_feature_row *row = ifl_feature_row(IFL_FEATURE_mscn_alpha);
    double low = row->least, high = row->greatest;
    for (int i = 0; i < 30; i++) {
        double middle = (low + high) / 2;
        if (ifl_ratio_of_shape(middle) < ratio)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static void set_normalised(struct ifl_workplace *at, struct ifl_features *features)
{
    enum { ROWS = 2 * IFL_MSCN_RADIUS + 1 };
    const struct ifl_plane *plane = &at->plane;
    struct ifl_mscn_sums sums = {0};
    for (int y = 0; plane->width >= ROWS && y + ROWS <= plane->height; y += IFL_ROW_STEP)
        ifl_plane_kernels()->mscn(row_of(plane, y), plane->width, plane->width, at->work, &sums);
    double n = (double)sums.pixels * IFL_MSCN_SCALE;
    double mean = sums.pixels ? (double)sums.absolute / n : 0;
    double square = sums.pixels ? (double)sums.squares / (n * IFL_MSCN_SCALE) : 0;
    ifl_feature_set(features, IFL_FEATURE_mscn_sigma, sqrt(square));
    ifl_feature_set(features, IFL_FEATURE_mscn_alpha,
                    square > 0 ? ifl_shape_of_ratio(mean * mean / square) : 0);
}

void ifl_features_texture(struct ifl_workplace *at, struct ifl_features *features)
{
    set_patterns(at, features);
    set_normalised(at, features);
    ifl_feature_set(features, IFL_FEATURE_spectral_slope,
                    ifl_spectrum_slope(at->spectrum, &at->plane));
}

// ---- likeness ----

// Means of boxes of the plane, as it was made itself of the frame.
void ifl_features_shrink(struct ifl_workplace *at)
{
    const struct ifl_plane *plane = &at->plane;
    struct ifl_small *small = &at->small;
    int box = 1;
    while (plane->width / box > IFL_SPECTRUM_SIDE || plane->height / box > IFL_SPECTRUM_SIDE)
        box *= 2;
    small->width = plane->width / box > 1 ? plane->width / box : 1;
    small->height = plane->height / box > 1 ? plane->height / box : 1;
    int width = plane->width < box ? plane->width : small->width * box;
    int height = plane->height < box ? plane->height : small->height * box;
    ifl_scale_area(plane->y, width, height, plane->width, small->pixel, small->width, small->height,
                   small->width, 1);
}

enum { HASH_SIDE = 8, SMALL_SIDE = 32 };

static uint64_t difference_hash(const struct ifl_small *from)
{
    enum { COLUMNS = HASH_SIDE + 1 };
    uint8_t small[HASH_SIDE][COLUMNS];
    uint64_t hash = 0;
    ifl_scale_area(from->pixel, from->width, from->height, from->width, small[0], COLUMNS,
                   HASH_SIDE, COLUMNS, 1);
    for (int y = 0; y < HASH_SIDE; y++)
        for (int x = 0; x < HASH_SIDE; x++)
            hash = hash << 1 | (small[y][x + 1] > small[y][x]);
    return hash;
}

// The lowest frequencies of a cosine transform of 32x32.
static void low_frequencies(const uint8_t *small, double frequency[HASH_SIDE * HASH_SIDE])
{
    double basis[HASH_SIDE][SMALL_SIDE], across[SMALL_SIDE][HASH_SIDE] = {{0}};
    for (int u = 0; u < HASH_SIDE; u++)
        for (int x = 0; x < SMALL_SIDE; x++)
            basis[u][x] = cos(acos(-1) / SMALL_SIDE * u * (x + 0.5));
    for (int y = 0; y < SMALL_SIDE; y++)
        for (int u = 0; u < HASH_SIDE; u++)
            for (int x = 0; x < SMALL_SIDE; x++)
                across[y][u] += basis[u][x] * small[y * SMALL_SIDE + x];
    for (int v = 0; v < HASH_SIDE; v++)
        for (int u = 0; u < HASH_SIDE; u++) {
            frequency[v * HASH_SIDE + u] = 0;
            for (int y = 0; y < SMALL_SIDE; y++)
                frequency[v * HASH_SIDE + u] += basis[v][y] * across[y][u];
        }
}

static double median_of(const double value[HASH_SIDE * HASH_SIDE])
{
    enum { COUNT = HASH_SIDE * HASH_SIDE };
    double sorted[COUNT];
    for (int i = 0; i < COUNT; i++) {
        int k = i;
        for (; k > 0 && sorted[k - 1] > value[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = value[i];
    }
    return (sorted[COUNT / 2 - 1] + sorted[COUNT / 2]) / 2;
}

static uint64_t frequency_hash(const struct ifl_small *from)
{
    uint8_t small[SMALL_SIDE * SMALL_SIDE];
    double frequency[HASH_SIDE * HASH_SIDE];
    uint64_t hash = 0;
    ifl_scale_area(from->pixel, from->width, from->height, from->width, small, SMALL_SIDE,
                   SMALL_SIDE, SMALL_SIDE, 1);
    low_frequencies(small, frequency);
    double median = median_of(frequency);
    for (int i = 0; i < HASH_SIDE * HASH_SIDE; i++)
        hash = hash << 1 | (frequency[i] > median);
    return hash;
}

void ifl_features_hash(struct ifl_workplace *at, struct ifl_features *features)
{
    features->dhash = difference_hash(&at->small);
    features->phash = frequency_hash(&at->small);
}

// ---- motion ----

// Tiles of a picture narrower than they are many share pixels.
struct change {
    struct ifl_tile_bounds across, down;
    uint64_t tile[IFL_TILES][IFL_TILES], all, changed;
};

static void add_row(struct ifl_workplace *at, int y, struct change *change)
{
    const struct ifl_measure_kernels *kernels = ifl_measure_kernels();
    const struct ifl_plane *plane = &at->plane;
    uint8_t *difference = at->bytes[0];
    change->changed += ifl_plane_kernels()->change(
        row_of(plane, y), at->before + (ptrdiff_t)y * plane->width, difference, plane->width);
    change->all += kernels->sum(difference, plane->width);
    for (int j = 0; j < IFL_TILES; j++) {
        if (y < change->down.begin[j] || y >= change->down.end[j])
            continue;
        for (int i = 0; i < IFL_TILES; i++) {
            int begin = change->across.begin[i];
            change->tile[j][i] += kernels->sum(difference + begin, change->across.end[i] - begin);
        }
    }
}

static void set_change(struct ifl_workplace *at, struct ifl_features *features)
{
    const struct ifl_plane *plane = &at->plane;
    struct change change = {0};
    double pixels = (double)plane->width * plane->height;
    ifl_tile_bounds(plane->width, &change.across);
    ifl_tile_bounds(plane->height, &change.down);
    for (int y = 0; y < plane->height; y++)
        add_row(at, y, &change);
    for (int j = 0; j < IFL_TILES; j++)
        for (int i = 0; i < IFL_TILES; i++) {
            int width = change.across.end[i] - change.across.begin[i];
            int height = change.down.end[j] - change.down.begin[j];
            features->tile_change[j][i] =
                (float)((double)change.tile[j][i] / ((double)width * height));
        }
    ifl_feature_set(features, IFL_FEATURE_frame_difference, (double)change.all / pixels);
    ifl_feature_set(features, IFL_FEATURE_motion_share, (double)change.changed / pixels);
}

static void set_no_change(struct ifl_features *features)
{
    memset(features->tile_change, 0, sizeof features->tile_change);
    ifl_feature_set(features, IFL_FEATURE_frame_difference, 0);
    ifl_feature_set(features, IFL_FEATURE_motion_share, 0);
}

void ifl_features_motion(struct ifl_workplace *at, struct ifl_features *features)
{
    struct ifl_plane *plane = &at->plane;
    struct ifl_shift shift;
    features->has_previous = at->before_width == plane->width && at->before_height == plane->height;
    if (features->has_previous) {
        set_change(at, features);
    } else {
        set_no_change(features);
    }
    ifl_spectrum_shift(at->spectrum, &at->small, &shift);
    ifl_feature_set(features, IFL_FEATURE_motion_x, shift.x);
    ifl_feature_set(features, IFL_FEATURE_motion_y, shift.y);
    ifl_feature_set(features, IFL_FEATURE_motion_peak, shift.peak);
    uint8_t *swap = at->before;
    at->before = plane->y;
    plane->y = swap;
    at->before_width = plane->width;
    at->before_height = plane->height;
}
