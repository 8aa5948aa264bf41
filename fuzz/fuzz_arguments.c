// SPDX-License-Identifier: Apache-2.0
// The command line: a word a line, as `inferloop run` takes them.
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum { WORDS_MAX = 64 };

static const struct ifl_command command = {
    .name = "run", .mask = IFL_FOR_RUN, .words = "", .least = 0, .most = IFL_POSITIONALS_MAX};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    char *text = fuzz_text(bytes, count), *rest = text, *word[WORDS_MAX], *line;
    int words = 0;
    bool reads = false; // a file, or the prompt from standard input
    for (; words < WORDS_MAX && (line = fuzz_line(&rest)); words++) {
        word[words] = line;
        reads |= strstr(line, "config") || !strcmp(line, "-") || strstr(line, "=-");
    }
    if (!reads) {
        struct ifl_arguments arguments;
        struct ifl_error error;
        enum ifl_result result = ifl_arguments_parse(&command, words, word, &arguments, &error);
        fuzz_must_explain(result, &error);
        MUST(result != IFL_OK || arguments.count <= IFL_POSITIONALS_MAX);
        for (int i = 0; result == IFL_OK && i < arguments.count; i++)
            MUST(arguments.word[i] != NULL);
        ifl_arguments_fini(&arguments);
    }
    free(text);
    return 0;
}
