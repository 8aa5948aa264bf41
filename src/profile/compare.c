// SPDX-License-Identifier: Apache-2.0
#include "profile/compare.h"

#include <math.h>
#include <stdlib.h>

#include "profile/chart.h"

enum { BINS = 10 };

static const double PI = 3.14159265358979323846;

struct steps { // a distribution function: values and the weight up to each
    int count;
    double value[IFL_KLL_ITEMS], share[IFL_KLL_ITEMS];
    double mean, deviation;
};

static void read_steps(const struct ifl_kll *sketch, struct steps *steps)
{
    struct ifl_kll_item item[IFL_KLL_ITEMS];
    int count = ifl_kll_items(sketch, item);
    double sum = 0, mean = 0, square = 0, total = 0;
    for (int i = 0; i < count; i++)
        total += item[i].weight;
    for (int i = 0; i < count; i++) {
        sum += item[i].weight;
        mean += item[i].weight * (double)item[i].value;
        steps->value[i] = (double)item[i].value;
        steps->share[i] = sum / total;
    }
    mean = total > 0 ? mean / total : 0;
    for (int i = 0; i < count; i++)
        square += item[i].weight * pow((double)item[i].value - mean, 2) / total;
    steps->count = count;
    steps->mean = mean;
    steps->deviation = sqrt(square);
}

static double share_at(const struct steps *steps, int passed)
{
    return passed ? steps->share[passed - 1] : 0;
}

// Walks both functions at once: the largest gap, its integral and that of its square.
static void walk(const struct steps *a, const struct steps *b, double *gap, double *area,
                 double *square)
{
    int i = 0, j = 0;
    double last = 0;
    *gap = *area = *square = 0;
    while (i < a->count || j < b->count) {
        double difference = share_at(a, i) - share_at(b, j);
        double next = j >= b->count || (i < a->count && a->value[i] < b->value[j]) ? a->value[i]
                                                                                   : b->value[j];
        if (i + j > 0) {
            *area += fabs(difference) * (next - last);
            *square += difference * difference * (next - last);
        }
        while (i < a->count && a->value[i] <= next)
            i++;
        while (j < b->count && b->value[j] <= next)
            j++;
        *gap = fmax(*gap, fabs(share_at(a, i) - share_at(b, j)));
        last = next;
    }
}

// The values below which tenths of the reference lie, or of both together: the last bin is open.
static void find_edges(const struct steps *a, const struct steps *b, double edge[BINS])
{
    int i = 0, j = 0;
    for (int bin = 0; bin < BINS; bin++) {
        double share = (bin + 1.0) / BINS - 1e-12;
        while (i < a->count && j < b->count && (share_at(a, i) + share_at(b, j)) / 2 < share) {
            double next = fmin(a->value[i], b->value[j]);
            i += a->value[i] <= next;
            j += b->value[j] <= next;
        }
        while (i < a->count && (share_at(a, i) + share_at(b, j)) / 2 < share)
            i++;
        while (j < b->count && (share_at(a, i) + share_at(b, j)) / 2 < share)
            j++;
        edge[bin] = fmax(i ? a->value[i - 1] : -INFINITY, j ? b->value[j - 1] : -INFINITY);
    }
    edge[BINS - 1] = INFINITY;
}

// Shares between the edges, each with half a count more. Edges that fall together share what lies
// on them.
static void fill_bins(const double edge[BINS], const struct steps *steps, double count,
                      double share[BINS])
{
    double before = 0;
    int at = 0;
    for (int b = 0; b < BINS; b++) {
        while (at < steps->count && steps->value[at] <= edge[b])
            at++;
        double below = share_at(steps, at);
        share[b] = ((below - before) * count + 0.5) / (count + 0.5 * BINS);
        before = below;
    }
}

static double js_distance(const double p[BINS], const double q[BINS])
{
    double sum = 0;
    for (int b = 0; b < BINS; b++) {
        double m = (p[b] + q[b]) / 2;
        sum += (p[b] * log2(p[b] / m) + q[b] * log2(q[b] / m)) / 2;
    }
    return sqrt(fmax(sum, 0));
}

double ifl_psi_null(int bins, double n, double m)
{
    return (bins - 1) * (1 / n + 1 / m);
}

double ifl_ks_critical(double alpha)
{
    return sqrt(-log(alpha / 2) / 2);
}

double ifl_chi2_quantile(double freedom, double share)
{
    double part = 2 / (9 * freedom);
    return freedom * pow(1 - part + ifl_normal_quantile(share) * sqrt(part), 3);
}

void ifl_compare(const struct ifl_kll *reference, const struct ifl_kll *current,
                 struct ifl_comparison *comparison)
{
    *comparison = (struct ifl_comparison){0};
    if (!reference->count || !current->count)
        return;
    struct steps a, b;
    read_steps(reference, &a);
    read_steps(current, &b);
    double n = (double)reference->count, m = (double)current->count,
           chance = sqrt((n + m) / (n * m));
    double epsilon = (n < IFL_KLL_K ? 0 : IFL_KLL_EPSILON) + (m < IFL_KLL_K ? 0 : IFL_KLL_EPSILON);
    double area, square, edge[BINS], p[BINS], q[BINS];
    walk(&a, &b, &comparison->ks, &area, &square);
    comparison->ks_limit = ifl_ks_critical(0.01) * chance + epsilon;
    double x = fmax(comparison->ks - epsilon, 0) / chance;
    comparison->ks_p = fmin(1, 2 * exp(-2 * x * x));
    comparison->w1 = a.deviation > 0 ? area / a.deviation : area > 0 ? INFINITY : 0;
    comparison->w1_limit = 0.1;
    comparison->energy = 2 * square;
    find_edges(&a, &a, edge);
    fill_bins(edge, &a, n, p);
    fill_bins(edge, &b, m, q);
    for (int i = 0; i < BINS; i++)
        comparison->psi += (p[i] - q[i]) * log(p[i] / q[i]);
    comparison->psi_limit = fmax(0.1, ifl_chi2_quantile(BINS - 1, 0.99) * (1 / n + 1 / m));
    find_edges(&a, &b, edge);
    fill_bins(edge, &a, n, p);
    fill_bins(edge, &b, m, q);
    comparison->js = js_distance(p, q);
    comparison->js_limit = sqrt(0.01 + (BINS - 1) / (8 * log(2)) * (1 / n + 1 / m));
}

// ---- many dimensions ----

int ifl_fourier_init(struct ifl_fourier *fourier, int dims, double scale, uint64_t seed)
{
    size_t waves = IFL_FOURIER * (size_t)dims;
    struct ifl_rng rng;
    *fourier = (struct ifl_fourier){.dims = dims, .scale = scale, .seed = seed};
    fourier->wave = malloc((waves + IFL_FOURIER) * sizeof *fourier->wave);
    if (!fourier->wave)
        return -1;
    ifl_rng_init(&rng, seed);
    for (size_t i = 0; i < waves; i++)
        fourier->wave[i] = (float)(ifl_rng_normal(&rng) / scale);
    for (size_t i = 0; i < IFL_FOURIER; i++)
        fourier->wave[waves + i] = (float)(2 * PI * ifl_rng_uniform(&rng));
    return 0;
}

void ifl_fourier_fini(struct ifl_fourier *fourier)
{
    free(fourier->wave);
    fourier->wave = NULL;
}

void ifl_fourier_map(const struct ifl_fourier *fourier, const float *x, float *out)
{
    const float *wave = fourier->wave, *phase = wave + IFL_FOURIER * (size_t)fourier->dims;
    const float height = sqrtf(2.0f / IFL_FOURIER);
    for (int i = 0; i < IFL_FOURIER; i++, wave += fourier->dims) {
        float angle = phase[i];
        for (int d = 0; d < fourier->dims; d++)
            angle += wave[d] * x[d];
        out[i] = height * cosf(angle);
    }
}

void ifl_fourier_add(struct ifl_fourier_sum *sum, const float *mapped)
{
    sum->count++;
    for (int i = 0; i < IFL_FOURIER; i++) {
        sum->sum[i] += (double)mapped[i];
        sum->norms += (double)mapped[i] * (double)mapped[i];
    }
}

// The squared norm of the mean without what a finite sample adds to it.
static double mean_norm(const struct ifl_fourier_sum *sum)
{
    double n = sum->count, square = 0;
    for (int i = 0; i < IFL_FOURIER; i++)
        square += sum->sum[i] / n * (sum->sum[i] / n);
    return (n * square - sum->norms / n) / (n - 1);
}

double ifl_fourier_mmd2(const struct ifl_fourier_sum *a, const struct ifl_fourier_sum *b)
{
    double product = 0;
    for (int i = 0; i < IFL_FOURIER; i++)
        product += a->sum[i] / a->count * (b->sum[i] / b->count);
    return mean_norm(a) + mean_norm(b) - 2 * product;
}
