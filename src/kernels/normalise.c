// SPDX-License-Identifier: Apache-2.0
#include "kernels/normalise.h"

#include <string.h>

#include "kernels/rows.h"

// BT.601 from the R'G'B' of each matrix (Kr, Kb: 601 .299 .114; 709 .2126 .0722; 2020 .2627 .0593),
// times 255/219 and 255/224 where the range is limited, times 2^14. The tests derive them again.
static const struct ifl_ycc_map maps[2][3] =
    {
        [IFL_RANGE_LIMITED] =
            {
                [IFL_MATRIX_BT601] = {16, 19077, 0, 0, 18651, 0, 0, 18651},
                [IFL_MATRIX_BT709] = {16, 19077, 1895, 3657, 18462, -2064, -1351, 18342},
                [IFL_MATRIX_BT2020] = {16, 19077, 2199, 1968, 18562, -1111, -1568, 18213},
            },
        [IFL_RANGE_FULL] =
            {
                [IFL_MATRIX_BT601] = {0, 16384, 0, 0, 16384, 0, 0, 16384},
                [IFL_MATRIX_BT709] = {0, 16384, 1664, 3213, 16218, -1813, -1187, 16112},
                [IFL_MATRIX_BT2020] = {0, 16384, 1931, 1729, 16306, -976, -1378, 15999},
            },
};

// How a picture is worked on; a pair of luma rows with their chroma row at a time.
struct work {
    const struct ifl_row_kernels *kernels;
    struct ifl_ycc_map map;
    bool identity;  // nothing to do
    int16_t *mixed; // what a row of chroma adds to two rows of luma; NULL: nothing
    int width, chroma_width;
};

static void luma_row(const struct work *work, const uint8_t *y, bool grey, uint8_t *out)
{
    if (work->identity)
        memcpy(out, y, (size_t)work->width);
    else if (work->mixed && !grey)
        work->kernels->map_luma_mixed(&work->map, y, work->mixed, out, work->width);
    else
        work->kernels->map_luma(&work->map, y, out, work->width);
}

static void chroma_row(const struct work *work, const uint8_t *cb, const uint8_t *cr,
                       uint8_t *out_cb, uint8_t *out_cr)
{
    size_t bytes = (size_t)work->chroma_width;
    if (!cb) {
        memset(out_cb, 128, bytes);
        memset(out_cr, 128, bytes);
    } else if (!work->identity) {
        work->kernels->map_chroma(&work->map, cb, cr, out_cb, out_cr, work->mixed,
                                  work->chroma_width);
    } else if (cb != out_cb) {
        memcpy(out_cb, cb, bytes);
        memcpy(out_cr, cr, bytes);
    }
}

void ifl_normalise_420(const uint8_t *const in[3], const int in_stride[3], bool nv12,
                       enum ifl_range range, enum ifl_matrix matrix, int width, int height,
                       uint8_t *const out[3], const int out_stride[3])
{
    int16_t mixed[(IFL_FRAME_SIDE_MAX + 1) / 2];
    struct work work = {.kernels = ifl_row_kernels(),
                        .map = maps[range][matrix],
                        .identity = range == IFL_RANGE_FULL && matrix == IFL_MATRIX_BT601,
                        .mixed = matrix != IFL_MATRIX_BT601 ? mixed : NULL,
                        .width = width,
                        .chroma_width = (width + 1) / 2};
    for (ptrdiff_t row = 0; row < (height + 1) / 2; row++) {
        uint8_t *out_cb = out[1] + row * out_stride[1], *out_cr = out[2] + row * out_stride[2];
        const uint8_t *cb = in[1] ? in[1] + row * in_stride[1] : NULL, *cr = NULL;
        if (nv12 && cb) {
            work.kernels->split_pairs(cb, out_cb, out_cr, work.chroma_width);
            cb = out_cb;
            cr = out_cr;
        } else if (cb) {
            cr = in[2] + row * in_stride[2];
        }
        chroma_row(&work, cb, cr, out_cb, out_cr);
        for (ptrdiff_t y = 2 * row; y < 2 * row + 2 && y < height; y++)
            luma_row(&work, in[0] + y * in_stride[0], !cb, out[0] + y * out_stride[0]);
    }
}
