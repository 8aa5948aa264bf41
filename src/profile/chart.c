// SPDX-License-Identifier: Apache-2.0
#include "profile/chart.h"

#include <math.h>

enum { NODES = 80 }; // of the quadrature; the error is far below the table's last digit

static const double PI = 3.14159265358979323846;

bool ifl_cusum_add(struct ifl_cusum *cusum, double value, double allowance, double limit)
{
    cusum->high = fmax(0, cusum->high + value - allowance);
    cusum->low = fmax(0, cusum->low - value - allowance);
    return cusum->high > limit || cusum->low > limit;
}

bool ifl_ewma_add(struct ifl_ewma *ewma, double value, double weight, double width)
{
    ewma->value += weight * (value - ewma->value);
    return fabs(ewma->value) > width * sqrt(weight / (2 - weight));
}

double ifl_normal_cdf(double value)
{
    return 0.5 * erfc(-value / sqrt(2));
}

static double normal_density(double value)
{
    return exp(-value * value / 2) / sqrt(2 * PI);
}

// Newton's method on the distribution function, started by the tail's asymptote.
double ifl_normal_quantile(double share)
{
    if (share > 0.5)
        return -ifl_normal_quantile(1 - share);
    double t = sqrt(-2 * log(fmax(share, 1e-300)));
    double x = -(t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t)));
    for (int i = 0; i < 4; i++) {
        double step = (ifl_normal_cdf(x) - share) / normal_density(x);
        x -= step / (1 + x * step / 2); // Halley
    }
    return x;
}

// ---- run lengths ----

struct quadrature {
    double node[NODES], weight[NODES];
};

// Gauss and Legendre on [from, to].
static void make_quadrature(struct quadrature *q, double from, double to)
{
    double middle = (from + to) / 2, half = (to - from) / 2;
    for (int i = 0; i < NODES; i++) {
        double x = cos(PI * (i + 0.75) / (NODES + 0.5)), slope = 1;
        for (int step = 0; step < 8; step++) {
            double before = 1, value = x;
            for (int n = 2; n <= NODES; n++) {
                double next = ((2 * n - 1) * x * value - (n - 1) * before) / n;
                before = value;
                value = next;
            }
            slope = NODES * (x * value - before) / (x * x - 1);
            x -= value / slope;
        }
        q->node[i] = middle + half * x;
        q->weight[i] = half * 2 / ((1 - x * x) * slope * slope);
    }
}

// Solves matrix * x = right in place, with pivots by rows.
static void solve(int n, double matrix[NODES + 1][NODES + 1], double right[NODES + 1])
{
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c + 1; r < n; r++)
            if (fabs(matrix[r][c]) > fabs(matrix[pivot][c]))
                pivot = r;
        for (int k = 0; k < n; k++) {
            double swap = matrix[c][k];
            matrix[c][k] = matrix[pivot][k];
            matrix[pivot][k] = swap;
        }
        double swap = right[c];
        right[c] = right[pivot];
        right[pivot] = swap;
        for (int r = c + 1; r < n; r++) {
            double factor = matrix[r][c] / matrix[c][c];
            for (int k = c; k < n; k++)
                matrix[r][k] -= factor * matrix[c][k];
            right[r] -= factor * right[c];
        }
    }
    for (int r = n - 1; r >= 0; r--) {
        for (int k = r + 1; k < n; k++)
            right[r] -= matrix[r][k] * right[k];
        right[r] /= matrix[r][r];
    }
}

// L(u) = 1 + P(fall to 0) L(0) + integral over (0, limit): Page's equation of the one-sided chart.
static double one_sided_arl(double allowance, double limit, double shift)
{
    static _Thread_local double matrix[NODES + 1][NODES + 1];
    struct quadrature q;
    double right[NODES + 1], drift = allowance - shift;
    make_quadrature(&q, 0, limit);
    for (int r = 0; r <= NODES; r++) {
        double u = r < NODES ? q.node[r] : 0;
        for (int c = 0; c < NODES; c++)
            matrix[r][c] = (r == c) - q.weight[c] * normal_density(q.node[c] - u + drift);
        matrix[r][NODES] = (r == NODES) - ifl_normal_cdf(drift - u);
        right[r] = 1;
    }
    solve(NODES + 1, matrix, right);
    return right[NODES];
}

double ifl_cusum_arl(double allowance, double limit, double shift)
{
    return 1 / (1 / one_sided_arl(allowance, limit, shift) +
                1 / one_sided_arl(allowance, limit, -shift));
}

double ifl_cusum_limit(double allowance, double arl)
{
    double least = 0.01, most = 0.5;
    while (ifl_cusum_arl(allowance, most, 0) < arl && most < 40)
        most *= 1.3;
    for (int i = 0; i < 30; i++) {
        double middle = (least + most) / 2;
        if (ifl_cusum_arl(allowance, middle, 0) < arl)
            least = middle;
        else
            most = middle;
    }
    return most;
}

double ifl_ewma_arl(double weight, double width, double shift)
{
    static _Thread_local double matrix[NODES + 1][NODES + 1];
    struct quadrature q;
    double right[NODES + 1], limit = width * sqrt(weight / (2 - weight));
    make_quadrature(&q, -limit, limit);
    for (int r = 0; r <= NODES; r++) {
        double u = r < NODES ? q.node[r] : 0;
        for (int c = 0; c < NODES; c++)
            matrix[r][c] =
                (r == c) - q.weight[c] / weight *
                               normal_density((q.node[c] - (1 - weight) * u) / weight - shift);
        matrix[r][NODES] = r == NODES;
        right[r] = 1;
    }
    solve(NODES + 1, matrix, right);
    return right[NODES];
}
