// SPDX-License-Identifier: Apache-2.0
#include "validate/seam.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/pixels.h"

enum { PLATE_MOST = 30, OBJECT_LEAST = 105, STEP_LEAST = 60 };

static int difference(const uint8_t *a, const uint8_t *b)
{
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
}

// +1: plate here and object at `next`; -1: the other way round; 0: no cut between them. `far` is
// each pixel's difference to the plate.
static int cut_between(const struct ifl_view *view, const uint8_t *canonical, const uint16_t *far,
                       int here, int next)
{
    int sign = far[here] <= PLATE_MOST && far[next] > OBJECT_LEAST   ? 1
               : far[next] <= PLATE_MOST && far[here] > OBJECT_LEAST ? -1
                                                                     : 0;
    if (sign == 0)
        return 0;
    int step = difference(canonical + 3 * here, canonical + 3 * next);
    int own = difference(view->plate + 3 * here, view->plate + 3 * next);
    return step - own > STEP_LEAST ? sign : 0;
}

// Lengthens the run of one sign, or starts anew; `run` is signed.
static int extend(int run, int cut)
{
    return cut == 0 ? 0 : run * cut > 0 ? run + cut : cut;
}

// Bits of what a pixel may be beside a cut.
enum { PLATE = 1, OBJECT = 2, GROUP = 8 };

static void classify(const uint16_t *far, int pixels, uint8_t *class)
{
    for (int p = 0; p < pixels; p++)
        class[p] = (uint8_t)((far[p] <= PLATE_MOST) * PLATE + (far[p] > OBJECT_LEAST) * OBJECT);
}

// Whether plate and object meet between any of eight pixels and their partners.
static bool may_cut(const uint8_t *here, const uint8_t *next)
{
    uint64_t a, b;
    memcpy(&a, here, GROUP);
    memcpy(&b, next, GROUP);
    a |= b;
    return a & a >> 1 & UINT64_C(0x0101010101010101);
}

struct ifl_seam ifl_seam_measure(const struct ifl_view *view, const uint8_t *canonical,
                                 void *scratch)
{
    int width = view->width, height = view->height;
    uint16_t *far = scratch;
    uint8_t *class = (uint8_t *)(far + view->pixels);
    int *down = (int *)(far + 2 * (size_t)view->pixels); // run along each column so far
    struct ifl_seam seam = {0, 0};
    ifl_pixel_kernels()->differences(canonical, view->plate, view->pixels, far);
    classify(far, view->pixels, class);
    memset(down, 0, sizeof *down * (size_t)width);
    for (int y = 0; y < height; y++) {
        int across = 0;
        for (int x = 0; x < width; x++) {
            int here = y * width + x;
            if (x + GROUP < width && y + 1 < height &&
                !may_cut(class + here, class + here + width) &&
                !may_cut(class + here, class + here + 1)) { // most of a picture
                across = 0;
                memset(down + x, 0, GROUP * sizeof *down);
                x += GROUP - 1;
                continue;
            }
            if (y + 1 < height) {
                across = extend(across, cut_between(view, canonical, far, here, here + width));
                seam.across = abs(across) > seam.across ? abs(across) : seam.across;
            }
            if (x + 1 < width) {
                down[x] = extend(down[x], cut_between(view, canonical, far, here, here + 1));
                seam.down = abs(down[x]) > seam.down ? abs(down[x]) : seam.down;
            }
        }
    }
    return seam;
}
