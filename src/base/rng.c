// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include "base/hash.h"

void ifl_rng_init(struct ifl_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        rng->state[i] = ifl_hash_mix(seed);
    }
}

void ifl_rng_split(struct ifl_rng *rng, uint64_t seed, uint64_t index)
{
    ifl_rng_init(rng, ifl_hash_mix(seed) ^ ifl_hash_mix(index + 0x632be59bd9b4e019u));
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t ifl_rng_next(struct ifl_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t ifl_rng_below(struct ifl_rng *rng, uint32_t bound)
{
    // Lemire 2019: multiply and reject the few values that would favour some results.
    uint32_t threshold = (uint32_t)(-bound) % bound;
    for (;;) {
        uint64_t product = (ifl_rng_next(rng) >> 32) * bound;
        if ((uint32_t)product >= threshold)
            return (uint32_t)(product >> 32);
    }
}

double ifl_rng_uniform(struct ifl_rng *rng)
{
    return (double)(ifl_rng_next(rng) >> 11) * 0x1p-53;
}

double ifl_rng_normal(struct ifl_rng *rng)
{
    // Sixteen 16-bit uniforms: variance 16 * (2^32 - 1) / 12, kurtosis 3 - 1.2 / 16.
    int64_t sum = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t bits = ifl_rng_next(rng);
        for (int j = 0; j < 4; j++, bits >>= 16)
            sum += (int64_t)(bits & 0xffff);
    }
    double z = ((double)sum - 16 * 32767.5) * (1.0 / 75674.37); // sqrt(16 * (2^32 - 1) / 12)
    // Cornish-Fisher: excess kurtosis g = -1.2 / 16 is put right by -g/24 (z^3 - 3z).
    return z + (1.2 / 16 / 24) * (z * z * z - 3 * z);
}
