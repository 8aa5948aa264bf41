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
    BRIDGE_SIDE = 2,    // and in a row
    PIECE_STRONG = 4,   // strong pixels of the least piece of an object
    BLOBS_MAX = 1024,
};

// A connected piece of the mask.
struct blob {
    int left, right, top, bottom, area, strong;
    int number; // in s->blob
};

// Ground from `left` to before `right` of a row, and what it belongs to.
struct run {
    int row, left, right;
    int parent; // the first run that it is connected to
    int area;   // of all those connected to it, where it is the first
    bool open;  // one of them touches the picture's border
};

struct ifl_segmenter {
    int width, height, area_min;
    struct blob *list;   // BLOBS_MAX
    int16_t *difference; // 3 channels, smoothed
    uint8_t *kind, *mask, *spare;
    int *blob;  // per pixel: number of its blob + 1, or 0
    int *stack; // pixels still to visit
    struct run *run;
    uint16_t *strength; // of each pixel's difference
};

int ifl_segment_area_min(int width, int height)
{
    int area = (int)(0.0006 * width * height + 0.5);
    return area < 4 ? 4 : area;
}

struct ifl_segmenter *ifl_segmenter_create(int width, int height)
{
    struct ifl_segmenter *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    size_t pixels = (size_t)width * (size_t)height;
    s->width = width;
    s->height = height;
    s->area_min = ifl_segment_area_min(width, height);
    s->difference = malloc(2 * 3 * pixels * sizeof *s->difference);
    s->kind = malloc(pixels);
    s->mask = malloc(pixels);
    s->spare = malloc(pixels);
    s->blob = malloc(pixels * sizeof *s->blob);
    s->stack = malloc(pixels * sizeof *s->stack);
    s->list = malloc(BLOBS_MAX * sizeof *s->list);
    s->run = malloc((size_t)(width / 2 + 1) * (size_t)height * sizeof *s->run);
    s->strength = malloc(pixels * sizeof *s->strength);
    if (s->run && s->strength && s->difference && s->kind && s->mask && s->spare && s->blob &&
        s->stack && s->list)
        return s;
    ifl_segmenter_destroy(s);
    return NULL;
}

void ifl_segmenter_destroy(struct ifl_segmenter *s)
{
    if (!s)
        return;
    free(s->difference);
    free(s->kind);
    free(s->mask);
    free(s->spare);
    free(s->blob);
    free(s->stack);
    free(s->list);
    free(s->run);
    free(s->strength);
    free(s);
}

// The difference is smoothed by (1 2 1)^2 / 16: noise falls to 3/8, edges move by less than a
// pixel.
static void smooth(const struct ifl_segmenter *s)
{
    const struct ifl_pixel_kernels *kernels = ifl_pixel_kernels();
    int row = 3 * s->width;
    int16_t *once = s->difference + row * s->height;
    for (int y = 0; y < s->height; y++)
        kernels->smooth_across(s->difference + y * row, s->width, once + y * row);
    for (int y = 0; y < s->height; y++) {
        const int16_t *at = once + y * row;
        const int16_t *up = y > 0 ? at - row : at, *down = y + 1 < s->height ? at + row : at;
        kernels->smooth_down(up, at, down, row, s->difference + y * row);
    }
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

// Where there may be something: most of a picture is ground.
static void flag_weak(const uint16_t *restrict strength, const uint8_t *restrict noise, int count,
                      uint8_t *restrict flag)
{
    for (int i = 0; i < count; i++)
        flag[i] = strength[i] >= WEAK_LEVELS + noise[i] / 2; // four sigma
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

static void classify(const struct ifl_segmenter *s, const struct ifl_segment_input *input)
{
    int pixels = s->width * s->height;
    ifl_pixel_kernels()->strengths(s->difference, pixels, s->strength);
    flag_weak(s->strength, input->noise, pixels, s->spare);
    memset(s->kind, PLATE, (size_t)s->width * (size_t)s->height);
    for (int i = skip_zeros(s->spare, pixels); i < pixels; i++) {
        int size = s->strength[i], noise = input->noise[i] / 2;
        if (!s->spare[i]) {
            i += skip_zeros(s->spare + i + 1, pixels - i - 1);
            continue;
        }
        bool shadow = is_shadow(s->difference + 3 * i, input->plate + 3 * i, 3 + noise / 4);
        s->kind[i] = shadow ? SHADOW : size < STRONG_LEVELS + 2 * noise ? WEAK : STRONG;
    }
}

// Fills gaps of at most BRIDGE_SIDE pixels between two object pixels of a row.
static void bridge_row(const uint8_t *from, uint8_t *to, int count)
{
    int last = -1 - BRIDGE_SIDE;
    for (int i = skip_zeros(from, count); i < count; i++) {
        if (!from[i]) {
            i += skip_zeros(from + i + 1, count - i - 1);
            continue;
        }
        for (int j = last + 1; last >= 0 && i - last - 1 <= BRIDGE_SIDE && j < i; j++)
            to[j] = 1;
        last = i;
    }
}

// And of at most BRIDGE_UP pixels upwards from the object pixels of row `y`.
static void bridge_up(const struct ifl_segmenter *s, int y)
{
    int width = s->width;
    const uint8_t *from = s->spare + (ptrdiff_t)y * width;
    for (int x = skip_zeros(from, width); x < width; x++) {
        if (!from[x]) {
            x += skip_zeros(from + x + 1, width - x - 1);
            continue;
        }
        int gap = 0;
        while (gap <= BRIDGE_UP && gap < y && !from[x - (gap + 1) * width])
            gap++;
        if (gap > BRIDGE_UP || gap == y)
            continue; // nothing above it
        for (int j = 1; j <= gap; j++)
            s->mask[(ptrdiff_t)(y - j) * width + x] = 1;
    }
}

static void bridge_gaps(const struct ifl_segmenter *s)
{
    size_t pixels = (size_t)s->width * (size_t)s->height;
    memcpy(s->spare, s->mask, pixels);
    for (int y = 0; y < s->height; y++)
        bridge_up(s, y);
    for (int y = 0; y < s->height; y++)
        bridge_row(s->spare + y * s->width, s->mask + y * s->width, s->width);
}

// Visits all pixels connected to `start` over `from[i] == value`; 4 or 8 neighbours. Returns how
// many, listed in s->stack from 0 on.
static int flood(const struct ifl_segmenter *s, const uint8_t *from, uint8_t value, int start,
                 int number, int neighbours)
{
    static const int dx[8] = {1, -1, 0, 0, 1, 1, -1, -1}, dy[8] = {0, 0, 1, -1, 1, -1, 1, -1};
    int count = 0;
    s->stack[count++] = start;
    s->blob[start] = number;
    for (int done = 0; done < count; done++) {
        int x = s->stack[done] % s->width, y = s->stack[done] / s->width;
        for (int n = 0; n < neighbours; n++) {
            int nx = x + dx[n], ny = y + dy[n];
            if (nx < 0 || ny < 0 || nx >= s->width || ny >= s->height)
                continue;
            int at = ny * s->width + nx;
            if (from[at] != value || s->blob[at])
                continue;
            s->blob[at] = number;
            s->stack[count++] = at;
        }
    }
    return count;
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
    int first = a < b ? a : b, other = a < b ? b : a;
    run[other].parent = first;
    run[first].area += run[other].area;
    run[first].open |= run[other].open;
}

// The runs of ground in one row, from number `count` on; returns the number behind the last one.
static int find_runs(const struct ifl_segmenter *s, int y, int count)
{
    const uint8_t *mask = s->mask + (ptrdiff_t)y * s->width, *end = mask + s->width;
    bool edge = y == 0 || y == s->height - 1;
    for (const uint8_t *at = mask; at < end && (at = memchr(at, 0, (size_t)(end - at)));) {
        const uint8_t *stop = memchr(at, 1, (size_t)(end - at));
        stop = stop ? stop : end;
        s->run[count] = (struct run){y,     (int)(at - mask), (int)(stop - mask),
                                     count, (int)(stop - at), edge || at == mask || stop == end};
        count++;
        at = stop;
    }
    return count;
}

// A hole is what the border of the picture cannot reach; large ones are ground among people.
static void fill_holes(const struct ifl_segmenter *s)
{
    int hole_max = s->width * s->height / 200, above = 0, from = 0, count = 0;
    struct run *run = s->run;
    for (int y = 0; y < s->height; y++, above = from, from = count) {
        count = find_runs(s, y, from);
        for (int i = above, k = from; i < from && k < count;) {
            if (run[i].left < run[k].right && run[k].left < run[i].right)
                join_runs(run, i, k);
            if (run[i].right < run[k].right)
                i++;
            else
                k++;
        }
    }
    for (int i = 0; i < count; i++) {
        const struct run *first = &run[first_run(run, i)];
        if (!first->open && first->area <= hole_max)
            memset(s->mask + (ptrdiff_t)run[i].row * s->width + run[i].left, 1,
                   (size_t)(run[i].right - run[i].left));
    }
}

// Keeps weak pixels only where strong ones are connected to them.
static void hysteresis(const struct ifl_segmenter *s)
{
    int pixels = s->width * s->height;
    flag_from(s->kind, WEAK, pixels, s->mask);
    bridge_gaps(s);
    memset(s->blob, 0, (size_t)pixels * sizeof *s->blob);
    for (int i = skip_zeros(s->mask, pixels); i < pixels; i++) {
        if (!s->mask[i] || s->blob[i]) {
            i += skip_zeros(s->mask + i + 1, pixels - i - 1);
            continue;
        }
        int count = flood(s, s->mask, 1, i, 1, 8), strong = 0;
        for (int k = 0; k < count; k++)
            strong += s->kind[s->stack[k]] == STRONG;
        for (int k = 0; k < count && strong * 4 < s->area_min; k++)
            s->mask[s->stack[k]] = 0;
    }
}

static bool beside_object(const struct ifl_segmenter *s, int x, int y)
{
    const uint8_t *at = s->spare + (ptrdiff_t)y * s->width + x;
    return (x > 0 && at[-1]) || (x + 1 < s->width && at[1]) || (y > 0 && at[-s->width]) ||
           (y + 1 < s->height && at[s->width]);
}

// One pixel of margin where there is still some difference: hair, feet, the soft outline.
static void grow(const struct ifl_segmenter *s)
{
    int w = s->width, h = s->height;
    uint8_t *open = (uint8_t *)s->strength; // which nobody needs any more
    memcpy(s->spare, s->mask, (size_t)w * (size_t)h);
    flag_unlike(s->kind, SHADOW, w * h, open);
    for (int y = 0; y < h; y++) {
        bool inner = y > 0 && y + 1 < h && w > 2;
        int row = y * w;
        if (inner)
            ifl_pixel_kernels()->grow(s->spare + row + 1, w, open + row + 1, w - 2,
                                      s->mask + row + 1);
        for (int x = 0; x < w; x += inner ? w - 1 : 1)
            s->mask[row + x] |= open[row + x] && beside_object(s, x, y);
    }
}

static struct blob measure(const struct ifl_segmenter *s, int count, int number)
{
    struct blob blob = {s->width, -1, s->height, -1, count, 0, number};
    for (int k = 0; k < count; k++) {
        int x = s->stack[k] % s->width, y = s->stack[k] / s->width;
        blob.left = x < blob.left ? x : blob.left;
        blob.right = x > blob.right ? x : blob.right;
        blob.top = y < blob.top ? y : blob.top;
        blob.bottom = y > blob.bottom ? y : blob.bottom;
        blob.strong += s->kind[s->stack[k]] == STRONG;
    }
    return blob;
}

static void paint(const struct ifl_segmenter *s, const struct blob *blob, uint8_t *label, int value)
{
    for (int y = blob->top; y <= blob->bottom; y++)
        for (int x = blob->left; x <= blob->right; x++)
            if (s->blob[y * s->width + x] == blob->number)
                label[y * s->width + x] = (uint8_t)value;
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

static int find_blobs(struct ifl_segmenter *s)
{
    int pixels = s->width * s->height, count = 0, number = 0;
    memset(s->blob, 0, (size_t)pixels * sizeof *s->blob);
    for (int i = skip_zeros(s->mask, pixels); i < pixels; i++) {
        if (!s->mask[i] || s->blob[i]) {
            i += skip_zeros(s->mask + i + 1, pixels - i - 1);
            continue;
        }
        number++;
        struct blob blob = measure(s, flood(s, s->mask, 1, i, number, 8), number);
        if (blob.strong >= PIECE_STRONG)
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
    int blobs = find_blobs(s), found = 0;
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
        if (to >= 0)
            paint(s, blob, label, to + 1);
    }
    for (int w = 0; w < found; w++)
        component[w] = component_of(s, &whole[w]);
    return found;
}

static int contrast(const uint8_t *a, const uint8_t *b)
{
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
}

// Edge strength of picture and plate across every outline. The mask reaches about two pixels beyond
// the true edge: the pixel inside is taken from well within.
static void find_ghosts(const struct ifl_segmenter *s, const struct ifl_segment_input *input,
                        const uint8_t *label, int count, uint8_t *ghost)
{
    enum { IN = 3 };
    int64_t picture[IFL_COMPONENTS_MAX] = {0}, plate[IFL_COMPONENTS_MAX] = {0};
    const int step[4] = {-1, 1, -s->width, s->width};
    for (int y = IN; y < s->height - IN; y++)
        for (int x = IN; x < s->width - IN; x++) {
            x += skip_zeros(label + y * s->width + x, s->width - IN - x);
            if (x >= s->width - IN)
                break;
            int i = y * s->width + x, c = label[i];
            for (int n = 0; c && n < 4; n++) {
                int outside = i + step[n], inside = i - IN * step[n];
                if (label[outside] || label[inside] != c)
                    continue;
                picture[c - 1] += contrast(input->rgb + 3 * inside, input->rgb + 3 * outside);
                plate[c - 1] += contrast(input->plate + 3 * inside, input->plate + 3 * outside);
            }
        }
    for (int c = 0; c < count; c++)
        ghost[c] = plate[c] > picture[c] + picture[c] / 2;
}

int ifl_segment(struct ifl_segmenter *s, const struct ifl_segment_input *input, uint8_t *label,
                struct ifl_component *component, uint8_t *ghost)
{
    ifl_pixel_kernels()->subtract(input->rgb, input->plate, input->low, input->high,
                                  3 * s->width * s->height, s->difference);
    smooth(s);
    classify(s, input);
    hysteresis(s);
    fill_holes(s);
    grow(s);
    int count = collect(s, label, component);
    find_ghosts(s, input, label, count, ghost);
    return count;
}
