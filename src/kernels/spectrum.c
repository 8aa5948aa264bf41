// SPDX-License-Identifier: Apache-2.0
#include "kernels/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIDE = IFL_SPECTRUM_SIDE,
    SIDE_MIN = 32,
    SQUARES_MAX = 4,
    FREQUENCY_MIN = 4,
    SIDE_STEPS = 3, // 32, 64, 128
};

struct ifl_spectrum {
    float cosine[SIDE], sine[SIDE];  // of -2 pi k / SIDE
    float hann[SIDE_STEPS][SIDE];    // of each side
    uint8_t place[SIDE_STEPS][SIDE]; // frequency k of a side stands there
    float square[7][SIDE * SIDE];    // what all these point to
    float *re, *im, *power, *now_re, *now_im;
    float *before_re, *before_im;    // of the plane before
    int before_width, before_height; // 0: there is none
};

static int side_step(int side)
{
    return side == 32 ? 0 : side == 64 ? 1 : 2;
}

static void make_tables(struct ifl_spectrum *spectrum)
{
    const double turn = 2 * acos(-1);
    for (int k = 0; k < SIDE; k++) {
        spectrum->cosine[k] = (float)cos(turn * k / SIDE);
        spectrum->sine[k] = (float)-sin(turn * k / SIDE);
    }
    for (int step = 0; step < SIDE_STEPS; step++) {
        int side = SIDE_MIN << step;
        for (int k = 0; k < side; k++) {
            int reversed = 0;
            for (int bit = 1; bit < side; bit *= 2)
                reversed = reversed * 2 + (k / bit) % 2;
            spectrum->place[step][k] = (uint8_t)reversed;
            spectrum->hann[step][k] = (float)(0.5 - 0.5 * cos(turn * (k + 0.5) / side));
        }
    }
}

struct ifl_spectrum *ifl_spectrum_create(void)
{
    struct ifl_spectrum *spectrum = calloc(1, sizeof *spectrum);
    if (!spectrum)
        return NULL;
    make_tables(spectrum);
    float **const squares[] = {&spectrum->re,       &spectrum->im,     &spectrum->power,
                               &spectrum->now_re,   &spectrum->now_im, &spectrum->before_re,
                               &spectrum->before_im};
    for (int i = 0; i < 7; i++)
        *squares[i] = spectrum->square[i];
    return spectrum;
}

void ifl_spectrum_destroy(struct ifl_spectrum *spectrum)
{
    free(spectrum);
}

void ifl_spectrum_reset(struct ifl_spectrum *spectrum)
{
    spectrum->before_width = spectrum->before_height = 0;
}

// Both directions; comes out transposed, which the next one takes back.
static void transform(struct ifl_spectrum *spectrum, int side, float *re, float *im)
{
    const struct ifl_plane_kernels *kernels = ifl_plane_kernels();
    kernels->transform(re, im, side, spectrum->cosine, spectrum->sine);
    kernels->transpose(re, side);
    kernels->transpose(im, side);
    kernels->transform(re, im, side, spectrum->cosine, spectrum->sine);
}

// ---- slope ----

// A square of the plane less its mean, under the window. False where it is one colour.
static bool load_square(const struct ifl_spectrum *spectrum, const struct ifl_plane *plane,
                        int left, int top, int side, float *to)
{
    const float *hann = spectrum->hann[side_step(side)];
    const uint8_t *from = plane->y + (ptrdiff_t)top * plane->width + left;
    uint32_t sum = 0, squares = 0;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            uint32_t value = from[(ptrdiff_t)y * plane->width + x];
            sum += value;
            squares += value * value;
        }
    float mean = (float)sum / (float)(side * side);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            to[y * side + x] =
                ((float)from[(ptrdiff_t)y * plane->width + x] - mean) * (hann[y] * hann[x]);
    return (uint64_t)sum * sum != (uint64_t)squares * (uint64_t)(side * side);
}

static double slope_of(const double *power, const int *count, int most)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int f = FREQUENCY_MIN; f <= most; f++) {
        if (!(power[f] > 0))
            continue;
        double x = log(f), y = log(power[f] / count[f]);
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    double spread = n * sxx - sx * sx;
    return n >= 3 && spread > 0 ? (n * sxy - sx * sy) / spread : 0;
}

// Means over rings of equal distance from frequency 0.
static double fit_rings(const struct ifl_spectrum *spectrum, int side)
{
    const uint8_t *place = spectrum->place[side_step(side)];
    int most = side / 4, count[SIDE / 4 + 1] = {0};
    double power[SIDE / 4 + 1] = {0};
    for (int v = -most; v <= most; v++)
        for (int u = -most; u <= most; u++) {
            int ring = (int)(sqrt(u * u + v * v) + 0.5);
            if (ring > most)
                continue;
            int row = place[(v + side) % side], column = place[(u + side) % side];
            power[ring] += (double)spectrum->power[row * side + column];
            count[ring]++;
        }
    return slope_of(power, count, most);
}

double ifl_spectrum_slope(struct ifl_spectrum *spectrum, const struct ifl_plane *plane)
{
    int least = plane->width < plane->height ? plane->width : plane->height, side = SIDE;
    while (side > least)
        side /= 2;
    if (side < SIDE_MIN)
        return 0;
    int across = plane->width / side, down = plane->height / side, squares = 0;
    while (across * down > SQUARES_MAX)
        *(across >= down ? &across : &down) -= 1;
    size_t bytes = (size_t)(side * side) * sizeof(float);
    memset(spectrum->power, 0, bytes);
    // Two squares at a time, as real and imaginary part: over a ring their powers add up.
    for (int i = 0; i < across * down; i++) {
        int left = (plane->width - side) * (2 * (i % across) + 1) / (2 * across);
        int top = (plane->height - side) * (2 * (i / across) + 1) / (2 * down);
        squares +=
            load_square(spectrum, plane, left, top, side, i % 2 ? spectrum->im : spectrum->re);
        if (i % 2 == 0 && i + 1 < across * down)
            continue;
        if (i % 2 == 0)
            memset(spectrum->im, 0, bytes);
        transform(spectrum, side, spectrum->re, spectrum->im);
        ifl_plane_kernels()->add_power(spectrum->re, spectrum->im, spectrum->power, side * side);
    }
    return squares ? fit_rings(spectrum, side) : 0;
}

// ---- shift ----

// Into the middle of nothing: less its mean, under a window of its own size.
static void load_small(struct ifl_spectrum *spectrum, const struct ifl_small *small)
{
    const double turn = 2 * acos(-1);
    float across[SIDE];
    uint32_t sum = 0;
    for (int i = 0; i < small->width * small->height; i++)
        sum += small->pixel[i];
    float mean = (float)sum / (float)(small->width * small->height);
    for (int x = 0; x < small->width; x++)
        across[x] = (float)(0.5 - 0.5 * cos(turn * (x + 0.5) / small->width));
    memset(spectrum->now_re, 0, sizeof spectrum->square[0]);
    memset(spectrum->now_im, 0, sizeof spectrum->square[0]);
    for (int y = 0; y < small->height; y++) {
        const uint8_t *from = small->pixel + y * small->width;
        float down = (float)(0.5 - 0.5 * cos(turn * (y + 0.5) / small->height));
        for (int x = 0; x < small->width; x++)
            spectrum->now_re[y * SIDE + x] = ((float)from[x] - mean) * (down * across[x]);
    }
}

// Phases of the quotient of the spectra of now and before. Real and imaginary part are exchanged,
// so that the next transform goes back.
static void divide_row(const float *restrict now_re, const float *restrict now_im,
                       const float *restrict before_re, const float *restrict before_im,
                       float *restrict re, float *restrict im)
{
    for (int i = 0; i < SIDE; i++) {
        float x = now_re[i] * before_re[i] + now_im[i] * before_im[i];
        float y = now_im[i] * before_re[i] - now_re[i] * before_im[i];
        float size = sqrtf(x * x + y * y) + 1e-3f;
        re[i] = y / size;
        im[i] = x / size;
    }
}

// In natural order again, as the transform takes it.
static void divide(struct ifl_spectrum *spectrum)
{
    const uint8_t *place = spectrum->place[SIDE_STEPS - 1];
    float re[SIDE], im[SIDE];
    for (int row = 0; row < SIDE; row++) {
        int from = row * SIDE, to = place[row] * SIDE;
        divide_row(spectrum->now_re + from, spectrum->now_im + from, spectrum->before_re + from,
                   spectrum->before_im + from, re, im);
        for (int i = 0; i < SIDE; i++) {
            spectrum->re[to + place[i]] = re[i];
            spectrum->im[to + place[i]] = im[i];
        }
    }
}

// The top of a parabola through three neighbours, from the middle one.
static double between(float left, float middle, float right)
{
    double bend = (double)left - 2 * (double)middle + (double)right;
    return bend < 0 ? fmin(fmax(((double)left - (double)right) / (2 * bend), -0.5), 0.5) : 0;
}

static float at(const struct ifl_spectrum *spectrum, int x, int y)
{
    const uint8_t *place = spectrum->place[SIDE_STEPS - 1];
    return spectrum->im[place[(y + SIDE) % SIDE] * SIDE + place[(x + SIDE) % SIDE]];
}

static void find_peak(const struct ifl_spectrum *spectrum, const struct ifl_small *small,
                      struct ifl_shift *shift)
{
    const uint8_t *place = spectrum->place[SIDE_STEPS - 1];
    int best = 0;
    for (int i = 1; i < SIDE * SIDE; i++)
        best = spectrum->im[i] > spectrum->im[best] ? i : best;
    int x = place[best % SIDE], y = place[best / SIDE];
    x = x >= SIDE / 2 ? x - SIDE : x;
    y = y >= SIDE / 2 ? y - SIDE : y;
    float top = spectrum->im[best];
    *shift = (struct ifl_shift){
        .x = (x + between(at(spectrum, x - 1, y), top, at(spectrum, x + 1, y))) / small->width,
        .y = (y + between(at(spectrum, x, y - 1), top, at(spectrum, x, y + 1))) / small->height,
        .peak = (double)top / (SIDE * SIDE)};
}

static void exchange(float **a, float **b)
{
    float *swap = *a;
    *a = *b;
    *b = swap;
}

void ifl_spectrum_shift(struct ifl_spectrum *spectrum, const struct ifl_small *small,
                        struct ifl_shift *shift)
{
    bool same = small->width == spectrum->before_width && small->height == spectrum->before_height;
    load_small(spectrum, small);
    transform(spectrum, SIDE, spectrum->now_re, spectrum->now_im);
    *shift = (struct ifl_shift){0};
    if (same) {
        divide(spectrum);
        transform(spectrum, SIDE, spectrum->re, spectrum->im);
        find_peak(spectrum, small, shift);
    }
    exchange(&spectrum->before_re, &spectrum->now_re);
    exchange(&spectrum->before_im, &spectrum->now_im);
    spectrum->before_width = small->width;
    spectrum->before_height = small->height;
}
