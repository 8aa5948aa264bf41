/* SPDX-License-Identifier: Apache-2.0 */
/* Validation: does an image hold what was promised? In: made images. Out: scores, audit, verdict.
 *
 * A validator is bound to one profile; `check` may run on several threads at once. Definitions:
 * docs/architecture.md. */
#ifndef INFERLOOP_VALIDATE_H
#define INFERLOOP_VALIDATE_H

#include "inferloop/generate.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ifl_validator;
IFL_API enum ifl_result ifl_validator_create(const struct ifl_profile *profile,
                                             struct ifl_validator **validator,
                                             struct ifl_error *error) IFL_CHECK_RESULT;
/* Fills scores, validation's part of the audit, and the rejection. */
IFL_API enum ifl_result ifl_validator_check(const struct ifl_validator *validator,
                                            struct ifl_synthetic *synthetic,
                                            struct ifl_error *error) IFL_CHECK_RESULT;
IFL_API void ifl_validator_destroy(struct ifl_validator *validator); /* takes NULL */

/* The likeness ratio of a set of images to the profile's memory: sliced Wasserstein distance on
 * patches, over the 95 % value between time blocks of real frames. About 1 or less: like a fresh
 * real block; accepted up to 1.5. Sets *ratio to NAN where there are fewer than 8 time blocks or
 * fewer images than a block has frames, and says so in `note`. */
IFL_API enum ifl_result ifl_likeness(const struct ifl_validator *validator,
                                     struct ifl_image *const *images, int count, double *ratio,
                                     char note[160], struct ifl_error *error) IFL_CHECK_RESULT;

#ifdef __cplusplus
}
#endif
#endif
