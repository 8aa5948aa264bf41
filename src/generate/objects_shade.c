// SPDX-License-Identifier: Apache-2.0
// The shadow that objects of the stream cast on the ground, for those that are made anew. Learned:
// of each identity by how much the ground around it is darker than the plate, in cells that go with
// its height, the foot line in the middle, latest pictures first. Drawn: the mean of those who take
// no part in the slot, later ones weighing up to NEWEST times as much, none more than 1/k; where
// fewer than k know the ground of a cell (bodies hide it) there is the contact shadow that every
// object has.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

enum {
    SIGHTINGS_MAX = 12, // of an identity
    MARGIN = 2,         // pixels around objects that are not ground; below the feet one
    RIM = 2,            // columns at both ends that show the ground without shadow
    NEWEST = 4,
};

static const float WIDTH = 3, HEIGHT = 1.5f; // of all cells, by the object's height
static const float LEAST = 0.005f;           // what is less dark is no shadow

// What an identity's pictures show, added up.
struct tally {
    int sightings;
    float weight;
    float dark[SHADE_CELLS];
    uint8_t count[SHADE_CELLS];
};

// One picture of one object, by cells: R + G + B of their ground, added up.
struct sighting {
    int32_t plate[SHADE_CELLS], seen[SHADE_CELLS];
};

// Rows of the picture: where objects are or are near.
struct rows {
    uint8_t *taken;  // [width]
    uint8_t *merged; // [width + 2 * MARGIN]: labels of three rows
};

static void merge_row(uint8_t *restrict merged, const uint8_t *restrict label, int count)
{
    for (int i = 0; i < count; i++)
        merged[i] |= label[i];
}

static void find_taken(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                       int margin, int y, int left, int right, struct rows *rows)
{
    int from = left > margin ? left - margin : 0;
    int to = right + margin < objects->width ? right + margin : objects->width;
    uint8_t *merged = rows->merged + MARGIN, *taken = rows->taken;
    memset(merged + left - margin, 0, (size_t)(right - left + 2 * margin));
    for (int row = y - margin; row <= y + margin; row += margin)
        if (row >= 0 && row < objects->height)
            merge_row(merged + from, frame->label + (ptrdiff_t)row * objects->width + from,
                      to - from);
    for (int x = left; x < right; x++)
        taken[x] = merged[x - margin] | merged[x] | merged[x + margin];
}

static int cell_of(float along, float span, int cells)
{
    return (int)floorf((along / span + 0.5f) * (float)cells);
}

// Where each column of cells begins in [left, right), and where the last one ends.
static void list_columns(float foot_x, float size, int left, int right,
                         int start[SHADE_COLUMNS + 1])
{
    int column = 0;
    for (int x = left; x < right; x++) {
        int at = cell_of(((float)x + 0.5f - foot_x) / size, WIDTH, SHADE_COLUMNS);
        for (; column <= at && column <= SHADE_COLUMNS; column++)
            start[column] = x;
    }
    for (; column <= SHADE_COLUMNS; column++)
        start[column] = right;
}

static int32_t add_ground(const uint8_t *rgb, const uint8_t *taken, int count)
{
    int32_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += taken[i] ? 0 : rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2];
    return sum;
}

static void look(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                 const struct ifl_component *c, struct rows *rows, struct sighting *sighting)
{
    int base = objects->profile->levels - 1, start[SHADE_COLUMNS + 1];
    float foot_x = (float)c->x + (float)c->width / 2, foot_y = (float)(c->y + c->height);
    float size = (float)c->height;
    memset(sighting, 0, sizeof *sighting);
    int left = (int)(foot_x - size * WIDTH / 2), right = (int)(foot_x + size * WIDTH / 2);
    int top = (int)(foot_y - size * HEIGHT / 2), bottom = (int)(foot_y + size * HEIGHT / 2);
    left = left > 0 ? left : 0;
    right = right < objects->width ? right : objects->width;
    list_columns(foot_x, size, left, right, start);
    for (int y = top > 0 ? top : 0; y < bottom && y < objects->height; y++) {
        int row = cell_of(((float)y + 0.5f - foot_y) / size, HEIGHT, SHADE_ROWS);
        if (row < 0 || row >= SHADE_ROWS)
            continue;
        find_taken(objects, frame, (float)y < foot_y ? MARGIN : 1, y, left, right, rows);
        for (int column = 0; column < SHADE_COLUMNS; column++) {
            int x = start[column], count = start[column + 1] - x;
            ptrdiff_t at = ((ptrdiff_t)y * objects->width + x) * 3;
            int cell = row * SHADE_COLUMNS + column;
            sighting->plate[cell] +=
                add_ground(objects->profile->plate[base] + at, rows->taken + x, count);
            sighting->seen[cell] += add_ground(frame->level[base] + at, rows->taken + x, count);
        }
    }
}

static float darkening(const struct sighting *sighting, int cell)
{
    return 1 - (float)sighting->seen[cell] / (float)sighting->plate[cell];
}

// The light of a place may have changed as well: shadows are by how much it is darker than beside.
static void add_sighting(const struct sighting *sighting, struct tally *tally)
{
    float rim = 0, rims = 0;
    for (int cell = 0; cell < SHADE_CELLS; cell++) {
        int column = cell % SHADE_COLUMNS;
        if (sighting->plate[cell] > 0 && (column < RIM || column >= SHADE_COLUMNS - RIM)) {
            rim += darkening(sighting, cell);
            rims++;
        }
    }
    if (rims < SHADE_ROWS)
        return;
    for (int cell = 0; cell < SHADE_CELLS; cell++) {
        if (sighting->plate[cell] <= 0)
            continue;
        float dark = darkening(sighting, cell) - rim / rims;
        tally->dark[cell] += lesser(greater(dark, -0.2f), 0.7f);
        tally->count[cell]++;
    }
    tally->sightings++;
}

// Whether a component shows the whole of one object, its feet on the ground.
static bool is_whole(const struct ifl_objects *objects, const struct ifl_component *c,
                     const struct ifl_identity *identity)
{
    if (identity->kind == KIND_NONE || c->edges || !ifl_component_valid(objects, c))
        return false;
    float usual = ifl_kind_height(&objects->kind[identity->kind], (float)(c->y + c->height));
    float relative = (float)c->height / usual;
    return relative > 0.68f && relative < 1.4f;
}

static void see_frame(struct ifl_objects *objects, int f, struct rows *rows, struct tally *tally)
{
    const struct ifl_memory_frame *frame = objects->profile->memory[f];
    for (int i = 0; i < frame->components; i++) {
        const struct ifl_component *c = &frame->component[i];
        int identity = ifl_objects_find_identity(objects, c->event);
        if (identity < 0 || tally[identity].sightings == SIGHTINGS_MAX ||
            !is_whole(objects, c, &objects->identity[identity]))
            continue;
        struct sighting sighting;
        look(objects, frame, c, rows, &sighting);
        int before = tally[identity].sightings;
        add_sighting(&sighting, &tally[identity]);
        if (before == 0) // later frames come first
            tally[identity].weight =
                1 + (NEWEST - 1) * (float)(f + 1) / (float)objects->profile->memory_frames;
    }
}

enum ifl_result ifl_shade_learn(struct ifl_objects *objects, struct ifl_error *error)
{
    size_t identities = (size_t)objects->identities + 1;
    struct tally *tally = calloc(identities, sizeof *tally);
    size_t width = (size_t)objects->width;
    struct rows rows = {.taken = malloc(2 * width + 2 * MARGIN)};
    objects->shade = calloc(identities, sizeof *objects->shade);
    if (!tally || !rows.taken || !objects->shade) {
        free(tally);
        free(rows.taken);
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for shadows");
    }
    rows.merged = rows.taken + width;
    for (int f = objects->profile->memory_frames - 1; f >= 0; f--)
        see_frame(objects, f, &rows, tally);
    for (int i = 0; i < objects->identities; i++)
        for (int cell = 0; cell < SHADE_CELLS; cell++) {
            int count = tally[i].count[cell];
            float weight = count ? tally[i].weight : 0;
            objects->shade[i].weight[cell] = weight;
            objects->shade[i].dark[cell] = weight * tally[i].dark[cell] / (float)(count + !count);
        }
    free(rows.taken);
    free(tally);
    return IFL_OK;
}

float ifl_shade_contact(float along, float down)
{
    float dx = along / 0.22f, dy = (down + 0.025f) / 0.05f;
    float fade = 1 + 0.75f * dx * dx + 0.5f * dy * dy;
    bool near = fabsf(along) <= 0.44f && fabsf(down) <= 0.15f;
    return near ? 0.25f / (fade * fade) : 0;
}

// Sums over those who take part, for all cells: weights, and darkness times weight.
struct sums {
    float weight[SHADE_CELLS], dark[SHADE_CELLS], most[SHADE_CELLS];
};

static void add_identity(const struct ifl_shade *one, struct sums *sums)
{
    for (int cell = 0; cell < SHADE_CELLS; cell++) {
        sums->weight[cell] += one->weight[cell];
        sums->dark[cell] += one->dark[cell];
        sums->most[cell] = greater(sums->most[cell], one->weight[cell]);
    }
}

// (1 2 1) along rows (step 1) or columns, without minding the ends: nothing is drawn there.
static void smooth(float *restrict to, const float *restrict from, int step)
{
    memset(to, 0, SHADE_CELLS * sizeof *to);
    for (int cell = step; cell < SHADE_CELLS - step; cell++)
        to[cell] = from[cell - step] + 2 * from[cell] + from[cell + step];
}

static float contact_cell(int cell)
{
    float along = ((float)(cell % SHADE_COLUMNS) + 0.5f) / SHADE_COLUMNS - 0.5f;
    float down = ((float)(cell / SHADE_COLUMNS) + 0.5f) / SHADE_ROWS - 0.5f;
    return ifl_shade_contact(along * WIDTH, down * HEIGHT);
}

static bool at_end(int cell)
{
    int column = cell % SHADE_COLUMNS, row = cell / SHADE_COLUMNS;
    return column == 0 || row == 0 || column == SHADE_COLUMNS - 1 || row == SHADE_ROWS - 1;
}

static void measure_reach(struct ifl_shading *shading)
{
    float side = 0, depth = 0;
    for (int cell = 0; cell < SHADE_CELLS; cell++) {
        if (shading->dark[cell] <= 0)
            continue;
        side = greater(side, fabsf((float)(cell % SHADE_COLUMNS) + 0.5f - SHADE_COLUMNS / 2.0f));
        depth = greater(depth, fabsf((float)(cell / SHADE_COLUMNS) + 0.5f - SHADE_ROWS / 2.0f));
    }
    shading->side = (side + 1) * WIDTH / SHADE_COLUMNS;
    shading->depth = (depth + 1) * HEIGHT / SHADE_ROWS;
}

bool ifl_shade_blend(const struct ifl_objects *objects, enum ifl_kind_index kind,
                     const uint8_t *excluded, int k, struct ifl_shading *shading)
{
    struct sums sums = {0};
    float mean[SHADE_CELLS], is[SHADE_CELLS], means[SHADE_CELLS], weights[SHADE_CELLS];
    int known = 0;
    for (int i = 0; i < objects->identities; i++)
        if (!excluded[i] && objects->identity[i].kind == kind)
            add_identity(&objects->shade[i], &sums);
    for (int cell = 0; cell < SHADE_CELLS; cell++) {
        bool enough = sums.weight[cell] > 0 && sums.most[cell] * (float)k <= sums.weight[cell];
        is[cell] = enough ? 1 : 0;
        mean[cell] = enough ? sums.dark[cell] / sums.weight[cell] : 0;
        known += enough;
    }
    smooth(means, mean, 1);
    smooth(sums.dark, means, SHADE_COLUMNS);
    smooth(weights, is, 1);
    smooth(sums.weight, weights, SHADE_COLUMNS);
    for (int cell = 0; cell < SHADE_CELLS; cell++) {
        bool near = !at_end(cell) && sums.weight[cell] > 0;
        float seen = near ? greater(sums.dark[cell] / sums.weight[cell] - LEAST, 0) : 0;
        shading->dark[cell] = is[cell] > 0 ? seen : greater(seen, contact_cell(cell));
    }
    measure_reach(shading);
    return 2 * known >= SHADE_CELLS;
}

float ifl_shade_at(const struct ifl_shading *shading, float along, float down)
{
    float x = (along / WIDTH + 0.5f) * SHADE_COLUMNS - 0.5f;
    float y = (down / HEIGHT + 0.5f) * SHADE_ROWS - 0.5f;
    if (x < 0 || y < 0 || x >= SHADE_COLUMNS - 1 || y >= SHADE_ROWS - 1)
        return 0;
    int column = (int)x, row = (int)y;
    float fx = x - (float)column, fy = y - (float)row;
    const float *at = shading->dark + row * SHADE_COLUMNS + column;
    return (1 - fy) * ((1 - fx) * at[0] + fx * at[1]) +
           fy * ((1 - fx) * at[SHADE_COLUMNS] + fx * at[SHADE_COLUMNS + 1]);
}
