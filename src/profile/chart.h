// SPDX-License-Identifier: Apache-2.0
// Control charts for standardised values: CUSUM (Page 1954) and EWMA (Roberts 1959), with their
// exact average run lengths (ARL) for independent standard normals, by Gauss-Legendre quadrature of
// the integral equations. Plain values of the caller; any thread.
#ifndef IFL_PROFILE_CHART_H
#define IFL_PROFILE_CHART_H

#include <stdbool.h>

struct ifl_cusum {
    double high, low; // both >= 0
};
// True where one side has passed the limit. Two-sided; `allowance` is Page's k.
bool ifl_cusum_add(struct ifl_cusum *cusum, double value, double allowance, double limit);
// Mean number of values until it passes, all of them `shift` off their mean.
double ifl_cusum_arl(double allowance, double limit, double shift);
// The limit that has this ARL at shift 0; arl from 2 to 1e12.
double ifl_cusum_limit(double allowance, double arl);

struct ifl_ewma {
    double value;
};
// `width` in standard deviations of the settled average: Roberts' L.
bool ifl_ewma_add(struct ifl_ewma *ewma, double value, double weight, double width);
double ifl_ewma_arl(double weight, double width, double shift);

double ifl_normal_cdf(double value);
double ifl_normal_quantile(double share); // of (0, 1), to 1e-9

#endif
