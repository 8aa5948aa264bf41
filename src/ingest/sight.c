// SPDX-License-Identifier: Apache-2.0
#include "ingest/sight.h"

#include <limits.h>
#include <stdlib.h>

#include "kernels/scale.h"

enum {
    SIDE = IFL_SIGHT_SIDE,
    TILE = IFL_SIGHT_SIDE / IFL_SIGHT_TILES,
    GREY = 130,      // limited 128, as full range
    GREY_SPREAD = 4, // a scene that is as flat as this has a lens before it
    GREY_PIXELS =
        100,  // of a row; the rest is what concealment shows of movement that is called grey
    BAND = 8, // rows whose place is looked for together
    BANDS = IFL_SIGHT_SIDE / BAND,
    TEAR_LEAST = 5, // samples they must be set off
    TEAR_MOST = 40,
};

static int clamp(int value)
{
    return value < 0 ? 0 : value >= SIDE ? SIDE - 1 : value;
}

static void take_gradients(struct ifl_sight *sight)
{
    float sum[IFL_SIGHT_TILES * IFL_SIGHT_TILES] = {0};
    double all = 0;
    for (int y = 0; y < SIDE; y++) {
        const uint8_t *row = sight->luma + y * SIDE;
        const uint8_t *above = sight->luma + clamp(y - 1) * SIDE;
        const uint8_t *below = sight->luma + clamp(y + 1) * SIDE;
        for (int x = 0; x < SIDE; x++) {
            int across = row[clamp(x + 1)] - row[clamp(x - 1)], down = below[x] - above[x];
            int edge = abs(across) + abs(down);
            sight->edges[y * SIDE + x] = (uint8_t)(edge > 255 ? 255 : edge);
            sum[y / TILE * IFL_SIGHT_TILES + x / TILE] += (float)(across * across + down * down);
        }
    }
    for (int i = 0; i < IFL_SIGHT_TILES * IFL_SIGHT_TILES; i++) {
        sight->energy[i] = sum[i] / (TILE * TILE);
        all += (double)sight->energy[i];
    }
    sight->energy_mean = all / (IFL_SIGHT_TILES * IFL_SIGHT_TILES);
}

static void take_sharpness(struct ifl_sight *sight)
{
    int64_t sum = 0, squares = 0, laplacian = 0;
    for (int y = 1; y < SIDE - 1; y++)
        for (int x = 1; x < SIDE - 1; x++) {
            const uint8_t *at = sight->luma + y * SIDE + x;
            int second = at[-1] + at[1] + at[-SIDE] + at[SIDE] - 4 * at[0];
            laplacian += second * second;
            sum += at[0];
            squares += at[0] * at[0];
        }
    double pixels = (SIDE - 2) * (SIDE - 2), mean = (double)sum / pixels;
    double variance = (double)squares / pixels - mean * mean;
    sight->sharpness = (double)laplacian / pixels / (variance + 16);
}

static bool is_grey(const uint8_t *row)
{
    int grey = 0;
    for (int x = 0; x < SIDE; x++)
        grey += abs(row[x] - GREY) <= GREY_SPREAD;
    return grey >= GREY_PIXELS;
}

static void take_grey(struct ifl_sight *sight)
{
    int upper = 0, lower = 0;
    while (upper < SIDE && is_grey(sight->luma + upper * SIDE))
        upper++;
    while (lower < SIDE - upper && is_grey(sight->luma + (SIDE - 1 - lower) * SIDE))
        lower++;
    sight->grey_share = (double)(upper > lower ? upper : lower) / SIDE;
}

void ifl_sight_take(struct ifl_sight *sight, const struct ifl_plane *plane)
{
    ifl_scale_area(plane->y, plane->width, plane->height, plane->width, sight->luma, SIDE, SIDE,
                   SIDE, 1);
    take_gradients(sight);
    take_sharpness(sight);
    take_grey(sight);
}

enum place { SOMEWHERE, UPRIGHT, SET_OFF };

struct placed { // the bands, from above
    enum place place[BANDS];
    int offset[BANDS];
};

// Where rows [top, top + BAND) of the edges stand against the usual ones. UPRIGHT and SET_OFF are
// said only where that place fits far better than others do.
static enum place place_band(const struct ifl_sight *sight, const uint8_t *usual, int top,
                             int *offset)
{
    int best_sum = INT_MAX, still = 0;
    int64_t all = 0;
    for (int at = -TEAR_MOST; at <= TEAR_MOST; at++) {
        int sum = 0; // of the columns that have a partner at every offset
        for (int y = top; y < top + BAND; y++) {
            const uint8_t *now = sight->edges + y * SIDE + TEAR_MOST, *was = usual + y * SIDE;
            for (int x = 0; x < SIDE - 2 * TEAR_MOST; x++)
                sum += abs(now[x] - was[x + TEAR_MOST + at]);
        }
        all += sum;
        still = at == 0 ? sum : still;
        *offset = sum < best_sum ? at : *offset;
        best_sum = sum < best_sum ? sum : best_sum;
    }
    if (10.0 * best_sum * (2 * TEAR_MOST + 1) >= (double)all * 7)
        return SOMEWHERE;
    if (abs(*offset) < TEAR_LEAST)
        return UPRIGHT;
    return best_sum * 10 < still * 6 ? SET_OFF : SOMEWHERE;
}

static void place_bands(const struct ifl_sight *sight, const uint8_t *usual, struct placed *placed)
{
    *placed = (struct placed){0};
    for (int band = 0; band < BANDS; band++)
        placed->place[band] = place_band(sight, usual, band * BAND, &placed->offset[band]);
}

static bool is_set_off_with_next(const struct placed *placed, int band)
{
    return placed->place[band] == SET_OFF && placed->place[band + 1] == SET_OFF &&
           abs(placed->offset[band] - placed->offset[band + 1]) <= 1;
}

// The first band of two that are set off together, below at least two that stand; or -1.
static int find_tear(const struct placed *placed)
{
    int upright = 0;
    for (int band = 0; band + 1 < BANDS; band++) {
        bool set_off = is_set_off_with_next(placed, band);
        if (set_off)
            return upright >= 2 ? band : -1; // else the whole picture has moved
        upright += placed->place[band] == UPRIGHT;
    }
    return -1;
}

// What moves comes bit by bit to where it is set off: it stands as in the picture before.
static int find_tear_from_usual(const struct ifl_sight *sight, const uint8_t *usual,
                                const uint8_t *before)
{
    struct placed placed;
    int offset = 0;
    place_bands(sight, usual, &placed);
    int first = find_tear(&placed);
    for (int band = first; band >= 0 && band <= first + 1; band++)
        if (place_band(sight, before, band * BAND, &offset) == UPRIGHT)
            return -1;
    return first;
}

// What moves fast is set off from the picture before; a tear goes on down to the last row.
static int find_tear_since(const struct ifl_sight *sight, const uint8_t *before)
{
    struct placed placed;
    int last = BANDS - 1;
    if (place_band(sight, before, last * BAND, &placed.offset[last]) != SET_OFF)
        return -1;
    place_bands(sight, before, &placed);
    int first = find_tear(&placed);
    for (int band = first; band >= 0 && band < BANDS; band++)
        if (placed.place[band] != SET_OFF || abs(placed.offset[band] - placed.offset[first]) > 2)
            return -1;
    return first;
}

int ifl_sight_tear(const struct ifl_sight *sight, const float usual_edges[SIDE * SIDE],
                   const uint8_t edges_before[SIDE * SIDE])
{
    uint8_t usual[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        usual[i] = (uint8_t)usual_edges[i];
    int band = find_tear_from_usual(sight, usual, edges_before);
    if (band < 0)
        band = find_tear_since(sight, edges_before);
    return band < 0 ? -1 : band * BAND;
}
