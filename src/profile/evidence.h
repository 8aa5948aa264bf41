// SPDX-License-Identifier: Apache-2.0
// Evidence of a change, with a guarantee: the e-SR detector (Shin, Ramdas and Rinaldo 2022).
//
// Each bet multiplies what it holds by E, whose mean given the past is at most 1 while nothing has
// changed, after `start` was added to it. The mean over bets (and over any number of such sums,
// whatever their dependence) then grows at most by `start` a step on average, so that the mean time
// until it passes A is at least A / start steps. With the step's seconds as `start`, A is in
// seconds.
//
// The bets need values that are uniform while nothing has changed: ranks among all values so far,
// ties broken by chance, are exactly that for exchangeable values, however few those are. (A
// distribution estimated once is not; then take a tolerance of at least ifl_rank_margin.)
#ifndef IFL_PROFILE_EVIDENCE_H
#define IFL_PROFILE_EVIDENCE_H

#include <stdbool.h>

#include "base/rng.h"

enum {
    IFL_BETS_SHIFT = 8, // on z = 2F - 1: four stakes up, four down
    IFL_BETS_TAIL = 4, // on small p: two exponents up, two down; found fast where a change is large
    IFL_BETS = IFL_BETS_SHIFT + IFL_BETS_TAIL,
};

struct ifl_evidence {
    double bet[IFL_BETS];
};
// What a value says: its rank in (0, 1) seen from above and from below (they are the same where
// there is no tolerance), and the one-sided p-values.
struct ifl_surprise {
    double rank_up, rank_down;
    double p_up, p_down;
};
// `tolerance` in z: a mean of z within it is no change.
void ifl_evidence_add(struct ifl_evidence *evidence, const struct ifl_surprise *surprise,
                      double tolerance, double start);
double ifl_evidence_mean(const struct ifl_evidence *evidence, int bets); // over the first `bets`
bool ifl_evidence_points_up(const struct ifl_evidence *evidence);

// Values in rising order, at most `capacity`.
struct ifl_ranks {
    int count, capacity;
    float *sorted;
};
void ifl_ranks_add(struct ifl_ranks *ranks, float value); // no-op where full
// The surprise of a value against them; a change of less than `slack` (>= 0) is none.
void ifl_ranks_judge(const struct ifl_ranks *ranks, double value, double slack, struct ifl_rng *rng,
                     struct ifl_surprise *surprise);
// Half-width of z by Dvoretzky, Kiefer and Wolfowitz: 2 sqrt(ln(2 / delta) / 2n).
double ifl_rank_margin(int count, double delta);

// e-BH (Wang and Ramdas 2022): keeps the k largest e with e_(k) >= count / (alpha k); the false
// discovery rate is at most alpha under any dependence. Sets keep[i]; returns how many.
int ifl_ebh(const double *e, int count, double alpha, bool *keep);
// An e-value of a p-value: 1 / (2 sqrt p).
double ifl_e_of_p(double p);

#endif
