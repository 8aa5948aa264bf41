// SPDX-License-Identifier: Apache-2.0
// Axes of a symmetric matrix (Jacobi 1846). In: `side` x `side` numbers, rows tight; destroyed.
// Out: its eigenvalues, falling, and unit eigenvectors as rows of `axis`, the greatest entry of
// each positive. Sides up to 64. Any thread.
#ifndef IFL_PROFILE_AXES_H
#define IFL_PROFILE_AXES_H

void ifl_axes(double *matrix, int side, double *value, double *axis);

#endif
