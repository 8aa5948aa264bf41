// SPDX-License-Identifier: Apache-2.0
// A workshop makes accepted images from one profile: engine and validator bound to it, and the rule
// that a rejected image is made anew with another seed a bounded number of times.
// Reference-counted; `make` may run on several threads at once.
#ifndef IFL_PIPELINE_WORKSHOP_H
#define IFL_PIPELINE_WORKSHOP_H

#include "base/clock.h"
#include "core/flow.h"
#include "inferloop/validate.h"

struct ifl_workshop;
enum ifl_result ifl_workshop_create(const struct ifl_profile *profile,
                                    const struct ifl_engine_plugin *engine,
                                    struct ifl_workshop **workshop,
                                    struct ifl_error *error) IFL_CHECK_RESULT;
struct ifl_workshop *ifl_workshop_ref(struct ifl_workshop *workshop);
void ifl_workshop_unref(struct ifl_workshop *workshop); // takes NULL
const struct ifl_profile *ifl_workshop_profile(const struct ifl_workshop *workshop);
const struct ifl_validator *ifl_workshop_validator(const struct ifl_workshop *workshop);

struct ifl_making {
    int attempts;          // seeds to try, >= 1
    struct ifl_edge *edge; // generate -> validate, depth 0
    struct ifl_ledger *ledger;
    const struct ifl_clock *clock;
};
// IFL_OK: *synthetic holds an accepted image, its request the seed that made it.
// IFL_ERR_REJECTED: the last attempt is in *synthetic with its reason. ifl_synthetic_fini either.
enum ifl_result ifl_workshop_make(struct ifl_workshop *workshop, const struct ifl_request *request,
                                  const struct ifl_making *making, struct ifl_synthetic *synthetic,
                                  struct ifl_error *error) IFL_CHECK_RESULT;

#endif
