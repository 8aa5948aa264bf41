// SPDX-License-Identifier: Apache-2.0
// Images from a profile file that somebody else wrote: whatever loads can be generated from, or
// refused. The document's counts of frames choose privacy mode and seed. Large profiles are left
// out: they only take time.
#include "load_profile.h"

#include "generate/builtin.h"

enum { PIXELS_MAX = 48 * 48, FRAMES_MAX = 32 };

static bool is_small(const struct ifl_profile *profile)
{
    int base = profile->levels - 1;
    return base < 0 || (profile->memory_frames <= FRAMES_MAX &&
                        profile->level_width[base] * profile->level_height[base] <= PIXELS_MAX);
}

static void generate(const struct ifl_profile *profile, void *self)
{
    struct ifl_synthetic made = {0};
    struct ifl_request request;
    struct ifl_error error;
    ifl_request_init(&request);
    request.seed = profile->frames_profiled;
    request.privacy = (enum ifl_privacy)(profile->frames_seen % 3);
    request.k = IFL_K_MIN;
    MUST(ifl_request_check(&request, &error) == IFL_OK);
    enum ifl_result result = ifl_engine_analytic.generate(self, &request, &made, &error);
    fuzz_must_explain(result, &error);
    MUST((result == IFL_OK) == (made.image != NULL));
    ifl_synthetic_fini(&made);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct ifl_profile *profile = fuzz_load_profile(bytes, count);
    struct ifl_error error;
    void *self = NULL;
    if (profile && is_small(profile)) {
        enum ifl_result result = ifl_engine_analytic.create(profile, &self, &error);
        fuzz_must_explain(result, &error);
        if (result == IFL_OK) {
            generate(profile, self);
            ifl_engine_analytic.destroy(self);
        }
    }
    ifl_profile_unref(profile);
    return 0;
}
