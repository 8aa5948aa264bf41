// SPDX-License-Identifier: Apache-2.0
// The command line: one file a command, one row a command, options from the options table.
#ifndef IFL_CLI_CLI_H
#define IFL_CLI_CLI_H

#include <signal.h>

#include <jansson.h>

#include "core/options.h"

enum { IFL_POSITIONALS_MAX = 16 };

// What the command line said, all layers of options applied.
struct ifl_arguments {
    struct ifl_config *config;
    int count; // words that are no options
    const char *word[IFL_POSITIONALS_MAX];
    char *line;                        // of standard input, where a word was "-"
    const struct ifl_command *command; // as they were parsed; argv stays the caller's
    int argc;
    char **argv;
};

struct ifl_command {
    const char *name;
    unsigned mask;     // IFL_FOR_...: whose options it takes
    const char *words; // what else it takes, for the help: "SOURCE"
    int least, most;   // how many words
    const char *help;
    enum ifl_result (*run)(const struct ifl_arguments *arguments, struct ifl_error *error);
};
extern const struct ifl_command ifl_commands[]; // ends with a NULL name

// Fills `arguments`; ifl_arguments_fini either way.
enum ifl_result ifl_arguments_parse(const struct ifl_command *command, int argc, char **argv,
                                    struct ifl_arguments *arguments,
                                    struct ifl_error *error) IFL_CHECK_RESULT;
// The same once more, for what a file may say by now; what was read from standard input stays.
enum ifl_result ifl_arguments_again(const struct ifl_arguments *first, struct ifl_arguments *again,
                                    struct ifl_error *error) IFL_CHECK_RESULT;
// Refuses words that hold a password: whoever is on this machine reads them in the process list.
enum ifl_result ifl_arguments_check(int argc, char *const *argv,
                                    struct ifl_error *error) IFL_CHECK_RESULT;
void ifl_arguments_fini(struct ifl_arguments *arguments);

// SIGINT and SIGTERM go to sigtimedwait of the calling thread alone; call before threads start.
void ifl_block_signals(sigset_t *signals);

// Prints `object` as one JSON document on standard output and releases it.
enum ifl_result ifl_print_json(json_t *object, struct ifl_error *error) IFL_CHECK_RESULT;
// The pipeline's summary for people; pipeline/summary.h has it as JSON.
void ifl_summary_print(const struct ifl_summary *summary, FILE *out);

enum ifl_result ifl_command_run(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_profile(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_generate(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_validate(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_replay(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_probe(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_bench(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_erase(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_config(const struct ifl_arguments *, struct ifl_error *);
enum ifl_result ifl_command_docs(const struct ifl_arguments *, struct ifl_error *);

#endif
