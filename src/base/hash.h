// SPDX-License-Identifier: Apache-2.0
// A 64-bit hash for identifiers and tables (not for secrets): FNV-1a with a final mix.
#ifndef IFL_BASE_HASH_H
#define IFL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

// `seed` chains: hash(b, hash(a, 0)).
uint64_t ifl_hash_bytes(const void *bytes, size_t count, uint64_t seed);

// The finaliser of splitmix64: a bijection that scatters neighbouring numbers.
static inline uint64_t ifl_hash_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

#endif
