// SPDX-License-Identifier: Apache-2.0
// The roster is the list of a pipeline's channels, which may change while it runs.
//
// In: channels that come and go. Out: references, so that whoever looks at a channel (HTTP,
// metrics, the scheduler, a worker) may go on looking after it has left the list. At most
// IFL_LIST_MAX. Any thread; the lock is held for the length of a copy of pointers.
#ifndef IFL_PIPELINE_ROSTER_H
#define IFL_PIPELINE_ROSTER_H

#include "pipeline/channel.h"

struct ifl_roster;
struct ifl_roster *ifl_roster_create(void);         // NULL: out of memory
void ifl_roster_destroy(struct ifl_roster *roster); // takes NULL; drops its references

// Takes the caller's reference when IFL_OK. IFL_ERR_BUSY: the list is full, IFL_ERR_IN_USE:
// the name is taken.
enum ifl_result ifl_roster_add(struct ifl_roster *roster, struct ifl_channel *channel,
                               struct ifl_error *error) IFL_CHECK_RESULT;
// Takes it off the list, or puts `other` (whose reference it takes) in its place; returns the
// list's reference of the old one. NULL: it is not on the list; `other` stays the caller's.
struct ifl_channel *ifl_roster_replace(struct ifl_roster *roster, const char *name,
                                       struct ifl_channel *other);

// A reference by name (NULL: to the first), or NULL.
struct ifl_channel *ifl_roster_find(struct ifl_roster *roster, const char *name);
// One moment of the list, in order.
struct ifl_roll {
    struct ifl_channel *channel[IFL_LIST_MAX];
    int count;
};
void ifl_roster_call(struct ifl_roster *roster, struct ifl_roll *roll);
void ifl_roll_drop(struct ifl_roll *roll);

#endif
