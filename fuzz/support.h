// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. Each target is one function that takes any bytes; it is linked with
// standalone.c, which replays files, or with libFuzzer, which makes them up.
//
// A target asks more than that nothing crashes: MUST states what holds whatever the input.
#ifndef IFL_FUZZ_SUPPORT_H
#define IFL_FUZZ_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inferloop/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#define MUST(condition) fuzz_must((condition), #condition, __FILE__, __LINE__)
void fuzz_must(bool condition, const char *text, const char *file, int line);

// The bytes up to the first 0 as a text that fits its memory, so that reading on is seen. free()
// it.
char *fuzz_text(const uint8_t *bytes, size_t count);
// Cuts off the text up to the next newline and moves on behind it; NULL at the end.
char *fuzz_line(char **rest);
// A failure has its result and a sentence.
void fuzz_must_explain(enum ifl_result result, const struct ifl_error *error);
bool fuzz_is_utf8(const char *text);

#endif
