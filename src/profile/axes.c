// SPDX-License-Identifier: Apache-2.0
#include "profile/axes.h"

#include <math.h>
#include <string.h>

enum { SIDE_MAX = 64, SWEEPS_MAX = 30 };

static double off_diagonal(const double *matrix, int side)
{
    double sum = 0;
    for (int i = 0; i < side; i++)
        for (int j = 0; j < i; j++)
            sum += matrix[i * side + j] * matrix[i * side + j];
    return sum;
}

static void turn_rows(double *a, double *b, int side, double c, double s)
{
    for (int k = 0; k < side; k++) {
        double x = a[k], y = b[k];
        a[k] = c * x - s * y;
        b[k] = s * x + c * y;
    }
}

// Makes entry p, q zero by turning both axes.
static void rotate(double *matrix, double *axis, int side, int p, int q)
{
    double apq = matrix[p * side + q];
    if (apq == 0)
        return;
    double theta = (matrix[q * side + q] - matrix[p * side + p]) / (2 * apq);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    turn_rows(matrix + p * side, matrix + q * side, side, c, s);
    for (int k = 0; k < side; k++) {
        double x = matrix[k * side + p], y = matrix[k * side + q];
        matrix[k * side + p] = c * x - s * y;
        matrix[k * side + q] = s * x + c * y;
    }
    turn_rows(axis + p * side, axis + q * side, side, c, s);
}

static void point_upwards(double *axis, int side)
{
    int greatest = 0;
    for (int k = 1; k < side; k++)
        greatest = fabs(axis[k]) > fabs(axis[greatest]) + 1e-9 ? k : greatest;
    double sign = axis[greatest] < 0 ? -1 : 1;
    for (int k = 0; k < side; k++)
        axis[k] *= sign;
}

static void sort_axes(double *value, double *axis, int side)
{
    for (int i = 0; i < side; i++) {
        int best = i;
        for (int k = i + 1; k < side; k++)
            best = value[k] > value[best] ? k : best;
        double swap = value[i], row[SIDE_MAX];
        value[i] = value[best];
        value[best] = swap;
        memcpy(row, axis + i * side, (size_t)side * sizeof *row);
        memmove(axis + i * side, axis + best * side, (size_t)side * sizeof *row);
        memcpy(axis + best * side, row, (size_t)side * sizeof *row);
        point_upwards(axis + i * side, side);
    }
}

void ifl_axes(double *matrix, int side, double *value, double *axis)
{
    double size = off_diagonal(matrix, side);
    memset(axis, 0, (size_t)(side * side) * sizeof *axis);
    for (int i = 0; i < side; i++) {
        axis[i * side + i] = 1;
        size += matrix[i * side + i] * matrix[i * side + i];
    }
    for (int sweep = 0; sweep < SWEEPS_MAX && off_diagonal(matrix, side) > 1e-20 * size; sweep++)
        for (int p = 0; p < side - 1; p++)
            for (int q = p + 1; q < side; q++)
                rotate(matrix, axis, side, p, q);
    for (int i = 0; i < side; i++)
        value[i] = matrix[i * side + i];
    sort_axes(value, axis, side);
}
