// SPDX-License-Identifier: Apache-2.0
#include "profile/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double KEPT_VARIANCE = 0.65;
static const double APART_LEAST = 0.2; // what of a pair is always its own, in deviations

enum { SWEEPS = 12 };

void ifl_model_begin(struct ifl_model_sums *sums, int dims, const double *origin,
                     const double *unit)
{
    memset(sums, 0, sizeof *sums);
    sums->dims = dims;
    memcpy(sums->origin, origin, (size_t)dims * sizeof *origin);
    memcpy(sums->unit, unit, (size_t)dims * sizeof *unit);
}

void ifl_model_add(struct ifl_model_sums *sums, const float *x)
{
    double d[IFL_MODEL_DIMS];
    for (int i = 0; i < sums->dims; i++) {
        d[i] = (double)x[i] - sums->origin[i];
        sums->sum[i] += d[i];
    }
    for (int i = 0; i < sums->dims; i++)
        for (int j = i; j < sums->dims; j++)
            sums->product[i][j] += d[i] * d[j];
    sums->count++;
}

// ---- fitting ----

struct matrix {
    int dims;
    double at[IFL_MODEL_DIMS][IFL_MODEL_DIMS];
    double axis[IFL_MODEL_DIMS][IFL_MODEL_DIMS]; // columns
};

// Jacobi's rotation that makes at[p][q] zero.
static void rotate(struct matrix *m, int p, int q)
{
    double theta = (m->at[q][q] - m->at[p][p]) / (2 * m->at[p][q]);
    double t = (theta >= 0 ? 1 : -1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < m->dims; k++) {
        double a = m->at[k][p], b = m->at[k][q];
        m->at[k][p] = c * a - s * b;
        m->at[k][q] = s * a + c * b;
    }
    for (int k = 0; k < m->dims; k++) {
        double a = m->at[p][k], b = m->at[q][k];
        m->at[p][k] = c * a - s * b;
        m->at[q][k] = s * a + c * b;
        a = m->axis[k][p];
        b = m->axis[k][q];
        m->axis[k][p] = c * a - s * b;
        m->axis[k][q] = s * a + c * b;
    }
}

static void diagonalise(struct matrix *m)
{
    for (int i = 0; i < m->dims; i++)
        for (int j = 0; j < m->dims; j++)
            m->axis[i][j] = i == j;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < m->dims; p++)
            for (int q = p + 1; q < m->dims; q++)
                if (fabs(m->at[p][q]) > 1e-12)
                    rotate(m, p, q);
}

static void fill_correlations(const struct ifl_model_sums *sums, struct ifl_model *model,
                              struct matrix *m)
{
    double n = sums->count;
    for (int i = 0; i < sums->dims; i++) {
        double mean = sums->sum[i] / n;
        double variance = fmax(0, sums->product[i][i] / n - mean * mean) * n / (n - 1);
        model->mean[i] = (float)(sums->origin[i] + mean);
        model->deviation[i] = (float)fmax(sqrt(variance), sums->unit[i]);
    }
    for (int i = 0; i < sums->dims; i++)
        for (int j = i; j < sums->dims; j++) {
            double covariance =
                (sums->product[i][j] / n - sums->sum[i] / n * (sums->sum[j] / n)) * n / (n - 1);
            m->at[i][j] = m->at[j][i] =
                covariance / ((double)model->deviation[i] * (double)model->deviation[j]);
        }
}

// Of Ledoit and Wolf's estimator the form that needs no fourth moments: for normal vectors the
// error of the sample matrix S is (tr S^2 + (tr S)^2) / n.
static double shrinkage_of(const struct matrix *m, double n)
{
    double trace = 0, square = 0;
    for (int i = 0; i < m->dims; i++) {
        trace += m->at[i][i];
        for (int j = 0; j < m->dims; j++)
            square += m->at[i][j] * m->at[i][j];
    }
    double away = square - trace * trace / m->dims;
    return away <= 0 ? 1 : fmin(1, (square + trace * trace) / n / away);
}

static int by_variance(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (a[0] < b[0]) - (a[0] > b[0]);
}

static void take_axes(const struct matrix *m, struct ifl_model *model)
{
    double order[IFL_MODEL_DIMS][2], total = 0, held = 0;
    for (int i = 0; i < m->dims; i++) {
        order[i][0] = fmax(m->at[i][i], 0);
        order[i][1] = i;
        total += order[i][0];
    }
    double middle = total / m->dims;
    qsort(order, (size_t)m->dims, sizeof order[0], by_variance);
    for (int i = 0; i < m->dims; i++) {
        double s = (double)model->shrinkage, value = (1 - s) * order[i][0] + s * middle;
        model->weight[i] = (float)(1 / fmax(value, 1e-3));
        for (int k = 0; k < m->dims; k++)
            model->axis[i][k] = (float)m->axis[k][(int)order[i][1]];
        if (held < KEPT_VARIANCE * total)
            model->kept = i + 1;
        held += order[i][0];
    }
}

static void find_partners(const struct matrix *m, struct ifl_model *model)
{
    for (int i = 0; i < m->dims; i++) {
        double most = 0;
        model->partner[i] = i;
        model->together[i] = 0;
        for (int j = 0; j < m->dims; j++) {
            if (i == j || fabs(m->at[i][j]) <= most)
                continue;
            most = fabs(m->at[i][j]);
            model->partner[i] = j;
            model->together[i] = (float)fmax(-1, fmin(1, m->at[i][j]));
        }
    }
}

void ifl_model_fit(const struct ifl_model_sums *sums, double shrinkage, struct ifl_model *model)
{
    static _Thread_local struct matrix matrix;
    memset(model, 0, sizeof *model);
    matrix.dims = model->dims = sums->dims;
    fill_correlations(sums, model, &matrix);
    model->shrinkage = (float)(shrinkage < 0 ? shrinkage_of(&matrix, sums->count) : shrinkage);
    find_partners(&matrix, model);
    diagonalise(&matrix);
    take_axes(&matrix, model);
}

void ifl_model_look(const struct ifl_model *model, const float *x, struct ifl_model_view *view)
{
    float z[IFL_MODEL_DIMS];
    *view = (struct ifl_model_view){0};
    for (int i = 0; i < model->dims; i++)
        z[i] = (x[i] - model->mean[i]) / model->deviation[i];
    for (int i = 0; i < model->dims; i++) {
        double together = (double)model->together[i];
        double apart = (double)z[i] - together * (double)z[model->partner[i]];
        view->pair =
            fmax(view->pair, fabs(apart) / fmax(sqrt(1 - together * together), APART_LEAST));
    }
    for (int i = 0; i < model->dims; i++) {
        float along = 0;
        for (int k = 0; k < model->dims; k++)
            along += model->axis[i][k] * z[k];
        double square = (double)along * (double)along;
        view->distance2 += square * (double)model->weight[i];
        if (i >= model->kept)
            view->error2 += square;
    }
}
