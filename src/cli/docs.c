// SPDX-License-Identifier: Apache-2.0
// Reference pages out of the program's own tables, so that they cannot drift from it.
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/flow.h"
#include "generate/builtin.h"
#include "http/counters.h"
#include "inferloop/features.h"
#include "monitor/process.h"
#include "pipeline/metrics.h"
#include "version.h"

static void options_page(void)
{
    puts("# Options\n\nMade by `inferloop docs options` from the options table. Each option is a "
         "flag, "
         "an environment\nvariable and a key of the YAML file given by `--config`. Later ones win: "
         "default, file, environment,\nflag. HTTP: what the API may do with it.\n\n"
         "| Option | Variable | Default | Range | HTTP | Meaning |\n|---|---|---|---|---|---|");
    for (int i = 0; i < IFL_OPTION_COUNT; i++) {
        const struct ifl_option_row *row = ifl_option_row(i);
        char variable[64];
        ifl_option_variable(row, variable);
        printf("| `--%s`", row->name);
        if (row->short_flag)
            printf(", `-%c`", row->short_flag);
        printf(" | `%s`", variable);
        if (row->environment)
            printf(", `%s`", row->environment);
        printf(" | %s | ", row->default_text);
        if (row->choices)
            for (const char *c = row->choices; *c; c++)
                printf("%s", *c == '|' ? ", " : (char[]){*c, 0});
        else if (row->greatest > 0)
            printf("%g to %g%s%s", row->least, row->greatest, row->unit[0] ? " " : "", row->unit);
        else
            printf("%s", row->unit);
        printf(" | %s | %s |\n",
               row->http & IFL_HTTP_SET ? "set"
               : row->http              ? "see"
                                        : "-",
               row->help);
    }
}

static void print_metrics(const struct ifl_metric *table, int count)
{
    for (int i = 0; i < count; i++)
        printf("| `%s` | %s | %s | %s |\n", table[i].name, ifl_metric_kind_name(table[i].kind),
               table[i].labels, table[i].help);
}

static void metrics_page(void)
{
    puts("# Metrics\n\nMade by `inferloop docs metrics` from the metric tables; served at "
         "`/metrics`.\n\n| Metric | Kind | Labels | Meaning |\n|---|---|---|---|");
    int count;
    const struct ifl_metric *table = ifl_pipeline_metric_table(&count);
    print_metrics(table, count);
    table = ifl_http_metrics(&count);
    print_metrics(table, count);
    table = ifl_monitor_process_metrics(&count);
    print_metrics(table, count);
    puts("\n## Why packets are dropped\n\n| Reason | Meaning |\n|---|---|");
#define DROP(name, text, sentence) printf("| `%s` | %s |\n", text, sentence);
    IFL_DROPS(DROP)
#undef DROP
    puts("\n## Why images are rejected\n\n| Reason | Meaning |\n|---|---|");
#define REJECTION(name, text, sentence) printf("| `%s` | %s |\n", text, sentence);
    IFL_REJECTIONS(REJECTION)
#undef REJECTION
}

static void errors_page(void)
{
    puts("# Errors\n\nMade by `inferloop docs errors` from the error table. The same code is the C "
         "result, the JSON\n`error.code`, the HTTP status and the exit code.\n\n"
         "| Code | Value | HTTP | Exit | Meaning |\n|---|---|---|---|---|");
#define ROW(name, value, http, exit_code, sentence)                                                \
    printf("| `%s` | %d | %d | %d | %s |\n", #name, value, http, exit_code, sentence);
    IFL_RESULTS(ROW)
#undef ROW
}

static void features_page(void)
{
    puts("# Features\n\nMade by `inferloop docs features` from the feature table. Y is full-range "
         "BT.601 luma, 0 to 255.\nValues are clamped to their range and never NaN.\n\n"
         "| Feature | Unit | Range | Definition |\n|---|---|---|---|");
    for (int i = 0; i < IFL_FEATURE_COUNT; i++) {
        const struct ifl_feature_row *row = ifl_feature_row((enum ifl_feature)i);
        printf("| `%s` | %s | %g to %g | %s |\n", row->name, row->unit, row->least, row->greatest,
               row->definition);
    }
}

static void prompts_page(void)
{
    char *text = ifl_prompt_document();
    if (text)
        fputs(text, stdout);
    free(text);
}

static void man_page(void)
{
    printf(".TH INFERLOOP 1 \"\" \"inferloop %s\" \"User Commands\"\n.SH NAME\ninferloop \\- "
           "real-time "
           "synthetic images that look like your cameras\n.SH SYNOPSIS\n.B inferloop\n.I command\n"
           "[\\fIoptions\\fR]\n.SH COMMANDS\n",
           IFL_VERSION);
    for (const struct ifl_command *command = ifl_commands; command->name; command++)
        printf(".TP\n.B %s %s\n%s\n", command->name, command->words, command->help);
    puts(".SH OPTIONS");
    for (int i = 0; i < IFL_OPTION_COUNT; i++) {
        const struct ifl_option_row *row = ifl_option_row(i);
        char variable[64];
        ifl_option_variable(row, variable);
        printf(".TP\n.B \\-\\-%s %s\n%s (environment: %s)\n", row->name, row->unit, row->help,
               variable);
    }
    puts(".SH EXIT STATUS");
#define EXIT_ROW(name, value, http, exit_code, sentence)                                           \
    if ((value) <= 0)                                                                              \
        printf(".TP\n.B %d\n%s\n", exit_code, sentence);
    IFL_RESULTS(EXIT_ROW)
#undef EXIT_ROW
}

static const struct {
    const char *name;
    void (*print)(void);
} pages[] = {
    {"options", options_page},   {"metrics", metrics_page}, {"errors", errors_page},
    {"features", features_page}, {"prompts", prompts_page}, {"man", man_page},
};

enum ifl_result ifl_command_docs(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (!strcmp(arguments->word[0], pages[i].name)) {
            pages[i].print();
            return IFL_OK;
        }
    return ifl_fail(
        error, IFL_ERR_INVALID, "config",
        "there is no page \"%.40s\"; give options, metrics, errors, features, prompts or "
        "man",
        arguments->word[0]);
}
