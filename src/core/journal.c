// SPDX-License-Identifier: Apache-2.0
#include "core/journal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const struct ifl_incident_row rows[IFL_INCIDENT_COUNT] = {
#define ROW(name, text, realm, severity, sentence)                                                 \
    {text, IFL_REALM_##realm, IFL_SEVERITY_##severity, sentence},
    IFL_INCIDENTS(ROW)
#undef ROW
};

const struct ifl_incident_row *ifl_incident_row(enum ifl_incident_kind kind)
{
    return &rows[kind];
}

#define NAME(name, text) text,
const char *ifl_incident_realm_name(enum ifl_incident_realm realm)
{
    static const char *const names[] = {IFL_INCIDENT_REALMS(NAME)};
    return names[realm];
}

const char *ifl_severity_name(enum ifl_severity severity)
{
    static const char *const names[] = {IFL_SEVERITIES(NAME)};
    return names[severity];
}
#undef NAME

void ifl_incident_fini(struct ifl_incident *incident)
{
    ifl_image_unref(incident->before);
    ifl_image_unref(incident->after);
    incident->before = incident->after = NULL;
}

struct entry {
    struct ifl_incident incident;
    uint64_t changed; // serial of its last change
};

struct ifl_journal {
    const struct ifl_clock *clock;
    pthread_mutex_t lock; // over all that follows
    uint64_t ids, serial;
    int count, sources;
    struct entry entry[IFL_JOURNAL_MAX]; // in the order of their ids
    struct ifl_journal_counts counts[IFL_JOURNAL_SOURCES];
};

struct ifl_journal *ifl_journal_create(const struct ifl_clock *clock)
{
    struct ifl_journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return NULL;
    journal->clock = clock;
    pthread_mutex_init(&journal->lock, NULL);
    return journal;
}

void ifl_journal_destroy(struct ifl_journal *journal)
{
    if (!journal)
        return;
    for (int i = 0; i < journal->count; i++)
        ifl_incident_fini(&journal->entry[i].incident);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

// ---- under the lock ----

static struct ifl_journal_counts *counts_of(struct ifl_journal *journal, const char *source,
                                            bool make)
{
    for (int i = 0; i < journal->sources; i++)
        if (strcmp(journal->counts[i].source, source) == 0)
            return &journal->counts[i];
    if (!make || journal->sources == IFL_JOURNAL_SOURCES)
        return NULL;
    struct ifl_journal_counts *made = &journal->counts[journal->sources++];
    *made = (struct ifl_journal_counts){0};
    memcpy(made->source, source, strnlen(source, sizeof made->source - 1));
    return made;
}

static struct entry *find_lasting(struct ifl_journal *journal, const char *source,
                                  enum ifl_incident_kind kind)
{
    for (int i = journal->count - 1; i >= 0; i--) {
        struct ifl_incident *incident = &journal->entry[i].incident;
        if (!incident->cleared_wall_ns && incident->kind == kind &&
            strcmp(incident->source, source) == 0)
            return &journal->entry[i];
    }
    return NULL;
}

static void remove_entry(struct ifl_journal *journal, int index)
{
    ifl_incident_fini(&journal->entry[index].incident);
    journal->count--;
    memmove(&journal->entry[index], &journal->entry[index + 1],
            (size_t)(journal->count - index) * sizeof journal->entry[0]);
}

// The one that ended longest ago; the oldest where all last.
static void make_room(struct ifl_journal *journal)
{
    if (journal->count < IFL_JOURNAL_MAX)
        return;
    int oldest = 0;
    int64_t ended = INT64_MAX;
    for (int i = 0; i < journal->count; i++) {
        int64_t at = journal->entry[i].incident.cleared_wall_ns;
        if (at && at < ended) {
            ended = at;
            oldest = i;
        }
    }
    remove_entry(journal, oldest);
}

static void drop_pictures(struct ifl_journal *journal)
{
    int kept = 0;
    for (int i = journal->count - 1; i >= 0; i--) {
        struct ifl_incident *incident = &journal->entry[i].incident;
        if ((incident->before || incident->after) && ++kept > IFL_JOURNAL_PICTURES)
            ifl_incident_fini(incident);
    }
}

static void replace_picture(struct ifl_image **to, struct ifl_image *from)
{
    if (!from)
        return;
    ifl_image_ref(from);
    ifl_image_unref(*to);
    *to = from;
}

static void update(struct ifl_incident *to, const struct ifl_incident *from)
{
    to->severity = from->severity;
    memcpy(to->cause, from->cause, sizeof to->cause);
    memcpy(to->text, from->text, sizeof to->text);
    memcpy(to->region, from->region, sizeof to->region);
    to->features = from->features;
    memcpy(to->feature, from->feature, sizeof to->feature);
    replace_picture(&to->before, from->before);
    replace_picture(&to->after, from->after);
}

static struct entry *begin(struct ifl_journal *journal, const struct ifl_incident *incident)
{
    make_room(journal);
    struct entry *entry = &journal->entry[journal->count++];
    struct ifl_incident *made = &entry->incident;
    *made = *incident;
    made->id = ++journal->ids;
    made->noticed_wall_ns = ifl_wall_ns(journal->clock);
    made->cleared_wall_ns = 0;
    if (!made->begun_wall_ns)
        made->begun_wall_ns = made->noticed_wall_ns;
    if (made->before)
        ifl_image_ref(made->before);
    if (made->after)
        ifl_image_ref(made->after);
    struct ifl_journal_counts *counts = counts_of(journal, made->source, true);
    if (counts) {
        counts->begun[made->kind]++;
        counts->lasts[made->kind] = true;
    }
    return entry;
}

static void end(struct ifl_journal *journal, struct entry *entry)
{
    struct ifl_incident *incident = &entry->incident;
    incident->cleared_wall_ns = ifl_wall_ns(journal->clock);
    entry->changed = ++journal->serial;
    struct ifl_journal_counts *counts = counts_of(journal, incident->source, false);
    if (counts)
        counts->lasts[incident->kind] = false;
}

// ---- outside the lock ----

static void log_begin(const struct ifl_incident *incident, uint64_t id)
{
    static const enum ifl_log_level levels[] = {IFL_LOG_INFO, IFL_LOG_WARNING, IFL_LOG_ERROR};
    ifl_log(levels[incident->severity], "incident.begun", incident->source, "%s%s%s: %s (id %llu)",
            rows[incident->kind].name, incident->cause[0] ? ", " : "", incident->cause,
            incident->text[0] ? incident->text : rows[incident->kind].sentence,
            (unsigned long long)id);
}

static void log_end(const struct ifl_incident *incident, double seconds)
{
    ifl_log(IFL_LOG_INFO, "incident.cleared", incident->source, "%s is over after %.1f s (id %llu)",
            rows[incident->kind].name, seconds, (unsigned long long)incident->id);
}

uint64_t ifl_journal_report(struct ifl_journal *journal, const struct ifl_incident *incident)
{
    if (!journal)
        return 0;
    pthread_mutex_lock(&journal->lock);
    struct entry *entry = find_lasting(journal, incident->source, incident->kind);
    bool is_new = !entry;
    if (entry)
        update(&entry->incident, incident);
    else
        entry = begin(journal, incident);
    entry->changed = ++journal->serial;
    uint64_t id = entry->incident.id;
    drop_pictures(journal);
    pthread_mutex_unlock(&journal->lock);
    if (is_new)
        log_begin(incident, id);
    return id;
}

uint64_t ifl_journal_note(struct ifl_journal *journal, const char *source,
                          enum ifl_incident_kind kind, const char *cause, const char *format, ...)
{
    struct ifl_incident incident = {.kind = kind, .severity = rows[kind].severity};
    snprintf(incident.source, sizeof incident.source, "%s", source);
    snprintf(incident.cause, sizeof incident.cause, "%s", cause);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(incident.text, sizeof incident.text, format, arguments);
    va_end(arguments);
    return ifl_journal_report(journal, &incident);
}

void ifl_journal_clear(struct ifl_journal *journal, const char *source, enum ifl_incident_kind kind)
{
    if (!journal)
        return;
    struct ifl_incident ended;
    pthread_mutex_lock(&journal->lock);
    struct entry *entry = find_lasting(journal, source, kind);
    if (entry) {
        end(journal, entry);
        ended = entry->incident; // its pictures are not touched outside the lock
    }
    pthread_mutex_unlock(&journal->lock);
    if (entry)
        log_end(&ended, (double)(ended.cleared_wall_ns - ended.begun_wall_ns) / 1e9);
}

bool ifl_journal_lasts(struct ifl_journal *journal, const char *source, enum ifl_incident_kind kind)
{
    if (!journal)
        return false;
    pthread_mutex_lock(&journal->lock);
    bool lasts = find_lasting(journal, source, kind) != NULL;
    pthread_mutex_unlock(&journal->lock);
    return lasts;
}

void ifl_journal_leave(struct ifl_journal *journal, const char *source)
{
    if (!journal)
        return;
    for (int kind = 0; kind < IFL_INCIDENT_COUNT; kind++)
        ifl_journal_clear(journal, source, (enum ifl_incident_kind)kind);
    pthread_mutex_lock(&journal->lock);
    struct ifl_journal_counts *counts = counts_of(journal, source, false);
    if (counts)
        *counts = journal->counts[--journal->sources];
    pthread_mutex_unlock(&journal->lock);
}

void ifl_journal_forget(struct ifl_journal *journal, const char *source, int64_t since_wall_ns,
                        int64_t until_wall_ns)
{
    if (!journal)
        return;
    pthread_mutex_lock(&journal->lock);
    for (int i = 0; i < journal->count; i++) {
        struct ifl_incident *incident = &journal->entry[i].incident;
        if ((!source || strcmp(incident->source, source) == 0) &&
            incident->begun_wall_ns >= since_wall_ns && incident->begun_wall_ns < until_wall_ns)
            ifl_incident_fini(incident);
    }
    pthread_mutex_unlock(&journal->lock);
}

// ---- readers ----

static bool matches(const struct entry *entry, const struct ifl_journal_filter *filter)
{
    const struct ifl_incident *incident = &entry->incident;
    return (!filter->source || strcmp(filter->source, incident->source) == 0) &&
           (filter->kind < 0 || filter->kind == (int)incident->kind) &&
           (!filter->lasting || !incident->cleared_wall_ns) &&
           entry->changed > filter->changed_after;
}

static void copy(const struct entry *entry, struct ifl_incident *to)
{
    *to = entry->incident;
    if (to->before)
        ifl_image_ref(to->before);
    if (to->after)
        ifl_image_ref(to->after);
}

int ifl_journal_read(struct ifl_journal *journal, const struct ifl_journal_filter *filter,
                     struct ifl_incident *incidents, int most)
{
    int count = 0;
    pthread_mutex_lock(&journal->lock);
    for (int i = journal->count - 1; i >= 0 && count < most; i--)
        if (matches(&journal->entry[i], filter))
            copy(&journal->entry[i], &incidents[count++]);
    pthread_mutex_unlock(&journal->lock);
    return count;
}

bool ifl_journal_find(struct ifl_journal *journal, uint64_t id, struct ifl_incident *incident)
{
    bool found = false;
    pthread_mutex_lock(&journal->lock);
    for (int i = 0; i < journal->count && !found; i++)
        if (journal->entry[i].incident.id == id) {
            copy(&journal->entry[i], incident);
            found = true;
        }
    pthread_mutex_unlock(&journal->lock);
    return found;
}

uint64_t ifl_journal_serial(struct ifl_journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    uint64_t serial = journal->serial;
    pthread_mutex_unlock(&journal->lock);
    return serial;
}

int ifl_journal_count(struct ifl_journal *journal, struct ifl_journal_counts *counts, int most)
{
    pthread_mutex_lock(&journal->lock);
    int count = journal->sources < most ? journal->sources : most;
    memcpy(counts, journal->counts, (size_t)count * sizeof *counts);
    pthread_mutex_unlock(&journal->lock);
    return count;
}
