// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

uint64_t ifl_hash_bytes(const void *bytes, size_t count, uint64_t seed)
{
    const unsigned char *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < count; i++) {
        hash ^= at[i];
        hash *= 0x100000001b3u;
    }
    return ifl_hash_mix(hash);
}
