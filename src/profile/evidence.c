// SPDX-License-Identifier: Apache-2.0
#include "profile/evidence.h"

#include <math.h>
#include <string.h>

static const double stakes[IFL_BETS_SHIFT / 2] = {0.1, 0.2, 0.4, 0.8};
static const double exponents[IFL_BETS_TAIL / 2] = {0.25, 0.5};

void ifl_evidence_add(struct ifl_evidence *evidence, const struct ifl_surprise *surprise,
                      double tolerance, double start)
{
    double *bet = evidence->bet;
    double up = 2 * surprise->rank_up - 1 - tolerance;
    double down = 1 - 2 * surprise->rank_down - tolerance;
    for (int i = 0; i < IFL_BETS_SHIFT / 2; i++) {
        double stake = stakes[i] / (1 + tolerance);
        bet[2 * i] = (bet[2 * i] + start) * (1 + stake * up);
        bet[2 * i + 1] = (bet[2 * i + 1] + start) * (1 + stake * down);
    }
    bet += IFL_BETS_SHIFT;
    for (int i = 0; i < IFL_BETS_TAIL / 2; i++) { // the integral of k p^(k-1) over (0, 1) is 1
        double k = exponents[i];
        bet[2 * i] = (bet[2 * i] + start) * k * pow(surprise->p_up, k - 1);
        bet[2 * i + 1] = (bet[2 * i + 1] + start) * k * pow(surprise->p_down, k - 1);
    }
}

double ifl_evidence_mean(const struct ifl_evidence *evidence, int bets)
{
    double sum = 0;
    for (int i = 0; i < bets; i++)
        sum += evidence->bet[i];
    return sum / bets;
}

bool ifl_evidence_points_up(const struct ifl_evidence *evidence)
{
    double up = 0, down = 0;
    for (int i = 0; i < IFL_BETS; i += 2) {
        up += evidence->bet[i];
        down += evidence->bet[i + 1];
    }
    return up >= down;
}

// How many are less than the value.
static int count_below(const struct ifl_ranks *ranks, double value)
{
    int least = 0, most = ranks->count;
    while (least < most) {
        int middle = (least + most) / 2;
        if ((double)ranks->sorted[middle] < value)
            least = middle + 1;
        else
            most = middle;
    }
    return least;
}

void ifl_ranks_add(struct ifl_ranks *ranks, float value)
{
    if (ranks->count >= ranks->capacity)
        return;
    int at = count_below(ranks, (double)value);
    memmove(ranks->sorted + at + 1, ranks->sorted + at,
            (size_t)(ranks->count - at) * sizeof *ranks->sorted);
    ranks->sorted[at] = value;
    ranks->count++;
}

static int count_equal(const struct ifl_ranks *ranks, int at, double value)
{
    int equal = 0;
    while (at + equal < ranks->count && !((double)ranks->sorted[at + equal] > value))
        equal++;
    return equal;
}

void ifl_ranks_judge(const struct ifl_ranks *ranks, double value, double slack, struct ifl_rng *rng,
                     struct ifl_surprise *surprise)
{
    double all = ranks->count + 1, chance = ifl_rng_uniform(rng);
    // Compared as they are stored, or equal values would not be.
    double up = (double)(float)(value - slack), down = (double)(float)(value + slack);
    int below = count_below(ranks, up), equal = count_equal(ranks, below, up);
    surprise->rank_up = (below + chance * (equal + 1)) / all;
    surprise->p_up = (ranks->count - below + 1) / all;
    below = count_below(ranks, down);
    equal = count_equal(ranks, below, down);
    surprise->rank_down = (below + chance * (equal + 1)) / all;
    surprise->p_down = (below + equal + 1) / all;
}

double ifl_rank_margin(int count, double delta)
{
    return 2 * sqrt(log(2 / delta) / (2.0 * count));
}

int ifl_ebh(const double *e, int count, double alpha, bool *keep)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        int rank = 0; // of e[i], the largest is 1
        for (int j = 0; j < count; j++)
            rank += e[j] >= e[i];
        if (e[i] >= count / (alpha * rank) && rank > kept)
            kept = rank;
    }
    double least = INFINITY;
    for (int i = 0; i < count; i++)
        if (kept && e[i] >= count / (alpha * kept) && e[i] < least)
            least = e[i];
    for (int i = 0; i < count; i++)
        keep[i] = e[i] >= least;
    return kept;
}

double ifl_e_of_p(double p)
{
    return 0.5 / sqrt(fmax(p, 1e-300));
}
