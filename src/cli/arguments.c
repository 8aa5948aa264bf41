// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/secrets.h"

static const char stage[] = "config";

// One option on the command line: "--name value", "--name=value", "-n value", "--switch",
// "--no-switch".
struct flag {
    int option;
    const char *value;
    int used; // words of argv
};

static enum ifl_result unknown(const char *word, const struct ifl_command *command,
                               struct ifl_error *error)
{
    return ifl_fail(error, IFL_ERR_INVALID, stage,
                    "%s has no option %.60s; `inferloop help %s` lists its options", command->name,
                    word, command->name);
}

static int find_short(char letter)
{
    for (int i = 0; i < IFL_OPTION_COUNT; i++)
        if (ifl_option_row(i)->short_flag == letter)
            return i;
    return -1;
}

static bool is_switch(int option)
{
    return option >= 0 && ifl_option_row(option)->type == IFL_OPTION_SWITCH;
}

static enum ifl_result read_flag(const struct ifl_command *command, int argc, char **argv, int at,
                                 struct flag *flag, struct ifl_error *error)
{
    const char *word = argv[at];
    *flag = (struct flag){.option = -1, .used = 1};
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        flag->option = ifl_option_find(word + 2, length);
        if (word[2 + length] == '=')
            flag->value = word + 3 + length;
        if (flag->option < 0 && !strncmp(word, "--no-", 5) &&
            is_switch(ifl_option_find(word + 5, strlen(word + 5)))) {
            flag->option = ifl_option_find(word + 5, strlen(word + 5));
            flag->value = "no";
        }
    } else if (!word[2]) {
        flag->option = find_short(word[1]);
    }
    if (flag->option < 0 || !(ifl_option_row(flag->option)->commands & command->mask))
        return unknown(word, command, error);
    if (!flag->value && is_switch(flag->option))
        flag->value = "yes";
    if (!flag->value) {
        if (at + 1 == argc)
            return ifl_fail(error, IFL_ERR_INVALID, stage, "%s needs a value", word);
        flag->value = argv[at + 1];
        flag->used = 2;
    }
    return IFL_OK;
}

// The prompt on standard input, without its last newline.
static enum ifl_result read_prompt(struct ifl_config *config, struct ifl_error *error)
{
    char text[IFL_PROMPT_MAX + 1];
    size_t have = 0;
    ssize_t got;
    while (have < sizeof text && (got = read(STDIN_FILENO, text + have, sizeof text - have)) > 0)
        have += (size_t)got;
    if (have >= IFL_PROMPT_MAX)
        return ifl_fail(error, IFL_ERR_TOO_LARGE, stage,
                        "the prompt on standard input has more than %d bytes; shorten it",
                        IFL_PROMPT_MAX - 1);
    while (have && (text[have - 1] == '\n' || text[have - 1] == '\r'))
        have--;
    text[have] = 0;
    return ifl_option_set(config, IFL_OPTION_ID_prompt, text, IFL_FROM_FLAG, error);
}

// ---- what must not be an argument ----

static bool is_secret_name(const char *name, size_t length)
{
    static const char *const parts[] = {"pass", "pwd", "secret", "token",
                                        "auth", "key", "sig",    "bearer"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (size_t at = 0; at + strlen(parts[i]) <= length; at++)
            if (strncasecmp(name + at, parts[i], strlen(parts[i])) == 0)
                return true;
    return false;
}

// Whether the value up to `end` only says where the secret is: ${NAME}, ${file:PATH}.
static bool is_place(const char *value, const char *end)
{
    size_t length = ifl_secrets_place(value);
    return length > 0 && value + length == end;
}

// "user:password@" behind the scheme, or a parameter like "passphrase=..." or "#bearer=...".
static bool holds_secret(const char *word)
{
    const char *rest = strstr(word, "://");
    if (!rest)
        return false;
    rest += 3;
    const char *at = strrchr(rest, '@'), *colon = strchr(rest, ':');
    bool user = at && colon && colon < at && colon + 1 < at;
    if (user && !memchr(rest, '/', (size_t)(colon - rest)) && !is_place(colon + 1, at))
        return true;
    for (rest = strpbrk(rest, "?#"); rest; rest = strpbrk(rest + 1, "&;#")) {
        size_t name = strcspn(rest + 1, "=&;#");
        const char *value = rest + 2 + name;
        if (rest[1 + name] != '=' || !*value || !is_secret_name(rest + 1, name))
            continue;
        if (!is_place(value, value + strcspn(value, "&;#")))
            return true;
    }
    return false;
}

enum ifl_result ifl_arguments_check(int argc, char *const *argv, struct ifl_error *error)
{
    for (int i = 1; i < argc; i++)
        if (holds_secret(argv[i]))
            return ifl_fail(error, IFL_ERR_INVALID, stage,
                            "word %d of the command line is a URI with a password, which "
                            "everybody on this machine could read in the process list; put it "
                            "into the variable INFERLOOP_SOURCE or a file for --config, or give "
                            "- and the URI on standard input; or write '${NAME}' or "
                            "'${file:PATH}' where it belongs",
                            i);
    return IFL_OK;
}

// ---- standard input ----

// A line of standard input, byte by byte: what follows it may be the prompt.
static enum ifl_result read_line(char **line, struct ifl_error *error)
{
    enum { LINE_MAX_BYTES = 4096 };
    char *text = calloc(1, LINE_MAX_BYTES);
    if (!text)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for standard input");
    size_t have = 0;
    while (have + 1 < LINE_MAX_BYTES && read(STDIN_FILENO, text + have, 1) == 1 &&
           text[have] != '\n')
        have++;
    bool whole = have + 1 < LINE_MAX_BYTES;
    while (have && strchr("\r ", text[have - 1]))
        have--;
    text[have] = 0;
    free(*line);
    *line = text;
    if (!have || !whole)
        return ifl_fail(error, IFL_ERR_INVALID, stage,
                        "standard input holds no line with the URI of a source");
    return IFL_OK;
}

// Each "-" where a source is meant.
static enum ifl_result read_sources(struct ifl_arguments *arguments, struct ifl_error *error)
{
    struct ifl_list *source = &arguments->config->source;
    enum ifl_result result = IFL_OK;
    for (int i = 0; i < source->count && result == IFL_OK; i++) {
        if (strcmp(source->item[i], "-") != 0)
            continue;
        free(source->item[i]);
        source->item[i] = NULL;
        result = read_line(&source->item[i], error);
    }
    if (arguments->count > 0 && arguments->word[0] && !strcmp(arguments->word[0], "-") &&
        result == IFL_OK) {
        result = read_line(&arguments->line, error);
        arguments->word[0] = arguments->line;
    }
    return result;
}

static enum ifl_result walk(const struct ifl_command *command, int argc, char **argv,
                            bool only_config, struct ifl_arguments *arguments,
                            struct ifl_error *error)
{
    enum ifl_result result = IFL_OK;
    bool flags_over = false;
    for (int at = 0; at < argc && result == IFL_OK;) {
        if (!flags_over && !strcmp(argv[at], "--")) {
            flags_over = true;
            at++;
        } else if (flags_over || argv[at][0] != '-' || !argv[at][1]) {
            if (!only_config && arguments->count < IFL_POSITIONALS_MAX)
                arguments->word[arguments->count] = argv[at];
            arguments->count += !only_config;
            at++;
        } else {
            struct flag flag;
            result = read_flag(command, argc, argv, at, &flag, error);
            if (result == IFL_OK && only_config == (flag.option == IFL_OPTION_ID_config))
                result = ifl_option_set(arguments->config, flag.option, flag.value, IFL_FROM_FLAG,
                                        error);
            at += flag.used;
        }
    }
    return result;
}

// All layers, up to what stands on standard input.
static enum ifl_result parse_layers(struct ifl_arguments *arguments, struct ifl_error *error)
{
    const struct ifl_command *command = arguments->command;
    struct ifl_config *config = arguments->config;
    int argc = arguments->argc;
    char **argv = arguments->argv;
    if (!config)
        return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for the configuration");
    const char *variable = getenv("INFERLOOP_CONFIG");
    enum ifl_result result = IFL_OK;
    if (variable)
        result =
            ifl_option_set(config, IFL_OPTION_ID_config, variable, IFL_FROM_ENVIRONMENT, error);
    if (result == IFL_OK)
        result = walk(command, argc, argv, true, arguments, error);
    if (result == IFL_OK && config->config[0])
        result = ifl_config_read_file(config, config->config, error);
    if (result == IFL_OK)
        result = ifl_config_read_environment(config, error);
    if (result == IFL_OK)
        result = walk(command, argc, argv, false, arguments, error);
    return result;
}

enum ifl_result ifl_arguments_parse(const struct ifl_command *command, int argc, char **argv,
                                    struct ifl_arguments *arguments, struct ifl_error *error)
{
    *arguments = (struct ifl_arguments){
        .config = ifl_config_create(), .command = command, .argc = argc, .argv = argv};
    struct ifl_config *config = arguments->config;
    enum ifl_result result = parse_layers(arguments, error);
    if (result == IFL_OK)
        result = read_sources(arguments, error);
    if (result == IFL_OK && !strcmp(config->prompt, "-"))
        result = read_prompt(config, error);
    if (result == IFL_OK && (arguments->count < command->least || arguments->count > command->most))
        result = ifl_fail(error, IFL_ERR_INVALID, stage, "usage: inferloop %s%s%s [options]",
                          command->name, command->words[0] ? " " : "", command->words);
    return result;
}

// What "-" stood for when standard input was read.
static enum ifl_result keep_inputs(const struct ifl_config *first, struct ifl_config *again,
                                   struct ifl_error *error)
{
    struct ifl_list *source = &again->source;
    for (int i = 0; i < source->count; i++) {
        if (strcmp(source->item[i], "-") != 0 || i >= first->source.count)
            continue;
        char *copy = strdup(first->source.item[i]);
        if (!copy)
            return ifl_fail(error, IFL_ERR_NO_MEMORY, stage, "no memory for a source");
        free(source->item[i]);
        source->item[i] = copy;
    }
    if (strcmp(again->prompt, "-") != 0)
        return IFL_OK;
    return ifl_option_set(again, IFL_OPTION_ID_prompt, first->prompt, IFL_FROM_FLAG, error);
}

enum ifl_result ifl_arguments_again(const struct ifl_arguments *first, struct ifl_arguments *again,
                                    struct ifl_error *error)
{
    *again = (struct ifl_arguments){.config = ifl_config_create(),
                                    .command = first->command,
                                    .argc = first->argc,
                                    .argv = first->argv};
    enum ifl_result result = parse_layers(again, error);
    return result == IFL_OK ? keep_inputs(first->config, again->config, error) : result;
}

void ifl_arguments_fini(struct ifl_arguments *arguments)
{
    ifl_config_destroy(arguments->config);
    free(arguments->line);
    arguments->line = NULL;
    arguments->config = NULL;
}
