// SPDX-License-Identifier: Apache-2.0
#include "profile/segment.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

// What a pixel is before components are made.
enum { PLATE = 0, SHADOW = 1, WEAK = 2, STRONG = 3 };

enum {
    WEAK_LEVELS = 9,    // grey levels beyond which a difference may be an object
    STRONG_LEVELS = 20, // and beyond which it surely is one
    BRIDGE_UP = 3,      // pixels that an object may span between two of its parts in a column
    PIECE_STRONG = 4,   // strong pixels of the least piece of an object
    BLOBS_MAX = 1024,
    BAND = 8,           // rows that are compared with the plate together
    MARGIN = BRIDGE_UP, // around the flags whose neighbours are looked at
};

// A connected piece of the mask.
struct blob {
    int left, right, top, bottom, area, strong;
    int number; // of its first run
};

// From `left` to before `right` of a row, and what it belongs to.
struct run {
    int row, left, right;
    int parent; // the first run that it is connected to
    // Of all those connected to it, where it is the first:
    int area, strong;      // pixels
    int west, east, south; // columns from west to before east, down to row south
    bool open;             // one of them touches the picture's border
    uint8_t label;
};

struct ifl_segmenter {
    int width, height, area_min;
    struct blob *list;   // BLOBS_MAX
    int16_t *difference; // BAND rows of 3 channels
    int16_t *across;     // BAND + 2 rows, smoothed across, in turn
    uint16_t *strength;  // of each difference of a row
    uint8_t *flag;       // a row
    uint8_t *kind, *mask;
    uint8_t *framed; // a mask with MARGIN zeros on every side
    struct run *run;
};

int ifl_segment_area_min(int width, int height)
{
    int area = (int)(0.0006 * width * height + 0.5);
    return area < 4 ? 4 : area;
}

static size_t framed_width(const struct ifl_segmenter *s)
{
    return (size_t)s->width + 2 * MARGIN;
}

struct ifl_segmenter *ifl_segmenter_create(int width, int height)
{
    struct ifl_segmenter *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    size_t columns = (size_t)width, pixels = columns * (size_t)height;
    s->width = width;
    s->height = height;
    s->area_min = ifl_segment_area_min(width, height);
    s->difference = malloc(3 * columns * BAND * sizeof *s->difference);
    s->across = malloc(3 * columns * (BAND + 2) * sizeof *s->across);
    s->strength = malloc(columns * sizeof *s->strength);
    s->flag = malloc(columns);
    s->kind = malloc(pixels);
    s->mask = malloc(pixels);
    s->framed = calloc(framed_width(s), (size_t)height + 2 * MARGIN);
    s->list = malloc(BLOBS_MAX * sizeof *s->list);
    s->run = malloc((columns / 2 + 1) * (size_t)height * sizeof *s->run);
    if (s->run && s->strength && s->difference && s->across && s->flag && s->kind && s->mask &&
        s->framed && s->list)
        return s;
    ifl_segmenter_destroy(s);
    return NULL;
}

void ifl_segmenter_destroy(struct ifl_segmenter *s)
{
    if (!s)
        return;
    free(s->difference);
    free(s->across);
    free(s->strength);
    free(s->flag);
    free(s->kind);
    free(s->mask);
    free(s->framed);
    free(s->list);
    free(s->run);
    free(s);
}

// Darker by a factor of 0.5..1, the same one in all channels; on ground that has a colour of its
// own the match may be looser, as clothes seldom have that colour.
static int is_shadow(const int16_t *d, const uint8_t *plate, int slack)
{
    int light = plate[0] + plate[1] + plate[2], change = d[0] + d[1] + d[2];
    int most = plate[0] > plate[1] ? plate[0] : plate[1];
    int least = plate[0] < plate[1] ? plate[0] : plate[1];
    most = most > plate[2] ? most : plate[2];
    least = least < plate[2] ? least : plate[2];
    int coloured = (most - least) * 6 > light; // spread above half of the mean
    if (change >= 0 || light < 60 || -change * 2 > light)
        return 0;
    slack += coloured ? 3 : 0;
    for (int c = 0; c < 3; c++)
        if (abs(d[c] * light - change * plate[c]) > slack * light)
            return 0;
    return 1;
}

// How many flags from here on are 0, by eights.
static int skip_zeros(const uint8_t *flag, int count)
{
    int at = 0;
    for (uint64_t eight; at + 8 <= count; at += 8) {
        memcpy(&eight, flag + at, 8);
        if (eight)
            break;
    }
    return at;
}

static void flag_from(const uint8_t *restrict kind, int least, int count, uint8_t *restrict flag)
{
    for (int i = 0; i < count; i++)
        flag[i] = kind[i] >= least;
}

static void flag_unlike(const uint8_t *restrict kind, int other, int count, uint8_t *restrict flag)
{
    for (int i = 0; i < count; i++)
        flag[i] = kind[i] != other;
}

static int16_t *across_row(const struct ifl_segmenter *s, int y)
{
    y = y < 0 ? 0 : y < s->height ? y : s->height - 1; // edges repeat
    return s->across + (ptrdiff_t)(y % (BAND + 2)) * 3 * s->width;
}

static void classify_row(const struct ifl_segmenter *s, const struct ifl_segment_input *input,
                         int y)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    int width = s->width;
    ptrdiff_t row = (ptrdiff_t)y * width;
    const uint8_t *plate = input->plate + 3 * row, *noises = input->noise + row;
    uint8_t *kind = s->kind + row;
    kernels->smooth_down(across_row(s, y - 1), across_row(s, y), across_row(s, y + 1), 3 * width,
                         s->difference);
    kernels->strengths(s->difference, width, s->strength);
    kernels->strong(s->strength, noises, WEAK_LEVELS, width, s->flag); // beyond four sigma
    memset(kind, PLATE, (size_t)width);
    for (int i = skip_zeros(s->flag, width); i < width; i++) { // most of a picture is ground
        int noise = noises[i] / 2;
        if (!s->flag[i]) {
            i += skip_zeros(s->flag + i + 1, width - i - 1);
            continue;
        }
        bool shadow = is_shadow(s->difference + 3 * i, plate + 3 * i, 3 + noise / 4);
        kind[i] = shadow ? SHADOW : s->strength[i] < STRONG_LEVELS + 2 * noise ? WEAK : STRONG;
    }
}

// The difference is smoothed by (1 2 1)^2 / 16: noise falls to 3/8, edges move by less than a
// pixel. Some rows at a time, so that they stay in the nearest cache.
static void classify(const struct ifl_segmenter *s, const struct ifl_segment_input *input)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    int samples = 3 * s->width;
    for (int y = 0; y < s->height; y += BAND) {
        int rows = s->height - y < BAND ? s->height - y : BAND;
        kernels->subtract(input->rgb + (ptrdiff_t)y * samples,
                          input->plate + (ptrdiff_t)y * samples, input->low, input->high,
                          rows * samples, s->difference);
        for (int r = 0; r < rows; r++)
            kernels->smooth_across(s->difference + (ptrdiff_t)r * samples, s->width,
                                   across_row(s, y + r));
        for (int done = y > 0 ? y - 1 : 0; done < y + rows - 1; done++)
            classify_row(s, input, done);
    }
    classify_row(s, input, s->height - 1);
}

// Row `y` of the framed mask.
static uint8_t *framed_row(const struct ifl_segmenter *s, int y)
{
    return s->framed + (size_t)(y + MARGIN) * framed_width(s) + MARGIN;
}

static void frame_mask(const struct ifl_segmenter *s)
{
    for (int y = 0; y < s->height; y++)
        memcpy(framed_row(s, y), s->mask + (ptrdiff_t)y * s->width, (size_t)s->width);
}

static void bridge_gaps(const struct ifl_segmenter *s)
{
    frame_mask(s);
    for (int y = 0; y < s->height; y++)
        ifl_pixel_kernels()->bridge(framed_row(s, y), (int)framed_width(s), s->width,
                                    s->mask + (ptrdiff_t)y * s->width);
}

static int first_run(struct run *run, int i)
{
    while (run[i].parent != i)
        i = run[i].parent = run[run[i].parent].parent;
    return i;
}

static void join_runs(struct run *run, int a, int b)
{
    a = first_run(run, a);
    b = first_run(run, b);
    if (a == b)
        return;
    struct run *first = &run[a < b ? a : b], *other = &run[a < b ? b : a];
    other->parent = first->parent;
    first->area += other->area;
    first->strong += other->strong;
    first->west = first->west < other->west ? first->west : other->west;
    first->east = first->east > other->east ? first->east : other->east;
    first->south = first->south > other->south ? first->south : other->south;
    first->open |= other->open;
}

// The runs of `value` in one row of the mask, from number `count` on; returns the number behind the
// last one.
static int find_runs(const struct ifl_segmenter *s, int value, int y, int count)
{
    const uint8_t *mask = s->mask + (ptrdiff_t)y * s->width, *end = mask + s->width;
    const uint8_t *kind = s->kind + (ptrdiff_t)y * s->width;
    bool edge = y == 0 || y == s->height - 1;
    for (const uint8_t *at = mask; at < end && (at = memchr(at, value, (size_t)(end - at)));) {
        const uint8_t *stop = memchr(at, !value, (size_t)(end - at));
        stop = stop ? stop : end;
        int left = (int)(at - mask), right = (int)(stop - mask), strong = 0;
        for (int x = left; value && x < right; x++)
            strong += kind[x] == STRONG;
        s->run[count] = (struct run){.row = y,
                                     .left = left,
                                     .right = right,
                                     .parent = count,
                                     .area = right - left,
                                     .strong = strong,
                                     .west = left,
                                     .east = right,
                                     .south = y,
                                     .open = edge || at == mask || stop == end};
        count++;
        at = stop;
    }
    return count;
}

// Connects the runs of a row (from `from` to before `behind`) with those of the row above.
static void join_rows(struct run *run, int above, int from, int behind, bool corners)
{
    for (int i = above, k = from; i < from && k < behind;) {
        if (run[i].left < run[k].right + corners && run[k].left < run[i].right + corners)
            join_runs(run, i, k);
        if (run[i].right < run[k].right)
            i++;
        else
            k++;
    }
}

// All runs of `value`; those that touch, also by a corner if wanted, are connected. Returns how
// many.
static int connect(const struct ifl_segmenter *s, int value, bool corners)
{
    int above = 0, from = 0, count = 0;
    for (int y = 0; y < s->height; y++, above = from, from = count) {
        count = find_runs(s, value, y, from);
        join_rows(s->run, above, from, count, corners);
    }
    return count;
}

static void set_run(const struct ifl_segmenter *s, uint8_t *to, const struct run *run, int value)
{
    memset(to + (ptrdiff_t)run->row * s->width + run->left, value,
           (size_t)(run->right - run->left));
}

// A hole is what the border of the picture cannot reach; large ones are ground among people.
static void fill_holes(const struct ifl_segmenter *s)
{
    int hole_max = s->width * s->height / 200, count = connect(s, 0, false);
    for (int i = 0; i < count; i++) {
        const struct run *first = &s->run[first_run(s->run, i)];
        if (!first->open && first->area <= hole_max)
            set_run(s, s->mask, &s->run[i], 1);
    }
}

// Keeps weak pixels only where strong ones are connected to them.
static void hysteresis(const struct ifl_segmenter *s)
{
    flag_from(s->kind, WEAK, s->width * s->height, s->mask);
    bridge_gaps(s);
    int count = connect(s, 1, true);
    for (int i = 0; i < count; i++)
        if (s->run[first_run(s->run, i)].strong * 4 < s->area_min)
            set_run(s, s->mask, &s->run[i], 0);
}

// One pixel of margin where there is still some difference: hair, feet, the soft outline.
static void grow(const struct ifl_segmenter *s)
{
    frame_mask(s);
    for (int y = 0; y < s->height; y++) {
        ptrdiff_t row = (ptrdiff_t)y * s->width;
        flag_unlike(s->kind + row, SHADOW, s->width, s->flag);
        ifl_pixel_kernels()->grow(framed_row(s, y), (int)framed_width(s), s->flag, s->width,
                                  s->mask + row);
    }
}

// Adds the blob to `list`; where it is full, the smallest gives way.
static int keep_largest(struct blob *list, int count, int most, const struct blob *blob)
{
    int least = 0;
    if (count < most) {
        list[count] = *blob;
        return count + 1;
    }
    for (int i = 1; i < count; i++)
        if (list[i].area < list[least].area)
            least = i;
    if (list[least].area < blob->area)
        list[least] = *blob;
    return count;
}

// Something stands before it (a pole, a sign), or a part has the ground's colour: a small piece
// right above or below belongs to what it is above or below of.
static int is_piece_of(const struct blob *piece, const struct blob *whole, int area_min)
{
    int left = piece->left > whole->left - 1 ? piece->left : whole->left - 1;
    int right = piece->right < whole->right + 1 ? piece->right : whole->right + 1;
    int above = whole->top - piece->bottom, below = piece->top - whole->bottom;
    int gap = (above > below ? above : below) - 1;
    int reach = piece->area < area_min ? (whole->bottom - whole->top + 1) / 2 : BRIDGE_UP;
    return piece != whole && piece->area * 2 < whole->area && gap <= reach &&
           2 * (right - left + 1) > piece->right - piece->left + 1;
}

static struct ifl_component component_of(const struct ifl_segmenter *s, const struct blob *blob)
{
    unsigned edges = (blob->left == 0 ? IFL_EDGE_LEFT : 0u) | (blob->top == 0 ? IFL_EDGE_TOP : 0u) |
                     (blob->right == s->width - 1 ? IFL_EDGE_RIGHT : 0u) |
                     (blob->bottom == s->height - 1 ? IFL_EDGE_BOTTOM : 0u);
    return (struct ifl_component){.x = blob->left,
                                  .y = blob->top,
                                  .width = blob->right - blob->left + 1,
                                  .height = blob->bottom - blob->top + 1,
                                  .area = blob->area,
                                  .edges = edges};
}

static void absorb(struct blob *whole, const struct blob *piece)
{
    whole->left = piece->left < whole->left ? piece->left : whole->left;
    whole->right = piece->right > whole->right ? piece->right : whole->right;
    whole->top = piece->top < whole->top ? piece->top : whole->top;
    whole->bottom = piece->bottom > whole->bottom ? piece->bottom : whole->bottom;
    whole->area += piece->area;
}

static int find_blobs(struct ifl_segmenter *s, int runs)
{
    int count = 0;
    for (int i = 0; i < runs; i++) {
        const struct run *run = &s->run[i];
        if (run->parent != i || run->strong < PIECE_STRONG)
            continue;
        struct blob blob = {run->west, run->east - 1, run->row, run->south,
                            run->area, run->strong,   i};
        count = keep_largest(s->list, count, BLOBS_MAX, &blob);
    }
    return count;
}

static int compare_blobs(const void *left, const void *right)
{
    const struct blob *a = left, *b = right;
    return a->area != b->area ? b->area - a->area : a->number - b->number;
}

// Components are the blobs that are large enough, with their pieces.
static int collect(struct ifl_segmenter *s, uint8_t *label, struct ifl_component *component)
{
    int runs = connect(s, 1, true), blobs = find_blobs(s, runs), found = 0;
    struct blob whole[IFL_COMPONENTS_MAX];
    memset(label, 0, (size_t)s->width * (size_t)s->height);
    qsort(s->list, (size_t)blobs, sizeof *s->list, compare_blobs);
    for (int b = 0; b < blobs; b++) {
        const struct blob *blob = &s->list[b];
        int to = -1;
        for (int w = 0; w < found && to < 0 && blob->area < 2 * s->area_min; w++)
            if (is_piece_of(blob, &whole[w], s->area_min))
                to = w;
        if (to >= 0) {
            absorb(&whole[to], blob);
        } else if (blob->area >= s->area_min && found < IFL_COMPONENTS_MAX) {
            to = found++;
            whole[to] = *blob;
        }
        s->run[blob->number].label = (uint8_t)(to + 1);
    }
    for (int i = 0; i < runs; i++) {
        int value = s->run[first_run(s->run, i)].label;
        if (value)
            set_run(s, label, &s->run[i], value);
    }
    for (int w = 0; w < found; w++)
        component[w] = component_of(s, &whole[w]);
    return found;
}

static int contrast(const uint8_t *a, const uint8_t *b)
{
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
}

// Pixels of a row with a label, beside one without.
static void flag_outline(const uint8_t *restrict label, int width, int from, int to,
                         uint8_t *restrict flag)
{
    const uint8_t *restrict up = label - width, *restrict down = label + width;
    for (int x = from; x < to; x++)
        flag[x] = (label[x] != 0) &
                  ((label[x - 1] == 0) | (label[x + 1] == 0) | (up[x] == 0) | (down[x] == 0));
}

// Edge strength of picture and plate across every outline. The mask reaches about two pixels beyond
// the true edge: the pixel inside is taken from well within.
static void find_ghosts(const struct ifl_segmenter *s, const struct ifl_segment_input *input,
                        const uint8_t *label, int count, uint8_t *ghost)
{
    enum { IN = 3 };
    int64_t picture[IFL_COMPONENTS_MAX] = {0}, plate[IFL_COMPONENTS_MAX] = {0};
    const int step[4] = {-1, 1, -s->width, s->width};
    for (int y = IN; y < s->height - IN; y++) {
        flag_outline(label + y * s->width, s->width, IN, s->width - IN, s->flag);
        for (int x = IN; x < s->width - IN; x++) {
            x += skip_zeros(s->flag + x, s->width - IN - x);
            if (x >= s->width - IN)
                break;
            int i = y * s->width + x, c = label[i];
            for (int n = 0; s->flag[x] && n < 4; n++) {
                int outside = i + step[n], inside = i - IN * step[n];
                if (label[outside] || label[inside] != c)
                    continue;
                picture[c - 1] += contrast(input->rgb + 3 * inside, input->rgb + 3 * outside);
                plate[c - 1] += contrast(input->plate + 3 * inside, input->plate + 3 * outside);
            }
        }
    }
    for (int c = 0; c < count; c++)
        ghost[c] = plate[c] > picture[c] + picture[c] / 2;
}

int ifl_segment(struct ifl_segmenter *s, const struct ifl_segment_input *input, uint8_t *label,
                struct ifl_component *component, uint8_t *ghost)
{
    classify(s, input);
    hysteresis(s);
    fill_holes(s);
    grow(s);
    int count = collect(s, label, component);
    if (ghost)
        find_ghosts(s, input, label, count, ghost);
    return count;
}
