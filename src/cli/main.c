// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "version.h"

enum { FOR_COMMON = 512 }; // options that every command takes

static enum ifl_result command_version(const struct ifl_arguments *arguments,
                                       struct ifl_error *error)
{
    if (arguments->config->json)
        return ifl_print_json(
            json_pack("{ss si}", "version", IFL_VERSION, "plugin_abi", IFL_PLUGIN_ABI), error);
    printf("inferloop %s (plug-in interface %d)\n", IFL_VERSION, IFL_PLUGIN_ABI);
    return IFL_OK;
}

static enum ifl_result command_help(const struct ifl_arguments *arguments, struct ifl_error *error);

const struct ifl_command ifl_commands[] = {
    {"run", IFL_FOR_RUN, "", 0, 0, "watch sources, keep their profiles, deliver synthetic images",
     ifl_command_run},
    {"profile", IFL_FOR_PROFILE, "SOURCE -o FILE | show FILE | validate FILE | reset SOURCE", 1, 2,
     "make a profile of a clip, folder or stream; show one, check one, or forget a kept one",
     ifl_command_profile},
    {"generate", IFL_FOR_GENERATE, "--profile FILE", 0, 0, "make images from a profile",
     ifl_command_generate},
    {"validate", IFL_FOR_VALIDATE, "DIR --profile FILE", 1, 1,
     "check the images of a dataset against a profile", ifl_command_validate},
    {"replay", IFL_FOR_REPLAY, "IMAGE --profile FILE", 1, 1,
     "make an image of a dataset anew and compare: the same, or where it differs",
     ifl_command_replay},
    {"probe", IFL_FOR_PROBE, "SOURCE", 1, 1, "open a source, read one frame, say what it is",
     ifl_command_probe},
    {"erase", IFL_FOR_ERASE, "", 0, 0,
     "remove kept pictures: all, of a --source, or of a span of time", ifl_command_erase},
    {"bench", FOR_COMMON, "", 0, 0, "time the pipeline's parts on this machine", ifl_command_bench},
    {"config", IFL_FOR_ALL, "show", 1, 1, "show each effective option and where it came from",
     ifl_command_config},
    {"docs", FOR_COMMON, "options|metrics|errors|features|prompts|man", 1, 1,
     "print a reference page made from the program's own tables", ifl_command_docs},
    {"version", FOR_COMMON, "", 0, 0, "show the version", command_version},
    {"help", FOR_COMMON, "[COMMAND]", 0, 1, "show this help, or that of a command", command_help},
    {0},
};

static const struct ifl_command *find_command(const char *name)
{
    for (const struct ifl_command *command = ifl_commands; command->name; command++)
        if (!strcmp(command->name, name))
            return command;
    return NULL;
}

static void print_option(const struct ifl_option_row *row)
{
    char flag[64];
    snprintf(flag, sizeof flag, "--%s%s%s", row->name, row->unit[0] ? " " : "", row->unit);
    printf("  %-32s %s", flag, row->help);
    if (row->choices)
        printf(" (%s)", row->choices);
    if (row->default_text[0])
        printf(" [%s]", row->default_text);
    putchar('\n');
}

static enum ifl_result command_help(const struct ifl_arguments *arguments, struct ifl_error *error)
{
    if (!arguments->count) {
        puts("inferloop: real-time synthetic images that look like your cameras\n\nCommands:");
        for (const struct ifl_command *command = ifl_commands; command->name; command++)
            printf("  %-10s %s\n", command->name, command->help);
        puts("\n`inferloop help COMMAND` lists a command's options.");
        return IFL_OK;
    }
    const struct ifl_command *command = find_command(arguments->word[0]);
    if (!command)
        return ifl_fail(error, IFL_ERR_INVALID, "config", "there is no command \"%.40s\"",
                        arguments->word[0]);
    printf("inferloop %s %s\n%s\n\n", command->name, command->words, command->help);
    for (int i = 0; i < IFL_OPTION_COUNT; i++)
        if (ifl_option_row(i)->commands & command->mask)
            print_option(ifl_option_row(i));
    return IFL_OK;
}

static enum ifl_result dispatch(int argc, char **argv, bool *json, struct ifl_error *error)
{
    const char *name = argc > 1 ? argv[1] : "help";
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        name = "help";
    if (!strcmp(name, "--version"))
        name = "version";
    enum ifl_result result = ifl_arguments_check(argc, argv, error);
    if (result != IFL_OK)
        return result;
    const struct ifl_command *command = find_command(name);
    if (!command)
        return ifl_fail(error, IFL_ERR_INVALID, "config",
                        "there is no command \"%.40s\"; `inferloop help` lists the commands", name);
    for (int i = 2; i < argc; i++) // for a help that is always at hand
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return command_help(&(struct ifl_arguments){.count = 1, .word = {name}}, error);
    struct ifl_arguments arguments;
    int words = argc > 2 ? argc - 2 : 0;
    result = ifl_arguments_parse(command, words, argv + argc - words, &arguments, error);
    if (result == IFL_OK) {
        *json = arguments.config->json;
        ifl_log_setup((enum ifl_log_level)arguments.config->log_level,
                      (enum ifl_log_format)arguments.config->log_format);
        result = command->run(&arguments, error);
    }
    ifl_arguments_fini(&arguments);
    return result;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    struct ifl_error error = {0};
    bool json = false;
    enum ifl_result result = dispatch(argc, argv, &json, &error);
    if ((fflush(stdout) != 0 || ferror(stdout)) && result >= 0) // a report that got lost
        result = ifl_fail(&error, IFL_ERR_IO, "cli", "cannot write to standard output");
    if (result < 0 && json) {
        json_t *object =
            json_pack("{s{ss ss}}", "error", "code", ifl_result_name(result), "message",
                      error.text[0] ? error.text : ifl_result_sentence(result));
        if (ifl_print_json(object, NULL) != IFL_OK)
            fputs("inferloop: out of memory\n", stderr);
    } else if (result < 0) {
        fprintf(stderr, "inferloop: %s\n",
                error.text[0] ? error.text : ifl_result_sentence(result));
    }
    return ifl_result_exit_code(result);
}
