// SPDX-License-Identifier: Apache-2.0
// Text from outside made fit for JSON, XML and one line: in comes what may be any bytes, out comes
// UTF-8 without control characters, cut between characters. Any thread; nothing is allocated.
#ifndef IFL_DELIVER_TEXT_H
#define IFL_DELIVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Copies at most `in_bytes` of `in` (less if a 0 comes first; `in` may be NULL) and ends with a 0.
// Control characters become spaces, bytes that are no UTF-8 become '?'. Returns the length.
size_t ifl_text_clean(const char *in, size_t in_bytes, char *out, size_t out_bytes);

// The length of the character that starts at `text` (1 to 4), or 0 if it is no valid UTF-8.
size_t ifl_text_character(const unsigned char *text, size_t bytes);

#endif
