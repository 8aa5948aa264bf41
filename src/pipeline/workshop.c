// SPDX-License-Identifier: Apache-2.0
#include "pipeline/workshop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct ifl_workshop {
    int refs;
    struct ifl_profile *profile;
    const struct ifl_engine_plugin *plugin;
    void *engine;
    struct ifl_validator *validator;
};

enum ifl_result ifl_workshop_create(const struct ifl_profile *profile,
                                    const struct ifl_engine_plugin *engine,
                                    struct ifl_workshop **workshop, struct ifl_error *error)
{
    struct ifl_workshop *made = calloc(1, sizeof *made);
    if (!made)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "generate", "no memory for a generator");
    made->refs = 1;
    made->profile = ifl_profile_ref(profile);
    made->plugin = engine;
    enum ifl_result result = engine->create(profile, &made->engine, error);
    if (result == IFL_OK)
        result = ifl_validator_create(profile, &made->validator, error);
    if (result != IFL_OK) {
        ifl_workshop_unref(made);
        return result;
    }
    *workshop = made;
    return IFL_OK;
}

struct ifl_workshop *ifl_workshop_ref(struct ifl_workshop *workshop)
{
    __atomic_add_fetch(&workshop->refs, 1, __ATOMIC_RELAXED);
    return workshop;
}

void ifl_workshop_unref(struct ifl_workshop *workshop)
{
    if (!workshop || __atomic_sub_fetch(&workshop->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ifl_validator_destroy(workshop->validator);
    workshop->plugin->destroy(workshop->engine);
    ifl_profile_unref(workshop->profile);
    free(workshop);
}

const struct ifl_profile *ifl_workshop_profile(const struct ifl_workshop *workshop)
{
    return workshop->profile;
}

const struct ifl_validator *ifl_workshop_validator(const struct ifl_workshop *workshop)
{
    return workshop->validator;
}

// The seed of attempt 1 is the one asked for; later ones are scattered, so that neighbouring
// requests do not try each other's seeds. 63 bits, as every seed in a record.
static uint64_t seed_of_attempt(uint64_t seed, int attempt)
{
    return attempt == 1 ? seed : ifl_hash_mix(seed ^ ifl_hash_mix((uint64_t)attempt)) >> 1;
}

static double seconds_since(const struct ifl_clock *clock, int64_t start_ns)
{
    return (double)(ifl_now_ns(clock) - start_ns) / (double)IFL_SECOND_NS;
}

static void label(const struct ifl_workshop *workshop, const struct ifl_clock *clock,
                  struct ifl_synthetic *synthetic)
{
    const struct ifl_profile *profile = workshop->profile;
    snprintf(synthetic->engine, sizeof synthetic->engine, "%s", workshop->plugin->head.name);
    snprintf(synthetic->profile_id, sizeof synthetic->profile_id, "%s", profile->id);
    snprintf(synthetic->source, sizeof synthetic->source, "%s", profile->source);
    snprintf(synthetic->licence, sizeof synthetic->licence, "%s", profile->licence);
    synthetic->created_wall_ns = ifl_wall_ns(clock);
    synthetic->likeness = NAN;
}

static enum ifl_result attempt_once(struct ifl_workshop *workshop, const struct ifl_making *making,
                                    struct ifl_synthetic *synthetic, struct ifl_error *error)
{
    int64_t start_ns = ifl_now_ns(making->clock);
    enum ifl_result result =
        workshop->plugin->generate(workshop->engine, &synthetic->request, synthetic, error);
    if (result != IFL_OK)
        return result;
    synthetic->generate_seconds = seconds_since(making->clock, start_ns);
    label(workshop, making->clock, synthetic);
    start_ns = ifl_now_ns(making->clock);
    result = ifl_validator_check(workshop->validator, synthetic, error);
    synthetic->validate_seconds = seconds_since(making->clock, start_ns);
    return result;
}

enum ifl_result ifl_workshop_make(struct ifl_workshop *workshop, const struct ifl_request *request,
                                  const struct ifl_making *making, struct ifl_synthetic *synthetic,
                                  struct ifl_error *error)
{
    memset(synthetic, 0, sizeof *synthetic);
    for (int attempt = 1; attempt <= making->attempts; attempt++) {
        ifl_synthetic_fini(synthetic);
        memset(synthetic, 0, sizeof *synthetic);
        synthetic->request = *request;
        synthetic->request.seed = seed_of_attempt(request->seed, attempt);
        synthetic->attempt = attempt;
        ifl_edge_enter(making->edge);
        enum ifl_result result = attempt_once(workshop, making, synthetic, error);
        if (result != IFL_OK) {
            ifl_edge_drop(making->edge, IFL_DROP_ERROR);
            return result;
        }
        if (synthetic->rejection == IFL_REJECT_NONE) {
            ifl_edge_pass(making->edge);
            return IFL_OK;
        }
        ifl_edge_drop(making->edge, IFL_DROP_REJECTED);
        ifl_ledger_attempt_rejected(making->ledger, (int)synthetic->rejection);
    }
    return ifl_fail(
        error, IFL_ERR_REJECTED, "validate",
        "none of %d seeds gave an acceptable image (last reason: %s); try another seed, "
        "weaker guidance, or wait until more of the stream has been seen",
        making->attempts, ifl_rejection_name(synthetic->rejection));
}
