// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/internal.h"
#include "pipeline/ladder.h"
#include "pipeline/metrics.h"

#define METRICS(X)                                                                                 \
    X(ingested, COUNTER, "inferloop_ingested_images_total", "source",                              \
      "Frames that ingest passed on.")                                                             \
    X(edge_packets, COUNTER, "inferloop_edge_packets_total", "source,from,to,outcome,reason",      \
      "Packets of an edge by outcome: received = passed + dropped (reason) + in flight.")          \
    X(edge_in_flight, GAUGE, "inferloop_edge_in_flight", "source,from,to,state",                   \
      "Packets of an edge that wait or are being worked on.")                                      \
    X(source_state, GAUGE, "inferloop_source_state", "source,state",                               \
      "1 for the state a source is in, else 0.")                                                   \
    X(last_frame, GAUGE, "inferloop_source_last_frame_timestamp_seconds", "source",                \
      "Wall clock of the newest frame of a source, 0 before the first.")                           \
    X(last_age, GAUGE, "inferloop_source_last_frame_age_seconds", "source",                        \
      "Since the newest good frame of a source; NaN before the first.")                            \
    X(rate, GAUGE, "inferloop_source_frames_per_second", "source",                                 \
      "Good frames that came from a source over the last seconds, measured.")                      \
    X(failures, COUNTER, "inferloop_source_failures_total", "source",                              \
      "Connections of a source that failed or could not be made.")                                 \
    X(breaker, GAUGE, "inferloop_source_breaker_open", "source",                                   \
      "1 after five failures in 30 s until a connection holds for ten seconds, else 0.")           \
    X(analysed, GAUGE, "inferloop_source_analysed_share", "source,depth",                          \
      "Share of a source's frames of which statistics are taken (light) and that are analysed in " \
      "full (full), over the last seconds.")                                                       \
    X(rung, GAUGE, "inferloop_source_rung", "source,rung",                                         \
      "1 for how much of a source is analysed now, else 0.")                                       \
    X(lag, GAUGE, "inferloop_source_lag_seconds", "source",                                        \
      "How far pictures of a live source are behind the least that they were since it connected; " \
      "NaN: not known.")                                                                           \
    X(busy, GAUGE, "inferloop_source_busy_share", "source",                                        \
      "Share of the last second that decoding a live source did not wait for data; NaN: not "      \
      "known.")                                                                                    \
    X(held, COUNTER, "inferloop_source_held_frames_total", "source",                               \
      "Frames that did not show the scene and were kept out of the profile.")                      \
    X(capture_to_profile, HISTOGRAM, "inferloop_capture_to_profile_seconds", "source",             \
      "From a frame's capture until it is in the profile.")                                        \
    X(profiles, COUNTER, "inferloop_profiles_published_total", "source", "Profiles published.")    \
    X(images, COUNTER, "inferloop_images_total", "outcome",                                        \
      "Synthetic images: requested = delivered + rejected + failed + in flight.")                  \
    X(in_flight, GAUGE, "inferloop_images_in_flight", "", "Synthetic images being made.")          \
    X(rejections, COUNTER, "inferloop_rejections_total", "reason",                                 \
      "Attempts that validation rejected.")                                                        \
    X(easing, GAUGE, "inferloop_generate_easing", "step",                                          \
      "1 for what is asked of generation at each interval, 0 otherwise.")                          \
    X(likeness, GAUGE, "inferloop_likeness_ratio", "",                                             \
      "Likeness ratio of the newest images; about 1: like the stream, above 1.5: not.")            \
    X(audit_images, GAUGE, "inferloop_audit_images", "source,verdict",                             \
      "The newest 64 finished images of a source by the verdict on their last try; none: "         \
      "delivered.")                                                                                \
    X(audit_event_share, GAUGE, "inferloop_audit_largest_event_share", "source,statistic",         \
      "Largest share of a delivered image's foreground from a single event; median and worst of "  \
      "the newest 64, as all audits.")                                                             \
    X(audit_support, GAUGE, "inferloop_audit_support", "source,events,statistic",                  \
      "Share of a delivered image's foreground that was seen in at least so many events.")         \
    X(audit_verbatim, GAUGE, "inferloop_audit_verbatim_pixels", "source,statistic",                \
      "Largest region of a delivered image that is copied from one memory frame.")                 \
    X(audit_nearest, GAUGE, "inferloop_audit_nearest_rms", "source,statistic",                     \
      "Distance of a delivered image to its nearest memory frame, grey levels of 255.")            \
    X(incidents, COUNTER, "inferloop_incidents_total", "source,kind",                              \
      "Incidents that have begun.")                                                                \
    X(incident_active, GAUGE, "inferloop_incident_active", "source,kind",                          \
      "1 while an incident of this kind lasts, else 0.")                                           \
    X(latency, GAUGE, "inferloop_processing_latency_seconds", "",                                  \
      "From a frame's capture to an image's delivery, without waiting for the generate interval.")

enum {
#define ENUM(id, kind, name, labels, help) METRIC_##id,
    METRICS(ENUM)
#undef ENUM
        METRIC_COUNT
};

static const struct ifl_metric table[] = {
#define ROW(id, kind, name, labels, help) {name, IFL_METRIC_##kind, labels, help},
    METRICS(ROW)
#undef ROW
};

const struct ifl_metric *ifl_pipeline_metric_table(int *count)
{
    *count = METRIC_COUNT;
    return table;
}

static void emit(struct ifl_metrics_writer *writer, int metric, const char *const *labels,
                 double value)
{
    ifl_metric_emit(writer, &table[metric], labels, value);
}

static void collect_edges(struct ifl_metrics_writer *writer, const struct ifl_summary *summary)
{
    for (int i = 0; i < summary->edges; i++) {
        const struct ifl_flow_row *row = &summary->edge[i];
        const char *labels[] = {row->source, row->from, row->to, "received", ""};
        emit(writer, METRIC_edge_packets, labels, (double)row->received);
        labels[3] = "passed";
        emit(writer, METRIC_edge_packets, labels, (double)row->passed);
        labels[3] = "dropped";
        for (int r = 0; r < row->reasons; r++) {
            labels[4] = row->dropped[r].reason;
            emit(writer, METRIC_edge_packets, labels, (double)row->dropped[r].count);
        }
    }
    for (int i = 0; i < summary->edges; i++) {
        const struct ifl_flow_row *row = &summary->edge[i];
        const char *labels[] = {row->source, row->from, row->to, "waiting"};
        emit(writer, METRIC_edge_in_flight, labels, (double)row->waiting);
        labels[3] = "busy";
        emit(writer, METRIC_edge_in_flight, labels, (double)row->busy);
    }
}

static void collect_states(struct ifl_metrics_writer *writer, const struct ifl_source_status *row)
{
    for (int state = 0; state <= IFL_SOURCE_STOPPED; state++) {
        const char *labels[] = {row->name, ifl_source_state_name((enum ifl_source_state)state)};
        emit(writer, METRIC_source_state, labels, (int)row->state == state);
    }
}

static void collect_easing(struct ifl_metrics_writer *writer, enum ifl_easing_step now)
{
    for (int step = 0; step < IFL_EASING_COUNT; step++) {
        const char *labels[] = {ifl_easing_row((enum ifl_easing_step)step)->name};
        emit(writer, METRIC_easing, labels, step == (int)now);
    }
}

static void collect_rungs(struct ifl_metrics_writer *writer, const struct ifl_source_status *row)
{
    for (int rung = 0; rung < IFL_RUNG_COUNT; rung++) {
        const char *labels[] = {row->name, ifl_rung_name((enum ifl_rung)rung)};
        emit(writer, METRIC_rung, labels, strcmp(row->rung, labels[1]) == 0);
    }
}

static void collect_analysed(struct ifl_metrics_writer *writer, const struct ifl_source_status *row)
{
    const char *labels[] = {row->name, "light"};
    emit(writer, METRIC_analysed, labels, row->analysed_share);
    labels[1] = "full";
    emit(writer, METRIC_analysed, labels, row->complete_share);
}

// Which metric a figure of the audit is, and its second label.
static const struct {
    int metric;
    const char *events;
} audit_rows[IFL_AUDIT_FIGURE_COUNT] = {
    [IFL_AUDIT_largest_event_share] = {METRIC_audit_event_share, NULL},
    [IFL_AUDIT_support_1] = {METRIC_audit_support, "1"},
    [IFL_AUDIT_support_2] = {METRIC_audit_support, "2"},
    [IFL_AUDIT_support_4] = {METRIC_audit_support, "4"},
    [IFL_AUDIT_verbatim_pixels] = {METRIC_audit_verbatim, NULL},
    [IFL_AUDIT_nearest_rms] = {METRIC_audit_nearest, NULL},
};

static void collect_audit(struct ifl_metrics_writer *writer, const struct ifl_source_status *row,
                          int figure)
{
    const struct ifl_audit_summary *audit = &row->audit;
    const char *events = audit_rows[figure].events;
    for (int worst = 0; worst < 2; worst++) {
        const char *statistic = worst ? "worst" : "median";
        const char *labels[] = {row->name, events ? events : statistic, statistic};
        emit(writer, audit_rows[figure].metric, labels,
             worst ? audit->worst[figure] : audit->median[figure]);
    }
}

static void collect_verdicts(struct ifl_metrics_writer *writer, const struct ifl_source_status *row)
{
    for (int v = 0; v < IFL_REJECTION_COUNT; v++) {
        const char *labels[] = {row->name, ifl_rejection_name((enum ifl_rejection)v)};
        emit(writer, METRIC_audit_images, labels, row->audit.verdict[v]);
    }
}

static double wall_of_age(double age_seconds)
{
    return isnan(age_seconds) ? 0 : floor(((double)time(NULL) - age_seconds) * 1000) / 1000;
}

static void collect_sources(struct ifl_metrics_writer *writer, struct ifl_pipeline *pipeline)
{
    struct ifl_source_status row[IFL_LIST_MAX];
    struct ifl_roll roll;
    ifl_roster_call(pipeline->roster, &roll);
    int count = roll.count;
    for (int i = 0; i < count; i++) {
        ifl_channel_status(roll.channel[i], &row[i]);
        ifl_studio_audit(pipeline->studio, roll.channel[i], &row[i].audit);
    }
    const char *label[1];
#define EACH(metric, value)                                                                        \
    for (int i = 0; i < count; i++) {                                                              \
        label[0] = row[i].name;                                                                    \
        emit(writer, metric, label, (double)(value));                                              \
    }
    EACH(METRIC_ingested, row[i].frames)
    for (int i = 0; i < count; i++)
        collect_states(writer, &row[i]);
    EACH(METRIC_last_frame, wall_of_age(row[i].last_frame_age_seconds))
    EACH(METRIC_last_age, row[i].last_frame_age_seconds)
    EACH(METRIC_rate, row[i].rate)
    EACH(METRIC_failures, row[i].failures)
    EACH(METRIC_breaker, row[i].breaker_open)
    for (int i = 0; i < count; i++)
        collect_analysed(writer, &row[i]);
    for (int i = 0; i < count; i++)
        collect_rungs(writer, &row[i]);
    EACH(METRIC_lag, row[i].lag_seconds)
    EACH(METRIC_busy, row[i].busy_share)
    EACH(METRIC_held, row[i].held)
    for (int i = 0; i < count; i++) {
        struct ifl_metric_histogram histogram;
        ifl_channel_latencies(roll.channel[i], &histogram);
        label[0] = row[i].name;
        ifl_metric_emit_histogram(writer, &table[METRIC_capture_to_profile], label, &histogram);
    }
    EACH(METRIC_profiles, ifl_channel_profiles(roll.channel[i]))
    for (int i = 0; i < count; i++)
        collect_verdicts(writer, &row[i]);
    for (int i = 0; i < count * IFL_AUDIT_FIGURE_COUNT; i++)
        collect_audit(writer, &row[i % count], i / count);
#undef EACH
    ifl_roll_drop(&roll);
}

static void collect_images(struct ifl_metrics_writer *writer, const struct ifl_summary *summary)
{
    const struct {
        const char *outcome;
        uint64_t count;
    } outcomes[] = {{"requested", summary->requested},
                    {"delivered", summary->delivered},
                    {"rejected", summary->rejected},
                    {"failed", summary->failed}};
    for (int i = 0; i < 4; i++)
        emit(writer, METRIC_images, &outcomes[i].outcome, (double)outcomes[i].count);
    emit(writer, METRIC_in_flight, NULL, (double)summary->in_flight);
    for (int i = 0; i < summary->reasons; i++)
        emit(writer, METRIC_rejections, &summary->rejected_by[i].reason,
             (double)summary->rejected_by[i].count);
}

// Of the kinds that there have been.
static void collect_incidents(struct ifl_metrics_writer *writer, struct ifl_journal *journal,
                              int metric)
{
    struct ifl_journal_counts *counts = calloc(IFL_JOURNAL_SOURCES, sizeof *counts);
    int sources = counts ? ifl_journal_count(journal, counts, IFL_JOURNAL_SOURCES) : 0;
    for (int i = 0; i < sources * IFL_INCIDENT_COUNT; i++) {
        const struct ifl_journal_counts *of = &counts[i / IFL_INCIDENT_COUNT];
        enum ifl_incident_kind kind = (enum ifl_incident_kind)(i % IFL_INCIDENT_COUNT);
        const char *labels[] = {of->source, ifl_incident_row(kind)->name};
        if (of->begun[kind])
            emit(writer, metric, labels,
                 metric == METRIC_incidents ? (double)of->begun[kind] : of->lasts[kind]);
    }
    free(counts);
}

void ifl_pipeline_collect(struct ifl_metrics_writer *writer, void *context)
{
    struct ifl_pipeline *pipeline = context;
    struct ifl_summary *summary = malloc(sizeof *summary);
    if (!summary)
        return;
    ifl_pipeline_summary(pipeline, summary);
    collect_sources(writer, pipeline);
    collect_edges(writer, summary);
    collect_images(writer, summary);
    collect_incidents(writer, pipeline->journal, METRIC_incidents);
    collect_incidents(writer, pipeline->journal, METRIC_incident_active);
    emit(writer, METRIC_likeness, NULL, summary->likeness);
    collect_easing(writer, ifl_studio_easing(pipeline->studio));
    emit(writer, METRIC_latency, NULL, ifl_studio_latency(pipeline->studio));
    free(summary);
}
