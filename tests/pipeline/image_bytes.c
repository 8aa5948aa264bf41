// SPDX-License-Identifier: Apache-2.0
// Prints what a profile's images are, a line each: mode, seed, prompt, instructions, and a hash of
// the bytes, the scores and the audit. Builds by different compilers must print the same.
//   image_bytes PROFILE
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "generate/builtin.h"
#include "inferloop/validate.h"
#include "kernels/cpu.h"

static const char *const prompts[] = {"", "dark, foggy, warm tones"};
enum { SEEDS = 2, PROMPTS = sizeof prompts / sizeof prompts[0] };

static uint64_t add_number(double number, uint64_t hash)
{
    return ifl_hash_bytes(&number, sizeof number, hash);
}

static uint64_t hash_of(const struct ifl_synthetic *made)
{
    const struct ifl_image *image = made->image;
    const struct ifl_scores *scores = &made->scores;
    const struct ifl_audit *audit = &made->audit;
    const double number[] = {scores->sharpness,      scores->clipped,  scores->texture,
                             scores->seam,           scores->light,    scores->artefact,
                             scores->artefact_limit, audit->support_1, audit->verbatim_pixels,
                             audit->verbatim_limit,  made->rejection};
    uint64_t hash = ifl_hash_bytes(image->rgb, (size_t)image->width * (size_t)image->height * 3, 0);
    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++)
        hash = add_number(number[i], hash);
    return hash;
}

static enum ifl_result print_image(void *engine, const struct ifl_validator *validator, int mode,
                                   int seed, const char *prompt, struct ifl_error *error)
{
    struct ifl_synthetic made = {0};
    ifl_request_init(&made.request);
    made.request.privacy = (enum ifl_privacy)mode;
    made.request.seed = (uint64_t)seed;
    snprintf(made.request.prompt, sizeof made.request.prompt, "%s", prompt);
    enum ifl_result result = ifl_engine_analytic.generate(engine, &made.request, &made, error);
    if (result == IFL_OK)
        result = ifl_validator_check(validator, &made, error);
    if (result == IFL_OK)
        printf("%s %d '%s' %s %016llx\n", ifl_privacy_name(made.request.privacy), seed, prompt,
               ifl_cpu_level_name(ifl_cpu_level()), (unsigned long long)hash_of(&made));
    ifl_synthetic_fini(&made);
    return result;
}

static enum ifl_result print_images(const struct ifl_profile *profile, struct ifl_error *error)
{
    void *engine = NULL;
    struct ifl_validator *validator = NULL;
    enum ifl_result result = ifl_engine_analytic.create(profile, &engine, error);
    if (result == IFL_OK)
        result = ifl_validator_create(profile, &validator, error);
    for (int mode = 0; mode <= IFL_PRIVACY_K_ANONYMOUS; mode++)
        for (int i = 0; i < SEEDS * PROMPTS && result == IFL_OK; i++)
            result = print_image(engine, validator, mode, i / PROMPTS, prompts[i % PROMPTS], error);
    ifl_validator_destroy(validator);
    ifl_engine_analytic.destroy(engine);
    return result;
}

int main(int count, char **argument)
{
    struct ifl_error error = {0};
    struct ifl_profile *profile = NULL;
    if (count != 2)
        return 2;
    enum ifl_result result = ifl_profile_load(argument[1], &profile, &error);
    for (int level = 0; level <= (int)ifl_cpu_detect() && result == IFL_OK; level++) {
        ifl_cpu_force((enum ifl_cpu_level)level);
        result = print_images(profile, &error);
    }
    ifl_profile_unref(profile);
    if (result != IFL_OK)
        fprintf(stderr, "image_bytes: %s\n", error.text);
    return result == IFL_OK ? 0 : 1;
}
