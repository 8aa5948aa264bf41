// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers, the same on every machine: xoshiro256** (Blackman and Vigna 2018), started
// by splitmix64. A stream belongs to one thread; `split` gives independent ones.
#ifndef IFL_BASE_RNG_H
#define IFL_BASE_RNG_H

#include <stdint.h>

struct ifl_rng {
    uint64_t state[4];
};

void ifl_rng_init(struct ifl_rng *rng, uint64_t seed);

// An independent stream for part `index` of the work, whatever the order of the parts.
void ifl_rng_split(struct ifl_rng *rng, uint64_t seed, uint64_t index);

uint64_t ifl_rng_next(struct ifl_rng *rng);
uint32_t ifl_rng_below(struct ifl_rng *rng, uint32_t bound); // uniform in 0..bound-1; bound >= 1
double ifl_rng_uniform(struct ifl_rng *rng);                 // in [0, 1)

// Standard normal out of integer arithmetic only (sum of 16 uniforms and a cubic correction; the
// error of the distribution function is below 1e-3), so that its bits are the same everywhere.
double ifl_rng_normal(struct ifl_rng *rng);

#endif
