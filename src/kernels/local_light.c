// SPDX-License-Identifier: Apache-2.0
#include "kernels/local_light.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

enum {
    ONE = 4096,
    DARKEST = -3072, // a quarter
    BRIGHTEST = 12288,
    LUMA = 4,       // R + 2 G + B is four times luma
    RATIO_ONE = 64, // the ratio of picture to plate, as a byte
    NO_RATIO = 255,
    DARK = 12,        // grey levels below which the plate says nothing of a gain
    PIXELS_LEAST = 8, // of a cell, that can be compared
    CELLS_LEAST = IFL_LIGHT_DOWN * IFL_LIGHT_ACROSS / 3,
    LIKE_PERCENT = 12,
    SEEN_LEVELS = 8, // grey levels by which
    SEEN_CELLS = 3,  // so many are off at least
    RUN = 64,        // columns that are worked on together
};

// Laplacian of the plate (of luma four times) that is texture and not noise: half a grey level.
enum { TEXTURE = LUMA * LUMA * 20 / 4 };

struct comparison {
    int width, height;
    const uint8_t *picture, *plate;
    int16_t *luma[2];  // of picture and plate, four times
    uint8_t *ratio[3]; // of a channel
};

// Pixels of a cell: columns x to right, rows y to bottom.
struct cell {
    int x, y, right, bottom;
    int middle[3], reach[3]; // of the ratios
};

size_t ifl_local_light_scratch_bytes(int pixels)
{
    return 7 * (size_t)pixels;
}

static void find_luma(const uint8_t *rgb, int pixels, int16_t *luma)
{
    for (int i = 0; i < pixels; i++)
        luma[i] = (int16_t)(rgb[3 * i] + 2 * rgb[3 * i + 1] + rgb[3 * i + 2]);
}

static bool clipped(const uint8_t *rgb)
{
    return rgb[0] <= 2 || rgb[1] <= 2 || rgb[2] <= 2 || rgb[0] >= 253 || rgb[1] >= 253 ||
           rgb[2] >= 253;
}

static int ratio_of(int picture, int plate)
{
    int ratio = plate >= DARK ? (RATIO_ONE * picture + plate / 2) / plate : NO_RATIO;
    return ratio < NO_RATIO ? ratio : NO_RATIO;
}

static void find_ratios(struct comparison *c)
{
    for (int i = 0; i < c->width * c->height; i++) {
        bool known = !clipped(c->picture + 3 * i);
        for (int k = 0; k < 3; k++)
            c->ratio[k][i] =
                (uint8_t)(known ? ratio_of(c->picture[3 * i + k], c->plate[3 * i + k]) : NO_RATIO);
    }
}

// In every channel that says something; in green at least.
static bool follows(const struct comparison *c, const struct cell *cell, int at)
{
    for (int k = 0; k < 3; k++)
        if ((k == 1 || c->ratio[k][at] != NO_RATIO) &&
            abs(c->ratio[k][at] - cell->middle[k]) > cell->reach[k])
            return false;
    return true;
}

// The median ratio of a channel; returns how many pixels of the cell have one.
static int find_middle(const struct comparison *c, struct cell *cell, int k)
{
    int histogram[NO_RATIO + 1] = {0}, count = 0, seen = 0, at = 0;
    for (int y = cell->y; y < cell->bottom; y++)
        for (int x = cell->x; x < cell->right; x++)
            histogram[c->ratio[k][y * c->width + x]]++;
    for (int r = 0; r < NO_RATIO; r++)
        count += histogram[r];
    while (at < NO_RATIO && 2 * (seen += histogram[at]) < count)
        at++;
    cell->middle[k] = at;
    cell->reach[k] = at / 8 > 4 ? at / 8 : 4;
    return count;
}

// Sums over the pixels that follow the cell's ratio.
struct sums {
    int pixels, inner;
    int picture[3], plate[3];
    int64_t self, plate_self, cross; // of Laplacians of luma
};

static int laplacian(const int16_t *luma, int width, int at)
{
    return 4 * luma[at] - luma[at - 1] - luma[at + 1] - luma[at - width] - luma[at + width];
}

static void add_texture(const struct comparison *c, const struct cell *cell, int at,
                        struct sums *sums)
{
    if (!follows(c, cell, at - 1) || !follows(c, cell, at + 1) ||
        !follows(c, cell, at - c->width) || !follows(c, cell, at + c->width))
        return;
    int own = laplacian(c->luma[0], c->width, at), plate = laplacian(c->luma[1], c->width, at);
    sums->self += own * own;
    sums->plate_self += plate * plate;
    sums->cross += own * plate;
    sums->inner++;
}

static void add_up(const struct comparison *c, const struct cell *cell, struct sums *sums)
{
    *sums = (struct sums){0};
    for (int y = cell->y; y < cell->bottom; y++)
        for (int x = cell->x; x < cell->right; x++) {
            int at = y * c->width + x;
            if (!follows(c, cell, at))
                continue;
            sums->pixels++;
            for (int k = 0; k < 3; k++) {
                sums->picture[k] += c->picture[3 * at + k];
                sums->plate[k] += c->plate[3 * at + k];
            }
            if (x > 0 && y > 0 && x + 1 < c->width && y + 1 < c->height)
                add_texture(c, cell, at, sums);
        }
}

// Does the texture follow the plate's? Correlation of at least 0.7.
static bool is_plate(const struct sums *sums)
{
    return sums->inner >= PIXELS_LEAST && sums->plate_self > (int64_t)TEXTURE * sums->inner &&
           sums->cross > 0 && 2 * sums->cross * sums->cross > sums->self * sums->plate_self;
}

static int16_t gain_of(int picture, int plate)
{
    int64_t gain = ((int64_t)picture * ONE + plate / 2) / (plate > 0 ? plate : 1) - ONE;
    return (int16_t)(gain < DARKEST ? DARKEST : gain > BRIGHTEST ? BRIGHTEST : gain);
}

// Returns by how many grey levels the cell is off, or -1: it says nothing.
static int fit_cell(const struct comparison *c, struct cell *cell, int16_t gain[3])
{
    struct sums sums;
    int all = (cell->right - cell->x) * (cell->bottom - cell->y), most = 0;
    for (int k = 0; k < 3; k++)
        if (find_middle(c, cell, k) < PIXELS_LEAST && k == 1)
            return -1;
    add_up(c, cell, &sums);
    if (2 * sums.pixels < all || !is_plate(&sums))
        return -1;
    for (int k = 0; k < 3; k++) {
        // A channel that is all but black says nothing of its own.
        int of = sums.plate[k] < DARK * sums.pixels ? 1 : k;
        gain[k] = gain_of(sums.picture[of], sums.plate[of]);
        int off = abs(sums.picture[k] - sums.plate[k]) / sums.pixels;
        most = off > most ? off : most;
    }
    return most;
}

static struct cell cell_at(const struct comparison *c, int down, int across)
{
    return (struct cell){.x = across * c->width / IFL_LIGHT_ACROSS,
                         .right = (across + 1) * c->width / IFL_LIGHT_ACROSS,
                         .y = down * c->height / IFL_LIGHT_DOWN,
                         .bottom = (down + 1) * c->height / IFL_LIGHT_DOWN};
}

// Gives a cell the mean of its neighbours that have a value; false: none has.
static bool fill_cell(const struct ifl_local_light *light,
                      bool has[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS], int down, int across,
                      int16_t gain[3])
{
    static const int step[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    int sum[3] = {0}, count = 0;
    for (int n = 0; n < 4; n++) {
        int y = down + step[n][0], x = across + step[n][1];
        if (y < 0 || x < 0 || y >= IFL_LIGHT_DOWN || x >= IFL_LIGHT_ACROSS || !has[y][x])
            continue;
        for (int k = 0; k < 3; k++)
            sum[k] += light->cell[y][x][k];
        count++;
    }
    for (int k = 0; k < 3 && count > 0; k++)
        gain[k] = (int16_t)(sum[k] / count);
    return count > 0;
}

// From the known cells outwards, one ring at a time.
static void fill_rest(struct ifl_light_evidence *e)
{
    bool has[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS], next[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS];
    memcpy(has, e->known, sizeof has);
    for (int ring = 0; ring < IFL_LIGHT_DOWN + IFL_LIGHT_ACROSS; ring++) {
        memcpy(next, has, sizeof next);
        for (int y = 0; y < IFL_LIGHT_DOWN; y++)
            for (int x = 0; x < IFL_LIGHT_ACROSS; x++)
                if (!has[y][x])
                    next[y][x] = fill_cell(&e->light, has, y, x, e->light.cell[y][x]);
        memcpy(has, next, sizeof has);
    }
}

void ifl_local_light_fit(const uint8_t *picture, const uint8_t *plate, int width, int height,
                         void *scratch, struct ifl_light_evidence *evidence)
{
    int pixels = width * height, off = 0;
    memset(evidence, 0, sizeof *evidence);
    evidence->is_uniform = true;
    if (width < 4 * IFL_LIGHT_ACROSS || height < 4 * IFL_LIGHT_DOWN)
        return;
    struct comparison c = {.width = width, .height = height, .picture = picture, .plate = plate};
    c.luma[0] = scratch;
    c.luma[1] = c.luma[0] + pixels;
    for (int k = 0; k < 3; k++)
        c.ratio[k] = (uint8_t *)(c.luma[1] + pixels) + k * pixels;
    find_luma(picture, pixels, c.luma[0]);
    find_luma(plate, pixels, c.luma[1]);
    find_ratios(&c);
    for (int y = 0; y < IFL_LIGHT_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_ACROSS; x++) {
            struct cell cell = cell_at(&c, y, x);
            int levels = fit_cell(&c, &cell, evidence->light.cell[y][x]);
            evidence->known[y][x] = levels >= 0;
            evidence->cells += levels >= 0;
            off += levels >= SEEN_LEVELS;
        }
    evidence->is_uniform = evidence->cells < CELLS_LEAST || off < SEEN_CELLS;
    fill_rest(evidence);
}

bool ifl_local_light_is_uniform(const struct ifl_local_light *light)
{
    static const struct ifl_local_light uniform;
    return memcmp(light, &uniform, sizeof uniform) == 0;
}

static int by_gain(int a, int b)
{
    return (ONE + a) * ONE / (ONE + b);
}

bool ifl_local_light_is_like(const struct ifl_local_light *a, const struct ifl_local_light *b)
{
    const int16_t *left = &a->cell[0][0][0], *right = &b->cell[0][0][0];
    enum { CELLS = IFL_LIGHT_DOWN * IFL_LIGHT_ACROSS };
    int least[3] = {INT_MAX, INT_MAX, INT_MAX}, most[3] = {0};
    for (int i = 0; i < 3 * CELLS; i++) {
        int ratio = by_gain(left[i], right[i]), *low = &least[i % 3], *high = &most[i % 3];
        *low = ratio < *low ? ratio : *low;
        *high = ratio > *high ? ratio : *high;
        if (100 * (*high - *low) > LIKE_PERCENT * *low)
            return false;
    }
    return true;
}

int ifl_local_light_distance(const struct ifl_light_evidence *evidence,
                             const struct ifl_local_light *light)
{
    int distance = 0;
    for (int k = 0; k < 3 && evidence->cells > 0; k++) {
        int ratio[IFL_LIGHT_DOWN * IFL_LIGHT_ACROSS], count = 0, mean = 0, sum = 0;
        for (int y = 0; y < IFL_LIGHT_DOWN; y++)
            for (int x = 0; x < IFL_LIGHT_ACROSS; x++)
                if (evidence->known[y][x])
                    ratio[count++] = by_gain(evidence->light.cell[y][x][k], light->cell[y][x][k]);
        for (int i = 0; i < count; i++)
            mean += ratio[i];
        mean /= count;
        for (int i = 0; i < count; i++)
            sum += abs(ratio[i] - mean);
        distance += sum / count;
    }
    return distance / 3;
}

// The two cells that a pixel lies between, and how much of 256 the second one has.
struct between {
    int first, second, share;
};

static struct between place(int at, int size, int cells)
{
    int along = (int)((int64_t)(2 * at + 1) * cells * 128 / size) - 128;
    int last = (cells - 1) * 256;
    along = along < 0 ? 0 : along > last ? last : along;
    int first = along >> 8;
    return (struct between){first, first + 1 < cells ? first + 1 : first, along & 255};
}

// The gains of the rows of cells at some columns of the picture.
struct ribbon {
    int first, samples;
    int16_t gain[IFL_LIGHT_DOWN][3 * RUN];
};

static void lay_ribbon(const struct ifl_local_light *light, int first, int width,
                       struct ribbon *ribbon)
{
    int columns = width - first < RUN ? width - first : RUN;
    ribbon->first = 3 * first;
    ribbon->samples = 3 * columns;
    for (int x = 0; x < columns; x++) {
        struct between at = place(first + x, width, IFL_LIGHT_ACROSS);
        for (int y = 0; y < IFL_LIGHT_DOWN; y++)
            for (int k = 0; k < 3; k++)
                ribbon->gain[y][3 * x + k] =
                    (int16_t)((light->cell[y][at.first][k] * (256 - at.share) +
                               light->cell[y][at.second][k] * at.share) >>
                              8);
    }
}

void ifl_local_light_put(const struct ifl_local_light *light, const uint8_t *rgb, int width,
                         int height, uint8_t *to)
{
    struct ribbon ribbon;
    for (int first = 0; first < width; first += RUN) {
        lay_ribbon(light, first, width, &ribbon);
        for (int y = 0; y < height; y++) {
            struct between at = place(y, height, IFL_LIGHT_DOWN);
            ptrdiff_t row = (ptrdiff_t)3 * width * y + ribbon.first;
            ifl_pixel_kernels()->put_light(rgb + row, ribbon.gain[at.first], ribbon.gain[at.second],
                                           at.share, ribbon.samples, to + row);
        }
    }
}

// Where `raw`, before the light was taken out, was clipped and the plate explains it.
static void restore_clipped(const uint8_t *raw, const uint8_t *plate, const uint8_t *lit,
                            const uint8_t high[3], int samples, uint8_t *to)
{
    for (int i = 0; i < samples; i += 3)
        for (int k = 0; k < 3; k++)
            if (raw[i + k] >= high[k] && lit[i + k] >= high[k])
                to[i + k] = plate[i + k];
}

void ifl_local_light_take(const struct ifl_local_light *light, const uint8_t *plate,
                          const uint8_t high[3], int width, int height, uint8_t *rgb)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    struct ribbon ribbon;
    uint8_t lit[3 * RUN], out[3 * RUN];
    for (int first = 0; first < width; first += RUN) {
        lay_ribbon(light, first, width, &ribbon);
        for (int y = 0; y < height; y++) {
            struct between at = place(y, height, IFL_LIGHT_DOWN);
            const int16_t *upper = ribbon.gain[at.first], *lower = ribbon.gain[at.second];
            ptrdiff_t row = (ptrdiff_t)3 * width * y + ribbon.first;
            kernels->take_light(rgb + row, upper, lower, at.share, ribbon.samples, out);
            kernels->put_light(plate + row, upper, lower, at.share, ribbon.samples, lit);
            restore_clipped(rgb + row, plate + row, lit, high, ribbon.samples, out);
            memcpy(rgb + row, out, (size_t)ribbon.samples);
        }
    }
}
