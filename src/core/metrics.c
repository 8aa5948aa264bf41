// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES_MAX = 16 };

struct ifl_metrics {
    int tables;
    struct {
        ifl_metrics_collect_fn collect;
        void *context;
    } table[TABLES_MAX];
};

struct ifl_metrics_writer {
    FILE *out;
    const struct ifl_metric *current; // whose HELP and TYPE lines are written
};

struct ifl_metrics *ifl_metrics_create(void)
{
    return calloc(1, sizeof(struct ifl_metrics));
}

void ifl_metrics_destroy(struct ifl_metrics *metrics)
{
    free(metrics);
}

enum ifl_result ifl_metrics_add(struct ifl_metrics *metrics, ifl_metrics_collect_fn collect,
                                void *context)
{
    if (metrics->tables == TABLES_MAX)
        return IFL_ERR_TOO_LARGE;
    metrics->table[metrics->tables].collect = collect;
    metrics->table[metrics->tables++].context = context;
    return IFL_OK;
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            fprintf(out, "\\%c", *text);
        else if (*text == '\n')
            fputs("\\n", out);
        else
            fputc(*text, out);
    }
}

static void write_labels(FILE *out, const char *names, const char *const *values)
{
    if (!names[0])
        return;
    char separator = '{';
    for (int i = 0; *names; i++) {
        size_t length = strcspn(names, ",");
        fprintf(out, "%c%.*s=\"", separator, (int)length, names);
        write_escaped(out, values[i]);
        fputc('"', out);
        separator = ',';
        names += length + (names[length] == ',');
    }
    fputc('}', out);
}

const char *ifl_metric_kind_name(enum ifl_metric_kind kind)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    return names[kind];
}

static void write_head(struct ifl_metrics_writer *writer, const struct ifl_metric *metric)
{
    if (writer->current == metric)
        return;
    writer->current = metric;
    fprintf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
            ifl_metric_kind_name(metric->kind));
}

static void write_value(struct ifl_metrics_writer *writer, double value)
{
    if (isnan(value))
        fputs(" NaN\n", writer->out);
    else
        fprintf(writer->out, " %.17g\n", value);
}

void ifl_metric_emit(struct ifl_metrics_writer *writer, const struct ifl_metric *metric,
                     const char *const *labels, double value)
{
    write_head(writer, metric);
    fputs(metric->name, writer->out);
    write_labels(writer->out, metric->labels, labels);
    write_value(writer, value);
}

const double ifl_histogram_bound[IFL_HISTOGRAM_BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                          0.1,   0.25,   0.5,   1,    2.5,   10};

void ifl_histogram_add(struct ifl_metric_histogram *histogram, double seconds)
{
    int bound = 0;
    while (bound < IFL_HISTOGRAM_BOUNDS && seconds > ifl_histogram_bound[bound])
        bound++;
    histogram->count[bound]++;
    histogram->sum += seconds;
}

void ifl_metric_emit_histogram(struct ifl_metrics_writer *writer, const struct ifl_metric *metric,
                               const char *const *labels,
                               const struct ifl_metric_histogram *histogram)
{
    enum { LABELS_MAX = 4 };
    char names[64], bound[32];
    const char *values[LABELS_MAX + 1] = {0};
    uint64_t below = 0;
    int own = 0;
    write_head(writer, metric);
    for (const char *at = metric->labels; *at && own < LABELS_MAX; own++) {
        values[own] = labels[own];
        at += strcspn(at, ",");
        at += *at == ',';
    }
    snprintf(names, sizeof names, "%s%sle", metric->labels, own ? "," : "");
    values[own] = bound;
    for (int i = 0; i <= IFL_HISTOGRAM_BOUNDS; i++) {
        below += histogram->count[i];
        if (i < IFL_HISTOGRAM_BOUNDS)
            snprintf(bound, sizeof bound, "%g", ifl_histogram_bound[i]);
        else
            snprintf(bound, sizeof bound, "+Inf");
        fprintf(writer->out, "%s_bucket", metric->name);
        write_labels(writer->out, names, values);
        write_value(writer, (double)below);
    }
    fprintf(writer->out, "%s_sum", metric->name);
    write_labels(writer->out, metric->labels, labels);
    write_value(writer, histogram->sum);
    fprintf(writer->out, "%s_count", metric->name);
    write_labels(writer->out, metric->labels, labels);
    write_value(writer, (double)below);
}

char *ifl_metrics_text(struct ifl_metrics *metrics)
{
    char *text = NULL;
    size_t size = 0;
    struct ifl_metrics_writer writer = {.out = open_memstream(&text, &size)};
    if (!writer.out)
        return NULL;
    for (int i = 0; i < metrics->tables; i++)
        metrics->table[i].collect(&writer, metrics->table[i].context);
    if (fclose(writer.out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
