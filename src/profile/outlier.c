// SPDX-License-Identifier: Apache-2.0
#include "profile/outlier.h"

#include <math.h>
#include <string.h>

#include "profile/compare.h"
#include "profile/regime.h"

static const double BEYOND = 1.05;

void ifl_tail_add(struct ifl_tail *tail, double value)
{
    tail->count++;
    float new = (float)value;
    if (tail->kept == IFL_TAIL && !(new > tail->top[IFL_TAIL - 1]))
        return;
    int at = tail->kept < IFL_TAIL ? tail->kept++ : IFL_TAIL - 1;
    for (; at > 0 && tail->top[at - 1] < new; at--)
        tail->top[at] = tail->top[at - 1];
    tail->top[at] = new;
}

double ifl_tail_p(const struct ifl_tail *tail, double value)
{
    int above = 0;
    while (above < tail->kept && (double)tail->top[above] >= value)
        above++;
    bool inside = above == tail->kept && tail->kept == IFL_TAIL;
    return inside ? 1 : (1.0 + above) / ((double)tail->count + 1);
}

double ifl_tail_limit(const struct ifl_tail *tail, double many)
{
    if (tail->count < IFL_TAIL_ROWS_MIN)
        return INFINITY;
    double least = (double)tail->top[IFL_TAIL - 1], excess = 0;
    for (int i = 0; i < IFL_TAIL; i++)
        excess += ((double)tail->top[i] - least) / IFL_TAIL;
    return least + excess * fmax(0, log(IFL_TAIL * many / (double)tail->count));
}

void ifl_outlier_begin(struct ifl_outlier *outlier, int fit_rows, double many)
{
    memset(outlier, 0, sizeof *outlier);
    outlier->phase = IFL_OUTLIER_FIT;
    outlier->fit_rows = fit_rows;
    outlier->many = many;
    outlier->limit = INFINITY;
}

static void begin_sums(struct ifl_outlier *outlier, const float *x)
{
    double origin[IFL_MODEL_DIMS], unit[IFL_MODEL_DIMS];
    for (int c = 0; c < IFL_MODEL_DIMS; c++) {
        origin[c] = (double)x[c];
        unit[c] = ifl_channel_floor(c, origin[c]);
    }
    ifl_model_begin(&outlier->sums, IFL_MODEL_DIMS, origin, unit);
}

void ifl_outlier_look(struct ifl_outlier *outlier, const float x[IFL_MODEL_DIMS],
                      struct ifl_outlier_view *view)
{
    *view = (struct ifl_outlier_view){.p = 1};
    if (outlier->phase == IFL_OUTLIER_FIT) {
        if (outlier->sums.count == 0)
            begin_sums(outlier, x);
        ifl_model_add(&outlier->sums, x);
    }
    if (outlier->phase < IFL_OUTLIER_CALIBRATE)
        return;
    struct ifl_model_view seen;
    ifl_model_look(&outlier->model, x, &seen);
    view->distance2 = seen.distance2;
    view->p = ifl_tail_p(&outlier->tail, seen.distance2);
    view->strange = outlier->phase == IFL_OUTLIER_JUDGE && seen.distance2 > outlier->limit;
    outlier->row_greatest = fmax(outlier->row_greatest, seen.distance2);
}

static void set_limit(struct ifl_outlier *outlier)
{
    double chance = ifl_chi2_quantile(IFL_MODEL_DIMS, 1 - 1 / outlier->many);
    double seen =
        BEYOND * (double)outlier->tail.top[0]; // what comes again is not unlike all others
    outlier->limit = fmax(fmax(chance, seen), ifl_tail_limit(&outlier->tail, outlier->many));
}

void ifl_outlier_row(struct ifl_outlier *outlier, bool calm)
{
    outlier->rows++;
    if (outlier->phase == IFL_OUTLIER_FIT && outlier->rows >= outlier->fit_rows &&
        outlier->sums.count > 1) {
        ifl_model_fit(&outlier->sums, -1, &outlier->model);
        outlier->phase = IFL_OUTLIER_CALIBRATE;
    } else if (outlier->phase >= IFL_OUTLIER_CALIBRATE && calm) {
        ifl_tail_add(&outlier->tail, outlier->row_greatest);
        set_limit(outlier);
        if (outlier->tail.count >= (uint64_t)outlier->fit_rows &&
            outlier->tail.count >= IFL_TAIL_ROWS_MIN)
            outlier->phase = IFL_OUTLIER_JUDGE;
    }
    outlier->row_greatest = 0;
}
