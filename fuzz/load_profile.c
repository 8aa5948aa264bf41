// SPDX-License-Identifier: Apache-2.0
#include "load_profile.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "profile/bytes.h"
#include "profile/file.h"
#include "profile/identify.h"

enum { HEADER_BYTES = 28, SECTION_BYTES = 16 };

void __wrap_ifl_identify_profile(struct ifl_profile *profile, const uint64_t *frame_hash);
void __real_ifl_identify_profile(struct ifl_profile *profile, const uint64_t *frame_hash);

// Looks at everything, and leaves the id as it was read.
void __wrap_ifl_identify_profile(struct ifl_profile *profile, const uint64_t *frame_hash)
{
    char id[IFL_PROFILE_ID_MAX];
    memcpy(id, profile->id, sizeof id);
    __real_ifl_identify_profile(profile, frame_hash);
    memcpy(profile->id, id, sizeof id);
}

static void fit_sums(uint8_t *bytes, size_t count)
{
    if (count < HEADER_BYTES)
        return;
    ifl_put_u64(bytes + 16, count);
    ifl_put_u32(bytes + 24, (uint32_t)crc32(0, bytes, 24));
    for (size_t at = HEADER_BYTES; count - at >= SECTION_BYTES;) {
        uint64_t length = ifl_get_u64(bytes + at + 8);
        if (length > count - at - SECTION_BYTES)
            return;
        uLong crc = crc32(crc32(0, bytes + at, 4), bytes + at + 8, (uInt)length + 8);
        ifl_put_u32(bytes + at + 4, (uint32_t)crc);
        at += SECTION_BYTES + (size_t)length;
    }
}

struct ifl_profile *fuzz_load_profile(const uint8_t *bytes, size_t count)
{
    struct ifl_profile *profile;
    struct ifl_error error;
    uint8_t *copy = malloc(count ? count : 1);
    MUST(copy != NULL);
    if (count)
        memcpy(copy, bytes, count);
    fit_sums(copy, count);
    enum ifl_result result = ifl_profile_parse("fuzz.iflprof", copy, count, &profile, &error);
    fuzz_must_explain(result, &error);
    MUST((result == IFL_OK) == (profile != NULL));
    free(copy);
    return profile;
}
