// SPDX-License-Identifier: Apache-2.0
// The journal of incidents: one for a pipeline.
//
// In: reports of the rooms, from any thread. Out: copies, newest first, and counts by source and
// kind. Bounded: IFL_JOURNAL_MAX incidents (those that ended longest ago give way first), pictures
// with the newest IFL_JOURNAL_PICTURES. Begin and clear each write one log line; an incident that
// is brought up to date writes none. A NULL journal takes every report and keeps nothing.
#ifndef IFL_CORE_JOURNAL_H
#define IFL_CORE_JOURNAL_H

#include <stdbool.h>

#include "base/clock.h"
#include "inferloop/incident.h"

enum { IFL_JOURNAL_MAX = 256, IFL_JOURNAL_PICTURES = 32, IFL_JOURNAL_SOURCES = 64 };

struct ifl_journal;
struct ifl_journal *ifl_journal_create(const struct ifl_clock *clock); // NULL: out of memory
void ifl_journal_destroy(struct ifl_journal *journal);                 // takes NULL

// Begins it, or brings the lasting one of this source and kind up to date (severity, cause, text,
// region, features, and pictures where given). Takes references to the pictures. Returns its id.
uint64_t ifl_journal_report(struct ifl_journal *journal, const struct ifl_incident *incident);
// The common case: kind and cause with a sentence, severity from the table, begun now.
uint64_t ifl_journal_note(struct ifl_journal *journal, const char *source,
                          enum ifl_incident_kind kind, const char *cause, const char *format, ...)
    IFL_PRINTF(5, 6);
// Ends the lasting one; no-op where there is none.
void ifl_journal_clear(struct ifl_journal *journal, const char *source,
                       enum ifl_incident_kind kind);
bool ifl_journal_lasts(struct ifl_journal *journal, const char *source,
                       enum ifl_incident_kind kind);
// The source has left: ends its incidents and forgets its counts.
void ifl_journal_leave(struct ifl_journal *journal, const char *source);
// Drops pictures of [since, until) of the wall clock, of one source or (NULL) of all.
void ifl_journal_forget(struct ifl_journal *journal, const char *source, int64_t since_wall_ns,
                        int64_t until_wall_ns);

struct ifl_journal_filter {
    const char *source;     // NULL: any
    int kind;               // -1: any
    bool lasting;           // only those that last
    uint64_t changed_after; // only those changed after this serial; 0: any
};
// Newest first; at most `most`, each to be ifl_incident_fini'd. Returns how many.
int ifl_journal_read(struct ifl_journal *journal, const struct ifl_journal_filter *filter,
                     struct ifl_incident *incidents, int most);
bool ifl_journal_find(struct ifl_journal *journal, uint64_t id, struct ifl_incident *incident);
uint64_t ifl_journal_serial(struct ifl_journal *journal); // grows with each change

// How many began of each kind, and which last; returns how many sources there are.
struct ifl_journal_counts {
    char source[IFL_SOURCE_NAME_MAX];
    uint64_t begun[IFL_INCIDENT_COUNT];
    bool lasts[IFL_INCIDENT_COUNT];
};
int ifl_journal_count(struct ifl_journal *journal, struct ifl_journal_counts *counts, int most);

#endif
