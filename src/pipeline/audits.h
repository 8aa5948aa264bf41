// SPDX-License-Identifier: Apache-2.0
// What validation said of a source's newest images, as a rolling window.
//
// In: finished images, the last try of those that were rejected. Out: a summary. A window belongs
// to whoever holds its lock; nothing is allocated.
#ifndef IFL_PIPELINE_AUDITS_H
#define IFL_PIPELINE_AUDITS_H

#include "inferloop/pipeline.h"

struct ifl_audits {
    struct ifl_audit_entry {
        enum ifl_rejection verdict;
        double figure[IFL_AUDIT_FIGURE_COUNT]; // of delivered ones; NAN: not known
    } entry[IFL_AUDIT_WINDOW];
    uint64_t added; // image n is entry n % IFL_AUDIT_WINDOW
};
void ifl_audits_add(struct ifl_audits *audits, const struct ifl_synthetic *synthetic);
void ifl_audits_summary(const struct ifl_audits *audits, struct ifl_audit_summary *summary);

#endif
