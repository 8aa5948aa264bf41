// SPDX-License-Identifier: Apache-2.0
// Two samples side by side: how far apart, and how far they may be by chance alone. Samples are
// sketches (exact below IFL_KLL_K values) or vectors. Any thread.
#ifndef IFL_PROFILE_COMPARE_H
#define IFL_PROFILE_COMPARE_H

#include "profile/kll.h"

// Each beside the limit above which it is more than chance or small change.
struct ifl_comparison {
    double ks, ks_limit, ks_p; // Kolmogorov and Smirnov, limit at alpha = .01 and 2 epsilon
    double psi, psi_limit;     // over the reference's deciles; Yurdakul's null at .99, at least .1
    double w1, w1_limit;       // Wasserstein in standard deviations of the reference; .1
    double js, js_limit;       // Jensen and Shannon, over deciles of both, 0..1; .1 and bias
    double energy;             // 2E|X-Y| - E|X-X'| - E|Y-Y'|, in the values' unit
};
void ifl_compare(const struct ifl_kll *reference, const struct ifl_kll *current,
                 struct ifl_comparison *comparison);

// Expected PSI of two samples of one distribution, n and m large, over `bins`.
double ifl_psi_null(int bins, double n, double m);
double ifl_ks_critical(double alpha);                   // c(alpha)
double ifl_chi2_quantile(double freedom, double share); // Wilson and Hilferty 1931

// Random Fourier features of the Gaussian kernel exp(-|x-y|^2 / 2 s^2) (Rahimi and Recht 2007).
enum { IFL_FOURIER = 512 };
struct ifl_fourier {
    int dims;
    double scale; // s
    uint64_t seed;
    float *wave; // IFL_FOURIER rows of dims, then IFL_FOURIER phases
};
int ifl_fourier_init(struct ifl_fourier *fourier, int dims, double scale, uint64_t seed); // 0 or -1
void ifl_fourier_fini(struct ifl_fourier *fourier);
void ifl_fourier_map(const struct ifl_fourier *fourier, const float *x, float *out);
// Unbiased squared MMD of n and m mapped vectors given by their sums and sums of squared norms.
struct ifl_fourier_sum {
    int count;
    double norms;
    double sum[IFL_FOURIER];
};
void ifl_fourier_add(struct ifl_fourier_sum *sum, const float *mapped);
double ifl_fourier_mmd2(const struct ifl_fourier_sum *a, const struct ifl_fourier_sum *b);

#endif
