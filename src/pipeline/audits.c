// SPDX-License-Identifier: Apache-2.0
#include "pipeline/audits.h"

#include <math.h>
#include <stdlib.h>

static const bool worst_is_greatest[IFL_AUDIT_FIGURE_COUNT] = {
#define WORST(name, unit, greatest, help) greatest,
    IFL_AUDIT_FIGURES(WORST)
#undef WORST
};

void ifl_audits_add(struct ifl_audits *audits, const struct ifl_synthetic *synthetic)
{
    struct ifl_audit_entry *entry = &audits->entry[audits->added++ % IFL_AUDIT_WINDOW];
    bool delivered = synthetic->rejection == IFL_REJECT_NONE;
    entry->verdict = synthetic->rejection;
#define TAKE(name, unit, greatest, help)                                                           \
    entry->figure[IFL_AUDIT_##name] =                                                              \
        delivered && synthetic->audit.name >= 0 ? (double)synthetic->audit.name : NAN;
    IFL_AUDIT_FIGURES(TAKE)
#undef TAKE
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The lower one of the two in the middle: always one that was measured.
static void summarise(const struct ifl_audits *audits, int count, int figure,
                      struct ifl_audit_summary *summary)
{
    double value[IFL_AUDIT_WINDOW];
    int known = 0;
    for (int i = 0; i < count; i++)
        if (!isnan(audits->entry[i].figure[figure]))
            value[known++] = audits->entry[i].figure[figure];
    qsort(value, (size_t)known, sizeof value[0], by_value);
    summary->median[figure] = known ? value[(known - 1) / 2] : NAN;
    summary->worst[figure] = known ? value[worst_is_greatest[figure] ? known - 1 : 0] : NAN;
}

void ifl_audits_summary(const struct ifl_audits *audits, struct ifl_audit_summary *summary)
{
    int count = audits->added < IFL_AUDIT_WINDOW ? (int)audits->added : IFL_AUDIT_WINDOW;
    *summary = (struct ifl_audit_summary){.images = count};
    for (int i = 0; i < count; i++)
        summary->verdict[audits->entry[i].verdict]++;
    for (int f = 0; f < IFL_AUDIT_FIGURE_COUNT; f++)
        summarise(audits, count, f, summary);
}
