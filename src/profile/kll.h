// SPDX-License-Identifier: Apache-2.0
// A KLL quantile sketch (Karnin, Lang, Liberty 2016), k = 200. In: finite values one by one, or
// another sketch. Out: any quantile, with a rank error below 1.33 % at 99 % confidence (measured by
// the tests). Plain storage of the caller, no allocation; its coin is seeded, so that the same
// values give the same sketch. One thread. Limit: 2^30 values.
#ifndef IFL_PROFILE_KLL_H
#define IFL_PROFILE_KLL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

enum {
    IFL_KLL_K = 200,
    IFL_KLL_LEVELS = 24,
    IFL_KLL_ITEMS = 832, // sum of the greatest capacities of all levels, and one more
};

struct ifl_kll {
    uint64_t count;
    float min, max;
    int levels;
    int size[IFL_KLL_LEVELS];  // items of each level; an item of level l stands for 2^l values
    float item[IFL_KLL_ITEMS]; // highest level first, so that new values go to the end
    struct ifl_rng coin;
};

void ifl_kll_init(struct ifl_kll *sketch, uint64_t seed);
void ifl_kll_add(struct ifl_kll *sketch, float value);
void ifl_kll_merge(struct ifl_kll *sketch, const struct ifl_kll *other);

// The values at `count` ranks in [0, 1], rising. All 0 where the sketch is empty; rank 0 and 1 give
// the exact least and greatest value.
void ifl_kll_quantiles(const struct ifl_kll *sketch, const double *rank, double *value, int count);

// The greatest difference of two distribution functions (Kolmogorov and Smirnov), 0..1; 0 where one
// sketch is empty.
double ifl_kll_distance(const struct ifl_kll *a, const struct ifl_kll *b);
// Of one that was read from a file: it is as if its values had been added.
bool ifl_kll_is_valid(const struct ifl_kll *sketch);

static const double IFL_KLL_EPSILON = 0.0133; // rank error, 99 %; none below IFL_KLL_K values

struct ifl_kll_item {
    float value;
    double weight; // how many values it stands for
};
// All that it holds in rising order; returns how many.
int ifl_kll_items(const struct ifl_kll *sketch, struct ifl_kll_item item[IFL_KLL_ITEMS]);

#endif
