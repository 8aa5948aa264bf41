// SPDX-License-Identifier: Apache-2.0
#include "pipeline/easing.h"

#include "base/clock.h"

enum { EASE_S = 2, TIGHTEN_S = 10 };

static const struct ifl_easing_row rows[] = {
#define ROW(name, text, halvings, steps, intervals, sentence)                                      \
    {text, sentence, halvings, steps, intervals},
    IFL_EASINGS(ROW)
#undef ROW
};

const struct ifl_easing_row *ifl_easing_row(enum ifl_easing_step step)
{
    return &rows[step];
}

static void go(struct ifl_easing *easing, int steps, int64_t now_ns)
{
    easing->step = (enum ifl_easing_step)((int)easing->step + steps);
    easing->changed_ns = now_ns;
}

bool ifl_easing_note(struct ifl_easing *easing, bool slow, bool adaptive, int64_t now_ns)
{
    bool was = easing->slow;
    int64_t since_ns = now_ns - easing->changed_ns;
    bool down = slow && (!was || since_ns >= EASE_S * IFL_SECOND_NS);
    bool up = !slow && easing->step > IFL_EASING_NONE && since_ns >= TIGHTEN_S * IFL_SECOND_NS;
    if (down)
        go(easing, adaptive && easing->step + 1 < IFL_EASING_COUNT ? 1 : 0, now_ns);
    else if (up)
        go(easing, -1, now_ns);
    easing->slow = slow || (was && easing->step > IFL_EASING_NONE);
    return down || (up && easing->slow);
}
