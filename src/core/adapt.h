// SPDX-License-Identifier: Apache-2.0
// Adaptation rules: from the live profile to what the next image is asked for.
//
//     [CONDITION {and CONDITION} =>] SETTING {; SETTING}
//
// A condition compares two expressions by < <= > >=, or names a source (source = cam). A setting
// is guidance-scale or a target of `struct ifl_request` and an expression, or prompt and words.
// Expressions are numbers, + - * / ( ), and the names that docs/adaptation.md lists. A rule without
// condition always holds.
//
// In: texts of rules, a profile, the request so far. Out: the request, and which rules have
// changed it. Nothing is kept or allocated; any thread.
#ifndef IFL_CORE_ADAPT_H
#define IFL_CORE_ADAPT_H

#include "inferloop/generate.h"

// IFL_OK, or IFL_ERR_INVALID with what is wrong in it: its grammar, a name, a number out of range.
enum ifl_result ifl_adapt_check(const char *rule, struct ifl_error *error) IFL_CHECK_RESULT;

// Applies, in their order, the rules that hold: words are added to the prompt, of numbers the last
// one counts, kept in its range and to six digits (so that a record holds all of it). Rules must
// have been checked. `adapted` gets the texts of those that were applied, " | " between them, and
// ends in " ..." where they do not fit.
enum { IFL_ADAPTED_MAX = sizeof((struct ifl_synthetic *)0)->adapted };
void ifl_adapt(char *const *rules, int count, const struct ifl_profile *profile,
               struct ifl_request *request, char adapted[IFL_ADAPTED_MAX]);

#endif
