// SPDX-License-Identifier: Apache-2.0
// Single frames unlike all others. In: each frame's channels, and when a row of them (a second) is
// over. Out: Mahalanobis' distance, its conformal p-value among the rows' greatest so far, and
// whether it is an anomaly. Plain storage; one thread.
//
// The limit is the larger of the chi-square quantile and what an exponential tail through the 64
// greatest row maxima gives for one in so many rows.
#ifndef IFL_PROFILE_OUTLIER_H
#define IFL_PROFILE_OUTLIER_H

#include <stdbool.h>

#include "profile/model.h"

enum { IFL_TAIL = 64, IFL_TAIL_ROWS_MIN = 128 };

struct ifl_tail {
    uint64_t count;      // of all values
    int kept;            // the greatest of them
    float top[IFL_TAIL]; // falling
};
void ifl_tail_add(struct ifl_tail *tail, double value);
// (1 + how many are at least so great) / (n + 1): uniform while values are exchangeable. Exact
// below 64 / n, at most 1 above.
double ifl_tail_p(const struct ifl_tail *tail, double value);
// What one value in `many` exceeds; infinite below IFL_TAIL_ROWS_MIN values.
double ifl_tail_limit(const struct ifl_tail *tail, double many);

enum ifl_outlier_phase {
    IFL_OUTLIER_NONE,
    IFL_OUTLIER_FIT,
    IFL_OUTLIER_CALIBRATE,
    IFL_OUTLIER_JUDGE
};
struct ifl_outlier {
    enum ifl_outlier_phase phase;
    int rows, fit_rows;
    double many; // rows between false alarms
    struct ifl_model_sums sums;
    struct ifl_model model;
    struct ifl_tail tail;
    double row_greatest, limit;
};
void ifl_outlier_begin(struct ifl_outlier *outlier, int fit_rows, double many);

struct ifl_outlier_view {
    double distance2, p;
    bool strange;
};
void ifl_outlier_look(struct ifl_outlier *outlier, const float x[IFL_MODEL_DIMS],
                      struct ifl_outlier_view *view);
// A second is over. `calm`: nothing in it was strange, it counts for what is normal.
void ifl_outlier_row(struct ifl_outlier *outlier, bool calm);

#endif
