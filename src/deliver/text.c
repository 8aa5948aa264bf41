// SPDX-License-Identifier: Apache-2.0
#include "deliver/text.h"

#include <stdint.h>
#include <string.h>

static bool follows(const unsigned char *text, size_t count)
{
    for (size_t i = 1; i <= count; i++)
        if ((text[i] & 0xc0) != 0x80)
            return false;
    return true;
}

// Overlong forms, surrogates and what lies beyond Unicode are refused; so are U+FFFE and U+FFFF,
// which XML does not allow.
static bool allowed(const unsigned char *t, size_t count)
{
    if (count == 2)
        return true;
    if (count == 3)
        return !(t[0] == 0xe0 && t[1] < 0xa0) && !(t[0] == 0xed && t[1] > 0x9f) &&
               !(t[0] == 0xef && t[1] == 0xbf && t[2] >= 0xbe);
    return !(t[0] == 0xf0 && t[1] < 0x90) && !(t[0] == 0xf4 && t[1] > 0x8f);
}

size_t ifl_text_character(const unsigned char *text, size_t bytes)
{
    if (!bytes)
        return 0;
    if (text[0] < 0x80)
        return 1;
    size_t count = text[0] >= 0xc2 && text[0] <= 0xdf   ? 2
                   : text[0] >= 0xe0 && text[0] <= 0xef ? 3
                   : text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
                                                        : 0;
    if (!count || count > bytes || !follows(text, count - 1) || !allowed(text, count))
        return 0;
    return count;
}

size_t ifl_text_clean(const char *in, size_t in_bytes, char *out, size_t out_bytes)
{
    const unsigned char *at = (const unsigned char *)in;
    size_t left = in ? strnlen(in, in_bytes) : 0, used = 0;
    while (left) {
        size_t count = ifl_text_character(at, left), taken = count ? count : 1;
        if (used + taken >= out_bytes)
            break;
        if (!count)
            out[used] = '?';
        else if (count == 1 && (at[0] < 0x20 || at[0] == 0x7f))
            out[used] = ' ';
        else
            memcpy(out + used, at, count);
        used += taken;
        at += taken;
        left -= taken;
    }
    out[used] = 0;
    return used;
}
