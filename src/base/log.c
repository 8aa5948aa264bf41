// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/hash.h"

enum { SLOTS = 64, BURST = 5, PERIOD_S = 10 };

// One counter per (id, source), found by hash; a collision only limits a little earlier.
struct limiter {
    uint64_t key;
    time_t period; // monotonic: a wall clock that is set back must not silence anything
    unsigned lines, held_back;
};

static struct {
    pthread_mutex_t lock;
    enum ifl_log_level least;
    enum ifl_log_format format;
    struct limiter limiter[SLOTS];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .least = IFL_LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void ifl_log_setup(enum ifl_log_level least, enum ifl_log_format format)
{
    pthread_mutex_lock(&logger.lock);
    logger.least = least;
    logger.format = format;
    pthread_mutex_unlock(&logger.lock);
}

// True if the line may be written; *held_back says how many were not since the last one.
static bool admit(const char *id, const char *source, time_t now, unsigned *held_back)
{
    uint64_t key =
        ifl_hash_bytes(id, strlen(id), source ? ifl_hash_bytes(source, strlen(source), 0) : 0);
    struct limiter *slot = &logger.limiter[key % SLOTS];
    *held_back = 0;
    if (slot->key != key || now - slot->period >= PERIOD_S) {
        *held_back = slot->key == key ? slot->held_back : 0;
        *slot = (struct limiter){.key = key, .period = now};
    }
    if (slot->lines >= BURST) {
        slot->held_back++;
        return false;
    }
    slot->lines++;
    return true;
}

static void write_json(const char *time, enum ifl_log_level level, const char *id,
                       const char *source, const char *text, unsigned held_back)
{
    json_t *line = json_pack("{ss ss ss ss* ss}", "time", time, "level", level_names[level], "id",
                             id, "source", source, "message", text);
    if (line && held_back)
        json_object_set_new(line, "held_back", json_integer(held_back));
    char *dump = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (dump)
        fprintf(stderr, "%s\n", dump);
    free(dump);
    json_decref(line);
}

static void write_text(const char *time, enum ifl_log_level level, const char *id,
                       const char *source, const char *text, unsigned held_back)
{
    char held[48] = "";
    if (held_back)
        snprintf(held, sizeof held, " (%u more held back)", held_back);
    fprintf(stderr, "%s %-7s %s%s%s: %s%s\n", time, level_names[level], id, source ? " " : "",
            source ? source : "", text, held);
}

void ifl_log(enum ifl_log_level level, const char *id, const char *source, const char *format, ...)
{
    if (level < logger.least)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);

    struct timespec now, running;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_MONOTONIC, &running);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char time[32], stamp[48];
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp, sizeof stamp, "%s.%03ldZ", time, now.tv_nsec / 1000000);
    if (source && !source[0])
        source = NULL;

    pthread_mutex_lock(&logger.lock);
    unsigned held_back;
    if (admit(id, source, running.tv_sec, &held_back)) {
        if (logger.format == IFL_LOG_JSON)
            write_json(stamp, level, id, source, text, held_back);
        else
            write_text(stamp, level, id, source, text, held_back);
    }
    pthread_mutex_unlock(&logger.lock);
}

void ifl_log_error(const char *id, const struct ifl_error *error)
{
    ifl_log(IFL_LOG_ERROR, id, error->source, "%s", error->text);
}
