// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"

void ifl_block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

enum ifl_result ifl_print_json(json_t *object, struct ifl_error *error)
{
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    if (!text)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, "cli", "no memory for the output");
    puts(text);
    free(text);
    if (fflush(stdout) != 0)
        return ifl_fail(error, IFL_ERR_IO, "cli", "cannot write to standard output");
    return IFL_OK;
}

static void print_edge(const struct ifl_flow_row *row, FILE *out)
{
    fprintf(out, "  %-16s %-8s -> %-8s %8llu in, %8llu passed on", row->source, row->from, row->to,
            (unsigned long long)row->received, (unsigned long long)row->passed);
    for (int i = 0; i < row->reasons; i++)
        fprintf(out, ", %llu dropped: %s", (unsigned long long)row->dropped[i].count,
                row->dropped[i].reason);
    fputc('\n', out);
}

void ifl_summary_print(const struct ifl_summary *summary, FILE *out)
{
    fputs("frames and requests\n", out);
    for (int i = 0; i < summary->edges; i++)
        print_edge(&summary->edge[i], out);
    fprintf(out, "images\n  %llu requested, %llu delivered, %llu rejected, %llu failed\n",
            (unsigned long long)summary->requested, (unsigned long long)summary->delivered,
            (unsigned long long)summary->rejected, (unsigned long long)summary->failed);
    for (int i = 0; i < summary->reasons; i++)
        fprintf(out, "  %llu attempts rejected: %s\n",
                (unsigned long long)summary->rejected_by[i].count, summary->rejected_by[i].reason);
    if (!isnan(summary->likeness))
        fprintf(out, "  likeness ratio %.2f\n", summary->likeness);
}
