// SPDX-License-Identifier: Apache-2.0
// Loops over pixels that are no more than their arithmetic: written once, in plain C
// (pixels_c.c), and compiled for each set of instructions, where the compiler finds the wide
// registers. Sums are of integers, and floating point is neither contracted nor reordered: the same
// bytes at every level. Pictures are RGB24, rows tight, unless said otherwise. Any thread.
#ifndef IFL_KERNELS_PIXELS_H
#define IFL_KERNELS_PIXELS_H

#include <stddef.h>
#include <stdint.h>

// A colour map: out[c] = sum over u of matrix[c][u] * in[u], plus offset[c]; in this order.
struct ifl_color_map {
    double matrix[3][3], offset[3];
};

// Pixels that are worked on together, a plane a channel.
enum { IFL_PIXEL_RUN = 64 };

enum {
    IFL_GROUND_SAMPLES = 64,
    IFL_GROUND_RADIUS = 7,    // grey levels within which two samples are the same
    IFL_GROUND_NOISE_ONE = 8, // noise is stored in eighths of a grey level
};

// Samples of a run of pixels. In: value, weight, known. Each sample votes by its weight for all
// that are the same; best is the mean of those that agree with the one with most votes, noise by
// the 75 % quantile of the deviation among what is not known to be foreground.
struct ifl_ground {
    uint8_t value[IFL_GROUND_SAMPLES][3][IFL_PIXEL_RUN];
    uint8_t weight[IFL_GROUND_SAMPLES][IFL_PIXEL_RUN]; // all of a pixel's together at most 255
    uint8_t known[IFL_GROUND_SAMPLES][IFL_PIXEL_RUN];  // 0xff: known to be foreground
    uint8_t votes[IFL_GROUND_SAMPLES][IFL_PIXEL_RUN];  // in between; later the deviation
    uint8_t best[3][IFL_PIXEL_RUN], noise[IFL_PIXEL_RUN];
};

enum { IFL_LIGHT_LANES = 32 }; // so many that compilers keep the loops, and widen them

struct ifl_pixel_kernels {
    // RGB24 into three planes of `pixels` bytes.
    void (*split)(const uint8_t *rgb, int pixels, uint8_t *planes);
    // BT.601, full range; what ifl_ycc_to_rgb does.
    void (*ycc_to_rgb)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int count,
                       uint8_t *rgb);
    // sum[i] = |dR| + |dG| + |dB|
    void (*differences)(const uint8_t *a, const uint8_t *b, int pixels, uint16_t *sum);
    // difference[i] = the summed squares of a box of `side` pixels, `rows` high, whose upper left
    // corner is at i; rows of width - side + 1. Planes as `split` makes them. `scratch` holds
    // (rows + 6) * width.
    void (*boxes)(const uint8_t *a, const uint8_t *b, int width, int height, int side, int rows,
                  int32_t *scratch, int32_t *difference);
    void (*least)(int32_t *least, const int32_t *other, int count);
    // Squares of a picture's difference to another.
    int64_t (*squares)(const uint8_t *a, const uint8_t *b, int count);

    // Adds up the Laplacian of the inner pixels of luma, and its squares.
    void (*laplacian)(const int16_t *luma, int width, int height, int64_t *sum, int64_t *squares);
    // Y = (77 R + 150 G + 29 B + 128) / 256
    void (*luma)(const uint8_t *rgb, int pixels, int16_t *luma);
    // For each inner pixel of a row the square of * [1 -2 1; -2 4 -2; 1 -2 1], mean over R, G and
    // B, at most 65535; `row` is its first pixel, the border included.
    void (*texture)(const uint8_t *row, int width, uint16_t *squares);
    // sum[i] = four rows of values, added up
    void (*add_four)(const uint16_t *rows, int stride, int count, uint32_t *sum);
    // Of nine flags (0 or 1) around each inner pixel of a row, whether at least five are set.
    void (*majority)(const uint8_t *row, int stride, int width, uint8_t *mask);

    // difference = rgb - plate, `count` samples of R, G, B in turn; 0 where the picture is clipped
    // (at low or high of the channel) and the plate lies beyond.
    void (*subtract)(const uint8_t *rgb, const uint8_t *plate, const uint8_t low[3],
                     const uint8_t high[3], int count, int16_t *difference);
    // to = 1 2 1 of a row of samples of three channels, edges repeat.
    void (*smooth_across)(const int16_t *row, int width, int16_t *to);
    // to = (1 2 1 of three rows + 8) / 16, within 16 bits
    void (*smooth_down)(const int16_t *up, const int16_t *row, const int16_t *down, int count,
                        int16_t *to);
    // How far a pixel is off in light and in colour: |R + 2G + B| / 4 + (|R - G| + |B - G|) / 2,
    // within 16 bits
    void (*strengths)(const int16_t *difference, int pixels, uint16_t *strength);
    // flag = strength >= least + noise / 2
    void (*strong)(const uint16_t *strength, const uint8_t *noise, int least, int count,
                   uint8_t *flag);
    // mask = old, or between two flags of the column with a gap of at most 3, or of the row with
    // one of at most 2. Flags 0 or 1; `old` has that many neighbours on every side.
    void (*bridge)(const uint8_t *old, int stride, int count, uint8_t *mask);
    // mask = old, or any of the four neighbours where `open`. Flags 0 or 1; `old` has a neighbour
    // on every side.
    void (*grow)(const uint8_t *old, int stride, const uint8_t *open, int count, uint8_t *mask);

    // Eight weighted sums of each of `count` patches of 7x7 pixels that lie side by side; `rgb` is
    // the first one's corner, rows are `stride` bytes apart. sum[s * IFL_PIXEL_RUN + i] of patch i:
    // the values (R + G + B) by 1, by ramp across, by ramp down, R - B, the values by both ramps,
    // by bump across, by bump down, G; ramp is -1 -1 -1 0 1 1 1, bump 3 3 -4 -4 -4 3 3.
    void (*patch_sums)(const uint8_t *rgb, int stride, int count, int32_t *sum);

    // residual[i] = raw[i] - gain * plate[i] - offset
    void (*light_residuals)(const uint8_t *raw, const uint8_t *plate, int count, double gain,
                            double offset, float *residual);
    // Adds up w, w plate, w raw, w plate^2, w plate raw, where w = (1 - (residual / reach)^2)^2
    // within reach and 0 beyond, or where raw is clipped (below 3, above 252); in this
    // order: IFL_LIGHT_LANES sums, each of every so many pixels, then those.
    void (*light_sums)(const uint8_t *raw, const uint8_t *plate, const float *residual, int count,
                       double reach, double sums[5]);

    // The median of |residual| in quarters, rounded down and at most 1023. `scratch` holds `count`.
    int (*median_quarters)(const float *residual, int count, uint16_t *scratch);
    // to = rgb * gain + offset of the channel, in floats, rounded down and clamped; within 16 bits.
    // In place is allowed.
    void (*apply_lines)(const uint8_t *rgb, const float gain[3], const float offset[3], int pixels,
                        uint8_t *to);

    // What most of the `count` samples show at each pixel: `best` and `noise`.
    void (*ground)(struct ifl_ground *run, int count);

    // residual[i] = sum over c of |image[c][i] - map(plate)[c][i]|; planes of `stride` values.
    void (*residuals)(const struct ifl_color_map *map, const double *image, const double *plate,
                      int stride, int count, double *residual);
    // residual[i] = 2 |image[i] - gain * plate[i] - offset|
    void (*line_residuals)(const double *image, const double *plate, int count, double gain,
                           double offset, double *residual);
    int (*count_below)(const double *values, int count, double limit);
    // The colours that maps made, taken back: back = plate + inverse * (tone - map(plate)), rounded
    // and clamped; where a byte of `image` is 0 or 255 and the plate goes beyond, nothing is taken
    // back. Planes of `stride` values each; `back` is RGB24.
    void (*restore)(const struct ifl_color_map *map, const double inverse[3][3],
                    const uint8_t *image, const double *tone, const double *plate, int stride,
                    int count, uint8_t *back);

    // Noisy pictures: grey levels with four fractional bits. The sides of a row doubled, bilinear:
    // every sample lies a quarter from its nearest coarse one. `sum` holds 3 * (width + 2).
    void (*enlarge)(const int16_t *near, const int16_t *far, int width, int32_t *sum, int16_t *to);
    // x += sign * picture
    void (*add_picture)(const uint8_t *picture, int sign, int count, int16_t *x);
    void (*round)(const int16_t *x, int count, int16_t *grey); // to grey levels
    void (*clamp)(const int16_t *grey, int count, uint8_t *bytes);
    // Means of 2x2 pixels, rounded; a row of `width` pixels out of two.
    void (*halve)(const uint8_t *upper, const uint8_t *lower, int width, uint8_t *to);

    // Local light of a row of `count` samples, between two rows of gains in 1/4096 beyond 1,
    // `share` of 256 of the lower one: to = rgb * gain, rounded and clamped; or taken out, rgb /
    // gain.
    void (*put_light)(const uint8_t *rgb, const int16_t *upper, const int16_t *lower, int share,
                      int count, uint8_t *to);
    void (*take_light)(const uint8_t *rgb, const int16_t *upper, const int16_t *lower, int share,
                       int count, uint8_t *to);

    // owner[i] = that of the nearest point to pixel i of the row; the first of those as near.
    void (*nearest)(const double *x, const double *y, const uint16_t *owners, int points, int row,
                    int width, uint16_t *owner);

    // root[i] = the square root of a[i] * b[i]
    void (*roots)(const float *a, const float *b, int count, float *root);
    // out[j] = sum over d of patch[d] * direction[d][j], 64 of them.
    void (*project)(const float *patch, int row_samples, int rows, int stride,
                    const float (*direction)[64], float out[64]);
};

extern const struct ifl_pixel_kernels ifl_pixel_kernels_c, ifl_pixel_kernels_avx2,
    ifl_pixel_kernels_avx512;
const struct ifl_pixel_kernels *ifl_pixel_kernels(void); // the ones in force

#endif
