// SPDX-License-Identifier: Apache-2.0
// Exponential and logarithm out of IEEE additions and multiplications only, so that the same seed
// gives the same bytes with every C library. Relative error below 1e-12.
#ifndef IFL_GENERATE_EXACT_H
#define IFL_GENERATE_EXACT_H

#include <math.h>

// e^x; 0 below -700, x at most 700.
static inline double ifl_exact_exp(double x)
{
    if (!(x > -700))
        return 0;
    double n = floor(x * 1.4426950408889634 + 0.5);
    double r = x - n * 0.6931471803691238 - n * 1.9082149292705877e-10; // ln 2 in two parts
    double sum = 1;
    for (int i = 13; i >= 1; i--)
        sum = 1 + sum * r / i;
    return ldexp(sum, (int)n);
}

// Natural logarithm of x > 0.
static inline double ifl_exact_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent); // 0.5 <= m < 1
    if (m < 0.70710678118654752) {
        m *= 2;
        exponent--;
    }
    double t = (m - 1) / (m + 1), t2 = t * t, sum = 0; // 2 artanh(t), |t| < 0.172
    for (int i = 21; i >= 1; i -= 2)
        sum = sum * t2 + 1.0 / i;
    return exponent * 0.6931471805599453 + 2 * t * sum;
}

// x^y for x >= 0.
static inline double ifl_exact_pow(double x, double y)
{
    return x > 0 ? ifl_exact_exp(fmin(y * ifl_exact_log(x), 700)) : (y == 0 ? 1 : 0);
}

#endif
