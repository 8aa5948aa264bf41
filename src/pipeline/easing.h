// SPDX-License-Identifier: Apache-2.0
// Less asked of generation before images are lost: what the scheduler asks for while images are not
// ready when the next are due.
//
// In: at each interval, whether it is kept. Out: the step. While it is not kept it goes down a step
// every two seconds; once it is, back up one every ten. Pure arithmetic on times. One thread.
#ifndef IFL_PIPELINE_EASING_H
#define IFL_PIPELINE_EASING_H

#include <stdbool.h>
#include <stdint.h>

// name in enum, name for users, halvings of both sides, most steps of the engine a level (0: its
// own number), intervals between images, what is asked for
#define IFL_EASINGS(X)                                                                             \
    X(NONE, "none", 0, 0, 1, "as asked")                                                           \
    X(SMALLER, "smaller", 1, 0, 1, "at half the width and height")                                 \
    X(FEWER_STEPS, "fewer-steps", 1, 1, 1, "at half the width and height and in fewer steps")      \
    X(RARER, "rarer", 1, 1, 2, "at half the width and height, in fewer steps and half as often")   \
    X(RARE, "rare", 1, 1, 4, "at half the width and height, in fewer steps and a quarter as often")
enum ifl_easing_step {
#define IFL_EASING_ENUM(name, text, halvings, steps, intervals, sentence) IFL_EASING_##name,
    IFL_EASINGS(IFL_EASING_ENUM)
#undef IFL_EASING_ENUM
        IFL_EASING_COUNT
};

struct ifl_easing_row {
    const char *name, *sentence;
    int halvings, steps, intervals;
};
const struct ifl_easing_row *ifl_easing_row(enum ifl_easing_step step);

struct ifl_easing { // zero-initialised
    enum ifl_easing_step step;
    bool slow; // the interval can't be kept, or only by asking for less
    int64_t changed_ns;
};

// Whether the interval is kept now. `adaptive`: may go down. True where it is still slow and time
// to say so, again with what is asked for now.
bool ifl_easing_note(struct ifl_easing *easing, bool slow, bool adaptive, int64_t now_ns);

#endif
