// SPDX-License-Identifier: Apache-2.0
// One component cut out of its memory frame and brought into the canonical box: a soft mask without
// cast shadow, colours that go on beyond it, the signed distance to its outline, its parts.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/objects_internal.h"

static inline int whole(float x) // downwards
{
    int at = (int)x;
    return at - ((float)at > x);
}

enum { MARGIN = 2, WINDOW = OBJECT_SIDE_MAX + 2 * MARGIN, REACH = 7 };

// The component with a margin, in pixels of the picture.
struct window {
    int x, y, width, height;
    float alpha[WINDOW * WINDOW];
    float difference[WINDOW * WINDOW]; // to the plate
};

// What the window shows in canonical coordinates.
struct canvas {
    float alpha[PIXELS];
    float rgb[PIXELS][3]; // times alpha while it is collected
    uint8_t known[PIXELS];
};

static bool is_component(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                         int component, int x, int y)
{
    return x >= 0 && y >= 0 && x < objects->width && y < objects->height &&
           frame->label[(size_t)y * (size_t)objects->width + (size_t)x] == component + 1;
}

// Neighbours (of 9) that belong to the component.
static int support(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                   int component, int x, int y)
{
    int sum = 0;
    for (int j = -1; j <= 1; j++) {
        for (int i = -1; i <= 1; i++)
            sum += is_component(objects, frame, component, x + i, y + j);
    }
    return sum;
}

// Cast shadow: the plate's colour, only darker. People's clothes are rarely that; where the plate
// is grey, dark ones are, but on grass nothing but its shadow has so much of its green.
static bool is_shadow(const uint8_t *pixel, const uint8_t *plate)
{
    float now[CHANNELS], before[CHANNELS];
    ifl_color_from_rgb(pixel, now);
    ifl_color_from_rgb(plate, before);
    float ratio = now[0] / greater(before[0], 1);
    bool vivid = ratio * (fabsf(before[1]) + fabsf(before[2])) > 10;
    return ratio > (vivid ? 0.3f : 0.68f) && ratio < 0.97f &&
           fabsf(now[1] - ratio * before[1]) < 4 && fabsf(now[2] - ratio * before[2]) < 4;
}

// Largest difference of a channel to the plate.
static int difference_at(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                         size_t at)
{
    int finest = objects->profile->levels - 1, most = 0;
    for (size_t c = at * 3; c < at * 3 + 3; c++) {
        int d = abs(frame->level[finest][c] - objects->profile->plate[finest][c]);
        most = d > most ? d : most;
    }
    return most;
}

// Largest difference to the plate around a pixel: what the object's own colours have there.
static float contrast_around(const struct window *window, int i, int j)
{
    float most = 0;
    for (int y = j > 0 ? j - 1 : 0; y <= j + 1 && y < window->height; y++) {
        for (int x = i > 2 ? i - 2 : 0; x <= i + 2 && x < window->width; x++)
            most = greater(most, window->difference[y * WINDOW + x]);
    }
    return most;
}

// The component's own mask is generous and closes gaps. Inside an object's upper part, where gaps
// are rare, it decides what belongs to the silhouette. Whether a pixel's colour is the object's is
// always weighed against the plate, by what those around it have: beside black clothes half a
// pixel of black is as unlike the plate as a pixel of something paler.
static float soften(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                    const struct ifl_component *box, int component, const struct window *window,
                    int i, int j)
{
    int x = window->x + i, y = window->y + j;
    int near = support(objects, frame, component, x, y);
    if (near == 0)
        return 0;
    int finest = objects->profile->levels - 1;
    size_t at = (size_t)y * (size_t)objects->width + (size_t)x;
    bool upper = y < box->y + box->height * 11 / 20;
    if (!upper &&
        is_shadow(frame->level[finest] + at * 3, objects->profile->plate[finest] + at * 3))
        return 0;
    float contrast = contrast_around(window, i, j);
    float none = greater(8, 0.1f * contrast), all = greater(26, 0.5f * contrast);
    float alpha = (window->difference[j * WINDOW + i] - none) / (all - none);
    alpha = lesser(greater(alpha, 0), 1);
    if (near == 9 && upper) // a face beside dark hair, a shirt in a dark jacket
        return greater(alpha, window->difference[j * WINDOW + i] > 12 ? 0.9f : 0.6f);
    return alpha;
}

static bool is_inside(const struct ifl_objects *objects, const struct window *window, int i, int j)
{
    int x = window->x + i, y = window->y + j;
    return x >= 0 && y >= 0 && x < objects->width && y < objects->height;
}

static void fill_window(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                        int component, struct window *window)
{
    const struct ifl_component *box = &frame->component[component];
    window->x = box->x - MARGIN;
    window->y = box->y - MARGIN;
    window->width = box->width + 2 * MARGIN;
    window->height = box->height + 2 * MARGIN;
    for (int j = 0; j < window->height; j++) {
        for (int i = 0; i < window->width; i++) {
            size_t at = (size_t)(window->y + j) * (size_t)objects->width + (size_t)(window->x + i);
            window->difference[j * WINDOW + i] =
                is_inside(objects, window, i, j) ? (float)difference_at(objects, frame, at) : 0;
        }
    }
    for (int j = 0; j < window->height; j++) {
        for (int i = 0; i < window->width; i++)
            window->alpha[j * WINDOW + i] =
                is_inside(objects, window, i, j)
                    ? soften(objects, frame, box, component, window, i, j)
                    : 0;
    }
}

// Marks what hangs together with a pixel; returns how many pixels do.
static int mark_piece(const struct window *window, int from, uint8_t *piece, uint8_t name)
{
    int16_t todo[WINDOW * WINDOW];
    int count = 0, waiting = 0;
    piece[from] = name;
    todo[waiting++] = (int16_t)from;
    while (waiting > 0) {
        int at = todo[--waiting], x = at % WINDOW, y = at / WINDOW;
        count++;
        for (int i = 0; i < 9; i++) {
            int nx = x + i % 3 - 1, ny = y + i / 3 - 1, near = ny * WINDOW + nx;
            if (nx < 0 || ny < 0 || nx >= window->width || ny >= window->height || piece[near] ||
                window->alpha[near] <= 0.5f)
                continue;
            piece[near] = name;
            todo[waiting++] = (int16_t)near;
        }
    }
    return count;
}

// Specks beside an object are not part of it. False: it is torn, a part of it hides.
static bool keep_largest_piece(struct window *window)
{
    enum { PIECES = 255 };
    uint8_t piece[WINDOW * WINDOW] = {0};
    int pieces = 0, all = 0, most = 0;
    uint8_t largest = 0;
    for (int j = 0; j < window->height; j++) {
        for (int i = 0; i < window->width; i++) {
            int at = j * WINDOW + i;
            if (window->alpha[at] <= 0.5f || piece[at] || pieces == PIECES)
                continue;
            int count = mark_piece(window, at, piece, (uint8_t)++pieces);
            all += count;
            largest = count > most ? (uint8_t)pieces : largest;
            most = count > most ? count : most;
        }
    }
    for (int at = 0; at < WINDOW * WINDOW; at++) {
        if (window->alpha[at] > 0.5f && piece[at] != largest)
            window->alpha[at] = 0;
    }
    return 10 * most >= 9 * all;
}

// Where the object is in the window: its rows, its sides, its centroid.
struct extent {
    int top, bottom, left, right; // [top, bottom), [left, right)
    float center, area;
};

static struct extent find_extent(const struct window *window)
{
    struct extent extent = {.top = WINDOW, .left = WINDOW};
    for (int j = 0; j < window->height; j++) {
        for (int i = 0; i < window->width; i++) {
            float alpha = window->alpha[j * WINDOW + i];
            extent.area += alpha;
            extent.center += alpha * ((float)i + 0.5f);
            if (alpha <= 0.5f)
                continue;
            extent.top = j < extent.top ? j : extent.top;
            extent.bottom = j + 1;
            extent.left = i < extent.left ? i : extent.left;
            extent.right = i + 1 > extent.right ? i + 1 : extent.right;
        }
    }
    extent.center /= greater(extent.area, 1);
    return extent;
}

static void add_pixel(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                      const struct window *window, int i, int j, float weight, float *alpha,
                      float rgb[3])
{
    if (i < 0 || j < 0 || i >= window->width || j >= window->height)
        return;
    float a = weight * window->alpha[j * WINDOW + i];
    if (a <= 0)
        return; // also true outside the picture
    size_t at = (size_t)(window->y + j) * (size_t)objects->width + (size_t)(window->x + i);
    const uint8_t *pixel = frame->level[objects->profile->levels - 1] + at * 3;
    *alpha += a;
    for (int c = 0; c < 3; c++)
        rgb[c] += a * pixel[c];
}

// Samples the window at canonical pixels, `step` picture pixels apart, `fine` x `fine` a pixel.
static void resample(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                     const struct window *window, const struct extent *extent, float step,
                     struct canvas *canvas)
{
    int fine = (int)ceilf(step);
    float part = 1.0f / (float)(fine * fine);
    for (int at = 0; at < PIXELS; at++) {
        float alpha = 0, rgb[3] = {0};
        for (int sub = 0; sub < fine * fine; sub++) {
            float u = (float)(at % BOX) + ((float)(sub % fine) + 0.5f) / (float)fine;
            float v = (float)(at / BOX) + ((float)(sub / fine) + 0.5f) / (float)fine;
            float x = extent->center + (u - BOX / 2) * step - 0.5f;
            float y = (float)extent->bottom + (v - FOOT) * step - 0.5f;
            int ix = whole(x), iy = whole(y);
            float fx = x - (float)ix, fy = y - (float)iy;
            add_pixel(objects, frame, window, ix, iy, part * (1 - fx) * (1 - fy), &alpha, rgb);
            add_pixel(objects, frame, window, ix + 1, iy, part * fx * (1 - fy), &alpha, rgb);
            add_pixel(objects, frame, window, ix, iy + 1, part * (1 - fx) * fy, &alpha, rgb);
            add_pixel(objects, frame, window, ix + 1, iy + 1, part * fx * fy, &alpha, rgb);
        }
        canvas->alpha[at] = alpha;
        for (int c = 0; c < 3; c++)
            canvas->rgb[at][c] = alpha > 0 ? rgb[c] / alpha : 0;
    }
}

static bool known_mean(const struct canvas *canvas, int at, float mean[3])
{
    int x = at % BOX, y = at / BOX;
    float count = 0, sum[3] = {0};
    for (int j = y > 0 ? y - 1 : 0; j <= y + 1 && j < BOX; j++) {
        for (int i = x > 0 ? x - 1 : 0; i <= x + 1 && i < BOX; i++) {
            int near = j * BOX + i;
            if (canvas->known[near] != 1)
                continue;
            for (int c = 0; c < 3; c++)
                sum[c] += canvas->rgb[near][c];
            count++;
        }
    }
    for (int c = 0; c < 3 && count > 0; c++)
        mean[c] = sum[c] / count;
    return count > 0;
}

// Whether a pixel shows the object's own colour: it lies inside, away from the outline, where its
// colour is mixed with the background's, or in the middle of something thin, but not at its end.
static bool has_own_color(const struct canvas *canvas, const int8_t distance[PIXELS], float mixed,
                          int at)
{
    if (canvas->alpha[at] <= 0.85f)
        return false;
    bool thin = distance[at] <= distance[at - 1] && distance[at] <= distance[at + 1] &&
                at >= 2 * BOX && distance[at - 2 * BOX] < 0 && at < PIXELS - BOX &&
                distance[at + BOX] < 0;
    if (at / BOX < FOOT - BODY + BODY / 6) // a head is so small that little else would be left
        mixed /= 2;
    return thin || (float)distance[at] <= -mixed * DISTANCE_UNIT;
}

// Gives unknown pixels the mean of their known neighbours, as far out as anything is sampled.
static void extend_colors(struct canvas *canvas, const int8_t distance[PIXELS], float step)
{
    float mixed = greater(1.25f, 1 / step + 0.25f); // a pixel of the picture

    uint8_t *known = canvas->known;
    float mean[3] = {0}, count = 0;
    for (int at = 0; at < PIXELS; at++) {
        bool inner = at % BOX > 0 && at % BOX < BOX - 1;
        known[at] = inner && has_own_color(canvas, distance, mixed, at);
        for (int c = 0; c < 3; c++)
            mean[c] += known[at] * canvas->rgb[at][c];
        count += known[at];
    }
    for (int round = 0; round < REACH; round++) {
        for (int at = 0; at < PIXELS; at++) {
            if (known[at] == 0 && distance[at] < (round + 2) * DISTANCE_UNIT &&
                known_mean(canvas, at, canvas->rgb[at]))
                known[at] = 2; // known from the next round on
        }
        for (int at = 0; at < PIXELS; at++)
            known[at] = known[at] > 0;
    }
    for (int at = 0; at < PIXELS; at++) {
        for (int c = 0; c < 3 && known[at] == 0; c++)
            canvas->rgb[at][c] = mean[c] / greater(count, 1);
    }
}

static float least4(float a, float b, float c, float d)
{
    return lesser(lesser(a, b), lesser(c, d));
}

// Distances spread from the outline in two sweeps (chamfer); exact enough at this size.
static void spread_distance(float *d)
{
    const float diagonal = 1.41421356f;
    for (int y = 1; y < BOX - 1; y++) {
        for (int x = 1; x < BOX - 1; x++) {
            float *p = &d[y * BOX + x];
            *p = lesser(
                *p, least4(p[-1] + 1, p[-BOX] + 1, p[-BOX - 1] + diagonal, p[-BOX + 1] + diagonal));
        }
    }
    for (int y = BOX - 2; y > 0; y--) {
        for (int x = BOX - 2; x > 0; x--) {
            float *p = &d[y * BOX + x];
            *p = lesser(*p,
                        least4(p[1] + 1, p[BOX] + 1, p[BOX + 1] + diagonal, p[BOX - 1] + diagonal));
        }
    }
}

// Distance to the outline (alpha 1/2), of the pixels beside it by linear interpolation.
static void find_distance(const struct canvas *canvas, int8_t out[PIXELS])
{
    float d[PIXELS];
    for (int at = 0; at < PIXELS; at++)
        d[at] = BOX;
    for (int y = 1; y < BOX - 1; y++) {
        for (int x = 1; x < BOX - 1; x++) {
            const float *a = &canvas->alpha[y * BOX + x];
            const int step[4] = {-1, 1, -BOX, BOX};
            for (int i = 0; i < 4; i++) {
                float here = *a - 0.5f, there = a[step[i]] - 0.5f;
                if ((here > 0) != (there > 0))
                    d[y * BOX + x] = lesser(d[y * BOX + x], fabsf(here) / fabsf(here - there));
            }
        }
    }
    spread_distance(d);
    for (int at = 0; at < PIXELS; at++) {
        float steps = lesser(d[at] * DISTANCE_UNIT, 127);
        out[at] = (int8_t)lrintf(canvas->alpha[at] > 0.5f ? -steps : steps);
    }
}

static void make_sketch(struct ifl_crop *crop)
{
    for (int y = 0; y < SKETCH; y++) {
        for (int x = 0; x < SKETCH; x++) {
            const int8_t *d = &crop->distance[2 * y * BOX + 2 * x];
            int mean = (d[0] + d[1] + d[BOX] + d[BOX + 1]) / 4;
            const int far = 4 * DISTANCE_UNIT; // farther away does not tell poses apart
            mean = mean > far ? far : mean < -far ? -far : mean;
            crop->sketch[0][y * SKETCH + x] = (int8_t)mean;
            crop->sketch[1][y * SKETCH + SKETCH - 1 - x] = (int8_t)mean;
        }
    }
}

static void find_extents(struct ifl_crop *crop)
{
    for (int y = 0; y < BOX; y++) {
        const int8_t *d = &crop->distance[(size_t)y * BOX];
        int left = 0, right = BOX - 1;
        while (left < BOX && d[left] >= 0)
            left++;
        while (right > left && d[right] >= 0)
            right--;
        crop->left[y] = left == BOX ? BOX / 2 - 1 : (float)left;
        crop->right[y] = left == BOX ? BOX / 2 + 1 : (float)right + 1;
    }
}

// Two heads, or shoulders where a head should be: two people who walk side by side.
static bool has_one_head(const struct ifl_crop *crop)
{
    int two = 0;
    for (int y = FOOT - BODY + 1; y < FOOT - BODY * 3 / 4; y++) {
        int runs = 0, width = 0;
        for (int x = 1; x < BOX; x++) {
            bool inside = crop->distance[y * BOX + x] < 0;
            runs += inside && crop->distance[y * BOX + x - 1] >= 0;
            width += inside;
        }
        two += runs > 1 || (width > BODY * 3 / 8 && y < FOOT - BODY * 7 / 8);
    }
    return two <= 2;
}

// Mean colour of the silhouette in each row.
static void row_means(const struct ifl_crop *crop, float mean[BOX][CHANNELS])
{
    memset(mean, 0, BOX * sizeof *mean);
    for (int y = 0; y < BOX; y++) {
        float count = 0;
        for (int x = 0; x < BOX; x++) {
            if (crop->distance[y * BOX + x] >= 0)
                continue;
            float color[CHANNELS];
            ifl_color_from_rgb(&crop->rgb[(y * BOX + x) * 3], color);
            for (int c = 0; c < CHANNELS; c++)
                mean[y][c] += color[c];
            count++;
        }
        for (int c = 0; c < CHANNELS; c++)
            mean[y][c] /= greater(count, 1);
    }
}

// The row in [from, to) where the colours above and below differ most.
static float find_seam(float mean[BOX][CHANNELS], int from, int to, int reach)
{
    int best = (from + to) / 2;
    float best_contrast = 0;
    for (int y = from; y < to; y++) {
        float contrast = 0;
        for (int c = 0; c < CHANNELS; c++) {
            float d = 0;
            for (int i = 0; i < reach; i++)
                d += mean[y - 1 - i][c] - mean[y + i][c];
            contrast += d * d;
        }
        if (contrast > best_contrast) {
            best_contrast = contrast;
            best = y;
        }
    }
    return (float)best;
}

// The row where the head ends: there shoulders begin, wider by far. By colours it isn't found: dark
// hair over a dark jacket would reach down to the chest.
static float find_neck(const struct ifl_crop *crop, float top, float height)
{
    int from = (int)lrintf(top + height * 0.1f), to = (int)lrintf(top + height * 0.17f);
    float head = 0;
    for (int y = (int)top + 1; y < from; y++)
        head = greater(head, crop->right[y] - crop->left[y]);
    int y = from;
    while (y < to && crop->right[y] - crop->left[y] < 1.3f * head)
        y++;
    return (float)y;
}

static void find_lines(struct ifl_crop *crop, float height)
{
    float mean[BOX][CHANNELS];
    row_means(crop, mean);
    float top = FOOT - height;
    crop->line[0] = top;
    crop->line[1] = top + height * 0.16f;
    crop->line[2] = top + height * 0.5f;
    crop->line[3] = FOOT - height * 0.08f;
    crop->line[4] = FOOT;
    if (height < BODY - 1) // lying or wide: no body parts, fixed shares of the height
        return;
    int hip = (int)lrintf(top + height * 0.42f);
    crop->line[1] = find_neck(crop, top, height);
    crop->line[2] = find_seam(mean, hip, hip + 9, 4);
}

static void measure_palette(struct ifl_crop *crop)
{
    double sum[PARTS][CHANNELS] = {0}, square[PARTS][CHANNELS] = {0}, count[PARTS] = {0};
    for (int at = 0; at < PIXELS; at++) {
        if (crop->distance[at] > -DISTANCE_UNIT / 2)
            continue;
        float row = (float)(at / BOX) + 0.5f;
        int p = ifl_part_at(crop->line, at / BOX);
        if (p == 0 && row > crop->line[0] + 0.75f * (crop->line[1] - crop->line[0]))
            continue; // a collar, perhaps
        float color[CHANNELS];
        ifl_color_from_rgb(&crop->rgb[at * 3], color);
        count[p]++;
        for (int c = 0; c < CHANNELS; c++) {
            sum[p][c] += (double)color[c];
            square[p][c] += (double)color[c] * (double)color[c];
        }
    }
    for (int p = 0; p < PARTS; p++) {
        for (int c = 0; c < CHANNELS; c++) {
            double mean = sum[p][c] / fmax(count[p], 1);
            double variance = square[p][c] / fmax(count[p], 1) - mean * mean;
            crop->palette.mean[p][c] = (float)mean;
            crop->palette.spread[p][c] = (float)sqrt(fmax(variance, 1));
        }
    }
}

bool ifl_crop_cut(const struct ifl_objects *objects, const struct ifl_memory_frame *frame,
                  int component, struct ifl_crop *crop)
{
    struct window window;
    fill_window(objects, frame, component, &window);
    if (!keep_largest_piece(&window))
        return false;
    struct extent extent = find_extent(&window);
    int height = extent.bottom - extent.top, width = extent.right - extent.left;
    if (height < OBJECT_SIDE_MIN || width < 2 || extent.area < 12)
        return false;
    int side = height > width ? height : width;
    float step = (float)side / BODY;
    struct canvas canvas;
    resample(objects, frame, &window, &extent, step, &canvas);
    int solid = 0;
    for (int at = 0; at < PIXELS; at++)
        solid += canvas.alpha[at] > 0.85f;
    if (solid < BODY) // too thin to have colours of its own
        return false;
    find_distance(&canvas, crop->distance);
    extend_colors(&canvas, crop->distance, step);
    for (int at = 0; at < PIXELS * 3; at++)
        crop->rgb[at] = (uint8_t)lrintf(lesser(greater(canvas.rgb[at / 3][at % 3], 0), 255));
    crop->size = (float)side;
    make_sketch(crop);
    find_extents(crop);
    crop->area = 0;
    for (int at = 0; at < PIXELS; at++)
        crop->area += crop->distance[at] < 0;
    find_lines(crop, (float)height / step);
    measure_palette(crop);
    ifl_tone_measure(crop);
    return height < width || has_one_head(crop);
}
