// SPDX-License-Identifier: Apache-2.0
#include "pipeline/roster.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ifl_roster {
    pthread_mutex_t lock;
    struct ifl_roll roll; // a reference each
};

struct ifl_roster *ifl_roster_create(void)
{
    struct ifl_roster *roster = calloc(1, sizeof *roster);
    if (roster)
        pthread_mutex_init(&roster->lock, NULL);
    return roster;
}

void ifl_roster_destroy(struct ifl_roster *roster)
{
    if (!roster)
        return;
    ifl_roll_drop(&roster->roll);
    pthread_mutex_destroy(&roster->lock);
    free(roster);
}

// Under the lock; NULL: the first. -1: there is none.
static int place_of(const struct ifl_roster *roster, const char *name)
{
    for (int i = 0; i < roster->roll.count; i++)
        if (!name || !strcmp(name, ifl_channel_name(roster->roll.channel[i])))
            return i;
    return -1;
}

enum ifl_result ifl_roster_add(struct ifl_roster *roster, struct ifl_channel *channel,
                               struct ifl_error *error)
{
    const char *name = ifl_channel_name(channel);
    enum ifl_result result = IFL_OK;
    pthread_mutex_lock(&roster->lock);
    if (place_of(roster, name) >= 0)
        result = ifl_fail(error, IFL_ERR_IN_USE, "pipeline",
                          "there is a source \"%s\" already; give another name, or change that one",
                          name);
    else if (roster->roll.count == IFL_LIST_MAX)
        result =
            ifl_fail(error, IFL_ERR_BUSY, "pipeline",
                     "there are %d sources, which is the most; remove one first", IFL_LIST_MAX);
    else
        roster->roll.channel[roster->roll.count++] = channel;
    pthread_mutex_unlock(&roster->lock);
    return result;
}

struct ifl_channel *ifl_roster_replace(struct ifl_roster *roster, const char *name,
                                       struct ifl_channel *other)
{
    struct ifl_channel *found = NULL;
    struct ifl_roll *roll = &roster->roll;
    pthread_mutex_lock(&roster->lock);
    int place = place_of(roster, name);
    if (place >= 0) {
        found = roll->channel[place];
        roll->channel[place] = other;
    }
    if (found && !other) {
        roll->count--;
        memmove(&roll->channel[place], &roll->channel[place + 1],
                (size_t)(roll->count - place) * sizeof roll->channel[0]);
    }
    pthread_mutex_unlock(&roster->lock);
    return found;
}

struct ifl_channel *ifl_roster_find(struct ifl_roster *roster, const char *name)
{
    pthread_mutex_lock(&roster->lock);
    int place = place_of(roster, name);
    struct ifl_channel *found = place < 0 ? NULL : ifl_channel_ref(roster->roll.channel[place]);
    pthread_mutex_unlock(&roster->lock);
    return found;
}

void ifl_roster_call(struct ifl_roster *roster, struct ifl_roll *roll)
{
    pthread_mutex_lock(&roster->lock);
    roll->count = roster->roll.count;
    for (int i = 0; i < roll->count; i++)
        roll->channel[i] = ifl_channel_ref(roster->roll.channel[i]);
    pthread_mutex_unlock(&roster->lock);
}

void ifl_roll_drop(struct ifl_roll *roll)
{
    while (roll->count > 0)
        ifl_channel_unref(roll->channel[--roll->count]);
}
