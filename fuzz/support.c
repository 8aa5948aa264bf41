// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

void fuzz_must(bool condition, const char *text, const char *file, int line)
{
    if (condition)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    abort();
}

char *fuzz_text(const uint8_t *bytes, size_t count)
{
    const uint8_t *end = count ? memchr(bytes, 0, count) : NULL;
    size_t length = end ? (size_t)(end - bytes) : count;
    char *text = malloc(length + 1);
    MUST(text != NULL);
    if (length)
        memcpy(text, bytes, length);
    text[length] = 0;
    return text;
}

char *fuzz_line(char **rest)
{
    char *line = *rest;
    if (!line || !*line)
        return NULL;
    char *end = strchr(line, '\n');
    if (end)
        *end = 0;
    *rest = end ? end + 1 : NULL;
    return line;
}

void fuzz_must_explain(enum ifl_result result, const struct ifl_error *error)
{
    if (result >= IFL_OK)
        return;
    MUST(error->result == result);
    MUST(error->text[0] != 0);
    MUST(memchr(error->text, 0, sizeof error->text) != NULL);
}

bool fuzz_is_utf8(const char *text)
{
    json_t *string = json_string(text); // refuses what is not
    json_decref(string);
    return string != NULL;
}
