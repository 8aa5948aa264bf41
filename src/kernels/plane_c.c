// SPDX-License-Identifier: Apache-2.0
// Plain loops without branches; plane_avx2.c and plane_avx512.c compile the same for themselves.
#include "kernels/plane.h"

#include <math.h>
#include <stdlib.h>

#ifndef IFL_PLANE_KERNELS
#define IFL_PLANE_KERNELS ifl_plane_kernels_c
#endif

static inline int clamp8(int value)
{
    value = value < 0 ? 0 : value;
    return value > 255 ? 255 : value;
}

// Chroma times a factor of 2^14, to 6 bits behind the point; see rows_c.c.
static inline int times(int chroma_value, int factor)
{
    return ((chroma_value - 128) * 128 * factor + (1 << 14)) >> 15;
}

static void rgb(const uint8_t *restrict y, const uint8_t *restrict cb, const uint8_t *restrict cr,
                uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b, int count)
{
    for (int i = 0; i < count; i++) {
        int luma = y[i] * 64 + 32;
        r[i] = (uint8_t)clamp8((luma + times(cr[i], 22970)) >> 6);
        g[i] = (uint8_t)clamp8((luma - times(cb[i], 5638) - times(cr[i], 11700)) >> 6);
        b[i] = (uint8_t)clamp8((luma + times(cb[i], 29032)) >> 6);
    }
}

static void patterns(const uint8_t *restrict above, const uint8_t *restrict row,
                     const uint8_t *restrict below, uint8_t *restrict pattern, int width)
{
    for (int x = 0; x < width - 2; x++) {
        uint8_t c = row[x + 1];
        uint8_t n0 = row[x + 2] >= c, n1 = above[x + 2] >= c, n2 = above[x + 1] >= c;
        uint8_t n3 = above[x] >= c, n4 = row[x] >= c, n5 = below[x] >= c;
        uint8_t n6 = below[x + 1] >= c, n7 = below[x + 2] >= c;
        uint8_t ones = (uint8_t)(n0 + n1 + n2 + n3 + n4 + n5 + n6 + n7);
        uint8_t changes = (uint8_t)((n0 ^ n1) + (n1 ^ n2) + (n2 ^ n3) + (n3 ^ n4) + (n4 ^ n5) +
                                    (n5 ^ n6) + (n6 ^ n7) + (n7 ^ n0));
        pattern[x] = changes <= 2 ? ones : 9;
    }
}

static uint32_t gradient(const uint8_t *restrict above, const uint8_t *restrict row,
                         const uint8_t *restrict below, int width, uint32_t *restrict column)
{
    uint32_t sum = 0;
    for (int x = 1; x < width - 1; x++) {
        uint32_t strength = (uint32_t)(abs(row[x + 1] - row[x - 1]) + abs(below[x] - above[x]));
        column[x] += strength;
        sum += strength;
    }
    return sum;
}

static uint64_t mirror(const uint8_t *row, int width)
{
    uint32_t sum = 0;
    for (int x = 0; x < width; x++)
        sum += (uint32_t)(row[x] * row[width - 1 - x]);
    return sum;
}

static uint64_t squares_of(const uint8_t *row, int count)
{
    uint32_t sum = 0;
    for (int x = 0; x < count; x++)
        sum += (uint32_t)(row[x] * row[x]);
    return sum;
}

static void steps(const uint8_t *restrict row, uint8_t *restrict step, int count)
{
    for (int x = 0; x < count - 1; x++)
        step[x] = (uint8_t)(row[x + 1] - row[x]);
}

static uint32_t change(const uint8_t *restrict now, const uint8_t *restrict before,
                       uint8_t *restrict difference, int count)
{
    uint32_t above = 0;
    for (int x = 0; x < count; x++) {
        uint8_t more = now[x] > before[x] ? now[x] : before[x];
        uint8_t less = now[x] > before[x] ? before[x] : now[x];
        difference[x] = (uint8_t)(more - less);
    }
    for (int x = 0; x < count; x++)
        above += difference[x] > IFL_CHANGE_LEVELS;
    return above;
}

// A Gaussian of sigma 7/6 over seven pixels, from the middle outwards; they add up to 1.
static const float weight[IFL_MSCN_RADIUS + 1] = {0.34263152f, 0.23729608f, 0.07882796f,
                                                  0.01256020f};

static void blur_down(const uint8_t *restrict rows, ptrdiff_t stride, int width,
                      float *restrict mean, float *restrict square)
{
    const uint8_t *r0 = rows, *r1 = r0 + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    const uint8_t *r4 = r3 + stride, *r5 = r4 + stride, *r6 = r5 + stride;
    for (int x = 0; x < width; x++) {
        int a = r0[x] - 128, b = r1[x] - 128, c = r2[x] - 128, d = r3[x] - 128;
        int e = r4[x] - 128, f = r5[x] - 128, g = r6[x] - 128;
        mean[x] = weight[0] * (float)d + weight[1] * (float)(c + e) + weight[2] * (float)(b + f) +
                  weight[3] * (float)(a + g);
        square[x] = weight[0] * (float)(d * d) + weight[1] * (float)(c * c + e * e) +
                    weight[2] * (float)(b * b + f * f) + weight[3] * (float)(a * a + g * g);
    }
}

static inline float blur_across(const float *at)
{
    return weight[0] * at[3] + weight[1] * (at[2] + at[4]) + weight[2] * (at[1] + at[5]) +
           weight[3] * (at[0] + at[6]);
}

// (Y - mean) / (deviation + 1), at most 2.8 in size, so that 500 squares fit 32 bits.
static void add_normalised(const uint8_t *restrict row, const float *restrict mean,
                           const float *restrict square, int count, struct ifl_mscn_sums *sums)
{
    uint32_t absolute = 0, squares = 0;
    for (int x = 0; x < count; x++) {
        float m = blur_across(mean + x), variance = blur_across(square + x) - m * m;
        float deviation = sqrtf(variance > 0 ? variance : 0);
        float value = ((float)(row[x] - 128) - m) / (deviation + 1);
        uint32_t whole = (uint32_t)(int)(fabsf(value) * IFL_MSCN_SCALE + 0.5f);
        absolute += whole;
        squares += whole * whole;
    }
    sums->absolute += absolute;
    sums->squares += squares;
}

static void mscn(const uint8_t *rows, ptrdiff_t stride, int width, float *work,
                 struct ifl_mscn_sums *sums)
{
    enum { CHUNK = 480 };
    float *mean = work, *square = work + width;
    const uint8_t *row = rows + IFL_MSCN_RADIUS * stride + IFL_MSCN_RADIUS;
    int count = width - 2 * IFL_MSCN_RADIUS;
    blur_down(rows, stride, width, mean, square);
    for (int x = 0; x < count; x += CHUNK)
        add_normalised(row + x, mean + x, square + x, count - x < CHUNK ? count - x : CHUNK, sums);
    sums->pixels += (uint64_t)count;
}

// ---- Fourier transform ----

// The rows of a loop are `count` long and do not overlap.
#if defined(__clang__)
#define IFL_ROWS_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define IFL_ROWS_APART _Pragma("GCC ivdep")
#endif

// Two stages at once on four rows a quarter of a block apart; decimation in frequency.
// u is the first stage's twiddle, v = u^2 the second's.
static void four_rows(float *restrict re, float *restrict im, ptrdiff_t quarter, int count,
                      float u_re, float u_im, float v_re, float v_im)
{
    float *r1 = re + quarter, *r2 = r1 + quarter, *r3 = r2 + quarter;
    float *i1 = im + quarter, *i2 = i1 + quarter, *i3 = i2 + quarter;
    IFL_ROWS_APART
    for (int x = 0; x < count; x++) {
        float a_re = re[x] + r2[x], a_im = im[x] + i2[x];
        float c_re = re[x] - r2[x], c_im = im[x] - i2[x];
        float b_re = r1[x] + r3[x], b_im = i1[x] + i3[x];
        float d_re = i1[x] - i3[x], d_im = r3[x] - r1[x]; // times -i
        float p_re = a_re - b_re, p_im = a_im - b_im;
        float s_re = c_re + d_re, s_im = c_im + d_im;
        float t_re = c_re - d_re, t_im = c_im - d_im;
        float q_re = t_re * v_re - t_im * v_im, q_im = t_re * v_im + t_im * v_re;
        re[x] = a_re + b_re;
        im[x] = a_im + b_im;
        r1[x] = p_re * v_re - p_im * v_im;
        i1[x] = p_re * v_im + p_im * v_re;
        r2[x] = s_re * u_re - s_im * u_im;
        i2[x] = s_re * u_im + s_im * u_re;
        r3[x] = q_re * u_re - q_im * u_im;
        i3[x] = q_re * u_im + q_im * u_re;
    }
}

static void two_rows(float *restrict re, float *restrict im, ptrdiff_t half, int count)
{
    float *r1 = re + half, *i1 = im + half;
    IFL_ROWS_APART
    for (int x = 0; x < count; x++) {
        float a = re[x], b = im[x];
        re[x] = a + r1[x];
        im[x] = b + i1[x];
        r1[x] = a - r1[x];
        i1[x] = b - i1[x];
    }
}

// `cosine` and `sine` of -2 pi k / IFL_SPECTRUM_SIDE.
static void transform(float *re, float *im, int side, const float *cosine, const float *sine)
{
    int block = side;
    for (; block >= 4; block /= 4) {
        int quarter = block / 4, step = IFL_SPECTRUM_SIDE / block;
        for (int k = 0; k < quarter; k++)
            for (int row = k; row < side; row += block)
                four_rows(re + row * side, im + row * side, (ptrdiff_t)quarter * side, side,
                          cosine[k * step], sine[k * step], cosine[2 * k * step],
                          sine[2 * k * step]);
    }
    for (int row = 0; block == 2 && row < side; row += 2)
        two_rows(re + row * side, im + row * side, side, side);
}

enum { BLOCK = 16 };

static inline void copy_turned(const float *restrict from, float *restrict to, int side)
{
    for (int x = 0; x < BLOCK; x++)
        for (int y = 0; y < BLOCK; y++)
            to[x * BLOCK + y] = from[y * side + x];
}

static inline void paste(const float *restrict from, float *restrict to, int side)
{
    for (int y = 0; y < BLOCK; y++)
        for (int x = 0; x < BLOCK; x++)
            to[y * side + x] = from[y * BLOCK + x];
}

// Blocks on both sides of the diagonal change places.
static void transpose(float *square, int side)
{
    float upper[BLOCK * BLOCK], lower[BLOCK * BLOCK];
    for (int top = 0; top < side; top += BLOCK)
        for (int left = top; left < side; left += BLOCK) {
            float *above = square + top * side + left, *below = square + left * side + top;
            copy_turned(above, upper, side);
            copy_turned(below, lower, side);
            paste(upper, below, side);
            paste(lower, above, side);
        }
}

static void add_power(const float *restrict re, const float *restrict im, float *restrict power,
                      int count)
{
    for (int i = 0; i < count; i++)
        power[i] += re[i] * re[i] + im[i] * im[i];
}

const struct ifl_plane_kernels IFL_PLANE_KERNELS = {
    .rgb = rgb,
    .patterns = patterns,
    .gradient = gradient,
    .mirror = mirror,
    .squares = squares_of,
    .steps = steps,
    .change = change,
    .mscn = mscn,
    .transform = transform,
    .transpose = transpose,
    .add_power = add_power,
};
