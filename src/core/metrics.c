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

void ifl_metric_emit(struct ifl_metrics_writer *writer, const struct ifl_metric *metric,
                     const char *const *labels, double value)
{
    if (writer->current != metric) {
        writer->current = metric;
        fprintf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                metric->name, metric->kind == IFL_METRIC_COUNTER ? "counter" : "gauge");
    }
    fputs(metric->name, writer->out);
    write_labels(writer->out, metric->labels, labels);
    if (isnan(value))
        fputs(" NaN\n", writer->out);
    else
        fprintf(writer->out, " %.17g\n", value);
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
