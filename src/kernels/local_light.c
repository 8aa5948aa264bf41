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
    PIXELS_LEAST = 8, // of a window, that can be compared
    TILES = IFL_LIGHT_TILES_DOWN * IFL_LIGHT_TILES_ACROSS,
    TILES_LEAST = TILES / 3,
    LIKE_PERCENT = 12, // between the tiles that differ most: 6 up, 6 down
    SEEN_LEVELS = 8,   // grey levels by which
    SEEN_TILES = 3,    // so many are off at least
    RUN = 64,          // columns that are worked on together
};

// Laplacian of the plate (of luma four times) that is texture and not noise: half a grey level.
enum { TEXTURE = LUMA * LUMA * 20 / 4 };

struct comparison {
    int width, height;
    const uint8_t *picture, *plate;
    int16_t *luma[2];  // of picture and plate, four times
    uint8_t *ratio[3]; // of a channel
    uint8_t *follows;  // 1: the pixel has the ratios of the window that was looked at last
};

// Pixels of a window: columns x to right, rows y to bottom.
struct window {
    int x, y, right, bottom;
    int middle[3], reach[3]; // of the ratios
};

size_t ifl_local_light_scratch_bytes(int pixels)
{
    return 8 * (size_t)pixels;
}

typedef uint8_t planes[3][RUN];

static void find_luma(const uint8_t (*rgb)[RUN], int pixels, int16_t *luma)
{
    for (int i = 0; i < pixels; i++)
        luma[i] = (int16_t)(rgb[0][i] + 2 * rgb[1][i] + rgb[2][i]);
}

static void find_known(const uint8_t (*rgb)[RUN], uint8_t *known)
{
    for (int i = 0; i < RUN; i++) {
        uint8_t least = rgb[0][i] < rgb[1][i] ? rgb[0][i] : rgb[1][i];
        uint8_t most = rgb[0][i] > rgb[1][i] ? rgb[0][i] : rgb[1][i];
        least = least < rgb[2][i] ? least : rgb[2][i];
        most = most > rgb[2][i] ? most : rgb[2][i];
        known[i] = (least > 2) & (most < 253);
    }
}

// Quotients of so small numbers are whole or far enough from it for floats.
static void find_ratios(const uint8_t *picture, const uint8_t *plate, const uint8_t *known,
                        int pixels, uint8_t *ratio)
{
    int32_t value[RUN];
    for (int i = 0; i < RUN; i++) {
        int divisor = plate[i] > 0 ? plate[i] : 1;
        value[i] = (int)((float)(RATIO_ONE * picture[i] + plate[i] / 2) / (float)divisor);
    }
    for (int i = 0; i < pixels; i++) {
        bool told = known[i] && plate[i] >= DARK && value[i] < NO_RATIO;
        ratio[i] = (uint8_t)(told ? value[i] : NO_RATIO);
    }
}

// Some pixels, from number `first` on.
static void compare_run(const struct comparison *c, int first, int pixels)
{
    planes picture = {{0}}, plate = {{0}};
    uint8_t known[RUN], packed[3 * RUN];
    const uint8_t *const from[2] = {c->picture + 3 * first, c->plate + 3 * first};
    uint8_t *const to[2] = {picture[0], plate[0]};
    for (int i = 0; i < 2; i++) {
        if (pixels < RUN) {
            memset(packed, 0, sizeof packed);
            memcpy(packed, from[i], 3 * (size_t)pixels);
        }
        ifl_pixel_kernels()->split(pixels < RUN ? packed : from[i], RUN, to[i]);
    }
    find_luma((const uint8_t(*)[RUN])picture, pixels, c->luma[0] + first);
    find_luma((const uint8_t(*)[RUN])plate, pixels, c->luma[1] + first);
    find_known((const uint8_t(*)[RUN])picture, known);
    for (int k = 0; k < 3; k++)
        find_ratios(picture[k], plate[k], known, pixels, c->ratio[k] + first);
}

// What a ratio may be: from `low` to `span` above.
struct range {
    uint8_t low, span;
};

static struct range range_of(const struct window *window, int k)
{
    int low = window->middle[k] - window->reach[k], high = window->middle[k] + window->reach[k];
    low = low > 0 ? low : 0;
    high = high < NO_RATIO ? high : NO_RATIO;
    return (struct range){(uint8_t)low, (uint8_t)(high - low)};
}

static inline int is_in(struct range range, uint8_t ratio)
{
    return (uint8_t)(ratio - range.low) <= range.span;
}

// In every channel that says something; in green at least.
static void follow_row(const uint8_t *restrict red, const uint8_t *restrict green,
                       const uint8_t *restrict blue, const struct range range[3], int count,
                       uint8_t *restrict follows)
{
    const struct range of_red = range[0], of_green = range[1], of_blue = range[2];
    for (int i = 0; i < count; i++)
        follows[i] = is_in(of_green, green[i]) & ((red[i] == NO_RATIO) | is_in(of_red, red[i])) &
                     ((blue[i] == NO_RATIO) | is_in(of_blue, blue[i]));
}

// Which pixels of the window, and right around it, have its ratio.
static void find_followers(const struct comparison *c, const struct window *window)
{
    const struct range range[3] = {range_of(window, 0), range_of(window, 1), range_of(window, 2)};
    int left = window->x > 0 ? window->x - 1 : 0, top = window->y > 0 ? window->y - 1 : 0;
    int bottom = window->bottom < c->height ? window->bottom + 1 : c->height;
    int right = window->right < c->width ? window->right + 1 : c->width;
    for (int y = top; y < bottom; y++) {
        int at = y * c->width + left;
        follow_row(c->ratio[0] + at, c->ratio[1] + at, c->ratio[2] + at, range, right - left,
                   c->follows + at);
    }
}

static int pixels_of(const struct window *window)
{
    return (window->right - window->x) * (window->bottom - window->y);
}

// The median ratio of a channel; returns how many pixels of the window have one.
static int find_middle(const struct comparison *c, struct window *window, int k)
{
    int histogram[NO_RATIO + 1] = {0}, seen = 0, at = 0;
    for (int y = window->y; y < window->bottom; y++)
        for (int x = window->x; x < window->right; x++)
            histogram[c->ratio[k][y * c->width + x]]++;
    int count = pixels_of(window) - histogram[NO_RATIO];
    while (at < NO_RATIO && 2 * (seen += histogram[at]) < count)
        at++;
    window->middle[k] = at;
    window->reach[k] = at / 8 > 4 ? at / 8 : 4;
    return count;
}

// Sums over the pixels that follow the window's ratio.
struct sums {
    int pixels, inner;
    int picture[3], plate[3];
    int64_t self, plate_self, cross; // of Laplacians of luma
};

static int laplacian(const int16_t *luma, int width, int at)
{
    return 4 * luma[at] - luma[at - 1] - luma[at + 1] - luma[at - width] - luma[at + width];
}

static void add_texture(const struct comparison *c, int at, struct sums *sums)
{
    const uint8_t *follows = c->follows + at;
    if (!(follows[-1] & follows[1] & follows[-c->width] & follows[c->width]))
        return;
    int own = laplacian(c->luma[0], c->width, at), plate = laplacian(c->luma[1], c->width, at);
    sums->self += own * own;
    sums->plate_self += plate * plate;
    sums->cross += own * plate;
    sums->inner++;
}

static void add_up(const struct comparison *c, const struct window *window, struct sums *sums)
{
    *sums = (struct sums){0};
    for (int y = window->y; y < window->bottom; y++)
        for (int x = window->x; x < window->right; x++) {
            int at = y * c->width + x;
            if (!c->follows[at])
                continue;
            sums->pixels++;
            for (int k = 0; k < 3; k++) {
                sums->picture[k] += c->picture[3 * at + k];
                sums->plate[k] += c->plate[3 * at + k];
            }
            if (x > 0 && y > 0 && x + 1 < c->width && y + 1 < c->height)
                add_texture(c, at, sums);
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

// Returns by how many grey levels the window is off, or -1: it says nothing.
static int fit_window(const struct comparison *c, struct window *window, int16_t gain[3])
{
    struct sums sums;
    int most = 0;
    for (int k = 0; k < 3; k++)
        if (find_middle(c, window, k) < PIXELS_LEAST && k == 1)
            return -1;
    find_followers(c, window);
    add_up(c, window, &sums);
    if (2 * sums.pixels < pixels_of(window) || !is_plate(&sums))
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

// A tile, or the window of its size around a cell.
static struct window tile_at(const struct comparison *c, int down, int across)
{
    return (struct window){.x = across * c->width / IFL_LIGHT_TILES_ACROSS,
                           .right = (across + 1) * c->width / IFL_LIGHT_TILES_ACROSS,
                           .y = down * c->height / IFL_LIGHT_TILES_DOWN,
                           .bottom = (down + 1) * c->height / IFL_LIGHT_TILES_DOWN};
}

// The part of `size` from half a cell before the cell to half a cell behind it.
static void surround(int at, int cells, int size, int *first, int *end)
{
    int from = (2 * at - 1) * size / (2 * cells), to = (2 * at + 3) * size / (2 * cells);
    *first = from > 0 ? from : 0;
    *end = to < size ? to : size;
}

static struct window window_at(const struct comparison *c, int down, int across)
{
    struct window window = {0};
    surround(across, IFL_LIGHT_ACROSS, c->width, &window.x, &window.right);
    surround(down, IFL_LIGHT_DOWN, c->height, &window.y, &window.bottom);
    return window;
}

typedef bool known_cells[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS];

// Gives a cell the mean of its neighbours that have a value; false: none has.
static bool fill_cell(const struct ifl_local_light *light, known_cells has, int down, int across,
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
static void fill_rest(struct ifl_local_light *light, known_cells has)
{
    bool next[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS], missing = true;
    for (int ring = 0; missing && ring < IFL_LIGHT_DOWN + IFL_LIGHT_ACROSS; ring++) {
        missing = false;
        memcpy(next, has, sizeof next);
        for (int y = 0; y < IFL_LIGHT_DOWN; y++)
            for (int x = 0; x < IFL_LIGHT_ACROSS; x++)
                if (!has[y][x]) {
                    next[y][x] = fill_cell(light, has, y, x, light->cell[y][x]);
                    missing = true;
                }
        memcpy(has, next, sizeof next);
    }
}

static bool prepare(const uint8_t *picture, const uint8_t *plate, int width, int height,
                    void *scratch, struct comparison *c)
{
    int pixels = width * height;
    if (width < 4 * IFL_LIGHT_TILES_ACROSS || height < 4 * IFL_LIGHT_TILES_DOWN)
        return false;
    *c = (struct comparison){.width = width, .height = height, .picture = picture, .plate = plate};
    c->luma[0] = scratch;
    c->luma[1] = c->luma[0] + pixels;
    for (int k = 0; k < 3; k++)
        c->ratio[k] = (uint8_t *)(c->luma[1] + pixels) + k * pixels;
    c->follows = c->ratio[2] + pixels;
    for (int first = 0; first < pixels; first += RUN)
        compare_run(c, first, pixels - first < RUN ? pixels - first : RUN);
    return true;
}

static void look(const struct comparison *c, struct ifl_light_evidence *evidence)
{
    int off = 0;
    for (int y = 0; y < IFL_LIGHT_TILES_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_TILES_ACROSS; x++) {
            struct window tile = tile_at(c, y, x);
            int levels = fit_window(c, &tile, evidence->tile[y][x]);
            evidence->known[y][x] = levels >= 0;
            evidence->tiles += levels >= 0;
            off += (levels >= SEEN_LEVELS) + (levels >= 2 * SEEN_LEVELS);
        }
    evidence->is_uniform = evidence->tiles < TILES_LEAST || off < SEEN_TILES;
}

void ifl_local_light_look(const uint8_t *picture, const uint8_t *plate, int width, int height,
                          void *scratch, struct ifl_light_evidence *evidence)
{
    struct comparison c;
    *evidence = (struct ifl_light_evidence){.is_uniform = true};
    if (prepare(picture, plate, width, height, scratch, &c))
        look(&c, evidence);
}

bool ifl_local_light_fit(const uint8_t *picture, const uint8_t *plate, int width, int height,
                         void *scratch, struct ifl_local_light *light)
{
    struct comparison c;
    struct ifl_light_evidence evidence = {.is_uniform = true};
    bool has[IFL_LIGHT_DOWN][IFL_LIGHT_ACROSS];
    memset(light, 0, sizeof *light);
    if (prepare(picture, plate, width, height, scratch, &c))
        look(&c, &evidence);
    if (evidence.is_uniform)
        return false;
    for (int y = 0; y < IFL_LIGHT_DOWN; y++)
        for (int x = 0; x < IFL_LIGHT_ACROSS; x++) {
            struct window window = window_at(&c, y, x);
            has[y][x] = fit_window(&c, &window, light->cell[y][x]) >= 0;
        }
    fill_rest(light, has);
    return true;
}

bool ifl_local_light_is_uniform(const struct ifl_local_light *light)
{
    static const struct ifl_local_light uniform;
    return memcmp(light, &uniform, sizeof uniform) == 0;
}

// The gain of a tile: the mean of its cells.
static int tile_of(const struct ifl_local_light *light, int down, int across, int k)
{
    const int16_t(*upper)[3] = &light->cell[2 * down][2 * across];
    const int16_t(*lower)[3] = &light->cell[2 * down + 1][2 * across];
    return ONE + (upper[0][k] + upper[1][k] + lower[0][k] + lower[1][k]) / 4;
}

bool ifl_local_light_is_like(const struct ifl_local_light *a, const struct ifl_local_light *b)
{
    for (int k = 0; k < 3; k++) {
        int low = INT_MAX, high = 0;
        for (int i = 0; i < TILES; i++) {
            int y = i / IFL_LIGHT_TILES_ACROSS, x = i % IFL_LIGHT_TILES_ACROSS;
            int ratio = tile_of(a, y, x, k) * ONE / tile_of(b, y, x, k);
            low = ratio < low ? ratio : low;
            high = ratio > high ? ratio : high;
            if (100 * (high - low) > LIKE_PERCENT * low)
                return false;
        }
    }
    return true;
}

int ifl_local_light_distance(const struct ifl_light_evidence *evidence,
                             const struct ifl_local_light *light)
{
    int distance = 0;
    for (int k = 0; k < 3 && evidence->tiles > 0; k++) {
        int ratio[TILES], count = 0, mean = 0, sum = 0;
        for (int y = 0; y < IFL_LIGHT_TILES_DOWN; y++)
            for (int x = 0; x < IFL_LIGHT_TILES_ACROSS; x++)
                if (evidence->known[y][x])
                    ratio[count++] =
                        (ONE + evidence->tile[y][x][k]) * ONE / tile_of(light, y, x, k);
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
