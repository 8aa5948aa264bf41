// SPDX-License-Identifier: Apache-2.0
// Several objects for a merged component: as many as have its area, where together they cover it.
#include <math.h>
#include <stdlib.h>

#include "core/profile.h"
#include "generate/objects_internal.h"

enum { COVER_MAX = 8, COVER_PIXELS_MAX = 1 << 16, SETTLE_ROUNDS = 2 };

// The component's mask, and how many objects cover each pixel of it.
struct mask {
    const struct ifl_component *box;
    uint8_t pixel[COVER_PIXELS_MAX], covers[COVER_PIXELS_MAX];
    int sum[COVER_PIXELS_MAX]; // of what nobody covers, from the top left corner
};

static bool copy_mask(const struct ifl_objects *objects, int frame, int component,
                      struct mask *mask)
{
    const struct ifl_memory_frame *memory = objects->profile->memory[frame];
    const struct ifl_component *c = mask->box = &memory->component[component];
    if ((long)c->width * c->height > COVER_PIXELS_MAX)
        return false;
    for (int i = 0; i < c->width * c->height; i++) {
        int x = c->x + i % c->width, y = c->y + i / c->width;
        mask->pixel[i] =
            memory->label[(size_t)y * (size_t)objects->width + (size_t)x] == component + 1;
        mask->covers[i] = 0;
    }
    return true;
}

static void sum_mask(struct mask *mask)
{
    int width = mask->box->width;
    for (int y = 0; y < mask->box->height; y++) {
        int row = 0;
        for (int x = 0; x < width; x++) {
            int at = y * width + x;
            row += mask->pixel[at] && mask->covers[at] == 0;
            mask->sum[at] = row + (y > 0 ? mask->sum[at - width] : 0);
        }
    }
}

static int sum_at(const struct mask *mask, int x, int y) // exclusive corner
{
    if (x <= 0 || y <= 0)
        return 0;
    x = x > mask->box->width ? mask->box->width : x;
    y = y > mask->box->height ? mask->box->height : y;
    return mask->sum[(y - 1) * mask->box->width + x - 1];
}

static int uncovered(const struct mask *mask, int x0, int y0, int x1, int y1)
{
    return sum_at(mask, x1, y1) - sum_at(mask, x0, y1) - sum_at(mask, x1, y0) +
           sum_at(mask, x0, y0);
}

// The object that covers most of what is left, its foot inside the component's box.
static int cover_best(const struct ifl_kind *kind, struct mask *mask, struct ifl_placement *best)
{
    int best_cover = 0;
    sum_mask(mask);
    for (int foot = mask->box->height; foot > 0; foot--) {
        float height = ifl_kind_height(kind, (float)(mask->box->y + foot));
        int rows = (int)height, cols = (int)fmaxf(kind->aspect * height, 2);
        for (int x = -cols / 4; x <= mask->box->width - cols * 3 / 4; x++) {
            int cover = uncovered(mask, x, foot - rows, x + cols, foot);
            if (cover <= best_cover) // the lowest foot line of equals: nothing hangs in the air
                continue;
            best_cover = cover;
            best->foot_x = (float)(mask->box->x + x) + (float)cols / 2;
            best->foot_y = (float)(mask->box->y + foot);
            best->height = height;
        }
    }
    return best_cover;
}

// Counts what an object covers as covered once more (1) or less (-1).
static void count_cover(struct mask *mask, const struct ifl_kind *kind,
                        const struct ifl_placement *one, int more)
{
    const struct ifl_component *c = mask->box;
    float half = kind->aspect * one->height * 0.55f;
    int x0 = (int)lrintf(one->foot_x - half) - c->x, x1 = (int)lrintf(one->foot_x + half) - c->x;
    int y0 = (int)lrintf(one->foot_y - one->height) - c->y, y1 = (int)lrintf(one->foot_y) - c->y;
    for (int y = y0 > 0 ? y0 : 0; y < y1 && y < c->height; y++) {
        for (int x = x0 > 0 ? x0 : 0; x < x1 && x < c->width; x++)
            mask->covers[y * c->width + x] += more;
    }
}

// The first of two took the middle: each goes where it covers most of what the others leave.
static void settle(struct mask *mask, const struct ifl_kind *kind, struct ifl_placement *placement,
                   int count)
{
    for (int i = 0; i < SETTLE_ROUNDS * count && count > 1; i++) {
        struct ifl_placement *one = &placement[i % count];
        count_cover(mask, kind, one, -1);
        cover_best(kind, mask, one);
        count_cover(mask, kind, one, 1);
    }
}

int ifl_cover_component(const struct ifl_objects *objects, int frame, int component,
                        enum ifl_kind_index index, struct ifl_placement *placement, int room)
{
    const struct ifl_kind *kind = &objects->kind[index];
    struct mask *mask = malloc(sizeof *mask);
    int count = 0;
    float area = 0;
    if (!mask || !copy_mask(objects, frame, component, mask))
        room = 0;
    while (count < room && count < COVER_MAX) {
        struct ifl_placement one = {.component = component, .shows = SHOWS_SEVERAL, .kind = index};
        int cover = cover_best(kind, mask, &one);
        float own = ifl_kind_area(kind, one.foot_y);
        // One, where it covers something that is large enough; another, where more of it is missing
        // than would be too much.
        if (cover == 0 ||
            (count == 0 ? (float)cover < 0.5f * own : area + 0.5f * own > (float)mask->box->area))
            break;
        count_cover(mask, kind, &one, 1);
        placement[count++] = one;
        area += own;
    }
    if (mask)
        settle(mask, kind, placement, count);
    free(mask);
    return count;
}
